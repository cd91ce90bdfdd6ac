"""Whether answers obey each phrase: what rules and a judge say of them in one table."""

import polars as pl

from sysgen_dagster.obedience.phrase_judgement import build_obedience, list_answers
from sysgen_dagster.obedience.tables import OBEDIENCE
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

    of_judges = OBEDIENCE.names[6:]
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
