"""Phase 4 with several answers: what is asked, which one is chosen, what becomes of the others."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest, derive_seed
from sysgen_dagster.lanes.sysgen import answers
from sysgen_dagster.lanes.sysgen.alignment import (
    build_aligned_responses,
    build_alignment_inputs,
    build_alignment_requests,
)
from sysgen_dagster.lanes.sysgen.answers import answer, count_answers
from sysgen_dagster.lanes.sysgen.settings import Contradiction, Method
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.obedience.tables import PHRASE_VERDICTS
from sysgen_dagster_tests.lanes.sysgen.frames import completions, conversations, verified
from sysgen_dagster_tests.lanes.sysgen.scripted_model import Cut, Round, ScriptedModel, outcome

COOK = [("Role", "You cook.")]
REFUSAL = "I cannot help with that."
FIVE, SIX, SEVEN = "The answer is: 5", "The answer is: 6", "The answer is: 7"
PAPER = Method()
TWO, FOUR = Method(answers=2), Method(answers=4)
DROP = Method(answers=2, contradiction=Contradiction.DROP)
KEEP = Method(answers=2, contradiction=Contradiction.KEEP_ORIGINAL)


@pytest.fixture(autouse=True)
def rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of the rules: an answer breaks as many phrases as it has exclamation marks."""

    def decide(phrases: pl.Series, texts: pl.Series) -> pl.Series:
        decided = [
            None if of is None else [_verdict(of[0].count("!") > at) for at in range(5)]
            for _, of in zip(phrases, texts, strict=True)
        ]
        return pl.Series("phrases", decided, PHRASE_VERDICTS)

    monkeypatch.setattr(answers, "decide_by_rules", decide)


def _verdict(is_broken: bool) -> dict[str, Any]:
    verdict = "not_obeyed" if is_broken else "obeyed"
    return {"tag": "Style", "text": "x", "verdict": verdict, "by": "rules", "rule": "x"}


def answered(method: Method, *script: Round, original: str = "Because.") -> pl.DataFrame:
    """Phase 4's table of the conversations of the first round; every round must be used."""
    model = ScriptedModel(script)
    rows = [{"answer": original}] * len(script[0])
    table = answer(verified(*[COOK] * len(rows)), conversations(*rows), model, method)
    assert len(model.asked) == len(script)
    assert table.schema == ALIGNED.schema
    return table


def chosen(table: pl.DataFrame) -> list[tuple[object, ...]]:
    return table.select("new_answer", "drop_reason", "answers").rows()


def rejected(table: pl.DataFrame) -> list[tuple[str | None, str]]:
    """Text and reason of each rejected answer of the only row."""
    return [(each["answer"], each["reason"]) for each in table["rejected_answers"].item()]


# One answer, as in the paper.


def test_with_the_settings_of_the_paper_every_row_is_asked_for_once_with_the_paper_s_request() -> (
    None
):
    messages, rows = verified(COOK, COOK), conversations({}, {"answer": FIVE})
    model = ScriptedModel(({"c0": "Salt!", "c1": SIX},))
    table = answer(messages, rows, model, PAPER)
    inputs = build_alignment_inputs(messages, rows)

    assert model.asked == [list(build_alignment_requests(inputs))]
    alone = build_aligned_responses(
        inputs,
        completions(
            *[
                {
                    **outcome(name, {"c0": "Salt!", "c1": SIX}),
                    "seed": derive_seed(name, ALIGNED.name),
                }
                for name in ("c0", "c1")
            ]
        ),
    )
    results = [name for name in ALIGNED.names if "result" in name]
    totals = ["all_prompt_tokens", "all_completion_tokens"]
    assert table.drop(results, totals).equals(alone.drop(results, totals))
    assert table["result"].to_list() == ["none", "contradicts"]


def test_no_messages_ask_nothing_and_give_no_rows() -> None:
    table = answer(verified(), conversations(), ScriptedModel(()), FOUR)

    assert table.schema == ALIGNED.schema
    assert table.is_empty()


# Which rows are asked again.


def test_another_answer_is_asked_for_only_where_each_one_so_far_has_a_fault() -> None:
    model = ScriptedModel(
        (
            {"c0": "Fine.", "c1": "Bad!", "c2": REFUSAL, "c3": Cut("Half"), "c4": SIX},
            {"c1": "Fine.", "c2": REFUSAL, "c3": "Whole.", "c4": SEVEN},
            {"c2": REFUSAL, "c4": FIVE},
            {"c2": "Bad!"},
        )
    )
    originals = [{}, {}, {}, {}, {"answer": FIVE}]
    table = answer(verified(*[COOK] * 5), conversations(*originals), model, FOUR)

    assert chosen(table) == [
        ("Fine.", None, 1),
        ("Fine.", None, 2),
        ("Bad!", None, 4),
        ("Whole.", None, 2),
        (FIVE, None, 3),
    ]
    assert count_answers(table) == {"answers": 12, "answered_again": 4, "originals_kept": 0}


