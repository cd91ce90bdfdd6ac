"""Servers that outlive what started them, as real processes that are really killed."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from sysgen_dagster.inference import server_process
from sysgen_dagster.inference.server_process import (
    Server,
    ServerError,
    find_or_start,
    renew_lease,
    running,
    stop,
)
from sysgen_dagster_tests.inference.processes import Descendants, kill, wait_until

HEALTHY = Path(__file__).with_name("healthy_server.py")
SUPERVISOR = "sysgen_dagster.inference.supervisor"

# Arguments: folder, command as JSON. Says the URL and stays.
STARTER = """
import json, sys, time
from pathlib import Path
from sysgen_dagster.inference.server_process import Server, find_or_start
command = json.loads(sys.argv[2])
print(find_or_start(Server("a", command, 20, 60), Path(sys.argv[1]), lambda _: None), flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_process, "_LOOK_EVERY_S", 0.02)


def healthy(
    name: str = "a", *options: str, idle_s: float = 60, ready_within_s: float = 20, **fields: Any
) -> Server:
    """A server that starts fast."""
    command = [sys.executable, str(HEALTHY), *options]
    return Server(name, command, ready_within_s, idle_s, **fields)


def start(server: Server, folder: Path, report: list[str] | None = None) -> str:
    """The URL of a server, which answers."""
    lines = [] if report is None else report
    url = find_or_start(server, folder, lines.append)
    assert answers(url)
    return url


def answers(url: str) -> bool:
    try:
        with urlopen(url.removesuffix("/v1") + "/health", timeout=10) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def server_ids(descendants: Descendants) -> list[int]:
    """The servers alone, without their supervisors and starters."""
    return descendants(rf"^\S+ {re.escape(str(HEALTHY))}")


