"""How a previewed row is printed: what went in, each phrase with its verdict, what came out."""

import io
import re

import pytest
from rich.console import Console

from sysgen_dagster.commands.run.answers import Spent
from sysgen_dagster.commands.run.preview import Previewed
from sysgen_dagster.commands.run.rows import print_row
from sysgen_dagster_tests.commands.run.previewed_rows import previewed

TAGGED = "<<Role>>You teach.<</Role>>\n<<Task>>Say how far it is.<</Task>>"
VERDICTS = [{"tag": "Role", "verdict": "Good"}, {"tag": "Task", "verdict": "Bad"}]
REMOVED = [{"tag": "Task", "text": "Say how far it is.", "verdict": "Bad"}]
DEFECTS = [
    {"kind": "unknown_tag", "text": "<<Mood>>Be glad.<</Mood>>"},
    {"kind": "mended_close", "text": "You teach."},
]
WHOLE = {
    "annotated_message": f"{TAGGED}\n<<Mood>>Be glad.<</Mood>>",
    "tagged_message": TAGGED,
    "verdicts": VERDICTS,
    "removed": REMOVED,
    "defects": DEFECTS,
    "system_message": "You teach.",
    "new_answer": "It is 384,400 km away, on average.",
}
NASTY = "\x1b[2J\x1b]0;owned\x07\u202egnp\r"


def printed(row: Previewed, width: int = 100, color: bool = False) -> str:
    console = Console(
        file=(out := io.StringIO()),
        width=width,
        force_terminal=color,
        color_system="truecolor" if color else None,
    )
    print_row(console, row, "mine")
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def verdict(text: str, verdict: str, by: str | None = None) -> dict[str, str | None]:
    return {"tag": "Format", "text": text, "verdict": verdict, "by": by, "rule": None}


def test_a_row_says_which_phrases_its_answer_obeys_and_what_else_was_written() -> None:
    obedience = [
        verdict("Use two sentences.", "obeyed", "rules"),
        verdict("End with a question.", "not_obeyed", "rules"),
        verdict("Be kind.", "unknown"),
    ]
    rejected = [{"answer": "No.", "reason": "contradicts_original"}]
    shown = printed(previewed(**WHOLE, obedience=obedience, rejected_answers=rejected))
    assert "obeys        1 of 3 phrases, 1 undecided" in shown
    assert "not obeyed   End with a question.  rules" in shown
    why = "its result is not that of the original answer"
    assert f"not chosen   1 written under the message: {why}" in shown


def test_a_kept_row_shows_all_that_was_made_of_it() -> None:
    shown = printed(previewed(3, **WHOLE))
    assert (
        shown
        == """\
Row 3  mine row 3,000  kept  900 tokens in, 300 out, 1 s
question     How far is the moon?
Role         You teach.  Good
Task         Say how far it is.  Bad, removed by Phase 3
left out     <<Mood>>Be glad.<</Mood>>  its tag is none of the eight
mended       You teach.  a closing mark was added
message      You teach.
both answers It is 384,400 km away{+, on average+}.
"""
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"stopped_at": "conversations", "drop_reason": "empty_answer"},
            "dropped before Phase 1: its answer is empty",
        ),
        (
            {
                "stopped_at": "annotated_system_messages",
                "drop_reason": "refused_by_server",
                "failure": "400: no\nsuch thing",
            },
            "dropped by Phase 1: the server refused the request (400: no such thing)",
        ),
        (
            {
                "stopped_at": "filtered_system_messages",
                "drop_reason": "malformed_boundary",
                "annotated_message": "<<Role>>You teach",
            },
            "dropped by Phase 2: a tag was opened or closed wrongly",
        ),
        (
            {"stopped_at": "verified_system_messages", "drop_reason": "nothing_verified"},
            "dropped by Phase 3: no phrase was judged Good",
        ),
        (
            {"stopped_at": "aligned_responses", "drop_reason": "truncated", "new_answer": "It is"},
            "dropped by Phase 4: the text was not complete at the limit of tokens",
        ),
    ],
)
def test_a_dropped_row_says_where_and_why_and_shows_what_there_is(
    changes: dict[str, str], said: str
) -> None:
    shown = printed(previewed(**changes), width=140)
    assert said in shown
    assert "It is 384,400 km away." in shown
    for text in ("annotated_message", "new_answer"):
        assert changes.get(text, "") in shown


def test_a_row_about_which_nothing_was_asked_cost_nothing_and_says_so() -> None:
    row = previewed(spent=Spent(), stopped_at="conversations", drop_reason="no_answer")
    assert "tokens" not in printed(row)


def test_an_answer_that_was_known_and_thoughts_are_told() -> None:
    row = previewed(spent=Spent(3, 3, 900, 300, 120))
    assert "900 tokens in, 300 out, 120 of them thoughts, known from before" in printed(row)


def test_one_exchange_of_several_and_turns_before_it_are_told() -> None:
    shown = printed(previewed(of=4, history=[{"role": "user", "content": "Hi"}] * 2))
    assert "mine row 1,000, exchange 1 of 4" in shown
    assert "before       2 turns" in shown


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = dict.fromkeys(("question", "answer", "new_answer"), "Wide 広い " * 400)
    row = previewed(**WHOLE | long | {"system_message": "x" * 900, "defects": []})
    console = Console(width=width)
    for line in printed(row, width).splitlines():
        assert console.render_str(line, markup=False).cell_len <= width


def test_long_texts_are_cut_and_their_length_is_told() -> None:
    shown = printed(previewed(**WHOLE | {"question": "word " * 5_000}))
    assert "(25,000 characters)" in shown
    assert len(shown.splitlines()) < 30


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {"question": NASTY},
        {"answer": NASTY},
        {"answer": f"{NASTY} is a word", "new_answer": f"{NASTY} was a word"},
        {"system_message": NASTY},
        {"annotated_message": NASTY},
        {"tagged_message": f"<<Role>>You {NASTY} teach.<</Role>>"},
        {"defects": [{"kind": "unassigned_text", "text": NASTY}]},
        {"failure": NASTY, "stopped_at": "aligned_responses", "drop_reason": "server_error"},
        {"question": "[bold red]Is this markup?[/] [link=https://a.example]no[/link]"},
    ],
)
def test_what_others_wrote_does_nothing_in_a_terminal(
    changes: dict[str, object], color: bool
) -> None:
    shown = printed(previewed(**changes), color=color)
    ours = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert not set(ours) & set("\x1b\x07\r\u202e")
    if "question" in changes and changes["question"] != NASTY:
        assert "[bold red]Is this markup?[/] [link=https://a.example]no[/link]" in ours


def test_colours_tell_good_from_bad_and_old_from_new_and_so_do_words_and_marks() -> None:
    shown = printed(previewed(**WHOLE), color=True)
    assert re.search(r"\x1b\[32m +Good", shown)
    assert re.search(r"\x1b\[31m +Bad", shown)
    assert re.search(r"\x1b\[32m{\+, on average\+}", shown)
