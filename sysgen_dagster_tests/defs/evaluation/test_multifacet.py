"""Multifaceted-Bench through Dagster, in runs that are real processes, over simulated models."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import yaml

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.dagster_home import write_settings
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.defs.evaluation.asking import NoJudgeError, open_grader
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.evaluation.multifacet.grading import list_gradings
from sysgen_dagster.evaluation.multifacet.scores import build_items
from sysgen_dagster.evaluation.multifacet.tables import (
    LANE_BENCH,
    MULTIFACET_ANSWERS,
    MULTIFACET_CALIBRATION,
    MULTIFACET_GRADINGS,
    MULTIFACET_ITEMS,
    MULTIFACET_SCORES,
)
from sysgen_dagster.evaluation.scores import compare_items
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.multifaceted.bench.tables import MULTIFACETED_BENCH
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster_tests.evaluation.multifacet.benches import (
    SHARED,
    bench_row,
    labelled_row,
    real_rows,
    write_bench,
)
from sysgen_dagster_tests.evaluation.multifacet.frames import answers_to, items_of, rows_of_lane
from sysgen_dagster_tests.inference.processes import Run, wait_until
from sysgen_dagster_tests.simulated.running_server import Server, running

_MAIN = (
    "import sys; from sysgen_dagster_tests.defs.evaluation.make_multifacet import main; "
    "main(sys.argv[1:])"
)
ITEMS, CALIBRATION = MULTIFACET_ITEMS.name, MULTIFACET_CALIBRATION.name
ANSWERS, GRADINGS, SCORES = (
    table.name for table in (MULTIFACET_ANSWERS, MULTIFACET_GRADINGS, MULTIFACET_SCORES)
)


SUBJECTS = ("owl", "owl-user")
LABELLED = 40


@dataclass
class Deployment:
    """A deployment whose subjects and judge are answered for by one simulated server."""

    data: Path
    url: str
    monkeypatch: pytest.MonkeyPatch
    runs: list[Run] = field(default_factory=list)

    def build(self) -> None:
        """Write catalogue and Dagster home."""
        full = local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS).model_dump(mode="json")
        endpoint = {"served_name": "phi", "base_urls": [f"{self.url}/v1"], "engine": "endpoint"}
        mine = {"path": "instructions.jsonl", "instruction": "prompt"}
        changes = {
            "multifaceted": {"sources": {"mine": mine}, "instructions": 5, "bench": {}},
            "models": {**full["models"], "owl": endpoint},
            "judges": {"hawk": endpoint},
            "subjects": {
                "owl": {"model": "owl"},
                "owl-user": {"model": "owl", "message_in": "user"},
            },
            "evaluation": {
                "judge": "hawk",
                "multifacet": {
                    "path": "bench.jsonl",
                    "calibration": {"path": "labels.jsonl", "items": LABELLED},
                },
            },
        }
        self.data.mkdir(exist_ok=True)
        (self.data / "catalog.yaml").write_text(yaml.safe_dump(full | changes))
        write_settings(self.data / "dagster_home")
        for name, value in {
            "SYSGEN_DATA": self.data,
            "SYSGEN_CATALOG": self.data / "catalog.yaml",
            "DAGSTER_HOME": self.data / "dagster_home",
        }.items():
            self.monkeypatch.setenv(name, str(value))

    def write(self, rows: list[Any]) -> None:
        """The file of the bench, and that of the labels."""
        write_bench(self.data / "bench.jsonl", rows)
        write_bench(self.data / "labels.jsonl", [labelled_row(number) for number in range(60)])

    def begin(self, *wanted: str) -> Run:
        """A run of assets, one after the other."""
        out = self.data / f"run-{len(self.runs)}.txt"
        self.runs.append(Run.of(out, _MAIN, *wanted))
        return self.runs[-1]

    def make(self, *wanted: str) -> list[dict[str, Any]]:
        """What came of each."""
        run = self.begin(*wanted)
        said: list[dict[str, Any]] = json.loads(run.url)
        run.end()
        return said

    def store(self, table: Table, rows: pl.DataFrame, subject: str | None = None) -> None:
        """Store rows as an earlier run did."""
        Store(self.data).write(table, Partition(subject=subject), rows)

    def read(self, table: Table, subject: str | None = None) -> pl.DataFrame:
        """What is stored."""
        return Store(self.data).read(table, Partition(subject=subject))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as it:
        yield it


@pytest.fixture
def deployment(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    it = Deployment(tmp_path / "data", server.url, monkeypatch)
    it.build()
    it.write([bench_row(number) for number in range(9)])
    yield it
    for run in it.runs:
        run.kill()


def test_two_subjects_are_asked_graded_scored_and_compared_by_item(
    deployment: Deployment,
) -> None:
    if SHARED.is_dir():
        deployment.write(real_rows(30))
    wanted = [
        *(ITEMS, CALIBRATION),
        *(f"{name}:{subject}" for subject in SUBJECTS for name in (ANSWERS, GRADINGS, SCORES)),
    ]
    # What was answered is not asked again, so that a second run sends nothing.
    said = deployment.make(*wanted, *wanted)
    items = deployment.read(MULTIFACET_ITEMS)
    every = [deployment.read(MULTIFACET_GRADINGS, subject) for subject in SUBJECTS]
    labelled = deployment.read(MULTIFACET_CALIBRATION)

    assert [each["errors"] for each in said] == [[]] * len(said)
    checks = [(name, passed) for each in said for name, passed in each["checks"].items()]
    assert set(checks) == {
        ("every_item_has_a_column", False),
        ("every_rubric_is_graded_or_dropped", True),
        ("few_rubrics_are_unread", True),
        ("judge_grades_as_people_do", False),
        # Those of every suite.
        ("every_item_is_answered_or_dropped", True),
        ("every_answer_is_graded_or_dropped", True),
        ("every_drop_has_a_known_reason", True),
        ("scores_are_of_all_items", True),
        ("few_items_are_unknown", True),
        ("judge_is_calibrated", False),
        ("nobody_grades_itself", False),  # owl and hawk are names of one model
    }
    first, second = (
        [each["metadata"].get("engine/times_sent") for each in part]
        for part in (said[: len(wanted)], said[len(wanted) :])
    )
    of_subjects = [[items.height, rows["round"].sum(), None] for rows in every]
    sent = [None, labelled["round"].sum(), *chain.from_iterable(of_subjects)]
    assert first == [None if each is None else str(each) for each in sent]
    assert second == [None if each is None else "0" for each in sent]
    assert said[0]["metadata"]["unassigned"] == str(items.height // 9)
    assert "A benchmark of next year" in said[0]["metadata"]["sources"]
    assert labelled.height == LABELLED
    assert labelled["score"].null_count() == 0
    compared = compare_items(*map(build_items, every)).filter(of="total", metric="multifacet")
    assert compared["items"].to_list() == [items.height]
    for subject, gradings in zip(SUBJECTS, every, strict=True):
        require_whole(deployment, subject, items, gradings)


def require_whole(
    deployment: Deployment, subject: str, items: pl.DataFrame, gradings: pl.DataFrame
) -> None:
    """The tables of a subject hold each other and say how was asked."""
    answers = deployment.read(MULTIFACET_ANSWERS, subject)
    scores = deployment.read(MULTIFACET_SCORES, subject)
    total = scores.filter(metric="multifacet", of="total").row(0, named=True)
    fields = json.loads(answers["request_fields"][0])
    unseen = gradings.filter(~pl.col("judge_sees_message"))

    assert answers["item"].to_list() == items["item"].to_list()
    assert set(answers["messages"].list.len()) == {2 if subject == "owl" else 1}
    decoding = {"temperature": 1.0, "top_p": 0.9, "repetition_penalty": 1.03}
    assert decoding.items() <= fields.items()
    assert gradings.height == 8 * items.height
    assert gradings["expected_score"].null_count() == gradings["score"].null_count() == 0
    assert total["items"] + total["dropped"] == items.height
    assert total["score"] == pytest.approx(unseen["score"].mean())
    assert (total["judge"], total["worth"]) == ("hawk", "uncalibrated: 40 of 200 labelled items")
    assert f"system message in: {'system' if subject == 'owl' else 'user'};" in total["protocol"]
    assert "repetition_penalty 1.03" in total["protocol"]


def test_the_lane_s_bench_is_asked_graded_and_scored_under_its_own_name(
    deployment: Deployment,
) -> None:
    made = [table.name for table in LANE_BENCH]
    wanted = [made[0], *(f"{name}:owl" for name in made[1:])]
    [without] = deployment.make(made[0])
    deployment.store(MULTIFACETED_BENCH, rows_of_lane(5, dropped=3))
    said = deployment.make(*wanted)
    scores = deployment.read(LANE_BENCH.scores, "owl")
    total = scores.filter(metric="multifaceted_bench", of="total").row(0, named=True)

    assert "this deployment has no bench: materialize multifaceted/bench" in without["errors"][0]
    assert "`path` of `evaluation.multifaceted_bench`" in without["errors"][0]
    assert [each["errors"] for each in said] == [[]] * len(said)
    assert deployment.read(LANE_BENCH.items)["item"].n_unique() == 5
    assert deployment.read(LANE_BENCH.gradings, "owl").height == 8 * 5
    assert total["items"] + total["dropped"] == 5
    assert total["protocol"].startswith("the second lane's bench; system message in: system;")
    assert {"mean of columns", "koala", "style"} <= {*scores["of"]}
    checks = {name for each in said for name in each["checks"]}
    assert {"every_rubric_is_graded_or_dropped", "few_rubrics_are_unread"} <= checks
    assert "every_item_has_a_column" not in checks


def test_items_that_have_changed_since_are_one_error_until_they_are_asked(
    deployment: Deployment, tmp_path: Path
) -> None:
    items = items_of(tmp_path, number=9)
    before = list_gradings(items, answers_to(items), [False])
    missing = MULTIFACET_GRADINGS.schema.keys() - set(before.columns)
    nulls = [pl.lit(None, MULTIFACET_GRADINGS.schema[name]).alias(name) for name in missing]
    graded = before.with_columns(nulls).with_columns(score=pl.lit(3, pl.UInt32))
    deployment.store(MULTIFACET_ANSWERS, answers_to(items), "owl")
    deployment.store(MULTIFACET_GRADINGS, graded.select(MULTIFACET_GRADINGS.names), "owl")
    rows = [bench_row(number) for number in range(9)]
    deployment.write([*rows[:8], bench_row(8, prompt="What are pears good for?")])
    grade_and_score = (f"{GRADINGS}:owl", f"{SCORES}:owl")
    said = deployment.make(ITEMS, *grade_and_score, f"{ANSWERS}:owl", *grade_and_score)

    [of_gradings], [of_scores] = (each["errors"] for each in said[1:3])
    assert "multifacet_answers breaks a contract for owl" in of_gradings
    assert "materialize the answers again" in of_gradings
    assert "multifacet_gradings breaks a contract for owl" in of_scores
    assert "materialize the gradings again" in of_scores
    assert [each["errors"] for each in said[3:]] == [[], [], []]
    assert deployment.read(MULTIFACET_SCORES, "owl")["items"].max() == 9


def test_without_a_judge_the_error_says_what_to_name() -> None:
    assert CATALOG.evaluation.judge is None
    run: Any = SimpleNamespace(table=MULTIFACET_GRADINGS)

    with pytest.raises(NoJudgeError, match="`judge` under `evaluation` in the catalogue"):
        open_grader(run)


@pytest.fixture
def slow_server() -> Iterator[Server]:
    with running("--latency-ms", "100", "--capacity", "4") as it:
        yield it


@pytest.mark.slow  # two processes, one of which is killed
def test_a_kill_while_gradings_are_made_costs_what_was_in_flight(
    deployment: Deployment, slow_server: Server, tmp_path: Path
) -> None:
    items = items_of(tmp_path, number=9)
    deployment.store(MULTIFACET_ITEMS, items)
    deployment.store(MULTIFACET_ANSWERS, answers_to(items), "owl")
    deployment.url = slow_server.url
    deployment.build()
    run = deployment.begin(f"{GRADINGS}:owl")
    wait_until(lambda: slow_server.get("/stats")["by_phase"].get("rubric", 0) > 20)
    run.kill()
    asked = slow_server.get("/stats")["by_phase"]["rubric"]
    [said] = deployment.make(f"{GRADINGS}:owl")
    gradings = deployment.read(MULTIFACET_GRADINGS, "owl")
    stats = slow_server.get("/stats")

    assert said["errors"] == []
    assert asked < gradings.height == 9 * 8
    assert gradings["score"].null_count() == 0
    assert stats["by_phase"]["rubric"] <= int(gradings["round"].sum()) + stats["most_in_flight"]
