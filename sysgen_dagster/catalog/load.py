"""Reading a catalogue: one YAML file in; checked entries, or one error with every fault, out."""

import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from sysgen_dagster.catalog import plain_yaml
from sysgen_dagster.catalog.catalog import BaseCatalog
from sysgen_dagster.catalog.entries import SECRET
from sysgen_dagster.catalog.plain_yaml import Fault
from sysgen_dagster.catalog.references import Misnamed, entries_of
from sysgen_dagster.catalog.rules import MISSING
from sysgen_dagster.errors import SysgenError

FULL_CATALOG = Path(__file__).with_name("catalog.yaml")

# As a catalogue writes what Python calls otherwise.
_WORDS = {"None": "null", "True": "true", "False": "false"}
_MOST_SHOWN = 50  # faults of one file
_MUST_BE = "must be "  # how what is told of a field begins that may be this or that
# What YAML's reader says of mistakes that are often made, in words that name the fix.
_OF_YAML = (
    ("'\\t'", "a tab stands where YAML takes blanks alone: indent with blanks"),
    ("that cannot start any token", "a text cannot begin with this sign: put it in quotes"),
    ("<block end>", "the line is indented otherwise than those that it belongs to"),
    ("<document start>", "the line is indented otherwise than those that it belongs to"),
    ("could not find expected ':'", "a name before it has no `:` after it"),
    ("unexpected end of stream", "a text in quotes is not closed"),
    ("another document", "`---` begins another document: a catalogue is one, so leave it out"),
    ("',' or '}'", "a `{` before it is not closed, or a comma is missing"),
    ("',' or ']'", "a `[` before it is not closed, or a comma is missing"),
    (
        "mapping values are not allowed",
        "no colon can stand here: put the text in quotes, or give the name before it its own",
    ),
)

_Kind = TypeVar("_Kind", bound=BaseCatalog)


class CatalogError(SysgenError):
    """The catalogue cannot be used; the message names the file, the entry, the field, the fix."""


def _as_it_is(values: Any) -> list[Misnamed]:
    """Fills in nothing."""
    return []


def catalog_file() -> Path:
    """The catalogue of this process: the file named by ``SYSGEN_CATALOG``, else the shipped one."""
    return Path(os.environ.get("SYSGEN_CATALOG") or FULL_CATALOG)


def use_catalog_of(data: str) -> None:
    """Use ``catalog.yaml`` in the data folder `data`, if there is one, in the whole process.

    Where ``SYSGEN_CATALOG`` is set already, its file is used.
    """
    beside = Path(data).absolute() / "catalog.yaml"
    if not os.environ.get("SYSGEN_CATALOG") and beside.is_file():
        os.environ["SYSGEN_CATALOG"] = str(beside)


def read_catalog(
    kind: type[_Kind], file: Path, complete: Callable[[Any], list[Misnamed]] = _as_it_is
) -> _Kind:
    """The catalogue in a file, with the sections that `kind` declares.

    Args:
        kind: Says which sections there are, and which names may stand in them.
        file: The catalogue.
        complete: Fills in what is left out and cannot be known from the document alone, and says
            where it cannot; it is given the document's values.

    Raises:
        CatalogError: The file is missing, is not YAML, or an entry is wrong.
    """
    document = _read_document(file)
    document.values = {} if document.values is None else document.values
    faults = document.faults
    _fill_empty_entries(document.values)
    _begin_at(file.absolute().parent, document.values)
    misnamed = [*kind.find_misnamed(document.values), *complete(document.values)]
    faults += [Fault(path, document.line_of(path), what, name) for path, name, what in misnamed]
    try:
        catalog = kind.model_validate(document.values)
    except ValidationError as error:
        faults += _faults_of(error, document)
    if faults:
        # Not from the ValidationError: its traceback shows values, and with them secrets.
        raise CatalogError(_describe(file, faults))
    return catalog


def _read_document(file: Path) -> plain_yaml.Document:
    try:
        with file.open("rb") as opened:
            return plain_yaml.read_document(opened.read(plain_yaml.MOST_BYTES + 1))
    except OSError as error:
        raise CatalogError(
            f"catalogue {file} cannot be read ({error.strerror}): correct SYSGEN_CATALOG, or unset "
            "it for the full catalogue"
        ) from error
    except yaml.YAMLError as error:
        raise CatalogError(f"catalogue {file} is not YAML: {_describe_yaml(error)}") from None


def _fill_empty_entries(values: Any) -> None:
    """An entry of which nothing is said, as ``phi-4:`` alone, is one without fields."""
    for section in ("sources", "models", "judges", "benchmarks", "mixtures", "subjects"):
        entries = values.get(section) if isinstance(values, Mapping) else None
        if isinstance(entries, dict):
            entries.update({name: {} for name, entry in entries.items() if entry is None})


