"""What came back from a model, joined to the rows that asked."""

from typing import Any

import polars as pl
import pytest
from polars.exceptions import ComputeError

from sysgen_dagster.chat.completions import COMPLETIONS, add_completions
from sysgen_dagster.chat.prompts import Prompt, load_prompt
from sysgen_dagster_tests.lanes.sysgen.frames import completions, conversations, failed, replied

PROMPT = load_prompt("phase1_annotate_system_message")


def outcome(completion: dict[str, Any]) -> tuple[str | None, str | None]:
    joined = add_completions(conversations({}), completions(completion), PROMPT)
    return joined["text"].item(), joined["drop_reason"].item()


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        pytest.param(replied("c0", "Hello"), ("Hello", None), id="text"),
        pytest.param(replied("c0", " Hello\n"), (" Hello\n", None), id="text-is-not-stripped"),
        pytest.param(replied("c0", "Hel", "length"), ("Hel", None), id="cut-at-the-token-limit"),
        pytest.param(replied("c0", ""), (None, "empty_completion"), id="empty-text"),
        pytest.param(replied("c0", " \n\t "), (None, "empty_completion"), id="blank-text"),
        pytest.param(
            replied("c0", "\u200b\ufeff"), (None, "empty_completion"), id="invisible-text"
        ),
        pytest.param(replied("c0", None), (None, "empty_completion"), id="null-text"),
        pytest.param(failed("c0", "timeout"), (None, "timeout"), id="timeout"),
        pytest.param(failed("c0", "too_long"), (None, "too_long"), id="too-long"),
        pytest.param(failed("c0", "server_error"), (None, "server_error"), id="server-error"),
        pytest.param(replied("other", "Hello"), (None, "beyond_limit"), id="not-asked"),
    ],
)
def test_a_row_has_a_text_or_the_reason_why_not(
    completion: dict[str, Any], expected: tuple[str | None, str | None]
) -> None:
    assert outcome(completion) == expected


def test_rows_keep_their_order_and_their_columns_whatever_the_order_of_the_answers() -> None:
    rows = conversations({"question": "a"}, {"question": "b"}, {"question": "c"})
    answers = completions(replied("c2", "C"), replied("c0", "A"))
    joined = add_completions(rows, answers, None)

    assert joined.select("conversation_id", "question", "text", "drop_reason").rows() == [
        ("c0", "a", "A", None),
        ("c1", "b", None, "beyond_limit"),
        ("c2", "c", "C", None),
    ]
    came = COMPLETIONS.keys() - {"request_id"}
    assert set(joined.columns) == {*rows.columns, *came, "prompt_fingerprint"}


def test_rows_may_name_their_requests_in_a_column_of_their_own() -> None:
    rows = conversations({}).join(pl.DataFrame({"asked": ["c0#a", "c0#b"]}), how="cross")
    joined = add_completions(rows, completions(replied("c0#b", "B")), None, "asked")

    assert joined.select("conversation_id", "asked", "text", "drop_reason").rows() == [
        ("c0", "c0#a", None, "beyond_limit"),
        ("c0", "c0#b", "B", None),
    ]


def test_answers_of_rows_that_are_not_there_are_left_out() -> None:
    answers = completions(replied("c0", "A"), replied("c9", "Z"))

    assert add_completions(conversations({}), answers, None)["text"].to_list() == ["A"]


def test_the_message_of_a_failure_is_kept_beside_its_reason() -> None:
    joined = add_completions(
        conversations({}), completions(failed("c0", "server_error", "503 busy")), None
    )

    assert joined.select("drop_reason", "failure", "attempts").rows() == [
        ("server_error", "503 busy", 3)
    ]


def test_an_older_drop_reason_does_not_stay() -> None:
    rows = conversations({"drop_reason": "no_answer"})

    assert (
        add_completions(rows, completions(replied("c0", "A")), None)["drop_reason"].item() is None
    )


@pytest.mark.parametrize(
    ("prompt", "fingerprint"),
    [
        pytest.param(PROMPT, PROMPT.fingerprint, id="our-prompt"),
        pytest.param(None, None, id="no-prompt"),
    ],
)
def test_the_fingerprint_of_the_prompt_stands_in_every_row(
    prompt: Prompt | None, fingerprint: str | None
) -> None:
    joined = add_completions(conversations({}, {}), completions(), prompt)

    assert joined["prompt_fingerprint"].to_list() == [fingerprint, fingerprint]
    assert joined.schema["prompt_fingerprint"] == pl.String


def test_two_answers_to_one_row_are_an_error() -> None:
    with pytest.raises(ComputeError):
        add_completions(
            conversations({}), completions(replied("c0", "A"), replied("c0", "B")), None
        )


def test_no_rows_give_no_rows() -> None:
    assert add_completions(conversations(), completions(), None).is_empty()
