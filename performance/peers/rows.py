"""The rows of the benchmark: made-up conversations in real lengths, and Phase 1's prompts for them.

Writes into a folder: ``source.parquet`` (question and answer, for the pipeline), ``rows.jsonl``
(``row`` and ``messages``, one line a request, as `sysgen_dagster` renders them) and
``answers.jsonl`` (``row`` and ``text``: what the server says to it). The same every time.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.annotation import build_annotation_requests
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import read_shard

sys.path.append(str(Path(__file__).parents[1]))
from full_size import HOSTILE_EVERY, make_rows, shards
from zero_cost_server import ECHO, NO_ROW

SOURCE = "orca_math"  # of the catalogue: two columns of text
_SPARE = 1.01  # what takes the place of the rows that are left out
# What 8,192 tokens surely hold beside the instructions; nobody's prompt is shortened.
_MOST_CHARACTERS = 16_000


def make_source(rows: int) -> pl.DataFrame:
    """So many conversations of the five sources' lengths: ``question`` and ``answer``.

    Each question begins with its row. Hostile and overlong conversations are left out: what tools
    do with these is another matter.
    """
    pieces = [make_rows(first, last, source) for source, first, last in shards(int(rows * _SPARE))]
    spoilt = pl.col("row") % HOSTILE_EVERY
    size = pl.col("question").str.len_chars() + pl.col("answer").str.len_chars()
    sound = pl.concat(pieces).filter(~spoilt.is_in([0, 500]), size < _MOST_CHARACTERS)
    return sound.head(rows).select(
        question=pl.format("row-{}: {}", pl.int_range(pl.len()).cast(str).str.zfill(9), "question"),
        answer="answer",
    )


def local_source(path: Path) -> Source:
    """The catalogue's entry for a file of `make_source`, in one shard."""
    local = {"hub": None, "path": path, "shards": 1, "rows": None, "conversations": None}
    return load_catalog(FULL_CATALOG).sources[SOURCE].model_copy(update=local)


def prompts(path: Path) -> Iterator[dict[str, object]]:
    """``row`` and ``messages`` of every request of Phase 1, in order."""
    source = local_source(path)
    conversations = build_conversations(read_shard(source, 0, path.parent), source)
    asked = build_annotation_requests(conversations)
    for question, request in zip(conversations["question"], asked, strict=True):
        yield {"row": row_of(question), "messages": list(request.messages)}


def row_of(question: str) -> str:
    """The row that a question of `make_source` begins with."""
    return question.partition(":")[0]


def main() -> None:
    """Write the three files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "source.parquet"
    make_source(options.rows).write_parquet(path)
    with (
        (options.folder / "rows.jsonl").open("w") as rows,
        (options.folder / "answers.jsonl").open("w") as answers,
    ):
        for prompt in prompts(path):
            rows.write(json.dumps(prompt) + "\n")
            said = {"row": prompt["row"], "text": ECHO.replace(NO_ROW, str(prompt["row"]))}
            answers.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
