"""What is wrong with an entry, all of it at once: each field, and what fields must be together.

pydantic stops at the first validator that fails, and asks those of the whole entry only where
every field is right. A rule is asked wherever its own fields are right.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

_Entry = TypeVar("_Entry", bound=BaseModel)
_Says = Callable[[Any], str | None]
_ABOUT = "_rule_about"
MISSING = "is missing"
# What pydantic says in the words of Python.
_FIELDS = "must be fields with values, as {name: value}"
_IN_YAML = {
    "missing": MISSING,
    **dict.fromkeys(("model_type", "dict_type", "model_attributes_type"), _FIELDS),
    **dict.fromkeys(("tuple_type", "list_type"), "must be a list, as [a, b]"),
    **dict.fromkeys(("int_type", "int_from_float", "int_parsing"), "must be a whole number"),
    "float_type": "must be a number",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "path_type": "must be a path",
}


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

    An entry or a field of which nothing is said, as of ``judging:`` alone, is as if left out.

    Raises:
        ValidationError: With every fault, those of entries within the entry too.
    """
    given = _without_empty_fields(kind, {} if given is None else given)
    faults: list[InitErrorDetails] = []
    wrong: set[int | str] = set()
    entry: _Entry | None
    try:
        entry = read(given)
    except ValidationError as error:
        found = error.errors(include_url=False)
        # What stands under a misspelt name is not missing.
        meant = {_meant(kind, str(each["loc"][0])) for each in found if _is_unknown(each)}
        found = [each for each in found if each["type"] != "missing" or each["loc"][0] not in meant]
        faults = [_fault(kind, each) for each in found if not _follows(each, found)]
        wrong = {each["loc"][0] for each in found if each["loc"]}
        entry = _read_without(wrong, given, read)
        wrong |= meant
    if entry is not None:
        faults += _broken_rules(entry, given, wrong)
    if entry is None or faults:
        raise ValidationError.from_exception_data(kind.__name__, faults)
    return entry


def _without_empty_fields(kind: type[BaseModel], given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    return {
        name: of for name, of in given.items() if of is not None or name not in kind.model_fields
    }


def _is_unknown(error: ErrorDetails) -> bool:
    """Whether it is about a field that the entry does not have."""
    return error["type"] == "extra_forbidden" and len(error["loc"]) == 1


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
    place, context = error["loc"], error.get("ctx", {})
    what = _IN_YAML.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    what = what.replace("Input should be", "must be")
    if error["type"] == "too_short":
        what = f"needs at least {context['min_length']}"
    elif error["type"] == "too_long":
        what = f"takes at most {context['max_length']}"
    elif error["type"] == "union_tag_invalid":
        what = f"must be one of {context['expected_tags']}"
        return _said(what, (*place, context["discriminator"].strip("'")), context["tag"])
    elif error["type"] == "union_tag_not_found":
        field = context["discriminator"].strip("'")
        entries = _entries_in(kind.model_fields[str(place[0])].annotation)
        words = [of for each in entries for of in get_args(each.model_fields[field].annotation)]
        return _said(f"{MISSING}: it is one of {', '.join(words)}", (*place, field), error["input"])
    elif _is_unknown(error):
        what = _no_field(kind, str(place[0]))
    elif error["type"] == "string_type" and isinstance(error["input"], int | float):
        what += ": put it in quotes"
    elif not place and what == _FIELDS:
        what = f"{_FIELDS}, of {', '.join(_fields(kind))}"
    return _said(what, place, error["input"])


def _entries_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The entries that a field may hold, also one of them or nothing."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _entries_in(inner)


def _fields(kind: type[BaseModel]) -> list[str]:
    return [field for field, about in kind.model_fields.items() if not about.exclude]


def _meant(kind: type[BaseModel], name: str) -> str:
    """The field that is meant by a name that none has; empty where none is like it."""
    before, colon, _ = name.partition(":")
    if colon and before in _fields(kind):  # of YAML without a blank after the colon
        return before
    return next(iter(get_close_matches(name.lower(), _fields(kind), 1)), "")


def _no_field(kind: type[BaseModel], name: str) -> str:
    meant = _meant(kind, name)
    if meant and name.startswith(f"{meant}:"):
        return f"is no field here: write a blank after the colon of `{meant}:`"
    if meant:
        return f"is no field here: did you mean `{meant}`?"
    return f"is no field here: leave it out, or take one of {', '.join(_fields(kind))}"


def _said(what: str, place: tuple[int | str, ...], found: Any) -> InitErrorDetails:
    kind = PydanticCustomError("wrong", "{what}", {"what": what})
    return InitErrorDetails(type=kind, loc=place, input=found)
