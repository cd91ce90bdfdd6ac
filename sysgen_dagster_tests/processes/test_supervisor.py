"""The supervisor as the process it is."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import IO

import pytest

from sysgen_dagster.processes.state import running
from sysgen_dagster.processes.supervisor import exit_status
from sysgen_dagster_tests.inference.processes import CEILING_S, Descendants, kill, wait_until

# As the module's own command line, with the grace time as one more argument before the command.
SUPERVISOR = """
import json, os, sys
from pathlib import Path
from sysgen_dagster.processes.supervisor import Ending, main
state, fd, record, idle_s, grace_s, *command = sys.argv[1:]
ending = Ending(float(idle_s), float(grace_s), float(grace_s), look_every_s=0.05)
sys.exit(main(Path(state), os.fdopen(int(fd), "w"), json.loads(record), ending, command))
"""
# Prints that it is ready and that it got SIGTERM, and ends after the time that it is given.
SERVER = """
import signal, sys, time
def end(*_):
    print("got SIGTERM", flush=True)
    time.sleep(float(sys.argv[1]))
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(600)
"""
ONLY_THE_SERVER = r"^\S+ -c\s+import signal"
NEVER_S = 600.0  # as good as never: a test that waits for it hangs


@contextmanager
def supervising(
    state: Path, *command: str, idle_s: float = NEVER_S, grace_s: float = NEVER_S
) -> Iterator[subprocess.Popen[bytes]]:
    """A supervisor of the command, whose output goes to `log` beside the state file."""
    with state.open("w") as held, log_of(state).open("wb") as log:
        fcntl.flock(held, fcntl.LOCK_EX)
        arguments = [str(state), str(held.fileno()), '{"port": 1234}', str(idle_s), str(grace_s)]
        supervisor = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, *arguments, *command],
            stdout=log,
            pass_fds=[held.fileno()],
            start_new_session=True,
        )
    try:
        yield supervisor
    finally:
        supervisor.kill()
        supervisor.wait()


def log_of(state: Path) -> Path:
    return state.with_suffix(".log")


def wait_for(state: Path, words: str) -> None:
    wait_until(lambda: words in log_of(state).read_text())


def server(end_s: float = 0) -> list[str]:
    return [sys.executable, "-c", SERVER, str(end_s)]


def server_with_an_engine(end_s: float) -> list[str]:
    """As vLLM is: what works is a process of its own."""
    return [sys.executable, "-c", f"import subprocess; subprocess.run({server(end_s)!r})"]


def is_locked(state: Path) -> bool:
    with state.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def using(state: Path) -> IO[str]:
    """Uses the server until it is closed."""
    users = state.with_suffix(".users").open("a+")
    fcntl.flock(users, fcntl.LOCK_SH)
    return users


@pytest.fixture
def state(folder: Path) -> Path:
    folder.mkdir()
    return folder / "vllm-qwen2.5-14b.json"


def test_it_writes_its_record_and_holds_a_lock_on_it_while_it_lives(state: Path) -> None:
    with supervising(state, *server()) as supervisor:
        wait_for(state, "ready")
        assert json.loads(state.read_text()) == {"port": 1234, "pid": supervisor.pid}
        assert is_locked(state)
        assert running(state.parent) == ["vllm-qwen2.5-14b"]
        supervisor.kill()
        supervisor.wait()
        assert running(state.parent) == []


def test_it_ends_its_server_and_takes_its_record_back_at_sigterm(
    state: Path, descendants: Descendants
) -> None:
    with supervising(state, *server()) as supervisor:
        wait_for(state, "ready")
        supervisor.terminate()
        assert supervisor.wait(CEILING_S) == 0
    assert "got SIGTERM" in log_of(state).read_text()
    assert not state.exists()
    assert descendants() == []


def test_its_record_stands_until_the_server_is_gone(state: Path, descendants: Descendants) -> None:
    with supervising(state, *server(end_s=0.5)) as supervisor:
        wait_for(state, "ready")
        supervisor.terminate()
        wait_until(lambda: not state.exists())
        assert descendants(ONLY_THE_SERVER) == []
        assert supervisor.wait(CEILING_S) == 0


@pytest.mark.parametrize("status", [0, 3])
def test_it_ends_with_the_status_of_a_server_that_ended_by_itself(state: Path, status: int) -> None:
    with supervising(state, sys.executable, "-c", f"raise SystemExit({status})") as supervisor:
        assert supervisor.wait(CEILING_S) == status
    assert not state.exists()


def test_it_fails_where_there_is_no_such_command(
    state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with supervising(state, "/no/such/vllm") as supervisor:
        assert supervisor.wait(CEILING_S) == 1
    assert "/no/such/vllm" in capfd.readouterr().err
    assert running(state.parent) == []


def test_it_kills_a_server_that_does_not_end(state: Path, descendants: Descendants) -> None:
    with supervising(state, *server(end_s=NEVER_S), grace_s=0.3) as supervisor:
        wait_for(state, "ready")
        supervisor.terminate()
        assert supervisor.wait(CEILING_S) == 0
    assert descendants() == []


def test_it_ends_when_no_run_uses_its_server(state: Path, descendants: Descendants) -> None:
    with using(state) as user, supervising(state, *server(), idle_s=0.3) as supervisor:
        wait_for(state, "ready")
        user.close()
        assert supervisor.wait(CEILING_S) == 0
    assert "got SIGTERM" in log_of(state).read_text()
    assert descendants() == []


@pytest.mark.parametrize("count", [1, 2], ids=["one_user", "two_users"])
def test_it_does_not_end_while_a_run_uses_its_server(state: Path, count: int) -> None:
    users = [using(state) for _ in range(count)]
    with supervising(state, *server(), idle_s=0.1) as supervisor:
        wait_for(state, "ready")
        for user in users:
            time.sleep(0.5)
            assert supervisor.poll() is None
            user.close()
        assert supervisor.wait(CEILING_S) == 0


def test_the_idle_time_is_counted_from_the_last_use(state: Path) -> None:
    with using(state) as user, supervising(state, *server(), idle_s=1) as supervisor:
        wait_for(state, "ready")
        time.sleep(1.2)
        last_used = time.monotonic()
        user.close()
        assert supervisor.wait(CEILING_S) == 0
        assert time.monotonic() - last_used > 1


def test_no_run_can_begin_to_use_a_server_that_is_ending_for_idleness(
    state: Path, descendants: Descendants
) -> None:
    with using(state) as user, supervising(state, *server(end_s=0.5), idle_s=0.1):
        wait_for(state, "ready")
        user.close()
        wait_for(state, "got SIGTERM")
        with using(state):
            assert descendants(ONLY_THE_SERVER) == []
            assert not state.exists()


def test_a_second_sigterm_does_not_cut_the_end_short(state: Path, descendants: Descendants) -> None:
    with supervising(state, *server(end_s=0.8)) as supervisor:
        wait_for(state, "ready")
        supervisor.terminate()
        wait_for(state, "got SIGTERM")
        supervisor.terminate()
        assert supervisor.wait(CEILING_S) == 0
        assert descendants() == []
    assert not state.exists()


@pytest.mark.parametrize("seed", range(8))
def test_many_sigterms_in_a_moment_end_the_server_as_one_does(
    state: Path, descendants: Descendants, seed: int
) -> None:
    random = Random(seed)
    with supervising(state, *server(end_s=0.1)) as supervisor:
        wait_for(state, "ready")
        for _ in range(12):
            os.kill(supervisor.pid, signal.SIGTERM)
            until = time.perf_counter() + random.uniform(0, 1e-4)
            while time.perf_counter() < until:  # shorter than any sleep
                pass
        assert supervisor.wait(CEILING_S) == 0
        assert descendants() == []
    assert not state.exists()


@pytest.mark.parametrize(
    ("takes_s", "grace_s"), [(0, NEVER_S), (NEVER_S, 0.3)], ids=["willing", "unwilling"]
)
def test_it_ends_what_a_server_that_was_killed_left_behind(
    state: Path, descendants: Descendants, takes_s: float, grace_s: float
) -> None:
    with supervising(state, *server_with_an_engine(takes_s), grace_s=grace_s) as supervisor:
        wait_for(state, "ready")
        engine = descendants(ONLY_THE_SERVER)
        kill(*descendants(r"^\S+ -c\s+import subprocess"))
        wait_until(lambda: not state.exists())
        assert len(engine) == 1
        assert descendants(ONLY_THE_SERVER) == []
        assert supervisor.wait(CEILING_S) == 128 + signal.SIGKILL
    assert takes_s or "got SIGTERM" in log_of(state).read_text()


def test_it_ends_when_its_record_is_not_there_any_more(
    state: Path, descendants: Descendants
) -> None:
    with supervising(state, *server()) as supervisor, using(state):
        wait_for(state, "ready")
        state.unlink()
        state.write_text("another's")
        assert supervisor.wait(CEILING_S) == 0
        assert state.read_text() == "another's"
    assert descendants() == []


def test_its_server_gets_sigterm_when_it_is_killed(state: Path, descendants: Descendants) -> None:
    with supervising(state, *server()) as supervisor:
        wait_for(state, "ready")
        kill(supervisor.pid)
        assert supervisor.wait(CEILING_S) == -signal.SIGKILL
        wait_for(state, "got SIGTERM")
        wait_until(lambda: not descendants())


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_status_says_as_shells_do_which_signal_it_was(sent: signal.Signals) -> None:
    script = f"import os; os.kill(os.getpid(), {int(sent)})"
    ended = subprocess.run([sys.executable, "-c", script], check=False)
    assert exit_status(ended.returncode) == 128 + sent
