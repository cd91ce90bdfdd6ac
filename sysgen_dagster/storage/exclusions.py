"""The list of excluded conversations as text: a line with its digest, then one id a line.

A flipped bit would otherwise make another id of one, and let its conversation be used again.
"""

import re
from collections.abc import Iterable

import xxhash

from sysgen_dagster.tables.digests import DamagedFileError

ENCODING = {"encoding": "utf-8", "errors": "surrogateescape"}  # what is no text is damage, too
_FIRST = "# digest of the lines below: "
_FIRST_LINE = re.compile(rf"{_FIRST}([0-9a-f]{{32}})\n")


def parse_exclusions(text: str) -> frozenset[str]:
    """The ids of a list; an older version wrote them without a digest.

    Raises:
        DamagedFileError: The list is not what was written.
    """
    if begun := _FIRST_LINE.match(text):
        lines = text[begun.end() :]
        if begun[1] != _digest(lines):
            raise DamagedFileError("it does not have the digest it was written with")
        return frozenset(lines.split())
    ids = [line.split() for line in text.splitlines()]
    if not any(ids) or text.startswith(_FIRST[0]) or any(len(words) > 1 for words in ids):
        raise DamagedFileError("it is not one id a line")
    return frozenset(text.split())


def render_exclusions(ids: Iterable[str]) -> str:
    """The list of these ids, sorted."""
    lines = "".join(f"{identity}\n" for identity in sorted(set(ids)))
    return f"{_FIRST}{_digest(lines)}\n{lines}"


def _digest(lines: str) -> str:
    return xxhash.xxh3_128(lines.encode(**ENCODING)).hexdigest()
