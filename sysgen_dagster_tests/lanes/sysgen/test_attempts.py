"""Phase 1 with several attempts at a conversation: what is asked, and which attempt is chosen."""

from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest, derive_seed
from sysgen_dagster.lanes.sysgen import annotation, verification
from sysgen_dagster.lanes.sysgen.attempts import annotate, count_well_formed
from sysgen_dagster.lanes.sysgen.filtering import filter_messages
from sysgen_dagster.lanes.sysgen.settings import DropRule, Method, Preset, UnreadableVerdict
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED, VERIFIED
from sysgen_dagster.lanes.sysgen.verification import build_verdict_constraint
from sysgen_dagster.tables.table import kept
from sysgen_dagster_tests.lanes.sysgen.frames import completions, conversations, replied
from sysgen_dagster_tests.lanes.sysgen.scripted_model import Cut, Round, ScriptedModel, outcome

ONE = "<<Role>>You cook.<</Role>>"
TWO = "<<Role>>You bake.<</Role>>\n<<Task>>Bake bread.<</Task>>"
OPEN = "<<Role>>You co"
UNTAGGED = "You cook."

PAPER = Method(drop_rule=DropRule.MALFORMED_BOUNDARY, unreadable_verdict=UnreadableVerdict.REMOVE)
REPAIR = PAPER.model_copy(update={"repair": True})
TWO_SAMPLES = PAPER.model_copy(update={"samples": 2})
THREE_SAMPLES = PAPER.model_copy(update={"samples": 3})


def annotated_by(method: Method, *script: Round) -> pl.DataFrame:
    """Phase 1's table, with one call of the model for each round of the script."""
    model = ScriptedModel(script)
    table = annotate(conversations(*[{}] * len(script[0])), model, method)
    assert len(model.asked) == len(script)
    return table


def chosen(table: pl.DataFrame) -> list[tuple[object, ...]]:
    return table.select("annotated_message", "sample", "repaired", "drop_reason").rows()


def rejected(table: pl.DataFrame) -> list[tuple[str | None, str]]:
    """Message and reason of each rejected attempt of the only row."""
    return [(each["message"], each["reason"]) for each in table["rejected"].item()]


# One attempt, as in the paper.


def test_with_the_default_settings_every_row_is_asked_for_once_as_in_the_paper() -> None:
    rows = conversations({}, {})
    model = ScriptedModel(({"c0": ONE, "c1": OPEN},))
    table = annotate(rows, model, PAPER)

    assert model.asked == [list(annotation.build_annotation_requests(rows))]
    assert table.equals(
        annotation.build_annotated_messages(
            rows,
            completions(
                *[
                    {**replied(name, text), "seed": derive_seed(name, ANNOTATED.name)}
                    for name, text in (("c0", ONE), ("c1", OPEN))
                ]
            ),
        )
    )


@pytest.mark.parametrize("method", [PAPER, REPAIR, TWO_SAMPLES])
def test_beyond_the_limit_nothing_is_asked(method: Method) -> None:
    model = ScriptedModel(({"c0": ONE}, {"c0": OPEN}))
    table = annotate(conversations({}, {}, {}), model, method, limit=1)

    assert chosen(table) == [
        (ONE, 0, False, None),
        (None, None, None, "beyond_limit"),
        (None, None, None, "beyond_limit"),
    ]


BEST = Method(preset=Preset.BEST)


@pytest.mark.parametrize("method", [PAPER, BEST])
def test_the_prompt_is_the_one_of_the_method_in_requests_and_in_every_row(method: Method) -> None:
    model = ScriptedModel(({"c0": ONE}, {"c0": OPEN}))
    table = annotate(conversations({}, {}), model, method, limit=1)
    prompt = annotation.PROMPTS[method.demonstrations]

    assert {request.messages[0]["content"] for request in model.asked[0]} == {prompt.instructions}
    assert set(table["prompt_fingerprint"]) == {prompt.fingerprint}


