"""`sysgen inventory` and `sysgen prune`, on the data of a real run."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from click.testing import CliRunner, Result

from sysgen_dagster.cli import sysgen
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.defs.sysgen_lane import aligned_responses
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.review.decisions import Choice, Decision, journal_of
from sysgen_dagster.storage.inventory import inventory
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.compatibility.old_data import unpack

AT = Partition("llama-3.1-8b", "capybara-000")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment of which every file is whole."""
    data = unpack(tmp_path_factory.mktemp("finished"))
    shutil.rmtree(data / "forecast")  # it had other columns then
    return data


@pytest.fixture
def data(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be damaged; afterwards the environment is that of the tests again."""
    for name in ("SYSGEN_DATA", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("SYSGEN_CATALOG", os.environ["SYSGEN_CATALOG"])
    return Path(shutil.copytree(finished, tmp_path / "data"))


def run(command: str, data: Path, *options: str) -> Result:
    return CliRunner().invoke(sysgen, [command, "--data", str(data), *options])


def drop_column(data: Path, table: str, column: str) -> None:
    """Leave the file of a release that did not have the column."""
    path = Path(str(Store(data).path(TABLES[table], AT)))
    pl.read_parquet(path, hive_partitioning=False).drop(column).write_parquet(path)


def test_the_inventory_says_how_many_decisions_of_reviewers_there_are(data: Path) -> None:
    journal = journal_of(Store(data))
    decision = Decision("phi-4", "capybara-0-0", "", Choice.REJECTED, "ann")
    journal.append(decision.record())
    with Path(str(journal.path)).open("ab") as file:
        file.write(b'\n{"crc32": 12, "mod')  # of a server that was killed
    shown = run("inventory", data)
    assert shown.exit_code == 0
    assert "1 decisions about 1 rows, 1 cut off by a kill" in shown.output
    with Path(str(journal.path)).open("ab") as file:
        file.write(b'\n{"crc32": 12, "model": "phi-4"}\n')
    damaged = run("inventory", data)
    assert damaged.exit_code == 1
    assert "1 damaged" in damaged.output


def test_the_inventory_has_its_sums_and_names_what_is_not_whole(data: Path) -> None:
    shown = run("inventory", data)
    files = len(inventory(Store(data), CATALOG, TABLES.values()))
    assert shown.exit_code == 0, shown.output
    assert f"│ all │ │ {files} │" in " ".join(shown.output.split())
    drop_column(data, "row_quality", "gleu")
    shown = run("inventory", data)
    assert shown.exit_code == 1
    assert "other_columns: " in shown.output
    assert "no gleu" in shown.output


def test_a_new_home_gets_a_record_of_what_is_stored_and_only_once(data: Path) -> None:
    shown = run("inventory", data, "--record")
    assert shown.exit_code == 0, shown.output
    assert "recorded aligned_responses: 20" in shown.output
    with dg.DagsterInstance.get() as instance:
        assert str(data) in instance.root_directory
        assert AT.key in instance.get_materialized_partitions(aligned_responses.key)
    assert "has a record of everything that is stored" in run("inventory", data, "--record").output


def test_a_file_that_is_damaged_within_is_named_and_not_recorded(data: Path) -> None:
    path = Path(str(Store(data).path(TABLES["row_quality"], AT)))
    content = bytearray(path.read_bytes())
    content[100:400] = bytes(300)  # its footer is whole
    path.write_bytes(content)
    shown = run("inventory", data, "--record")
    assert shown.exit_code == 1
    assert f"{path} is damaged" in shown.output
    assert "stored but 1 damaged files" in shown.output


def test_nothing_is_recorded_while_a_run_is_going(data: Path) -> None:
    run("inventory", data, "--record")
    with dg.DagsterInstance.get() as instance:
        job = defs.resolve_job_def("sysgen")
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    shown = run("inventory", data, "--record")
    assert shown.exit_code == 1
    assert "is going in" in shown.output


def age_ledger(data: Path, days: int) -> Path:
    sealed = data / "ledger" / "aligned_responses" / f"{AT.key}.parquet"
    then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    os.utime(sealed, (then, then))
    return sealed


def test_nothing_is_removed_unless_it_is_said(data: Path) -> None:
    sealed = age_ledger(data, days=31)
    shown = run("prune", data, "--days", "30")
    assert shown.exit_code == 0
    assert sealed.exists()
    assert f"{sealed} ({sealed.stat().st_size:,} bytes)" in shown.output
    assert "its requests are sent again" in shown.output
    assert run("prune", data, "--days", "30", "--apply").exit_code == 0
    assert not sealed.exists()
    assert [*sealed.parent.glob(f"{AT.key}*")] == []


def test_a_ledger_that_a_run_uses_stays(data: Path) -> None:
    sealed = age_ledger(data, days=31)
    with Ledger(sealed.with_suffix(".jsonl")):
        shown = run("prune", data, "--days", "30", "--apply")
        assert shown.exit_code == 1
        assert sealed.exists()
    assert f"a run uses it: {sealed}" in shown.output
    assert run("prune", data, "--days", "30", "--apply").exit_code == 0
    assert not sealed.exists()


def test_rows_of_what_the_catalogue_does_not_name_need_an_option_of_their_own(data: Path) -> None:
    of_phi_3 = data / "aligned_responses" / "model=phi-3" / f"{AT.shard}.parquet"
    shutil.copytree(data / "aligned_responses" / f"model={AT.model}", of_phi_3.parent)
    os.utime(of_phi_3, (0, 0))
    assert run("prune", data, "--apply").exit_code == 0
    assert of_phi_3.exists()
    assert run("prune", data, "--apply", "--gone").exit_code == 0
    assert not of_phi_3.exists()


def test_under_a_wrong_catalogue_nothing_is_removed(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSGEN_CATALOG", str(data / "nowhere.yaml"))
    shown = run("prune", data, "--apply")
    assert shown.exit_code == 1
    assert "nowhere.yaml cannot be read" in shown.output


def test_answers_that_no_run_has_sealed_stay_beside_an_old_ledger(data: Path) -> None:
    sealed = age_ledger(data, days=100)
    lines = sealed.with_suffix(".jsonl")
    lines.write_text('{"key":"x"}\n')
    assert run("prune", data, "--days", "30", "--apply").exit_code == 1
    assert sealed.exists()
    assert lines.exists()
