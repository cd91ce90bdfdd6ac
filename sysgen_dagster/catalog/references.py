"""Names by which one part of a catalogue refers to another, looked up in what is written.

They are looked up before the entries are read, so that a wrong entry hides no wrong name.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from sysgen_dagster.catalog.plain_yaml import Path

_MOST_NAMED = 20  # known names in one message


class Misnamed(NamedTuple):
    """A name that is wrong where it stands."""

    path: Path
    name: str
    what: str


def entries_of(values: Any, *sections: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The entries of sections of a document, each with its place; what is none is left out.

    A section in another one is named with it, such as ``multifaceted.sources``.
    """
    for section in sections:
        for path, entry in _values_at(values, (*section.split("."), "*"), ()):
            if isinstance(entry, dict):
                yield path, entry


def unknown_names(values: Any, place: str, *sections: str) -> Iterator[Misnamed]:
    """The names at a place that none of these sections has an entry for.

    Args:
        values: The whole document.
        place: Such as ``mixtures.*.sources``, where ``*`` is any entry. A text there is a name, as
            are the items of a list and the fields of an entry.
        *sections: Names of sections.
    """
    given = values if isinstance(values, Mapping) else {}
    entries = [given[section] for section in sections if given.get(section) is not None]
    if not all(isinstance(each, Mapping) for each in entries):
        return  # what is wrong with the section is said
    known = [name for each in entries for name in each]
    named = " or ".join(f"`{section}`" for section in sections)
    for path, name in _names_at(values, place):
        if name not in known:
            has = f"there are {_listed(known)}" if known else "there are none"
            yield Misnamed(path, name, f"is no entry of {named}: {has}. Correct it or leave it out")


def other_names(values: Any, place: str, known: Collection[str], what: str) -> Iterator[Misnamed]:
    """The names at a place that are none of the known ones; `what` says what these are."""
    for path, name in _names_at(values, place):
        if name not in known:
            yield Misnamed(path, name, f"is no {what}: give some of {', '.join(known)}")


def forbidden_names(
    values: Any, place: str, forbidden: Collection[str], what: str
) -> Iterator[Misnamed]:
    """The names at a place that must not stand there; `what` says why, and what to do."""
    for path, name in _names_at(values, place):
        if name in forbidden:
            yield Misnamed(path, name, what)


def _names_at(values: Any, place: str) -> Iterator[tuple[Path, str]]:
    for path, value in _values_at(values, tuple(place.split(".")), ()):
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, list):
            yield from (((*path, at), each) for at, each in enumerate(value) if type(each) is str)
        elif isinstance(value, Mapping):
            yield from (((*path, name), name) for name in value)


def _values_at(values: Any, place: tuple[str, ...], at: Path) -> Iterator[tuple[Path, Any]]:
    if not place:
        yield at, values
    elif isinstance(values, Mapping):
        here, *rest = place
        for name in values if here == "*" else {here} & values.keys():
            yield from _values_at(values[name], tuple(rest), (*at, name))


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