def test_an_attempt_that_can_be_mended_is_well_formed() -> None:
    slip = "<<Role>>You cook.\n<<Task>>Plan a menu.<</Task>>"
    model = ScriptedModel(({"c0": slip},))
    method = BEST.changed({"repair": True})
    table = annotate(conversations({}), model, method)

    assert chosen(table) == [(slip, 0, False, None)]
    assert len(model.asked) == 1
    assert count_well_formed(table, method.drop_rule, method.mend)["well_formed_at_first"] == 1
    assert count_well_formed(table, method.drop_rule)["well_formed_at_first"] == 0


def test_no_conversations_give_no_rows() -> None:
    table = annotate(conversations(), ScriptedModel(({}, {}, {})), THREE_SAMPLES)

    assert table.schema == ANNOTATED.schema
    assert table.is_empty()


# Repair.


def test_only_a_malformed_message_is_asked_for_once_more_under_a_grammar() -> None:
    model = ScriptedModel(({"c0": ONE, "c1": OPEN, "c2": UNTAGGED}, {"c1": TWO, "c2": ONE}))
    table = annotate(conversations({}, {}, {}), model, REPAIR)
    first, repair = model.asked

    assert [request.request_id for request in repair] == ["c1", "c2"]
    assert [request.messages for request in repair] == [request.messages for request in first[1:]]
    grammars = {request.constraint and request.constraint.grammar for request in repair}
    assert grammars == {annotation.REPAIR_GRAMMAR}
    assert repair[0].seed == derive_seed("c1", ANNOTATED.name, 1)
    assert chosen(table) == [(ONE, 0, False, None), (TWO, 1, True, None), (ONE, 1, True, None)]
    assert table["rejected"].to_list() == [
        [],
        [{"message": OPEN, "reason": "malformed_boundary"}],
        [{"message": UNTAGGED, "reason": "no_phrase_left"}],
    ]


def test_a_repaired_message_brings_its_own_provenance() -> None:
    table = annotated_by(REPAIR, {"c0": OPEN}, {"c0": ONE})

    assert table["seed"].item() == derive_seed("c0", ANNOTATED.name, 1)


def test_a_repair_that_is_malformed_itself_does_not_go_on() -> None:
    table = annotated_by(REPAIR, {"c0": OPEN}, {"c0": UNTAGGED})

    assert chosen(table) == [(OPEN, 0, False, None)]
    assert rejected(table) == [(UNTAGGED, "no_phrase_left")]


# A phrase as long as the grammar lets it be.
ENDED = f"<<Role>>{'You are kind, '.ljust(annotation.LONGEST_PHRASE, 'a')}<</Role>>"


@pytest.mark.parametrize("rule", DropRule)
@pytest.mark.parametrize("text", [Cut(ONE), Cut(TWO + OPEN), ENDED], ids=["whole", "open", "ended"])
def test_a_repair_that_was_cut_is_not_well_formed(text: str, rule: DropRule) -> None:
    method = REPAIR.model_copy(update={"drop_rule": rule})
    table = annotated_by(method, {"c0": UNTAGGED}, {"c0": text})

    assert chosen(table) == [(UNTAGGED, 0, False, None)]
    assert rejected(table) == [(text, "truncated")]
    alone = annotated_by(method, {"c0": " "}, {"c0": text})
    assert chosen(alone) == [(text, 1, True, "truncated")]


def test_nothing_is_repaired_where_one_sample_is_well_formed() -> None:
    table = annotated_by(TWO_SAMPLES.model_copy(update={"repair": True}), {"c0": OPEN}, {"c0": ONE})

    assert chosen(table) == [(ONE, 1, False, None)]


def test_an_empty_text_is_repaired_like_a_malformed_one() -> None:
    assert chosen(annotated_by(REPAIR, {"c0": " \n"}, {"c0": ONE})) == [(ONE, 1, True, None)]


