"""What Phase 2 costs: ours beside other ways to the same rows, and beside the least it can cost.

The messages are made up, the same ones every time: three to eight tagged phrases, about 600
characters, 10 % of them malformed in one of five ways. They lie in Parquet files of a shard each.
Every way reads the shards, filters and writes them, in a process of its own, and all results must
be equal. The least is to read the messages, look at every byte once, and write the result, which
is there already.

    python performance/phase2_cost.py --rows 80000 --rounds 3
"""

import argparse
import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from sysgen_dagster.lanes.sysgen.filtering import filter_messages
from sysgen_dagster.lanes.sysgen.settings import DropRule
from sysgen_dagster.lanes.sysgen.tables import FILTERED
from sysgen_dagster.lanes.sysgen.tags import (
    TAG_NAMES,
    parse_tagged_message,
    render_tagged_message,
)

SHARD_ROWS = 8_000
MALFORMED = 0.1
DISTINCT = 20_000  # messages that are made; each row adds its number
SYLLABLES = [first + last for first in "bcdfghklmnprstvw" for last in "aeiou"]
VOCABULARY = 5_000
RULE = DropRule.MALFORMED_BOUNDARY
_WIDTH = 100

Way = Callable[[pl.DataFrame], pl.DataFrame]


def make_message(chance: random.Random, words: list[str]) -> str:
    """One tagged message, malformed now and then."""
    tags = chance.sample(TAG_NAMES, chance.randint(3, 7)) + chance.choices(TAG_NAMES, k=1)
    phrases = [
        f"<<{tag}>>{' '.join(chance.choices(words, k=chance.randint(8, 20)))}."
        f"<<{'/' if chance.random() < 0.8 else ''}{tag}>>"
        for tag in tags
    ]
    text = chance.choice([" ", "\n"]).join(phrases)
    if chance.random() >= MALFORMED:
        return text
    ruins = (
        lambda: text[: len(text) * 2 // 3],  # cut off
        lambda: text.replace(">>", ">", 1),
        lambda: text.replace("<</", "<<//", 1),
        lambda: f"Sure! {text} <<Note>>mine<</Note>>",
        lambda: re.sub(r"<</?\w+>>$", "<</Example>>", text),
    )
    return chance.choice(ruins)()


def make_shards(rows: int, folder: Path) -> None:
    """Parquet files of `SHARD_ROWS` tagged messages."""
    chance = random.Random(0)  # noqa: S311  # the same messages every time
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(VOCABULARY)]
    texts = pl.Series([make_message(chance, words) for _ in range(min(rows, DISTINCT))])
    for start in range(0, rows, SHARD_ROWS):
        row = pl.int_range(start, min(start + SHARD_ROWS, rows), eager=True)
        shard = pl.DataFrame({"row": row, "text": texts.gather(row % len(texts))})
        shard.select(
            conversation_id=pl.format("made-up-{}", "row"),
            source=pl.lit("metamath"),
            # Distinct, as real ones are, and no sign of a tag.
            annotated_message=pl.col("text").str.replace(r"\.", pl.format(" {}.", "row")),
        ).write_parquet(folder / f"{start:09}.parquet", compression="zstd")


def ours(shard: pl.DataFrame) -> pl.DataFrame:
    """Phase 2 as the pipeline runs it."""
    return filter_messages(shard, RULE)


def parse(text: str) -> dict[str, object]:
    """The columns that Phase 2 adds to one message."""
    message = parse_tagged_message(text)
    phrases = sorted(message.phrases, key=lambda phrase: TAG_NAMES.index(phrase.tag))
    malformed = message.has_malformed_boundary
    reason = "malformed_boundary" if malformed else None if phrases else "no_phrase_left"
    return {
        "phrases": [{"tag": phrase.tag.value, "text": phrase.text} for phrase in phrases],
        "tagged_message": None if reason else render_tagged_message(phrases),
        "defects": [{"kind": each.kind.value, "text": each.text} for each in message.defects],
        "has_malformed_boundary": malformed,
        "drop_reason": reason,
    }