@pytest.mark.parametrize(
    "reason",
    [
        NoAnswer.SERVER_ERROR,
        NoAnswer.TIMEOUT,
        NoAnswer.TOO_LONG,
        NoAnswer.REFUSED_BY_SERVER,
        NoAnswer.FILTERED_BY_SERVER,
    ],
)
def test_where_the_server_gave_nothing_no_other_answer_is_asked_for(reason: NoAnswer) -> None:
    assert chosen(answered(FOUR, {"c0": reason})) == [(None, reason.value, 1)]


def test_each_answer_has_a_seed_of_its_own_and_the_same_messages() -> None:
    model = ScriptedModel(({"c0": "A!"}, {"c0": "B!"}, {"c0": "C!"}, {"c0": "D!"}))
    answer(verified(COOK), conversations({}), model, FOUR)
    asked = [request for [request] in model.asked]

    assert asked[0].seed == derive_seed("c0", "aligned_responses")
    assert len({request.seed for request in asked}) == 4
    assert len({str(request.messages) for request in asked}) == 1


# Which answer is chosen.


def test_the_answer_that_breaks_fewer_rules_is_chosen_and_of_equal_ones_the_earliest() -> None:
    table = answered(FOUR, {"c0": "A!!!"}, {"c0": "B!"}, {"c0": "C!!"}, {"c0": "D!"})

    assert chosen(table) == [("B!", None, 4)]
    assert rejected(table) == [
        ("A!!!", "breaks_rules"),
        ("C!!", "breaks_rules"),
        ("D!", "breaks_rules"),
    ]


@pytest.mark.parametrize("contradiction", Contradiction)
def test_an_answer_that_does_not_contradict_is_taken_before_one_that_obeys_more(
    contradiction: Contradiction,
) -> None:
    method = Method(answers=2, contradiction=contradiction)
    table = answered(method, {"c0": SIX}, {"c0": f"So!! {FIVE}"}, original=FIVE)

    assert chosen(table) == [(f"So!! {FIVE}", None, 2)]
    assert rejected(table) == [(SIX, "contradicts_original")]
    assert table.select("result", "first_result").row(0) == ("same", "contradicts")


def test_a_refusal_is_kept_from_the_row_by_any_answer() -> None:
    table = answered(TWO, {"c0": REFUSAL}, {"c0": "Bad!!!!"})

    assert chosen(table) == [("Bad!!!!", None, 2)]
    assert rejected(table) == [(REFUSAL, "refused")]


def test_where_no_answer_can_be_kept_the_earliest_text_stays_with_its_reason() -> None:
    table = answered(TWO, {"c0": Cut("Half")}, {"c0": REFUSAL})

    assert chosen(table) == [("Half", "truncated", 2)]
    assert rejected(table) == [(REFUSAL, "refused")]


def test_a_failure_of_the_engine_is_said_where_no_other_answer_can_be_kept() -> None:
    table = answered(TWO, {"c0": REFUSAL}, {"c0": NoAnswer.TIMEOUT})

    assert chosen(table) == [(None, "timeout", 2)]
    assert chosen(answered(TWO, {"c0": "A!"}, {"c0": NoAnswer.TIMEOUT})) == [("A!", None, 2)]


# What becomes of contradictions.


def test_a_row_whose_answers_all_contradict_is_kept_under_allow() -> None:
    table = answered(TWO, {"c0": SIX}, {"c0": SEVEN}, original=FIVE)

    assert chosen(table) == [(SIX, None, 2)]
    assert table.select("result", "result_kind", "is_original").row(0) == (
        "contradicts",
        "final_answer",
        False,
    )


def test_it_is_dropped_with_its_own_reason_under_drop() -> None:
    table = answered(DROP, {"c0": SIX}, {"c0": SEVEN}, original=FIVE)

    assert chosen(table) == [(SIX, "contradicts_original", 2)]
    assert rejected(table) == [(SEVEN, "contradicts_original")]


def test_it_keeps_its_original_answer_under_keep_original_and_all_new_ones_are_rejected() -> None:
    table = answered(KEEP, {"c0": SIX}, {"c0": SEVEN}, original=FIVE)

    assert chosen(table) == [(FIVE, None, 2)]
    assert rejected(table) == [(SIX, "contradicts_original"), (SEVEN, "contradicts_original")]
    assert table.select("result", "first_result", "is_original").row(0) == (
        "same",
        "contradicts",
        True,
    )


