"""What a report tells of a row."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

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
from sysgen_dagster.lanes.sysgen.tables import VERIFIED
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT, JUDGED_PREFERENCES
from sysgen_dagster.tables.table import Table

PHASES = (
    "conversations",
    "annotated_system_messages",
    "filtered_system_messages",
    "verified_system_messages",
    "aligned_responses",
)


@dataclass(frozen=True)
class Row:
    """One conversation: how it ended, and any columns that are not as in every row."""

    identity: str
    stopped_at: str = ""
    drop_reason: str = ""
    verdict: str = "Good"
    source: str = "capybara"
    columns: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Shard:
    """Rows as the five tables would hold them."""

    rows: Sequence[Row]

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        here = [row for row in self.rows if not row.stopped_at or reaches(row, table)]
        records = [record(row, table) for row in here]
        return frame(table, records).select(columns)


def reaches(row: Row, table: Table) -> bool:
    return PHASES.index(table.name) <= PHASES.index(row.stopped_at)


def record(row: Row, table: Table) -> dict[str, Any]:
    verdicts = [{"tag": "Role", "verdict": row.verdict, "confidence": None}]
    return {
        "conversation_id": row.identity,
        "source": row.source,
        "question": "Q",
        "answer": "A",
        "verdicts": verdicts if table == VERIFIED else None,
        "engine": "simulated",
        **(row.columns or {}),
        "drop_reason": row.drop_reason if row.stopped_at == table.name else None,
    }


def frame(table: Table, records: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    rows = [{name: each.get(name) for name in table.columns} for each in records]
    return pl.DataFrame(rows, schema=table.schema)


def told(*rows: Row, **tables: pl.DataFrame) -> list[Story]:
    return build_stories([Shard(rows)], "phi-4", [row.identity for row in rows], **tables)


def kept(number: int, **changes: Any) -> list[Row]:
    return [replace(Row(f"kept-{at}"), **changes) for at in range(number)]


def dropped(number: int, reason: str, at: str = "filtered_system_messages") -> list[Row]:
    return [Row(f"{reason}-{each}", at, reason) for each in range(number)]


@pytest.mark.parametrize(
    ("at", "told_of"),
    [
        ("conversations", {"question"}),
        ("annotated_system_messages", {"question", "annotated_message"}),
        ("filtered_system_messages", {"question", "annotated_message", "tagged_message"}),
        ("", {"question", "annotated_message", "tagged_message", "new_answer"}),
    ],
)
def test_a_story_ends_where_the_row_stopped(at: str, told_of: set[str]) -> None:
    texts = {
        name: name for name in ("question", "annotated_message", "tagged_message", "new_answer")
    }
    [story] = told(Row("1", at, "reason" if at else "", columns=texts))
    assert {name for name in texts if story[name] is not None} == told_of
    assert (story["stopped_at"], story["drop_reason"]) == ((at, "reason") if at else (None, None))


def test_a_refused_answer_is_told_beside_its_reason() -> None:
    columns = {"new_answer": "I cannot.", "system_message": "Be kind."}
    [story] = told(Row("1", "aligned_responses", "refused", columns=columns))
    assert (story["new_answer"], story["drop_reason"]) == ("I cannot.", "refused")


def test_only_the_wanted_rows_of_a_shard_are_told() -> None:
    shards = [Shard(kept(3)), Shard([Row("other")])]
    stories = build_stories(shards, "phi-4", ["kept-1", "other", "of-another-model"])
    assert {story["id"] for story in stories} == {"kept-1", "other"}
    assert {story["model"] for story in stories} == {"phi-4"}


def test_a_long_text_is_cut_and_says_by_how_much() -> None:
    long = "x" * (LONGEST_TEXT + 1234)
    history = [{"role": "user", "content": long}]
    [story] = told(Row("1", columns={"question": long, "history": history}))
    assert story["question"].endswith("x [1,234 more characters are not shown]")
    assert story["history"][0]["content"] == story["question"]


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
    first, second = sorted(told(*kept(2), quality=flagged), key=lambda story: str(story["id"]))
    assert first["measures"]["rouge1"] == 0.25
    assert first["measures"]["gleu"] is None
    assert "flags" not in first["measures"]
    assert {"final answer differs", "python does not parse"} <= set(first["flags"])
    assert (second["measures"], second["flags"]) == ({}, [])


def test_what_the_phases_did_is_flagged() -> None:
    columns = {
        "duplicate_of": "0",
        "repaired": True,
        "defects": [{"kind": "unassigned_text", "text": "Hello"}],
        "removed": [{"tag": "Role", "text": "You", "verdict": "Bad"}],
    }
    [story] = told(Row("1", columns=columns))
    assert story["flags"] == [
        "same text as an earlier row",
        "written under a grammar",
        "something left out by Phase 2",
        "phrases removed by Phase 3",
    ]


def test_judgements_are_told_with_their_judge() -> None:
    judged = {"conversation_id": "1", "judge": "qwen", "verdict_text": "Because."}
    preferences = [
        {**judged, "shown_first": order, "verdict": "original", "judge_is_generator": False}
        for order in ("original", "new")
    ]
    alignments = [{**judged, "verdict": "Not aligned", "judge_is_generator": True}]
    [story] = told(
        Row("1"),
        preferences=frame(JUDGED_PREFERENCES, preferences),
        alignments=frame(JUDGED_ALIGNMENT, alignments),
    )
    assert [(each["verdict"], each["judge"]) for each in story["judgements"]] == [
        ("original", "qwen"),
        ("original", "qwen"),
        ("Not aligned", "qwen, which also wrote it"),
    ]
    assert story["flags"] == ["judged not aligned", "original preferred in both orders"]


def test_stories_are_json() -> None:
    stories = told(*kept(2), *dropped(1, "too_long", "annotated_system_messages"))
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
