"""Shows on a small model what the real rows of this repository teach: `make proof`.

    python train_small/prove.py --weights FOLDER --data WORK [--s-ifeval FILE] [--judge FILE.gguf]

Made one after the other under WORK, each of which a second run finds done: the trainings of
`catalog.yaml`; how likely held-out answers are to each subject under their own and under another
message; what each subject answers to S-IFEval, where its file is there, and to our conflict set;
where a judge is named, what it says of each subject's answers under held-out messages. Then
WORK/proof has the results (`results.json`), a page and its picture. After a kill the same command
goes on: a training from its last saved state, the rest after the last chat or answer.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import held_out
import judged
import polars as pl
from compared import compare_all, compare_over_seeds, count_seeds, score_all, score_over_seeds
from expected import expect
from held_out import ProofError, measure_likelihoods
from judged import Judging, with_judge
from page import write_page
from rich.console import Console
from subjects import Base, find_weights, with_seeds, with_subjects
from train import HERE, ROWS, with_own_paths, write_exports

from sysgen_dagster.commands.backfill import run_partitions
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.engines import show_engines
from sysgen_dagster.commands.printing import say
from sysgen_dagster.commands.train import folder_of, train
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.storage.store import Store
from sysgen_dagster.students.folders import DATA
from sysgen_dagster.students.metrics import read_status
from sysgen_dagster.students.tables import TRAINED_STUDENTS
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.export.manifest import compute_data_checksum, read_manifest

COMMAND = "make proof"
MEASURED = ("s_ifeval", "conflict_set")  # suites, in the order in which they are asked
_ITEMS = 60  # of S-IFEval: a subset, as five subjects answer it on two cores
_JUDGED_ROWS = 20  # of 34, as a judge takes longer for one than a subject for ten


def main() -> int:
    """0 when everything is made."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--weights", type=Path, required=True, help="the base model, as a folder")
    parser.add_argument("--data", type=Path, required=True, help="everything is stored here")
    parser.add_argument(
        "--s-ifeval", type=Path, help="a copy of S-IFEval; without it: not measured"
    )
    parser.add_argument("--items", type=int, default=_ITEMS, help="of it (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=1, help="each training so often (default: 1)")
    parser.add_argument("--judge", type=Path, help="a GGUF file; without it: nothing is judged")
    parser.add_argument(
        "--judged-rows", type=int, default=_JUDGED_ROWS, help="of each (default: %(default)s)"
    )
    options = parser.parse_args()
    console, data = Console(width=120), options.data.absolute()
    base = Base(options.weights.absolute(), data)
    written = with_own_paths(load_catalog(HERE / "catalog.yaml"), base.weights)
    with_files = with_subjects(written, base, options.s_ifeval, options.items)
    catalog = with_seeds(with_files, options.seeds)
    judging = options.judge and Judging(options.judge.absolute(), options.judged_rows)
    if judging:
        catalog = with_judge(catalog, judging.file)
    say(console, expect(catalog, judging))
    store = begin_deployment(catalog, data)
    prove(console, store, catalog, base, judging)
    return 0


def prove(
    console: Console, store: Store, catalog: Catalog, base: Base, judging: Judging | None
) -> None:
    """Make every stage that is not made, and the page.

    Raises:
        ProofError: A stage has failed.
    """
    folder = Path(str(store.root)) / "proof"
    folder.mkdir(exist_ok=True)
    say(console, "trainings:")
    make_trainings(console, store, catalog)
    with _timed(console, folder, held_out.NAME):
        measured = {held_out.NAME: measure_likelihoods(console, store, catalog, base)}
    for suite in (each for name in MEASURED for each in SUITES if each.name == name):
        if fault := read_benchmark(console, suite):
            say(console, f"{suite.title} is left out, as its items cannot be had: {fault}")
            continue
        with _timed(console, folder, suite.name):
            base.convert(lambda line: say(console, line))
            ask_subjects(console, catalog, suite)
            measured[suite.name] = read_items(store, catalog, suite)
    of_judge = {}
    if judging:
        with _timed(console, folder, judged.NAME):
            base.convert(lambda line: say(console, line))
            graded = grade(console, store, catalog, judging.rows)
            measured[judged.NAME] = {
                name: judged.build_items(rows) for name, rows in graded.items()
            }
            of_judge = {"judge": judged.describe(judging.file, graded)}
    show_engines(console, str(store.root), end=True)
    scores, differences = list(score_all(store, measured)), list(compare_all(measured))
    results = {
        "made": describe(store, catalog, base, _read_seconds(folder)) | of_judge,
        "scores": scores,
        "differences": differences,
    }
    if count_seeds(catalog.subjects) > 1:
        results |= {
            "scores_over_seeds": list(score_over_seeds(measured, scores)),
            "differences_over_seeds": list(compare_over_seeds(measured, differences)),
        }
    write_page(folder, results)
    say(console, f"The results, a page and its picture are in {folder}")


@contextmanager
def _timed(console: Console, folder: Path, stage: str) -> Iterator[None]:
    """Adds the seconds of a stage to what earlier runs took for it, also where it fails."""
    began = time.monotonic()
    say(console, f"{stage}:")
    try:
        yield
    finally:
        seconds = _read_seconds(folder)
        seconds[stage] = round(seconds.get(stage, 0) + time.monotonic() - began)
        (folder / _SECONDS).write_text(json.dumps(seconds), encoding="utf-8")


_SECONDS = "seconds.json"


def _read_seconds(folder: Path) -> dict[str, float]:
    file = folder / _SECONDS
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def make_trainings(console: Console, store: Store, catalog: Catalog) -> None:
    """Make those that are not made.

    Raises:
        ProofError: One has failed, or was ended, or was made of other rows than there are now.
    """
    write_exports(store, catalog)
    for name, training in catalog.trainings.items():
        if store.holds(TRAINED_STUDENTS, Partition(training=name)):
            folder = folder_of(store, name)
            learned = read_manifest(folder / DATA)
            now = read_manifest(store.export(training.mixture))
            if compute_data_checksum(learned) != compute_data_checksum(now):
                raise ProofError(
                    f"the training {name} was made of other rows than {ROWS} has now: delete "
                    f"{folder}, and the same command makes it anew"
                )
            continue
        if train(console, str(store.root), name):
            raise ProofError(f"the training {name} was not made: the same command goes on with it")


def read_benchmark(console: Console, suite: Suite) -> str | None:
    """What went wrong where the items of a suite are not at hand; None: they are stored."""
    from sysgen_dagster.defs.plumbing.partitions import asset_key

    assert suite.items is not None
    runs = run_partitions(console, [(f"{suite.name} items", [asset_key(suite.items)], None)])
    return runs.errors[0] if runs.errors else None


def ask_subjects(console: Console, catalog: Catalog, suite: Suite) -> None:
    """Make the tables of a suite for every subject; answers that are known are not asked again.

    Raises:
        ProofError: One of them was not made.
    """
    from sysgen_dagster.defs.plumbing.partitions import asset_key

    of_subject = [table for table in (suite.answers, suite.gradings, suite.scores) if table]
    keys = [asset_key(table) for table in of_subject]
    work = [(f"{suite.name} {name}", keys, name) for name in catalog.subjects]
    runs = run_partitions(console, work, show_engines=True)
    if runs.errors:
        raise ProofError(f"{suite.title}: {runs.errors[0]}; the same command goes on with it")


def grade(
    console: Console, store: Store, catalog: Catalog, most: int
) -> Mapping[str, pl.DataFrame]:
    """What `judged.grade_subjects` returns, by the servers of the deployment."""
    from sysgen_dagster.definitions import defs

    engines = (defs.resources or {})["models"].engines()
    return judged.grade_subjects(console, store, catalog, engines, most)


def read_items(store: Store, catalog: Catalog, suite: Suite) -> Mapping[str, pl.DataFrame]:
    """The items of each subject."""
    return {
        name: suite.build_items(store.read(suite.gradings, Partition(subject=name)))
        for name in catalog.subjects
    }


def describe(
    store: Store, catalog: Catalog, base: Base, seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Where the results come from."""
    statuses = {name: read_status(folder_of(store, name)) for name in catalog.trainings}
    made = {name: status for name, status in statuses.items() if status}
    weights = {
        f"weights of {name}": find_weights(store, catalog, each, base)[1]
        for name, each in catalog.subjects.items()
    }
    bench = catalog.evaluation.s_ifeval
    files = {ROWS.name: ROWS} | ({"S-IFEval": bench.path} if bench and bench.path else {})
    return {
        "on": datetime.now(UTC).strftime("%d %B %Y"),
        "command": COMMAND,
        "cores": len(os.sched_getaffinity(0)),
        "seconds": {"trainings": round(sum(each.seconds for each in made.values())), **seconds},
        "seeds": {name: each.seed for name, each in catalog.trainings.items()},
        "versions": {
            "sysgen-dagster": version("sysgen-dagster"),
            **{name: value for each in made.values() for name, value in each.versions.items()},
        },
        "sha256": weights
        | {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()},
    }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SysgenError as error:
        sys.exit(f"{error}")