def python_re(shard: pl.DataFrame) -> pl.DataFrame:
    """A loop over the rows, with the parser of the pipeline."""
    rows = [
        {"conversation_id": identity, "source": source, **parse(text)}
        for identity, source, text in shard.iter_rows()
    ]
    return pl.DataFrame(rows, schema=FILTERED.schema)


def datasets_map(shard: pl.DataFrame) -> pl.DataFrame:
    """The same parser under `datasets.Dataset.map`, one process, nothing cached."""
    from datasets import Dataset, disable_caching, disable_progress_bars

    disable_caching()
    disable_progress_bars()
    mapped = Dataset(shard.to_arrow()).map(
        lambda row: parse(row["annotated_message"]), remove_columns=["annotated_message"]
    )
    frame = pl.from_arrow(mapped.data.table)
    assert isinstance(frame, pl.DataFrame)
    # Where a batch has no defect or no reason at all, the type is not known to `datasets`.
    return frame.select(pl.col(name).cast(FILTERED.columns[name].dtype) for name in FILTERED.names)


def pass_a_tag(shard: pl.DataFrame) -> pl.DataFrame:
    """Polars as one would write it first: a pattern and a pass for each tag, the rest parsed."""
    phrase = "|".join(f"<<{tag}>>[^<]*[^<\\s][^<]*<</?{tag}>>" for tag in TAG_NAMES)
    whole = pl.col("annotated_message").str.contains(f"^\\s*(?:(?:{phrase})\\s*)+$")
    rows = shard.with_row_index("row")
    good, rest = rows.filter(whole), rows.filter(~whole)
    of_tags = [
        pl.col("annotated_message")
        .str.extract_all(f"<<{tag}>>[^<]*<</?{tag}>>")
        .list.eval(
            pl.struct(
                tag=pl.lit(tag),
                text=pl.element().str.extract(">>([^<]*)<<").str.strip_chars(),
            )
        )
        for tag in TAG_NAMES
    ]
    lines = pl.col("phrases").list.eval(
        pl.format(
            "<<{}>>{}<</{}>>",
            *(pl.element().struct.field(name) for name in ("tag", "text", "tag")),
        )
    )
    read = good.with_columns(phrases=pl.concat_list(of_tags)).with_columns(
        tagged_message=lines.list.join("\n"),
        defects=pl.lit([], dtype=FILTERED.columns["defects"].dtype),
        has_malformed_boundary=False,
        drop_reason=pl.lit(None, pl.String),
    )
    parsed = python_re(rest.drop("row")).with_columns(rest["row"])
    order = ["row", *FILTERED.names]
    return pl.concat([read.select(order), parsed.select(order)]).sort("row").drop("row")


OURS, LEAST = "sysgen-dagster", "read, look, write"
WAYS: dict[str, Way] = {
    OURS: ours,
    "Polars, a pass a tag": pass_a_tag,
    "Python, row by row": python_re,
    "datasets.map": datasets_map,
}


def least(results: Path) -> Way:
    """Every byte is looked at, and what is to be written lies in memory already."""
    files = sorted(results.glob("*.parquet"))
    ready = iter(
        [pl.read_parquet(file) for file in (files[0], *files)]
    )  # the first one twice: `run_way`

    def way(shard: pl.DataFrame) -> pl.DataFrame:
        shard.select(pl.col("annotated_message").str.count_matches("<<", literal=True).sum()).item()
        return next(ready)

    return way


def run_way(name: str, shards: Path, target: Path) -> dict[str, float]:
    """What this process used to filter every shard by one way."""
    way = least(target.parent / OURS) if name == LEAST else WAYS[name]
    way(pl.read_parquet(next(shards.glob("*.parquet"))).head(100))  # imports and first compilations
    wall, cpu = time.perf_counter(), time.process_time()
    for file in sorted(shards.glob("*.parquet")):
        way(pl.read_parquet(file)).write_parquet(target / file.name, compression="zstd")
    used = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    return used | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}


