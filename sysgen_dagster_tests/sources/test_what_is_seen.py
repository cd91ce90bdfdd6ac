"""What is said of the first rows of a file; `test_guessing` has whole lines and errors."""

from sysgen_dagster.catalog.sources import QuestionAnswer
from sysgen_dagster.sources.candidates import Candidate
from sysgen_dagster.sources.seen import Seen
from sysgen_dagster.sources.trying import Tried
from sysgen_dagster.sources.what_is_seen import describe_guess, describe_rows, shown_names

PAIR = QuestionAnswer(kind="question_answer", question="q", answer="a")
CANDIDATE = Candidate(
    PAIR, {"q": "string", "a": "string"}, {"question": "q", "answer": "a"}, "told"
)


def test_at_most_two_other_readings_are_named() -> None:
    others = [
        CANDIDATE._replace(words={"question": "q", "answer": name}) for name in ("b", "c", "d")
    ]
    said = describe_guess(CANDIDATE, Tried(1), Seen([{}]), True, others)
    assert said == (
        "told; of 1 row all can be read; also possible: --columns 'question=q answer=b' or "
        "--columns 'question=q answer=c'"
    )


def test_one_row_and_several_are_said_as_people_say_it() -> None:
    tried = Tried(9, 30, 1, 1, {"no_answer": 1})
    assert describe_guess(CANDIDATE, tried, Seen([{}]), False, []) == (
        "told; of the first 9 rows 1 has several turns, each a row of its own (30 rows in all), "
        "1 begins with a system message, 1 cannot be read (no_answer 1)"
    )
    some = describe_guess(CANDIDATE, tried._replace(dropped=7), Seen([{}]), False, [])
    assert "(30 rows in all, 7 of them without an answer)" in some


def test_many_columns_and_long_rows_are_cut() -> None:
    row = {f"column {number}": "x " * 1_000 for number in range(500)}
    message = describe_rows(Seen([row]), [])
    assert "and 500 in all" in message
    assert max(map(len, message.splitlines())) < 1_500
    assert shown_names(list(row)).endswith("'column 39', and 460 more")
    assert shown_names([]) == "none"


def test_rows_that_are_deep_are_shown_from_outside() -> None:
    deep: list[object] = []
    for _ in range(900):
        deep = [deep]
    assert "First row: 'a': [[[[[...]]]]]" in describe_rows(Seen([{"a": deep}]), [])