def test_an_answer_that_gives_way_to_the_original_one_was_not_asked_for_again() -> None:
    once, twice = KEEP.changed({"answers": 1}), KEEP
    kept = answered(once, {"c0": SIX}, original=FIVE)
    again = answered(twice, {"c0": SIX}, {"c0": SEVEN}, original=FIVE)

    assert count_answers(kept) == {"answers": 1, "answered_again": 0, "originals_kept": 1}
    assert count_answers(again) == {"answers": 2, "answered_again": 1, "originals_kept": 1}


def test_an_original_answer_stands_with_what_was_thought_before_it() -> None:
    def ask(requests: Any, total: int) -> pl.DataFrame:
        [request] = requests
        said = {
            **outcome(request.request_id, {"c0": SIX}),
            "reasoning": "6!",
            "reasoning_tokens": 2,
        }
        return completions(said)

    rows = conversations({"answer": FIVE, "answer_reasoning": "5, surely"})
    table = answer(verified(COOK), rows, ask, KEEP.changed({"answers": 1}))

    assert table.select("new_answer", "reasoning", "reasoning_tokens").row(0) == (
        FIVE,
        "5, surely",
        None,
    )


@pytest.mark.parametrize("contradiction", Contradiction)
def test_an_answer_without_a_result_is_no_contradiction(contradiction: Contradiction) -> None:
    method = Method(answers=2, contradiction=contradiction)
    table = answered(method, {"c0": "Think of apples."}, original=FIVE)

    assert chosen(table) == [("Think of apples.", None, 1)]
    assert table["result"].item() == "unread"


@pytest.mark.parametrize("contradiction", Contradiction)
def test_a_refusal_is_no_contradiction(contradiction: Contradiction) -> None:
    method = Method(contradiction=contradiction)
    table = answered(method, {"c0": "I cannot help with those 6 apples."}, original=FIVE)

    assert table.select("drop_reason", "result", "is_original").row(0) == ("refused", None, False)


# The choice is that of n answers written at once.

REPLIES = st.sampled_from(
    ["Fine.", "A!", "B!!", FIVE, SIX, f"So! {FIVE}", f"So! {SIX}", REFUSAL, Cut("Half"), ""]
)


@given(
    rows=st.lists(st.lists(REPLIES, min_size=4, max_size=4), min_size=1, max_size=4),
    contradiction=st.sampled_from(Contradiction),
    original=st.sampled_from([FIVE, "Because."]),
)
def test_the_choice_is_that_of_all_answers_written_at_once(
    rows: Sequence[Sequence[str]], contradiction: Contradiction, original: str
) -> None:
    calls = count()

    def ask(requests: Any, total: int) -> pl.DataFrame:
        number, asked = next(calls), list(requests)
        assert len(asked) == total
        return completions(
            *[
                outcome(each.request_id, {each.request_id: rows[int(each.request_id[1:])][number]})
                for each in asked
            ]
        )

    method = Method(answers=4, contradiction=contradiction)
    messages = verified(*[COOK] * len(rows))
    table = answer(messages, conversations(*[{"answer": original}] * len(rows)), ask, method)

    assert table["new_answer"].to_list() == [
        best(replies, contradiction, original) for replies in rows
    ]
    written = zip(table["rejected_answers"], table["is_original"], table["answers"], strict=True)
    assert all(len(others) + (not is_original) == n for others, is_original, n in written)


def best(replies: Sequence[str], contradiction: Contradiction, original: str) -> str | None:
    """The best of all replies, by the words of the documents."""

    def contradicts(reply: str) -> bool:
        return original == FIVE and SIX in reply

    sound = [each for each in replies if each and each != REFUSAL and not isinstance(each, Cut)]
    true = [each for each in sound if not contradicts(each)]
    if not true and sound and contradiction is Contradiction.KEEP_ORIGINAL:
        return original
    candidates = true or ([] if contradiction is Contradiction.DROP else sound)
    if candidates:
        return min(candidates, key=lambda each: each.count("!"))
    return next((str(each) for each in replies if each), None)


# Whole conversations, turn by turn.

HISTORY = [
    {"role": "system", "content": "Be a pirate."},
    {"role": "user", "content": "What is 2 + 3?"},
    {"role": "assistant", "content": FIVE},
    {"role": "user", "content": "Sure?"},
    {"role": "assistant", "content": "Yes."},
]
LONG: Mapping[str, Any] = {"history": HISTORY, "question": "And then?"}


def talked(
    method: Method, *script: Round, whole: bool = True
) -> tuple[pl.DataFrame, ScriptedModel]:
    """Phase 4's table of a conversation of three turns, ``c0``, and one of one turn, ``c1``."""
    model = ScriptedModel(script)
    table = answer(verified(COOK, COOK), conversations(LONG, {}), model, method, whole=whole)
    assert len(model.asked) == len(script)
    return table, model


