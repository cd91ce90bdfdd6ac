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
from sysgen_dagster.catalog.references import Misnamed
from sysgen_dagster.errors import SysgenError

FULL_CATALOG = Path(__file__).with_name("catalog.yaml")

_MOST_SHOWN = 50  # faults of one file

_Kind = TypeVar("_Kind", bound=BaseCatalog)


class CatalogError(SysgenError):
    """The catalogue cannot be used; the message names the file, the entry, the field, the fix."""


def _as_it_is(values: Any, folder: Path) -> list[Misnamed]:
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
    kind: type[_Kind], file: Path, complete: Callable[[Any, Path], list[Misnamed]] = _as_it_is
) -> _Kind:
    """The catalogue in a file, with the sections that `kind` declares.

    Args:
        kind: Says which sections there are, and which names may stand in them.
        file: The catalogue.
        complete: Fills in what is left out and cannot be known from the document alone, and says
            where it cannot; it is given the document's values and the folder of the file.

    Raises:
        CatalogError: The file is missing, is not YAML, or an entry is wrong.
    """
    document = _read_document(file)
    faults = document.faults
    misnamed = [
        *kind.find_misnamed(document.values),
        *complete(document.values, file.absolute().parent),
    ]
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


def _faults_of(error: ValidationError, document: plain_yaml.Document) -> Iterator[Fault]:
    """The faults of entries, but for those that follow from a fault that is known already."""
    known = {fault.path for fault in document.faults}
    for each in error.errors(include_url=False):
        path = _as_written(each["loc"], document.values)
        if known.isdisjoint(path[:length] for length in range(len(path) + 1)):
            yield Fault(path, document.line_of(path), each["msg"] + _shown(path, each["input"]))


def _as_written(place: plain_yaml.Path, values: Any) -> plain_yaml.Path:
    """A place without the names of alternatives, which pydantic puts between those of fields."""
    path: list[Hashable] = []
    for at, part in enumerate(place):
        is_there = (isinstance(values, Mapping) and part in values) or (
            isinstance(values, list) and isinstance(part, int) and part < len(values)
        )
        if is_there:
            values = values[part]
        is_missing = at == len(place) - 1 and isinstance(values, Mapping)
        if is_there or is_missing:
            path.append(part)
    return tuple(path)


def _describe(file: Path, faults: Sequence[Fault]) -> str:
    """A line for each fault, in the order of the file: place, line, what is wrong, the value."""
    described = [f"catalogue {file} has {len(faults)} wrong entries; correct:"]
    for fault in sorted(faults, key=lambda fault: fault.line)[:_MOST_SHOWN]:
        place = ".".join(str(part) for part in fault.path) or "the file"
        line = f" (line {fault.line})" if fault.line else ""
        value = f"{fault.found[:80]} " if fault.found and not _may_be_secret(fault.path) else ""
        what = fault.what.replace("\n", "\n    ")
        described.append(f"  {place}{line}: {value}{what}")
    return "\n".join(described)


def _shown(path: plain_yaml.Path, value: Any) -> str:
    """A value as it stands in the catalogue; nothing of an entry with fields, and of no value."""
    if isinstance(value, Mapping) or value is PydanticUndefined or _may_be_secret(path):
        return ""
    # A text that looks like a number, or like nothing, is shown in its quotes.
    is_text = not isinstance(value, str) or plain_yaml.read_plain(value) == value
    return f" (found: {(str(value) if is_text else repr(value))[:80]})"


def _may_be_secret(path: plain_yaml.Path) -> bool:
    """Whether the value of a field must not be shown: the message reaches logs."""
    return any(SECRET.search(str(part)) for part in path)


def _describe_yaml(error: yaml.YAMLError) -> str:
    """What is wrong and where, without the line itself, which may hold a secret."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{error.problem}, line {mark.line + 1}, column {mark.column + 1}"
    return " ".join(str(error).split())
