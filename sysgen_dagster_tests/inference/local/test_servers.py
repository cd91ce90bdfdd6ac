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
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from sysgen_dagster.cli import sysgen
from sysgen_dagster.inference.local.deaths import ServerError, ServerKilledError
from sysgen_dagster.inference.local.servers import LocalServer, stop
from sysgen_dagster.inference.local.vllm import SAYS_KILLED
from sysgen_dagster.processes.state import running
from sysgen_dagster_tests.inference.local_servers import (
    HEALTHY,
    IDLE_S,
    READY_WITHIN_S,
    healthy,
    in_use,
    on_gpu,
)
from sysgen_dagster_tests.inference.processes import (
    CEILING_S,
    Descendants,
    Run,
    kill,
    wait_until,
)

SUPERVISOR = "sysgen_dagster.processes.supervisor"
NOT_HTTP = """
import socketserver, sys
class Speaker(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(65536)
        self.request.sendall(b"SSH-2.0-OpenSSH_9.6\\r\\n\\r\\n")
socketserver.TCPServer(("127.0.0.1", int(sys.argv[1])), Speaker).serve_forever()
"""

# As an operator has them for endpoints, object storage, databases and webhooks.
SECRETS = {
    *("HF_TOKEN", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "VLLM_API_KEY", "LLAMA_API_KEY"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "SYSGEN_POSTGRES_URL"),
    *("SYSGEN_WEBHOOK_URL", "DAGSTER_PG_PASSWORD", "MODEL_KEY", "WANDB_API_KEY", "DATABASE_URL"),
}
Begin = Callable[..., Run]


def start(
    server: LocalServer, folder: Path, report: list[str] | None = None, **waits: float
) -> str:
    """The URL of a server, which answers; it is not in use any more."""
    lines = [] if report is None else report
    with in_use(server, folder, lines.append, **waits) as url:
        assert answers(url)
    return url


def answers(url: str) -> bool:
    try:
        with urlopen(url.removesuffix("/v1") + "/health", timeout=CEILING_S) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def server_ids(descendants: Descendants) -> list[int]:
    """The servers alone, without their supervisors and the runs that use them."""
    return descendants(rf"^\S+ {re.escape(str(HEALTHY))}")


def kinds(report: list[str]) -> list[str]:
    """What was reported, without times and command lines."""
    return [re.split(r":| after| \(", line)[0] for line in report]


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
    assert kinds(report) == ["starting a", "a answers"]
    assert running(folder) == ["a"]


def test_eight_runs_at_once_share_one_server(
    folder: Path, descendants: Descendants, begin: Begin, gate: Path
) -> None:
    slow = healthy("a", "--loads-while", str(gate))
    runs = [begin(slow) for _ in range(8)]
    for run in runs:
        wait_until(lambda run=run: run.output)  # it starts the server, or waits for its turn
    gate.unlink()
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
    changed = healthy("a", "--load-s", "0.1")
    url = start(changed, folder)
    new = server_ids(descendants)
    assert len(new) == 1
    assert new != old
    assert start(changed, folder) == url


def test_a_changed_command_waits_until_no_run_uses_the_server(
    descendants: Descendants, begin: Begin
) -> None:
    old = begin(healthy())
    pids = (old.url, server_ids(descendants))
    new = begin(healthy("a", "--load-s", "0.1"))
    new.wait_for("waiting: a is in use and must end before a")
    assert (old.url, server_ids(descendants)) == pids
    old.end()
    assert new.url != old.url
    assert len(server_ids(descendants)) == 1


def test_a_server_on_the_same_device_replaces_another_and_leaves_the_rest(
    folder: Path, descendants: Descendants
) -> None:
    report: list[str] = []
    kept = [start(healthy("on-no-device"), folder), start(healthy("c", devices=("gpu1",)), folder)]
    ended = start(on_gpu("old"), folder)
    start(on_gpu("new"), folder, report)
    assert report[0] == "ending old, which is not in use, to start new"
    assert running(folder) == ["c", "new", "on-no-device"]
    assert all(map(answers, kept))
    assert not answers(ended)
    assert len(server_ids(descendants)) == 3


