"""`sysgen ui`: what it starts, that the guard stands before it, and that all of it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result
from dagster_shared import ipc

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.cli import sysgen
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.commands.ui import ServiceError, service_command, start_ui
from sysgen_dagster.commands.webserver import run_webserver
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster_tests.commands.browser import needs_chromium, opened_chromium
from sysgen_dagster_tests.commands.test_guard import ask as guarded
from sysgen_dagster_tests.commands.webservers import Deployment, ask, free_port, wait_for
from sysgen_dagster_tests.dagster_internals import setup_interrupt_handlers

VERSION = "{version}"
ELSEWHERE = "behind-the-guard.invalid"


@pytest.fixture
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command points its process at another deployment; afterwards that is undone."""
    for name in ("SYSGEN_DATA", "SYSGEN_WORK", "SYSGEN_CATALOG", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("SYSGEN_ALLOW_HOSTS", "")


def test_the_guard_stands_before_the_webserver_that_dagster_starts(tmp_path: Path) -> None:
    with Deployment.of(tmp_path, ["made"]).served(free_port(), guarded=True) as url:
        status, said = ask(url, VERSION)
        assert (status, "version" in said["data"]) == (200, True)
        assert ask(url, VERSION, Host="evil.example")[0] == 403
        assert ask(url, VERSION, Origin="http://evil.example")[0] == 403
        assert ask(url, VERSION, Origin=url)[0] == 200
        behind_tls = {"X-Forwarded-Proto": "https"}
        assert ask(url, VERSION, Origin=url, **behind_tls)[0] == 403
        assert ask(url, VERSION, Origin=url.replace("http", "https"), **behind_tls)[0] == 200
        assert ask(url, VERSION, **{"Content-Type": "text/plain"})[0] == 415


def test_both_processes_are_services_of_ours_and_the_code_server_is_left_alone() -> None:
    python, us = sys.executable, str(os.getpid())
    webserver = [python, "-m", "dagster_webserver", "--port", "1", "--host", ELSEWHERE]
    daemon = [python, "-m", "a_daemon", "run"]
    code = [python, "-m", "dagster", "code-server", "start"]
    ours = [python, "-m", "sysgen_dagster.commands.service", us]

    assert service_command(webserver, "::1") == [
        *[*ours, "dagster_webserver", "--port", "1", "--host", "::1"]
    ]
    assert service_command(daemon, "::1") == [*ours, "a_daemon", "run"]
    assert service_command(code, "::1") == code


def test_a_webserver_without_the_guard_listens_nowhere(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}")
    plain = [sys.executable, "-m", "dagster_webserver", "--empty-workspace"]
    ended = subprocess.run(
        [*plain, "-p", str(free_port()), "-h", ELSEWHERE],
        env=os.environ | {"DAGSTER_HOME": str(tmp_path)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0


@pytest.mark.usefixtures("_own_environment")
def test_names_that_are_allowed_are_handed_to_dagster_s_processes(tmp_path: Path) -> None:
    names = ["--allow-host", "ui.example.org", "--allow-host", "gpu-box:8443"]
    asked = ["ui", "--data", str(tmp_path), *names, "--print-settings"]
    said = CliRunner().invoke(sysgen, asked)
    assert "SYSGEN_ALLOW_HOSTS='ui.example.org gpu-box:8443'" in said.output
    assert os.environ["SYSGEN_ALLOW_HOSTS"] == "ui.example.org gpu-box:8443"


@pytest.mark.usefixtures("_own_environment")
def test_what_is_no_name_is_refused_before_anything_starts(tmp_path: Path) -> None:
    said = CliRunner().invoke(
        sysgen, ["ui", "--data", str(tmp_path), "--allow-host", "https://ui.example.org"]
    )
    assert said.exit_code == 1
    assert "give NAME or NAME:PORT, as in ui.example.org" in said.output


@pytest.mark.usefixtures("_own_environment")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "::1", "::", ""])
def test_a_port_that_is_taken_is_an_error_before_anything_is_prepared(
    tmp_path: Path, host: str
) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as taken:
        at = ["--host", host, "--port", str(taken.getsockname()[1])]
        said = CliRunner().invoke(sysgen, ["ui", "--data", str(tmp_path), *at])
    assert said.exit_code == 1
    assert "address already in use" in said.output.lower()
    assert "--port" in said.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_own_environment")
@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "127.0.0.1:3000", "a b"])
def test_an_address_that_is_none_of_this_machine_is_an_error(tmp_path: Path, host: str) -> None:
    said = CliRunner().invoke(sysgen, ["ui", "--data", str(tmp_path), "--host", host])
    assert said.exit_code == 1
    assert f"of {host}: " in said.output
    assert "--host" in said.output


@pytest.mark.usefixtures("_own_environment")
@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1"),
        ("GPU-Box", "http://GPU-Box"),
        ("::1", "http://[::1]"),
        ("0.0.0.0", "http://localhost"),
        ("::", "http://localhost"),
        ("", "http://localhost"),
    ],
)
def test_the_address_that_is_shown_is_one_that_the_guard_lets_through(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], host: str, shown: str
) -> None:
    monkeypatch.setattr("runpy.run_module", lambda *_, **__: None)
    monkeypatch.setattr("dagster_shared.ipc.open_ipc_subprocess", None)
    monkeypatch.setattr("sys.argv", [])
    start_ui(host, 3000)
    assert f"The UI is at {shown}:3000 in a moment" in capsys.readouterr().out
    listens = {"listens_on": host}
    assert (
        guarded("GET", "/", guard=listens, host=f"{urlsplit(shown).netloc}:3000").text == "secret"
    )


