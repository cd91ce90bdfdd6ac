"""The rows that are taken of larger files: short ones, drawn by the hash of their place.

Who carries the rows, at which commit and under which licence, stands here too: it goes with every
row that is made of them.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl


@dataclass(frozen=True, slots=True)
class Cut:
    """What is taken of the rows of one source.

    Attributes:
        rows: How many.
        longest: Characters of a row as JSON, so that a small model on a CPU is done in hours.
        license: Of the rows, as their publishers state it.
        carriers: The repositories on GitHub that the file's rows are copied from, with the commit.
    """

    rows: int
    longest: int
    license: str
    carriers: tuple[str, ...]


CUTS: Mapping[str, Cut] = {
    "airoboros": Cut(
        *(90, 1_500, "MIT (GPTeacher), Apache-2.0 (LLaMA-Factory)"),
        ("teknium1/GPTeacher@4810751", "hiyouga/LLaMA-Factory@ff6d4d1"),
    ),
    "orca_math": Cut(110, 900, "MIT", ("openai/grade-school-math@3101c7d",)),
    "magicoder": Cut(
        *(70, 2_000, "MIT or Apache-2.0 upstream"),
        (
            *("liuxsh9/sft-label@2ee96ae", "brucechen-ux/qwen36-moe-4gpu-posttrain-opt@a3cc753"),
            "nickrosh/evol-teacher@d8ab456",
        ),
    ),
    "metamath": Cut(110, 1_000, "MIT upstream", ("joony74/atoll_project@d00fa27",)),
    "capybara": Cut(30, 3_500, "Apache-2.0", ("hiyouga/LLaMA-Factory@ff6d4d1",)),
}


def cut_rows(
    source: str, folder: Path, target: Path, without: Collection[int] = frozenset()
) -> list[int]:
    """The places, in the file of a source, of the rows that `target` holds from now on.

    Args:
        source: One of `CUTS`.
        folder: Holds ``<source>.parquet``.
        target: Is left as it is where it holds them already, so that what was made of it stays.
        without: Places of rows that are not taken.
    """
    cut, rows = CUTS[source], pl.read_parquet(folder / f"{source}.parquet")
    lengths = map(_length, rows.iter_rows(named=True))
    short = [
        place
        for place, length in enumerate(lengths)
        if length <= cut.longest and place not in without
    ]
    short.sort(key=lambda place: hashlib.sha256(f"{source}-{place}".encode()).hexdigest())
    places = sorted(short[: cut.rows])
    taken = rows[places]
    if not target.is_file() or not pl.read_parquet(target).equals(taken):
        target.parent.mkdir(parents=True, exist_ok=True)
        taken.write_parquet(target)
    return places


def _length(row: Mapping[str, object]) -> int:
    return len(json.dumps(row, default=str, ensure_ascii=False))
