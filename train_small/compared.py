"""Scores of all subjects and differences of those that are compared, of each seed and over all."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import held_out
import judged
import polars as pl
from subjects import of_seed

from sysgen_dagster.evaluation.scores import compare_items, score_items
from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition

# The student that is compared, and with whom: the base, and the other students of its seed.
STUDENT, BASE, OTHERS = "sysgen", "base_without_persona", ("no_system_message", "original_answer")
# Of measures that are no suite of the pipeline.
_SCORED: Mapping[str, Callable[[pl.DataFrame, str], pl.DataFrame]] = {
    held_out.NAME: held_out.score,
    judged.NAME: judged.score,
}

Items = Mapping[str, pl.DataFrame]  # by subject
Measured = Mapping[str, Items]  # by suite
Row = dict[str, Any]


def score_all(store: Store, measured: Measured) -> Iterator[Row]:
    """The scores of each suite and subject; of suites as they are stored."""
    by_name = {suite.name: suite for suite in SUITES}
    for suite, items in measured.items():
        for name, each in items.items():
            scores = (
                store.read(by_name[suite].scores, Partition(subject=name))
                if suite in by_name
                else _SCORED[suite](each, name)
            )
            yield from ({"suite": suite, **row} for row in scores.to_dicts())


def compare_all(measured: Measured) -> Iterator[Row]:
    """Paired differences of each suite."""
    for suite, items in measured.items():
        for first, second in find_pairs(items):
            named = {"suite": suite, "from": first, "of_subject": second}
            rows = compare_items(items[first], items[second]).to_dicts()
            yield from ({**named, **row} for row in rows)


def find_pairs(subjects: Container[str]) -> Iterator[tuple[str, str]]:
    """The subjects that a student is compared with, and it: those of each seed with each other."""
    for seed in range(count_seeds(subjects)):
        others = (BASE, *(of_seed(name, seed) for name in OTHERS))
        yield from ((first, of_seed(STUDENT, seed)) for first in others if first in subjects)


def count_seeds(subjects: Container[str]) -> int:
    """How many trainings of the student are among these."""
    return next(seed for seed in count() if of_seed(STUDENT, seed) not in subjects)


def score_over_seeds(measured: Measured, scores: Sequence[Row]) -> Iterator[Row]:
    """Of each student the mean over the items of all its seeds, and what each seed has.

    An item is drawn with all its seeds, so that the interval is one of items: for these trainings.
    """
    of_seeds = {_named(row, "subject"): row["score"] for row in scores}
    for suite, items in measured.items():
        seeds = range(count_seeds(items))
        for name in (STUDENT, *OTHERS):
            together = _together([items[of_seed(name, seed)] for seed in seeds])
            for row in score_items(together, subject=name, protocol="all seeds").to_dicts():
                each = [(suite, row["metric"], row["of"], of_seed(name, seed)) for seed in seeds]
                yield {"suite": suite, **row, "seeds": [of_seeds.get(key) for key in each]}


def compare_over_seeds(measured: Measured, differences: Sequence[Row]) -> Iterator[Row]:
    """The same of paired differences: those of a seed's items, over all seeds."""
    of_seeds = {_named(row, "from", "of_subject"): row["difference"] for row in differences}
    for suite, items in measured.items():
        seeds = range(count_seeds(items))
        for first in (BASE, *OTHERS):
            pairs = [
                (first if first == BASE else of_seed(first, seed), of_seed(STUDENT, seed))
                for seed in seeds
            ]
            firsts, seconds = ([items[name] for name in side] for side in zip(*pairs, strict=True))
            both = compare_items(_together(firsts), _together(seconds))
            for row in both.to_dicts():
                values = [of_seeds.get((suite, row["metric"], row["of"], *pair)) for pair in pairs]
                named = {"suite": suite, "from": first, "of_subject": STUDENT}
                yield {**named, **row, "seeds": values}


def _together(of_seeds: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Items of all seeds, each of its own, which are drawn as one where they are one."""
    numbered = enumerate(of_seeds)
    return pl.concat(
        items.with_columns(item=pl.col("item") + f"/{seed}") for seed, items in numbered
    )


def _named(row: Row, *subjects: str) -> tuple[str, ...]:
    return (row["suite"], row["metric"], row["of"], *(row[name] for name in subjects))
