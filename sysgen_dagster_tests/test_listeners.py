"""What listens, listens on this machine only."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.local.servers import running, stop
from sysgen_dagster.inference.local.vllm import vllm_server

ROOT = Path(__file__).parents[1]
LOOPBACK = "0100007F"  # 127.0.0.1 as the kernel writes it
LISTENS = "0A"


@pytest.fixture
def simulated_port(tmp_path: Path) -> Iterator[int]:
    engines = Engines(local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS).served, tmp_path)
    try:
        with engines.connection("phi-4", print) as connection:
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
    command = vllm_server("phi-4", load_catalog(FULL_CATALOG).models["phi-4"], 0).command

    assert command[command.index("--host") + 1] == "127.0.0.1"


def test_the_ui_is_told_to_listen_on_this_machine_only() -> None:
    said = subprocess.run(
        ["make", "--dry-run", "dev"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert re.search(r"dagster dev -h 127\.0\.0\.1 -p \d+", said.stdout)
