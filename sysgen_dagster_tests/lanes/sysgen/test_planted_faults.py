"""Whether the judge of Phase 3 finds faults that were planted for it."""

from random import Random

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.planted_faults import (
    JUDGE_FINDS_PLANTED_FAULTS,
    build_planted_faults,
    build_planted_requests,
    read_planted_messages,
    score_judge,
    summarize_planted_faults,
)
from sysgen_dagster.lanes.sysgen.settings import DropRule, Method, UnreadableVerdict
from sysgen_dagster.lanes.sysgen.tables import PLANTED_FAULTS
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.lanes.sysgen.verification import build_verification_requests
from sysgen_dagster.tables.checks import Finding
from sysgen_dagster_tests.lanes.sysgen.frames import completions, failed, replied
from sysgen_dagster_tests.tables.evidence import Rows

METHOD = Method(drop_rule=DropRule.MALFORMED_BOUNDARY, unreadable_verdict=UnreadableVerdict.REMOVE)
MESSAGES = read_planted_messages()


def judged(found: int, faults: int, alarms: int, right: int, unreadable: int = 0) -> pl.DataFrame:
    """Verdicts on so many planted faults and right tags; ``unreadable`` are right tags too."""
    rows = [
        *[(True, "Bad")] * found,
        *[(True, "Good")] * (faults - found),
        *[(False, "None")] * alarms,
        *[(False, "Good")] * (right - alarms - unreadable),
        *[(False, "Unreadable")] * unreadable,
    ]
    schema = {"is_planted": pl.Boolean(), "verdict": pl.String()}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(tag=pl.lit("Role"))


def check(rows: pl.DataFrame) -> Finding:
    evidence = Rows({PLANTED_FAULTS.name: rows.to_dicts()}, "small")
    return JUDGE_FINDS_PLANTED_FAULTS.evaluate(evidence)


def reply(text_of_tag: str = "{tag}: Good") -> str:
    return "\n".join(text_of_tag.format(tag=f"<<{tag}>>") for tag in TAG_NAMES)


def test_every_message_is_well_formed_and_its_planted_faults_are_among_its_tags() -> None:
    assert MESSAGES["drop_reason"].null_count() == MESSAGES.height > 40
    assert MESSAGES["defects"].list.len().sum() == 0
    for row in MESSAGES.iter_rows(named=True):
        tags = [phrase["tag"] for phrase in row["phrases"]]
        assert set(row["wrong_tags"]) <= set(tags)
        assert len(set(tags)) == len(tags)
    assert MESSAGES["wrong_tags"].list.len().sum() >= 40
    assert set(MESSAGES["wrong_tags"].explode(empty_as_null=False)) == set(TAG_NAMES)


def test_a_message_is_asked_about_as_phase_3_asks() -> None:
    [first, *_] = build_planted_requests(MESSAGES, METHOD)
    [as_phase_3, *_] = build_verification_requests(MESSAGES, METHOD)
    assert (first.messages, first.sampling) == (as_phase_3.messages, as_phase_3.sampling)
    assert first.seed != as_phase_3.seed


def test_each_tag_of_each_message_gets_its_verdict() -> None:
    texts = [replied(name, reply()) for name in MESSAGES["conversation_id"]]
    texts[0] = replied("planted-00", reply().replace("<<Role>>: Good", "<<Role>>: Bad"))
    texts[1] = failed("planted-01", "timeout")
    rows = build_planted_faults(MESSAGES, completions(*texts))
    assert rows.schema == PLANTED_FAULTS.schema
    assert rows.height == MESSAGES["phrases"].list.len().sum()
    first = rows.filter(message="planted-00").select("tag", "is_planted", "verdict").rows()
    assert first == [
        ("Role", False, "Bad"),
        ("Task", False, "Good"),
        ("Style", False, "Good"),
        ("Format", False, "Good"),
    ]
    second = rows.filter(message="planted-01")
    assert second["verdict"].to_list() == [None] * 4
    assert second["drop_reason"].to_list() == ["timeout"] * 4
    assert second.filter("is_planted")["tag"].to_list() == ["Content"]


def test_a_judge_that_calls_everything_good_is_named() -> None:
    finding = check(judged(0, 47, 0, 190))
    assert not finding.passed
    assert finding.rows.height == 47
    assert finding.explanation == (
        "small as judge of Phase 3 found 0 of 47 (0% to 8%) planted faults and called 190 of 190 "
        "(98% to 100%) right tags Good, no better than chance: Phase 3 removes little with it "
        "that it should; name another judge"
    )


@pytest.mark.parametrize(
    ("found", "faults", "alarms", "right", "is_better"),
    [
        pytest.param(1, 11, 1, 61, False, id="the-1.5B-model-that-was-measured"),
        pytest.param(8, 11, 2, 61, True, id="most-found-few-alarms"),
        pytest.param(47, 47, 190, 190, False, id="everything-is-bad"),
        pytest.param(24, 47, 95, 190, False, id="a-coin"),
        pytest.param(20, 47, 10, 190, True, id="some-found"),
        pytest.param(0, 0, 0, 0, False, id="nothing-judged"),
    ],
)
def test_finding_faults_counts_only_beside_what_is_called_bad_of_right_tags(
    found: int, faults: int, alarms: int, right: int, is_better: bool
) -> None:
    assert score_judge(judged(found, faults, alarms, right)).is_better_than_chance is is_better


def test_a_judge_that_flips_a_coin_is_seldom_called_better_than_chance() -> None:
    rng = Random(7)
    better = 0
    for _ in range(300):
        bad = rng.random()
        found = sum(rng.random() < bad for _ in range(47))
        alarms = sum(rng.random() < bad for _ in range(190))
        better += score_judge(judged(found, 47, alarms, 190)).is_better_than_chance
    assert better / 300 < 0.06


def test_a_judge_that_calls_every_tool_none_has_not_found_the_faults_among_them() -> None:
    tools = judged(20, 20, 30, 30).with_columns(tag=pl.lit("Tool"))
    rows = pl.concat([judged(0, 27, 0, 160), tools])
    score = score_judge(rows)
    assert score.found.share > 0.4
    assert score.by_chance == pytest.approx(20 / 47)
    assert not score.is_better_than_chance


def test_a_judge_that_finds_a_few_is_said_to_miss_most() -> None:
    finding = check(judged(10, 47, 0, 190))
    assert not finding.passed
    assert "better than chance, but it misses most" in finding.explanation
    assert check(judged(24, 47, 3, 190)).passed


def test_an_unreadable_verdict_is_neither_found_nor_good_and_no_answer_counts_for_nothing() -> None:
    rows = pl.concat(
        [
            judged(1, 2, 0, 4, unreadable=1),
            pl.DataFrame(
                {"is_planted": [True], "verdict": [None], "tag": ["Role"]},
                schema_overrides=_VERDICT,
            ),
        ]
    )
    summary = summarize_planted_faults(rows).row(0, named=True)
    assert (summary["found"], summary["of_planted"]) == (1, 2)
    assert (summary["good"], summary["of_right"]) == (3, 4)
    assert summary["better_than_chance"] == "no"


_VERDICT = {"verdict": pl.String()}


def test_a_judge_that_was_not_reached_is_not_called_blind() -> None:
    nobody = pl.DataFrame(
        {"is_planted": [True, False], "verdict": [None, None], "tag": ["Role", "Role"]},
        schema_overrides=_VERDICT,
    )
    assert check(nobody).passed
