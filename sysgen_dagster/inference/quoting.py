"""What a server said, as it stands in errors, logs and the column `failure`."""

from sysgen_dagster.chat.quoting import on_one_line

MOST_QUOTED = 300  # characters of what a server said
_BYTES_PER_CHARACTER = 4  # at most, in UTF-8


def quoted(raw: bytes | str, most: int = MOST_QUOTED) -> str:
    """The beginning of what a server said, on one line, inert in a terminal.

    Bytes that are no UTF-8 become replacement characters; control characters become visible.
    """
    # Cut before it is worked on: a reply may be large, and blanks in it may be squeezed.
    raw = raw[: _BYTES_PER_CHARACTER * most]
    text = raw.decode(errors="replace") if isinstance(raw, bytes) else raw
    return on_one_line(text)[:most]
