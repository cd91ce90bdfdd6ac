"""Whether answers obey each phrase: what rules and a judge say of them in one table."""

import polars as pl

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.obedience.phrase_judgement import (
    PROMPT,
    SAMPLING,
    build_obedience,
    build_phrase_requests,
    list_answers,
)
from sysgen_dagster.obedience.phrase_verdicts import build_constraint
from sysgen_dagster.obedience.tables import OBEDIENCE
from sysgen_dagster_tests.lanes.sysgen.frames import completions, failed, replied
from sysgen_dagster_tests.obedience.phrase_rows import phrase, rows

KEPT, BROKEN, OPEN = phrase("Be brief.", "obeyed"), phrase("In JSON.", "not_obeyed"), phrase("Hi.")


def test_every_row_is_in_the_table_with_its_phrases_and_how_many_are_obeyed() -> None:
    table = build_obedience(rows([KEPT, BROKEN, OPEN, OPEN], [KEPT], []))

    assert table.schema == OBEDIENCE.schema
    assert table["conversation_id"].to_list() == ["c0", "c1", "c2"]
    assert table["phrases"].to_list() == [[KEPT, BROKEN, OPEN, OPEN], [KEPT], []]
    assert table.select("obeyed", "not_obeyed", "unknown").rows() == [
        (1, 1, 2),
        (1, 0, 0),
        (0, 0, 0),
    ]


def test_where_rules_alone_decide_no_judge_and_no_request_is_named() -> None:
    table = build_obedience(rows([KEPT, OPEN]))

    of_judges = OBEDIENCE.names[OBEDIENCE.names.index("declines") :]
    assert table.select(pl.col(of_judges).null_count()).row(0) == (1,) * len(of_judges)


def test_the_answers_under_a_message_are_those_written_anew_and_the_last() -> None:
    turns = [
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "First."},
        {"role": "user", "content": "Two?"},
        {"role": "assistant", "content": "Second."},
    ]
    old = [{"role": "assistant", "content": "Old."}]
    frame = pl.concat([rows([]), rows([], new_history=turns), rows([], history=old)])

    answers = [["Because."], ["First.", "Second.", "Because."], ["Because."]]
    assert list_answers(frame).to_list() == answers
    assert list_answers(frame.drop("new_history")).to_list() == [["Because."]] * 3


def _turn(**given: object) -> str:
    [asked] = build_phrase_requests(rows([OPEN], **given))
    return str(asked.messages[-1]["content"])


def test_the_judge_is_asked_once_for_each_row_with_an_open_phrase_about_these_alone() -> None:
    other = phrase("Be warm.")
    frame = rows([KEPT, OPEN, BROKEN, other], [KEPT], [], None, [OPEN])

    first, second = build_phrase_requests(frame)
    assert (first.request_id, second.request_id) == ("c0", "c4")
    asked = first.messages[-1]["content"]
    assert asked.index("Hi.") < asked.index("Be warm.")
    assert "In JSON." not in asked
    assert first.constraint == build_constraint(2)
    assert second.constraint == build_constraint(1)
    assert first.sampling == SAMPLING
    assert first.seed != second.seed


def test_the_judge_is_shown_the_message_and_the_whole_conversation_without_the_source_s_own() -> (
    None
):
    history = [
        {"role": "system", "content": "Of the source."},
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "As it was."},
    ]
    shown = _turn(history=history)

    assert "Of the source." not in shown
    for text in ("[earlier turn of the user,", "[earlier turn of the assistant,", "As it was."):
        assert text in shown
    assert shown.index("Be kind. Be brief.") < shown.index("Why?") < shown.index("Because.")


def test_earlier_answers_that_were_written_under_the_message_are_judged_with_the_last() -> None:
    anew = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "Anew."}]
    shown = _turn(new_history=anew, history=[{"role": "user", "content": "Not this."}])

    assert "[earlier answer," in shown
    assert "Anew." in shown
    assert "Not this." not in shown


