"""Right verdicts on pairs of final answers, and CPU seconds: ours beside the library math-verify.

    pip install math-verify==0.9.0      # in an environment of its own; about 90 MB
    python performance/final_answers.py [--rows rows.jsonl]

The pairs are those of the tests (`test_quantities.py`, `test_maths_notation.py`,
`test_single_answers.py`): two answers and whether they are equal. The library is given them in
three ways to mark a formula. A line of --rows has ``answer``, ``new_answer`` and
``new_answer_is_right``, by reading: whole answers, in which the final ones have to be found first.
Lines without a verdict are passed over.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import polars as pl
from rich.console import Console

from sysgen_dagster.obedience.final_answers import compare_final_answers
from sysgen_dagster.obedience.single_answers import read_answer

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from sysgen_dagster_tests.obedience import (  # noqa: E402
    test_maths_notation,
    test_quantities,
    test_single_answers,
)


class Pair(NamedTuple):
    """Two answers, and whether they are the same."""

    one: str
    other: str
    same: bool


Verdict = Callable[[Pair], bool | None]  # None: an answer was not found


def main() -> None:
    """Print a line for each way to compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=Path, help="JSON Lines of whole answers")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # the library logs each answer that it cannot read
    console = Console()
    has_library = find_spec("math_verify") is not None
    console.print("pairs of single answers")
    pairs = read_pairs()
    show(console, "ours", pairs, compare_single)
    if has_library:
        for mark in ("{}", "${}$", r"\boxed{{{}}}"):
            show(console, f"math-verify, {mark.format('...')}", pairs, by_library(mark))
    if options.rows:
        console.print("whole answers")
        whole = read_rows(options.rows)
        show(console, "ours", whole, compare_whole)
        if has_library:
            show(console, "math-verify", whole, by_library("{}"))
    if not has_library:
        console.print("math-verify is not installed")


def read_pairs() -> list[Pair]:
    """Those of the tests."""
    pairs = []
    for tests in (test_quantities, test_maths_notation, test_single_answers):
        for same, listed in ((True, tests.SAME), (False, tests.DIFFERENT)):
            pairs += [Pair(one, other, same) for _, one, other in listed]
    return pairs


def read_rows(file: Path) -> list[Pair]:
    """The original and the new answer of each line that has a verdict."""
    rows = map(json.loads, file.read_text().splitlines())
    named = "answer", "new_answer", "new_answer_is_right"
    pairs = [Pair(*map(row.get, named)) for row in rows]
    return [pair for pair in pairs if pair.same is not None]


def compare_single(pair: Pair) -> bool | None:
    """Whether two answers are equal."""
    one, other = read_answer(pair.one), read_answer(pair.other)
    return one.equals(other) if one and other else None


def compare_whole(pair: Pair) -> bool | None:
    """Whether two texts end in the same answer."""
    compared = compare_final_answers(pl.Series([pair.one]), pl.Series([pair.other]))
    same: bool | None = compared["final_answer_same"][0]
    return same


def by_library(mark: str) -> Verdict:
    """What the library says of answers that are marked so."""
    from math_verify import parse, verify  # type: ignore[import-not-found]

    parse("$1$")  # what it loads when it is first used is not counted

    def compare(pair: Pair) -> bool | None:
        one, other = (parse(mark.format(text)) for text in (pair.one, pair.other))
        return bool(verify(one, other)) if one and other else None

    return compare


def show(console: Console, name: str, pairs: Sequence[Pair], compare: Verdict) -> None:
    """Print how many verdicts are right, what is unread, and the CPU time."""
    begin = time.process_time()
    found = [compare(pair) for pair in pairs]
    seconds = time.process_time() - begin
    right = sum(said == pair.same for said, pair in zip(found, pairs, strict=True))
    unread = found.count(None)
    text = f"  {name}: {right} of {len(pairs)} right, {unread} unread, {seconds:.3f} s"
    console.print(text, markup=False, highlight=False)


if __name__ == "__main__":
    main()
