"""What the rows of a model cost."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.analysis.costs import COSTS, summarize_costs
from sysgen_dagster.analysis.measured_work import WORK
from sysgen_dagster.catalog.models import Engine, Model, Price, Rates

_RATES = Rates(prompt_tokens_per_gpu_s=1_000, completion_tokens_per_gpu_s=100, source="a trial")
_PRICE = Price(currency="EUR", per_million_prompt=1, per_million_completion=2, source="a list")
WORK_DONE = pl.DataFrame(
    [
        ("a", "annotated_system_messages", 10, 10, 360_000, 0),
        ("b", "annotated_system_messages", 10, 10, 0, 36_000),
        ("a", "aligned_responses", 10, 10, 720_000, 72_000),
    ],
    WORK,
    orient="row",
)
HOURS = pl.DataFrame(
    [("annotated_system_messages", 0.5), ("annotated_system_messages", 0.5)],
    {"phase": pl.String, "hours": pl.Float64},
    orient="row",
)


def costs(kept: int = 10, **entry: Any) -> pl.DataFrame:
    model = Model(name="mine", served_name="mine", license="mit", engine=Engine.SIMULATED, **entry)
    found = summarize_costs(WORK_DONE, HOURS, kept, model)
    assert dict(found.schema) == COSTS
    return found


def test_a_phase_is_added_up_over_sources_and_runs() -> None:
    first = costs(rates=_RATES, price=_PRICE).row(0, named=True)
    assert first == {
        "phase": "annotated_system_messages",
        **{"requests": 20, "prompt_tokens": 360_000, "completion_tokens": 36_000},
        **{"hours": 1.0, "gpu_hours": 0.2, "currency": "EUR"},
        "money": pytest.approx(0.36 + 0.072),
    }


def test_all_phases_and_a_thousand_kept_rows_stand_below() -> None:
    over_all, per_rows = costs(kept=10, price=_PRICE).rows(named=True)[-2:]
    assert (over_all["phase"], over_all["requests"]) == ("all", 30)
    assert (per_rows["phase"], per_rows["requests"]) == ("per 1,000 kept rows", 3_000)
    assert per_rows["money"] == pytest.approx(100 * over_all["money"])


def test_what_is_not_known_of_a_phase_is_not_known_over_all() -> None:
    found = costs()
    assert found["hours"].to_list() == [1.0, None, None, None]
    for name in ("gpu_hours", "money", "currency"):
        assert found[name].null_count() == found.height


def test_where_no_row_was_kept_there_is_no_cost_of_kept_rows() -> None:
    assert costs(kept=0)["phase"].to_list()[-1] == "all"
