"""The forecast: from completed conversations if there are any, else a rough estimate."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from sysgen_dagster.analysis.expected_work import expect_work, measure_texts
from sysgen_dagster.analysis.forecast import (
    ROUGH,
    build_forecast,
    missing_entries,
    summarize_forecast,
)
from sysgen_dagster.analysis.measured_work import WORK
from sysgen_dagster.analysis.tables import FORECAST
from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.models import Price, Rates
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.sources.tables import CONVERSATIONS

CATALOG = load_catalog(FULL_CATALOG)
PHI, METHOD = CATALOG.models["phi-4"], CATALOG.method
FIRST, THIRD, FOURTH = (
    "annotated_system_messages",
    "verified_system_messages",
    "aligned_responses",
)
PHASES = [FIRST, THIRD, FOURTH]
RATES = Rates(
    prompt_tokens_per_gpu_s=1000, completion_tokens_per_gpu_s=10, source="a GPU, by us, May"
)
PRICE = Price(
    currency="EUR", per_million_prompt=2, per_million_completion=10, source="price list, May"
)


def texts(**conversations: int) -> pl.DataFrame:
    """The texts of so many conversations of each source, all alike."""
    rows = [
        {"source": source, "history": [], "question": "How many?", "answer": "Nine."}
        for source, count in conversations.items()
        for _ in range(count)
    ]
    return measure_texts(pl.DataFrame(rows, schema=CONVERSATIONS.schema))


def done(phase: str, conversations: int, tokens: float, source: str = "a") -> pl.DataFrame:
    """Work of one request a conversation, of so many tokens in and a tenth out."""
    row = (source, phase, conversations, conversations)
    tokens_in = conversations * tokens
    return pl.DataFrame([(*row, tokens_in, tokens_in / 10)], schema=WORK, orient="row")


def forecast(
    *measured: pl.DataFrame, conversations: pl.DataFrame | None = None, model: Generator = PHI
) -> pl.DataFrame:
    """Of a hundred conversations of one source, if nothing else is said."""
    known = texts(a=100) if conversations is None else conversations
    return build_forecast(known, pl.concat([pl.DataFrame(schema=WORK), *measured]), model, METHOD)


def of(table: pl.DataFrame, phase: str, source: str = "a") -> dict[str, Any]:
    return table.filter(phase=phase, source=source).row(0, named=True)


def with_entries(**entries: object) -> Generator:
    return PHI.model_copy(update=entries)


def test_before_anything_is_asked_every_figure_is_rough_and_says_so() -> None:
    table = forecast()
    expected = expect_work(texts(a=100), PHI, METHOD)
    assert table["phase"].to_list() == PHASES
    assert table["basis"].to_list() == [ROUGH] * 3
    assert table["conversations"].to_list() == [100] * 3
    assert table["requests"].to_list() == pytest.approx([100, *[100 * 774_613 / 806_796] * 2])
    for name in ("prompt_tokens", "completion_tokens"):
        assert table[name].to_list() == pytest.approx((expected[name] * 100).to_list())


def test_remaining_conversations_need_as_much_as_completed_ones_did() -> None:
    row = of(forecast(done(FIRST, 20, 80.0)), FIRST)
    assert (row["conversations"], row["requests"]) == (80, 80)
    assert (row["prompt_tokens"], row["completion_tokens"]) == (6_400, 640)
    assert row["basis"] == "measured on 20 rows"


def test_completed_work_is_in_columns_of_its_own() -> None:
    names = ["conversations_done", "requests_done", "prompt_tokens_done", "completion_tokens_done"]
    table = forecast(done(FIRST, 20, 80.0)).select("phase", *names)
    assert table.rows() == [(FIRST, 20, 20, 1600, 160), (THIRD, 0, 0, 0, 0), (FOURTH, 0, 0, 0, 0)]


def test_each_source_and_phase_goes_by_its_own_rows() -> None:
    table = forecast(done(FIRST, 20, 80.0), conversations=texts(a=100, b=10))
    bases = {(row["source"], row["phase"]): row["basis"] for row in table.iter_rows(named=True)}
    measured = {key for key, basis in bases.items() if basis != ROUGH}
    assert bases.keys() == {(source, phase) for source in "ab" for phase in PHASES}
    assert measured == {("a", FIRST)}


def test_shards_are_added_up() -> None:
    row = of(
        forecast(
            done(FIRST, 20, 80.0),
            done(FIRST, 10, 110.0),
            conversations=pl.concat([texts(a=60), texts(a=40)]),
        ),
        FIRST,
    )
    assert (row["conversations"], row["conversations_done"]) == (70, 30)
    assert row["prompt_tokens"] == pytest.approx(70 * 90)


def test_when_more_is_done_than_there_are_conversations_nothing_is_left() -> None:
    row = of(forecast(done(FIRST, 120, 80.0)), FIRST)
    assert (row["conversations"], row["prompt_tokens"]) == (0, 0)
    assert row["conversations_done"] == 120


def test_gpu_hours_need_the_rates_and_money_needs_the_price_of_the_catalogue() -> None:
    measured = done(FIRST, 20, 100.0)
    bare = of(forecast(measured), FIRST)
    rated = of(forecast(measured, model=with_entries(rates=RATES)), FIRST)
    paid = of(forecast(measured, model=with_entries(price=PRICE)), FIRST)
    assert (bare["gpu_hours"], bare["money"], bare["currency"]) == (None, None, None)
    assert rated["gpu_hours"] == pytest.approx((8_000 / 1000 + 800 / 10) / 3600)
    assert paid["money"] == pytest.approx((8_000 * 2 + 800 * 10) / 1e6)
    assert paid["currency"] == "EUR"


def test_missing_rates_and_price_are_named() -> None:
    assert missing_entries(PHI) == [
        "For GPU-hours add `rates` to the model's entry.",
        "For money add `price` to the model's entry.",
    ]
    assert missing_entries(with_entries(rates=RATES, price=PRICE)) == []


def test_a_price_says_where_it_is_from() -> None:
    with pytest.raises(ValidationError, match="source"):
        Price.model_validate(PRICE.model_dump(exclude={"source"}))


def test_a_price_of_release_0_1_is_taken() -> None:
    old = {**PRICE.model_dump(), "per_million_cached": 1}
    assert Price.model_validate(old).per_million_completion == 10


# Over all sources


def test_the_summary_begins_with_all_sources_by_phase_and_in_all() -> None:
    table = forecast(conversations=texts(a=100, b=10), model=with_entries(rates=RATES))
    summary = summarize_forecast(table)
    assert summary.columns == FORECAST.names
    assert summary.select("source", "phase").rows() == [
        *(("all", phase) for phase in [*PHASES, "all"]),
        *((source, phase) for source in "ab" for phase in PHASES),
    ]
    in_all = of(summary, "all", "all")
    for name in ("requests", "prompt_tokens", "completion_tokens", "gpu_hours"):
        assert in_all[name] == pytest.approx(table[name].sum())
    assert in_all["money"] is None


def test_conversations_are_counted_once_and_not_in_every_phase() -> None:
    summary = summarize_forecast(forecast(done(FIRST, 20, 80.0), conversations=texts(a=100, b=10)))
    counts = summary.filter(source="all").select("phase", "conversations", "conversations_done")
    assert counts.rows() == [
        (FIRST, 90, 20),
        (THIRD, 110, 0),
        (FOURTH, 110, 0),
        ("all", None, None),
    ]


def test_a_line_over_all_sources_says_whether_any_of_them_is_rough() -> None:
    measured = [done(phase, 20, 80.0, source) for phase in (FIRST, THIRD) for source in "ab"]
    summary = summarize_forecast(forecast(*measured[:3], conversations=texts(a=100, b=10)))
    bases = dict(summary.filter(source="all").select("phase", "basis").iter_rows())
    assert bases == {
        FIRST: "measured",
        THIRD: "partly rough",
        FOURTH: ROUGH,
        "all": "partly rough",
    }


# What a judge is asked about phrases


def with_judge(
    *measured: pl.DataFrame,
    judge: Generator = PHI,
    judged: Any = "all",
    model: Generator = PHI,
    others: Sequence[Generator] = (),
) -> pl.DataFrame:
    known = pl.concat([pl.DataFrame(schema=WORK), *measured])
    return build_forecast(texts(a=100), known, model, METHOD, [judge, *others], judged)


def test_the_judge_has_a_row_of_each_source_only_where_it_is_asked() -> None:
    assert with_judge()["phase"].to_list() == [*PHASES, "obedience"]
    assert with_judge(judged=0)["phase"].to_list() == PHASES


def test_several_judges_are_asked_as_often_and_cost_what_each_of_them_does() -> None:
    dear = with_entries(price=PRICE)
    one, two = with_judge(judge=dear), with_judge(judge=dear, others=[dear])
    figures = ("requests", "prompt_tokens", "completion_tokens", "money")

    for name in figures:
        assert of(two, "obedience")[name] == pytest.approx(2 * of(one, "obedience")[name])
    assert of(with_judge(judge=dear, others=[PHI]), "obedience")["money"] is None


def test_what_the_judge_took_so_far_tells_what_the_others_will_take() -> None:
    row = of(with_judge(done("obedience", 25, 200)), "obedience")

    assert (row["conversations"], row["requests"], row["prompt_tokens"]) == (75, 75, 15_000)
    assert row["basis"] == "measured on 25 rows"


def test_the_judge_costs_its_own_price_and_the_phases_the_model_s() -> None:
    dear = with_entries(price=PRICE.model_copy(update={"per_million_prompt": 2_000_000}))
    work = [done("obedience", 50, 10), done(FIRST, 50, 10)]
    table = with_judge(*work, judge=dear, model=with_entries(price=PRICE))

    assert of(table, "obedience")["money"] == pytest.approx(50 * 10 * 2, rel=1e-3)
    assert of(table, FIRST)["money"] < 1


def test_prices_in_two_currencies_have_no_sum() -> None:
    dollars = with_entries(price=PRICE.model_copy(update={"currency": "USD"}))
    summary = summarize_forecast(with_judge(judge=dollars, model=with_entries(price=PRICE)))

    assert of(summary, "all", "all")["money"] is None
    assert of(summary, "all", "all")["currency"] is None
    assert of(summary, "obedience", "all")["currency"] == "USD"
    assert of(summary, FIRST, "all")["money"] > 0
