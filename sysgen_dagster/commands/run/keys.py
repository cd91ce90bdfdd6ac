"""One key of the keyboard, without Enter."""

import os
import re
import select
import sys
import termios
import tty
from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from sysgen_dagster.inference.stopping import STOP

_LOOK_EVERY_S = 0.1  # for a signal
_END = "\x04"  # Ctrl-D is an ordinary key here
# What arrows and the like send; some of it ends in a letter.
_NO_LETTER = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?")


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
            sent = os.read(descriptor, 1_000).decode("latin-1") or _END
            for key in _NO_LETTER.sub("", sent).lower():
                if key == _END:
                    return at_end
                if key in choices:
                    return key
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