@pytest.mark.parametrize("reason", ["server_error", "engine_died", "timeout", "too_long"])
def test_what_the_engine_gave_no_answer_to_is_not_repaired(reason: str) -> None:
    table = annotated_by(REPAIR, {"c0": NoAnswer(reason)})

    assert chosen(table) == [(None, 0, False, reason)]


def test_what_counts_as_malformed_is_what_phase_2_drops() -> None:
    lenient = REPAIR.model_copy(update={"drop_rule": DropRule.NO_PHRASE_LEFT})

    assert chosen(annotated_by(lenient, {"c0": ONE + OPEN})) == [(ONE + OPEN, 0, False, None)]


# Several samples, and the judge.


def test_samples_ask_the_same_with_seeds_of_their_own() -> None:
    model = ScriptedModel(({"c0": OPEN}, {"c0": ONE}, {"c0": OPEN}))
    annotate(conversations({}), model, THREE_SAMPLES)

    assert [request.seed for (request,) in model.asked] == [
        derive_seed("c0", ANNOTATED.name, number) for number in range(3)
    ]
    assert len({str(request.messages) for (request,) in model.asked}) == 1


def test_the_only_well_formed_sample_goes_on_unjudged() -> None:
    table = annotated_by(THREE_SAMPLES, {"c0": OPEN}, {"c0": ONE}, {"c0": UNTAGGED})

    assert chosen(table) == [(ONE, 1, False, None)]
    assert rejected(table) == [(OPEN, "malformed_boundary"), (UNTAGGED, "no_phrase_left")]


def test_only_rows_with_several_well_formed_samples_are_judged_by_phase_3_s_prompt() -> None:
    good = "Role: Good\nTask: Good"
    model = ScriptedModel(
        ({"c0": ONE, "c1": ONE}, {"c0": TWO, "c1": OPEN}, {"c0": good}, {"c0": good})
    )
    annotate(conversations({}, {}), model, TWO_SAMPLES)
    (first,), (second,) = model.asked[2:]

    assert (
        first.messages[0]["content"]
        == verification.PROMPT.render(mark="", system_message="", tagged_message="")[0]["content"]
    )
    assert ONE in first.messages[1]["content"]
    assert TWO in second.messages[1]["content"]
    assert len({first.seed, second.seed, derive_seed("c0", VERIFIED.name)}) == 3


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        pytest.param("Role: Bad", "Role: Good\nTask: Bad", 1, id="higher-share"),
        pytest.param("Role: Good", "Role: Good\nTask: Bad", 0, id="higher-share-of-fewer"),
        pytest.param("Role: Good", "Role: Good\nTask: Good", 1, id="same-share-of-more"),
        pytest.param("Role: Bad", "Role: Bad\nTask: Bad", 0, id="nothing-good-the-earlier"),
        pytest.param("?", "Role: Good", 1, id="unreadable-is-not-good"),
        pytest.param(
            "Role: Good\nTask: Bad", "Role: Good\nTask: None", 0, id="others-do-not-count"
        ),
    ],
)
def test_the_sample_with_the_higher_share_of_good_tags_goes_on(
    first: str, second: str, winner: int
) -> None:
    table = annotated_by(TWO_SAMPLES, {"c0": ONE}, {"c0": TWO}, {"c0": first}, {"c0": second})

    assert table["sample"].item() == winner
    assert rejected(table) == [((TWO, ONE)[winner], "judged_lower")]


def test_the_share_of_good_tags_comes_before_their_number() -> None:
    three = f"{TWO}<<Style>>Be brief.<</Style>>"
    two_of_three, one_of_one = {"c0": "Role: Good\nTask: Good\nStyle: Bad"}, {"c0": "Role: Good"}
    table = annotated_by(TWO_SAMPLES, {"c0": three}, {"c0": ONE}, two_of_three, one_of_one)

    assert table["annotated_message"].item() == ONE