def measure(name: str, shards: Path, target: Path, threads: int) -> dict[str, float]:
    """`run_way` in a process of its own."""
    target.mkdir(exist_ok=True)
    command = [sys.executable, __file__, "--way", name, str(shards), str(target)]
    limit = {"POLARS_MAX_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | limit
    )
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def require_equal(folder: Path) -> None:
    """Ends the program when two ways do not give the same rows."""
    for name in WAYS:
        for file in sorted((folder / OURS).glob("*.parquet")):
            if not pl.read_parquet(folder / name / file.name).equals(pl.read_parquet(file)):
                sys.exit(f"{name} gives other rows than {OURS} in {file.name}")


def spread(values: list[float], digits: int) -> str:
    """The median, and the least and the most."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def table(rows: int, found: dict[str, list[dict[str, float]]]) -> Table:
    """One row per way."""
    shown = Table(title=f"Phase 2 on {rows:,} messages, one thread", title_justify="left")
    for name in ("way", "CPU s", "of the least", "wall s", "rows/s", "peak MB"):
        shown.add_column(name, justify="left" if name == "way" else "right")
    bound = statistics.median(each["cpu_s"] for each in found[LEAST])
    for name, rounds in found.items():
        cpu = [each["cpu_s"] for each in rounds]
        shown.add_row(
            name,
            spread(cpu, 2),
            f"{statistics.median(cpu) / bound:.2f} x",
            spread([each["wall_s"] for each in rounds], 2),
            f"{rows / statistics.median(each['wall_s'] for each in rounds):,.0f}",
            f"{max(each['peak_mb'] for each in rounds):,.0f}",
        )
    return shown


def at_once(shards: Path, folder: Path) -> Iterator[str]:
    """How the rows a second grow when each core filters shards of its own, as runs do."""
    rows = sum(pl.scan_parquet(file).select(pl.len()).collect().item() for file in shards.iterdir())
    alone = None
    for processes in (1, os.cpu_count() or 1):
        started = time.perf_counter()
        running = []
        for number in range(processes):
            target = folder / f"at-once-{number}"
            target.mkdir(exist_ok=True)
            command = [sys.executable, __file__, "--way", OURS, str(shards)]
            limit = {"POLARS_MAX_THREADS": "1"}
            running.append(
                subprocess.Popen(
                    [*command, str(target)], stdout=subprocess.PIPE, env=os.environ | limit
                )
            )
        walls = [json.loads(each.communicate()[0])["wall_s"] for each in running]
        speed = processes * rows / max(walls)
        alone = alone or speed
        yield (
            f"{processes} at once: {speed:,.0f} rows/s, {speed / alone:.2f} x "
            f"({time.perf_counter() - started:.1f} s with starting)"
        )


def main() -> None:
    """Print the table, and what more cores give."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=80_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        name, shards, target = options.way
        sys.stdout.write(json.dumps(run_way(name, Path(shards), Path(target))))
        return
    console = Console(width=_WIDTH)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        folder, shards = Path(place), Path(place) / "shards"
        shards.mkdir()
        make_shards(options.rows, shards)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in (LEAST, *WAYS)}
        measure(OURS, shards, folder / OURS, threads=1)  # what the least writes
        for _ in range(options.rounds):
            for name in found:  # in alternation, so that a busy minute meets all of them
                found[name].append(measure(name, shards, folder / name, threads=1))
        require_equal(folder)
        console.print(table(options.rows, found))
        for line in at_once(shards, folder):
            console.print(line)
    console.print(f"{os.cpu_count()} cores, load before: {load:.1f}, polars {pl.__version__}")


if __name__ == "__main__":
    main()
