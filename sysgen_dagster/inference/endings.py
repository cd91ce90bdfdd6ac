"""Why a text ended, by what a server says of it: the model ended it, or something cut it.

Servers and gateways to other APIs have words of their own for the same few reasons, so that parts
of words decide. A reason that is not known counts as an end by the model.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.inference.quoting import quoted

LONGEST_REASON = 100  # characters of a reason that are stored


class Ending(StrEnum):
    """Who ended a text."""

    MODEL = "the model"
    LIMIT = "a limit of tokens or of time"
    FILTER = "a filter of the server"
    ENGINE = "an engine that gave up"


# The first that fits decides: `error_toxic` is a filter, `rate_limit` no limit of the text.
_ENDINGS = (
    (
        Ending.FILTER,
        r"filter|moderat|sensitive|refus|guardrail|toxi|safe|harm|recitation|block(?:ed|list)|prohibited"
        r"|spii|policy|violat|(?:^|[._])language$",
    ),
    (
        Ending.ENGINE,
        r"abort|cancel|error(?!_limit)|fail|timed?_?out|interrupt|overload|rate_?limit|malformed"
        r"|memory|preempt|unavailable|insufficient|network|crash|disconnect",
    ),
    (
        Ending.LIMIT,
        rf"{CUT}|limit|max|trunc|exceed|incomplete|unfinished|repetition|_full$",
    ),
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN_WORDS = re.compile(r"[\s-]+")


def ending_of(reason: str) -> Ending:
    """Who ended a text, by its finish reason."""
    words = _BETWEEN_WORDS.sub("_", _HUMP.sub("_", reason)).lower()
    return next((each for each, pattern in _ENDINGS if re.search(pattern, words)), Ending.MODEL)


def read_finish(reason: object) -> str:
    """A finish reason as it is shown and stored; nothing in it may act on a terminal."""
    if isinstance(reason, Mapping):
        reason = reason.get("type")
    said = quoted(str(reason), LONGEST_REASON) if isinstance(reason, str | int) else ""
    return said or "unknown"
