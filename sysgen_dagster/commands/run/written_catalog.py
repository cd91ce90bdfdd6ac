"""The catalogue that `sysgen run` writes: short, and the user's as soon as it is edited."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from sysgen_dagster.catalog.load import CatalogError
from sysgen_dagster.catalog.plain_yaml import read_document, read_plain
from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.commands.run.source import is_same_source
from sysgen_dagster.commands.trial_catalog import with_method
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.sysgen.settings import Generator, Method

_HEAD = """\
# Written by `sysgen run`, for you to change: when the command is repeated, it is used as it stands.
# What can stand here: docs/settings.md of sysgen-dagster.
"""
# What stands beside a line, by how the line begins.
_BESIDE = {
    "    license: unknown": "what may be done with it, as it stands on the card of every export",
    "    shards: ": "parts that are made one after the other",
    "    shape: ": "how a row of the file is read",
    "    exchanges: each": "each answered turn is a row; or first, last, whole",
    "    engine: simulated": "made-up text, to try it out; never train on it",
    "    price: ": "of a million tokens",
}
# Texts with no sign that means something to YAML, many names and paths among them.
_PLAIN = re.compile(r"[A-Za-z/]([A-Za-z0-9 ./@+_-]*[A-Za-z0-9./@+_-])?")
_WIDE = 10_000  # characters: no value is broken into lines
_RECIPE = "sysgen"
# Of a model that is the same: where it is, which may have changed since the catalogue was written.
_PLACE = ("base_urls", "weights")


def build_catalog(source: Source, model: Generator, method: Sequence[str] = ()) -> Catalog:
    """A catalogue of one source and one model, with settings such as ``repair=true``.

    Raises:
        CatalogError: There is no such setting, or it does not take the value.
    """
    catalog = Catalog(sources={source.name: source}, models={model.name: model})
    return with_method(catalog, method)


def render(catalog: Catalog) -> str:
    """The catalogue as its file: what differs from the defaults, a line for each field."""
    shown = catalog.model_dump(mode="json", exclude_defaults=True)
    for name, source in catalog.sources.items():
        shown["sources"][name] = _without_defaults(source, shown["sources"][name])
    if catalog.mixtures == {_RECIPE: Recipe()}:
        del shown["mixtures"]
    if "method" in shown:
        shown["method"] = {"preset": catalog.method.preset.value, **catalog.method.changes}
    return _HEAD + "".join(f"{line}\n" for line in _lines(shown))


def _without_defaults(source: Source, shown: dict[str, Any]) -> dict[str, Any]:
    """The fields of a source without those that follow from others; the licence is always told."""
    shown = {"title": source.title, "license": source.license} | shown
    for field in ("title", "columns"):
        less = {name: value for name, value in shown.items() if name != field}
        entry = {"name": source.name, **less, "same_question": None}
        if getattr(Source.model_validate(entry), field) == getattr(source, field):
            shown = less
    return shown


def _lines(shown: dict[str, Any]) -> list[str]:
    """A line for each section, entry and field of an entry; what a field holds is inline."""
    lines = []
    for section, entries in shown.items():
        if section not in {"sources", "models", "judges"}:
            lines.append(f"{section}: {_inline(entries)}")
            continue
        lines.append(f"{section}:")
        for name, fields in entries.items():
            lines.append(f"  {name}:")
            lines += [_commented(f"    {field}: {_inline(of)}") for field, of in fields.items()]
    return lines


class _Dumper(yaml.SafeDumper):
    """Writes a text in quotes wherever a reader of YAML could take it for something else."""


def _as_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    is_plain = _PLAIN.fullmatch(text) and not read_document(f"a: {text}".encode()).faults
    is_plain = is_plain and read_plain(text) == text
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain else '"')


_Dumper.add_representer(str, _as_text)


def _inline(value: Any) -> str:
    written = yaml.dump(
        *(value, None, _Dumper),
        default_flow_style=True,
        sort_keys=False,
        width=_WIDE,
        allow_unicode=True,
    )
    return str(written).removesuffix("...\n").strip()


def _commented(line: str) -> str:
    beside = next((text for start, text in _BESIDE.items() if line.startswith(start)), None)
    return f"{line}  # {beside}" if beside else line


def keep_or_write(file: Path, wanted: Catalog, given: Collection[str]) -> tuple[Catalog, str]:
    """The catalogue in `file` from now on, and a line that says whose it is.

    One that is there stays as it is, but for what was given on the command line; that is never
    written over what a person has edited.

    Args:
        file: Of the deployment; it need not be there.
        wanted: What would be written anew, of one source and one model.
        given: What the command line says: `license`, `columns`, `price`, `api_key_env`, and fields
            of the method.

    Raises:
        CatalogError: It is of another source or model, it was edited and says otherwise than the
            command line, or an entry is wrong.
    """
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(render(wanted), encoding="utf-8")
        return wanted, f"written to {file}"
    stored = load_catalog(file)
    changed = _with_given(stored, wanted, given, file)
    if changed == stored:
        return stored, f"{file}, as it stands"
    if render(stored) != file.read_text(encoding="utf-8"):
        fields = ", ".join(f"`{each}`" for each in _differing(stored, changed))
        raise CatalogError(
            f"{file} was edited and says otherwise than the command line: change {fields} "
            "there, or leave the option out. It is not written over"
        )
    file.write_text(render(changed), encoding="utf-8")
    return changed, f"changed in {file}"


def _with_given(stored: Catalog, wanted: Catalog, given: Collection[str], file: Path) -> Catalog:
    [source], [model] = wanted.sources.values(), wanted.models.values()
    old_source, old_model = stored.sources.get(source.name), stored.models.get(model.name)
    if old_source is None or not is_same_source(old_source, source.hub, source.path):
        raise _other(file, "source", source.title, [each.title for each in stored.sources.values()])
    if old_model is None or (old_model.engine, old_model.served_name) != (
        model.engine,
        model.served_name,
    ):
        raise _other(file, "model", model.served_name, list(stored.models))
    of_source = {"license"} | ({"columns", "shape", "exchanges"} if "columns" in given else set())
    of_model = {"price", "api_key_env"}
    changes = {
        name: getattr(source, name) for name in of_source if name in given or name != "license"
    }
    moved = {name: getattr(model, name) for name in _PLACE if getattr(model, name)}
    moved |= {name: getattr(model, name) for name in of_model if name in given}
    method = {name: getattr(wanted.method, name) for name in Method.model_fields if name in given}
    return stored.model_copy(
        update={
            "sources": {**stored.sources, source.name: old_source.model_copy(update=changes)},
            "models": {**stored.models, model.name: old_model.model_copy(update=moved)},
            "method": stored.method.changed(method) if method else stored.method,
        }
    )


def _differing(one: Catalog, other: Catalog) -> list[str]:
    """The names of the fields in which two catalogues of the same names differ."""
    pairs: list[tuple[BaseModel, BaseModel]] = [(one.method, other.method)]
    pairs += [(one.sources[name], each) for name, each in other.sources.items()]
    pairs += [(one.models[name], each) for name, each in other.models.items()]
    return [
        field
        for before, after in pairs
        for field in type(before).model_fields
        if getattr(before, field) != getattr(after, field)
    ]


def _other(file: Path, kind: str, wanted: str, held: Sequence[str]) -> CatalogError:
    return CatalogError(
        f"{file.parent} is of another {kind} than {wanted}: {', '.join(held)}. Name another folder "
        f"with -o, or add the {kind} to {file} and use `sysgen ui -o {file.parent}`"
    )
