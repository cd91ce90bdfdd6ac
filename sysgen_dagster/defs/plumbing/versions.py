"""Versions that Dagster stores with a partition: of its rows, and of a source's settings.

The data version of a partition is a checksum of its rows, so a partition that is made again with
equal rows changes nothing downstream.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import polars as pl

from sysgen_dagster.catalog.sources import Source, UpstreamFile
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.sources.folders import data_files
from sysgen_dagster.storage.cuts import Cut
from sysgen_dagster.tables.table import Columns

# Fields of a source's entry that change neither which rows are read nor what is made from them.
_NOT_ABOUT_ROWS = {"title", "license", "rows", "conversations", "shards", *UpstreamFile.places}
_DIGITS = 32
_ROWS_AT_ONCE = 8_000  # rows of a row group in files that are written in pieces
# Columns that say how a row came about: equal rows of another commit, or asked for with other words
# to the server, are the same rows.
_PROVENANCE = ("source_revision", "request_fields")
# Tag of a partition: a digest of how a model was asked for its rows.
ASKED_AS = "sysgen/asked_as"
# Tag of a partition: a digest of the excluded conversations that it is made without.
EXCLUDED = "sysgen/excluded"
# Tag of what is made of many rows: a digest of the decisions of reviewers that it follows.
REVIEWED = "sysgen/reviewed"
# Tag of a partition that a run with `limit` has made: most of its rows were not sent to the model.
PILOT = "sysgen/pilot"
# Tag of a partition of a shard: into how many shards its source was cut.
CUT = "sysgen/cut"
# How a tag begins that says of which data version a partition was that was read and is no
# dependency; the name of its asset follows.
READ_VERSION = "sysgen/read_data_version."
DATA_VERSION = "dagster/data_version"

Tags = Mapping[str, str]


def data_version(
    frame: pl.DataFrame | pl.LazyFrame, settings: str = "", columns: Columns | None = None
) -> dg.DataVersion:
    """The version of a table's rows and of `settings` that downstream assets read with them.

    Those of `columns` that files of version 0.1 lack are no part of it without a value in any row,
    so that partitions of that version which are made again with equal rows stay as they are.

    It is the checksum of the rows as lines of JSON, in their order, without columns of provenance:
    it depends on how Polars writes a value as JSON and on nothing else of its release.
    """
    shown = frame.lazy().drop(_PROVENANCE, strict=False)
    held = shown.collect_schema()
    new = [name for name, column in (columns or {}).items() if column.is_new and name in held]
    filled = shown.select(pl.col(new).is_not_null().any()).collect()
    shown = shown.drop(name for name in new if not filled[name].item())
    names = shown.collect_schema().names()
    digest = hashlib.sha256(json.dumps([settings, *names] if settings else names).encode())
    for first in range(0, shown.select(pl.len()).collect().item(), _ROWS_AT_ONCE):
        rows = shown.slice(first, _ROWS_AT_ONCE).collect()
        digest.update(rows.write_ndjson().encode())
    return dg.DataVersion(digest.hexdigest()[:_DIGITS])


def _seen(path: Path) -> list[object]:
    stat = path.stat()
    return [str(path), stat.st_size, stat.st_mtime_ns]


def pilot_tags(frame: pl.DataFrame | pl.LazyFrame) -> Tags:
    """The tag `PILOT`, if only a part of the partition was sent to the model; else no tags."""
    rows = frame.lazy()
    if "drop_reason" not in rows.collect_schema():
        return {}
    reasons = rows.select("drop_reason").collect()["drop_reason"]
    return {PILOT: "true"} if NoAnswer.BEYOND_LIMIT.value in reasons else {}


def cut_tags(cut: Cut | None) -> Tags:
    """The tag `CUT`; no tags for a partition that is not of a shard."""
    return {CUT: str(cut.shards)} if cut else {}


def reading_settings(source: Source) -> str:
    """How a source's rows are read, as JSON: its columns, their shape and which exchanges."""
    return json.dumps(source.model_dump(mode="json", exclude=_NOT_ABOUT_ROWS), sort_keys=True)


def source_version(source: Source) -> str:
    """The code version of a source: the file it is pinned to, its shards, and how it is read.

    What an entry leaves open is no part of it: a Hub that moves on changes nothing. Local files go
    by their paths, sizes and times of change, seen when the definitions are loaded: reading all of
    them to load them would cost more than making a shard again for nothing.
    """
    place: list[object] = [source.shards]
    if source.hub is not None:
        hub = source.hub
        place += [hub.repo, hub.file, hub.revision]
        place += [hub.config, hub.split] if hub.config or hub.split else []
    elif source.github is not None:
        place += [source.github.repo, source.github.revision, source.github.checksum]
    elif source.path is not None and source.path.is_file():
        place += _seen(source.path)
    elif source.path is not None and source.path.is_dir():
        place += [_seen(path) for path in data_files(source.path)]
    text = json.dumps([*place, reading_settings(source)])
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def read_tag(asset: str) -> str:
    """The tag `READ_VERSION` of an asset, by its key: a tag cannot hold the slash of some keys."""
    return READ_VERSION + asset.replace("/", ".")


def read_tags(instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str) -> Tags:
    """The tag `READ_VERSION` of an asset; no tags where Dagster has no record of the partition."""
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[partition])
    records = instance.fetch_materializations(wanted, limit=1).records
    made = records[0].asset_materialization if records else None
    version = (made.tags or {}).get(DATA_VERSION) if made else None
    return {read_tag(asset.to_user_string()): version} if version else {}
