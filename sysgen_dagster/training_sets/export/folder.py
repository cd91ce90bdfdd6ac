"""Writes the folder of one mixture: Parquet files, card, licences, snippets for trainers, manifest.

The folder is made beside the old one and takes its place when it is whole, so a process that is
killed leaves the old one as it was, and nothing of an older export stays. The same rows give the
same bytes: Parquet as pyarrow writes it holds no time, and the manifest names pyarrow's version.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import polars as pl

from sysgen_dagster.storage.folders import replacing
from sysgen_dagster.tables.table import Columns, require_columns
from sysgen_dagster.training_sets.export.card import CardFacts, render_card, render_licenses
from sysgen_dagster.training_sets.export.layout import (
    SPLIT_ORDER,
    Cell,
    Contents,
    DataFile,
    ExportError,
    features_schema,
)
from sysgen_dagster.training_sets.export.trainers import render_snippets
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS, TRAINING_ROWS

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

MANIFEST = "manifest.json"
# datasets.config.MAX_SHARD_SIZE of `datasets` 5.2; here it counts bytes on the disk.
FILE_BYTES = 500_000_000
# A few MB: what must be read to see one row, as the Hub's viewer does.
GROUP_ROWS = 1_000

_SOURCE = ("source", "source_repo", "source_revision", "source_license")
_MODEL = ("model", "served_name", "model_revision", "model_license", "engine")


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a cell, such as those of one shard: what is in memory at a time.

    Attributes:
        rows: `tables.TRAINING_ROWS` or `tables.PREFERENCE_PAIRS`, in the order of the export.
    """

    source: str
    model: str
    split: str
    rows: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Written:
    """An export as it now is."""

    folder: Path
    contents: Contents
    manifest: Mapping[str, Any]

    @property
    def rows(self) -> int:
        """In all files."""
        return self.contents.rows

    @property
    def bytes(self) -> int:
        """Of all files but the manifest."""
        return sum(file["bytes"] for file in self.manifest["files"])


def write_folder(
    target: Path,
    name: str,
    parts: Iterable[Part],
    facts: CardFacts,
    *,
    file_bytes: int = FILE_BYTES,
    group_rows: int = GROUP_ROWS,
) -> Written:
    """The export of mixture `name`, now at `target`.

    Args:
        target: The folder itself; an older export there is replaced.
        name: The mixture.
        parts: The parts of one source, model and split follow each other. Pairs where the recipe
            of `facts` has kinds of rejected answers, else training rows.
        facts: What the card says beside what the rows do.
        file_bytes: A file is closed when it has reached this size.
        group_rows: Rows of a row group, however many the parts have.

    Raises:
        ExportError: A part's rows are not of its cell, a cell comes twice, or there are no rows.
        StoreError: `target` holds files of something else than an export.
        TableError: The rows of a part do not have the declared columns.
    """
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target, known_by=MANIFEST) as folder:
        writer = _Writer(folder, bool(facts.recipe.rejected), file_bytes, group_rows)
        contents = writer.write(name, parts)
        texts = {
            "README.md": render_card(contents, facts),
            "LICENSE.md": render_licenses(contents, facts),
            **render_snippets(contents),
        }
        for path, text in texts.items():
            _write(folder / path, text.encode())
        manifest = _manifest(contents, facts, texts)
        described = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
        _write(folder / MANIFEST, described.encode())
    return Written(target, contents, manifest)


