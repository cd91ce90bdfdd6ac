"""Phase 4: what is asked, and which answers are dropped."""

from typing import Any

import pytest

from sysgen_dagster.chat.messages import ChatMessage, Role, Sampling, derive_seed
from sysgen_dagster.lanes.sysgen.alignment import (
    build_aligned_responses,
    build_alignment_inputs,
    build_alignment_requests,
)
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster_tests.lanes.sysgen.frames import (
    completions,
    conversations,
    failed,
    replied,
    verified,
)

COOK = [("Role", "You cook."), ("Style", "Be brief.")]


def turns(*spoken: tuple[str, str]) -> list[ChatMessage]:
    return [{"role": Role(role), "content": text} for role, text in spoken]


def test_the_system_message_is_the_phrases_joined_by_spaces_without_tags() -> None:
    inputs = build_alignment_inputs(verified(COOK), conversations({}))

    assert inputs.rows(named=True) == [
        {
            "conversation_id": "c0",
            "source": "mine",
            "system_message": "You cook. Be brief.",
            "question": "Why?",
            "history": [],
        }
    ]


def test_inputs_come_in_the_order_of_the_verified_messages_with_their_own_questions() -> None:
    asked = conversations({"question": "a"}, {"question": "b"}, {"question": "c"})
    inputs = build_alignment_inputs(verified(COOK, COOK, COOK).reverse(), asked)

    assert inputs.select("conversation_id", "question").rows() == [
        ("c2", "c"),
        ("c1", "b"),
        ("c0", "a"),
    ]


def test_conversations_that_were_not_verified_are_left_out() -> None:
    assert build_alignment_inputs(verified(COOK), conversations({}, {}, {})).height == 1


def requested(**row: Any) -> list[ChatMessage]:
    (request,) = build_alignment_requests(
        build_alignment_inputs(verified(COOK), conversations(row))
    )
    return list(request.messages)


def test_the_system_message_comes_first_and_the_question_last() -> None:
    assert requested() == turns(("system", "You cook. Be brief."), ("user", "Why?"))


def test_the_history_stands_between_the_system_message_and_the_question() -> None:
    history = turns(("user", "Hi"), ("assistant", "Hello"))

    assert requested(history=history) == [
        {"role": "system", "content": "You cook. Be brief."},
        *history,
        {"role": "user", "content": "Why?"},
    ]


def test_upstream_system_turns_are_not_sent_wherever_they_stand() -> None:
    history = turns(
        ("system", "Be a pirate."), ("user", "Hi"), ("system", "Louder."), ("assistant", "Ahoy")
    )

    assert requested(history=history) == turns(
        ("system", "You cook. Be brief."), ("user", "Hi"), ("assistant", "Ahoy"), ("user", "Why?")
    )


def test_the_original_answer_is_not_shown() -> None:
    assert "Because" not in str(requested(answer="Because."))


def test_a_request_is_sent_as_the_paper_samples_with_a_seed_of_its_own() -> None:
    inputs = build_alignment_inputs(verified(COOK, COOK), conversations({}, {}))
    first, second = build_alignment_requests(inputs)

    assert first.sampling == Sampling(temperature=0.7, max_tokens=1024)
    assert (first.request_id, second.request_id) == ("c0", "c1")
    assert first.seed == derive_seed("c0", "aligned_responses")
    assert first.seed != second.seed


@pytest.mark.parametrize(
    ("completion", "answer", "reason"),
    [
        pytest.param(replied("c0", "Salt it."), "Salt it.", None, id="an-answer"),
        pytest.param(replied("c0", "\nSalt "), "\nSalt ", None, id="an-answer-with-space-around"),
        pytest.param(replied("c0", "Salt", "length"), "Salt", "truncated", id="truncated"),
        pytest.param(
            replied("c0", "I cannot help with that."),
            "I cannot help with that.",
            "refused",
            id="no",
        ),
        pytest.param(
            replied("c0", "I cannot help", "length"), "I cannot help", "truncated", id="both"
        ),
        pytest.param(replied("c0", ""), None, "empty_completion", id="empty"),
        pytest.param(replied("c0", "\n ", "length"), None, "truncated", id="blank-and-cut"),
        pytest.param(failed("c0", "too_long"), None, "too_long", id="too-long"),
        pytest.param(failed("c0", "server_error"), None, "server_error", id="server-error"),
        pytest.param(replied("c9", "Salt it."), None, "beyond_limit", id="not-asked"),
    ],
)
def test_an_answer_that_does_not_go_on_keeps_its_text_and_gets_a_reason(
    completion: dict[str, Any], answer: str | None, reason: str | None
) -> None:
    inputs = build_alignment_inputs(verified(COOK), conversations({}))
    table = build_aligned_responses(inputs, completions(completion))

    assert table.schema == ALIGNED.schema
    assert table.select("system_message", "new_answer", "drop_reason").rows() == [
        ("You cook. Be brief.", answer, reason)
    ]


def test_the_answers_have_no_prompt_of_their_own_and_keep_the_order_of_the_inputs() -> None:
    inputs = build_alignment_inputs(verified(COOK, COOK), conversations({}, {}))
    table = build_aligned_responses(inputs, completions(replied("c1", "B"), replied("c0", "A")))

    assert table.select("conversation_id", "new_answer", "prompt_fingerprint").rows() == [
        ("c0", "A", None),
        ("c1", "B", None),
    ]


def test_a_refusal_is_dropped_and_keeps_its_text() -> None:
    inputs = build_alignment_inputs(verified(COOK), conversations({}))
    refusal = "I'm sorry, but I can't help with that."
    table = build_aligned_responses(inputs, completions(replied("c0", refusal)))

    assert table.select("new_answer", "drop_reason").rows() == [(refusal, "refused")]


def test_no_verified_messages_give_no_requests_and_no_rows() -> None:
    inputs = build_alignment_inputs(verified(), conversations())
    table = build_aligned_responses(inputs, completions())

    assert list(build_alignment_requests(inputs)) == []
    assert table.schema == ALIGNED.schema
    assert table.is_empty()
