"""The bench as a file: what reads the published bench reads it, and finds the same items."""

import json
from pathlib import Path

from sysgen_dagster.catalog.evaluation import MultifacetedBench
from sysgen_dagster.evaluation.multifacet.columns import keep_sources
from sysgen_dagster.evaluation.multifacet.items import list_items, read_items
from sysgen_dagster.lanes.multifaceted.bench.layout import write_lines
from sysgen_dagster_tests.review.bench_frames import BENCH, REFERENCES


def test_the_file_is_read_back_as_the_items_of_the_table(tmp_path: Path) -> None:
    file = tmp_path / "bench.jsonl"
    file.write_text(write_lines(BENCH, REFERENCES), encoding="utf-8")
    read = read_items(MultifacetedBench(path=file), tmp_path / "cache", assign=keep_sources)

    assert read.equals(list_items(BENCH, MultifacetedBench(), keep_sources))
    assert read.height == 5


def test_a_line_has_the_columns_of_the_published_file() -> None:
    line = json.loads(write_lines(BENCH, REFERENCES).splitlines()[0])

    assert [*line] == [
        *("source", "system", "prompt", "reference_answer", "preference_set", "rubrics")
    ]
    assert [*line["rubrics"][0]] == ["criteria", "score_descriptions"]
    assert line["preference_set"][0]["preference"] == "short and plain"


def test_line_breaks_of_all_kinds_stay_in_their_line() -> None:
    bench = BENCH.with_columns(prompt=BENCH["prompt"] + "\n\u2028\r=")

    assert write_lines(bench, REFERENCES).count("\n") == 5
