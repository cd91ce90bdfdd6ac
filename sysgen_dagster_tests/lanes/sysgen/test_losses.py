"""Phases that lose most of their rows: what is said, how sure it is, and what is quoted."""

from typing import Any

import pytest

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES, NoAnswer
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen import paper
from sysgen_dagster.lanes.sysgen.drop_reasons import Dropped
from sysgen_dagster.lanes.sysgen.losses import LEAST_KEPT, build_loss_checks, quote
from sysgen_dagster.lanes.sysgen.settings import Bounds, Generator
from sysgen_dagster.tables.checks import Check, Finding
from sysgen_dagster_tests.tables.evidence import Rows

ANNOTATED = "annotated_system_messages"
FILTERED = "filtered_system_messages"
VERIFIED = "verified_system_messages"
ALIGNED = "aligned_responses"
WRITTEN = {
    ANNOTATED: (ANNOTATED, "annotated_message"),
    FILTERED: (ANNOTATED, "annotated_message"),
    VERIFIED: (VERIFIED, "verdict_text"),
    ALIGNED: (ALIGNED, "new_answer"),
}


def model(filtered: tuple[float, float] = (0, 1), aligned: tuple[float, float] = (0, 1)) -> Any:
    return Generator(
        name="small",
        served_name="somebody/small",
        license="mit",
        engine=Engine.SIMULATED,
        bounds=Bounds(filtered=filtered, aligned=aligned, tag_share_within=1),
    )


def check(table: str, of: Generator) -> Check:
    [found] = (each for each in build_loss_checks({of.name: of}) if each.table.name == table)
    return found


def evaluate(
    table: str,
    kept: int,
    lost: int,
    reason: str = Dropped.MALFORMED_BOUNDARY.value,
    text: str | None = "Sure! You are a helpful tutor.",
    of: Generator | None = None,
) -> Finding:
    """The finding about a phase that kept and lost so many rows, whose text was always the same."""
    reasons = [None] * kept + [reason] * lost
    rows: dict[str, list[dict[str, Any]]] = {}
    rows[table] = [
        {"conversation_id": f"c{n}", "drop_reason": why} for n, why in enumerate(reasons)
    ]
    written, column = WRITTEN[table]
    for n, row in enumerate(rows.setdefault(written, [{"conversation_id": "c"}] * len(reasons))):
        rows[written][n] = {**row, "conversation_id": f"c{n}", column: text}
    of = of or model()
    return check(table, of).evaluate(Rows(rows, of.name))


@pytest.mark.parametrize("table", WRITTEN)
def test_a_phase_that_keeps_nothing_breaks_its_contract_and_quotes_a_completion(
    table: str,
) -> None:
    finding = evaluate(table, 0, 10)
    assert check(table, model()).is_broken_by(finding)
    assert f"{table} kept 0 of 10 rows. " in finding.explanation
    assert "Most often dropped as malformed_boundary (10): " in finding.explanation
    assert "the model wrote `Sure! You are a helpful tutor.`" in finding.explanation
    assert "another model" in finding.explanation
    assert finding.details == {
        "commonest_reason": "malformed_boundary",
        "of_reason": 10,
        "completion": "Sure! You are a helpful tutor.",
    }


def test_a_model_whose_answers_all_contradict_may_be_asked_again_or_keep_the_original_ones() -> (
    None
):
    reason = Dropped.CONTRADICTS_ORIGINAL.value
    row = {"conversation_id": "c0", "drop_reason": reason, "new_answer": "It is 25."}
    finding = (of := check("retention", model())).evaluate(Rows({ALIGNED: [row]}, "small"))
    assert of.is_broken_by(finding)
    said = finding.explanation
    assert "`answers: 4`" in said
    assert "`contradiction: keep_original`" in said
    assert "more tokens" not in said


@pytest.mark.parametrize(
    ("kept", "lost", "passed", "broken"),
    [
        (5, 5, True, False),
        (0, 0, True, False),
        (0, 1, False, False),
        (0, 3, False, False),
        (0, 4, False, True),
        (4, 6, False, False),
        (40, 60, False, True),
    ],
)
def test_few_rows_alone_warn_and_do_not_stop_what_follows(
    kept: int, lost: int, passed: bool, broken: bool
) -> None:
    finding = evaluate(FILTERED, kept, lost)
    assert finding.passed is passed
    assert check(FILTERED, model()).is_broken_by(finding) is broken


@pytest.mark.parametrize("reason", [*NoAnswer, *Dropped])
def test_every_loss_counts_but_of_rows_not_asked_about_failures_and_contradictions(
    reason: str,
) -> None:
    not_counted = {NoAnswer.BEYOND_LIMIT, Dropped.CONTRADICTS_ORIGINAL, *ENGINE_FAILURES}
    assert evaluate(ALIGNED, 0, 20, reason).passed is (reason in not_counted)