@pytest.mark.parametrize(
    ("script", "answers", "again"),
    [
        pytest.param(
            ({"c0": FIVE, "c1": "One."}, {"c0": "Aye."}, {"c0": "Rum."}), 4, 0, id="each turn once"
        ),
        pytest.param(
            (
                {"c0": "No!", "c1": "One."},
                {"c0": REFUSAL},
                {"c0": FIVE},
                {"c0": "Aye."},
                {"c0": "Rum."},
            ),
            6,
            1,
            id="the first turn three times",
        ),
        pytest.param(
            ({"c0": FIVE, "c1": "No!"}, {"c1": "One."}, {"c0": "Aye."}, {"c0": "Rum."}),
            5,
            1,
            id="the only turn of another conversation twice",
        ),
        pytest.param(
            (
                {"c0": "No!", "c1": "One."},
                {"c0": FIVE},
                {"c0": NoAnswer.TOO_LONG},
            ),
            4,
            1,
            id="the first turn twice, and the next one ends it",
        ),
    ],
)
def test_rows_of_which_a_question_was_asked_more_than_once_are_counted(
    script: tuple[Round, ...], answers: int, again: int
) -> None:
    table, _ = talked(FOUR, *script)

    assert count_answers(table)["answers"] == answers
    assert count_answers(table)["answered_again"] == again


def test_every_answer_of_a_whole_conversation_is_written_anew_each_after_the_new_ones() -> None:
    script = ({"c0": f"Aye. {FIVE}", "c1": "One."}, {"c0": "Aye!"}, {"c0": "Then rum."})
    table, model = talked(PAPER, *script)

    assert [[turn["content"] for turn in request.messages] for [request, *_] in model.asked] == [
        ["You cook.", "What is 2 + 3?"],
        ["You cook.", "What is 2 + 3?", f"Aye. {FIVE}", "Sure?"],
        ["You cook.", "What is 2 + 3?", f"Aye. {FIVE}", "Sure?", "Aye!", "And then?"],
    ]
    assert chosen(table) == [("Then rum.", None, 3), ("One.", None, 1)]
    assert [turn["content"] for turn in table["new_history"][0]] == [
        "Be a pirate.",
        "What is 2 + 3?",
        f"Aye. {FIVE}",
        "Sure?",
        "Aye!",
    ]
    assert table["new_history"][1] is None


def test_without_whole_the_history_is_sent_as_it_was() -> None:
    table, model = talked(PAPER, {"c0": "Rum.", "c1": "One."}, whole=False)

    assert len(model.asked[0][0].messages) == 6
    assert table["new_history"].to_list() == [None, None]


def test_the_last_turn_has_the_seed_of_a_row_and_each_earlier_turn_one_of_its_own() -> None:
    _, model = talked(PAPER, {"c0": FIVE, "c1": "One."}, {"c0": "Aye."}, {"c0": "Rum."})
    seeds = [request.seed for round_ in model.asked for request in round_ if is_long(request)]

    assert seeds[-1] == derive_seed("c0", "aligned_responses")
    assert len(set(seeds)) == 3
    assert model.asked[0][1].seed == derive_seed("c1", "aligned_responses")


def is_long(request: ChatRequest) -> bool:
    return request.request_id == "c0"


def test_a_row_whose_turn_fails_is_dropped_with_its_reason_and_no_later_turn_is_asked() -> None:
    table, _ = talked(PAPER, {"c0": FIVE, "c1": "One."}, {"c0": REFUSAL})

    assert chosen(table) == [(REFUSAL, "refused", 2), ("One.", None, 1)]
    assert [turn["content"] for turn in table["new_history"][0]][1:] == ["What is 2 + 3?", FIVE]


def test_each_turn_has_several_answers_and_the_others_of_the_last_turn_are_kept() -> None:
    script = ({"c0": SIX, "c1": "One."}, {"c0": FIVE}, {"c0": "Aye."}, {"c0": "A!"}, {"c0": "B."})
    table, _ = talked(TWO, *script)

    assert chosen(table) == [("B.", None, 5), ("One.", None, 1)]
    assert rejected(table.head(1)) == [("A!", "breaks_rules")]
    assert table.select("result", "first_result").row(0) == ("same", "contradicts")


def test_a_contradiction_in_an_earlier_turn_is_one_of_the_row() -> None:
    first, *later = ({"c0": SIX, "c1": "One."}, {"c0": "Aye."}, {"c0": "Rum."})

    allowed, _ = talked(PAPER, first, *later)
    assert allowed.select("new_answer", "result").row(0) == ("Rum.", "contradicts")

    dropped, _ = talked(PAPER.changed({"contradiction": "drop"}), first)
    assert dropped.select("new_answer", "drop_reason").row(0) == (SIX, "contradicts_original")

    kept, model = talked(PAPER.changed({"contradiction": "keep_original"}), first, *later)
    assert kept.select("new_answer", "is_original", "result").row(0) == ("Rum.", True, "same")
    assert model.asked[-1][0].messages[2]["content"] == FIVE
