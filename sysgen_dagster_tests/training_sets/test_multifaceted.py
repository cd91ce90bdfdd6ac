"""Chats and pairs of the second lane."""

from dataclasses import replace

import polars as pl
import pytest

from sysgen_dagster.catalog.recipes import OF_SECOND_LANE, Flag, Lane, Recipe, Training
from sysgen_dagster.tables.table import kept
from sysgen_dagster.training_sets.mixtures import only_matching
from sysgen_dagster.training_sets.multifaceted import Written, build_pairs, build_rows
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


CLEAN = "Sow the seeds in spring, water them each morning, and thin them out after two weeks."
FLAWED = {
    "personal_data": CLEAN + " Write to ann@uni-bonn.de if they do not grow.",
    "repetitive": (CLEAN + " ") * 20,
    "languages_differ": "Man sät die Samen im Frühling, gießt sie jeden Morgen und vereinzelt sie.",
    "python_does_not_parse": CLEAN + "\n```python\ndef sow(x)\n    return x\n```",
}


def _in_sentences(of: Written) -> Written:
    """With messages and instructions that are long enough to tell their language."""
    gold = of.gold.with_columns(
        system_message=pl.lit("You are a patient gardener who explains every step to beginners."),
        question=pl.lit("How do I grow tomatoes from seeds on a small and windy balcony?"),
    )
    return replace(of, gold=gold)


@pytest.mark.parametrize("flag", FLAWED)
def test_a_row_and_a_pair_have_the_findings_of_their_answer_as_flags(flag: Flag) -> None:
    of = _in_sentences(written(1, a0_0=CLEAN, a0_1=FLAWED[flag], a0_2=CLEAN + " So it is done."))

    for table in (build_rows(of, SETTINGS), build_pairs(of, judged(of), SETTINGS)):
        assert table["flags"].to_list() == [[], [flag], []]


def test_a_recipe_leaves_flagged_rows_out() -> None:
    flawed = {f"a0_{at}": FLAWED[flag] for at, flag in enumerate(("repetitive", "personal_data"))}
    rows = build_rows(_in_sentences(written(1, a0_2=CLEAN, **flawed)), SETTINGS)
    recipe = Recipe(lane=Lane.MULTIFACETED, leave_out=("repetitive",))

    left = only_matching(rows, recipe)["conversation_id"].to_list()
    assert left == ["own-0-0#1", "own-0-0#2"]


def test_an_instruction_and_a_message_are_looked_at_for_personal_data() -> None:
    of = written(2)
    gold = of.gold.with_columns(
        question=pl.when(pl.int_range(pl.len()) == 0)
        .then(pl.lit("Mail ann@uni-bonn.de for me."))
        .otherwise("question"),
        system_message=pl.when(pl.int_range(pl.len()) == 4)
        .then(pl.lit("You are ann@uni-bonn.de."))
        .otherwise("system_message"),
    )
    flags = build_rows(replace(of, gold=gold), SETTINGS)["flags"].to_list()

    assert [at for at, each in enumerate(flags) if each == ["personal_data"]] == [0, 4]


def test_recipes_of_the_lane_leave_out_what_its_rows_are_looked_at_for() -> None:
    assert {*FLAWED} == {*OF_SECOND_LANE}


def test_of_no_answers_there_are_no_rows() -> None:
    nothing = written(0)
    assert build_rows(nothing, SETTINGS).is_empty()
    assert build_pairs(nothing, judged(nothing), SETTINGS).is_empty()