REFUSED = {
    NoAnswer.TOO_LONG: "longer context",
    NoAnswer.FILTERED_BY_SERVER: "filter",
    NoAnswer.REFUSED_BY_SERVER: "account",
}


@pytest.mark.parametrize("table", [ANNOTATED, VERIFIED, ALIGNED])
@pytest.mark.parametrize(("reason", "advice"), list(REFUSED.items()))
def test_what_the_server_said_of_rows_that_it_refused_is_quoted(
    table: str, reason: NoAnswer, advice: str
) -> None:
    said = {"drop_reason": reason.value, "failure": "400: no\x1b[2J"}
    rows = [{"conversation_id": f"c{n}", **said} for n in range(9)]
    finding = (of := check(table, model())).evaluate(Rows({table: rows}, "small"))
    assert of.is_broken_by(finding)
    assert f"{table} kept 0 of 9 rows. " in finding.explanation
    assert f"as {reason} (9): the server said `400: no\\x1b[2J`" in finding.explanation
    assert advice in finding.explanation


@pytest.mark.parametrize("reason", [*REFUSED, *ENGINE_FAILURES])
def test_a_model_of_which_every_request_was_refused_breaks_its_contract(reason: NoAnswer) -> None:
    row = {"conversation_id": "c0", "drop_reason": reason.value, "failure": "403: no"}
    finding = (of := check("retention", model())).evaluate(Rows({ANNOTATED: [row]}, "small"))
    assert of.is_broken_by(finding)
    assert "the server said `403: no`" in finding.explanation


def test_a_model_that_a_pilot_run_did_not_ask_breaks_nothing() -> None:
    row = {"conversation_id": "c0", "drop_reason": NoAnswer.BEYOND_LIMIT.value}
    assert check("retention", model()).evaluate(Rows({ANNOTATED: [row]}, "small")).passed


def test_the_commonest_reason_is_named_and_its_completion_quoted() -> None:
    rows = [("a", "refused", "No."), ("b", "truncated", "One"), ("c", "truncated", "Two")]
    table = [
        {"conversation_id": each, "drop_reason": reason, "new_answer": text}
        for each, reason, text in rows
    ]
    finding = check(ALIGNED, model()).evaluate(Rows({ALIGNED: table}, "small"))
    assert "Most often dropped as truncated (2): the model wrote `One`." in finding.explanation


def test_a_model_that_wrote_nothing_is_said_to_have() -> None:
    finding = evaluate(ANNOTATED, 0, 9, NoAnswer.EMPTY_COMPLETION.value, text=None)
    assert "the model wrote nothing" in finding.explanation


def test_the_catalogue_can_ask_for_less_and_never_for_more() -> None:
    low, high = model((0.2, 1), (0.2, 1)), model((0.9, 1), (0.9, 1))
    for table in WRITTEN:
        assert evaluate(table, 30, 70, of=low).passed
        assert not evaluate(table, 10, 90, of=low).passed
        assert evaluate(table, 60, 40, of=high).passed


def test_the_models_of_the_paper_keep_more_than_the_bound() -> None:
    for counts in paper.COUNTS.values():
        assert min(counts.filtered_share, counts.aligned_share) > LEAST_KEPT
    for each in load_catalog().models.values():
        assert min(each.filtered_bounds[0], each.aligned_bounds[0]) > LEAST_KEPT


def test_a_model_whose_every_row_is_lost_breaks_the_contract_of_its_statistics() -> None:
    one_row = [{"conversation_id": "c0", "drop_reason": "malformed_boundary"}]
    text = [{"conversation_id": "c0", "annotated_message": "Sure!"}]
    finding = (of := check("retention", model())).evaluate(
        Rows({ANNOTATED: text, FILTERED: one_row}, "small")
    )
    assert of.is_broken_by(finding)
    assert "filtered_system_messages kept 0 of 1 rows" in finding.explanation
    assert "`Sure!`" in finding.explanation


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("One\nTwo\t\x1b[31mred\x00", "One\\nTwo\\t\\x1b[31mred\\x00"),
        ("a`b``", "a'b''"),
        ("\u202egnp.exe\u200b", "\\u202egnp.exe\\u200b"),
        ("Grüße, 日本語 😀", "Grüße, 日本語 😀"),
        ("\ud800", "\\ud800"),
    ],
)
def test_a_quoted_completion_is_inert(text: str, shown: str) -> None:
    assert quote(text) == shown


def test_a_long_completion_is_quoted_from_its_beginning() -> None:
    assert quote("word " * 1000) == "word " * 60 + " ... (5,000 characters)"
