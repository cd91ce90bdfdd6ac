"""`sysgen evaluate`: subjects on a benchmark from items to comparisons, over simulated models."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import yaml

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.evaluation.comparisons.tables import OF_SUITES, USER_ROLE
from sysgen_dagster.evaluation.multifacet.tables import (
    MULTIFACET_CALIBRATION,
    MULTIFACET_ITEMS,
    MULTIFACET_SCORES,
)
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.evaluation.multifacet.benches import bench_row, labelled_row, write_bench
from sysgen_dagster_tests.simulated.running_server import Server, running

MULTIFACET = OF_SUITES["multifacet"]
_PROGRAM = "from sysgen_dagster.cli import sysgen; sysgen()"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as it:
        yield it


def write(data: Path, url: str, **subjects: dict[str, object]) -> Path:
    """A deployment with a bench of nine items."""
    full = local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS).model_dump(mode="json")
    endpoint = {"served_name": "phi", "base_urls": [f"{url}/v1"], "engine": "endpoint"}
    changes = {
        "models": {**full["models"], "owl": endpoint},
        "judges": {"hawk": endpoint},
        "subjects": subjects,
        "evaluation": {
            "judge": "hawk",
            "multifacet": {
                "path": "bench.jsonl",
                "calibration": {"path": "labels.jsonl", "items": 10},
            },
        },
    }
    data.mkdir(exist_ok=True)
    (data / "catalog.yaml").write_text(yaml.safe_dump(full | changes, sort_keys=False))
    write_bench(data / "bench.jsonl", [bench_row(number) for number in range(9)])
    write_bench(data / "labels.jsonl", [labelled_row(number) for number in range(20)])
    return data


@pytest.fixture
def data(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SYSGEN_DATA", "SYSGEN_WORK", "SYSGEN_CATALOG", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    owl = {"model": "owl"}
    return write(
        tmp_path / "data",
        server.url,
        owl={**owl, "published": "phi-4"},
        crow={**owl, "against": "owl", "published": "phi-4-sysgen"},
        **{"owl-user": {**owl, "message_in": "user"}},
    )


def evaluate(data: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "ignore", "-c", _PROGRAM, "evaluate", *arguments]
    return subprocess.run(
        [*command, "-o", str(data)], capture_output=True, text=True, check=False, timeout=240
    )


def cells(output: str, *first: str) -> list[list[str]]:
    """The cells of the lines of a table that begin with these."""
    lines = ([cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines())
    return [line[len(first) :] for line in lines if tuple(line[: len(first)]) == first]


def test_subjects_are_asked_graded_compared_and_printed_and_the_price_is_said_first(
    data: Path, server: Server
) -> None:
    done = evaluate(data, "multifacet", "--subject", "owl", "--subject", "crow")
    said = done.stdout

    assert done.returncode == 0, said + done.stderr
    price = "2 of 2 subjects to evaluate, each with 9 requests to it and 72 to the judge"
    assert price in said
    assert said.index(price) < said.index("Scores of Multifacet")
    [owl], [crow] = (cells(said, "multifacet", name) for name in ("owl", "crow"))
    assert owl[3:] == ["9", "0", "", "", ""]
    assert crow[5] == "0.00"  # the same model under another name
    assert "owl, crow: graded by hawk (uncalibrated)" in said
    compared = Store(data).read(MULTIFACET, Partition())
    later = compared.filter(subject="owl-user").row(0, named=True)
    assert later["remarks"] == "not evaluated: sysgen evaluate multifacet --subject owl-user"
    mean = compared.filter(subject="crow", metric="multifacet", of="mean of columns")
    assert mean["score_paper"].to_list() == [4.54]
    assert mean["difference_paper"].to_list() == [pytest.approx(0.13)]

    before = server.get("/stats")["by_phase"]["rubric"]
    again = evaluate(data, "multifacet")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "1 of 3 subjects to evaluate" in again.stdout
    # The answers of the message in the user turn, which are other requests, are graded alone.
    assert server.get("/stats")["by_phase"]["rubric"] - before <= 72
    pair = Store(data).read(USER_ROLE, Partition()).row(0, named=True)
    assert (pair["suite"], pair["subject"], pair["against"]) == ("multifacet", "owl-user", "owl")
    assert evaluate(data, "multifacet").stdout.count("to evaluate") == 0


def change(data: Path, **evaluation: object) -> None:
    """Other settings of the evaluation, and another judge to choose."""
    catalog = yaml.safe_load((data / "catalog.yaml").read_text())
    catalog["judges"]["kite"] = catalog["judges"]["hawk"] | {"request": {"temperature": 0.2}}
    catalog["evaluation"] |= evaluation
    (data / "catalog.yaml").write_text(yaml.safe_dump(catalog, sort_keys=False))


def test_what_was_made_with_other_settings_or_of_other_items_is_made_anew(data: Path) -> None:
    bench = yaml.safe_load((data / "catalog.yaml").read_text())["evaluation"]["multifacet"]

    def state() -> str:
        [line] = cells(evaluate(data, "--list").stdout, "multifacet", "owl")
        return line[0]

    def make() -> pl.DataFrame:
        done = evaluate(data, "multifacet", "--subject", "owl")
        assert done.returncode == 0, done.stdout + done.stderr
        assert state() == "evaluated"
        scores = Store(data).read(MULTIFACET_SCORES, Partition(subject="owl"))
        return scores.filter(metric="multifacet", of="total")

    change(data, multifacet=bench | {"items": 2})
    assert make()["items"].to_list() == [2]
    change(data, multifacet=bench | {"items": 3}, judge="kite")
    assert state() == "out of date"
    assert make().select("items", "judge").rows() == [(3, "kite")]
    calibration = Store(data).read(MULTIFACET_CALIBRATION, Partition())
    assert set(calibration["judge"]) == {"kite"}
    # A file that was replaced shows in no setting, but in the items once they are read again.
    write_bench(data / "bench.jsonl", [bench_row(number) for number in range(20, 29)])
    Store(data).path(MULTIFACET_ITEMS, Partition()).unlink()
    assert evaluate(data, "multifacet", "--subject", "crow").returncode == 0
    assert state() == "out of date"


def test_the_list_says_what_is_made_and_what_the_rest_takes(data: Path) -> None:
    scores = pl.DataFrame(schema=MULTIFACET_SCORES.schema)
    Store(data).write(MULTIFACET_SCORES, Partition(subject="owl"), scores)
    done = evaluate(data, "--list")

    assert done.returncode == 0, done.stdout + done.stderr
    assert cells(done.stdout, "multifacet", "crow") == [["to do", "?", "?"]]
    assert cells(done.stdout, "multifacet", "owl") == [["to do", "?", "?"]]  # without gradings
    assert "sysgen evaluate SUITE --subject SUBJECT" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["multifaced"], "multifaced is no benchmark of this version, which has multifacet"),
        (["multifacet", "--subject", "eagle"], "eagle is no subject of the catalogue, which has"),
    ],
)
def test_a_name_of_nothing_is_one_message(data: Path, arguments: list[str], message: str) -> None:
    done = evaluate(data, *arguments)

    assert done.returncode == 1
    assert message in " ".join((done.stdout + done.stderr).split())


def test_without_subjects_it_is_said_how_one_is_named(
    data: Path, server: Server, tmp_path: Path
) -> None:
    nobody = write(tmp_path / "nobody", server.url)

    assert "names no subject" in evaluate(nobody, "multifacet").stderr
    assert "names no `subjects`" in evaluate(nobody, "--list").stdout


def test_items_that_cannot_be_read_are_one_error_and_nobody_is_asked(data: Path) -> None:
    (data / "bench.jsonl").unlink()
    done = evaluate(data, "multifacet")

    assert done.returncode == 1
    assert "bench.jsonl" in done.stdout
    assert "to evaluate" not in done.stdout
