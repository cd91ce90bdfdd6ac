"""Consoles are as wide as what they go to, and a terminal that cannot draw gets plain lines."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

SHOW = (
    "import sys\n"
    "from sysgen_dagster.commands import printing\n"
    "console = getattr(printing, sys.argv[1])()\n"
    "print(console.width, console.is_terminal, file=sys.stderr)\n"
)


def shown(opener: str, columns: int | None, **variables: str) -> str:
    """Width of a console and whether it is a terminal, on one of so many columns or in a pipe."""
    ours = {"COLUMNS", "TERM", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"}
    kept = {name: of for name, of in os.environ.items() if name not in ours}
    terminal, stdout = pty.openpty() if columns else (None, subprocess.PIPE)
    if terminal is not None:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    try:
        done = subprocess.run(
            [sys.executable, "-c", SHOW, opener],
            env=kept | {"TERM": "xterm"} | variables,
            stdin=stdout if columns else subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )
    finally:
        for each in (terminal, stdout) if terminal is not None else ():
            os.close(each)
    return done.stderr.strip()


@pytest.mark.parametrize(
    ("opener", "columns", "term", "expected"),
    [
        ("open_fluid_console", 40, "xterm", "40 True"),
        ("open_fluid_console", 200, "xterm", "200 True"),
        ("open_fluid_console", 40, "dumb", "40 False"),
        ("open_fluid_console", None, "xterm", "96 False"),
        ("open_console", 40, "xterm", "96 True"),
        ("open_console", 200, "xterm", "200 True"),
    ],
)
def test_a_console_is_as_wide_as_its_terminal_or_as_tables_need(
    opener: str, columns: int | None, term: str, expected: str
) -> None:
    assert shown(opener, columns, TERM=term) == expected
