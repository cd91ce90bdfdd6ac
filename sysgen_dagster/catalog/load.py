"""Reading a catalogue: one YAML file in, checked entries out, or every fault in one message."""

import os
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sysgen_dagster.catalog.catalog import BaseCatalog
from sysgen_dagster.catalog.entries import SECRET
from sysgen_dagster.errors import SysgenError

FULL_CATALOG = Path(__file__).with_name("catalog.yaml")

_Kind = TypeVar("_Kind", bound=BaseCatalog)
_Path = tuple[Hashable, ...]


class CatalogError(SysgenError):
    """The catalogue cannot be used; the message names the file, the entry, the field, the fix."""


def catalog_file() -> Path:
    """The catalogue of this process: that of ``SYSGEN_CATALOG``, else the full one."""
    return Path(os.environ.get("SYSGEN_CATALOG") or FULL_CATALOG)


def use_catalog_of(data: str) -> None:
    """Make this process use the catalogue that lies among the data of a deployment, if one does.

    ``SYSGEN_CATALOG`` goes first where it is set.
    """
    beside = Path(data).absolute() / "catalog.yaml"
    if not os.environ.get("SYSGEN_CATALOG") and beside.is_file():
        os.environ["SYSGEN_CATALOG"] = str(beside)


def read_catalog(kind: type[_Kind], file: Path) -> _Kind:
    """The catalogue of a file, with the sections that `kind` has.

    Raises:
        CatalogError: The file is missing, is not YAML, or an entry is wrong.
    """
    try:
        text = file.read_text(encoding="utf-8")
        values, lines = yaml.safe_load(text), dict(_lines(yaml.compose(text, yaml.SafeLoader)))
        return kind.model_validate(values)
    except OSError as error:
        raise CatalogError(
            f"catalogue {file} cannot be read ({error.strerror}): correct SYSGEN_CATALOG, or unset "
            "it for the full catalogue"
        ) from error
    except UnicodeDecodeError as error:
        raise CatalogError(f"catalogue {file} is not UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        raise CatalogError(f"catalogue {file} is not YAML: {_yaml_fault(error)}") from None
    except RecursionError:
        raise CatalogError(f"catalogue {file} has an alias that refers to itself") from None
    except ValidationError as error:
        # Not `from error`: a traceback would show the values.
        raise CatalogError(_explain(file, error, lines)) from None


def _lines(node: yaml.Node | None, path: _Path = ()) -> Iterator[tuple[_Path, int]]:
    """The line, from 1, of each entry and field of a document, by the path to it."""
    if node is not None:
        yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, key.value)
            yield from _lines(value, here)
            yield here, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _lines(value, (*path, position))


def _explain(file: Path, error: ValidationError, lines: Mapping[_Path, int]) -> str:
    """A line for each fault: entry, field and line, what is wrong, what was found."""
    said = [f"catalogue {file} has {error.error_count()} wrong entries; correct:"]
    for fault in error.errors(include_url=False):
        place = ".".join(str(part) for part in fault["loc"]) or "the file"
        line = _line_of(fault["loc"], lines)
        said.append(f"  {place}{f' (line {line})' if line else ''}: {_said_of(fault)}")
    return "\n".join(said)


def _line_of(path: _Path, lines: Mapping[_Path, int]) -> int | None:
    """The line of a field, or of the nearest entry around it that the file has."""
    near = (path[:length] for length in range(len(path), 0, -1))
    return next((lines[each] for each in near if each in lines), None)


def _yaml_fault(error: yaml.YAMLError) -> str:
    """What is wrong and where, without the line itself, which may hold a secret."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return type(error).__name__
    mark = error.problem_mark
    return f"{error.problem}, line {mark.line + 1}, column {mark.column + 1}"


def _said_of(fault: ErrorDetails) -> str:
    """What is wrong and what was found, unless that may hold a secret: this reaches logs."""
    if "api_key_env" in fault["loc"]:  # its message repeats what was found
        return "must be the NAME of a variable"
    is_secret = any(SECRET.search(str(part)) for part in fault["loc"])
    if is_secret or isinstance(fault["input"], Mapping):
        return fault["msg"]
    return f"{fault['msg']} (found: {str(fault['input'])[:80]})"
