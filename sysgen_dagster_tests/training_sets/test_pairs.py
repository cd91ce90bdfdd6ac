"""Which answers are preferred to which."""

from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.training_sets.pairs import build_preference_pairs
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS
from sysgen_dagster_tests.training_sets.frames import aligned, chat

FOREIGN = ("conversation_id", "model", "system_message", "new_answer")


def foreign(*rows: tuple[str, str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(FOREIGN, pl.String), orient="row")


def others(*rows: dict[str, Any], **theirs: tuple[str, str]) -> pl.DataFrame:
    """The pairs that reject another model's answer; `theirs`: system message and answer."""
    answered = foreign(*(("c0", model, *texts) for model, texts in theirs.items()))
    return build_preference_pairs(aligned(*rows), answered).filter(
        rejected_is="other_system_message"
    )


def test_the_new_answer_is_preferred_to_the_original_one() -> None:
    history = chat(("system", "Upstream."), ("user", "Q0"), ("assistant", "A0"))
    pairs = build_preference_pairs(aligned({"history": history}), foreign())

    assert pairs.schema == PREFERENCE_PAIRS.schema
    [pair] = pairs.to_dicts()
    assert (pair["rejected_is"], pair["rejected_model"]) == ("original_answer", None)
    assert pair["prompt"] == chat(
        ("system", "S"), ("user", "Q0"), ("assistant", "A0"), ("user", "Q")
    )
    assert pair["chosen"] == chat(("assistant", "A'"))
    assert pair["rejected"] == chat(("assistant", "A"))
    assert (pair["model"], pair["split"], pair["tags"]) == ("phi", "train", ["Role", "Task"])


def test_it_is_preferred_to_the_answer_of_another_model_under_its_own_system_message() -> None:
    [pair] = others({}, qwen=("Other S", "Other A'")).to_dicts()

    assert pair["rejected_model"] == "qwen"
    assert pair["model"] == "phi"
    assert pair["prompt"] == chat(("system", "S"), ("user", "Q"))
    assert pair["chosen"] == chat(("assistant", "A'"))
    assert pair["rejected"] == chat(("assistant", "Other A'"))


def test_an_answer_is_not_preferred_to_itself() -> None:
    pairs = build_preference_pairs(aligned({"answer": "A'\n"}, {}), foreign())

    assert pairs["conversation_id"].to_list() == ["c1"]


@pytest.mark.parametrize(
    "theirs",
    [
        pytest.param({"qwen": ("Other S", " A' ")}, id="the same answer"),
        pytest.param({"qwen": ("S ", "Other A'")}, id="under the same system message"),
        pytest.param({"phi": ("Other S", "Other A'")}, id="the model's own"),
        pytest.param({}, id="none"),
    ],
)
def test_some_answers_of_other_models_are_not_rejected(theirs: dict[str, tuple[str, str]]) -> None:
    assert others({}, **theirs).is_empty()


@pytest.mark.parametrize("llama", [("S", "Other A'"), ("Other S", "A'")])
def test_another_model_steps_in_where_one_cannot(llama: tuple[str, str]) -> None:
    able = ("Other S", "Other A'")
    answered = {"llama": llama, "qwen": able}
    theirs = foreign(
        *((f"c{n}", model, *texts) for n in range(20) for model, texts in answered.items())
    )
    pairs = build_preference_pairs(aligned(*[{}] * 20), theirs).filter(
        rejected_is="other_system_message"
    )

    assert pairs["rejected_model"].to_list() == ["qwen"] * 20


def test_models_alternate() -> None:
    rows = aligned(*[{}] * 200)
    theirs = foreign(
        *((f"c{n}", model, "Other S", model) for n in range(200) for model in ("llama", "qwen"))
    )
    pairs = build_preference_pairs(rows, theirs).filter(rejected_is="other_system_message")

    assert pairs["conversation_id"].to_list() == rows["conversation_id"].to_list()
    # 100 are expected of each, give or take 7.
    assert Counter(pairs["rejected_model"])["llama"] == pytest.approx(100, abs=30)


TEXTS = st.sampled_from(["S", "S ", "T", "", "A"])


@given(
    st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=4),
    st.dictionaries(
        st.tuples(st.integers(0, 4), st.sampled_from(["phi", "qwen", "llama"])),
        st.tuples(TEXTS, TEXTS),
    ),
    st.randoms(),
)
def test_pairs_differ_and_do_not_depend_on_the_order_of_the_others(
    own: list[tuple[str, str, str]],
    theirs: dict[tuple[int, str], tuple[str, str]],
    random: Any,
) -> None:
    rows = aligned(
        *({"system_message": s, "answer": old, "new_answer": new} for s, old, new in own)
    )
    listed = [(f"c{n}", model, *texts) for (n, model), texts in theirs.items()]
    pairs = build_preference_pairs(rows, foreign(*listed))

    for [chosen], [rejected] in pairs.select("chosen", "rejected").iter_rows():
        assert chosen["content"].strip() != rejected["content"].strip()
    assert not pairs.select("conversation_id", "rejected_is").is_duplicated().any()
    random.shuffle(listed)
    assert build_preference_pairs(rows, foreign(*listed)).equals(pairs)