def _manifest(contents: Contents, facts: CardFacts, texts: Mapping[str, str]) -> dict[str, Any]:
    """No time and no place in it: it is the same wherever and whenever the rows are."""
    data = [
        {"path": file.path, "sha256": file.sha256, "bytes": file.bytes, "rows": file.rows}
        for files in contents.files.values()
        for file in files
    ]
    described = [
        {"path": path, "sha256": hashlib.sha256(text).hexdigest(), "bytes": len(text)}
        for path, text in ((path, text.encode()) for path, text in texts.items())
    ]
    return {
        "mixture": contents.name,
        "rows": contents.rows,
        "recipe": facts.recipe.model_dump(mode="json"),
        "training": facts.training.model_dump(mode="json"),
        "prompts": dict(sorted(facts.prompts.items())),
        "sources": contents.sources.to_dicts(),
        "models": contents.models.to_dicts(),
        "versions": {
            "sysgen-dagster": facts.version,
            "polars": pl.__version__,
            "pyarrow": version("pyarrow"),
        },
        "files": sorted(data + described, key=lambda file: str(file["path"])),
    }


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@dataclass(slots=True)
class _Writer:
    folder: Path
    preferences: bool
    file_bytes: int
    group_rows: int

    @property
    def columns(self) -> Columns:
        return (PREFERENCE_PAIRS if self.preferences else TRAINING_ROWS).columns

    def write(self, name: str, parts: Iterable[Part]) -> Contents:
        """The data files of all cells, and what was seen on the way."""
        seen = _Seen()
        files: dict[Cell, tuple[DataFile, ...]] = {}
        for cell, of_cell in groupby(parts, key=lambda p: Cell(p.source, p.model, p.split)):
            if cell in files:
                raise ExportError(f"export {name}: parts of {cell} come apart; sort them by cell")
            frames = (seen.noting(self._checked(part, cell)) for part in of_cell)
            if written := self._write_cell(cell, frames):
                files[cell] = written
        if not files:
            raise ExportError(
                f"export {name}: the mixture has no rows; let its recipe take more of them"
            )
        contents = Contents(
            name,
            self.preferences,
            files,
            sources=_frame(seen.sources, _SOURCE),
            models=_frame(seen.models, _MODEL),
            rejected_models=tuple(sorted(seen.rejected_models)),
        )
        contents.configurations()  # names that clash are found before anything else is written
        return contents

    def _checked(self, part: Part, cell: Cell) -> pl.DataFrame:
        where = f"the part {cell.source}, {cell.model}, {cell.split}"
        rows = require_columns(part.rows, self.columns, where, "Correct the code that made it")
        if cell.split not in SPLIT_ORDER:
            raise ExportError(f"{where}: a split is one of {', '.join(SPLIT_ORDER)}")
        strangers = rows.filter(
            ~(
                pl.col("source").eq_missing(cell.source)
                & pl.col("model").eq_missing(cell.model)
                & pl.col("split").eq_missing(cell.split)
            )
        )
        if strangers.height:
            raise ExportError(f"{where} holds {strangers.height} rows of another; filter them out")
        return rows

    def _write_cell(self, cell: Cell, frames: Iterable[pl.DataFrame]) -> tuple[DataFile, ...]:
        """The files of one cell; their number stands in their names, so they get them last."""
        schema = features_schema(self.columns)
        tables = (_table(group, schema) for group in _regrouped(frames, self.group_rows))
        sizes: list[tuple[int, int]] = []
        for group in tables:
            path = self._unnamed(cell, len(sizes))
            path.parent.mkdir(parents=True, exist_ok=True)
            sizes.append(_write_file(path, group, tables, schema, self.file_bytes))
        return tuple(self._named(cell, index, sizes) for index in range(len(sizes)))

    def _unnamed(self, cell: Cell, index: int) -> Path:
        return self.folder / cell.folder / f"{cell.split}-{index:05d}"

    def _named(self, cell: Cell, index: int, sizes: list[tuple[int, int]]) -> DataFile:
        rows, memory_bytes = sizes[index]
        name = f"{cell.split}-{index:05d}-of-{len(sizes):05d}.parquet"
        path = self._unnamed(cell, index).rename(self.folder / cell.folder / name)
        with path.open("rb") as written:
            sha256 = hashlib.file_digest(written, "sha256").hexdigest()
        return DataFile(f"{cell.folder}/{name}", rows, path.stat().st_size, memory_bytes, sha256)


@dataclass(slots=True)
class _Seen:
    """The sources and models that the rows name, gathered while they pass."""

    sources: set[tuple[Any, ...]] = field(default_factory=set)
    models: set[tuple[Any, ...]] = field(default_factory=set)
    rejected_models: set[str] = field(default_factory=set)

    def noting(self, rows: pl.DataFrame) -> pl.DataFrame:
        self.sources.update(rows.select(_SOURCE).unique().iter_rows())
        self.models.update(rows.select(_MODEL).unique().iter_rows())
        if "rejected_model" in rows.columns:
            self.rejected_models.update(rows["rejected_model"].drop_nulls().unique())
        return rows


def _frame(found: set[tuple[Any, ...]], columns: Sequence[str]) -> pl.DataFrame:
    schema = dict.fromkeys(columns, pl.String)
    return pl.DataFrame(list(found), schema, orient="row").sort(columns)


def _regrouped(frames: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """The same rows in frames of `rows`, the last one of what is left.

    So that the bytes do not depend on how the rows were cut into shards.
    """
    pending: pl.DataFrame | None = None
    for frame in frames:
        pending = frame if pending is None else pl.concat([pending, frame])
        whole = pending.height // rows * rows
        yield from pending.head(whole).iter_slices(rows)
        pending = pending.slice(whole)
    if pending is not None and pending.height:
        yield pending


def _table(rows: pl.DataFrame, schema: "pa.Schema") -> "pa.Table":
    """As plain strings and lists: `datasets` would call Polars' own ones large_string."""
    return rows.to_arrow().cast(schema).combine_chunks()


def _write_file(
    path: Path, first: "pa.Table", following: "Iterator[pa.Table]", schema: "pa.Schema", limit: int
) -> tuple[int, int]:
    """Rows and bytes in memory of a file of `first` and of what follows, up to the limit."""
    rows = memory_bytes = 0
    with path.open("wb") as file, _parquet(file, schema) as writer:
        group: pa.Table | None = first
        while group is not None:
            writer.write_table(group)
            rows += group.num_rows
            memory_bytes += group.nbytes
            group = next(following, None) if file.tell() < limit else None
    return rows, memory_bytes


def _parquet(file: BinaryIO, schema: "pa.Schema") -> "pq.ParquetWriter":
    """zstd: a third smaller than snappy on real rows, and read by all that reads Parquet today.

    Pages are cut by content, as `datasets` does, so that the Hub stores what did not change once.
    """
    import pyarrow.parquet as pq  # here, because every run loads the definitions

    return pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        use_content_defined_chunking=True,
        write_page_index=True,
    )
