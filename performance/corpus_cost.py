"""What the analyses over a whole corpus cost: wall time, processor time and peak memory.

The texts are made up, the same ones every time: as many words as the five sources' have (paper,
Table 9; the spread is that of real rows), drawn by Zipf's law, with copies planted. Each analysis
runs in a process of its own, on frames of 8,000 rows that it reads from Parquet; reading counts.

    python performance/corpus_cost.py --rows 80000 --rows 806796
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from sysgen_dagster.analysis.contamination import find_contamination, index_items
from sysgen_dagster.analysis.diversity import measure_message_diversity
from sysgen_dagster.analysis.near_duplicates import LEAST_SIMILARITY, SHINGLE_WORDS, NearDuplicates

SHARD_ROWS = 8_000
# Rows, mean characters of question and answer (paper, Table 9), and their spread on real rows: the
# standard deviation of the logarithm.
SOURCES = {
    "capybara": (41_301, (300.24, 0.7), (1423.28, 1.2)),
    "airoboros": (59_277, (507.26, 0.4), (1110.62, 0.5)),
    "orcamath": (200_035, (238.87, 0.4), (878.43, 0.5)),
    "magicoder": (111_183, (652.53, 0.9), (1552.41, 1.0)),
    "metamath": (395_000, (213.53, 0.7), (498.24, 0.6)),
}
ALL_ROWS = sum(rows for rows, _, _ in SOURCES.values())
MESSAGE_LENGTH = (500.0, 0.4)
WORD_CHARACTERS = 5.8  # with the blank and signs after it, on real rows
VOCABULARY = 50_000
# MetaMath has 26 rewritings of each of 15,000 questions; elsewhere every twentieth is a copy.
REWRITINGS, MOST_REWRITTEN = 26, 0.4
COPY_EVERY, MOST_CHANGED = 20, 0.2
EQUAL_MESSAGES = 8  # one message in so many is the same one
ITEMS, OF_A_BENCHMARK, PLANTED_ITEMS = 60_000, 10_000, 300

_WIDTH = 100  # of the table

Figures = dict[str, float]


def uniform(number: pl.Expr, seed: int) -> pl.Expr:
    """A number in [0, 1) that depends on `number` and `seed` alone."""
    return number.hash(seed) / 2.0**64


def make_texts(rows: pl.DataFrame, length: tuple[float, float], seed: int) -> pl.Series:
    """A text per row, of the words of its ``family``; ``changed`` is the share of its own words."""
    mean, deviation = length
    turn = 2 * math.pi * uniform(pl.col("family"), seed)
    normal = (-2 * (1 - uniform(pl.col("family"), seed + 1)).log()).sqrt() * turn.cos()
    characters = (math.log(mean) - deviation**2 / 2 + deviation * normal).exp()
    placed = rows.select(
        *("row", "family", "changed"),
        place=pl.int_ranges((characters / WORD_CHARACTERS).ceil().cast(pl.Int64)),
    ).explode("place")
    own, shared = (pl.col(name) * 2**20 + pl.col("place") for name in ("row", "family"))
    drawn = pl.when(uniform(own, seed + 2) < pl.col("changed")).then(own + 2**62).otherwise(shared)
    rank = (uniform(drawn, seed + 3) * math.log(VOCABULARY)).exp().cast(pl.Int64)
    texts = placed.select("row", word=pl.format("wo{}", rank)).group_by("row", maintain_order=True)
    return texts.agg(pl.col("word").str.join(" "))["word"]


def make_shards(rows: int, folder: Path) -> None:
    """Parquet files of made-up conversations with their system messages."""
    first = 0
    for source, (of_all, question, answer) in SOURCES.items():
        last = first + round(of_all * rows / ALL_ROWS)
        for start in range(first, last, SHARD_ROWS):
            row = pl.int_range(start, min(start + SHARD_ROWS, last), eager=True).to_frame("row")
            shard = make_shard(row, source, question, answer)
            shard.write_parquet(folder / f"{start:09}.parquet")
        first = last


def make_shard(
    row: pl.DataFrame, source: str, question: tuple[float, float], answer: tuple[float, float]
) -> pl.DataFrame:
    """One shard of conversations, some of them rewritings of one another."""
    number = pl.col("row")
    rewriting = source == "metamath"
    copied = (number % COPY_EVERY == 1).cast(pl.Int64)
    family = number - number % REWRITINGS if rewriting else number - copied
    asked = row.with_columns(
        family=family,
        changed=(MOST_REWRITTEN if rewriting else MOST_CHANGED) * uniform(number, 1),
    )
    single = row.with_columns(family=number, changed=pl.lit(0.0))
    told = single.with_columns(
        family=pl.when(number % EQUAL_MESSAGES == 0).then(0).otherwise("family")
    )
    return asked.select(
        "family",
        conversation_id=pl.format("{}-{}", pl.lit(source), "row"),
        source=pl.lit(source),
        question=make_texts(asked, question, 10),
        answer=make_texts(single, answer, 20),
        system_message=make_texts(told, MESSAGE_LENGTH, 30),
    )


def make_items(folder: Path) -> pl.DataFrame:
    """Items of six benchmarks, the first of which are questions of the corpus."""
    row = pl.int_range(ITEMS, eager=True).to_frame("row").with_columns(family="row")
    texts = make_texts(row.with_columns(changed=pl.lit(0.0)), SOURCES["airoboros"][1], 40)
    planted = next(read_shards(folder, "question"))["question"].head(PLANTED_ITEMS)
    return pl.DataFrame({"text": pl.concat([planted, texts[len(planted) :]])}).select(
        "text",
        benchmark=pl.format("benchmark {}", pl.int_range(pl.len()) // OF_A_BENCHMARK),
        item=pl.int_range(pl.len(), dtype=pl.UInt32),
    )


def read_shards(folder: Path, *columns: str) -> Iterator[pl.DataFrame]:
    """The shards in their order, these columns of them."""
    for file in sorted(folder.glob("*.parquet")):
        yield pl.read_parquet(file, columns=[*columns])


def try_questions(folder: Path) -> Figures:
    """Near-duplicates among the questions, and how many of the planted ones were missed."""
    clusters = find_near_duplicates(folder, "question")
    together = dict(clusters.select("conversation_id", "cluster").iter_rows())
    similar = list(planted_pairs(folder))
    missed = [pair for pair in similar if together.get(pair[0]) != together.get(pair[1], "")]
    return {"found": clusters.height, "planted": len(similar), "missed": len(missed)}


def try_messages(folder: Path) -> Figures:
    """Near-duplicates among the system messages, many of which are equal."""
    return {"found": find_near_duplicates(folder, "system_message").height}


def find_near_duplicates(folder: Path, text: str) -> pl.DataFrame:
    """The clusters of one column."""
    found = NearDuplicates()
    for shard in read_shards(folder, "conversation_id", "source", text):
        found.add(shard.rename({text: "text"}))
    return found.clusters()


def planted_pairs(folder: Path) -> Iterator[tuple[str, str]]:
    """Neighbouring questions of one family of the last shard that are similar, by Python's sets."""
    *_, shard = read_shards(folder, "conversation_id", "family", "question")
    for (first, family, text), (second, other, other_text) in pairwise(shard.iter_rows()):
        if family == other:
            one, two = (
                {tuple(words[i : i + SHINGLE_WORDS]) for i in range(len(words) - SHINGLE_WORDS + 1)}
                for words in (text.split(), other_text.split())
            )
            if one and two and len(one & two) >= LEAST_SIMILARITY * len(one | two):
                yield first, second


