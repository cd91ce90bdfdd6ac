"""`structured_outputs`: the form that a request asks for, and an answer in that form.

vLLM takes any regex and any grammar. The simulated model takes those of the pipeline: a regex of
text with alternatives in brackets, perhaps after a line of anything, and the grammars of tagged
messages, of preference sets and of rubrics.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

from sysgen_dagster.lanes.multifaceted.bench.rubric_replies import PARTS as OF_RUBRIC
from sysgen_dagster.lanes.multifaceted.bench.rubric_replies import read_rubric
from sysgen_dagster.lanes.multifaceted.bench.rubrics import GRAMMAR as RUBRIC_GRAMMAR
from sysgen_dagster.lanes.multifaceted.preference_sets import GRAMMAR
from sysgen_dagster.lanes.multifaceted.replies import PARTS, read_reply
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS, label_of, load_taxonomy
from sysgen_dagster.lanes.sysgen.annotation import MOST_SECTIONS
from sysgen_dagster.lanes.sysgen.tags import (
    Phrase,
    parse_tagged_message,
    render_tagged_message,
)
from sysgen_dagster.simulated.material import load_material
from sysgen_dagster.simulated.request_error import RequestError
from sysgen_dagster.simulated.rubrics import write_any_rubric

_Parts = tuple[tuple[str, ...], ...]

_FIELD = "structured_outputs"
_KINDS = ("json", "regex", "choice", "grammar", "json_object", "structural_tag")


@dataclass(frozen=True, slots=True)
class Constraint:
    """The form of an answer.

    Attributes:
        parts: The options of each part; an answer is one option of every part, in their order.
            None: an answer is a tagged message, a preference set or a rubric.
        begins_freely: Whether a line of anything stands before the first part.
        is_preference_set: Whether it is a set where there are no parts.
        is_rubric: Whether it is a rubric.
    """

    parts: _Parts | None
    begins_freely: bool = False
    is_preference_set: bool = False
    is_rubric: bool = False

    @property
    def is_tagged_message(self) -> bool:
        """Whether an answer is a tagged message."""
        return self.parts is None and not (self.is_preference_set or self.is_rubric)


def parse_constraint(raw: Any) -> Constraint | None:
    """What the field `structured_outputs` of a request asks for.

    Raises:
        RequestError: It asks for what the simulated model cannot obey.
    """
    if raw is None:
        return None
    fields = raw if isinstance(raw, dict) else {}
    asked = [(kind, fields[kind]) for kind in _KINDS if fields.get(kind) is not None]
    if len(asked) != 1:
        message = "You must use one kind of structured outputs constraint, and only one."
        raise RequestError(message, param=_FIELD)
    match asked[0]:
        case "regex", str(regex):
            rest = regex.removeprefix(_ANY_LINE)
            return Constraint(_parse_regex(rest), begins_freely=rest != regex)
        case "choice", [*options] if options and all(isinstance(one, str) for one in options):
            return Constraint((tuple(options),))
        case "grammar", str(grammar) if "<<" in grammar:
            return Constraint(None)
        case "grammar", str(grammar) if grammar == GRAMMAR:
            return Constraint(None, is_preference_set=True)
        case "grammar", str(grammar) if grammar == RUBRIC_GRAMMAR:
            return Constraint(None, is_rubric=True)
    raise RequestError(f"Unsupported {asked[0][0]} for a simulated model", param=_FIELD)


_ANY_LINE = r"[^\n]+"
_LITERAL = r"(?:[^\\()\[\]{}.*+?^$|]|\\n|\\[^\w|])"
_GROUP = rf"\((?:\?:)?({_LITERAL}*(?:\|{_LITERAL}*)*)\)"
_SUPPORTED = re.compile(rf"(?:{_LITERAL}|{_GROUP})*")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@lru_cache
def _parse_regex(regex: str) -> _Parts:
    """The literal texts of a regex and, between them, the options of its groups."""
    if not _SUPPORTED.fullmatch(regex):
        raise RequestError("Unsupported regex for a simulated model", param=_FIELD)
    # `_GROUP` has a capture, so the pieces are in turn a text and the inside of a group.
    pieces = enumerate(re.split(_GROUP, regex))
    written = (piece.split("|") if at % 2 else [piece] for at, piece in pieces)
    return tuple(tuple(map(_unescape, options)) for options in written)


def _write_tagged_lines(free: str) -> str:
    """The phrases of a tagged message as the pipeline's grammar has them: each on one line."""
    phrases = parse_tagged_message(free).phrases[:MOST_SECTIONS]
    return render_tagged_message(Phrase(p.tag, " ".join(p.text.split())) for p in phrases)


def _write_any_set() -> str:
    """A preference set about nothing, of the first subdimension of each dimension."""
    texts = load_material("preferences.yaml")
    firsts = {name: texts[next(iter(meanings))] for name, meanings in load_taxonomy().items()}
    return "\n".join(
        f"{label_of(name)} {part}: {text[part].replace('{topic}', 'this')}"
        for name, text in firsts.items()
        for part in PARTS
    )


def _unescape(literal: str) -> str:
    return _ESCAPED.sub(lambda escaped: "\n" if escaped[1] == "n" else escaped[1], literal)


def obey(constraint: Constraint, free: str, rng: Random) -> str:
    """An answer under the constraint, as close to the unconstrained answer `free` as it allows.

    An option that follows the same beginning of a line in `free` is chosen where there is one: a
    judge's verdict on a tag stays the same. Other options are drawn.
    """
    if constraint.is_preference_set:
        # A set that was not drawn as malformed has its form; what is no set is none of its lines.
        return free if len(read_reply(free)) == len(DIMENSIONS) else _write_any_set()
    if constraint.is_rubric:
        return free if len(read_rubric(free)) == len(OF_RUBRIC) else write_any_rubric()
    if constraint.parts is None:
        return _write_tagged_lines(free)
    written = free.partition("\n")[0] if constraint.begins_freely else ""
    for options in constraint.parts:
        line = written.rpartition("\n")[2]
        same = [option for option in options if line and line + option in free]
        written += rng.choice(same or options)
    return written
