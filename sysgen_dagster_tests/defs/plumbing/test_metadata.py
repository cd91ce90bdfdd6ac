"""What the UI shows of rows: Markdown that is shown at once and stays text."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.defs.plumbing.metadata import (
    outcome_metadata,
    story_metadata,
    verdicts_metadata,
)
from sysgen_dagster.training_sets.tables import TRAINING_ROWS
from sysgen_dagster_tests.obedience.phrase_rows import phrase, rows
from sysgen_dagster_tests.training_sets.frames import of

SHOWN_AT_ONCE = 1_000  # characters; longer Markdown is a link in the UI
LONG = "word " * 9_000
HOSTILE = "<img src=x onerror=alert(1)> [a](javascript:alert(2)) `x` **b** | c\n# d\n\n- e"


def story(**texts: Any) -> dict[str, Any]:
    names = ("question", "answer", "annotated_message", "tagged_message", "system_message")
    return {**dict.fromkeys((*names, "new_answer", "drop_reason")), **texts}


def shown(**texts: Any) -> str:
    [only] = story_metadata([story(**texts)]).values()
    return str(only.value)


def test_a_row_is_told_from_the_question_to_the_new_answer() -> None:
    texts = {"question": "Q", "answer": "old", "annotated_message": "raw", "tagged_message": "tags"}
    assert shown(**texts, system_message="S", new_answer="new") == (
        "**Question** Q\n\n**Message** S\n\n**Original answer** old\n\n**New answer** new"
    )
    assert "**Tagged message** tags" in shown(**texts)
    assert "raw" not in shown(**texts)


def test_a_dropped_row_says_why() -> None:
    told = shown(question="Q", annotated_message="raw", drop_reason="malformed_boundary")
    assert told.endswith(
        "**As the model wrote it** raw\n\n**Dropped** a tag was opened or closed wrongly"
    )


def test_phrases_that_are_not_obeyed_are_named_with_who_says_so() -> None:
    phrases = [phrase("As a list.", "not_obeyed"), phrase("Be kind."), phrase("Be old.", "obeyed")]
    told = shown(question="Q", answer="old", new_answer="new", obedience=phrases)
    assert told == "**Question** Q\n\n**New answer** new\n\n**Not obeyed** As a list. (by rules)"
    long = [phrase("x" * 9_000, "not_obeyed")] * 9
    told = shown(
        **dict.fromkeys(("question", "system_message", "new_answer"), LONG), obedience=long
    )
    assert len(told) < SHOWN_AT_ONCE
    assert "**Not obeyed** x" in told


def test_verdicts_on_phrases_are_counted_by_who_gave_them() -> None:
    by_a_judge = {**phrase("Be brief.", "obeyed"), "by": "owl (uncalibrated)"}
    told = verdicts_metadata(
        rows([phrase("As a list.", "not_obeyed"), by_a_judge], [phrase("Be kind."), by_a_judge])[
            "phrases"
        ]
    )
    assert str(told["phrases"].value).split("\n") == [
        "| by | obeyed | not_obeyed | unknown |",
        "| --- | --- | --- | --- |",
        "| owl (uncalibrated) | 2 | 0 | 0 |",
        "| rules | 0 | 1 | 0 |",
        "| nobody | 0 | 0 | 1 |",
    ]


def test_training_rows_tell_of_each_conversation_once_how_far_it_obeys() -> None:
    counts = {"phrases_obeyed": 2, "phrases_not_obeyed": 1, "phrases_unknown": 3}
    nobody = dict.fromkeys(counts)
    told = outcome_metadata(
        of(
            TRAINING_ROWS,
            {"conversation_id": "a", "variant": "sysgen", **counts},
            {"conversation_id": "a", "variant": "original_answer", **counts},
            {"conversation_id": "b", "variant": "no_system_message", **nobody},
        ).lazy()
    )
    assert told == {**counts, "answers_not_obeying": 1}
    unknown = of(TRAINING_ROWS, {"conversation_id": "b", "variant": "sysgen", **nobody})
    assert outcome_metadata(unknown) == {}


@pytest.mark.parametrize("text", ["x" * 50_000, "<" * 50_000, "[" * 50_000, "w " * 9_000])
def test_a_row_is_shown_at_once_however_long_its_texts_are(text: str) -> None:
    told = shown(question=text, answer=text, system_message=text, new_answer=text)
    assert len(told) < SHOWN_AT_ONCE


def test_what_a_row_says_stays_text() -> None:
    told = shown(question=HOSTILE)
    assert "<img" not in told
    assert "\\[a](" in told
    assert told.count("\n") == 0  # nothing of it begins a line


def test_rows_that_a_limit_left_out_are_not_dropped_ones() -> None:
    reasons = [*["beyond_limit"] * 97, "refused", None, None]
    told = outcome_metadata(pl.DataFrame({"drop_reason": reasons}))
    assert (told["kept"], told["dropped"], told["beyond_the_limit"]) == (2, 1, 97)
    assert told["kept_share"] == pytest.approx(2 / 3)
    assert "beyond" not in told["dropped_because"].value
    assert "beyond_the_limit" not in outcome_metadata(pl.DataFrame({"drop_reason": ["refused"]}))
