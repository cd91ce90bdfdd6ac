"""Chats and pairs of the second lane."""

import polars as pl

from sysgen_dagster.catalog.recipes import Training
from sysgen_dagster.tables.table import kept
from sysgen_dagster.training_sets.multifaceted import build_pairs, build_rows
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS, MULTIFACETED_ROWS
from sysgen_dagster_tests.training_sets.set_rows import judged, written

SETTINGS = Training()


def test_a_chat_is_the_message_the_instruction_and_the_answer_which_alone_is_learned() -> None:
    rows = build_rows(written(), SETTINGS)

    assert rows.schema == pl.Schema(MULTIFACETED_ROWS.schema)
    assert rows.height == 12
    row = rows.row(4, named=True)
    said = [turn["content"] for turn in row["messages"]]
    assert said == ["Message 1.", "Why 1?", "Answer 1 to 1."]
    assert [turn["role"] for turn in row["messages"]] == ["system", "user", "assistant"]
    assert row["trained"] == [False, False, True]


def test_a_row_names_its_source_its_licences_and_its_preference_set() -> None:
    for table in (
        build_rows(written(), SETTINGS),
        build_pairs(written(), judged(written()), SETTINGS),
    ):
        row = table.row(5, named=True)
        assert row["instruction_id"] == "own-1-0"
        assert (row["main_source"], row["original_source"]) == ("Own questions", None)
        assert (row["source_license"], row["model_license"]) == ("cc0-1.0", "apache-2.0")
        assert (row["source_row"], row["source_revision"]) == (1, "local:1")
        assert len(row["preference_set"]) == 4


def test_every_answer_is_the_chosen_one_of_a_pair_or_says_why_not() -> None:
    of = written(4, a1_0="x" * 99, a3_0="Same.", a3_1="Same.", a3_2="Same.")
    verdicts = judged(of, a0_0="A", a0_1="tie", a2_1="nothing")
    pairs = build_pairs(of, verdicts, SETTINGS)

    assert pairs.schema == pl.Schema(MULTIFACETED_PAIRS.schema)
    assert pairs["conversation_id"].to_list() == of.gold["conversation_id"].to_list()
    assert pairs["drop_reason"].to_list() == [
        *("order_decides", "tie", None),
        *("lengths_differ", None, None),
        *(None, "not_judged", None),
        *("no_sibling",) * 3,
    ]
    for row in kept(pairs).iter_rows(named=True):
        assert row["chosen"] != row["rejected"]
        assert row["rejected_is"] == "other_system_message"
        assert row["rejected_model"] == row["model"]
        assert row["judge"] == "a-judge"
    dropped = pairs.drop_nulls("drop_reason")
    assert dropped["rejected"].null_count() == dropped["rejected_is"].null_count() == 7


def test_a_verdict_on_another_sibling_s_answer_decides_nothing() -> None:
    of = written(1)
    older = judged(of).with_columns(rejected_set=pl.lit("own-0-0#9"))

    assert build_pairs(of, older, SETTINGS)["drop_reason"].to_list() == ["not_judged"] * 3


def test_the_split_is_that_of_the_instruction_and_follows_from_the_seed() -> None:
    settings = Training(validation=0.3, test=0.3)
    rows = build_rows(written(40), settings)

    assert rows.select("instruction_id", "split").unique().height == 40
    assert {*rows["split"]} == {"train", "validation", "test"}
    pairs = build_pairs(written(40), judged(written(40)), settings)
    assert pairs["split"].to_list() == rows["split"].to_list()
    other = build_rows(written(40), Training(validation=0.3, test=0.3, seed=1))
    assert other["split"].to_list() != rows["split"].to_list()


def test_of_no_answers_there_are_no_rows() -> None:
    nothing = written(0)
    assert build_rows(nothing, SETTINGS).is_empty()
    assert build_pairs(nothing, judged(nothing), SETTINGS).is_empty()
