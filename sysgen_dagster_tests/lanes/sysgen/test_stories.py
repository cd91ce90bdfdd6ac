"""The records that the report and the terminal show of single conversations."""

import json

import polars as pl
import pytest

from sysgen_dagster.analysis.findings import list_flags
from sysgen_dagster.analysis.tables import ROW_QUALITY
from sysgen_dagster.lanes.sysgen.stories import (
    LONGEST_TEXT,
    Story,
    arrange_stories,
    build_stories,
)
from sysgen_dagster.obedience.phrase_judgement import build_obedience
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT, JUDGED_PREFERENCES
from sysgen_dagster_tests.lanes.sysgen.shards import Row, Shard, dropped, frame, kept
from sysgen_dagster_tests.obedience.judged_rows import labelled
from sysgen_dagster_tests.obedience.phrase_rows import phrase
from sysgen_dagster_tests.obedience.phrase_rows import rows as phrase_rows

BY_A_JUDGE = {**phrase("Be polite.", "obeyed"), "by": "owl"}


def stories_of(*rows: Row, **tables: pl.DataFrame) -> list[Story]:
    return build_stories([Shard(rows)], "phi-4", [row.identity for row in rows], **tables)


@pytest.mark.parametrize(
    ("at", "texts_of"),
    [
        ("conversations", {"question"}),
        ("annotated_system_messages", {"question", "annotated_message"}),
        ("filtered_system_messages", {"question", "annotated_message", "tagged_message"}),
        ("", {"question", "annotated_message", "tagged_message", "new_answer"}),
    ],
)
def test_a_story_ends_where_the_row_stopped(at: str, texts_of: set[str]) -> None:
    texts = {
        name: name for name in ("question", "annotated_message", "tagged_message", "new_answer")
    }
    [story] = stories_of(Row("1", at, "reason" if at else "", columns=texts))
    assert {name for name in texts if story[name] is not None} == texts_of
    assert (story["stopped_at"], story["drop_reason"]) == ((at, "reason") if at else (None, None))


def test_a_refused_answer_is_shown_beside_its_reason() -> None:
    columns = {"new_answer": "I cannot.", "system_message": "Be kind."}
    [story] = stories_of(Row("1", "aligned_responses", "refused", columns=columns))
    assert (story["new_answer"], story["drop_reason"]) == ("I cannot.", "refused")


def test_only_the_wanted_rows_of_a_shard_are_read() -> None:
    shards = [Shard(kept(3)), Shard([Row("other")])]
    stories = build_stories(shards, "phi-4", ["kept-1", "other", "of-another-model"])
    assert {story["id"] for story in stories} == {"kept-1", "other"}
    assert {story["model"] for story in stories} == {"phi-4"}


def test_a_long_text_is_cut_and_says_by_how_much_and_a_long_list_is_cut() -> None:
    long = "x" * (LONGEST_TEXT + 1234)
    history = [{"role": "user", "content": long}] * 61
    [story] = stories_of(Row("1", columns={"question": long, "history": history}))
    assert story["question"].endswith("x [1,234 more characters are not shown]")
    assert story["history"] == [{"role": "user", "content": story["question"]}] * 60


def test_measures_and_findings_come_from_the_row_s_quality() -> None:
    quality = frame(
        ROW_QUALITY,
        [
            {
                "conversation_id": "kept-0",
                "rouge1": 0.25,
                "gleu": float("nan"),
                "final_answer_same": False,
                "new_python_blocks": 2,
                "new_python_blocks_parsed": 1,
            },
            {"conversation_id": "another", "final_answer_same": False},
        ],
    )
    flagged = quality.with_columns(list_flags(quality))
    first, second = sorted(
        stories_of(*kept(2), quality=flagged), key=lambda story: str(story["id"])
    )
    assert first["measures"]["rouge1"] == 0.25
    assert first["measures"]["gleu"] is None
    assert "flags" not in first["measures"]
    assert {"final answer differs", "python does not parse"} <= set(first["flags"])
    assert (second["measures"], second["flags"]) == ({}, [])


def test_what_the_phases_did_is_flagged() -> None:
    columns = {
        "duplicate_of": "0",
        "repaired": True,
        "defects": [
            {"kind": "unassigned_text", "text": "Hello"},
            {"kind": "mended_close", "text": "You"},
        ],
        "removed": [{"tag": "Role", "text": "You", "verdict": "Bad"}],
    }
    [story] = stories_of(Row("1", columns=columns))
    assert story["flags"] == [
        "same text as an earlier row",
        "repaired",
        "something left out by Phase 2",
        "mended by Phase 2",
        "phrases removed by Phase 3",
    ]


def test_a_judgement_names_its_judge_and_says_that_it_is_uncalibrated() -> None:
    judged = {"conversation_id": "1", "judge": "qwen", "verdict_text": "Because."}
    preferences = [
        {**judged, "shown_first": order, "verdict": "original", "judge_is_generator": False}
        for order in ("original", "new")
    ]
    alignments = [{**judged, "verdict": "Not aligned", "judge_is_generator": True}]
    [story] = stories_of(
        Row("1"),
        preferences=frame(JUDGED_PREFERENCES, preferences),
        alignments=frame(JUDGED_ALIGNMENT, alignments),
    )
    assert [(each["verdict"], each["judge"]) for each in story["judgements"]] == [
        ("original", "qwen (uncalibrated)"),
        ("original", "qwen (uncalibrated)"),
        ("Not aligned", "qwen (uncalibrated), which also wrote it"),
    ]
    assert story["flags"] == ["judged not aligned", "original preferred in both orders"]


def test_only_the_judge_s_part_of_the_verdicts_on_phrases_is_uncalibrated() -> None:
    looked_at = phrase_rows([phrase("Be brief.", "not_obeyed"), phrase("Be kind."), BY_A_JUDGE])
    [story] = stories_of(Row("c0"), obedience=build_obedience(looked_at))
    assert [each["by"] for each in story["obedience"]] == ["rules", None, "owl (uncalibrated)"]
    [story] = stories_of(
        Row("c0"), obedience=build_obedience(looked_at), calibration=labelled("phrase", "owl")
    )
    assert [each["by"] for each in story["obedience"]] == ["rules", None, "owl"]
    assert story["flags"] == ["does not obey a phrase"]


def test_stories_are_json() -> None:
    stories = stories_of(*kept(2), *dropped(1, "too_long", "annotated_system_messages"))
    assert json.loads(json.dumps(stories, allow_nan=False)) == stories


def test_the_models_of_a_row_stand_beside_each_other() -> None:
    rows = [
        {"id": str(at), "source": source, "model": model}
        for model in ("phi-4", "llama")
        for source in ("orca_math", "capybara")
        for at in range(9)
    ]
    arranged = arrange_stories(rows)
    assert [row["model"] for row in arranged] == ["phi-4", "llama"] * 18
    assert [row["source"] for row in arranged] == ["orca_math"] * 18 + ["capybara"] * 18
    assert [row["id"] for row in arranged[::2]] == [row["id"] for row in arranged[1::2]]
