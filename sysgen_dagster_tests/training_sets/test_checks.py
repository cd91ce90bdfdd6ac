"""The checks of splits, training rows and pairs: each is seen passing and failing."""

from typing import Any

import pytest

from sysgen_dagster.tables.checks import Check
from sysgen_dagster.training_sets.checks import CHECKS
from sysgen_dagster_tests.tables.evidence import Rows

Row = dict[str, Any]


def rows(*given: Row) -> Rows:
    """Training rows ``c0``, ``c1``, ... where a row does not say which it is."""
    return Rows({"training_rows": numbered(*given)})


def pairs(*given: Row) -> Rows:
    return Rows({"preference_pairs": numbered(*given)})


def numbered(*given: Row) -> list[Row]:
    return [
        {"conversation_id": f"c{number}", "source": "chats", **row}
        for number, row in enumerate(given)
    ]


def variant(name: str) -> Row:
    return {"conversation_id": "c", "variant": name}


def answer(text: str) -> list[Row]:
    return [{"role": "assistant", "content": text}]


def chat(**turns: str) -> Row:
    return {"messages": [{"role": role, "content": text} for role, text in turns.items()]}


def spoken(who: str) -> Row:
    """A chat of these roles, one letter each."""
    role = {"s": "system", "u": "user", "a": "assistant"}
    return {"messages": [{"role": role[letter], "content": "x"} for letter in who]}


# Check: rows that pass, rows that fail, the ids that the finding shows.
CASES: dict[str, tuple[Rows, Rows, list[str]]] = {
    "ids_are_unique": (
        Rows({"splits": numbered({}, {})}),
        Rows({"splits": numbered({}, {}, {"conversation_id": "c0"})}),
        ["c0", "c0"],
    ),
    "variants_are_unique": (
        rows(variant("sysgen"), variant("user_role")),
        rows(variant("sysgen"), variant("sysgen")),
        ["c", "c"],
    ),
    "variants_agree": (
        rows(variant("sysgen"), variant("user_role")),
        rows(variant("sysgen"), {"variant": "user_role"}),
        ["c", "c1"],
    ),
    "chats_are_whole": (
        rows(*map(spoken, ("sua", "ua", "suaua", "uaua"))),
        rows(
            chat(user="Q", assistant="A"),
            chat(system=" ", user="Q", assistant="A"),
            chat(system="S", user="Q"),
            chat(assistant="A"),
            {"messages": []},
            {},
            *map(spoken, ("sa", "saua", "uua", "suaa", "usua", "ssua", "suasua", "uaa", "a")),
        ),
        [f"c{number}" for number in range(1, 15)],
    ),
    "pairs_differ": (
        pairs({"chosen": answer("A'"), "rejected": answer("A")}),
        pairs({"chosen": answer("A"), "rejected": answer("A")}),
        ["c0"],
    ),
}

every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)


def test_every_check_has_a_case_that_it_passes_and_one_that_it_fails() -> None:
    assert sorted(CASES) == sorted(check.name for check in CHECKS)


@every_check
def test_healthy_rows_pass(check: Check) -> None:
    healthy, _, _ = CASES[check.name]

    assert check.evaluate(healthy).passed


@every_check
def test_broken_rows_fail_and_the_rows_at_fault_are_shown(check: Check) -> None:
    _, broken, shown = CASES[check.name]
    finding = check.evaluate(broken)

    assert not finding.passed
    assert finding.rows.to_series(0).to_list() == shown


@every_check
def test_a_partition_without_rows_passes(check: Check) -> None:
    assert check.evaluate(Rows()).passed


@every_check
def test_contracts_keep_rows_from_going_on_and_expectations_do_not(check: Check) -> None:
    assert check.blocking is (check.name != "variants_agree")


def test_each_check_is_of_its_table() -> None:
    assert [(check.table.name, check.name) for check in CHECKS] == [
        ("splits", "ids_are_unique"),
        ("training_rows", "variants_are_unique"),
        ("training_rows", "chats_are_whole"),
        ("training_rows", "variants_agree"),
        ("preference_pairs", "pairs_differ"),
    ]
