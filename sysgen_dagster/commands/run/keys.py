"""One key of the keyboard, without Enter."""

import os
import select
import sys
import termios
import tty
from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from sysgen_dagster.inference.stopping import STOP

_LOOK_EVERY_S = 0.1  # for a signal
_END_OF_INPUT = (b"", b"\x04")  # Ctrl-D is an ordinary key here


def ask_for_key(console: Console, choices: Mapping[str, str], at_end: str) -> str:
    """The key that is pressed, of those that are offered.

    Args:
        console: Where the choices are printed.
        choices: What each key is for, as it is printed: ``{"a": "[a]ll"}``.
        at_end: The key that the end of the input stands for.

    Raises:
        StoppedError: The user has ended the command.
    """
    console.print(Text("  ".join(choices.values()), "bold"))
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    # Ctrl-C stays a signal, which ends the command as it does elsewhere.
    tty.setcbreak(descriptor)
    try:
        while True:
            STOP.check()
            if not select.select([descriptor], [], [], _LOOK_EVERY_S)[0]:
                continue
            pressed = os.read(descriptor, 1)
            key = at_end if pressed in _END_OF_INPUT else pressed.decode("latin-1").lower()
            if key in choices:
                return key
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
