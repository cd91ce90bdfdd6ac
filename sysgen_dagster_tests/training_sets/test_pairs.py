"""Which answers are preferred to which."""

from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.catalog.recipes import Rejected
from sysgen_dagster.obedience.tables import PHRASE_VERDICTS
from sysgen_dagster.training_sets import pairs
from sysgen_dagster.training_sets.pairs import build_preference_pairs, compare_answers
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


@pytest.fixture
def _rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that can tell of ``say WORD`` alone, so that cases do not hang on what rules read.

    Of an answer with a question mark they cannot tell.
    """

    def decide(phrases: pl.Series, answers: pl.Series) -> pl.Series:
        def verdict(text: str, texts: list[str]) -> str:
            if not text.startswith("say ") or any("?" in each for each in texts):
                return "unknown"
            word = text.removeprefix("say ")
            return "obeyed" if all(word in each for each in texts) else "not_obeyed"

        rows = [
            [{**each, "verdict": verdict(each["text"], texts)} for each in of]
            for of, texts in zip(phrases, answers, strict=True)
        ]
        return pl.Series("phrases", rows, PHRASE_VERDICTS)

    monkeypatch.setattr(pairs, "decide_by_rules", decide)


def phrases(*texts: str) -> list[dict[str, str]]:
    return [{"tag": "Content", "text": text} for text in texts]


def tried(*answers: str, reason: str = "breaks_rules") -> list[dict[str, str]]:
    return [{"answer": answer, "reason": reason} for answer in answers]


SAY = {"phrases": phrases("say cat", "say dog"), "new_answer": "cat dog", "answer": "bird"}


def of_kind(rejected_is: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    made = build_preference_pairs(aligned(*rows), foreign(("c0", "qwen", "Other S", "cat or dog")))
    return made.filter(rejected_is=rejected_is).to_dicts()


@pytest.mark.usefixtures("_rules")
# The pairs of conflict turns are made in `conflict_pairs`.
@pytest.mark.parametrize("kind", [kind for kind in Rejected if kind != "followed_user"])
def test_an_answer_that_does_not_obey_is_not_chosen(kind: str) -> None:
    row = {**SAY, "answer": "cat", "rejected_answers": tried("dog")}

    assert (of_kind(kind, row) == []) is (kind == "other_system_message")
    assert of_kind(kind, {**row, "phrases_not_obeyed": 1}) == []


@pytest.mark.usefixtures("_rules")
@pytest.mark.parametrize("stored", [0, None])
@pytest.mark.parametrize(
    ("answer", "before", "left_out"),
    [
        pytest.param("a cat", None, ["chosen_does_not_obey"], id="the only answer breaks one"),
        pytest.param("cat dog", "cat dog", [None], id="no answer of the conversation breaks one"),
        pytest.param("cat dog", "a cat", ["chosen_does_not_obey"], id="an earlier answer does"),
        pytest.param("cat?", None, [None], id="rules can not tell"),
    ],
)
def test_an_answer_that_breaks_a_phrase_by_rules_of_today_is_not_chosen(
    answer: str, before: str | None, left_out: list[str | None], stored: int | None
) -> None:
    anew = before and chat(("user", "Q0"), ("assistant", before))
    said = {"new_answer": answer, "new_history": anew, "phrases_not_obeyed": stored}

    assert compare_answers(aligned(SAY | said), foreign())["left_out"].to_list() == left_out


@pytest.mark.usefixtures("_rules")
@pytest.mark.parametrize(
    ("original", "is_pair", "broken"),
    [
        pytest.param("bird", True, 2, id="obeys nothing"),
        pytest.param("a cat", True, 1, id="obeys one phrase"),
        pytest.param("a dog and a cat", False, None, id="obeys all"),
    ],
)
def test_an_answer_that_obeys_all_phrases_is_not_rejected(
    original: str, is_pair: bool, broken: int | None
) -> None:
    made = of_kind("original_answer", {**SAY, "answer": original})

    assert [pair["rejected_not_obeyed"] for pair in made] == [broken] * is_pair


@pytest.mark.usefixtures("_rules")
@pytest.mark.parametrize(
    ("chosen", "original", "judged", "is_pair"),
    [
        pytest.param("a cat?", "a cat", 0, False, id="obeys more"),
        pytest.param("a cat?", "a cat", 1, True, id="as many as a judge says of the chosen one"),
        pytest.param("my cat", "a cat", 0, True, id="as many by rules, before a judge is asked"),
        pytest.param("a cat?", "cats?", 0, True, id="rules can tell of neither"),
        pytest.param("cat dog?", "a cat", 0, True, id="obeys more, and breaks one"),
    ],
)
def test_an_answer_that_breaks_none_and_obeys_more_is_not_rejected(
    chosen: str, original: str, judged: int, *, is_pair: bool
) -> None:
    texts = ("say cat", "say dog", "be kind") if "dog" in chosen else ("say cat", "be kind")
    row = {"phrases": phrases(*texts), "new_answer": chosen, "phrases_obeyed": judged}

    assert bool(of_kind("original_answer", row | {"answer": original})) is is_pair


@pytest.mark.usefixtures("_rules")
@pytest.mark.parametrize("texts", [["be kind"], ["say cat", "be kind"], []])
def test_what_rules_cannot_tell_of_the_rejected_answer_leaves_no_pair_out(texts: list[str]) -> None:
    made = of_kind("original_answer", {**SAY, "phrases": phrases(*texts), "answer": "a cat"})

    assert [pair["rejected_not_obeyed"] for pair in made] == [0]


@pytest.mark.usefixtures("_rules")
@pytest.mark.parametrize(
    ("answers", "rejected"),
    [
        pytest.param([], [], id="no other was written"),
        pytest.param(tried("a cat"), ["a cat"], id="one that breaks a phrase"),
        pytest.param(tried("a cat", "a bird"), ["a bird"], id="the worst"),
        pytest.param(tried("a cat", "a dog"), ["a cat"], id="the first of equals"),
        pytest.param(tried("dog, cat"), [], id="rules find nothing in it now"),
        pytest.param(tried(" cat dog\n"), [], id="the same answer"),
        pytest.param(tried("a cat", reason="truncated"), [], id="one that was cut"),
        pytest.param(tried("a bird", reason="refused"), [], id="a refusal"),
        pytest.param(
            [*tried("I", reason="refused"), *tried("a dog")], ["a dog"], id="behind a refusal"
        ),
    ],
)
def test_of_the_answers_under_the_same_message_the_worst_is_rejected(
    answers: list[dict[str, str]], rejected: list[str]
) -> None:
    made = of_kind("worse_answer", {**SAY, "rejected_answers": answers})

    assert [pair["rejected"][0]["content"] for pair in made] == rejected
    assert [pair["rejected_model"] for pair in made] == ["phi"] * len(rejected)


@pytest.mark.usefixtures("_rules")
def test_what_is_left_out_is_counted_with_its_reason() -> None:
    unsure = {"phrases": phrases("say cat", "be kind"), "phrases_obeyed": 0}
    rows = aligned(
        {**SAY, "answer": "dog cat"},
        {**SAY, "phrases_not_obeyed": 1},
        {**SAY, **unsure, "new_answer": "a cat?", "answer": "cat"},
        {**SAY, "answer": " cat dog\n"},
        SAY,
    )
    compared = compare_answers(rows, foreign())

    assert compared["left_out"].to_list() == [
        "rejected_obeys_too",
        "chosen_does_not_obey",
        "rejected_obeys_more",
        "same_answer",
        None,
    ]


def test_the_turns_before_are_those_that_the_new_answer_follows() -> None:
    history = chat(("user", "Q0"), ("assistant", "A0"))
    anew = chat(("user", "Q0"), ("assistant", "A0'"))
    made = build_preference_pairs(aligned({"history": history, "new_history": anew}), foreign())

    assert made["prompt"].to_list() == [[*chat(("system", "S")), *anew, *chat(("user", "Q"))]]


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
