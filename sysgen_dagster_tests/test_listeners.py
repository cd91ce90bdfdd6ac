"""What listens, listens on this machine only."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.cli import sysgen
from sysgen_dagster.commands import ui
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.inference.local.vllm import vllm_servers
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.processes.state import running

ROOT = Path(__file__).parents[1]
LOOPBACK = "0100007F"  # 127.0.0.1 as the kernel writes it
LISTENS = "0A"


@pytest.fixture
def simulated_port(tmp_path: Path) -> Iterator[int]:
    model = local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS).models["phi-4"]
    try:
        with Engines(tmp_path).connection(model, print) as connection:
            [url] = connection.connect().base_urls
            yield urlsplit(url).port or 0
    finally:
        for name in running(tmp_path):
            stop(tmp_path, name)


def test_the_simulated_server_listens_on_this_machine_only(simulated_port: int) -> None:
    sockets = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    listening = {local for _, local, _, state, *_ in sockets if state == LISTENS}

    assert {each for each in listening if each.endswith(f":{simulated_port:04X}")} == {
        f"{LOOPBACK}:{simulated_port:04X}"
    }


def test_vllm_is_told_to_listen_on_this_machine_only() -> None:
    command = vllm_servers(load_catalog(FULL_CATALOG).models["phi-4"])[0].command

    assert command[command.index("--host") + 1] == "127.0.0.1"


def test_the_ui_is_told_to_listen_on_this_machine_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "SYSGEN_DATA",
        "SYSGEN_WORK",
        "SYSGEN_CATALOG",
        "DAGSTER_HOME",
        "SYSGEN_ALLOW_HOSTS",
    ):
        monkeypatch.setenv(name, "")  # the command points its process at another deployment
    started: list[tuple[str, int]] = []
    monkeypatch.setattr(ui, "start_ui", lambda host, port: started.append((host, port)))

    assert CliRunner().invoke(sysgen, ["ui", "--data", str(tmp_path)]).exit_code == 0
    assert started == [("127.0.0.1", 3000)]


def test_make_starts_the_ui_where_it_listens_by_itself() -> None:
    said = subprocess.run(
        ["make", "--dry-run", "dev"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "sysgen ui " in said.stdout
    assert "--host" not in said.stdout
