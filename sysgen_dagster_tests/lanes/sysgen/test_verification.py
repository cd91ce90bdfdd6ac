"""Phase 3: reading the verdicts, and what stays of a message."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sysgen_dagster.chat.messages import ChatRequest, Sampling, derive_seed
from sysgen_dagster.chat.prompts import separating_mark
from sysgen_dagster.lanes.sysgen.alignment import build_alignment_inputs
from sysgen_dagster.lanes.sysgen.settings import DropRule, Method, UnreadableVerdict
from sysgen_dagster.lanes.sysgen.tables import VERIFIED
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES, Tag
from sysgen_dagster.lanes.sysgen.verification import (
    Verdict,
    build_verdict_constraint,
    build_verdict_pattern,
    build_verification_requests,
    build_verified_messages,
    parse_verdicts,
)
from sysgen_dagster_tests.lanes.sysgen.frames import (
    completions,
    conversations,
    failed,
    filtered,
    replied,
)
from sysgen_dagster_tests.lanes.sysgen.real_completions import real_completions

REMOVE, KEEP = UnreadableVerdict.REMOVE, UnreadableVerdict.KEEP
METHOD = Method(drop_rule=DropRule.MALFORMED_BOUNDARY, unreadable_verdict=REMOVE)

EXPECTED_REPLY = """<<Task>>: Good
<<Tool>>: None
<<Style>>: Good
<<Action>>: Bad
<<Content>>: Good
<<Background>>: None
<<Role>>: Good
<<Format>>: Good"""


def verdicts_in(text: str) -> dict[str, str]:
    return {tag.value: verdict.value for tag, verdict in parse_verdicts(text).items()}


def test_the_reply_that_the_prompt_asks_for_is_read() -> None:
    assert verdicts_in(EXPECTED_REPLY) == {
        "Task": "Good",
        "Tool": "None",
        "Style": "Good",
        "Action": "Bad",
        "Content": "Good",
        "Background": "None",
        "Role": "Good",
        "Format": "Good",
    }


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<<Role>>: Bad", id="as-asked"),
        pytest.param("<<Role>>:Bad", id="as-in-figure-2"),
        pytest.param(
            "Sure, here are the verdicts:\n\n1. <<Role>>: Bad\n2. that's all", id="a-list"
        ),
        pytest.param("- **Role**: Bad", id="bold-tag"),
        pytest.param("**Role:** Bad", id="bold-tag-and-colon"),
        pytest.param("Role: **Bad**", id="bold-verdict"),
        pytest.param("`<<Role>>`: `Bad`", id="code"),
        pytest.param('"Role": "Bad",', id="json"),
        pytest.param("<Role>: Bad", id="single-brackets"),
        pytest.param("<<Role>>: <<Bad>>", id="verdict-in-brackets"),
        pytest.param("<</Role>>: Bad", id="closing-mark"),
        pytest.param("ROLE : BAD", id="upper-case"),
        pytest.param("role=bad", id="lower-case-and-equals"),
        pytest.param("Role - Bad", id="dash"),
        pytest.param("<<Role>>:\n  Bad", id="on-the-next-line"),
        pytest.param("<<Role>>: Bad (too specific)", id="with-a-reason"),
        pytest.param("<<Role>>: Bad.\r\n", id="with-a-full-stop"),
        pytest.param("<<Role>>: Bad\n<<Role>>: bad", id="said-twice"),
        pytest.param("<<Role>>: Bad <<Task>>: I cannot tell", id="another-tag-without-verdict"),
        pytest.param("<<Role>> Bad", id="no-colon"),
        pytest.param("<<Role>> Bad (it says how to answer)", id="no-colon-and-a-reason"),
        pytest.param("**<<Role>>** Bad.", id="no-colon-and-bold"),
        pytest.param("<<Role>>Bad<</Role>>", id="between-marks"),
        pytest.param("<<Role>>Bad<<Role>>", id="between-marks-without-a-slash"),
        pytest.param("<<Role>> (Bad)", id="in-parentheses"),
        pytest.param("<<Role>>\uff1aBad", id="full-width-colon"),
        pytest.param("Role \u2014 Bad", id="long-dash"),
        pytest.param("Role => Bad", id="arrow"),
        pytest.param("<<Role>>: [Bad]", id="in-square-brackets"),
        pytest.param("| Tag | Verdict |\n|---|---|\n| Role | Bad |", id="row-of-a-table"),
        pytest.param("| <<Role>> | **Bad** | too long |", id="row-with-marks-and-a-reason"),
        pytest.param("<<Role>>: \u274c Bad", id="with-a-sign"),
        pytest.param("| Role | \u26a0\ufe0f Bad |", id="with-a-sign-in-a-table"),
        pytest.param('{"Role": "Bad"}', id="json-object"),
        pytest.param("Role: bad, none of it fits", id="another-verdict-s-word-in-the-reason"),
    ],
)
def test_a_verdict_is_read_however_it_is_set(text: str) -> None:
    assert verdicts_in(text) == {"Role": "Bad"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("I cannot judge this.", id="prose"),
        pytest.param("<<Role>>:", id="cut-before-the-verdict"),
        pytest.param("<<Role>>: Goo", id="cut-in-the-verdict"),
        pytest.param("<<Role>>: Not good", id="negated"),
        pytest.param("<<Role>>: Excellent", id="another-word"),
        pytest.param("<<Role>>: Goodness", id="longer-word"),
        pytest.param("<<Roles>>: Good", id="plural-tag"),
        pytest.param("<<Tone>>: Good", id="unknown-tag"),
        pytest.param("Good: Role", id="the-wrong-way-round"),
        pytest.param("Role Good", id="nothing-between"),
        pytest.param("<<Role>>: Good\n<<Role>>: Bad", id="contradictory"),
        pytest.param("Role: Good, or perhaps Role: None", id="contradictory-in-prose"),
        pytest.param("<<Role>>: \u274c Good", id="contradicted-by-its-sign"),
        pytest.param("<<Role>>: Good/Bad/None", id="the-question-repeated"),
        pytest.param("<<Role>>: Good or Bad", id="the-question-in-words"),
        pytest.param("<<Role>>: Good, Bad or None", id="the-question-as-a-list"),
        pytest.param("| Role | Good | Bad | None |", id="the-question-in-a-table"),
        pytest.param("<<Role>> Good manners are asked for.", id="a-sentence-after-a-mark"),
        pytest.param("Role is good.", id="a-sentence"),
        pytest.param("<<Role>>\nGood", id="no-colon-and-another-line"),
    ],
)
def test_a_verdict_that_is_missing_unclear_or_contradictory_is_not_readable(text: str) -> None:
    assert verdicts_in(text) == {}


def test_a_contradiction_about_one_tag_leaves_the_others_readable() -> None:
    assert verdicts_in("Role: Good\nTask: Bad\nRole: Bad\nTool: None") == {
        "Task": "Bad",
        "Tool": "None",
    }


@pytest.mark.parametrize("written", real_completions(3), ids=lambda each: each["prompt"])
def test_verdicts_of_real_models_are_read_as_people_read_them(written: dict[str, Any]) -> None:
    assert verdicts_in(written["completion"]) == written["expected"]


REPLY_PIECES = (
    *TAG_NAMES,
    *("Good", "Bad", "None", "good", "<<", ">>", ":", "=", "-", " ", "\n", "*", "`", '"', "'"),
    *("\u017f", "\u0130", "\u0131", "\u212a", "ta\u017fk", "É", "🙂", "\x00", "/", "0"),
)


@given(st.lists(st.sampled_from(REPLY_PIECES) | st.text(max_size=3), max_size=40).map("".join))
@example("Ta\u017fk: Good")  # a long s: the letter s to a regular expression that ignores case
@example("ACT\u0130ON: Good")  # and the Turkish capital of i
@example("Act\u0131on: Good")
@example("TAS\u212a: Good")
def test_any_reply_is_read_and_gives_known_tags_and_verdicts(text: str) -> None:
    verdicts = parse_verdicts(text)

    assert set(verdicts) <= set(Tag)
    assert set(verdicts.values()) <= {Verdict.GOOD, Verdict.BAD, Verdict.NONE}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Role" + " " * 2_000_000, id="spaces"),
        pytest.param("Role:" * 400_000, id="colons"),
        pytest.param("<<Role>>" * 250_000, id="marks"),
        pytest.param("Role" + "*" * 2_000_000 + ": Good", id="stars"),
        pytest.param("<<Role>>" + "(" * 2_000_000 + "Good", id="parentheses"),
        pytest.param("| Role " * 300_000, id="cells"),
    ],
)
def test_two_megabytes_of_hostile_reply_are_read_to_the_end(text: str) -> None:
    assert verdicts_in(text) == {}


# The structure of the paper's Figure 2 (eight tagged phrases, three of them judged Bad) in words
# of our own.
FIGURE_2_TAGGED = """<<Role>>You are a guide of a botanical garden.<</Role>>
<<Content>>Say that the titan arum flowered on 3 May.<</Content>>
<<Task>>Explain to visitors what grows in each house.<</Task>>
<<Action>>Ask first which house they stand in.<</Action>>
<<Style>>Speak warmly and without jargon.<</Style>>
<<Background>>The visitor named Ruth lost her umbrella.<</Background>>
<<Tool>>Answer in two sentences.<</Tool>>
<<Format>>Close with a list of three plants to look for.<</Format>>"""
FIGURE_2_VERDICTS = """<<Role>>:Good
<<Content>>:Bad
<<Task>>:Good
<<Action>>:Good
<<Style>>:Good
<<Background>>:Bad
<<Tool>>:Bad
<<Format>>:Good"""


def test_the_worked_example_of_figure_2_keeps_five_phrases_joined_by_spaces() -> None:
    table = build_verified_messages(
        filtered(FIGURE_2_TAGGED), completions(replied("c0", FIGURE_2_VERDICTS)), REMOVE
    )
    message = build_alignment_inputs(table, conversations({}))["system_message"].item()

    assert [phrase["tag"] for phrase in table["phrases"].item()] == [
        "Role",
        "Task",
        "Action",
        "Style",
        "Format",
    ]
    assert [(each["tag"], each["verdict"]) for each in table["removed"].item()] == [
        ("Content", "Bad"),
        ("Background", "Bad"),
        ("Tool", "Bad"),
    ]
    assert message == (
        "You are a guide of a botanical garden. Explain to visitors what grows in each house. "
        "Ask first which house they stand in. Speak warmly and without jargon. "
        "Close with a list of three plants to look for."
    )


FOUR = "<<Role>>r<</Role>><<Task>>t<</Task>><<Style>>s<</Style>><<Tool>>w<</Tool>>"


def test_only_good_stays_and_each_removed_phrase_has_its_verdict() -> None:
    reply = "Role: Good\nTask: Bad\nStyle: None\n"
    row = build_verified_messages(filtered(FOUR), completions(replied("c0", reply)), REMOVE).row(
        0, named=True
    )

    assert row["verdict_text"] == reply
    assert row["phrases"] == [{"tag": "Role", "text": "r"}]
    assert row["verdicts"] == [
        verdict("Role", "Good"),
        verdict("Task", "Bad"),
        verdict("Style", "None"),
        verdict("Tool", "Unreadable"),
    ]
    assert row["removed"] == [
        {"tag": "Task", "text": "t", "verdict": "Bad"},
        {"tag": "Style", "text": "s", "verdict": "None"},
        {"tag": "Tool", "text": "w", "verdict": "Unreadable"},
    ]
    assert row["drop_reason"] is None


def verdict(tag: str, said: str, confidence: float | None = None) -> dict[str, Any]:
    return {"tag": tag, "verdict": said, "confidence": confidence}


@pytest.mark.parametrize(
    ("rule", "staying"),
    [
        pytest.param(REMOVE, ["Role"], id="remove"),
        pytest.param(KEEP, ["Role", "Tool"], id="keep"),
    ],
)
def test_the_setting_decides_about_a_tag_without_a_readable_verdict(
    rule: UnreadableVerdict, staying: list[str]
) -> None:
    reply = "Role: Good\nTask: Bad\nStyle: None"
    table = build_verified_messages(filtered(FOUR), completions(replied("c0", reply)), rule)

    assert [phrase["tag"] for phrase in table["phrases"].item()] == staying


@pytest.mark.parametrize(
    ("reply", "rule", "reason"),
    [
        pytest.param("Hm.", REMOVE, "nothing_verified", id="nothing-readable-remove"),
        pytest.param("Hm.", KEEP, None, id="nothing-readable-keep"),
        pytest.param("Role: Bad", REMOVE, "nothing_verified", id="all-bad-remove"),
        pytest.param("Role: Bad", KEEP, "nothing_verified", id="all-bad-keep"),
        pytest.param("Role: None", KEEP, "nothing_verified", id="all-none-keep"),
        pytest.param("Role: Good", REMOVE, None, id="good"),
        pytest.param("Task: Good", REMOVE, "nothing_verified", id="another-tag-is-good"),
    ],
)
def test_a_message_of_which_nothing_stays_is_dropped(
    reply: str, rule: UnreadableVerdict, reason: str | None
) -> None:
    table = build_verified_messages(
        filtered("<<Role>>r<</Role>>"), completions(replied("c0", reply)), rule
    )

    assert table["drop_reason"].item() == reason
    assert table["phrases"].list.len().item() == (0 if reason else 1)
    assert table["verdict_text"].item() == reply


def test_all_phrases_of_a_tag_share_its_verdict_and_the_tag_is_judged_once() -> None:
    tagged = (
        "<<Content>>a<</Content>><<Content>>b<</Content>><<Style>>c<</Style>><<Style>>d<</Style>>"
    )
    row = build_verified_messages(
        filtered(tagged), completions(replied("c0", "Content: Good\nStyle: Bad")), REMOVE
    ).row(0, named=True)

    assert [phrase["text"] for phrase in row["phrases"]] == ["a", "b"]
    assert [phrase["text"] for phrase in row["removed"]] == ["c", "d"]
    assert row["verdicts"] == [
        verdict("Content", "Good"),
        verdict("Style", "Bad"),
    ]


def test_verdicts_for_tags_the_message_does_not_hold_are_left_out() -> None:
    table = build_verified_messages(
        filtered("<<Role>>r<</Role>>"), completions(replied("c0", EXPECTED_REPLY)), REMOVE
    )

    assert table["verdicts"].item().to_list() == [verdict("Role", "Good")]


@pytest.mark.parametrize("rule", UnreadableVerdict)
def test_a_message_without_an_answer_keeps_the_engine_s_reason(rule: UnreadableVerdict) -> None:
    table = build_verified_messages(
        filtered(FOUR, FOUR, FOUR, FOUR),
        completions(
            failed("c0", "timeout", "no answer in 600 s"),
            failed("c1", "malformed_reply"),
            replied("c2", " \n"),
        ),
        rule,
    )

    assert table.select("drop_reason", "failure").rows() == [
        ("timeout", "no answer in 600 s"),
        ("malformed_reply", ""),
        ("empty_completion", None),
        ("beyond_limit", None),
    ]
    assert table["verdict_text"].to_list() == [None] * 4
    assert table["verdicts"].to_list() == [[]] * 4
    assert table["phrases"].to_list() == [[]] * 4
    assert table["removed"].to_list() == [[]] * 4


def test_rows_stay_in_order_and_each_has_its_own_verdicts() -> None:
    table = build_verified_messages(
        filtered("<<Role>>a<</Role>>", "<<Role>>b<</Role>>", "<<Role>>c<</Role>>"),
        completions(replied("c2", "Role: Good"), replied("c0", "Role: Bad"), replied("c1", "?")),
        REMOVE,
    )

    assert table.schema == VERIFIED.schema
    assert table.select("conversation_id", "verdict_text", "drop_reason").rows() == [
        ("c0", "Role: Bad", "nothing_verified"),
        ("c1", "?", "nothing_verified"),
        ("c2", "Role: Good", None),
    ]


def test_no_messages_give_no_rows() -> None:
    table = build_verified_messages(filtered(), completions(), REMOVE)

    assert table.schema == VERIFIED.schema
    assert table.is_empty()


def test_the_model_is_shown_the_message_as_plain_text_and_with_its_tags_and_nothing_else() -> None:
    (request,) = build_verification_requests(
        filtered("<<Role>>You cook.<</Role>><<Task>>Bake.<</Task>>"), METHOD
    )

    assert [message["role"] for message in request.messages] == ["system", "user"]
    plain, tagged = "You cook. Bake.", "<<Role>>You cook.<</Role>>\n<<Task>>Bake.<</Task>>"
    mark = separating_mark([plain, tagged])
    assert request.messages[1]["content"] == (
        "# The system message, twice\n\n"
        f"[system message, {mark}]\n{plain}\n[end of system message, {mark}]\n\n"
        f"[system message with its tags, {mark}]\n{tagged}\n"
        f"[end of system message with its tags, {mark}]\n\n"
        "# The eight verdicts"
    )


def test_a_request_is_sent_as_the_paper_samples_with_a_seed_of_its_own() -> None:
    first, second = build_verification_requests(filtered(FOUR, FOUR), METHOD)

    assert first.sampling == Sampling(temperature=0.7, max_tokens=256)
    assert (first.request_id, second.request_id) == ("c0", "c1")
    assert first.seed == derive_seed("c0", "verified_system_messages")
    assert first.seed != second.seed


def asked(**settings: bool) -> list[ChatRequest]:
    return list(
        build_verification_requests(filtered(FOUR, FOUR), METHOD.model_copy(update=settings))
    )


def test_a_request_is_free_text_unless_the_method_says_more() -> None:
    (request,) = build_verification_requests(filtered(FOUR), METHOD)

    assert (request.constraint, request.choices) == (None, ())
    assert (request.shortened, request.shortenable) == (None, 0)


def test_the_settings_change_nothing_of_what_is_said() -> None:
    changed = asked(constrain_verdicts=True, verdict_confidence=True)

    assert [(each.messages, each.sampling, each.seed) for each in changed] == [
        (each.messages, each.sampling, each.seed) for each in asked()
    ]


def test_a_constrained_request_takes_one_verdict_a_tag_in_the_order_of_the_message() -> None:
    tagged = "<<Role>>r<</Role>><<Content>>a<</Content>><<Content>>b<</Content>>"
    constrained = METHOD.model_copy(update={"constrain_verdicts": True})
    (request,) = build_verification_requests(filtered(tagged), constrained)

    assert request.constraint == build_verdict_constraint(["Role", "Content"])


def test_verdicts_are_held_to_the_same_in_every_language_of_constraints() -> None:
    held = build_verdict_constraint(["Role", "Content"])

    assert held.structured == {"regex": r"<<Role>>: (Good|Bad|None)\n<<Content>>: (Good|Bad|None)"}
    assert held.grammar == (
        'root ::= "<<Role>>: " verdict "\\n" "<<Content>>: " verdict\n'
        'verdict ::= "Good" | "Bad" | "None"'
    )
    as_json = json.dumps({"Role": "Good", "Content": "None"})
    assert held.schema is not None
    assert held.schema["required"] == ["Role", "Content"]
    assert parse_verdicts(as_json) == {Tag.ROLE: Verdict.GOOD, Tag.CONTENT: Verdict.NONE}


def test_the_confidence_of_verdicts_is_that_of_their_words() -> None:
    assert asked(verdict_confidence=True)[0].choices == ("Good", "Bad", "None")


def test_requests_that_judge_elsewhere_have_seeds_of_their_own() -> None:
    (request,) = build_verification_requests(filtered(FOUR), METHOD, "judging", 2)

    assert request.seed == derive_seed("c0", "judging", 2)


tag_sets = st.sets(st.sampled_from(Tag), min_size=1).map(
    lambda tags: [tag for tag in Tag if tag in tags]
)


@given(
    tag_sets.flatmap(
        lambda tags: st.tuples(
            st.just(tags), st.from_regex(build_verdict_pattern(tags), fullmatch=True)
        )
    )
)
def test_whatever_the_pattern_accepts_is_a_readable_verdict_for_every_tag(
    case: tuple[list[Tag], str],
) -> None:
    tags, text = case

    assert list(parse_verdicts(text)) == tags


@given(tag_sets)
def test_the_pattern_has_no_look_around(tags: list[Tag]) -> None:
    assert "(?" not in build_verdict_pattern(tags)


def probable(text: str, *shares: tuple[int, float]) -> dict[str, Any]:
    """A reply with the probability of Good at these places; Bad has the rest."""
    choices = [
        {"start": start, "choice": word, "probability": share}
        for start, good in shares
        for word, share in (("Good", good), ("Bad", 1 - good), ("None", 0.0))
    ]
    return {**replied("c0", text), "choices": choices}


def confidences(tagged: str, reply: dict[str, Any]) -> dict[str, float | None]:
    table = build_verified_messages(filtered(tagged), completions(reply), REMOVE)
    return {each["tag"]: each["confidence"] for each in table["verdicts"].item()}


def test_a_verdict_has_the_probability_of_its_word_where_the_word_stands() -> None:
    text = "\n <<Role>>: Good\n<<Task>>: Bad"
    reply = probable(text, (text.index("Good"), 0.75), (text.index("Bad"), 0.25))

    assert confidences("<<Role>>r<</Role>><<Task>>t<</Task>>", reply) == {
        "Role": 0.75,
        "Task": 0.75,
    }


def test_the_place_of_a_word_is_counted_in_characters() -> None:
    text = "\u00dcber \U0001f600\n<<Role>>: Good"

    assert confidences("<<Role>>r<</Role>>", probable(text, (text.index("Good"), 0.5))) == {
        "Role": 0.5
    }


def test_a_tag_that_is_judged_twice_alike_has_the_lower_probability() -> None:
    text = "Role: Good\nrole: good"

    assert confidences("<<Role>>r<</Role>>", probable(text, (6, 0.9), (17, 0.6))) == {"Role": 0.6}


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(replied("c0", "Role: Good"), id="not-asked-for"),
        pytest.param(probable("Role: Good", (0, 0.9)), id="elsewhere"),
        pytest.param(probable("Role: Good\nRole: Bad", (6, 0.9), (17, 0.2)), id="contradictory"),
        pytest.param(probable("Good", (0, 0.9)), id="of-no-tag"),
    ],
)
def test_a_verdict_that_is_not_known_to_be_probable_has_no_confidence(
    reply: dict[str, Any],
) -> None:
    assert confidences("<<Role>>r<</Role>>", reply) == {"Role": None}
