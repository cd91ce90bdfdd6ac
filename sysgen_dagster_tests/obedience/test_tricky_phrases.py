"""Phrases that are easily misread: a rule decides as a careful reader does, or not at all.

They are in ``tricky_phrases.yaml``: formats, limits, negations, conditions, choices, languages,
code, beginnings and endings, compound phrases, and phrases that only look like one of these.
Those of ``attacked`` were chosen because rules were wrong about them, so they tell nothing of how
much rules decide.
"""

from pathlib import Path

import polars as pl
import pytest
import yaml

from sysgen_dagster.obedience.by_rules import decide_by_rules

TRICKY = yaml.safe_load(Path(__file__).with_name("tricky_phrases.yaml").read_text("utf-8"))
LABELS = ("obeyed", "not_obeyed", "open")


@pytest.fixture(scope="module")
def decided() -> pl.DataFrame:
    """Each phrase with each of its answers: its label, and the verdict of rules."""
    pairs = pl.DataFrame(
        [
            (
                group,
                row["phrase"],
                TRICKY["answers"][answer[1:]] if answer[0] == "=" else answer,
                label,
            )
            for group in ("phrases", "attacked")
            for row in TRICKY[group]
            for label in LABELS
            for answer in row.get(label, ())
        ],
        {"group": pl.String, "phrase": pl.String, "answer": pl.String, "label": pl.String},
        orient="row",
    )
    verdicts = decide_by_rules(
        pairs.select(
            pl.concat_list(pl.struct(tag=pl.lit("Format"), text=pl.col("phrase")))
        ).to_series(),
        pairs.select(pl.col("answer").reshape((-1, 1)).arr.to_list()).to_series(),
    )
    return pairs.with_columns(
        verdicts.list.first().struct.field("verdict"), verdicts.list.first().struct.field("rule")
    )


def test_no_verdict_of_rules_is_another_than_a_readers(decided: pl.DataFrame) -> None:
    said = decided.filter(pl.col("verdict") != "unknown")
    assert said.filter(pl.col("verdict") != pl.col("label")).rows() == []


def test_half_of_what_a_reader_decides_rules_decide(decided: pl.DataFrame) -> None:
    clear = decided.filter(pl.col("label") != "open", pl.col("group") == "phrases")
    assert (clear["verdict"] != "unknown").mean() >= 0.5
