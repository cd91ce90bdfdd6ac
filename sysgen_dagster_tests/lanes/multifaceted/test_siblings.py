"""Which answer a pair rejects."""

import polars as pl
import pytest

from sysgen_dagster.lanes.multifaceted.siblings import choose_rejected


def _gold(**answers: str) -> pl.DataFrame:
    """Answers by the number of the set, such as ``a0``: of the instruction ``a`` set 0."""
    ids = [f"{name[0]}-0-0#{name[1:]}" for name in answers]
    columns = {"conversation_id": ids, "answer": [*answers.values()]}
    return pl.DataFrame(columns, dict.fromkeys(columns, pl.String()))


def _chosen(gold: pl.DataFrame) -> list[tuple[str | None, ...]]:
    return choose_rejected(gold).select("rejected_set", "rejected_answer", "unpaired").rows()


def test_the_answer_to_another_message_of_the_same_instruction_is_rejected() -> None:
    gold = _gold(a0="one", a1="two", a2="six", b0="ten", b1="red")
    found = choose_rejected(gold)

    assert found["conversation_id"].to_list() == gold["conversation_id"].to_list()
    for own, other, text in found.select(
        "conversation_id", "rejected_set", "rejected_answer"
    ).iter_rows():
        assert own != other
        assert own.split("#")[0] == other.split("#")[0]
        assert gold.filter(conversation_id=other)["answer"].item() == text
    assert found["unpaired"].null_count() == 5


def test_which_one_is_drawn_by_the_ids_and_not_by_the_order_or_the_texts() -> None:
    names = [f"{letter}{number}" for letter in "abcdefghij" for number in range(3)]
    gold = _gold(**{name: f"say {name}" for name in names})
    first = choose_rejected(gold).select("conversation_id", "rejected_set")
    other = _gold(**{name: f"now {name}" for name in reversed(names)})

    again = choose_rejected(other).select("conversation_id", "rejected_set")
    assert again.sort("conversation_id").equals(first.sort("conversation_id"))
    steps = {
        (int(other[-1]) - int(own[-1])) % 3 for own, other in first.iter_rows() if other is not None
    }
    assert steps == {1, 2}  # not always the next one


@pytest.mark.parametrize(
    ("sibling", "reason"),
    [
        pytest.param("x" * 20, None, id="twice-as-long"),
        pytest.param("x" * 21, "lengths_differ", id="more-than-twice-as-long"),
        pytest.param("x" * 5, None, id="half-as-long"),
        pytest.param("x" * 4, "lengths_differ", id="less-than-half-as-long"),
        pytest.param(" aaaaaaaaaa\n", "no_sibling", id="the-same-but-for-blanks"),
    ],
)
def test_an_answer_that_is_no_match_is_not_rejected(sibling: str, reason: str | None) -> None:
    assert _chosen(_gold(a0="a" * 10, a1=sibling))[0][2] == reason


def test_of_several_one_that_is_about_as_long_is_taken_whatever_is_drawn() -> None:
    for number in range(10):
        of = chr(ord("a") + number)
        gold = _gold(**{f"{of}0": "short one", f"{of}1": "x" * 99, f"{of}2": "as short"})
        assert _chosen(gold)[0][1] == "as short"


def test_a_single_answer_has_no_sibling_and_stays_with_its_reason() -> None:
    assert _chosen(_gold(a0="one", b0="two")) == [(None, None, "no_sibling")] * 2
    assert _chosen(_gold()) == []