def _begin_at(folder: Path, values: Any) -> None:
    """Make relative paths of a document those of files in a folder.

    What `weights` names may lie elsewhere or on the Hub: only what is in the folder begins there.
    """
    evaluation = values.get("evaluation") if isinstance(values, Mapping) else None
    named = [*entries_of(values, "sources", "benchmarks", "evaluation", "multifaceted.sources")]
    for _, entry in (*named, *entries_of(evaluation, "multifacet")):
        if isinstance(entry.get("path"), str):
            entry["path"] = str(folder / entry["path"])
    for _, entry in entries_of(values, "students"):
        if isinstance(entry.get("chat_template"), str):
            entry["chat_template"] = str(folder / entry["chat_template"])
    for _, entry in entries_of(values, "models", "judges", "students", "subjects"):
        if isinstance(entry.get("weights"), str) and _exists(folder / entry["weights"]):
            entry["weights"] = str(folder / entry["weights"])


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # such as of a name that is too long
        return False


def _faults_of(error: ValidationError, document: plain_yaml.Document) -> Iterator[Fault]:
    """The faults of entries, but for those that follow from a fault that is known already."""
    known = {fault.path for fault in document.faults}
    told: dict[tuple[plain_yaml.Path, bool], list[str]] = {}
    found: dict[plain_yaml.Path, Any] = {}
    for each in error.errors(include_url=False):
        path = _as_written(each["loc"], document.values, each["msg"].startswith(MISSING))
        if known.isdisjoint(path[:length] for length in range(len(path) + 1)):
            is_wish = each["msg"].startswith(_MUST_BE)
            told.setdefault((path, is_wish), []).append(each["msg"])
            found[path] = each["input"]
    for (path, is_wish), whats in told.items():
        # Of a field that may be one thing or another, each of them is told as a fault.
        joined = _MUST_BE + " or ".join(
            dict.fromkeys(what.removeprefix(_MUST_BE) for what in whats)
        )
        for what in [joined] if is_wish else dict.fromkeys(whats):
            yield Fault(path, document.line_of(path), what + _shown(path, found[path]))


def _as_written(place: plain_yaml.Path, values: Any, is_missing: bool) -> plain_yaml.Path:
    """A place without the names of alternatives, which pydantic puts between those of fields.

    The last part of the place of what is missing is not there and stands for itself.
    """
    path: list[Hashable] = []
    for at, part in enumerate(place):
        is_there = (isinstance(values, Mapping) and part in values) or (
            isinstance(values, list) and isinstance(part, int) and part < len(values)
        )
        if is_there:
            values = values[part]
        if is_there or (is_missing and at == len(place) - 1):
            path.append(part)
    return tuple(path)


def _describe(file: Path, faults: Sequence[Fault]) -> str:
    """A line for each fault, in the order of the file: place, line, what is wrong, the value."""
    faults = sorted(dict.fromkeys(faults), key=lambda fault: fault.line)
    number = "1 wrong entry" if len(faults) == 1 else f"{len(faults)} wrong entries"
    described = [f"catalogue {file} has {number}; correct:"]
    for fault in faults[:_MOST_SHOWN]:
        place = ".".join(str(part) for part in fault.path) or "the file"
        line = f" (line {fault.line})" if fault.line else ""
        value = f"{fault.found[:80]} " if fault.found and not _may_be_secret(fault.path) else ""
        what = fault.what.replace("\n", "\n    ")
        described.append(f"  {place}{line}: {value}{what}")
    if len(faults) > _MOST_SHOWN:
        described.append(f"  and {len(faults) - _MOST_SHOWN} more")
    return "\n".join(described)


def _shown(path: plain_yaml.Path, value: Any) -> str:
    """A value as it stands in the catalogue; nothing of an entry with fields, and of no value."""
    if isinstance(value, Mapping) or value is PydanticUndefined or _may_be_secret(path):
        return ""
    # A text that looks like a number, or like nothing, is shown in its quotes.
    is_text = isinstance(value, str)
    is_plain = is_text and plain_yaml.read_plain(value) == value
    written = value if is_plain else repr(value) if is_text else _WORDS.get(str(value), str(value))
    return f" (found: {written[:80]})"


def _may_be_secret(path: plain_yaml.Path) -> bool:
    """Whether the value of a field must not be shown: the message reaches logs."""
    return any(SECRET.search(str(part)) for part in path)


def _describe_yaml(error: yaml.YAMLError) -> str:
    """What is wrong and where, without the line itself, which may hold a secret."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark, problem = error.problem_mark, str(error.problem)
        what = next((fix for sign, fix in _OF_YAML if sign in problem), problem)
        return f"{what}, line {mark.line + 1}, column {mark.column + 1}"
    if isinstance(error, yaml.reader.ReaderError) and error.encoding != "unicode":
        return f"it is not UTF-8 from byte {error.position}: save it as UTF-8"
    return " ".join(str(error).split())
