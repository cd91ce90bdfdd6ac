"""What is wrong with an entry, all of it at once: each field, and what fields must be together.

pydantic stops at the first validator that fails, and asks those of the whole entry only where
every field is right. A rule is asked wherever its own fields are right.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

_Entry = TypeVar("_Entry", bound=BaseModel)
_Says = Callable[[Any], str | None]
_ABOUT = "_rule_about"


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule about some fields of an entry."""

    about: tuple[str, ...]
    says: _Says


def rule(*fields: str) -> Callable[[_Says], _Says]:
    """Marks the method of an entry that says what is wrong with these fields together, or None.

    Where several are given, the first of them is named as the culprit.
    """

    def mark(method: _Says) -> _Says:
        setattr(method, _ABOUT, fields)
        return method

    return mark


@cache
def _rules_of(kind: type[BaseModel]) -> tuple[_Rule, ...]:
    methods = (method for each in reversed(kind.__mro__) for method in vars(each).values())
    return tuple(_Rule(getattr(each, _ABOUT), each) for each in methods if hasattr(each, _ABOUT))


def read_entry(kind: type[_Entry], given: Any, read: Callable[[Any], _Entry]) -> _Entry:
    """The entry that `read` makes of what is given, by its fields and its rules.

    Raises:
        ValidationError: With every fault, those of entries within the entry too.
    """
    faults: list[InitErrorDetails] = []
    wrong: set[int | str] = set()
    entry: _Entry | None
    try:
        entry = read(given)
    except ValidationError as error:
        found = error.errors(include_url=False)
        faults = [_fault(kind, each) for each in found if not _follows(each, found)]
        wrong = {each["loc"][0] for each in found if each["loc"]}
        entry = _read_without(wrong, given, read)
    if entry is not None:
        faults += _broken_rules(entry, given, wrong)
    if entry is None or faults:
        raise ValidationError.from_exception_data(kind.__name__, faults)
    return entry


def _follows(error: ErrorDetails, found: list[ErrorDetails]) -> bool:
    """Whether a fault is there only because of another one: of a default, or of a list's length."""
    if error["type"] == "default_factory_not_called":
        return True
    place = error["loc"]
    within = (each["loc"] for each in found if len(each["loc"]) > len(place))
    return error["type"] == "too_short" and any(each[: len(place)] == place for each in within)


def _read_without(
    wrong: set[int | str], given: Any, read: Callable[[Any], _Entry]
) -> _Entry | None:
    """The entry with the defaults of what is wrong; None where a wrong field has none."""
    if not isinstance(given, Mapping):
        return None
    try:
        return read({name: value for name, value in given.items() if name not in wrong})
    except ValidationError:
        return None


def _broken_rules(
    entry: BaseModel, given: Any, wrong: set[int | str]
) -> Iterator[InitErrorDetails]:
    fields = given if isinstance(given, Mapping) else {}
    for each in _rules_of(type(entry)):
        if wrong.isdisjoint(each.about) and (what := each.says(entry)):
            culprit = [name for name in each.about if name in fields][:1]
            yield _said(what, tuple(culprit), fields)


def _fault(kind: type[BaseModel], error: ErrorDetails) -> InitErrorDetails:
    what = error["msg"].removeprefix("Value error, ")
    if error["type"] == "missing":
        what = "is missing"
    elif error["type"] == "extra_forbidden" and len(error["loc"]) == 1:
        what = _no_field(kind, str(error["loc"][0]))
    return _said(what, error["loc"], error["input"])


def _no_field(kind: type[BaseModel], name: str) -> str:
    fields = [field for field, about in kind.model_fields.items() if not about.exclude]
    if close := get_close_matches(name, fields, 1):
        return f"is no field here: did you mean `{close[0]}`?"
    return f"is no field here: leave it out, or take one of {', '.join(fields)}"


def _said(what: str, place: tuple[int | str, ...], found: Any) -> InitErrorDetails:
    kind = PydanticCustomError("wrong", "{what}", {"what": what})
    return InitErrorDetails(type=kind, loc=place, input=found)
