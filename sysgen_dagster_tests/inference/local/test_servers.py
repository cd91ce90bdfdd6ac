"""Servers that outlive what started them, as real processes that are really killed."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from sysgen_dagster.inference.local import servers, state
from sysgen_dagster.inference.local.servers import LocalServer, ServerError, in_use, stop
from sysgen_dagster.inference.local.state import running
from sysgen_dagster_tests.inference.processes import Descendants, Run, kill, wait_until

HEALTHY = Path(__file__).parents[1] / "healthy_server.py"
SUPERVISOR = "sysgen_dagster.inference.local.supervisor"
NOT_HTTP = """
import socketserver, sys
class Speaker(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(65536)
        self.request.sendall(b"SSH-2.0-OpenSSH_9.6\\r\\n\\r\\n")
socketserver.TCPServer(("127.0.0.1", int(sys.argv[1])), Speaker).serve_forever()
"""

Begin = Callable[[LocalServer], Run]


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(state, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(servers, "_FIRST_TELL_S", 0.1)


def healthy(
    name: str = "a", *options: str, idle_s: float = 60, ready_within_s: float = 20, **fields: Any
) -> LocalServer:
    """A server that starts fast."""
    command = [sys.executable, str(HEALTHY), *options]
    return LocalServer(name, command, ready_within_s, idle_s, **fields)


def on_gpu(name: str, *options: str) -> LocalServer:
    return healthy(name, *options, device="gpu0")


def start(server: LocalServer, folder: Path, report: list[str] | None = None) -> str:
    """The URL of a server, which answers; it is not in use any more."""
    lines = [] if report is None else report
    with in_use(server, folder, lines.append) as url:
        assert answers(url)
    return url


def answers(url: str) -> bool:
    try:
        with urlopen(url.removesuffix("/v1") + "/health", timeout=10) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def server_ids(descendants: Descendants) -> list[int]:
    """The servers alone, without their supervisors and the runs that use them."""
    return descendants(rf"^\S+ {re.escape(str(HEALTHY))}")


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


def test_eight_runs_at_once_share_one_server(
    folder: Path, descendants: Descendants, begin: Begin
) -> None:
    slow = healthy("a", "--load-s", "0.5")
    runs = [begin(slow) for _ in range(8)]
    assert {run.url for run in runs} == {start(slow, folder)}
    assert len(server_ids(descendants)) == 1


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


def test_a_changed_command_waits_until_nobody_uses_the_server(
    descendants: Descendants, begin: Begin
) -> None:
    old = begin(healthy())
    pids = (old.url, server_ids(descendants))
    new = begin(healthy("a", "--load-s", "0.1"))
    new.wait_for("waiting: a is in use and stands where a is to run")
    assert (old.url, server_ids(descendants)) == pids
    old.end()
    assert new.url != old.url
    assert len(server_ids(descendants)) == 1


def test_a_server_on_the_same_device_replaces_another_and_leaves_the_rest(
    folder: Path, descendants: Descendants
) -> None:
    report: list[str] = []
    kept = [start(healthy("on-no-device"), folder), start(healthy("c", device="gpu1"), folder)]
    ended = start(on_gpu("old", "--end-s", "0.5"), folder)
    start(on_gpu("new"), folder, report)
    assert report[0] == "ending old, which is not in use and stands where new is to run"
    assert running(folder) == ["c", "new", "on-no-device"]
    assert all(map(answers, kept))
    assert not answers(ended)
    assert len(server_ids(descendants)) == 3


def test_the_environment_of_a_server_reaches_it(folder: Path) -> None:
    needs = ("--needs", "SYSGEN_TEST_NEED")
    start(healthy("a", *needs, environment={"SYSGEN_TEST_NEED": "1"}), folder)


def test_a_proxy_of_the_machine_is_not_asked_for_a_server_on_it(
    monkeypatch: pytest.MonkeyPatch, begin: Begin
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert begin(healthy(ready_within_s=5)).url.startswith("http://127.0.0.1:")


# Taking turns on a device


def test_another_model_waits_while_a_run_uses_the_device_and_takes_over_after_it(
    folder: Path, begin: Begin
) -> None:
    a = begin(on_gpu("a"))
    assert answers(a.url)
    b = begin(on_gpu("b"))
    b.wait_for("waiting: a is in use and stands where b is to run (0 s so far)")
    time.sleep(0.5)
    assert answers(a.url)
    assert not b.has_url
    a.end()
    assert answers(b.url)
    assert not answers(a.url)
    assert running(folder) == ["b"]
    b.end()
    start(on_gpu("a"), folder)
    assert running(folder) == ["a"]


def test_another_model_waits_for_all_runs_that_share_the_one_on_the_device(
    descendants: Descendants, begin: Begin
) -> None:
    first, second = begin(on_gpu("a")), begin(on_gpu("a"))
    assert first.url == second.url
    assert len(server_ids(descendants)) == 1
    b = begin(on_gpu("b"))
    for run in (first, second):
        b.wait_for("waiting: a is in use")
        time.sleep(0.3)
        assert not b.has_url
        assert answers(run.url)
        run.end()
    assert answers(b.url)


def test_who_waits_for_a_device_gets_it_before_who_comes_later(begin: Begin) -> None:
    a = begin(on_gpu("a"))
    assert a.url
    b = begin(on_gpu("b"))
    b.wait_for("waiting: a is in use")
    again = begin(on_gpu("a"))
    again.wait_for("waiting: a: another run is starting a server or waits for one to be free")
    a.end()
    assert b.url
    again.wait_for("waiting: b is in use and stands where a is to run")
    b.end()
    assert again.url


def test_a_run_that_was_killed_does_not_keep_the_device(begin: Begin) -> None:
    a = begin(on_gpu("a"))
    assert a.url
    b = begin(on_gpu("b"))
    b.wait_for("waiting: a is in use")
    a.kill()
    assert answers(b.url)


def test_a_run_that_was_killed_while_it_waited_does_not_keep_its_turn(begin: Begin) -> None:
    a = begin(on_gpu("a"))
    assert a.url
    b = begin(on_gpu("b"))
    b.wait_for("waiting: a is in use")
    b.kill()
    assert begin(on_gpu("a")).url == a.url


def test_a_run_whose_server_did_not_start_does_not_keep_the_device(folder: Path) -> None:
    with pytest.raises(ServerError), in_use(on_gpu("a", "--needs", "NOT_SET"), folder, print):
        pass
    start(on_gpu("b"), folder)
    start(on_gpu("a"), folder)


def test_a_run_that_fails_does_not_keep_the_device(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), in_use(on_gpu("a"), folder, print):
        raise ZeroDivisionError
    start(on_gpu("b"), folder)


def test_two_models_take_turns_on_a_device_and_no_two_are_there_at_once(
    folder: Path, descendants: Descendants
) -> None:
    most = []

    def run(number: int) -> None:
        with in_use(on_gpu("ab"[number % 2]), folder, lambda _: None) as url:
            assert answers(url)
            most.append(len(server_ids(descendants)))

    with ThreadPoolExecutor(6) as runs:
        list(runs.map(run, range(6)))
    assert most == [1] * 6


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


def test_a_server_outlives_the_run_that_started_it(
    folder: Path, descendants: Descendants, begin: Begin
) -> None:
    run = begin(healthy())
    assert run.url
    pids = server_ids(descendants)
    run.kill()
    assert start(healthy(), folder) == run.url
    assert server_ids(descendants) == pids
    stop(folder, "a")
    assert server_ids(descendants) == []


def test_a_server_whose_run_was_killed_while_it_loaded_is_waited_for(
    folder: Path, descendants: Descendants, begin: Begin
) -> None:
    slow = healthy("a", "--load-s", "1")
    run = begin(slow)
    wait_until(lambda: server_ids(descendants))
    pids = server_ids(descendants)
    run.kill()
    report: list[str] = []
    start(slow, folder, report)
    assert server_ids(descendants) == pids
    assert [line.split(" after")[0] for line in report] == ["a answers"]


def test_a_run_that_is_killed_as_it_starts_a_server_leaves_one_that_is_found(
    folder: Path, descendants: Descendants, begin: Begin
) -> None:
    """However early: the supervisor may not have come to run yet."""
    run = begin(healthy())
    run.wait_for("starting a")
    run.kill()
    report: list[str] = []
    start(healthy(), folder, report)
    assert len(server_ids(descendants)) == 1
    assert [line.split(" after")[0] for line in report] == ["a answers"]


def test_a_server_that_dies_while_it_loads_for_a_killed_run_is_started_again(
    folder: Path, descendants: Descendants, begin: Begin
) -> None:
    slow = healthy("a", "--load-s", "1")
    run = begin(slow)
    wait_until(lambda: server_ids(descendants))
    first = server_ids(descendants)
    run.kill()
    with ThreadPoolExecutor() as runs:
        report: list[str] = []
        waiting = runs.submit(start, slow, folder, report)
        time.sleep(0.3)
        kill(*first)
        assert answers(waiting.result())
    assert len(server_ids(descendants)) == 1
    assert report[0].startswith("a ended")


def test_a_server_that_never_gets_ready_for_a_killed_run_is_started_again(
    folder: Path, descendants: Descendants, begin: Begin, tmp_path: Path
) -> None:
    hangs = tmp_path / "hangs"
    hangs.write_text("1000")
    server = healthy("a", "--hangs", str(hangs), ready_within_s=2)
    run = begin(server)
    wait_until(lambda: server_ids(descendants))
    first = server_ids(descendants)
    run.kill()
    hangs.write_text("1000")
    waits = begin(server)
    waits.wait_for("a runs but does not answer: ending it")
    hangs.write_text("0")
    assert answers(waits.url)
    assert not set(first) & set(server_ids(descendants))


@pytest.fixture
def hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The number of requests at which a server hangs from now on; we wait a moment for each."""
    monkeypatch.setattr(servers, "_ANSWERS_WITHIN_S", 0.5)
    hangs = tmp_path / "hangs"
    hangs.write_text("0")
    return hangs


def test_a_server_that_hangs_is_ended_and_started_again(
    folder: Path, descendants: Descendants, hangs: Path
) -> None:
    server = healthy("a", "--hangs", str(hangs))
    start(server, folder)
    hung = server_ids(descendants)
    hangs.write_text("3")
    report: list[str] = []
    start(server, folder, report)
    assert report[0] == "a runs but does not answer: ending it"
    assert len(server_ids(descendants)) == 1
    assert server_ids(descendants) != hung


def test_a_server_that_is_slow_to_say_that_it_is_well_is_kept(
    folder: Path, descendants: Descendants, hangs: Path
) -> None:
    server = healthy("a", "--hangs", str(hangs))
    start(server, folder)
    pids = server_ids(descendants)
    hangs.write_text("2")
    start(server, folder)
    assert hangs.read_text() == "0"
    assert server_ids(descendants) == pids


# Ends


def test_a_server_ends_when_nobody_has_used_it_for_its_idle_time(
    folder: Path, descendants: Descendants
) -> None:
    start(healthy(idle_s=1), folder)
    started = time.monotonic()
    wait_until(lambda: not running(folder))
    assert time.monotonic() - started > 0.5
    wait_until(lambda: not descendants())


def test_a_server_is_kept_while_it_is_used_and_ends_after(
    folder: Path, descendants: Descendants
) -> None:
    with in_use(healthy(idle_s=0.5), folder, print) as url:
        time.sleep(2)
        assert running(folder) == ["a"]
        assert answers(url)
    wait_until(lambda: not descendants())


def test_a_server_that_is_ending_for_idleness_is_waited_for_and_started_again(
    folder: Path, descendants: Descendants
) -> None:
    start(healthy("a", "--end-s", "0.7", idle_s=0.1), folder)
    wait_until(lambda: "told to end" in (folder / "a.log").read_text())
    report: list[str] = []
    start(healthy("a", "--end-s", "0.7", idle_s=0.1), folder, report)
    assert report[0].startswith("waiting: a is ending, nobody used it")
    assert report[-1].startswith("a answers after")
    assert len(server_ids(descendants)) == 1


def test_a_server_that_a_killed_run_used_ends_after_its_idle_time(
    folder: Path, descendants: Descendants, begin: Begin
) -> None:
    run = begin(healthy(idle_s=0.5))
    assert run.url
    run.kill()
    wait_until(lambda: not descendants())
    assert running(folder) == []


def test_a_server_that_loads_for_longer_than_its_idle_time_is_waited_for(folder: Path) -> None:
    start(healthy("a", "--load-s", "1.7", idle_s=0.5), folder)


def test_a_stopped_server_is_gone_when_stop_returns(folder: Path, descendants: Descendants) -> None:
    url = start(healthy("a", "--end-s", "0.5"), folder)
    stop(folder, "a")
    assert (folder / "a.log").read_text() == "told to end\nended by itself\n"
    assert server_ids(descendants) == []
    assert not answers(url)
    assert running(folder) == []


def test_a_server_that_two_end_at_once_is_gone_when_either_returns(
    folder: Path, descendants: Descendants
) -> None:
    start(healthy("a", "--end-s", "1"), folder)
    left = []

    def end(after_s: float) -> None:
        time.sleep(after_s)
        stop(folder, "a")
        left.append(server_ids(descendants))

    with ThreadPoolExecutor() as ending:
        list(ending.map(end, (0, 0.3)))
    assert left == [[], []]


def test_a_server_that_does_not_want_to_end_is_killed(
    folder: Path, descendants: Descendants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_END_WITHIN_S", 0.5)
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


def test_a_server_whose_folder_is_removed_and_made_again_ends_and_another_is_used(
    folder: Path, descendants: Descendants
) -> None:
    start(healthy(), folder)
    old = server_ids(descendants)
    shutil.rmtree(folder)
    with in_use(healthy(), folder, print) as url:
        wait_until(lambda: not set(old) & set(server_ids(descendants)))
        time.sleep(0.6)  # another look of both supervisors
        assert answers(url)
        assert running(folder) == ["a"]


def test_one_command_ends_every_server_of_a_deployment(
    folder: Path, descendants: Descendants, begin: Begin
) -> None:
    start(healthy("a"), folder)
    used = begin(healthy("b"))
    assert used.url
    command = [sys.executable, "-m", "sysgen_dagster.inference.local.servers", str(folder)]
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
    began = time.monotonic()
    with pytest.raises(ServerError) as error:
        start(healthy("a", "--needs", "SYSGEN_TEST_NEED"), folder)
    assert time.monotonic() - began < 10  # not as long as a server may load
    assert str(error.value).startswith("a did not start")
    assert f"The end of {folder / 'a.log'}" in str(error.value)
    assert "out of memory: SYSGEN_TEST_NEED is not set" in str(error.value)
    assert descendants() == []


def test_the_log_of_the_server_before_is_kept(folder: Path) -> None:
    with pytest.raises(ServerError):
        start(healthy("qwen2.5", "--needs", "SYSGEN_TEST_NEED"), folder)
    start(healthy("qwen2.5"), folder)
    assert "out of memory" in (folder / "qwen2.5.previous.log").read_text()
    assert (folder / "qwen2.5.log").read_text() == ""


def test_a_command_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(ServerError, match="No such file or directory: '/no/such/vllm'"):
        start(LocalServer("a", ["/no/such/vllm"], 20, 60), folder)
    assert running(folder) == []


def test_a_server_that_does_not_answer_in_time_is_given_up_and_ended(
    folder: Path, descendants: Descendants
) -> None:
    with pytest.raises(ServerError, match="a did not start"):
        start(healthy("a", "--load-s", "60", ready_within_s=0.5), folder)
    wait_until(lambda: not descendants(), within_s=2)


def test_what_does_not_speak_http_is_no_server(folder: Path, descendants: Descendants) -> None:
    with pytest.raises(ServerError, match="a did not start"):
        start(LocalServer("a", [sys.executable, "-c", NOT_HTTP], 1, 60), folder)
    wait_until(lambda: not descendants(), within_s=2)


def test_whoever_waits_for_a_server_is_told_that_it_loads(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_TELL_EVERY_S", 0.1)
    report: list[str] = []
    start(healthy("a", "--load-s", "1"), folder, report)
    assert "a is loading, 0 s so far" in report


# State files


def test_a_state_file_that_nobody_holds_is_ignored(folder: Path, descendants: Descendants) -> None:
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        folder.mkdir()
        stale = {"port": 9, "command": healthy().command, "device": "gpu0", "pid": bystander.pid}
        for name in ("a", "b"):
            (folder / f"{name}.json").write_text(json.dumps(stale))
        assert running(folder) == []
        stop(folder, "b")
        start(healthy(device="gpu0"), folder)
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
