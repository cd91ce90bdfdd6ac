"""Reading rows by a candidate, as they would be read for good."""

from typing import Any

import pytest

from sysgen_dagster.catalog.sources import Exchanges, QuestionAnswer, Shape, Transcript, Turns
from sysgen_dagster.sources.candidates import Candidate
from sysgen_dagster.sources.trying import Tried, exchanges_of, try_candidate

CHAT = Turns(kind="messages", column="it")
PAIR = QuestionAnswer(kind="question_answer", question="q", answer="a")
ASK, TELL = {"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}
SYSTEM = {"role": "system", "content": "z"}


def tried(shape: Shape, *rows: Any, unclear: tuple[str, ...] = ()) -> Tried:
    columns: dict[str, Any] = dict.fromkeys(shape.columns, "string")
    if shape.of_records:
        columns = {"it": ["role", "content"]}
    return try_candidate(Candidate(shape, columns, {}, "", unclear), rows)


def test_rows_are_counted_by_what_they_give() -> None:
    rows = [
        {"it": [ASK, TELL]},
        {"it": [SYSTEM, ASK, TELL, ASK, TELL]},
        {"it": [ASK]},
        {"it": [ASK, {"role": "user", "content": [{"type": "image"}]}]},
        7,
        8,
    ]
    found = tried(CHAT, *rows)
    reasons = {"malformed_row": 2, "no_answer": 1, "not_text": 1}
    assert found == Tried(6, 7, 1, 1, reasons, questions=("x",), answers=("y",))
    assert found.usable == 2


def test_a_row_with_one_usable_exchange_can_be_read() -> None:
    assert tried(CHAT, {"it": [ASK, TELL, ASK]}).usable == 1


@pytest.mark.parametrize(
    ("shape", "rows", "unclear", "why"),
    [
        (PAIR, [{"q": "x"}], (), "it has no column 'a'"),
        (PAIR, [{"q": "x", "a": [1]}], (), "it has 'a' as a list, not as text"),
        (CHAT, [{"it": [ASK, TELL]}], ("Ann",), "nobody can tell who"),
        (QuestionAnswer(kind="question_answer", question="*", answer="a"), [{}], (), "no pattern"),
    ],
)
def test_what_no_row_has_is_refused(
    shape: Shape, rows: list[Any], unclear: tuple[str, ...], why: str
) -> None:
    found = tried(shape, *rows, unclear=unclear)
    assert why in (found.refused or "")
    assert found.usable == 0


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (["A", "B", "A"], ("A", "B")),
        ([str(number) for number in range(9)], ("0", "1", "2")),
        (["It is A.", "B", "It is."], ()),
        (["A", "It is."], ()),
        (["水の流れです"], ()),
        ([None, ""], ()),
    ],
)
def test_single_words_are_told_from_answers(answers: list[str], words: tuple[str, ...]) -> None:
    assert tried(PAIR, *({"q": "Why so?", "a": answer} for answer in answers)).answers == words


def test_every_answer_of_a_chat_is_one_to_train_on() -> None:
    assert exchanges_of(CHAT) is Exchanges.EACH
    marks = Transcript(kind="transcript", column="it", roles={"Q:": "user"})
    assert exchanges_of(marks) is Exchanges.EACH
    assert exchanges_of(PAIR) is Exchanges.LAST
