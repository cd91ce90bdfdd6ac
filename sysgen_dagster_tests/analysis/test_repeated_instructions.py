"""Held-out instructions that training instructions repeat."""

import polars as pl

from sysgen_dagster.analysis.repeated_instructions import find_repeats

LONG = (
    "Explain to a class of twelve year olds why the sea rises and falls twice a day, what the moon "
    "has to do with it, and why narrow bays have the highest water of all the coasts"
)


def _texts(prefix: str, *texts: str) -> pl.DataFrame:
    ids = [f"{prefix}-{number}-0" for number in range(len(texts))]
    return pl.DataFrame({"conversation_id": ids, "source": "own", "question": texts})


def _repeated(held_out: str, *training: str) -> list[tuple[object, ...]]:
    return find_repeats(_texts("held", held_out), _texts("train", *training)).rows()


def test_a_text_is_repeated_where_most_of_its_runs_of_words_are() -> None:
    assert _repeated(LONG, "Why is the sky blue?", f"Please: {LONG.upper()}!") == [
        ("held-0-0", "train-1-0", 1.0)
    ]
    [(_, _, overlap)] = _repeated(LONG, LONG.rpartition(" of all")[0])
    assert 0.5 < float(str(overlap)) < 1


def test_one_run_in_common_is_no_repetition() -> None:
    assert _repeated(LONG, f"{LONG[:90]} and so on, as it was told last week") == []


def test_of_a_short_text_all_words_have_to_be_there() -> None:
    assert _repeated("How do tides work in bays?", "Tell me: how do tides work in bays")
    assert not _repeated("How do tides work in bays?", "How do tides work in rivers?")


def test_a_text_of_a_few_words_is_repeated_by_the_same_words_alone() -> None:
    assert _repeated("What is gravity?", "what is gravity") == [("held-0-0", "train-0-0", 1.0)]
    assert not _repeated("What is gravity?", "What is gravity, and who found it first?")


def test_two_that_are_held_out_are_both_found() -> None:
    both = _texts("held", LONG, f"{LONG}, as an essay")

    assert find_repeats(both, _texts("train", LONG))["conversation_id"].to_list() == [
        "held-0-0",
        "held-1-0",
    ]


def test_nothing_held_out_and_nothing_trained_on_give_nothing() -> None:
    none = _texts("none").cast(pl.String)

    assert find_repeats(none, _texts("train", LONG)).is_empty()
    assert find_repeats(_texts("held", LONG), none).is_empty()