def test_of_samples_that_are_judged_alike_the_earlier_goes_on() -> None:
    verdict = {"c0": "Role: Good"}
    table = annotated_by(THREE_SAMPLES, {"c0": OPEN}, {"c0": ONE}, {"c0": ONE}, verdict, verdict)

    assert table["sample"].item() == 1
    assert rejected(table) == [(OPEN, "malformed_boundary"), (ONE, "judged_lower")]


def test_the_judge_is_held_to_the_verdicts_where_phase_3_is() -> None:
    model = ScriptedModel(({"c0": ONE}, {"c0": ONE}, {"c0": "Role: Good"}, {"c0": "Role: Good"}))
    annotate(conversations({}), model, TWO_SAMPLES.model_copy(update={"constrain_verdicts": True}))

    assert model.asked[2][0].constraint == build_verdict_constraint(["Role"])


# When the engine fails.


def test_a_failure_in_one_round_does_not_lose_the_row() -> None:
    table = annotated_by(TWO_SAMPLES, {"c0": NoAnswer.TIMEOUT}, {"c0": ONE})

    assert chosen(table) == [(ONE, 1, False, None)]
    assert rejected(table) == [(None, "timeout")]


def test_a_malformed_text_stands_before_a_failure_and_goes_to_phase_2() -> None:
    table = annotated_by(TWO_SAMPLES, {"c0": NoAnswer.TIMEOUT}, {"c0": OPEN})

    assert chosen(table) == [(OPEN, 1, False, None)]


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        pytest.param("timeout", "server_error", "timeout", id="the-first"),
        pytest.param("too_long", "server_error", "server_error", id="one-that-may-be-cured"),
        pytest.param("empty_completion", "engine_died", "engine_died", id="before-an-empty-text"),
        pytest.param("too_long", "refused_by_server", "too_long", id="the-first-final-one"),
    ],
)
def test_without_any_text_a_failure_that_may_be_cured_is_the_reason(
    first: str, second: str, reason: str
) -> None:
    table = annotated_by(TWO_SAMPLES, {"c0": NoAnswer(first)}, {"c0": NoAnswer(second)})

    assert table["drop_reason"].item() == reason


def test_a_sample_that_could_not_be_judged_is_behind_one_that_was() -> None:
    table = annotated_by(
        TWO_SAMPLES, {"c0": ONE}, {"c0": TWO}, {"c0": NoAnswer.TIMEOUT}, {"c0": "Role: Bad"}
    )

    assert chosen(table) == [(TWO, 1, False, None)]
    assert rejected(table) == [(ONE, "timeout")]


def test_where_none_could_be_judged_the_earliest_goes_on() -> None:
    down = {"c0": NoAnswer.SERVER_ERROR}
    table = annotated_by(TWO_SAMPLES, {"c0": ONE}, {"c0": TWO}, down, down)

    assert chosen(table) == [(ONE, 0, False, None)]
    assert rejected(table) == [(TWO, "server_error")]


# How many messages sampling and repair make well-formed.


def test_well_formed_messages_are_counted_after_each_step() -> None:
    table = annotated_by(
        TWO_SAMPLES.model_copy(update={"repair": True}),
        {"c0": ONE, "c1": OPEN, "c2": OPEN, "c3": OPEN, "c4": NoAnswer.TIMEOUT, "c5": ONE},
        {"c0": OPEN, "c1": ONE, "c2": OPEN, "c3": OPEN, "c4": NoAnswer.TIMEOUT, "c5": TWO},
        {"c2": ONE, "c3": OPEN},
        {"c5": "Role: Bad"},
        {"c5": "Role: Good"},
    )

    assert table["sample"].to_list() == [0, 1, 2, 0, 0, 1]
    assert count_well_formed(table, DropRule.MALFORMED_BOUNDARY) == {
        "asked": 6,
        "well_formed_at_first": 2,
        "well_formed_after_sampling": 3,
        "well_formed_after_repair": 4,
    }