def test_the_environment_of_a_server_reaches_it(folder: Path) -> None:
    needs = ("--needs", "SYSGEN_TEST_NEED")
    start(healthy("a", *needs, environment={"SYSGEN_TEST_NEED": "1"}), folder)


def test_a_server_and_its_supervisor_get_no_secret_of_this_process(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, descendants: Descendants
) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "planted-secret")
    monkeypatch.setenv("CUDA_HOME", "/opt/cuda")
    shown = tmp_path / "environment.json"
    server = healthy("a", "--shows-environment", str(shown), environment={"VLLM_X": "1"})
    with in_use(server, folder):
        of_server = json.loads(shown.read_text())
        [supervisor] = descendants(SUPERVISOR)
        of_supervisor = Path(f"/proc/{supervisor}/environ").read_text()
    assert (of_server["CUDA_HOME"], of_server["VLLM_X"]) == ("/opt/cuda", "1")
    assert not SECRETS & of_server.keys()
    assert "planted-secret" not in of_supervisor


def test_a_proxy_of_the_machine_is_not_asked_for_a_server_on_it(
    monkeypatch: pytest.MonkeyPatch, begin: Begin
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert begin(healthy()).url.startswith("http://127.0.0.1:")


# Taking turns on a device


def test_another_model_waits_while_a_run_uses_the_device_and_takes_over_after_it(
    folder: Path, begin: Begin
) -> None:
    a = begin(on_gpu("a"))
    assert answers(a.url)
    b = begin(on_gpu("b"))
    b.wait_for("waiting: a is in use and must end before b (")
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


def test_a_run_that_waits_for_a_device_gets_it_before_one_that_comes_later(begin: Begin) -> None:
    a = begin(on_gpu("a"))
    assert a.url
    b = begin(on_gpu("b"))
    b.wait_for("waiting: a is in use")
    again = begin(on_gpu("a"))
    again.wait_for("waiting: a: another run is starting a server or waits for one to be free")
    a.end()
    assert b.url
    again.wait_for("waiting: b is in use and must end before a")
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
    with pytest.raises(ServerError), in_use(on_gpu("a", "--needs", "NOT_SET"), folder):
        pass
    start(on_gpu("b"), folder)
    start(on_gpu("a"), folder)


def test_a_run_that_fails_does_not_keep_the_device(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), in_use(on_gpu("a"), folder):
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
    folder: Path, descendants: Descendants, begin: Begin, gate: Path
) -> None:
    slow = healthy("a", "--loads-while", str(gate))
    run = begin(slow)
    wait_until(lambda: server_ids(descendants))
    pids = server_ids(descendants)
    run.kill()
    report: list[str] = []
    with ThreadPoolExecutor() as runs:
        waiting = runs.submit(start, slow, folder, report, report_every_s=0.1)
        wait_until(lambda: "a is loading" in kinds(report))
        gate.unlink()
        assert answers(waiting.result(CEILING_S))
    assert server_ids(descendants) == pids
    assert set(kinds(report)) == {"a is loading", "a answers"}


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
    assert set(kinds(report)) <= {"a answers"}


def test_a_server_that_dies_while_it_loads_for_a_killed_run_is_started_again(
    folder: Path, descendants: Descendants, begin: Begin, gate: Path
) -> None:
    slow = healthy("a", "--loads-while", str(gate))
    run = begin(slow)
    wait_until(lambda: server_ids(descendants))
    first = server_ids(descendants)
    run.kill()
    report: list[str] = []
    with ThreadPoolExecutor() as runs:
        waiting = runs.submit(start, slow, folder, report, report_every_s=0.1)
        wait_until(lambda: "a is loading" in kinds(report))
        kill(*first)
        gate.unlink()
        assert answers(waiting.result(CEILING_S))
    assert len(server_ids(descendants)) == 1
    assert [kind for kind in kinds(report) if kind != "a is loading"] == [
        "a ended",
        "starting a",
        "a answers",
    ]


