"""Checks of the measures: each one is tested with data that passes and data that fails."""

from typing import Any

import pytest

from sysgen_dagster.analysis.checks import CHECKS
from sysgen_dagster.analysis.findings import FINDINGS
from sysgen_dagster.tables.checks import Check
from sysgen_dagster_tests.tables.evidence import Rows

Row = dict[str, Any]


def finding(name: str, rows: int, of_rows: int) -> Row:
    return {"source": "metamath", "finding": name, "rows": rows, "of_rows": of_rows}


def repeated(texts: int) -> Rows:
    kept = {"source": "a", "table": "aligned_responses", "outcome": "kept", "conversations": 1000}
    first = {"conversation_id": "a-0", "source": "a", "cluster": "a-0"}
    others = [{**first, "conversation_id": f"a-{text + 1}"} for text in range(texts)]
    return Rows({"near_duplicate_messages": [first, *others], "retention": [kept]})


def overlap(share: float) -> Rows:
    row = {"conversation_id": "a-0", "benchmark": "gsm8k", "item": 3, "overlap": share}
    return Rows({"contamination": [row]})


def rows_of(*names: str, dropped: str | None = None) -> list[Row]:
    why = {"drop_reason": dropped} if dropped else {}
    return [{"conversation_id": name, "source": "a", **why} for name in names]


def measured(*names: str) -> Rows:
    """What is measured of these rows, where ``a-0`` and ``a-1`` go on and ``a-2`` does not."""
    aligned = [*rows_of("a-0", "a-1"), *rows_of("a-2", dropped="refused")]
    both = dict.fromkeys(("row_quality", "obedience"), rows_of(*names))
    return Rows({"aligned_responses": aligned, **both})


def phrases(obeyed: int, broken: int) -> Rows:
    """So many phrases of each verdict, and more that nobody could decide."""
    counts = {"obeyed": obeyed, "not_obeyed": broken, "unknown": 5_000}
    row = {"source": "a", "tag": "Style", "by": "rules"}
    return Rows(
        {"obedience_counts": [{**row, "verdict": v, "phrases": n} for v, n in counts.items()]}
    )


# Check, tables that it holds of, tables that it does not hold of.
CASES = {
    **{
        f"few_{name}": (
            Rows({"quality_counts": [finding(name, int(1000 * each.most), 1000)]}),
            Rows({"quality_counts": [finding(name, int(1000 * each.most) + 100, 1000)]}),
        )
        for name, each in FINDINGS.items()
        if each.most is not None
    },
    "messages_differ": (repeated(90), repeated(200)),
    "no_benchmark_item": (overlap(0.4), overlap(0.5)),
    "ids_are_unique": (
        measured("a-0", "a-1"),
        measured("a-0", "a-1", "a-0"),
    ),
    "most_are_obeyed": (phrases(740, 260), phrases(650, 350)),
    "nothing_is_lost": (measured("a-0", "a-1"), measured("a-0", "a-2")),
}
every_check = pytest.mark.parametrize(
    "check", CHECKS, ids=lambda check: f"{check.table.name}-{check.name}"
)


def test_every_check_has_a_case() -> None:
    assert sorted(CASES) == sorted({check.name for check in CHECKS})


@every_check
def test_each_check_holds_and_fails(check: Check) -> None:
    good, bad = CASES[check.name]
    assert check.evaluate(good).passed
    found = check.evaluate(bad)
    assert not found.passed
    assert not found.rows.is_empty()


@every_check
def test_every_check_passes_without_rows(check: Check) -> None:
    assert check.evaluate(Rows()).passed


@pytest.mark.parametrize("table", ["row_quality", "obedience"])
def test_only_the_contracts_of_tables_of_rows_are_errors(table: str) -> None:
    contracts = [check for check in CHECKS if check.blocking]
    assert {check.table.name for check in contracts} == {"row_quality", "obedience"}
    shown = {
        check.name: check.evaluate(CASES[check.name][1]).rows["conversation_id"].to_list()
        for check in contracts
        if check.table.name == table
    }
    assert shown == {"ids_are_unique": ["a-0", "a-0"], "nothing_is_lost": ["a-1", "a-2"]}


def test_few_rows_alone_do_not_warn() -> None:
    [check] = [check for check in CHECKS if check.name == "few_final_answer_differs"]
    few = Rows({"quality_counts": [finding("final_answer_differs", 1, 4)]})
    assert check.evaluate(few).passed


@every_check
def test_of_made_up_texts_only_results_and_obedience_are_nothing_to_look_at(check: Check) -> None:
    broken = CASES[check.name][1].rows
    aligned = [*broken.get("aligned_responses", ()), {"engine": "simulated"}]
    found = check.evaluate(Rows({**broken, "aligned_responses": aligned}))

    assert found.passed is ("final_answer" in check.name or check.name == "most_are_obeyed")