@pytest.mark.usefixtures("_own_environment")
def test_a_second_daemon_for_one_deployment_is_refused_as_long_as_the_first_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["ui", "--data", str(tmp_path), "--port", str(free_port())]
    said: list[Result] = []

    def other_one(*_: Any) -> None:
        said.append(CliRunner().invoke(sysgen, asked))

    monkeypatch.setattr("sysgen_dagster.commands.ui.start_ui", other_one)
    said.append(CliRunner().invoke(sysgen, asked))
    assert [each.exit_code for each in said] == [1, 0]
    assert f"a UI of {tmp_path / 'dagster_home'} runs already" in said[0].output


@pytest.mark.parametrize(
    ("module", "status", "said"),
    [
        ("dagster_webserver", 0, None),
        ("dagster_webserver", 3, "the UI's webserver has ended with status 3"),
        ("a_daemon", -9, "the UI's daemon has ended with status -9"),
        ("dagster", -9, None),  # the code server: Dagster starts another one
    ],
)
def test_a_service_that_was_killed_is_an_error_for_whoever_restarts_the_ui(
    monkeypatch: pytest.MonkeyPatch, module: str, status: int, said: str | None
) -> None:
    def opened(command: list[str], **_: Any) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.CompletedProcess(command, status)

    def dagster_dev(*_: Any, **__: Any) -> None:
        ipc.open_ipc_subprocess([sys.executable, "-m", module, "--port", "1"])
        sys.exit(0)

    monkeypatch.setattr("dagster_shared.ipc.open_ipc_subprocess", opened)
    monkeypatch.setattr("runpy.run_module", dagster_dev)
    monkeypatch.setattr("sys.argv", [])
    with nullcontext() if said is None else pytest.raises(ServiceError, match=said):
        start_ui("127.0.0.1", 3000)


def test_a_ui_in_the_background_of_a_script_ends_at_sigterm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def dagster_dev(*_: Any, **__: Any) -> None:
        setup_interrupt_handlers()
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("dagster_shared.ipc.open_ipc_subprocess", None)
    monkeypatch.setattr("sys.argv", [])
    monkeypatch.setattr("runpy.run_module", dagster_dev)
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell without job control has it
        with pytest.raises(KeyboardInterrupt):
            start_ui("127.0.0.1", 3000)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def test_a_status_of_dagster_s_own_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagster_shared.ipc.open_ipc_subprocess", None)
    monkeypatch.setattr("sys.argv", [])
    monkeypatch.setattr("runpy.run_module", lambda *_, **__: sys.exit(2))
    with pytest.raises(SystemExit, match="2"):
        start_ui("127.0.0.1", 3000)


def test_the_webserver_says_which_of_its_names_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSGEN_ALLOW_HOSTS", "ui.example.org https://gpu-box")
    with pytest.raises(SystemExit, match="SYSGEN_ALLOW_HOSTS: 'https://gpu-box' is no host"):
        run_webserver()


@contextmanager
def running_ui(data: Path) -> Iterator[tuple[str, "subprocess.Popen[Any]"]]:
    """The whole command on a deployment of example rows, as a user starts it."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-c", "from sysgen_dagster.cli import sysgen; sysgen()", "ui"]
    left_out = ("SYSGEN_WORK", "SYSGEN_CATALOG", "DAGSTER_HOME")
    with subprocess.Popen(
        [*command, "--data", str(data), "-p", str(port)],
        env={name: value for name, value in os.environ.items() if name not in left_out},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for(url, process)
            yield url, process
        finally:
            process.send_signal(signal.SIGINT)


@pytest.fixture
def data(tmp_path: Path, _own_environment: None) -> Path:
    begin_deployment(local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS), tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_when_it_ends_nothing_listens_and_no_daemon_is_left(
    data: Path, ended_by: signal.Signals
) -> None:
    with running_ui(data) as (url, process):
        services = services_of(process.pid)
        assert len(services) == 2
        process.send_signal(ended_by)
        assert process.wait(60) == (0 if ended_by is not signal.SIGKILL else -ended_by)
        deadline = time.monotonic() + 60
        while any(map(is_running, services)) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not any(map(is_running, services))
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(url, timeout=5)


def services_of(parent: int) -> list[int]:
    """The webserver and the daemon of one `sysgen ui`."""
    children = Path(f"/proc/{parent}/task").glob("*/children")
    pids = [int(pid) for each in children for pid in each.read_text().split()]
    return [pid for pid in pids if b"commands.service" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def is_running(pid: int) -> bool:
    """Whether there is such a process; one that has ended and was not waited for is none."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
@needs_chromium
def test_our_own_page_shows_the_lineage_starts_a_run_and_follows_it(data: Path) -> None:
    received: list[str] = []
    refused: list[str] = []
    with running_ui(data) as (url, _), opened_chromium() as browser:
        page = browser.new_page()
        page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda frame: received.append(str(frame))),
        )
        page.on("response", lambda got: refused.extend([got.url] * (got.status >= 400)))
        page.goto(f"{url}/asset-groups")
        page.get_by_text("03_sysgen_phases").first.wait_for()

        page.goto(f"{url}/assets/out_of_date")
        page.get_by_role("button", name="Materialize").first.click()
        page.get_by_role("button", name="Confirm").click()
        page.get_by_text("View", exact=True).first.click()
        page.get_by_text("RUN_SUCCESS").first.wait_for(timeout=60_000)

        assert "/runs/" in page.url
        assert any("RunSuccessEvent" in each for each in received)
        assert refused == []
