"""What is expected of the statistics: every check is seen holding and failing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.analysis.checks import CHECKS, MOST_FOUND
from sysgen_dagster.analysis.findings import FINDINGS
from sysgen_dagster.lanes.sysgen.settings import Generator, Method
from sysgen_dagster.tables.table import TABLES, polars_schema


@dataclass
class Tables:
    """Evidence made of rows; columns that are left out are null."""

    rows: Mapping[str, list[dict[str, Any]]]
    model: Generator | None = None

    @property
    def method(self) -> Method:
        raise AssertionError("no expectation looks at the method's settings")

    def read(self, table: str, *columns: str) -> pl.DataFrame:
        frame = pl.DataFrame(self.rows[table], schema=polars_schema(TABLES[table]))
        return frame.select(columns)


def finding(name: str, rows: int, of_rows: int) -> dict[str, Any]:
    return {"source": "metamath", "finding": name, "rows": rows, "of_rows": of_rows}


def repeated(texts: int) -> dict[str, list[dict[str, Any]]]:
    kept = {"source": "a", "table": "aligned_responses", "outcome": "kept", "conversations": 1000}
    first = {"conversation_id": "a-0", "source": "a", "cluster": "a-0"}
    others = [{**first, "conversation_id": f"a-{text + 1}"} for text in range(texts)]
    return {"near_duplicate_messages": [first, *others], "retention": [kept]}


def overlap(share: float) -> dict[str, list[dict[str, Any]]]:
    row = {"conversation_id": "a-0", "benchmark": "gsm8k", "item": 3, "overlap": share}
    return {"contamination": [row]}


def verdicts(table: str, **counts: int) -> dict[str, list[dict[str, Any]]]:
    rows = [
        {
            "conversation_id": f"a-{number}",
            "source": "a",
            "verdict": None if verdict == "timeout" else verdict.replace("_", " "),
            "drop_reason": "timeout" if verdict == "timeout" else None,
            "judge": "phi-4",
            "judge_is_generator": False,
        }
        for verdict, count in counts.items()
        for number in range(count)
    ]
    return {table: rows}


def own_judge(table: str) -> dict[str, list[dict[str, Any]]]:
    rows = verdicts(table, Unknown=2)
    return {table: [{**row, "judge_is_generator": True} for row in rows[table]]}


def shown(first: int, second: int) -> dict[str, list[dict[str, Any]]]:
    """So many verdicts for the answer that is shown first, and for the other."""
    row = {"conversation_id": "a", "source": "a", "shown_first": "new"}
    verdicts = ["new"] * first + ["original"] * second
    return {"judged_preferences": [{**row, "verdict": verdict} for verdict in verdicts]}


def came_to(**actual: float) -> dict[str, list[dict[str, Any]]]:
    """A forecast of 1,000 of each metric for two sources, and what one phase came to."""
    rows = [
        {"source": source, "phase": "aligned_responses", "metric": metric, "actual": value}
        for source in ("a", "b")
        for metric, value in actual.items()
    ]
    return {"forecast_against_actual": [{**row, "forecast": 1000.0} for row in rows]}


# Check, tables that it holds of, tables that it does not hold of.
CASES = {
    **{
        f"few_{name}": (
            {"quality_counts": [finding(name, int(1000 * most), 1000)]},
            {"quality_counts": [finding(name, int(1000 * most) + 100, 1000)]},
        )
        for name, most in MOST_FOUND.items()
    },
    "forecast_held": (
        came_to(requests=1000, prompt_tokens=810, completion_tokens=1240, seconds=9000),
        came_to(requests=1000, prompt_tokens=1000, completion_tokens=1300),
    ),
    "messages_differ": (repeated(90), repeated(200)),
    "no_benchmark_item": (overlap(0.4), overlap(0.5)),
    "new_answers_are_preferred": (
        verdicts("judged_preferences", new=500, original=520, tie=300),
        verdicts("judged_preferences", new=300, original=700),
    ),
    "judge_has_no_favourite_place": (shown(600, 400), shown(900, 100)),
    "most_are_aligned": (
        verdicts("judged_alignment", Aligned=80, Not_aligned=20),
        verdicts("judged_alignment", Aligned=500, Not_aligned=500),
    ),
    "judged_preferences nearly_all_are_judged": (
        verdicts("judged_preferences", new=97, Unreadable=3),
        verdicts("judged_preferences", new=60, Unreadable=20, timeout=20),
    ),
    "judged_alignment nearly_all_are_judged": (
        verdicts("judged_alignment", Aligned=97, timeout=3),
        verdicts("judged_alignment", Aligned=60, timeout=40),
    ),
    "judged_preferences judge_is_another_model": (
        verdicts("judged_preferences", new=2),
        own_judge("judged_preferences"),
    ),
    "judged_alignment judge_is_another_model": (
        verdicts("judged_alignment", Aligned=2),
        own_judge("judged_alignment"),
    ),
}


def _case(table: str, name: str) -> Any:
    return CASES.get(name) or CASES[f"{table} {name}"]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.table}-{check.name}")
def test_each_expectation_holds_and_fails(check: Any) -> None:
    good, bad = _case(check.table, check.name)
    assert check.evaluate(Tables(good)).passed
    found = check.evaluate(Tables(bad))
    assert not found.passed
    assert not found.rows.is_empty()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.table}-{check.name}")
def test_nothing_to_look_at_speaks_against_nothing(check: Any) -> None:
    good, _ = _case(check.table, check.name)
    assert check.evaluate(Tables({table: [] for table in good})).passed


def test_none_of_them_keeps_rows_from_going_on() -> None:
    assert not any(check.blocking for check in CHECKS)


def test_few_rows_alone_do_not_warn() -> None:
    [check] = [check for check in CHECKS if check.name == "few_final_answer_differs"]
    few = Tables({"quality_counts": [finding("final_answer_differs", 1, 4)]})
    assert check.evaluate(few).passed


def test_every_bound_is_of_a_finding() -> None:
    assert MOST_FOUND.keys() <= FINDINGS.keys()
