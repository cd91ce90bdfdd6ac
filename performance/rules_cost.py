"""What `obedience` costs without a judge: CPU time a row, and memory.

    python performance/rules_cost.py
    python performance/rules_cost.py --rows rows.jsonl

A line of the file has ``annotated_message``, the tagged message that a model wrote, ``question``
and ``new_answer``. Rows are taken again and again up to --count. Rules once with what was read of a
phrase remembered, as in a run, and once with every phrase read anew, which is the most it can cost;
then what the table needs beside them.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
from rich.console import Console

from sysgen_dagster.lanes.sysgen.refusals import may_refuse
from sysgen_dagster.lanes.sysgen.tags import parse_tagged_message
from sysgen_dagster.obedience import recognition
from sysgen_dagster.obedience.by_rules import decide_by_rules
from sysgen_dagster.obedience.phrase_judgement import build_obedience

_ROWS = Path(__file__).parents[1] / "real_rows" / "rows.jsonl"


def main() -> None:
    """Print the milliseconds of CPU time a row, and the CPU seconds and the memory of all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=Path, default=_ROWS, help="JSON Lines")
    parser.add_argument("--count", type=int, default=80_000)
    options = parser.parse_args()
    lines = [json.loads(line) for line in options.rows.read_text().splitlines()]
    rows = _repeat(
        pl.DataFrame(_read(line) for line in lines if line.get("new_answer")), options.count
    )
    print_line = Console().print
    asked, given = rows["phrases"], rows["new_answer"].reshape((-1, 1)).arr.to_list()
    remembered = _milliseconds(lambda: decide_by_rules(asked, given), options.count)
    print_line(f"{remembered:.3f} ms a row, phrases that were seen before are remembered")
    answered = rows.with_columns(
        conversation_id=pl.format("c-{}", pl.int_range(pl.len())),
        source=pl.lit("real"),
        phrases=decide_by_rules(asked, given),
    )
    may_decline = may_refuse(pl.col("new_answer"), pl.col("question"))
    table = _milliseconds(
        lambda: build_obedience(answered.with_columns(may_decline=may_decline)), options.count
    )
    print_line(f"{table:.3f} ms a row for refusals and the table")
    every = (remembered + table) * options.count / 1000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print_line(f"{options.count:,} rows: {every:.0f} CPU s, {peak:,.0f} MB")
    recognition.recognize = recognition.recognize.__wrapped__  # type: ignore[assignment]
    anew = _milliseconds(
        lambda: [recognition.recognize(text) for text in asked.explode().struct["text"]],
        options.count,
    )
    print_line(f"{anew:.3f} ms a row more where no phrase was seen before")


def _read(line: dict[str, str]) -> dict[str, object]:
    parsed = parse_tagged_message(line["annotated_message"]).phrases
    phrases = [{"tag": phrase.tag.value, "text": phrase.text} for phrase in parsed]
    return {"phrases": phrases, "question": line["question"], "new_answer": line["new_answer"]}


def _repeat(rows: pl.DataFrame, count: int) -> pl.DataFrame:
    """So many rows, again and again: as columns, since lists would cost more than the rules do."""
    return pl.concat([rows] * -(-count // rows.height)).head(count)


def _milliseconds(part: Callable[[], object], count: int) -> float:
    begin = time.process_time()
    part()
    return 1000 * (time.process_time() - begin) / count


if __name__ == "__main__":
    main()
