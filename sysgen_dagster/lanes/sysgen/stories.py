"""Single conversations through all phases, as records for the report and the terminal.

`story_rows` chooses which conversations a report shows. Here the texts of the chosen ones are read,
one shard at a time, so that few of them are in memory.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import polars as pl
import polars.selectors as cs

from sysgen_dagster.lanes.sysgen.phases import STEPS
from sysgen_dagster.lanes.sysgen.story_rows import shuffle_key
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.lanes.sysgen.tags import MENDS
from sysgen_dagster.obedience.by_rules import decide_by_rules
from sysgen_dagster.obedience.calibration import Kind
from sysgen_dagster.obedience.contradictions import Result
from sysgen_dagster.obedience.phrase_judgement import list_answers
from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster.obedience.worth import mark_uncalibrated
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.checks import Evidence
from sysgen_dagster.tables.table import Table

Story = dict[str, Any]

LONGEST_TEXT = 20_000  # characters of a text
_LONGEST_LIST = 60  # turns, defects, verdicts or removed phrases of one row
_ID = "conversation_id"
_COLUMNS = {
    CONVERSATIONS: (
        *("source", "history", "original_system_message", "question", "answer"),
        "duplicate_of",
    ),
    ANNOTATED: ("engine", "annotated_message", "repaired"),
    FILTERED: ("tagged_message", "defects"),
    VERIFIED: ("verdicts", "removed", "phrases"),
    ALIGNED: (
        *("system_message", "new_history", "new_answer"),
        *("result", "is_original", "rejected_answers"),
    ),
}
_NAMES = [name for columns in _COLUMNS.values() for name in columns]
# What rules look at.
_WRITTEN = {
    "phrases": VERIFIED.schema["phrases"],
    **{name: ALIGNED.schema[name] for name in ("new_history", "new_answer")},
}
_NO_MEASURES = {"source", "personal_data", "repaired", "flags"}  # columns of ``row_quality``


def build_stories(
    shards: Sequence[Evidence],
    model: str,
    ids: Collection[str],
    *,
    upto: Table = ALIGNED,
    quality: pl.DataFrame | None = None,
    preferences: pl.DataFrame | None = None,
    alignments: pl.DataFrame | None = None,
    obedience: pl.DataFrame | None = None,
    calibration: pl.DataFrame | None = None,
) -> list[Story]:
    """One record per conversation of `ids` that the shards hold, in the order of `arrange_stories`.

    A record has ``id``, ``model``, the columns of every step (null or empty after the step that
    dropped the row), ``stopped_at`` and ``drop_reason`` (null for a row with a new answer),
    ``measures``, ``flags``, ``judgements`` and ``obedience``, the verdict on each phrase of its
    message, of rules alone where nothing is stored. It can be written as JSON; long texts are cut.

    Args:
        shards: The rows of one model, each shard on its own.
        model: The model's name in the catalogue.
        ids: Ids of conversations, such as those of `story_rows.choose_rows`.
        upto: The last step that is read; what later ones would say is null or empty.
        quality: Rows of ``row_quality`` of this model with their ``flags``, where there are any.
        preferences: Rows of ``judged_preferences`` of this model.
        alignments: Rows of ``judged_alignment`` of this model.
        obedience: Rows of ``obedience`` of this model.
        calibration: ``judge_calibration`` of this model: a judge that it does not bear out is
            uncalibrated, as its name says wherever a verdict of it stands.
    """
    is_wanted = pl.col(_ID).is_in(list(ids))

    def find(rows: pl.DataFrame | None, kind: Kind | None = None) -> dict[Any, list[Story]]:
        if rows is None:
            return {}
        shown = rows.filter(is_wanted)
        marked = mark_uncalibrated(shown, kind, calibration) if kind else shown
        return marked.rows_by_key(_ID, named=True)

    measured, obeyed = find(quality), find(obedience, Kind.PHRASE)
    preferred, aligned = find(preferences, Kind.PREFERENCE), find(alignments, Kind.ALIGNMENT)
    stories = []
    steps = STEPS[: STEPS.index(upto) + 1]
    for row in (row for shard in shards for row in _read_whole_rows(shard, steps, is_wanted)):
        judgements = [
            *map(_describe_preference, preferred.get(row[_ID], [])),
            *map(_describe_alignment, aligned.get(row[_ID], [])),
        ]
        [measures] = measured.get(row[_ID], [{}])
        [verdicts] = obeyed.get(row[_ID], [{"phrases": obey_by_rules(row)}])
        stories.append(_build_story(row, model, measures, judgements, verdicts["phrases"]))
    return arrange_stories(stories)


def arrange_stories(stories: Iterable[Story]) -> list[Story]:
    """The stories by source, shuffled within a source, with those of one conversation together.

    Sources keep the order of their first stories, and the models of a conversation theirs.
    """
    given = list(stories)
    sources = list(dict.fromkeys(story["source"] for story in given))
    return sorted(
        given, key=lambda story: (sources.index(story["source"]), shuffle_key(story["id"]))
    )


def _read_whole_rows(
    shard: Evidence, steps: Sequence[Table], is_wanted: pl.Expr
) -> Iterable[dict[str, Any]]:
    """The wanted rows of a shard, with the columns of all steps; of those not read, empty ones."""
    parts = [
        (shard.read(table, _ID, *columns, "drop_reason") if table in steps else _nothing(table))
        .filter(is_wanted)
        .rename({"drop_reason": f"drop_reason_{table.name}"})
        for table, columns in _COLUMNS.items()
    ]
    rows = reduce(lambda before, step: before.join(step, on=_ID, how="left"), parts)
    return rows.with_columns(cs.list().fill_null([])).iter_rows(named=True)


def _nothing(table: Table) -> pl.DataFrame:
    return table.empty().select(_ID, *_COLUMNS[table], "drop_reason")


def obey_by_rules(row: Mapping[str, Any]) -> list[Story]:
    """`obedience.tables.PHRASE_VERDICTS` of one row; none where it has no new answer.

    Args:
        row: ``phrases``, ``new_answer`` and ``new_history``.
    """
    if row["new_answer"] is None:
        return []
    written = pl.DataFrame({name: [row[name]] for name in _WRITTEN}, _WRITTEN)
    [verdicts] = decide_by_rules(written["phrases"], list_answers(written))
    return list(verdicts)


def _build_story(
    row: Mapping[str, Any],
    model: str,
    measures: Mapping[str, Any],
    judgements: list[Story],
    obedience: list[Story],
) -> Story:
    stopped_at = next((step.name for step in STEPS if row[f"drop_reason_{step.name}"]), None)
    return {
        "id": row[_ID],
        "model": model,
        **{name: _shorten(row[name]) for name in _NAMES},
        "stopped_at": stopped_at,
        "drop_reason": row[f"drop_reason_{stopped_at}"] if stopped_at else None,
        "measures": {
            name: _shorten(value) for name, value in measures.items() if name not in _NO_MEASURES
        },
        "flags": _list_flags(row, measures, [each["verdict"] for each in judgements], obedience),
        "judgements": judgements,
        "obedience": _shorten(obedience),
    }


def _shorten(value: Any) -> Any:
    """The value as JSON can hold it, without NaN and infinity; long texts and lists are cut."""
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        left_out = len(value) - LONGEST_TEXT
        return f"{value[:LONGEST_TEXT]} [{left_out:,} more characters are not shown]"
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_shorten(part) for part in value[:_LONGEST_LIST]]
    if isinstance(value, dict):
        return {name: _shorten(part) for name, part in value.items()}
    return value


def _list_flags(
    row: Mapping[str, Any],
    measures: Mapping[str, Any],
    verdicts: list[str],
    obedience: list[Story],
) -> list[str]:
    kinds = {defect["kind"] for defect in row["defects"] or ()}
    is_raised = {
        "same text as an earlier row": row["duplicate_of"] is not None,
        "repaired": row["repaired"],
        "something left out by Phase 2": kinds - MENDS,
        "mended by Phase 2": kinds & MENDS,
        "phrases removed by Phase 3": row["removed"],
        **{name.replace("_", " "): True for name in measures.get("flags", [])},
        "does not obey a phrase": Verdict.NOT_OBEYED in [each["verdict"] for each in obedience],
        "contradicts the original answer": row["result"] == Result.CONTRADICTS,
        "keeps the original answer": row["is_original"],
        "judged not aligned": "Not aligned" in verdicts,
        "original preferred in both orders": verdicts.count("original") > 1,
    }
    return [flag for flag, raised in is_raised.items() if raised]


def _describe_preference(row: Mapping[str, Any]) -> Story:
    return _describe(row, f"Which answer is better? The {row['shown_first']} one shown first")


def _describe_alignment(row: Mapping[str, Any]) -> Story:
    return _describe(row, "Does the new answer obey the system message?")


def _describe(row: Mapping[str, Any], question: str) -> Story:
    judge = f"{row['judge']}, which also wrote it" if row["judge_is_generator"] else row["judge"]
    text = _shorten(row["verdict_text"])
    return {"question": question, "verdict": row["verdict"], "judge": judge, "text": text}