def test_a_server_that_never_gets_ready_for_a_killed_run_is_started_again(
    descendants: Descendants, begin: Begin, gate: Path
) -> None:
    server = ("a", "--loads-while", str(gate))
    run = begin(healthy(*server))
    wait_until(lambda: server_ids(descendants))
    first = server_ids(descendants)
    run.kill()
    impatient = begin(healthy(*server, ready_within_s=0.3))
    impatient.wait_for("a runs but does not answer: ending it\nstarting a")
    gate.unlink()
    assert answers(begin(healthy(*server)).url)
    assert not set(first) & set(server_ids(descendants))


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    """The number of health checks that a server does not answer from now on."""
    silent = tmp_path / "silent"
    silent.write_text("0")
    return silent


def test_a_server_that_hangs_is_ended_and_started_again(
    folder: Path, descendants: Descendants, silent: Path
) -> None:
    server = healthy("a", "--hangs", str(silent))
    start(server, folder)
    hung = server_ids(descendants)
    silent.write_text("3")
    report: list[str] = []
    start(server, folder, report, health_s=0.5)
    assert report[0] == "a runs but does not answer: ending it"
    assert len(server_ids(descendants)) == 1
    assert server_ids(descendants) != hung


def test_a_server_that_answers_only_the_third_health_check_is_kept(
    folder: Path, descendants: Descendants, silent: Path
) -> None:
    server = healthy("a", "--drops", str(silent))
    start(server, folder)
    pids = server_ids(descendants)
    silent.write_text("2")
    start(server, folder)
    assert silent.read_text() == "0"
    assert server_ids(descendants) == pids


# Ends


def test_a_server_ends_when_no_run_has_used_it_for_its_idle_time(
    folder: Path, descendants: Descendants
) -> None:
    started = time.monotonic()
    start(healthy(idle_s=1), folder)
    wait_until(lambda: not running(folder))
    assert time.monotonic() - started > 1
    wait_until(lambda: not descendants())


def test_a_server_is_kept_while_it_is_used_and_ends_after(
    folder: Path, descendants: Descendants
) -> None:
    with in_use(healthy(idle_s=0.1), folder) as url:
        time.sleep(1.2)  # two looks of its supervisor
        assert running(folder) == ["a"]
        assert answers(url)
    wait_until(lambda: not descendants())


def test_a_server_that_is_ending_for_idleness_is_waited_for_and_started_again(
    folder: Path, descendants: Descendants, gate: Path
) -> None:
    options = ("a", "--ends-while", str(gate))
    start(healthy(*options, idle_s=0.1), folder)
    wait_until(lambda: "got SIGTERM" in (folder / "a.log").read_text())
    report: list[str] = []
    with ThreadPoolExecutor() as runs:
        waiting = runs.submit(start, healthy(*options), folder, report)
        wait_until(lambda: report)
        gate.unlink()
        assert answers(waiting.result(CEILING_S))
    assert report[0].startswith("waiting: a is ending, since no run used it")
    assert kinds(report)[-2:] == ["starting a", "a answers"]
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
    start(healthy("a", "--load-s", "1.2", idle_s=0.1), folder)


def test_a_stopped_server_is_gone_when_stop_returns(folder: Path, descendants: Descendants) -> None:
    url = start(healthy(), folder)
    stop(folder, "a")
    assert (folder / "a.log").read_text() == "got SIGTERM\nended by itself\n"
    assert server_ids(descendants) == []
    assert not answers(url)
    assert running(folder) == []