def start_elsewhere(server: Server, folder: Path) -> subprocess.Popen[str]:
    """A process that finds or starts the server, says its URL, and stays."""
    command = [sys.executable, "-c", STARTER, str(folder), json.dumps(server.command)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def end_all(processes: Sequence[subprocess.Popen[str]]) -> None:
    for process in processes:
        process.kill()
        process.communicate()


# Finding and sharing


def test_the_first_call_starts_a_server_and_the_second_finds_it(
    folder: Path, descendants: Descendants
) -> None:
    report: list[str] = []
    url = start(healthy(), folder, report)
    pids = server_ids(descendants)
    assert start(healthy(), folder, report) == url
    assert server_ids(descendants) == pids
    assert len(pids) == 1
    assert [line.split(":")[0].split(" after")[0] for line in report] == ["starting a", "a answers"]
    assert running(folder) == ["a"]


def test_eight_processes_at_once_share_one_server(folder: Path, descendants: Descendants) -> None:
    starters = [start_elsewhere(healthy("a", "--load-s", "0.5"), folder) for _ in range(8)]
    try:
        urls = {starter.stdout.readline() for starter in starters if starter.stdout}
        assert len(urls) == 1
        assert urls == {start(healthy("a", "--load-s", "0.5"), folder) + "\n"}
        assert len(server_ids(descendants)) == 1
    finally:
        end_all(starters)


def test_servers_of_different_names_run_side_by_side(
    folder: Path, descendants: Descendants
) -> None:
    urls = {start(healthy(name), folder) for name in ("a", "vllm-qwen2.5-14b")}
    assert len(urls) == len(server_ids(descendants)) == 2
    assert running(folder) == ["a", "vllm-qwen2.5-14b"]


def test_a_changed_command_replaces_the_server(folder: Path, descendants: Descendants) -> None:
    start(healthy(), folder)
    old = server_ids(descendants)
    url = start(healthy("a", "--load-s", "0.1"), folder)
    new = server_ids(descendants)
    assert len(new) == 1
    assert new != old
    assert start(healthy("a", "--load-s", "0.1"), folder) == url


def test_a_server_on_the_same_device_replaces_another_and_leaves_the_rest(
    folder: Path, descendants: Descendants
) -> None:
    report: list[str] = []
    kept = [start(healthy("on-no-device"), folder), start(healthy("c", device="gpu1"), folder)]
    ended = start(healthy("old", "--end-s", "0.5", device="gpu"), folder)
    start(healthy("new", device="gpu"), folder, report)
    assert report[0] == "ending old, which holds gpu"
    assert running(folder) == ["c", "new", "on-no-device"]
    assert all(map(answers, kept))
    assert not answers(ended)
    assert len(server_ids(descendants)) == 3


def test_the_environment_of_a_server_reaches_it(folder: Path) -> None:
    needs = ("--needs", "SYSGEN_TEST_NEED")
    start(healthy("a", *needs, environment={"SYSGEN_TEST_NEED": "1"}), folder)


def test_a_proxy_of_the_machine_is_not_asked_for_a_server_on_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    starter = start_elsewhere(healthy(ready_within_s=5), folder)
    try:
        assert starter.stdout is not None
        assert starter.stdout.readline().startswith("http://127.0.0.1:")
    finally:
        end_all([starter])


# Deaths


def test_a_server_that_was_killed_is_started_again(folder: Path, descendants: Descendants) -> None:
    start(healthy(), folder)
    killed = server_ids(descendants)
    kill(*killed)
    start(healthy(), folder)
    assert len(server_ids(descendants)) == 1
    assert server_ids(descendants) != killed


def test_a_server_dies_with_its_supervisor_and_is_started_again(
    folder: Path, descendants: Descendants
) -> None:
    start(healthy(), folder)
    kill(*descendants(SUPERVISOR))
    wait_until(lambda: not descendants())
    assert running(folder) == []
    start(healthy(), folder)
    assert len(server_ids(descendants)) == 1


def test_a_server_outlives_the_process_that_started_it(
    folder: Path, descendants: Descendants
) -> None:
    starter = start_elsewhere(healthy(), folder)
    assert starter.stdout is not None
    url = starter.stdout.readline().strip()
    pids = server_ids(descendants)
    end_all([starter])
    assert start(healthy(), folder) == url
    assert server_ids(descendants) == pids
    stop(folder, "a")
    assert server_ids(descendants) == []


def test_a_server_whose_starter_was_killed_while_it_loaded_is_replaced(
    folder: Path, descendants: Descendants
) -> None:
    slow = healthy("a", "--load-s", "1")
    starter = start_elsewhere(slow, folder)
    wait_until(lambda: server_ids(descendants))
    end_all([starter])
    start(slow, folder)
    assert len(server_ids(descendants)) == 1


# Ends


def test_a_server_ends_when_nobody_has_used_it_for_its_idle_time(
    folder: Path, descendants: Descendants
) -> None:
    start(healthy(idle_s=1), folder)
    started = time.monotonic()
    wait_until(lambda: not running(folder))
    assert time.monotonic() - started > 0.5
    wait_until(lambda: not descendants())


def test_a_server_that_is_used_is_kept(folder: Path, descendants: Descendants) -> None:
    url = start(healthy(idle_s=1), folder)
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        renew_lease(folder, "a")
        time.sleep(0.05)
    assert running(folder) == ["a"]
    assert answers(url)
    wait_until(lambda: not descendants())


def test_finding_a_server_is_using_it(folder: Path) -> None:
    start(healthy(), folder)
    lease = folder / "a.lease"
    os.utime(lease, (0, time.time() - 50))
    start(healthy(), folder)
    assert time.time() - lease.stat().st_mtime < 20


def test_a_server_that_loads_for_longer_than_its_idle_time_is_waited_for(folder: Path) -> None:
    start(healthy("a", "--load-s", "2.2", idle_s=1), folder)


def test_a_stopped_server_is_gone_when_stop_returns(folder: Path, descendants: Descendants) -> None:
    url = start(healthy("a", "--end-s", "0.5"), folder)
    stop(folder, "a")
    assert server_ids(descendants) == []
    assert not answers(url)
    assert running(folder) == []


def test_a_server_that_does_not_want_to_end_is_killed(
    folder: Path, descendants: Descendants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_process, "_END_WITHIN_S", 0.5)
    start(healthy("a", "--end-s", "60"), folder)
    stop(folder, "a")
    wait_until(lambda: not descendants(), within_s=2)
    assert running(folder) == []


def test_stopping_what_does_not_run_does_nothing(folder: Path) -> None:
    stop(folder, "a")
    start(healthy(), folder)
    for _ in range(2):
        stop(folder, "a")
    stop(folder, "b")


def test_a_server_whose_folder_is_removed_ends(folder: Path, descendants: Descendants) -> None:
    start(healthy(), folder)
    shutil.rmtree(folder)
    wait_until(lambda: not descendants())


def test_one_command_ends_every_server_of_a_deployment(
    folder: Path, descendants: Descendants
) -> None:
    for name in ("a", "b"):
        start(healthy(name), folder)
    command = [sys.executable, "-m", "sysgen_dagster.inference.server_process", str(folder)]
    said = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        for _ in range(2)
    ]
    assert said == [f"{folder}: ended a, b", f"{folder}: ended nothing, none was running"]
    assert server_ids(descendants) == []


