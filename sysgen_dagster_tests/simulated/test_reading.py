"""Which prompt a request holds, and what its conversation is about."""

from pathlib import Path

import pytest

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.chat.prompts import forget_prompts
from sysgen_dagster.lanes.sysgen.annotation import PROMPTS
from sysgen_dagster.lanes.sysgen.settings import Demonstrations
from sysgen_dagster.lanes.sysgen.tags import Tag
from sysgen_dagster.simulated.reading import (
    Domain,
    Phase,
    detect_domain,
    read_annotated_subject,
    recognise,
)
from sysgen_dagster_tests.simulated.conversations import (
    annotate_messages,
    chat_message,
    folded,
    one_phrase_of,
    respond_messages,
    verify_messages,
)
from sysgen_dagster_tests.simulated.running_server import QUESTION


@pytest.mark.parametrize("fold", [False, True])
def test_each_prompt_is_recognised_with_and_without_a_system_role(fold: bool) -> None:
    prompts = {
        Phase.ANNOTATE: annotate_messages(QUESTION, "Rivers carry it there."),
        Phase.VERIFY: verify_messages(one_phrase_of(Tag.ROLE)),
        Phase.RESPOND: respond_messages(QUESTION),
    }
    for phase, messages in prompts.items():
        assert recognise(folded(messages) if fold else messages)[0] == phase


def test_a_prompt_is_recognised_when_a_repair_follows_it() -> None:
    messages = annotate_messages(QUESTION, "Rivers carry it there.")
    repair: list[ChatMessage] = [*messages, messages[1], {**messages[1], "content": "Again."}]
    phase, turn = recognise(repair)
    assert phase is Phase.ANNOTATE
    assert read_annotated_subject(turn).question.strip() == QUESTION


@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("demonstrations", Demonstrations)
def test_the_subject_of_an_annotation_is_the_conversation_and_not_the_prompt(
    demonstrations: Demonstrations, fold: bool
) -> None:
    prompt = PROMPTS[demonstrations]
    messages = annotate_messages(QUESTION, "Rivers carry it there.", prompt)
    assert recognise(messages)[0] is Phase.ANNOTATE
    subject = read_annotated_subject(recognise(folded(messages) if fold else messages)[1])
    assert subject.question.strip() == QUESTION
    assert subject.answer.strip() == "Rivers carry it there."


def test_whatever_is_none_of_our_prompts_is_a_question_and_the_last_one_is_answered() -> None:
    turns = [
        chat_message(Role.USER, "Hi"),
        chat_message(Role.ASSISTANT, "Hello"),
        chat_message(Role.USER, QUESTION),
    ]
    assert recognise([chat_message(Role.SYSTEM, "Be kind."), *turns]) == (Phase.RESPOND, QUESTION)
    assert recognise([chat_message(Role.SYSTEM, "Be kind.")]) == (Phase.RESPOND, "")


def test_the_subject_of_several_turns_is_the_first_question_and_the_last_answer() -> None:
    quoted = "[assistant, x]\nThe mark of another.\n[end of assistant, y]"
    turns = [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Why?")]
    turn = "".join(
        f"[{role}, m]\n{text}\n[end of {role}, m]\n"
        for role, text in [*turns, ("assistant", quoted)]
    )
    subject = read_annotated_subject(turn)
    assert (subject.question, subject.answer) == ("Hi", quoted)


def test_a_turn_without_marks_is_the_question_itself() -> None:
    subject = read_annotated_subject(QUESTION)
    assert (subject.question, subject.answer) == (QUESTION, "")


@pytest.mark.parametrize(
    ("question", "domain"),
    [
        pytest.param("", Domain.GENERAL, id="empty"),
        pytest.param("A class of its own", Domain.GENERAL, id="one-word-that-may-be-of-code"),
        pytest.param("Sort the list", Domain.CODE, id="two-words-that-may-be-of-code"),
        pytest.param(
            r"Print the matrix $\begin{matrix} 1 & 2 \end{matrix}$", Domain.MATH, id="a-formula"
        ),
        pytest.param("I wrote 3 poems", Domain.GENERAL, id="one-number"),
        pytest.param("3 poems have 4 lines each", Domain.MATH, id="two-numbers"),
        pytest.param("You are a hint about love", Domain.ROLEPLAY, id="you-are"),
        pytest.param("You are given a hint about love", Domain.GENERAL, id="you-are-given"),
        pytest.param("x " * 750 + "python", Domain.GENERAL, id="too-far-from-the-beginning"),
    ],
)
def test_the_domain_is_detected_by_words_and_signs_at_the_beginning(
    question: str, domain: Domain
) -> None:
    assert detect_domain(question) is domain


def test_a_prompt_that_is_edited_while_the_server_runs_is_recognised_and_the_old_one_still_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSGEN_CATALOG", str(tmp_path / "catalog.yaml"))
    asked = [annotate_messages(QUESTION, "Rivers carry it there.")]
    assert recognise(asked[0])[0] is Phase.ANNOTATE
    file = tmp_path / "prompts" / "phase1_annotate_system_message.system.md"
    file.parent.mkdir()
    for words in ("Write a system message.", "Write one in verse."):
        file.write_text(f"---\ninputs: []\n---\n{words}\n")
        forget_prompts()  # as who asks does; the server sees it by itself
        asked.append(annotate_messages(QUESTION, "Rivers carry it there."))
        assert recognise(asked[-1])[0] is Phase.ANNOTATE
    try:
        assert [recognise(each)[0] for each in asked] == [Phase.ANNOTATE] * 3
    finally:
        forget_prompts()