def test_a_server_that_two_end_at_once_is_gone_when_either_returns(
    folder: Path, descendants: Descendants, gate: Path
) -> None:
    start(healthy("a", "--ends-while", str(gate)), folder)

    def end() -> list[int]:
        stop(folder, "a")
        return server_ids(descendants)

    with ThreadPoolExecutor() as ending:
        left = [ending.submit(end) for _ in range(2)]
        wait_until(lambda: "got SIGTERM" in (folder / "a.log").read_text())
        gate.unlink()
        assert [each.result(CEILING_S) for each in left] == [[], []]


def test_a_server_that_does_not_want_to_end_is_killed(
    folder: Path, descendants: Descendants, gate: Path
) -> None:
    start(healthy("a", "--ends-while", str(gate)), folder)
    stop(folder, "a", within_s=0.5)
    wait_until(lambda: not descendants())
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
    with in_use(healthy(), folder) as url:
        wait_until(lambda: not set(old) & set(server_ids(descendants)))
        time.sleep(0.6)  # another look of both supervisors
        assert answers(url)
        assert running(folder) == ["a"]


def test_one_command_ends_every_server_of_a_deployment(
    folder: Path, descendants: Descendants, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(healthy("a"), folder)
    used = begin(healthy("b"))
    assert used.url
    command = ["engines", "--stop", "--data", str(folder.parent)]
    for name in ("SYSGEN_DATA", "SYSGEN_CATALOG", "SYSGEN_WORK", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    shown = [CliRunner().invoke(sysgen, command).output for _ in range(2)]
    assert shown == ["ended a\nended b\n", f"{folder}: no server runs.\n"]
    assert server_ids(descendants) == []


# Starts that fail


@pytest.fixture
def deaths(tmp_path: Path) -> Path:
    """Holds how often a server is killed from now on."""
    return tmp_path / "deaths"


@pytest.mark.parametrize("by", ["SIGKILL", "SIGTERM", "SIGHUP", "SIGABRT", "SIGSEGV"])
def test_a_server_that_is_killed_while_it_loads_is_started_again(
    folder: Path, descendants: Descendants, deaths: Path, by: str
) -> None:
    deaths.write_text("2")
    report: list[str] = []
    server = healthy("a", "--killed", str(deaths), "--by", by)
    start(server, folder, report, restarts=2)
    again = ["starting a", "a ended", "a was killed while it was loading"]
    assert kinds(report) == [*again, *again, "starting a", "a answers"]
    assert len(server_ids(descendants)) == 1


def test_a_server_whose_supervisor_is_killed_while_it_loads_is_started_again(
    folder: Path, descendants: Descendants, gate: Path
) -> None:
    report: list[str] = []
    server = healthy("a", "--loads-while", str(gate))
    with ThreadPoolExecutor() as runs:
        starting = runs.submit(start, server, folder, report, restarts=1)
        wait_until(lambda: server_ids(descendants))
        kill(*descendants(SUPERVISOR))
        gate.unlink()
        assert answers(starting.result(CEILING_S))
    assert kinds(report).count("starting a") == 2


def test_a_server_that_is_killed_every_time_is_not_started_for_ever(
    folder: Path, descendants: Descendants, deaths: Path
) -> None:
    deaths.write_text("99")
    with pytest.raises(ServerKilledError, match="a was killed while it was loading"):
        start(healthy("a", "--killed", str(deaths)), folder, restarts=3)
    assert deaths.read_text() == "95"
    wait_until(lambda: not descendants())
    start(healthy("b"), folder)  # and does not keep its place


def test_a_server_whose_own_process_was_killed_while_it_loaded_is_started_again(
    folder: Path, tmp_path: Path
) -> None:
    """As vLLM ends, with an error, when the process of its engine is killed."""
    once = tmp_path / "once"
    script = f"""
import sys, pathlib, runpy
once = pathlib.Path({str(once)!r})
if not once.exists():
    once.touch()
    sys.exit("RuntimeError: Engine core initialization failed. See root cause above. "
             "Failed core proc(s): {{'EngineCore_0': -9}}")
sys.argv = ["", *sys.argv[1:]]
runpy.run_path({str(HEALTHY)!r}, run_name="__main__")
"""
    command = [sys.executable, "-c", script]
    server = LocalServer("a", command, READY_WITHIN_S, IDLE_S, says_killed=SAYS_KILLED)
    start(server, folder, restarts=1)


def test_a_server_that_dies_shows_the_end_of_its_log_and_is_not_started_again(
    folder: Path, descendants: Descendants
) -> None:
    report: list[str] = []
    with pytest.raises(ServerError) as error:
        start(healthy("a", "--needs", "SYSGEN_TEST_NEED"), folder, report, restarts=5)
    assert kinds(report) == ["starting a", "a ended"]  # not: is not ready
    assert str(error.value).startswith("a did not start")
    assert f"The end of {folder / 'a.log'}" in str(error.value)
    assert "out of memory: SYSGEN_TEST_NEED is not set" in str(error.value)
    wait_until(lambda: not descendants())


def test_the_log_of_the_server_before_is_kept(folder: Path) -> None:
    with pytest.raises(ServerError):
        start(healthy("qwen2.5", "--needs", "SYSGEN_TEST_NEED"), folder)
    start(healthy("qwen2.5"), folder)
    assert "out of memory" in (folder / "qwen2.5.previous.log").read_text()
    assert (folder / "qwen2.5.log").read_text() == ""


def test_a_command_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(ServerError, match="No such file or directory: '/no/such/vllm'"):
        start(LocalServer("a", ["/no/such/vllm"], READY_WITHIN_S, IDLE_S), folder)
    assert running(folder) == []


def test_a_server_that_does_not_answer_in_time_is_ended(
    folder: Path, descendants: Descendants, gate: Path
) -> None:
    report: list[str] = []
    with pytest.raises(ServerError, match="a did not start"):
        start(healthy("a", "--loads-while", str(gate), ready_within_s=0.5), folder, report)
    assert kinds(report) == ["starting a", "a is not ready"]
    wait_until(lambda: not descendants())


def test_what_does_not_speak_http_is_no_server(folder: Path, descendants: Descendants) -> None:
    with pytest.raises(ServerError, match="a did not start"):
        start(LocalServer("a", [sys.executable, "-c", NOT_HTTP], 1, IDLE_S), folder)
    wait_until(lambda: not descendants())


def test_a_run_that_waits_for_a_server_reports_that_it_loads(folder: Path, gate: Path) -> None:
    report: list[str] = []
    slow = healthy("a", "--loads-while", str(gate))
    with ThreadPoolExecutor() as runs:
        waiting = runs.submit(start, slow, folder, report, report_every_s=0.1)
        wait_until(lambda: kinds(report).count("a is loading") > 1)
        gate.unlink()
        assert answers(waiting.result(CEILING_S))
    assert re.fullmatch(r"a is loading \(\d+ s so far\)", report[1])


# State files


def test_a_state_file_without_a_supervisor_is_ignored(
    folder: Path, descendants: Descendants
) -> None:
    bystander = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        folder.mkdir()
        stale = {"port": 9, "command": healthy().command, "device": "gpu0", "pid": bystander.pid}
        for name in ("a", "b"):
            (folder / f"{name}.json").write_text(json.dumps(stale))
        assert running(folder) == []
        stop(folder, "b")
        start(healthy(devices=("gpu0",)), folder)
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
    try:
        urls = {start(healthy(), folder), start(healthy(), other)}
        assert len(urls) == 2
    finally:
        stop(other, "a")
    assert running(folder) == ["a"]
    assert len(server_ids(descendants)) == 1


def test_a_run_that_started_a_server_is_warned_of_no_child_that_still_runs(
    folder: Path, begin: Begin
) -> None:
    run = begin(healthy())
    assert run.url
    run.end()
    assert "Warning" not in run.output
    assert running(folder) == ["a"]