def test_a_first_message_that_could_not_be_judged_was_well_formed() -> None:
    table = annotated_by(
        TWO_SAMPLES, {"c0": ONE}, {"c0": TWO}, {"c0": NoAnswer.TIMEOUT}, {"c0": "Role: Good"}
    )

    assert table["sample"].item() == 1
    assert count_well_formed(table, DropRule.MALFORMED_BOUNDARY)["well_formed_at_first"] == 1


def test_rows_beyond_the_limit_were_not_asked_for() -> None:
    table = annotate(conversations({}, {}), ScriptedModel(({"c0": ONE},)), PAPER, limit=1)

    assert count_well_formed(table, DropRule.MALFORMED_BOUNDARY)["asked"] == 1


def test_an_empty_table_counts_nothing() -> None:
    table = annotate(conversations(), ScriptedModel(({},)), PAPER)

    assert set(count_well_formed(table, DropRule.MALFORMED_BOUNDARY).values()) == {0}


FAILURES = [each for each in NoAnswer if each is not NoAnswer.EMPTY_COMPLETION]
OUTCOMES = st.sampled_from([ONE, TWO, OPEN, UNTAGGED, "", "Role: Good", *FAILURES])


@given(
    st.builds(
        Method,
        drop_rule=st.sampled_from(DropRule),
        unreadable_verdict=st.just(UnreadableVerdict.REMOVE),
        samples=st.integers(1, 3),
        repair=st.booleans(),
    ),
    st.integers(0, 4),
    st.none() | st.integers(0, 5),
    st.data(),
)
def test_no_row_and_no_attempt_is_lost_and_the_best_of_them_goes_on(
    method: Method, rows: int, limit: int | None, data: st.DataObject
) -> None:
    said: dict[str, list[str | NoAnswer]] = {f"c{number}": [] for number in range(rows)}

    def ask(requests: Iterator[ChatRequest], total: int) -> pl.DataFrame:
        answers = {request: data.draw(OUTCOMES) for request in map(_hashable, requests)}
        assert len(answers) == total
        for (name, system), answer in answers.items():
            if system == annotation.PROMPT.render(mark="", messages=[])[0]["content"]:
                said[name].append(answer)
        return completions(
            *[outcome(name, {name: answer}) for (name, _), answer in answers.items()]
        )

    table = annotate(conversations(*[{}] * rows), ask, method, limit)

    assert table.schema == ANNOTATED.schema
    assert table["conversation_id"].to_list() == list(said)
    assert (table["drop_reason"].is_null() == table["annotated_message"].is_not_null()).all()
    for row in table.filter(pl.col("sample").is_not_null()).iter_rows(named=True):
        attempts = said[row["conversation_id"]]
        others = [each["message"] for each in row["rejected"]]
        others.insert(row["sample"], row["annotated_message"])
        assert others == [
            None if isinstance(each, NoAnswer) or not each.strip() else each for each in attempts
        ]
    counts = count_well_formed(table, method.drop_rule)
    best = [
        max((_is_well_formed(each, method.drop_rule) for each in attempts), default=False)
        for attempts in said.values()
    ]
    assert counts["asked"] == sum(map(bool, said.values()))
    assert counts["well_formed_after_repair"] == sum(best)
    assert counts["well_formed_at_first"] == sum(
        _is_well_formed(attempts[0], method.drop_rule) for attempts in said.values() if attempts
    )


def _hashable(request: ChatRequest) -> tuple[str, str]:
    return request.request_id, request.messages[0]["content"]


def _is_well_formed(said: str | NoAnswer, rule: DropRule) -> bool:
    if isinstance(said, NoAnswer):
        return False
    annotated = pl.DataFrame(
        {"conversation_id": ["c0"], "source": ["mine"], "annotated_message": [said]}
    )
    return kept(filter_messages(annotated, rule)).height == 1