def try_contamination(folder: Path) -> Figures:
    """Conversations that hold an item, and how many of the planted ones were missed."""
    index = index_items(make_items(folder))
    wanted = ("conversation_id", "source", "question", "answer")
    found = pl.concat(find_contamination(index, shard) for shard in read_shards(folder, *wanted))
    whole = found.filter(pl.col("item") < PLANTED_ITEMS, pl.col("overlap") == 1)
    missed = PLANTED_ITEMS - whole["item"].n_unique()
    return {"found": found.height, "planted": PLANTED_ITEMS, "missed": missed}


def try_diversity(folder: Path) -> Figures:
    """The diversity of the system messages."""
    wanted = ("conversation_id", "source", "system_message")
    return {"found": measure_message_diversity(pl.concat(read_shards(folder, *wanted))).height}


TRIALS: dict[str, Callable[[Path], Figures]] = {
    "near-duplicates, questions": try_questions,
    "near-duplicates, messages": try_messages,
    "contamination": try_contamination,
    "diversity": try_diversity,
}


def measure(trial: str, folder: Path) -> Figures:
    """A trial's figures and cost, in a process of its own."""
    command = [sys.executable, __file__, "--trial", trial, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{trial} failed:\n{done.stderr}")
    figures: Figures = json.loads(done.stdout)
    return figures


def run_trial(trial: str, folder: Path) -> Figures:
    """A trial's figures, and what this process used for it."""
    before = time.perf_counter(), time.process_time()
    figures = TRIALS[trial](folder)
    wall, cpu = time.perf_counter() - before[0], time.process_time() - before[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return figures | {"wall_s": wall, "cpu_s": cpu, "peak_mib": peak}


def cost_table(rows: int) -> Table:
    """One row per analysis."""
    table = Table(title=f"{rows:,} rows", title_justify="left")
    for name in ("analysis", "wall s", "CPU s", "peak MiB", "rows found", "planted", "missed"):
        table.add_column(name, justify="left" if name == "analysis" else "right")
    with tempfile.TemporaryDirectory() as folder:
        make_shards(rows, Path(folder))
        for trial in TRIALS:
            figures = measure(trial, Path(folder))
            counts = [figures.get(name) for name in ("found", "planted", "missed")]
            table.add_row(
                trial,
                *(f"{figures[name]:.1f}" for name in ("wall_s", "cpu_s")),
                f"{figures['peak_mib']:,.0f}",
                *("" if count is None else f"{count:,.0f}" for count in counts),
            )
    return table


def main() -> None:
    """Print a table per number of rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, action="append", help="how many conversations")
    parser.add_argument("--trial", choices=TRIALS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.trial:
        sys.stdout.write(json.dumps(run_trial(options.trial, options.folder)))
        return
    console = Console(width=_WIDTH)
    for rows in options.rows or [80_000, ALL_ROWS]:
        load = os.getloadavg()[0]
        console.print(cost_table(rows), f"{os.cpu_count()} cores, load before: {load:.1f}\n")


if __name__ == "__main__":
    main()