# Starts that fail


def test_a_server_that_dies_shows_the_end_of_its_log(
    folder: Path, descendants: Descendants
) -> None:
    with pytest.raises(ServerError) as error:
        start(healthy("a", "--needs", "SYSGEN_TEST_NEED"), folder)
    assert str(error.value).startswith("a did not start")
    assert f"The end of {folder / 'a.log'}" in str(error.value)
    assert "out of memory: SYSGEN_TEST_NEED is not set" in str(error.value)
    assert descendants() == []


def test_a_command_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(ServerError, match="No such file or directory: '/no/such/vllm'"):
        start(Server("a", ["/no/such/vllm"], 20, 60), folder)
    assert running(folder) == []


def test_a_server_that_does_not_answer_in_time_is_given_up_and_ended(
    folder: Path, descendants: Descendants
) -> None:
    with pytest.raises(ServerError, match="a did not start"):
        start(healthy("a", "--load-s", "60", ready_within_s=0.5), folder)
    wait_until(lambda: not descendants(), within_s=2)


def test_whoever_waits_for_a_server_is_told_that_it_loads(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_process, "_TELL_EVERY_S", 0.1)
    report: list[str] = []
    start(healthy("a", "--load-s", "1"), folder, report)
    assert "a is loading, 0 s so far" in report


# State files


def test_a_state_file_that_nobody_holds_is_ignored(folder: Path, descendants: Descendants) -> None:
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        folder.mkdir()
        stale = {"port": 9, "command": healthy().command, "device": "gpu", "pid": bystander.pid}
        for name in ("a", "b"):
            (folder / f"{name}.json").write_text(json.dumps(stale))
        assert running(folder) == []
        stop(folder, "b")
        start(healthy(device="gpu"), folder)
        assert running(folder) == ["a"]
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    assert len(server_ids(descendants)) == 1


@pytest.mark.parametrize("content", ["", "{", "null", "garbage"])
def test_a_state_file_that_was_cut_off_is_ignored(folder: Path, content: str) -> None:
    folder.mkdir()
    (folder / "a.json").write_text(content)
    start(healthy(), folder)
    assert running(folder) == ["a"]


def test_a_second_deployment_has_servers_of_its_own(
    folder: Path, tmp_path: Path, descendants: Descendants
) -> None:
    other = tmp_path / "other"
    urls = {start(healthy(), folder), start(healthy(), other)}
    assert len(urls) == 2
    stop(other, "a")
    assert running(folder) == ["a"]
    assert len(server_ids(descendants)) == 1
