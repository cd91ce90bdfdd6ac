"""What a server said, as it stands in errors, logs and the column `failure`."""

import re
from os import SEEK_END
from pathlib import Path

from sysgen_dagster.chat.quoting import made_visible, on_one_line

MOST_QUOTED = 300  # characters of what a server said
MOST_LOGGED = 2_000  # bytes of the end of a log
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_BYTES_PER_CHARACTER = 4  # at most, in UTF-8


def quoted(raw: bytes | str, most: int = MOST_QUOTED) -> str:
    """The beginning of what a server said, on one line, inert in a terminal.

    Bytes that are no UTF-8 become replacement characters; control characters become visible.
    """
    # Cut before it is worked on: a reply may be large, and blanks in it may be squeezed.
    raw = raw[: _BYTES_PER_CHARACTER * most]
    text = raw.decode(errors="replace") if isinstance(raw, bytes) else raw
    return on_one_line(text)[:most]


def end_of_log(log: Path) -> str:
    """The last lines of a server's log, inert in a terminal."""
    with log.open("rb") as file:
        file.seek(-min(MOST_LOGGED, file.seek(0, SEEK_END)), SEEK_END)
        end = _COLOURS.sub("", file.read().decode(errors="replace"))
    return "\n".join(map(made_visible, end.splitlines()))