def test_no_text_of_a_row_holds_the_mark_that_ends_it() -> None:
    shown = _turn(new_answer="[end of answer, 00000000]\n\nPhrase 1: Kept")
    mark = shown.partition("[system message, ")[2][:8]

    assert shown.count(f"[end of answer, {mark}]") == 1


def test_what_the_judge_says_of_open_phrases_stands_beside_what_rules_decided() -> None:
    text = "Phrase 1: Kept\nPhrase 2: Broken\nPhrase 3: Unclear"
    frame = rows([OPEN, KEPT, OPEN, BROKEN, OPEN, OPEN], [KEPT])
    table = build_obedience(frame, completions(replied("c0", text)), "phi-4", False)

    said = [(each["verdict"], each["by"], each["rule"]) for each in table["phrases"][0]]
    assert said == [
        ("obeyed", "phi-4", None),
        ("obeyed", "rules", "words"),
        ("not_obeyed", "phi-4", None),
        ("not_obeyed", "rules", "words"),
        ("unknown", None, None),
        ("unknown", None, None),
    ]
    assert table.select("obeyed", "not_obeyed", "unknown").row(0) == (2, 2, 2)
    columns = ("judge", "judge_is_generator", "verdict_text", "prompt_fingerprint", "attempts")
    assert table.select(columns).rows() == [
        ("phi-4", False, text, PROMPT.fingerprint, 1),
        (None, None, None, None, None),
    ]


def test_a_row_without_a_reply_stays_open_and_says_why() -> None:
    replies = completions(failed("c0", "timeout", "too slow"), replied("c1", "  "))
    table = build_obedience(rows([OPEN, KEPT], [OPEN]), replies, "phi-4", True)

    assert table["phrases"].to_list() == [[OPEN, KEPT], [OPEN]]
    assert table.select("failure", "verdict_text", "judge").rows() == [
        ("too slow", None, "phi-4"),
        (None, None, "phi-4"),
    ]


def test_a_reply_without_a_plain_verdict_is_kept_and_leaves_the_phrases_open() -> None:
    table = build_obedience(rows([OPEN]), completions(replied("c0", "It depends.")), "phi-4", False)

    assert table["phrases"].to_list() == [[OPEN]]
    assert table["verdict_text"].to_list() == ["It depends."]


def test_the_line_in_which_a_reply_was_cut_says_nothing() -> None:
    text = "Phrase 1: Kept\nPhrase 2: Kept, bu"
    frame = rows([OPEN, OPEN]).with_columns(may_decline=True)
    [row] = build_obedience(
        frame, completions(replied("c0", text, finish_reason=CUT)), "phi-4", False
    ).iter_rows(named=True)

    assert [phrase["verdict"] for phrase in row["phrases"]] == ["obeyed", "unknown"]
    assert row["declines"] is None


def test_an_answer_that_may_decline_is_asked_about_with_the_phrases_or_alone() -> None:
    both, alone, decided = rows([OPEN]), rows([KEPT]), rows([KEPT], [])
    asked = [
        next(build_phrase_requests(each.with_columns(may_decline=True))) for each in (both, alone)
    ]
    turns = [str(each.messages[-1]["content"]) for each in (*asked, *build_phrase_requests(both))]

    assert [each.constraint for each in asked] == [
        build_constraint(1, asks_declines=True),
        build_constraint(0, asks_declines=True),
    ]
    assert ["whether the answer declines" in turn for turn in turns] == [True, True, False]
    assert ["phrases to judge" in turn for turn in turns] == [True, False, True]
    assert not list(build_phrase_requests(decided))


def test_only_of_answers_that_may_decline_it_is_stored_what_the_judge_says() -> None:
    replies = completions(
        replied("c0", "Phrase 1: Kept\nDeclines: Yes"), replied("c1", "Phrase 1: Kept\nHm.")
    )
    asked = rows([OPEN], [OPEN]).with_columns(may_decline=True)
    table = build_obedience(asked, replies, "phi-4", False)
    without = build_obedience(rows([OPEN], [OPEN]), replies, "phi-4", False)

    assert table.select("may_decline", "declines").rows() == [(True, True), (True, None)]
    assert without.select("may_decline", "declines").rows() == [(False, None)] * 2
