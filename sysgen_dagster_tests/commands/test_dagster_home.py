"""Where Dagster keeps its state: SQLite under DAGSTER_HOME, or the Postgres of a variable."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import dagster as dg
import pytest
import yaml

from sysgen_dagster.commands import dagster_home
from sysgen_dagster.commands.dagster_home import (
    POSTGRES_URL,
    DagsterHomeError,
    limit_pools,
    write_settings,
)

SHIPPED = Path(__file__).parents[2] / "dagster.yaml"
PASSWORD = "Planted/p@ss%word"
SHARDS = ["capybara-000", "orca_math-000", "magicoder-000"]


def _settings(home: Path) -> dict[str, object]:
    return yaml.safe_load((home / "dagster.yaml").read_text())


def begin(home: Path) -> None:
    write_settings(home)
    limit_pools(home)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _postgres_program(name: str) -> str:
    found = [str(path) for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}")]
    program = shutil.which(name) or max(found, default="")
    if not program:
        pytest.skip("no Postgres here: apt-get install postgresql")
    return program


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The URL of a Postgres that is started for these tests and wants a password."""
    pytest.importorskip("dagster_postgres", reason="pip install 'sysgen-dagster[postgres]'")
    initdb, pg_ctl = _postgres_program("initdb"), _postgres_program("pg_ctl")
    folder, port = Path(tempfile.mkdtemp(prefix="sysgen-postgres-")), _free_port()
    (folder / "password").write_text(PASSWORD)
    user: dict[str, object] = {}
    if os.geteuid() == 0:  # Postgres refuses to be root
        name = "postgres" if "postgres" in {each.pw_name for each in pwd.getpwall()} else "nobody"
        user = {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}
        for path in (folder, folder / "password"):
            shutil.chown(path, name)

    def run(*command: str) -> None:
        with (folder / "output").open("a") as output:
            done = subprocess.run(
                command, cwd=folder, stdout=output, stderr=output, check=False, **user
            )
        assert done.returncode == 0, (folder / "output").read_text()

    data, options = str(folder / "data"), f"-p {port} -c listen_addresses=127.0.0.1 -k {folder}"
    run(initdb, "-D", data, "-U", "sysgen", "-A", "scram-sha-256", "--pwfile", "password", "-N")
    run(pg_ctl, "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql://sysgen:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/postgres"
    finally:
        run(pg_ctl, "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def test_without_the_variable_the_settings_are_the_shipped_ones(tmp_path: Path) -> None:
    write_settings(tmp_path / "home")
    assert (tmp_path / "home" / "dagster.yaml").read_text() == SHIPPED.read_text()


def test_what_was_changed_by_hand_stays(tmp_path: Path) -> None:
    write_settings(tmp_path)
    file = tmp_path / "dagster.yaml"
    file.write_text(file.read_text().replace("max_concurrent_runs: 4", "max_concurrent_runs: 8"))
    write_settings(tmp_path)
    assert "max_concurrent_runs: 8" in file.read_text()


def test_the_pools_of_a_new_instance_are_limited_and_a_limit_that_was_set_stays(
    tmp_path: Path,
) -> None:
    begin(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        limits = {each.name: each.limit for each in made.event_log_storage.get_pool_limits()}
        assert limits == {"gpu": 1, "hub": 1, "judge": 1}
        made.event_log_storage.set_concurrency_slots("gpu", 4)
    begin(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        limits = {each.name: each.limit for each in made.event_log_storage.get_pool_limits()}
        assert limits == {"gpu": 4, "hub": 1, "judge": 1}


def test_what_a_postgres_has_seen_is_there_in_another_process_and_the_password_in_no_file(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sysgen_dagster.definitions import defs

    monkeypatch.setenv(POSTGRES_URL, postgres)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    begin(tmp_path)
    assert _settings(tmp_path) == {
        **yaml.safe_load(SHIPPED.read_text()),
        "storage": {"postgres": {"postgres_url": {"env": POSTGRES_URL}}},
    }

    job = defs.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as here:
        for shard in SHARDS:
            for asset in (f"source/{shard.rpartition('-')[0]}", "conversations"):
                selection = [dg.AssetKey(asset.split("/"))]
                assert job.execute_in_process(
                    instance=here, partition_key=shard, asset_selection=selection
                ).success

    seen = subprocess.run(
        [
            sys.executable,
            "-c",
            "import dagster as dg\n"
            "with dg.DagsterInstance.get() as instance:\n"
            "    made = instance.get_materialized_partitions(dg.AssetKey('conversations'))\n"
            "    print(*sorted(made))\n"
            "    print(instance.get_runs_count())\n",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    assert seen.stdout.splitlines() == [" ".join(sorted(SHARDS)), str(2 * len(SHARDS))]

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("compute_logs" in path.parts for path in files)
    assert not any(path.suffix == ".db" for path in files)
    for secret in (PASSWORD, quote(PASSWORD, safe="")):
        assert [path for path in files if secret.encode() in path.read_bytes()] == []


def test_a_wrong_password_is_one_message_without_it(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(POSTGRES_URL, postgres.replace("Planted", "Mistaken"))
    with pytest.raises(DagsterHomeError) as error:
        write_settings(tmp_path / "home")
    message = str(error.value)
    assert message.startswith(f"the Postgres of {POSTGRES_URL} cannot be used: ")
    assert "password authentication failed" in message
    assert "Mistaken" not in message
    assert "\n" not in message
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("127.0.0.1/Planted", "is no URL: give postgresql://"),
        ("postgresql://me:Planted@127.0.0.1:port/db", "is no URL: give postgresql://"),
        ("postgres://me:Planted@127.0.0.1/db", "must have the form postgresql://"),
        ("postgresql+psycopg://me:Planted@127.0.0.1/db", "must have the form postgresql://"),
        ("postgresql://me:Planted@127.0.0.1:5432", "must have the form postgresql://"),
        ("postgresql://me:pass@Planted@127.0.0.1/db", "write @ in a password as %40"),
    ],
)
def test_a_wrong_url_is_told_without_being_shown(
    url: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(POSTGRES_URL, url)
    with pytest.raises(DagsterHomeError) as error:
        write_settings(tmp_path)
    assert told in str(error.value)
    assert "Planted" not in str(error.value)
    assert not (tmp_path / "dagster.yaml").exists()


def test_a_server_that_is_not_there_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dagster_postgres", reason="pip install 'sysgen-dagster[postgres]'")
    port = _free_port()
    monkeypatch.setenv(POSTGRES_URL, f"postgresql://me:Planted@127.0.0.1:{port}/db")
    with pytest.raises(DagsterHomeError, match=f'"127.0.0.1", port {port} failed') as error:
        write_settings(tmp_path)
    assert "Planted" not in str(error.value)


def test_without_the_extra_the_message_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(POSTGRES_URL, "postgresql://me:Planted@127.0.0.1/db")
    monkeypatch.setattr(dagster_home, "find_spec", lambda _: None)
    with pytest.raises(DagsterHomeError, match=r"pip install 'sysgen-dagster\[postgres\]'"):
        write_settings(tmp_path)


def test_a_state_on_postgres_is_not_quietly_replaced_by_an_empty_one(tmp_path: Path) -> None:
    settings = tmp_path / "dagster.yaml"
    settings.write_text(f"storage: {{postgres: {{postgres_url: {{env: {POSTGRES_URL}}}}}}}\n")
    with pytest.raises(DagsterHomeError, match=f"set {POSTGRES_URL} as before, or delete"):
        write_settings(tmp_path)
    settings.unlink()
    write_settings(tmp_path)
    assert "storage" not in _settings(tmp_path)
