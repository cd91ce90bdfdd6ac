"""How many phrases are obeyed, and who says so."""

import polars as pl
import pytest

from sysgen_dagster.analysis.obedience_counts import count_obedience, summarize_obedience
from sysgen_dagster.analysis.tables import OBEDIENCE_COUNTS
from sysgen_dagster.obedience.phrase_judgement import build_obedience
from sysgen_dagster_tests.obedience.phrase_rows import phrase, rows

JUDGED = {**phrase("Be kind.", "obeyed"), "by": "phi-4", "rule": None}
FORMAT = phrase("As a list.", "not_obeyed", "Format")
PHRASES = [phrase("Be brief.", "obeyed"), JUDGED, FORMAT, phrase("Think of it."), JUDGED]


def test_phrases_are_counted_by_source_tag_verdict_and_who_gave_it() -> None:
    counts = count_obedience(build_obedience(rows(PHRASES, [FORMAT], [])))

    assert counts.schema == OBEDIENCE_COUNTS.schema
    assert counts.rows() == [
        ("mine", "Format", "not_obeyed", "rules", 2),
        ("mine", "Style", "obeyed", "phi-4", 2),
        ("mine", "Style", "obeyed", "rules", 1),
        ("mine", "Style", "unknown", None, 1),
    ]


def test_rows_without_a_phrase_count_nothing() -> None:
    for nothing in (rows(), rows([]), rows(None)):
        assert count_obedience(build_obedience(nothing)).is_empty()


def test_the_share_that_is_obeyed_is_of_the_decided_phrases_with_its_interval() -> None:
    frames = rows(PHRASES, [FORMAT]), rows(PHRASES, source="other")
    both = pl.concat(build_obedience(frame) for frame in frames)
    summary = summarize_obedience(count_obedience(both))

    assert summary["source"].unique(maintain_order=True).to_list() == ["all", "mine", "other"]
    style = summary.filter(source="all", tag="Style").row(0, named=True)
    low, high = style.pop("obeyed_low"), style.pop("obeyed_high")
    assert style == {
        "source": "all",
        "tag": "Style",
        "phrases": 8,
        "by_rules": 0.25,
        "by_judge": 0.5,
        "unknown": 0.25,
        "obeyed": 1.0,
    }
    assert 0.5 < low < 1 == pytest.approx(high)
    assert summary.filter(source="all", tag="Format")["obeyed"].item() == 0


def test_where_nobody_decided_there_is_no_share() -> None:
    counts = count_obedience(build_obedience(rows([phrase("Be kind.")])))

    assert summarize_obedience(counts).select("unknown", "obeyed").rows() == [(1.0, None)] * 2
    assert summarize_obedience(OBEDIENCE_COUNTS.empty()).is_empty()
