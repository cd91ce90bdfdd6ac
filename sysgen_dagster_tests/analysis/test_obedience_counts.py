"""How many phrases are obeyed, and who says so."""

import polars as pl
import pytest

from sysgen_dagster.analysis.obedience_counts import count_obedience, summarize_obedience
from sysgen_dagster.analysis.tables import OBEDIENCE_COUNTS
from sysgen_dagster.obedience.phrase_judgement import build_obedience
from sysgen_dagster.obedience.several_judges import combine_judges
from sysgen_dagster_tests.lanes.sysgen.frames import completions, replied
from sysgen_dagster_tests.obedience.phrase_rows import phrase, rows

JUDGED = {**phrase("Be kind.", "obeyed"), "by": "phi-4", "rule": None}
FORMAT = phrase("As a list.", "not_obeyed", "Format")
PHRASES = [phrase("Be brief.", "obeyed"), JUDGED, FORMAT, phrase("Think of it."), JUDGED]


def test_phrases_are_counted_by_source_tag_verdict_and_who_gave_it() -> None:
    counts = count_obedience(build_obedience(rows(PHRASES, [FORMAT], [])))

    assert counts.schema == OBEDIENCE_COUNTS.schema
    assert counts.rows() == [
        ("mine", "Format", "not_obeyed", "rules", None, None, 2),
        ("mine", "Style", "obeyed", "phi-4", None, None, 2),
        ("mine", "Style", "obeyed", "rules", None, None, 1),
        ("mine", "Style", "unknown", None, None, None, 1),
    ]


def test_verdicts_of_a_judge_that_wrote_the_answers_are_told_apart() -> None:
    own = build_obedience(rows(PHRASES)).with_columns(judge_is_generator=True)
    others = build_obedience(rows(PHRASES)).with_columns(judge_is_generator=False)
    counts = count_obedience(pl.concat([own, others]))

    assert counts.filter(by="phi-4")["judge_is_generator"].to_list() == [False, True]
    assert counts.filter(pl.col("by") != "phi-4")["judge_is_generator"].to_list() == [None] * 2


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


def judged(*verdicts: str) -> pl.DataFrame:
    """Rows with one open phrase each; a letter for what each judge says of it."""
    words = {"k": "Kept", "b": "Broken", "u": "Unclear"}
    frame = rows(*[[phrase("Be kind.")]] * len(verdicts))
    tables = {
        f"judge-{number}": build_obedience(
            frame,
            completions(
                *(replied(f"c{n}", f"Phrase 1: {words[said]}") for n, said in enumerate(each))
            ),
            f"judge-{number}",
            False,
        )
        for number, each in enumerate(zip(*verdicts, strict=True))
    }
    return combine_judges(frame["phrases"], tables)


def test_of_several_judges_it_is_counted_who_said_what() -> None:
    counts = count_obedience(judged("kkb", "kkb", "kbu"))

    assert counts.select("verdict", "by", "judged", "phrases").rows() == [
        ("obeyed", "judge-0, judge-1", "judge-0: obeyed; judge-1: obeyed; judge-2: not_obeyed", 2),
        ("unknown", None, "judge-0: obeyed; judge-1: not_obeyed; judge-2: unknown", 1),
    ]


def test_the_agreement_of_judges_is_shown_with_its_interval_where_there_are_several() -> None:
    # Two judges, ten phrases. Apart 2 of 10; 12 of 20 words are Kept: by chance 2 * 12 * 8 / 380.
    said = ("kk",) * 5 + ("bb",) * 3 + ("kb", "bk")
    [summary, _] = summarize_obedience(count_obedience(judged(*said))).to_dicts()

    assert summary["judges_disagree"] == pytest.approx(0.2)
    assert summary["alpha"] == pytest.approx(1 - 0.2 / (2 * 12 * 8 / (20 * 19)))
    assert summary["alpha_low"] < 0.4 < summary["alpha"] < summary["alpha_high"]
    one_judge = build_obedience(rows(PHRASES))
    assert "alpha" not in summarize_obedience(count_obedience(one_judge)).columns
