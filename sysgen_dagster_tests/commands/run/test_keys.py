"""One key of the keyboard, at a real terminal."""

import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# Prints the key, or the error that ended the waiting, as a command would at a signal.
PROGRAM = """
import signal, sys
from rich.console import Console
from sysgen_dagster.commands.run.keys import ask_for_key
from sysgen_dagster.inference.stopping import STOP, StoppedError
for each in (signal.SIGINT, signal.SIGTERM):
    signal.signal(each, lambda *_: STOP.ask())
try:
    key = ask_for_key(Console(), {"a": "[a]ll", "q": "[q]uit"}, at_end="q")
    print("pressed", key)
except StoppedError:
    print("stopped")
"""


class Asked:
    """The program while it waits for a key."""

    def __init__(self) -> None:
        self.ours, theirs = pty.openpty()
        self.before = termios.tcgetattr(theirs)
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs
        )
        self.theirs = theirs
        self.said = b""
        self._read_until(b"[q]uit")
        # The terminal is told after the line is printed.
        deadline = time.monotonic() + 10
        while termios.tcgetattr(theirs)[3] & termios.ICANON and time.monotonic() < deadline:
            time.sleep(0.02)

    def _read_until(self, text: bytes) -> None:
        while text not in self.said:
            self.said += os.read(self.ours, 1_000)

    def press(self, keys: bytes) -> None:
        os.write(self.ours, keys)

    def ended(self) -> str:
        self.process.wait(20)
        os.close(self.theirs)
        try:
            while more := os.read(self.ours, 1_000):
                self.said += more
        except OSError:  # nobody has the other side any more
            pass
        return self.said.decode().splitlines()[-1]

    def is_as_before(self) -> bool:
        self.process.wait(20)
        return termios.tcgetattr(self.theirs) == self.before


@pytest.fixture
def asked() -> Iterator[Asked]:
    waiting = Asked()
    yield waiting
    if waiting.process.poll() is None:
        waiting.process.kill()
        waiting.process.wait()
    os.close(waiting.ours)


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        (b"a", "a"),
        (b"A", "a"),
        (b"7 \nq", "q"),
        (b"\x04", "q"),
        # The arrow upwards, and Alt with a letter.
        (b"x\x1b[Az\x1bOA\x1baq", "q"),
    ],
)
def test_a_key_that_is_offered_is_taken_without_enter_and_others_are_passed_over(
    asked: Asked, keys: bytes, key: str
) -> None:
    asked.press(keys)
    assert asked.is_as_before()
    assert asked.ended() == f"pressed {key}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_waiting_and_leaves_the_terminal_as_it_was(
    asked: Asked, number: signal.Signals
) -> None:
    asked.process.send_signal(number)
    assert asked.is_as_before()
    assert asked.ended() == "stopped"


def test_ctrl_c_at_the_terminal_is_such_a_signal(asked: Asked) -> None:
    # A key of the terminal goes to the group in its foreground, which a test cannot be.
    flags = termios.tcgetattr(asked.theirs)[3]
    assert flags & termios.ISIG
    assert not flags & termios.ECHO
