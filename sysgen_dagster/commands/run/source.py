"""Which source a word on the command line means, as an entry of the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sysgen_dagster.catalog.entries import UNKNOWN
from sysgen_dagster.catalog.places import HubFile
from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.chat.quoting import on_one_line
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.sources.column_words import parse_columns
from sysgen_dagster.sources.finding import find_source
from sysgen_dagster.sources.guessing import guess_shape
from sysgen_dagster.sources.heads import shards_of
from sysgen_dagster.sources.pins import find_pin
from sysgen_dagster.storage.store import Store


@dataclass(frozen=True, slots=True)
class SourceWish:
    """What a user says about the source.

    Attributes:
        named: A file, a folder, or a data set on the Hub.
        columns: What its columns are, such as ``question=prompt``; left out: guessed.
        config: Of a data set on the Hub.
        split: The one that is taken.
        license: An identifier; left out: as the Hub says.
    """

    named: str
    columns: Sequence[str] = ()
    config: str | None = None
    split: str | None = None
    license: str | None = None


def find_source_entry(
    wish: SourceWish, folder: Path, stored: Catalog | None
) -> tuple[Source, list[str]]:
    """The catalogue's entry for the source that a user named, and lines that say what it is.

    Args:
        wish: What the user said.
        folder: Of the deployment, in which a download is kept.
        stored: The catalogue of the deployment, if there is one: how the columns of the same
            source are read is taken from it, unless the user speaks of them.

    Raises:
        SourceError: There is no such source, or nobody can tell what its columns are for, also
            because `columns` cannot be understood.
    """
    mapping = parse_columns(wish.columns)
    found = find_source(wish.named, Path.cwd(), wish.config, wish.split)
    license_ = wish.license or found.license
    lines = [on_one_line(found.said), *_said_of_license(license_, wish.license)]
    known = None if stored is None or mapping else stored.sources.get(found.name)
    if known is not None and is_same_source(known, found.hub, found.path):
        return known.model_copy(update={"license": license_}), lines
    place = found.fetch(folder / "downloads", store := Store(folder))
    if found.hub is not None and (pin := find_pin(store, found.hub)) is not None:
        lines.append(f"reads {pin.said}, and keeps to it")
    guess = guess_shape(found.name, place, mapping)
    source = Source(
        name=found.name,
        title=found.title,
        license=license_,
        hub=found.hub,
        path=found.path,
        shape=guess.shape,
        columns=guess.columns,
        exchanges=guess.exchanges,
        shards=shards_of(found.name, place),
    )
    return source, [*lines, guess.said]


def _said_of_license(license_: str, given: str | None) -> list[str]:
    if license_ != UNKNOWN:
        return [] if given is None else [f"licence {given}"]
    return ["licence unknown, and so it stands on the card of the training set; --license names it"]


def is_same_source(one: Source, hub: HubFile | None, path: Path | None) -> bool:
    """Whether an entry reads this data set or file; the data set may have moved on."""
    if one.hub and hub:
        fields = ("repo", "file", "config", "split")
        return all(getattr(one.hub, field) == getattr(hub, field) for field in fields)
    return (one.hub, one.path) == (hub, path)
