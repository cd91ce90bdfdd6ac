"""Reading a catalogue: one YAML file in; checked entries, or one error with every fault, out."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sysgen_dagster.catalog import plain_yaml
from sysgen_dagster.catalog.catalog import BaseCatalog
from sysgen_dagster.catalog.entries import SECRET
from sysgen_dagster.errors import SysgenError

FULL_CATALOG = Path(__file__).with_name("catalog.yaml")

_MOST_SHOWN = 50  # faults of one file

_Kind = TypeVar("_Kind", bound=BaseCatalog)


class CatalogError(SysgenError):
    """The catalogue cannot be used; the message names the file, the entry, the field, the fix."""


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


def read_catalog(kind: type[_Kind], file: Path) -> _Kind:
    """The catalogue in a file, with the sections that `kind` declares.

    Raises:
        CatalogError: The file is missing, is not YAML, or an entry is wrong.
    """
    try:
        with file.open("rb") as opened:
            document = plain_yaml.read_document(opened.read(plain_yaml.MOST_BYTES + 1))
        if document.faults:
            raise CatalogError(_describe_document(file, document.faults))
        return kind.model_validate(document.values)
    except OSError as error:
        raise CatalogError(
            f"catalogue {file} cannot be read ({error.strerror}): correct SYSGEN_CATALOG, or unset "
            "it for the full catalogue"
        ) from error
    except yaml.YAMLError as error:
        raise CatalogError(f"catalogue {file} is not YAML: {_describe_yaml(error)}") from None
    except ValidationError as error:
        # `from None`: the traceback of a ValidationError shows values, and with them secrets.
        raise CatalogError(_describe(file, error, document.lines)) from None


def _describe_document(file: Path, faults: Sequence[plain_yaml.Fault]) -> str:
    """A line for each fault that is one of YAML and not of an entry."""
    described = [f"catalogue {file} has {len(faults)} wrong entries; correct:"]
    for fault in faults[:_MOST_SHOWN]:
        shows = fault.found and not any(SECRET.search(str(part)) for part in fault.path)
        value = f"{fault.found[:80]} " if shows else ""
        described.append(f"  {_place(fault.path)} (line {fault.line}): {value}{fault.what}")
    return "\n".join(described)


def _place(path: plain_yaml.Path) -> str:
    return ".".join(str(part) for part in path) or "the file"


def _describe(file: Path, error: ValidationError, lines: Mapping[plain_yaml.Path, int]) -> str:
    """A line for each fault: entry and field, line in the file, what is wrong, the value."""
    faults = [f"catalogue {file} has {error.error_count()} wrong entries; correct:"]
    for fault in error.errors(include_url=False)[:_MOST_SHOWN]:
        path = fault["loc"]
        # The line of the field, or of the nearest entry around it that the file has.
        around = (path[:length] for length in range(len(path), 0, -1))
        line = next((f" (line {lines[each]})" for each in around if each in lines), "")
        faults.append(f"  {_place(path)}{line}: {_describe_fault(fault)}")
    return "\n".join(faults)


def _describe_fault(fault: ErrorDetails) -> str:
    """What is wrong, and the value unless it may hold a secret: the message reaches logs."""
    is_secret = any(SECRET.search(str(part)) for part in fault["loc"])
    if is_secret or isinstance(fault["input"], Mapping):
        return fault["msg"]
    value = fault["input"]
    # A text that looks like a number, or like nothing, is shown in its quotes.
    is_text = not isinstance(value, str) or plain_yaml.read_plain(value) == value
    shown = str(value) if is_text else repr(value)
    return f"{fault['msg']} (found: {shown[:80]})"


def _describe_yaml(error: yaml.YAMLError) -> str:
    """What is wrong and where, without the line itself, which may hold a secret."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{error.problem}, line {mark.line + 1}, column {mark.column + 1}"
    return " ".join(str(error).split())
