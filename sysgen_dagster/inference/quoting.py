"""What a server said, as it may stand in messages, logs and terminals: short, and inert.

A server's words may hold escape sequences that clear a terminal, rename it or fill its clipboard,
and marks that turn the order of what stands beside them. Everything of a server that people read
goes through here.
"""

import re
import unicodedata

LONGEST_QUOTE = 300  # characters: an error and its cause, and not the web page round them
# Controls (C0, DEL, C1), marks of direction and other format characters, lone surrogates, the
# separators that some readers take for the end of a line.
_ACTIVE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_IN_LINE = re.compile(r"[^\x20-\x7e]")
_IN_LINES = re.compile(r"[^\x20-\x7e\n\t]")


def quoted(raw: bytes | str) -> str:
    """The beginning of what a server said, in one line, with all that acts on a terminal spelt."""
    # Before it is cut, so that nothing as large as a reply is decoded; a character has up to four.
    text = raw[: 4 * LONGEST_QUOTE].decode(errors="replace") if isinstance(raw, bytes) else raw
    return _IN_LINE.sub(_spell, text[:LONGEST_QUOTE])[:LONGEST_QUOTE]


def inert(text: str) -> str:
    """The lines of a text, whole, with all that acts on a terminal spelt out."""
    return _IN_LINES.sub(_spell, text)


def _spell(found: re.Match[str]) -> str:
    character = found[0]
    if unicodedata.category(character) not in _ACTIVE:
        return character
    # As Python writes it: \n, \x1b, \u202e.
    return character.encode("unicode_escape").decode()
