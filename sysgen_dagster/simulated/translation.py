"""Translations: made-up English that keeps the numbers and the quoted strings of a text.

As often as a judge errs of a phrase, a number or a quoted string is left out.
"""

import re
from random import Random

from sysgen_dagster.simulated.profiles import FailureProfile
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster.simulated.reading import split_marked_texts

_KEPT = re.compile(r"“[^“”\n]+”|\"[^\"\n]+\"|「[^「」\n]+」|『[^『』\n]+』|\d+(?:\.\d+)?")


def translate(turn: str, profile: FailureProfile, rng: Random) -> str:
    """English in the place of the text in a translator's user turn; nothing is understood."""
    [text] = [text for name, text in split_marked_texts(turn) if name == "text to translate"]
    kept = _KEPT.findall(text)
    if kept and rng.random() < profile.phrase_error:
        kept.pop(rng.randrange(len(kept)))
    said = ", ".join(kept)
    return f"{NOTICE} A text of {_size(text)} length{f' with {said}' if said else ''}."


def _size(text: str) -> str:
    return "some" if len(text) < 200 else "great"
