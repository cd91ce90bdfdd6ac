"""The bounds of what others may send us or make us wait: each is one constant, and documented.

`BOUNDS` says where each is declared. `docs/inference.md` prints them as a table; `UPDATE_GOLDEN=1`
writes that table again.
"""

import os
import re
from pathlib import Path

from sysgen_dagster.catalog.models import Model
from sysgen_dagster.catalog.plain_yaml import LONGEST_NUMBER
from sysgen_dagster.inference.bodies import (
    MOST_ERROR_BYTES,
    MOST_LISTING_BYTES,
    most_reply_bytes,
)
from sysgen_dagster.inference.chat_api import Retries
from sysgen_dagster.inference.endings import LONGEST_REASON
from sysgen_dagster.inference.listings import MOST_NAMES
from sysgen_dagster.inference.openai_client import PROBE_S, QUESTION_S
from sysgen_dagster.inference.quoting import MOST_LOGGED, MOST_QUOTED
from sysgen_dagster.obedience.quantities import LONGEST_NUMERAL
from sysgen_dagster.sources.dialogue import MOST_CHARACTERS, MOST_TURNS

PAGE = Path(__file__).parents[1] / "docs" / "inference.md"
KIB, MIB = 1024, 1024 * 1024


def _bytes(count: int) -> str:
    for unit, size in (("MiB", MIB), ("KiB", KIB)):
        if count % size == 0:
            return f"{count // size} {unit}"
    return f"{count:,} bytes"


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} s"


ATTEMPT_S = float(Model.model_fields["attempt_s"].default)
RETRIES = Retries()
_ENVELOPE = most_reply_bytes(0)
_A_TOKEN = most_reply_bytes(1) - _ENVELOPE
_LOGPROBS = most_reply_bytes(1, with_logprobs=True) - _ENVELOPE - _A_TOKEN

# What is bounded, by how much, and what follows beyond it.
BOUNDS = [
    (
        "bytes of a reply, as they come and unpacked",
        f"{_bytes(_ENVELOPE)}, {_bytes(_A_TOKEN)} for each token that was asked for, "
        f"{_bytes(_LOGPROBS)} more for each where probabilities were; at most "
        f"{_bytes(most_reply_bytes(10**9))}",
        "`malformed_reply`",
    ),
    ("bytes of an error", _bytes(MOST_ERROR_BYTES), "the rest is not read, the status counts"),
    ("bytes of a list of models", _bytes(MOST_LISTING_BYTES), "it counts as none, a chat decides"),
    ("what a server says, in messages", f"{MOST_QUOTED} characters", "cut"),
    ("why a text ended", f"{LONGEST_REASON} characters", "cut"),
    ("names of models, in messages", f"{MOST_NAMES}", "the others are counted"),
    ("the end of a server's log, in messages", _bytes(MOST_LOGGED), "cut"),
    ("a question to a server before the first request", _time(QUESTION_S), "asked again"),
    (
        "all questions to one server",
        _time(PROBE_S),
        "the server counts as away; without another one the partition fails",
    ),
    (
        "an attempt at a request, without the time in queues",
        f"{_time(ATTEMPT_S)} (`attempt_s`)",
        "sent again",
    ),
    ("a request with all its attempts", _time(RETRIES.deadline_s), "it ends with its last failure"),
    (
        "a partition in which nobody is answered",
        f"an attempt and {_time(RETRIES.patience_s)}",
        "the partition fails; what was answered is kept",
    ),
    (
        "a pause that a server asks for",
        _time(RETRIES.longest_retry_after_s),
        "sent again then",
    ),
    (
        "what comes before the question of a row",
        f"{MOST_TURNS} turns, {MOST_CHARACTERS:,} characters",
        "`history_too_long`",
    ),
    ("a number in a row", f"{LONGEST_NUMERAL} digits", "it is compared as a text"),
    ("a number in the catalogue", f"{LONGEST_NUMBER} digits", "refused with its line"),
]


def bounds_as_markdown() -> str:
    """The bounds as a table, one line each."""
    lines = ["| bounded is | by | beyond it |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(bound)} |" for bound in BOUNDS)]) + "\n"


def test_the_documents_print_the_bounds() -> None:
    text = PAGE.read_text()
    if os.environ.get("UPDATE_GOLDEN"):
        text = re.sub(
            r"(<!-- the bounds: begin -->\n).*?(<!-- the bounds: end -->)",
            lambda found: found[1] + bounds_as_markdown() + found[2],
            text,
            flags=re.DOTALL,
        )
        PAGE.write_text(text)
    assert bounds_as_markdown() in text


def test_a_bound_is_named_once() -> None:
    names = [name for name, *_ in BOUNDS]
    assert len(set(names)) == len(names)
