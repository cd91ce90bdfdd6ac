"""Multifaceted-Bench through Dagster, in runs that are real processes, over simulated models."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.dagster_home import write_settings
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.evaluation.multifacet.scores import build_items
from sysgen_dagster.evaluation.multifacet.tables import (
    MULTIFACET_ANSWERS,
    MULTIFACET_CALIBRATION,
    MULTIFACET_GRADINGS,
    MULTIFACET_ITEMS,
    MULTIFACET_SCORES,
)
from sysgen_dagster.evaluation.scores import compare_items
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster_tests.evaluation.multifacet.benches import (
    SHARED,
    bench_row,
    labelled_row,
    real_rows,
    write_bench,
)
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


@dataclass
class Deployment:
    """A deployment whose subjects and judge are answered for by one simulated server."""

    data: Path
    url: str
    monkeypatch: pytest.MonkeyPatch
    runs: list[Run] = field(default_factory=list)

    def build(self, **bench: Any) -> None:
        """Write catalogue and Dagster home; `bench` are settings of the suite."""
        full = local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS).model_dump(mode="json")
        endpoint = {"served_name": "phi", "base_urls": [f"{self.url}/v1"], "engine": "endpoint"}
        changes = {
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
                    "calibration": {"path": "labels.jsonl", "items": 40},
                    **bench,
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

    def make(self, *wanted: str) -> dict[str, Any]:
        """What came of each."""
        run = self.begin(*wanted)
        said: dict[str, Any] = json.loads(run.url)
        run.end()
        return said

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


def test_two_subjects_are_asked_graded_scored_and_compared_by_item(deployment: Deployment) -> None:
    if SHARED.is_dir():
        deployment.write(real_rows(30))
    subjects = ("owl", "owl-user")
    said = deployment.make(
        *(ITEMS, CALIBRATION),
        *(f"{name}:{subject}" for subject in subjects for name in (ANSWERS, GRADINGS, SCORES)),
    )
    items = deployment.read(MULTIFACET_ITEMS)
    assert [each["errors"] for each in said.values()] == [[]] * len(said)
    contracts = {"every_item_is_asked", "every_rubric_is_graded_or_dropped"}
    checks = [each["checks"].items() for each in said.values()]
    assert contracts <= {name for each in checks for name, _ in each}
    assert all(passed for each in checks for name, passed in each if name in contracts)
    assert said[ITEMS]["metadata"]["unassigned"] == str(items.height // 9)
    assert "A benchmark of next year" in said[ITEMS]["metadata"]["sources"]
    assert not said[ITEMS]["checks"]["every_item_has_a_column"]
    every = []
    for subject in subjects:
        answers = deployment.read(MULTIFACET_ANSWERS, subject)
        gradings = deployment.read(MULTIFACET_GRADINGS, subject)
        scores = deployment.read(MULTIFACET_SCORES, subject)
        total = scores.filter(metric="multifacet", of="total").row(0, named=True)
        every.append(build_items(gradings))

        assert answers.height == items.height
        in_system = answers["messages"].list.len().unique().to_list()
        assert in_system == [2 if subject == "owl" else 1]
        fields = json.loads(answers["request_fields"][0])
        assert (fields["temperature"], fields["top_p"]) == (1.0, 0.9)
        assert fields["repetition_penalty"] == 1.03
        assert gradings.height == 8 * items.height
        assert gradings["expected_score"].null_count() == gradings["score"].null_count() == 0
        assert total["items"] + total["dropped"] == items.height
        assert total["score"] == pytest.approx(
            gradings.filter(~pl.col("judge_sees_message"))["score"].mean()
        )
        assert total["judge"] == "hawk"
        assert total["worth"] == "uncalibrated: 40 of 200 labelled items"
        assert (
            f"system message in: {'system' if subject == 'owl' else 'user'};" in total["protocol"]
        )
        assert "repetition_penalty 1.03" in total["protocol"]
    compared = compare_items(*every).filter(of="total", metric="multifacet")
    assert compared["items"].to_list() == [items.height]
    assert deployment.read(MULTIFACET_CALIBRATION).height == 40


def test_what_was_answered_is_not_asked_again_by_a_second_run(
    deployment: Deployment, server: Server
) -> None:
    chain = (ITEMS, f"{ANSWERS}:owl", f"{GRADINGS}:owl", f"{SCORES}:owl")
    deployment.make(*chain)
    before = server.get("/stats")["by_phase"]
    first = deployment.read(MULTIFACET_SCORES, "owl")
    deployment.make(*chain)

    phases = server.get("/stats")["by_phase"]
    assert {name: phases[name] for name in ("4", "rubric")} == {
        name: before[name] for name in ("4", "rubric")
    }
    assert deployment.read(MULTIFACET_SCORES, "owl").equals(first)


def test_items_that_have_changed_since_are_one_error_until_they_are_asked(
    deployment: Deployment,
) -> None:
    deployment.make(ITEMS, f"{ANSWERS}:owl", f"{GRADINGS}:owl")
    changed = [bench_row(number) for number in range(9)]
    changed[4] = bench_row(4, prompt="What are pears good for?")
    deployment.write(changed)
    said = deployment.make(ITEMS, f"{GRADINGS}:owl", f"{SCORES}:owl")

    [of_gradings], [of_scores] = (said[f"{name}:owl"]["errors"] for name in (GRADINGS, SCORES))
    assert "multifacet_answers breaks a contract for owl" in of_gradings
    assert "materialize the answers again" in of_gradings
    assert "multifacet_gradings breaks a contract for owl" in of_scores
    assert "materialize the gradings again" in of_scores
    again = deployment.make(f"{ANSWERS}:owl", f"{GRADINGS}:owl", f"{SCORES}:owl")
    assert [each["errors"] for each in again.values()] == [[], [], []]


def test_a_changed_file_or_one_that_cannot_be_had_is_one_error_and_nothing_stored_is_lost(
    deployment: Deployment,
) -> None:
    deployment.make(ITEMS)
    first = deployment.read(MULTIFACET_ITEMS)
    deployment.write([bench_row(0), bench_row(1, rubrics=[])])
    [error] = deployment.make(ITEMS)[ITEMS]["errors"]

    assert "row 2" in error
    assert "0 rubrics where 4 are wanted" in error
    assert deployment.read(MULTIFACET_ITEMS).equals(first)


@pytest.fixture
def slow_server() -> Iterator[Server]:
    with running("--latency", "0.1", "--capacity", "4") as it:
        yield it


def test_a_kill_while_gradings_are_made_costs_what_was_in_flight(
    deployment: Deployment, slow_server: Server
) -> None:
    deployment.make(ITEMS, f"{ANSWERS}:owl")
    deployment.url = slow_server.url
    deployment.build(probabilities=True)
    run = deployment.begin(f"{GRADINGS}:owl")
    ledger = deployment.data / "ledger" / GRADINGS
    wait_until(lambda: sum(each.read_bytes().count(b"\n") for each in ledger.rglob("*.jsonl")) > 20)
    run.kill()
    asked = slow_server.get("/stats")["by_phase"]["rubric"]
    assert deployment.make(f"{GRADINGS}:owl")[f"{GRADINGS}:owl"]["errors"] == []

    wanted = 9 * 8
    gradings = deployment.read(MULTIFACET_GRADINGS, "owl")
    again = int(gradings["round"].sum()) - wanted
    in_flight = slow_server.get("/stats")["most_in_flight"]
    assert 20 < asked < wanted
    assert slow_server.get("/stats")["by_phase"]["rubric"] <= wanted + again + in_flight
    assert gradings["score"].null_count() == 0
