"""The arithmetic of a forecast, and of what it came to."""

from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from sysgen_dagster.analysis.expected_work import PHASES, WORK
from sysgen_dagster.analysis.forecast import (
    LEAST_MEASURED,
    Basis,
    build_forecast,
    compare_with_actual,
    compute_ratios,
    summarize_forecast,
)
from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.models import Price, Rates
from sysgen_dagster.lanes.catalog import load_catalog

FIRST, THIRD, FOURTH = PHASES
PHI = load_catalog(FULL_CATALOG).models["phi-4"]
RATES = Rates(
    prompt_tokens_per_gpu_s=1000, completion_tokens_per_gpu_s=10, source="a GPU, by us, May"
)
PRICE = Price(
    currency="EUR",
    per_million_prompt=2,
    per_million_cached=1,
    per_million_completion=10,
    source="price list, May",
)


def work(*tokens: float, phase: str = FIRST, source: str = "a") -> pl.DataFrame:
    """One request a conversation, of so many tokens in and a tenth out."""
    rows = [(source, phase, 1.0, each, each / 10) for each in tokens]
    return pl.DataFrame(rows, schema=WORK, orient="row")


def basis(
    expected: pl.DataFrame,
    measured: pl.DataFrame | None = None,
    conversations: int = 1000,
    shared: int = 0,
    one_attempt: bool = True,
) -> Basis:
    to_do = expected.select("source", "phase").unique(maintain_order=True)
    return Basis(
        to_do.with_columns(conversations=conversations, of_rows=1000),
        expected,
        pl.DataFrame(schema=WORK) if measured is None else measured,
        dict.fromkeys(PHASES, shared),
        "a tokenizer",
        one_attempt,
        "what the paper says",
    )


def made(basis: Basis, **settings: Any) -> dict[str, Any]:
    return build_forecast(basis, PHI.model_copy(update=settings)).row(0, named=True)


def test_a_sample_s_mean_stands_for_all_with_a_margin() -> None:
    row = made(basis(work(*[90.0, 110.0] * 50)))
    assert (row["requests"], row["prompt_tokens"]) == (1000, 100_000)
    # 1.96 * 10.05 / 10, of 1,000 rows, a tenth of which were counted
    assert row["prompt_tokens_margin"] == pytest.approx(1.96 * 1.00504 * 1000 * 0.9**0.5, rel=1e-3)
    assert row["completion_tokens"] == pytest.approx(10_000)


def test_where_every_row_was_counted_there_is_no_margin() -> None:
    assert made(basis(work(*[90.0, 110.0] * 500)))["prompt_tokens_margin"] == 0


def test_what_is_assumed_has_no_margin_and_says_so() -> None:
    first, fourth = made(basis(work(100.0))), made(basis(work(100.0, phase=FOURTH)))
    assert first["completion_tokens_margin"] is None
    assert fourth["prompt_tokens_margin"] is None
    assert first["basis"] == "prompts counted on 1 of 1000 rows, the rest assumed"
    assert (fourth["basis"], fourth["assumed"]) == ("assumed", "what the paper says")


def test_what_is_answered_takes_the_place_of_what_is_assumed() -> None:
    answered = work(*[70.0, 90.0] * 20, phase=FOURTH)
    row = made(basis(work(100.0, phase=FOURTH), answered))
    assert (row["prompt_tokens"], row["completion_tokens"]) == (80_000, 8_000)
    assert row["completion_tokens_margin"] > 0
    assert (row["basis"], row["assumed"]) == ("measured on 40 answered rows", None)


def test_a_few_answered_rows_say_too_little() -> None:
    answered = work(*[70.0] * (LEAST_MEASURED - 1), phase=FOURTH)
    assert made(basis(work(100.0, phase=FOURTH), answered))["prompt_tokens"] == 100_000


def test_phase_1_s_prompts_stay_counted_unless_several_are_sent_for_a_row() -> None:
    answered = work(*[70.0] * 40)
    one = made(basis(work(100.0), answered))
    assert (one["prompt_tokens"], one["completion_tokens"]) == (100_000, 7_000)
    assert made(basis(work(100.0), answered, one_attempt=False))["prompt_tokens"] == 70_000


def test_the_cache_gives_whole_blocks_of_what_prompts_share_and_never_more_than_there_is() -> None:
    assert made(basis(work(100.0), shared=47))["prompt_tokens_shared"] == 1000 * 32
    assert made(basis(work(20.0), shared=47))["prompt_tokens_shared"] == 20_000


def test_gpu_hours_leave_out_what_the_cache_gives() -> None:
    row = made(basis(work(100.0), shared=32), rates=RATES)
    assert row["gpu_hours"] == pytest.approx((68_000 / 1000 + 10_000 / 10) / 3600)
    assert row["money"] is None


def test_money_is_at_the_price_of_each_kind_of_token() -> None:
    row = made(basis(work(100.0), shared=32), price=PRICE)
    assert row["money"] == pytest.approx((68_000 * 2 + 32_000 * 1 + 10_000 * 10) / 1e6)
    assert (row["currency"], row["gpu_hours"]) == ("EUR", None)


