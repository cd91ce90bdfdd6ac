"""`sysgen run` from end to end: what it makes, what it says, and how it goes on."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.commands.run.flow import has_begun
from sysgen_dagster.commands.run.written_catalog import build_catalog, render
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.storage.store import Store
from sysgen_dagster_tests.commands.run.run_command import (
    ending_servers,
    run,
    start,
    tokens_of_run,
    write_rows,
)
from sysgen_dagster_tests.simulated.running_server import Server, running

ROWS = 12


@dataclass
class Made:
    """A deployment that the command made, and what it said."""

    rows: Path
    data: Path
    code: int
    output: str

    @property
    def arguments(self) -> tuple[object, ...]:
        return (self.rows, "--model", "simulated", "-o", self.data)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("run")
    rows, data = write_rows(folder / "how to [b].jsonl", ROWS), folder / "my data"
    with ending_servers(data):
        code, output = run(
            *(rows, "--model", "simulated", "-o", data, "--preview", 2, "--yes"),
            *("--price", "1,2,EUR"),
        )
        yield Made(rows, data, code, output)


def test_it_ends_well_with_a_folder_that_the_library_datasets_loads(made: Made) -> None:
    assert made.code == 0, made.output
    [line] = [line for line in made.output.splitlines() if "load_dataset(" in line]
    folder = json.loads(line.strip().removeprefix("load_dataset(").removesuffix(")"))
    from datasets import load_dataset

    loaded = load_dataset(folder, cache_dir=str(made.data / "cache"))
    assert sum(split.num_rows for split in loaded.values()) == ROWS
    messages = loaded["train"][0]["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant"]


def test_it_says_source_model_and_licence_before_it_asks_anything(made: Made) -> None:
    said = made.output[: made.output.index("Row ")].splitlines()
    assert any(line.startswith("Source: ") and "how to [b].jsonl" in line for line in said)
    assert any("licence" in line and "unknown" in line for line in said)
    assert any("prompt" in line and "response" in line for line in said)
    assert any(line.startswith("Model: simulated: context of 8,192 tokens") for line in said)


def test_it_says_what_became_of_each_row_and_what_it_cost(made: Made) -> None:
    assert f"conversations            {ROWS} of {ROWS} kept" in made.output
    assert "phase 4 aligned" in made.output
    assert " EUR" in made.output
    [rows] = re.findall(r"Tokens of these rows: (.*)\.\n", made.output)
    assert f"This run: {rows}; " in made.output  # the preview's tokens were paid for too
    assert f"Report: {made.data / 'report.html'}" in made.output
    assert f"sysgen ui -o '{made.data}'" in made.output  # its name has a blank


def test_its_catalogue_is_short_and_that_of_an_ordinary_deployment(made: Made) -> None:
    text = (made.data / "catalog.yaml").read_text()
    assert len([line for line in text.splitlines() if line.strip()[0] != "#"]) <= 15
    catalog = load_catalog(made.data / "catalog.yaml")
    assert [*catalog.sources] == ["how_to_b"]
    assert [*catalog.models] == ["simulated"]
    assert [*catalog.mixtures] == ["sysgen"]
    assert catalog.method.label == "best"


@pytest.mark.slow
def test_repeated_it_makes_nothing_again_and_goes_on_at_once(made: Made) -> None:
    stored = {path: path.stat().st_mtime_ns for path in made.data.rglob("*.parquet")}
    code, output = run(*made.arguments, "--yes")
    assert code == 0, output
    assert "It goes on where it ended" in output
    assert "Row 1" not in output
    assert tokens_of_run(output) == 0
    assert {path: path.stat().st_mtime_ns for path in made.data.rglob("*.parquet")} == stored


@pytest.mark.slow
def test_another_source_in_the_same_folder_is_refused(made: Made, tmp_path: Path) -> None:
    other = write_rows(tmp_path / "other.jsonl", 3)
    code, output = run(other, "--model", "simulated", "-o", made.data, "--preview", 0, "--yes")
    assert code == 1
    assert "is of another source than other.jsonl: how to [b].jsonl" in output
    assert "Name another folder with -o" in output


@pytest.mark.slow
def test_without_a_terminal_and_without_yes_nothing_but_the_preview_is_asked(
    tmp_path: Path,
) -> None:
    rows, data = write_rows(tmp_path / "rows.jsonl", 4), tmp_path / "data"
    with ending_servers(data):
        code, output = run(rows, "--model", "simulated", "-o", data, "--preview", 1)
    assert code == 1
    assert "Row 1" in output
    assert "--yes" in output
    assert not (data / "annotated_system_messages").exists()
    assert "Prompts:" not in output


@pytest.mark.parametrize("changed", ["catalog.yaml", "prompts", "rows.jsonl"])
def test_rows_are_shown_first_again_where_what_they_are_made_of_has_changed(
    tmp_path: Path, changed: str
) -> None:
    store, rows = Store(tmp_path / "data"), write_rows(tmp_path / "rows.jsonl", 3)
    catalog = small_catalog(rows)
    (tmp_path / "data" / "prompts").mkdir(parents=True)
    (tmp_path / "data" / "catalog.yaml").write_text(render(catalog))
    with patch.dict(os.environ, {"SYSGEN_CATALOG": str(tmp_path / "data" / "catalog.yaml")}):
        assert not has_begun(catalog, store)
        answers = tmp_path / "data" / "ledger" / "annotated_system_messages"
        answers.mkdir(parents=True)
        (answers / "simulated|rows-preview.jsonl").touch()
        assert not has_begun(catalog, store)
        (answers / "simulated|rows-000.jsonl").touch()
        later = time.time() + 10
        os.utime(answers / "simulated|rows-000.jsonl", (later, later))
        assert has_begun(catalog, store)
        file = tmp_path / ("data" if changed != "rows.jsonl" else "") / changed
        file = file / "phase1.system.md" if changed == "prompts" else file
        file.touch()
        os.utime(file, (later + 5, later + 5))
        assert not has_begun(catalog, store)


def small_catalog(rows: Path) -> Catalog:
    """A catalogue of these rows and the simulated model."""
    shape = {"kind": "question_answer", "question": "prompt", "answer": "response"}
    source = {"name": "rows", "title": "T", "license": "mit", "path": rows, "shape": shape}
    model = {"name": "simulated", "served_name": "simulated", "engine": "simulated"}
    return build_catalog(
        Source.model_validate(source), Generator.model_validate(model | {"license": "mit"})
    )


@pytest.fixture
def server() -> Iterator[Server]:
    with running("--latency-ms", "150", "--capacity", "4") as server:
        yield server


def _answered(data: Path) -> int:
    return sum(len(file.read_bytes().splitlines()) for file in data.glob("ledger/*/*.jsonl"))


def _kill_after(process: "subprocess.Popen[str]", data: Path, answers: int) -> None:
    deadline = time.monotonic() + 60
    while _answered(data) < answers:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.slow
def test_after_a_kill_in_the_middle_only_what_was_in_flight_is_asked_again(
    tmp_path: Path, server: Server
) -> None:
    rows, data = write_rows(tmp_path / "rows.jsonl", 60), tmp_path / "data"
    arguments = (rows, "--model", server.url, "-o", data, "--preview", 0, "--yes")
    _kill_after(start(*arguments), data, answers=80)
    known = _answered(data)
    code, output = run(*arguments)
    assert code == 0, output
    assert "60 of 60 kept" in output
    by_phase = server.get("/stats")["by_phase"]
    asked = sum(by_phase.values())
    kept = [line for line in output.splitlines() if line.strip().startswith("phase")]
    wanted = sum(int(line.split(" of ")[1].split()[0]) for line in kept if "filtered" not in line)
    in_flight, probes = 40, 12  # at the kill; questions to the server before each phase
    assert known >= 80
    assert wanted <= asked <= wanted + in_flight + probes, (by_phase, output)


@pytest.mark.slow
def test_a_server_that_fails_in_the_middle_ends_it_and_another_run_goes_on(tmp_path: Path) -> None:
    rows, data = write_rows(tmp_path / "rows.jsonl", 12), tmp_path / "data"
    with running("--fault", "500=1") as broken:
        code, output = run(rows, "--model", broken.url, "-o", data, "--preview", 0, "--yes")
    assert code == 1, output
    with running() as healthy:
        code, output = run(rows, "--model", healthy.url, "-o", data, "--preview", 0, "--yes")
    assert code == 0, output
