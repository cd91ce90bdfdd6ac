"""Verdicts of rules on what somebody wrote and labelled who had not seen the rules.

`blind_phrases.jsonl` has 202 phrases as models write them in system messages, with 376 answers, and
`blind_results.jsonl` 150 pairs of an original and a new answer. One reader, a language model, wrote
and labelled them on one day without a look at the rules or their data; decision records 41 and 48
say what was wrong when they were first measured. What was wrong has been mended since, so they tell
now whether that stays so.
"""

import json
from pathlib import Path

import polars as pl

from sysgen_dagster.obedience.by_rules import decide_by_rules
from sysgen_dagster.obedience.contradictions import compare_results

LEAST_DECIDED, LEAST_TOLD = 100, 44
HERE = Path(__file__).parent
PHRASE = pl.List(pl.Struct({"tag": pl.String, "text": pl.String}))


def read(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (HERE / name).read_text("utf-8").splitlines()]


def test_rules_decide_as_somebody_labelled_who_had_not_seen_them() -> None:
    items = read("blind_phrases.jsonl")
    asked = pl.Series([[{"tag": "Format", "text": item["phrase"]}] for item in items], dtype=PHRASE)
    verdicts = decide_by_rules(asked, pl.Series([[item["answer"]] for item in items]))
    decided = [
        (item, verdict["verdict"])
        for item, [verdict] in zip(items, verdicts, strict=True)
        if verdict["verdict"] != "unknown"
    ]

    assert [item for item, verdict in decided if verdict != item["label"]] == []
    assert len(decided) >= LEAST_DECIDED


def test_results_contradict_only_where_somebody_labelled_so_who_had_not_seen_the_rules() -> None:
    items = read("blind_results.jsonl")
    compared = compare_results(
        pl.Series([item["original"] for item in items]), pl.Series([item["new"] for item in items])
    )
    told = list(zip(items, compared["result"], strict=True))

    contradict = [item for item, result in told if result == "contradicts"]
    assert [item for item in contradict if item["label"] != "different"] == []
    assert len(contradict) >= LEAST_TOLD
    same = [item for item, result in told if result == "same"]
    assert [item for item in same if item["label"] == "different"] == []
