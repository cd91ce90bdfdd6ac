"""Text of others in messages, logs and terminals: on one line, and nothing in it does anything."""

import re

_BLANKS = re.compile(r"[ \t\r\n\f\v]+")


def made_visible(text: str) -> str:
    """The text with an escape for every character that is not printed.

    Such are line breaks, and what terminals obey: escape sequences, marks of writing direction.
    """
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii")
        for sign in text
    )


def on_one_line(text: str) -> str:
    """The same, with a blank for each run of blanks and line breaks."""
    return made_visible(_BLANKS.sub(" ", text).strip())
