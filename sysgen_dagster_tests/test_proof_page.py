"""The page of `make proof` is printed from stored results, and says what each figure is of."""

import json
import os
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from sysgen_dagster_tests.small_proof import FOLDER, SUBJECTS


@pytest.fixture(scope="module")
def page() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield import_module("page")


@pytest.fixture(scope="module")
def stored(page: ModuleType) -> dict[str, Any]:
    results: dict[str, Any] = json.loads(page.RESULTS.read_text(encoding="utf-8"))
    return results


MADE = {
    "on": "1 May 2026",
    "command": "make proof",
    "cores": 2,
    "seconds": {"trainings": 1200, "conflict_set": 600},
    "seeds": {"sysgen": 0},
    "versions": {"torch": "1.2.3"},
    "sha256": {"rows.jsonl": "0123456789abcdef"},
}


def row(**given: Any) -> dict[str, Any]:
    return {
        "suite": "conflict_set",
        "metric": "kept_under_conflict",
        "of": "total",
        "low": None,
        "high": None,
        "items": 48,
        "dropped": 0,
        "floor": None,
        **given,
    }


def results(*differences: dict[str, Any], scores: Any = ()) -> dict[str, Any]:
    return {"made": MADE, "scores": list(scores), "differences": list(differences)}


def cells(text: str, first: str) -> list[str]:
    """Of the line of a table that begins so."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {first}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_stored_results_are_what_the_documents_say(
    page: ModuleType, stored: dict[str, Any]
) -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    printed, drawn = page.with_results(text, stored), page.draw(stored["scores"])
    if os.environ.get("UPDATE_GOLDEN") == "1":
        page.PAGE.write_text(printed, encoding="utf-8")
        page.PICTURE.write_text(drawn, encoding="utf-8")
    assert page.PAGE.read_text(encoding="utf-8") == printed
    assert page.PICTURE.read_text(encoding="utf-8") == drawn


def test_the_stored_results_are_whole(page: ModuleType, stored: dict[str, Any]) -> None:
    assert page.as_json(stored) == page.RESULTS.read_text(encoding="utf-8")
    there = {row["subject"] for row in stored["scores"]}
    assert {name.partition("_seed_")[0] for name in there} <= {*SUBJECTS}
    for name in there:
        assert len(stored["made"]["sha256"][f"weights of {name}"]) == 64
    for suite in {row["suite"] for row in stored["scores"]}:
        of_suite = [row for row in stored["scores"] if row["suite"] == suite]
        assert {row["subject"] for row in of_suite} == there
        known = [row for row in of_suite if row["score"] is not None and row["low"] is not None]
        assert all(row["low"] <= row["score"] <= row["high"] for row in known)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"score": 0.5}, "50.0 %; 48"),
        ({"score": 0.5, "low": 0.25, "high": 0.75}, "50.0 % (25.0 % to 75.0 %); 48"),
        ({"score": 0.5, "items": 30, "dropped": 18}, "50.0 %; 30 of 48"),
        ({"score": None, "items": 0, "dropped": 48}, "unknown"),
        ({"score": 0.0, "low": 0.0, "high": 0.0}, "0.0 % (0.0 % to 0.0 %); 48"),
    ],
)
def test_a_score_has_its_interval_and_its_items(
    page: ModuleType, given: dict[str, Any], said: str
) -> None:
    scores = [row(subject="sysgen", **given)]
    text = page.render(results(scores=scores), "p.svg")
    assert cells(text, "SysGen message, new answer")[1] == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.2, "**+10.0 % (+1.0 % to +20.0 %)**; 48"),
        (-0.2, -0.01, "**+10.0 % (-20.0 % to -1.0 %)**; 48"),
        (-0.01, 0.2, "+10.0 % (-1.0 % to +20.0 %); 48"),
        (0.0, 0.2, "+10.0 % (+0.0 % to +20.0 %); 48"),
        (None, None, "+10.0 %; 48"),
    ],
)
def test_a_difference_is_bold_where_its_interval_does_not_hold_0(
    page: ModuleType, low: float | None, high: float | None, said: str
) -> None:
    difference = {"from": "no_system_message", "of_subject": "sysgen", "difference": 0.1}
    text = page.render(
        results(row(low=low, high=high, **difference), scores=[row(subject="sysgen", score=0.5)]),
        "p.svg",
    )
    assert cells(text, "SysGen message, new answer, minus original answers")[1] == said


def test_the_floor_has_a_line_of_its_own(page: ModuleType) -> None:
    scores = [row(subject=name, score=0.5, floor=0.375) for name in SUBJECTS]
    text = page.render(results(scores=scores), "p.svg")
    assert cells(text, 'a server that says "yes"')[1] == "37.5 %"


def test_what_was_not_measured_is_named(page: ModuleType) -> None:
    text = page.render(results(scores=[row(subject="sysgen", score=0.5)]), "p.svg")
    assert "**S-IFEval** was not measured" in text
    assert "not measured" in cells(text, "SysGen")


def test_the_page_says_where_its_figures_come_from(page: ModuleType) -> None:
    text = page.render(results(scores=[row(subject="sysgen", score=0.5)]), "p.svg")
    assert "on 1 May 2026 by `make proof` on 2 cores" in text
    assert cells(text, "minutes")[1] == "trainings 20, conflict_set 10"
    assert "rows.jsonl `0123456789ab`" in text


def test_a_suite_that_names_no_scores_shows_its_totals(page: ModuleType) -> None:
    scores = [
        row(suite="s_ifeval", metric="prompt_strict", subject="sysgen", score=0.25),
        row(suite="s_ifeval", metric="x", of="stated in: user", subject="sysgen", score=0.5),
    ]
    text = page.render(results(scores=scores), "p.svg")
    assert "| subject | prompt strict |" in text
    assert "stated in" not in text


def test_the_picture_has_a_panel_for_each_score(page: ModuleType) -> None:
    scores = [
        row(subject=name, score=0.5, low=0.25, high=0.75, metric=metric)
        for name in SUBJECTS
        for metric in ("kept_under_conflict", "broken_without_message")
    ]
    drawn = page.draw(scores)
    assert "kept under conflict" in drawn
    assert "broken without the message" in drawn
    assert "helped when aligned" not in drawn
    assert page.draw(scores) == drawn


def test_students_of_other_seeds_are_told_apart(page: ModuleType) -> None:
    scores = [row(subject=name, score=0.5) for name in ("sysgen", "sysgen_seed_2")]
    text = page.render(results(scores=scores), "p.svg")
    assert cells(text, "SysGen message, new answer, seed 2")[1] == "50.0 %; 48"
    assert "seed 2" in page.draw(scores)