@pytest.mark.parametrize("missing", ["source", "per_million_cached"])
def test_a_price_says_where_it_is_from_and_what_cached_tokens_cost(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        Price.model_validate(PRICE.model_dump(exclude={missing}))


def test_nothing_left_to_do_costs_nothing() -> None:
    row = made(basis(work(100.0), conversations=0), rates=RATES, price=PRICE)
    assert (row["requests"], row["prompt_tokens"], row["gpu_hours"], row["money"]) == (0, 0, 0, 0)


def test_the_summary_adds_the_sources_up_and_says_what_to_add_to_the_catalogue() -> None:
    expected = pl.concat(
        work(90.0, 110.0, phase=phase, source=source) for source in "ab" for phase in (FIRST, THIRD)
    )
    table = build_forecast(basis(expected), PHI)
    summary = summarize_forecast(table, PHI)
    assert summary.select("source", "phase").rows()[:3] == [
        ("all", FIRST),
        ("all", THIRD),
        ("all", "all"),
    ]
    assert summary["prompt_tokens"].to_list()[:3] == [200_000, 200_000, 400_000]
    one = table["prompt_tokens_margin"][0]
    margins = summary["prompt_tokens_margin"].to_list()[:3]
    assert margins == pytest.approx([2**0.5 * one, None, None])
    assert summary["conversations"].to_list()[:3] == [2000, 2000, None]
    assert "add `rates`" in summary["basis"][0]
    assert "add `price`" in summary["basis"][0]
    paid = PHI.model_copy(update={"price": PRICE, "rates": RATES})
    told = summarize_forecast(build_forecast(basis(expected), paid), paid)["basis"][0]
    assert told == "rates: a GPU, by us, May; price: price list, May"


# Afterwards


def engine(phase: str = FIRST, gpu_seconds: float | None = None) -> pl.DataFrame:
    told = {"source": "a", "phase": phase, "seconds": 9.0, "prompt_tokens_shared": 30.0}
    return pl.DataFrame([{**told, "gpu_seconds": gpu_seconds}]).cast({"gpu_seconds": pl.Float64()})


def compared(
    forecast_tokens: float = 100.0, model: Any = PHI, gpu_seconds: float | None = None
) -> dict[str, tuple[float | None, float | None]]:
    table = build_forecast(basis(work(forecast_tokens)), model)
    found = compare_with_actual(table, work(120.0, 120.0), engine(gpu_seconds=gpu_seconds), model)
    assert found["conversations"].unique().to_list() == [2]
    return {row["metric"]: (row["forecast"], row["actual"]) for row in found.iter_rows(named=True)}


def test_a_forecast_is_taken_for_as_many_conversations_as_are_answered() -> None:
    found = compared()
    assert found["requests"] == (2, 2)
    assert found["prompt_tokens"] == (200, 240)
    assert found["completion_tokens"] == (20, 24)
    assert found["prompt_tokens_shared"] == (0, 30)
    assert found["seconds"] == (None, 9)


def test_gpu_hours_are_known_of_our_own_gpus_and_money_at_a_price() -> None:
    assert compared()["gpu_hours"] == (None, None)
    assert compared(gpu_seconds=7200)["gpu_hours"] == (None, 2)
    paid = compared(model=PHI.model_copy(update={"price": PRICE}))
    assert paid["money"][1] == pytest.approx((210 * 2 + 30 * 1 + 24 * 10) / 1e6)


def test_a_source_that_was_not_forecast_is_left_out() -> None:
    table = build_forecast(basis(work(100.0)), PHI)
    answered = pl.concat([work(120.0), work(120.0, source="b")])
    assert compare_with_actual(table, answered, engine(), PHI)["source"].unique().to_list() == ["a"]


def test_a_forecast_of_nothing_has_no_ratio() -> None:
    table = build_forecast(basis(work(100.0), conversations=0), PHI)
    found = compute_ratios(compare_with_actual(table, work(120.0), engine(), PHI))
    assert found.filter(metric="requests")["ratio"].to_list() == [None] * 3


def test_ratios_are_told_by_phase_in_all_and_by_source() -> None:
    rows = [
        {"source": source, "phase": phase, "metric": "requests", "forecast": wanted, "actual": 12.0}
        for source, wanted in (("a", 10.0), ("b", 20.0))
        for phase in (FIRST, FOURTH)
    ]
    found = compute_ratios(pl.DataFrame(rows).with_columns(conversations=10))
    told = {(row["source"], row["phase"]): row["ratio"] for row in found.iter_rows(named=True)}
    assert told == {
        ("all", FIRST): 0.8,
        ("all", FOURTH): 0.8,
        ("all", "all"): 0.8,
        ("a", FIRST): 1.2,
        ("a", FOURTH): 1.2,
        ("b", FIRST): 0.6,
        ("b", FOURTH): 0.6,
    }
