"""The price of judges: of phrases that rules leave open, of samples and of labelled items."""

import pytest

from sysgen_dagster.analysis.expected_judging import FIXED_TOKENS
from sysgen_dagster.analysis.expected_work import VERDICTS
from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.models import Engine, Model, Price
from sysgen_dagster.catalog.operations import Judging, Rows
from sysgen_dagster.commands.run.judges_price import describe_judges, describe_judging
from sysgen_dagster.commands.run.price import Whole
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster_tests.commands.run.previewed_rows import previewed

MODEL = Generator(name="phi", served_name="phi", license="mit", engine=Engine.SIMULATED)
CATALOG = load_catalog(FULL_CATALOG)


def judging(
    judged: Rows, limit: int | None = None, verdict: str = "unknown", *judges: Model
) -> list[str]:
    """What judges cost of 1,000 rows, of which ten were previewed and nine kept."""
    texts = {"system_message": "m" * 200, "new_answer": "a" * 380, "question": "q" * 20}
    texts["obedience"] = [{"verdict": "obeyed"}, {"verdict": verdict}]
    rows = [previewed(n, characters=100, **texts) for n in range(10)]
    rows[0].story["drop_reason"] = "refused"
    return list(describe_judging(rows, Whole(1_000, 100), judges or (MODEL,), judged, limit))


def test_the_price_of_a_judge_is_that_of_the_kept_rows_with_an_open_phrase() -> None:
    [line] = judging("all")
    tokens = 900 * (FIXED_TOKENS + (2 * 200 + 380 + 20) / 4)

    assert line.startswith("  judged by phi, as well and roughly: 900 requests, ")
    assert f"{tokens:,.0f} tokens in" in line or f"{tokens / 1e6:.3g} M tokens in" in line
    assert f"{900 * VERDICTS:,.0f} out" in line
    assert judging("all", verdict="obeyed") == []


@pytest.mark.parametrize(
    ("judged", "limit", "requests"), [(90, None, "90"), ("all", 500, "450"), (5_000, None, "900")]
)
def test_of_fewer_rows_a_judge_costs_less(judged: Rows, limit: int | None, requests: str) -> None:
    [line] = judging(judged, limit)
    assert f": {requests} requests, " in line


def samples(
    judging: Judging, count: int = 1_000, limit: int | None = None, **known: bool
) -> list[str]:
    """What judges cost of a source of so many rows, of which ten are shown, with no open phrase."""
    texts = {"question": "q" * 40, "answer": "a" * 400, "history": [], "obedience": []}
    rows = [previewed(n, characters=440, **texts) for n in range(10)]
    served = CATALOG.model_copy(update={"judging": judging})
    return list(describe_judges(rows, Whole(count, 440), served, MODEL, limit, **known))


def test_the_price_of_a_judge_names_samples_and_labelled_items() -> None:
    of_samples, of_items = samples(Judging(judge="phi-4"))

    assert of_samples.startswith("  samples judged by phi-4, as well and roughly: 420 requests, ")
    assert of_items.startswith("  labelled items, which show its errors, judged by phi-4, as well ")
    assert "roughly: 1,580 requests, " in of_items
    assert samples(Judging(judge="phi-4"), is_calibrated=True) == [of_samples]


@pytest.mark.parametrize(
    ("count", "limit", "requests"), [(50, None, "120 "), (1_000, 50, "120 "), (10, None, "30 ")]
)
def test_of_a_small_source_all_rows_are_the_sample(
    count: int, limit: int | None, requests: str
) -> None:
    first, _ = samples(Judging(judge="phi-4", preference_rows=200), count, limit)
    assert f"roughly: {requests}requests" in first


def test_what_nobody_judges_costs_nothing() -> None:
    nothing = {"preference_rows": 0, "alignment_rows": 0, "obedience": 0}
    assert samples(Judging(judge="phi-4", **nothing)) == []
    assert samples(Judging(alignment_rows=20, preference_rows=0, obedience=0)) == []
    [pairs] = samples(
        Judging(judge="phi-4", **nothing | {"preference_rows": 5}), is_calibrated=True
    )
    assert "roughly: 10 requests" in pairs


def test_each_judge_has_its_own_price() -> None:
    dear = Price(per_million_prompt=1, per_million_completion=10, currency="EUR", source="ours")
    other = MODEL.model_copy(update={"name": "owl", "price": dear})
    first, second = judging("all", None, "unknown", MODEL, other)

    assert "EUR" not in first
    assert second.startswith("  judged by owl")
    assert second.endswith(" EUR")
