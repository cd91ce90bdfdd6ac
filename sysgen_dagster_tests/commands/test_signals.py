"""Commands that a signal ends: in processes of their own, as a terminal sends it."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from sysgen_dagster.commands import signals
from sysgen_dagster.commands.signals import run_until_signal
from sysgen_dagster.inference.stopping import Stop
from sysgen_dagster_tests.inference.odd_servers import completion, listing, serving
from sysgen_dagster_tests.inference.processes import CEILING_S, MARK, Descendants, wait_until

ENDS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
GO_ON = "Run the same command again to go on: nothing that was answered is asked twice."

# Works until it is stopped, and a little longer, so that further signals find it.
WORK = """
import sys, time
from sysgen_dagster.commands import signals
from sysgen_dagster.inference.stopping import STOP

def work():
    print("begun", flush=True)
    while not STOP.is_asked:
        time.sleep(0.01)
    print("ending", flush=True)
    sys.stdin.readline()
    STOP.check()
"""
END_OF_IT = "sys.exit(signals.run_until_signal(work, lambda: print('abandoned')))"
# Of another thread nobody knows when it comes back.
STUCK = """
from concurrent.futures import ThreadPoolExecutor
signals._GRACE_S = 0.2

def work():
    print("begun", flush=True)
    with ThreadPoolExecutor() as pool:
        pool.submit(time.sleep, 600).result()
"""


def begin(*command: str, **environment: str) -> subprocess.Popen[str]:
    ours = ("SYSGEN_", "DAGSTER_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=inherited | environment,
    )


def said(process: subprocess.Popen[str]) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize(("sent", "status"), ENDS, ids=["ctrl_c", "sigterm"])
def test_the_first_signal_ends_the_work_and_further_ones_change_nothing(
    sent: signal.Signals, status: int
) -> None:
    process = begin(sys.executable, "-c", WORK + END_OF_IT)
    assert said(process) == "begun"
    process.send_signal(sent)
    assert said(process) == "ending"
    for again in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        process.send_signal(again)
    out, errors = process.communicate("\n", timeout=CEILING_S)
    assert process.returncode == status
    assert out == ""
    assert errors.splitlines() == [
        f"{sent.name}: no more requests are sent, those in flight are abandoned.",
        f"Ended by {sent.name}. {GO_ON}",
    ]


def test_work_that_does_not_come_back_is_abandoned() -> None:
    process = begin(sys.executable, "-c", WORK + STUCK + END_OF_IT)
    assert said(process) == "begun"
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=CEILING_S)
    assert (process.returncode, out) == (130, "abandoned\n")
    assert errors.endswith(f"Ended by SIGINT. {GO_ON}\n")


def test_without_a_signal_it_is_as_if_it_were_not_there() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    def fail() -> int:
        raise ValueError("a bug of ours")

    assert run_until_signal(lambda: 3, pytest.fail) == 3
    with pytest.raises(ValueError, match="a bug of ours"):
        run_until_signal(fail, pytest.fail)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_what_was_done_when_the_signal_came_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, stopped = Stop(), threading.Event()
    monkeypatch.setattr(signals, "STOP", stop)

    def work() -> int:
        with stop.calls(stopped.set):
            os.kill(os.getpid(), signal.SIGTERM)
            stopped.wait(CEILING_S)
        return 0

    assert run_until_signal(work, pytest.fail) == 0


# The demo against a slow server


@dataclass
class Laptop:
    """A server with two slots; it takes down the long requests, as those of a phase are."""

    answer_s: float = 0.5
    sent: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    async def answer(self, request: web.Request) -> web.Response:
        if request.path.endswith("/models"):
            return web.Response(body=listing("m"), content_type="application/json")
        if not request.path.endswith("/chat/completions"):
            return web.Response(status=404)
        body = await request.text()
        if len(body) > 2000:
            self.sent.append(body)
            async with self.slots:
                await asyncio.sleep(self.answer_s)
            self.answered.append(body)
        return web.json_response(completion("<<Task>>Answer the question.<</Task>>"))


@pytest.fixture
def mark() -> Iterator[str]:
    yield (mark := uuid.uuid4().hex)
    assert Descendants(mark).describe() == []


def in_ledgers(data: Path) -> int:
    files = (data / "ledger").rglob("*.jsonl")
    return sum(bool(line.strip()) for file in files for line in file.read_bytes().splitlines())


@pytest.mark.slow
def test_a_demo_that_a_signal_ends_goes_on_where_it_was(tmp_path: Path, mark: str) -> None:
    data = tmp_path / "demo"
    command = [str(Path(sys.executable).with_name("sysgen")), "demo", "--data", str(data)]

    def run(laptop: Laptop, sent: signal.Signals, owed: Set[str] = frozenset()) -> tuple[int, str]:
        def far_enough() -> bool:
            return len(laptop.answered) >= 5 and owed <= set(laptop.sent)

        with serving(laptop.answer) as url:
            process = begin(*command, "--endpoint", url, "--model", "m", **{MARK: mark})
            wait_until(far_enough, within_s=3 * CEILING_S)
            process.send_signal(sent)
            out, errors = process.communicate(timeout=CEILING_S)
        assert "Traceback" not in out + errors
        assert "failed:" not in out
        return process.returncode, errors

    first, second = Laptop(), Laptop()
    status, errors = run(first, signal.SIGINT)
    assert (status, errors.splitlines()[-1]) == (130, f"Ended by SIGINT. {GO_ON}")
    known = in_ledgers(data)
    assert len(first.answered) - 2 <= known <= len(first.answered)
    in_flight = set(first.sent) - set(first.answered)
    status, errors = run(second, signal.SIGTERM, owed=in_flight)
    assert (status, errors.splitlines()[-1]) == (143, f"Ended by SIGTERM. {GO_ON}")
    assert len(set(first.sent) & set(second.sent)) <= len(first.sent) - known
    assert in_flight <= set(second.sent)
    assert in_ledgers(data) > known
