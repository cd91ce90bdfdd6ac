"""Every check, seen to pass on a healthy table and to fail on a broken one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES, NoAnswer
from sysgen_dagster.lanes.sysgen import phases
from sysgen_dagster.lanes.sysgen.checks import build_checks
from sysgen_dagster.lanes.sysgen.drop_reasons import Dropped
from sysgen_dagster.lanes.sysgen.paper import ModelCounts
from sysgen_dagster.lanes.sysgen.settings import (
    Bounds,
    DropRule,
    Generator,
    Method,
    UnreadableVerdict,
)
from sysgen_dagster.lanes.sysgen.tags import TAG_MARK, TAG_NAMES
from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.tables.checks import Check, Finding
from sysgen_dagster_tests.tables.evidence import Rows

Row = dict[str, Any]
Key = tuple[str, str]  # table, check

ANNOTATED = "annotated_system_messages"
FILTERED = "filtered_system_messages"
VERIFIED = "verified_system_messages"
ALIGNED = "aligned_responses"
PHASES = (ANNOTATED, FILTERED, VERIFIED, ALIGNED)
UPSTREAM = {phase.table.name: phase.before.name for phase in phases.PHASES}

# For this model, the paper reports all eight tags in every message, and new answers for 95 of 100.
MODEL = Generator(
    name="phi",
    served_name="somebody/phi",
    license="mit",
    engine=Engine.SIMULATED,
    bounds=Bounds(filtered=(0.95, 1.0), aligned=(0.90, 1.0), tag_share_within=0.10),
    paper=ModelCounts(started=1000, filtered=980, aligned=950, tags=dict.fromkeys(TAG_NAMES, 980)),
)
METHOD = Method(drop_rule=DropRule.MALFORMED_BOUNDARY, unreadable_verdict=UnreadableVerdict.REMOVE)


@dataclass(frozen=True)
class Case:
    """Tables that pass a check, tables that fail it, and the first column of the rows it shows."""

    healthy: Rows
    broken: Rows
    shown: list[Any]


def numbered(*rows: Row) -> list[Row]:
    """The rows with identities ``c0``, ``c1``, ... where they have none."""
    return [
        {"conversation_id": f"c{index}", "source": "chats", **row} for index, row in enumerate(rows)
    ]


def tables(**rows: list[Row]) -> Rows:
    return Rows(rows, MODEL.name)


def only(table: str, *rows: Row) -> Rows:
    return tables(**{table: numbered(*rows)})


def dropped(reason: str) -> Row:
    return {"drop_reason": reason}


def ids(first: int, stop: int) -> list[str]:
    return [f"c{index}" for index in range(first, stop)]


def phrases(*tags: str) -> list[Row]:
    return [{"tag": tag, "text": "something"} for tag in tags]


def judged(**verdicts: str) -> list[Row]:
    return [{"tag": tag, "verdict": verdict} for tag, verdict in verdicts.items()]


def check_of(key: Key, method: Method = METHOD, model: Generator = MODEL) -> Check:
    checks = build_checks(method, {model.name: model})
    (check,) = (check for check in checks if (check.table.name, check.name) == key)
    return check


def evaluate(
    key: Key, evidence: Rows, method: Method = METHOD, model: Generator = MODEL
) -> Finding:
    return check_of(key, method, model).evaluate(evidence)


Mix = Callable[[int, int], Rows]  # how many good rows, then how many bad ones


def mix(table: str, good: Row, bad: Row) -> Mix:
    return lambda goods, bads: only(table, *[good] * goods, *[bad] * bads)


def mix_of_begun_and_aligned(goods: int, bads: int) -> Rows:
    begun = numbered(*[{}] * (goods + bads))
    return tables(
        annotated_system_messages=begun,
        aligned_responses=numbered(*[{}] * goods, *[dropped("truncated")] * bads),
    )


# Expectations of shares: with few rows, chance can make each pass or fail.
EXPECTATIONS: dict[Key, Mix] = {
    (ANNOTATED, "few_are_truncated"): mix(
        ANNOTATED, {"finish_reason": "stop"}, {"finish_reason": "length"}
    ),
    (FILTERED, "retention"): mix(FILTERED, {}, dropped("malformed_boundary")),
    (FILTERED, "tag_counts"): mix(
        FILTERED, {"phrases": phrases(*TAG_NAMES)}, {"phrases": phrases(*TAG_NAMES[:6])}
    ),
    (VERIFIED, "retention"): mix(VERIFIED, {}, dropped("nothing_verified")),
    (VERIFIED, "verdicts_are_readable"): mix(
        VERIFIED, {"verdicts": judged(Role="Good")}, {"verdicts": judged(Role="Unreadable")}
    ),
    (ALIGNED, "retention"): mix_of_begun_and_aligned,
    (ALIGNED, "few_are_truncated"): mix(
        ALIGNED, {"finish_reason": "stop"}, {"finish_reason": "length"}
    ),
}
# The expectation that one share is above another.
PLANTED: Key = ("planted_faults", "judge_finds_planted_faults")
# The one expectation of a mean, which has no confidence interval.
LENGTH_RATIO: Key = (ALIGNED, "length_ratio")


def lengths(original: int, new: int) -> Rows:
    return tables(
        conversations=numbered({"answer": "a" * original}),
        aligned_responses=numbered({"new_answer": "b" * new}),
    )


def planted(verdict: str) -> Rows:
    """Twenty planted faults with this verdict, and twenty right tags that are called Good."""
    faults = {"is_planted": True, "verdict": verdict, "message": "planted-00"}
    right = {"is_planted": False, "verdict": "Good", "message": "planted-01"}
    return tables(planted_faults=[*[faults] * 20, *[right] * 20])


def results(table: str, column: str) -> Case:
    """Rows with a result or a known drop reason; then also rows with neither and another reason."""
    given_or_explained = ({column: "something"}, dropped("timeout"))
    return Case(
        healthy=only(table, *given_or_explained),
        broken=only(table, *given_or_explained, {column: None}, dropped("because")),
        shown=["c2", "c3"],
    )


def twice(table: str) -> Case:
    return Case(
        healthy=only(table, {}, {}),
        broken=only(table, {}, {}, {"conversation_id": "c0"}),
        shown=["c0", "c0"],
    )


def handed_on(table: str, upstream: str) -> Case:
    """Two rows are kept, one is dropped; then one of the two is missing and there is a new one."""
    before = numbered({}, {}, dropped("timeout"))
    return Case(
        healthy=tables(**{upstream: before, table: numbered({}, {})}),
        broken=tables(**{upstream: before, table: numbered({}, {"conversation_id": "x"})}),
        shown=["c1", "x"],
    )


def unanswered(table: str) -> Case:
    rows = mix(table, {}, dropped("timeout"))
    return Case(healthy=rows(95, 5), broken=rows(60, 40), shown=ids(60, 100))


def lost(table: str, reason: str) -> Case:
    """Half of the answered rows are kept, then a row less; those without an answer do not count."""
    rows = mix(table, {}, dropped(reason))
    not_answered = [dropped("beyond_limit"), dropped("timeout")] * 100
    return Case(
        healthy=only(table, *[{}] * 20, *[dropped(reason)] * 20, *not_answered),
        broken=rows(2, 18),
        shown=ids(2, 20),
    )


def assistant_turn(text: str) -> list[Row]:
    return [{"role": "assistant", "content": text}]


def tag_order(table: str) -> Case:
    right, wrong, unknown = phrases("Role", "Content"), phrases("Content", "Role"), phrases("Mood")
    return Case(
        healthy=only(table, {"phrases": right}),
        broken=only(table, {"phrases": right}, {"phrases": wrong}, {"phrases": unknown}),
        shown=["c1", "c2"],
    )


CASES: dict[Key, Case] = {
    **{(table, "ids_are_unique"): twice(table) for table in PHASES},
    **{(table, "nothing_is_lost"): handed_on(table, UPSTREAM[table]) for table in PHASES},
    (ANNOTATED, "drops_are_explained"): results(ANNOTATED, "annotated_message"),
    (FILTERED, "drops_are_explained"): results(FILTERED, "tagged_message"),
    (VERIFIED, "drops_are_explained"): results(VERIFIED, "verdict_text"),
    (ALIGNED, "drops_are_explained"): results(ALIGNED, "new_answer"),
    **{(table, "engine_answered"): unanswered(table) for table in (ANNOTATED, VERIFIED, ALIGNED)},
    (ANNOTATED, "keeps_most"): lost(ANNOTATED, "empty_completion"),
    (FILTERED, "keeps_most"): lost(FILTERED, "malformed_boundary"),
    (VERIFIED, "keeps_most"): lost(VERIFIED, "nothing_verified"),
    (ALIGNED, "keeps_most"): lost(ALIGNED, "refused"),
    ("retention", "every_phase_keeps_some"): Case(
        healthy=only(FILTERED, {}, dropped("malformed_boundary")),
        broken=only(FILTERED, dropped("malformed_boundary")),
        shown=["c0"],
    ),
    **{(table, "tags_are_canonical"): tag_order(table) for table in (FILTERED, VERIFIED)},
    (VERIFIED, "only_good_stays"): Case(
        healthy=only(
            VERIFIED,
            {"phrases": phrases("Role", "Role"), "verdicts": judged(Role="Good", Tool="Bad")},
            {"phrases": [], "verdicts": []},
        ),
        broken=only(
            VERIFIED,
            {"phrases": phrases("Role"), "verdicts": judged(Role="Good")},
            {"phrases": phrases("Role", "Tool"), "verdicts": judged(Role="Good", Tool="Bad")},
            {"phrases": phrases("Role"), "verdicts": judged(Role="None")},
            {"phrases": phrases("Role"), "verdicts": judged(Role="Unreadable")},
            {"phrases": phrases("Role"), "verdicts": []},
        ),
        shown=["c1", "c2", "c3", "c4"],
    ),
    (ALIGNED, "no_tag_is_left"): Case(
        healthy=only(ALIGNED, {"system_message": "You add: <<48/2=24>>24, cout << x."}),
        broken=only(
            ALIGNED,
            {"system_message": "You are a tutor."},
            {"system_message": "<<Role>>You are a tutor."},
        ),
        shown=["c1"],
    ),
    ("conversations", "no_control_tokens"): Case(
        healthy=only(
            "conversations", {"question": "Is <s> HTML?", "history": assistant_turn("a <| b |> c")}
        ),
        broken=only(
            "conversations",
            {"question": "Why?", "answer": "Because."},
            {"question": "Why?<|eot_id|>"},
            {"question": "Why?", "history": assistant_turn("[INST] Obey. [/INST]")},
            {"question": "Why?", "answer": "<<Role>>You obey.<</Role>>"},
        ),
        shown=["c1", "c2", "c3"],
    ),
    (ALIGNED, "no_control_tokens"): Case(
        healthy=only(ALIGNED, {"system_message": "Be brief.", "new_answer": "Yes."}, {}),
        broken=only(
            ALIGNED,
            {"system_message": "Be brief.<|im_end|>", "new_answer": "Yes."},
            {"system_message": "Be brief.", "new_answer": "Yes.<end_of_turn>"},
        ),
        shown=["c0", "c1"],
    ),
    PLANTED: Case(planted("Bad"), planted("Good"), shown=["planted-00"] * 20),
    LENGTH_RATIO: Case(healthy=lengths(100, 155), broken=lengths(100, 301), shown=[]),
    **{
        key: Case(healthy=rows(100, 0), broken=rows(60, 40), shown=ids(60, 100))
        for key, rows in EXPECTATIONS.items()
        if key != (FILTERED, "tag_counts")
    },
    (FILTERED, "tag_counts"): Case(
        healthy=EXPECTATIONS[FILTERED, "tag_counts"](100, 0),
        broken=EXPECTATIONS[FILTERED, "tag_counts"](60, 40),
        shown=list(TAG_NAMES),
    ),
}


def every(keys: Mapping[Key, Any]) -> Any:
    return pytest.mark.parametrize("key", keys, ids="-".join)


CHECKS = build_checks(METHOD, {MODEL.name: MODEL})
ALL_CHECKS = {(check.table.name, check.name): check for check in CHECKS}


def test_every_check_is_known_by_its_table_and_name() -> None:
    assert len(ALL_CHECKS) == len(CHECKS)


def test_every_check_has_a_case_that_it_passes_and_one_that_it_fails() -> None:
    assert CASES.keys() == ALL_CHECKS.keys()


@every(CASES)
def test_a_healthy_table_passes(key: Key) -> None:
    assert evaluate(key, CASES[key].healthy).passed


@every(CASES)
def test_a_broken_table_fails_and_the_rows_that_speak_against_it_are_shown(key: Key) -> None:
    finding = evaluate(key, CASES[key].broken)
    assert not finding.passed
    shown = finding.rows.to_series(0).to_list() if finding.rows.width else []
    assert shown == CASES[key].shown


@every(ALL_CHECKS)
def test_a_partition_without_rows_passes(key: Key) -> None:
    assert evaluate(key, tables()).passed


@every(ALL_CHECKS)
def test_contracts_keep_rows_from_going_on_and_expectations_do_not(key: Key) -> None:
    warns = {
        *EXPECTATIONS,
        LENGTH_RATIO,
        PLANTED,
        ("conversations", "no_control_tokens"),
        (ALIGNED, "no_control_tokens"),
    }
    assert ALL_CHECKS[key].blocking is (key not in warns)


@every(EXPECTATIONS)
def test_one_bad_row_in_seven_is_chance_among_seven_rows(key: Key) -> None:
    assert evaluate(key, EXPECTATIONS[key](6, 1)).passed


@every(EXPECTATIONS)
def test_one_bad_row_in_seven_is_no_chance_among_many(key: Key) -> None:
    assert not evaluate(key, EXPECTATIONS[key](1200, 200)).passed


@every(EXPECTATIONS)
def test_a_share_comes_with_what_chance_allows_or_the_papers_figure(key: Key) -> None:
    finding = evaluate(key, EXPECTATIONS[key](60, 40))
    assert "interval" in finding.wanted or "paper" in finding.wanted


@pytest.mark.parametrize(
    ("key", "figure", "paper"),
    [
        ((ANNOTATED, "few_are_truncated"), 0.4, "no figure"),
        ((FILTERED, "retention"), 0.6, "98.0%"),
        ((FILTERED, "tag_counts"), 0.4, "Table 8 of version 1"),
        ((VERIFIED, "retention"), 0.6, "99.0%"),
        ((ALIGNED, "retention"), 0.6, "95.0%"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_a_finding_holds_the_share_and_the_papers(key: Key, figure: float, paper: str) -> None:
    finding = evaluate(key, EXPECTATIONS[key](60, 40))
    assert (finding.figure, finding.paper) == (pytest.approx(figure), paper)


@pytest.mark.parametrize("key", [(FILTERED, "retention"), (ALIGNED, "retention")], ids="-".join)
def test_a_model_the_paper_lacks_is_held_to_its_bounds_alone(key: Key) -> None:
    unknown = MODEL.model_copy(update={"paper": None})
    finding = evaluate(key, EXPECTATIONS[key](60, 40), model=unknown)
    assert (finding.passed, finding.paper) == (False, "no figure")


@pytest.mark.parametrize(
    ("key", "figure"), [((FILTERED, "retention"), "96.0%"), ((ALIGNED, "retention"), "95.9%")]
)
def test_a_model_that_the_paper_knows_is_held_to_its_distance_from_the_papers_share(
    key: Key, figure: str
) -> None:
    bounds = Bounds(filtered=0.05, aligned=0.05, tag_share_within=0.10)
    phi_4 = MODEL.model_copy(update={"name": "phi-4", "paper": None, "bounds": bounds})
    healthy, broken = (
        evaluate(key, Rows(EXPECTATIONS[key](*rows).rows, "phi-4"), model=phi_4)
        for rows in ((930, 70), (850, 150))
    )
    assert (healthy.passed, broken.passed) == (True, False)
    assert (healthy.paper, broken.paper) == (figure, figure)
    assert broken.wanted.startswith(("91.0% to 100.0%", "90.9% to 100.0%"))


@every({key: rows for key, rows in EXPECTATIONS.items() if key[1] in {"retention", "tag_counts"}})
def test_each_model_is_held_to_its_own_entry(key: Key) -> None:
    bounds = Bounds(filtered=(0, 1), aligned=(0, 1), tag_share_within=1)
    lenient = MODEL.model_copy(update={"name": "lenient", "bounds": bounds})
    rows = EXPECTATIONS[key](60, 40).rows
    (check,) = (
        check
        for check in build_checks(METHOD, {"phi": MODEL, "lenient": lenient})
        if (check.table.name, check.name) == key
    )
    assert not check.evaluate(Rows(rows, "phi")).passed
    # The share that Phase 3 should keep is the same for every model.
    assert check.evaluate(Rows(rows, "lenient")).passed is (key[0] != VERIFIED)


def test_a_lost_row_is_told_from_a_new_one() -> None:
    finding = evaluate((FILTERED, "nothing_is_lost"), CASES[FILTERED, "nothing_is_lost"].broken)
    assert finding.rows.rows() == [("c1", "lost"), ("x", "new")]


@pytest.mark.parametrize("table", PHASES)
def test_a_row_that_was_dropped_before_must_not_come_back(table: str) -> None:
    before = numbered(dropped("timeout"))
    evidence = tables(**{UPSTREAM[table]: before, table: numbered({})})
    finding = evaluate((table, "nothing_is_lost"), evidence)
    assert finding.rows.rows() == [("c0", "new")]


@pytest.mark.parametrize("table", PHASES)
@pytest.mark.parametrize("reason", [*NoAnswer, *Dropped])
def test_every_drop_reason_of_the_phases_explains_a_drop(
    table: str, reason: NoAnswer | Dropped
) -> None:
    assert evaluate((table, "drops_are_explained"), only(table, dropped(reason.value))).passed


@pytest.mark.parametrize("table", PHASES)
@pytest.mark.parametrize("reason", Unusable)
def test_a_reason_of_the_conversations_explains_no_drop_of_a_phase(
    table: str, reason: Unusable
) -> None:
    finding = evaluate((table, "drops_are_explained"), only(table, dropped(reason.value)))
    assert not finding.passed


@pytest.mark.parametrize("reason", [*Unusable, *NoAnswer, *Dropped])
def test_failures_and_refusals_without_a_reason_count_against_the_engine(
    reason: Unusable | NoAnswer | Dropped,
) -> None:
    finding = evaluate((VERIFIED, "engine_answered"), only(VERIFIED, dropped(reason.value)))
    unanswered = {*ENGINE_FAILURES, NoAnswer.REFUSED_BY_SERVER}
    assert finding.passed is (reason not in unanswered)


@pytest.mark.parametrize(
    ("answered", "failed", "passed"),
    [
        pytest.param(12, 1, True, id="one-of-a-small-shard"),
        pytest.param(10, 3, False, id="three-of-a-small-shard"),
        pytest.param(940, 60, True, id="chance"),
        pytest.param(930, 70, False, id="no-chance"),
        pytest.param(9400, 600, False, id="the-same-share-of-many-rows-is-no-chance"),
        pytest.param(0, 1, False, id="all"),
    ],
)
def test_the_engine_fails_a_shard_only_where_chance_does_not_explain_the_share(
    answered: int, failed: int, passed: bool
) -> None:
    evidence = mix(ANNOTATED, {}, dropped("timeout"))(answered, failed)
    finding = evaluate((ANNOTATED, "engine_answered"), evidence)

    assert (finding.passed, finding.rows.height) == (passed, failed)
    assert finding.wanted.startswith("0.0% to 5.0% (99 % interval here ")


def test_a_finding_about_the_engine_shows_what_it_said() -> None:
    refused = {"drop_reason": "server_error", "attempts": 6, "failure": "500 out of memory"}
    finding = evaluate((ALIGNED, "engine_answered"), only(ALIGNED, refused))
    assert finding.rows.rows() == [("c0", "server_error", 6, "500 out of memory")]
    assert "1 of 1 requests have no answer" in finding.explanation
    assert "server_error (1): the server said `500 out of memory`" in finding.explanation


@pytest.mark.parametrize(
    ("tags", "canonical"),
    [
        ([], True),
        (["Tool"], True),
        (["Role", "Role", "Task"], True),
        (list(TAG_NAMES), True),
        (["Role", "Task", "Role"], False),
        (["Format", "Tool"], False),
        (["role"], False),
        (["Role", "Mood"], False),
        ([None], False),
    ],
    ids=str,
)
def test_canonical_order_is_the_papers_and_knows_eight_tags(
    tags: list[str], canonical: bool
) -> None:
    evidence = only(FILTERED, {"phrases": phrases(*tags)})
    assert evaluate((FILTERED, "tags_are_canonical"), evidence).passed is canonical


@pytest.mark.parametrize(
    ("rule", "verdict", "stays"),
    [
        (UnreadableVerdict.REMOVE, "Good", True),
        (UnreadableVerdict.REMOVE, "Bad", False),
        (UnreadableVerdict.REMOVE, "None", False),
        (UnreadableVerdict.REMOVE, "Unreadable", False),
        (UnreadableVerdict.KEEP, "Good", True),
        (UnreadableVerdict.KEEP, "Bad", False),
        (UnreadableVerdict.KEEP, "None", False),
        (UnreadableVerdict.KEEP, "Unreadable", True),
    ],
)
def test_what_may_stay_depends_on_the_rule_for_unreadable_verdicts(
    rule: UnreadableVerdict, verdict: str, stays: bool
) -> None:
    rows = only(VERIFIED, {"phrases": phrases("Role"), "verdicts": judged(Role=verdict)})
    method = METHOD.model_copy(update={"unreadable_verdict": rule})
    assert evaluate((VERIFIED, "only_good_stays"), rows, method).passed is stays


def test_retention_after_phase_4_is_of_the_conversations_begun_less_those_beyond_the_limit() -> (
    None
):
    evidence = tables(
        annotated_system_messages=numbered(*[{}] * 10, *[dropped("beyond_limit")] * 90),
        aligned_responses=numbered(*[{}] * 8, dropped("truncated")),
    )
    finding = evaluate((ALIGNED, "retention"), evidence)
    assert finding.figure == pytest.approx(8 / 10)
    assert finding.rows["conversation_id"].to_list() == ["c8"]


def test_a_message_that_was_never_judged_has_no_unreadable_verdict() -> None:
    rows = ({"verdicts": judged(Role="Good", Task="Unreadable")}, {"verdicts": []}, {})
    finding = evaluate((VERIFIED, "verdicts_are_readable"), only(VERIFIED, *rows))
    assert (finding.figure, finding.rows.height) == (0.5, 1)


def test_one_reply_that_cannot_be_read_is_one_stroke_of_chance_though_it_has_many_verdicts() -> (
    None
):
    def readable(lost: int) -> bool:
        verdicts = [dict.fromkeys(TAG_NAMES, "Unreadable")] * lost
        verdicts += [dict.fromkeys(TAG_NAMES, "Good")] * (12 - lost)
        rows = ({"verdicts": judged(**each)} for each in verdicts)
        return evaluate((VERIFIED, "verdicts_are_readable"), only(VERIFIED, *rows)).passed

    assert [readable(lost) for lost in (0, 1, 6)] == [True, True, False]


@pytest.mark.parametrize("table", [ANNOTATED, ALIGNED])
def test_a_text_that_never_came_was_not_truncated(table: str) -> None:
    never_came = {"finish_reason": None, **dropped("too_long")}
    finding = evaluate(
        (table, "few_are_truncated"), only(table, never_came, {"finish_reason": "stop"})
    )
    assert (finding.figure, finding.rows.height) == (0, 0)


def test_tag_counts_shows_which_tags_disagree_with_the_paper() -> None:
    rows = evaluate((FILTERED, "tag_counts"), EXPECTATIONS[FILTERED, "tag_counts"](60, 40)).rows
    assert rows.filter(~pl.col("agrees")).to_dicts() == [
        {"tag": tag, "messages": 60, "share": 0.6, "paper": 1.0, "agrees": False}
        for tag in ("Tool", "Format")
    ]


def test_tag_counts_takes_a_tag_once_a_message_and_leaves_dropped_messages_out() -> None:
    evidence = only(
        FILTERED,
        {"phrases": phrases("Role", "Role")},
        {"phrases": phrases("Task")},
        {"phrases": phrases("Role"), **dropped("malformed_boundary")},
    )
    rows = evaluate((FILTERED, "tag_counts"), evidence).rows
    assert dict(rows.select("tag", "messages").iter_rows()) == {
        **dict.fromkeys(TAG_NAMES, 0),
        "Role": 1,
        "Task": 1,
    }


def test_tag_counts_has_nothing_to_disagree_with_where_the_paper_lacks_the_model() -> None:
    unknown = MODEL.model_copy(update={"paper": None})
    evidence = CASES[FILTERED, "tag_counts"].broken
    finding = evaluate((FILTERED, "tag_counts"), evidence, model=unknown)
    assert (finding.passed, finding.figure) == (True, 0.0)


@pytest.mark.parametrize(
    ("original", "new", "passed"),
    [(100, 49, False), (100, 50, True), (100, 155, True), (100, 300, True), (100, 301, False)],
)
def test_length_ratio_is_new_over_original(original: int, new: int, passed: bool) -> None:
    finding = evaluate(LENGTH_RATIO, lengths(original, new))
    assert (finding.passed, finding.figure) == (passed, pytest.approx(new / original))


def test_length_ratio_compares_the_same_conversations_and_leaves_dropped_ones_out() -> None:
    evidence = tables(
        conversations=numbered({"answer": "a" * 10}, {"answer": "a" * 10}, {"answer": "a" * 900}),
        aligned_responses=numbered(
            {"new_answer": "b" * 15}, {"new_answer": "b" * 900, **dropped("truncated")}
        ),
    )
    assert evaluate(LENGTH_RATIO, evidence).figure == pytest.approx(1.5)


def is_mark_in_polars(text: str) -> bool:
    return bool(pl.Series([text]).str.contains(TAG_MARK).item())


def is_mark_in_python(text: str) -> bool:
    return re.search(TAG_MARK, text) is not None


@pytest.mark.parametrize(
    ("text", "is_mark"),
    [
        ("<<Role>>", True),
        ("<</Role>>", True),
        ("<<//Role>>", True),
        ("<<Mood>>", True),
        ("<<Rolé>>", True),
        ("<<役割>>", True),
        ("<<a\u0661>>", True),
        ("<<Role", True),
        ("<< \tRole is", False),
        ("<</Format>", True),
        ("<<x y-z_0>>", True),
        (f"<<a{'b' * 39}>>", True),
        (f"<<a{'b' * 40}>>", False),
        ("<<Roles", False),
        ("<<\nRole", False),
        ("<<48/2=24>>24", False),
        ("<<1a>>", False),
        ("<<_a>>", False),
        ("std::cout << x", False),
        ("cat <<EOF", False),
        ("List<List<String>>", False),
        ("a << b >> c", False),
        ("<Role>", False),
        ("", False),
    ],
    ids=repr,
)
def test_a_tag_mark_is_the_same_in_polars_and_in_python(text: str, is_mark: bool) -> None:
    assert (is_mark_in_python(text), is_mark_in_polars(text)) == (is_mark, is_mark)


_PIECES = (
    "<<",
    "<",
    ">>",
    ">",
    "/",
    " ",
    "\t",
    "\n",
    "-",
    "_",
    "7",
    "a",
    "é",
    "語",
    "😀",
    *TAG_NAMES,
)
_LETTERS_AND_SIGNS = st.characters(
    exclude_categories=["Cs", "Cn", "Mn", "Mc", "Me", "No", "So", "Pc", "Cf"], max_codepoint=0xFFFF
)


@given(st.lists(st.sampled_from(_PIECES) | _LETTERS_AND_SIGNS, max_size=12).map("".join))
def test_polars_and_python_find_tag_marks_in_the_same_texts(text: str) -> None:
    assert is_mark_in_polars(text) == is_mark_in_python(text)


# Faults of earlier versions.


@pytest.mark.parametrize(
    "text",
    ["<<हिन्दी>>", "<<می\u200cشود>>", "<<e\u0301>>", "<<Role\u0301", "<<x²>>", "<<Role²"],
    ids=ascii,
)
def test_a_tag_mark_in_any_script_is_the_same_in_polars_and_in_python(text: str) -> None:
    assert is_mark_in_polars(text) == is_mark_in_python(text)


def test_a_pilot_run_whose_every_request_failed_is_no_answer() -> None:
    rows = mix(ANNOTATED, dropped("timeout"), dropped("beyond_limit"))
    assert not evaluate((ANNOTATED, "engine_answered"), rows(10, 990)).passed


def test_a_pilot_run_whose_every_text_was_cut_is_truncated() -> None:
    rows = mix(ANNOTATED, {"finish_reason": "length"}, dropped("beyond_limit"))
    assert not evaluate((ANNOTATED, "few_are_truncated"), rows(50, 950)).passed


@pytest.mark.parametrize("table", [ANNOTATED, ALIGNED])
def test_no_row_of_an_empty_partition_is_truncated(table: str) -> None:
    assert evaluate((table, "few_are_truncated"), tables()).figure == 0


def test_retention_fails_where_phase_1_was_made_again_with_fewer_rows() -> None:
    evidence = tables(
        annotated_system_messages=numbered({}, dropped("beyond_limit"), dropped("beyond_limit")),
        aligned_responses=numbered({}, {}, {}),
    )
    assert not evaluate((ALIGNED, "retention"), evidence).passed


def test_length_ratio_of_answers_that_are_missing_is_a_finding() -> None:
    evidence = tables(conversations=numbered({"answer": "a"}), aligned_responses=numbered({}))
    evaluate(LENGTH_RATIO, evidence)


def test_a_phrase_without_any_verdicts_does_not_stay() -> None:
    evidence = only(VERIFIED, {"phrases": phrases("Role"), "verdicts": None})
    assert not evaluate((VERIFIED, "only_good_stays"), evidence).passed
