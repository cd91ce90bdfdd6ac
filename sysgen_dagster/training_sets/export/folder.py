"""Writes the folder of one mixture: Parquet files, card, licences, trainers' files, manifest.

The folder is written beside the old one and takes its place when it is complete: a process that is
killed leaves the old one as it was, and no file of an older export stays. The same rows give the
same bytes: pyarrow stores no time in a Parquet file, and the manifest names pyarrow's version.
"""

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import polars as pl

from sysgen_dagster.chat.messages import Role
from sysgen_dagster.storage.folders import replacing
from sysgen_dagster.tables.table import Table, require_columns
from sysgen_dagster.training_sets.export import layout
from sysgen_dagster.training_sets.export.card import CardFacts, render_card, render_licenses
from sysgen_dagster.training_sets.export.layout import Contents
from sysgen_dagster.training_sets.export.manifest import (
    MANIFEST,
    compute_checksums,
    render_manifest,
)
from sysgen_dagster.training_sets.export.trainers import render_snippets
from sysgen_dagster.training_sets.exported_rows import TRAIN, exported_table
from sysgen_dagster.training_sets.splits import Split

# datasets.config.MAX_SHARD_SIZE of `datasets` 5.2; here it counts bytes on the disk.
FILE_BYTES = 500_000_000
# A row group of some MB: that much must be read to see one row, as the Hub's viewer does.
GROUP_ROWS = 1_000

_Cell = tuple[str, str, str]  # a source, a model and a split


def write_folder(
    target: Path,
    name: str,
    frames: Iterable[pl.DataFrame],
    facts: CardFacts,
    *,
    file_bytes: int = FILE_BYTES,
    group_rows: int = GROUP_ROWS,
) -> Contents:
    """Writes the export of a mixture to `target` and returns what its data files hold.

    Args:
        target: The folder itself; an older export there is replaced.
        name: The mixture.
        frames: The rows in the order of the export, some at a time, as only one frame is held in
            memory: preference pairs where the recipe of `facts` has kinds of rejected answers, else
            training rows. All rows of one source, model and split follow each other.
        facts: What the card states beside what the rows say.
        file_bytes: A file is closed when it has reached this size.
        group_rows: The rows of a Parquet row group, however many a frame has.

    Raises:
        ExportError: There are no rows, rows of one source, model and split do not follow each
            other, or a split is unknown.
        StoreError: `target` holds files that are no export.
        TableError: A frame does not have the declared columns.
    """
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target, known_by=MANIFEST) as folder:
        table = exported_table(facts.recipe)
        contents = _write_data(folder, name, frames, table, file_bytes, group_rows)
        texts = {
            "README.md": render_card(contents, facts),
            "LICENSE.md": render_licenses(contents, facts),
            **render_snippets(contents, facts.recipe),
        }
        for path, text in texts.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(text.encode())
        manifest = render_manifest(_manifest(folder, contents, facts))
        (folder / MANIFEST).write_bytes(manifest.encode())
    return contents


def _manifest(folder: Path, contents: Contents, facts: CardFacts) -> dict[str, Any]:
    """The content of the manifest; no time or place, so that equal rows give equal bytes."""
    rows = dict(contents.files.select("path", "rows").iter_rows())
    return {
        "mixture": contents.name,
        "rows": contents.rows,
        "recipe": facts.recipe.recorded,
        "training": facts.training.model_dump(mode="json"),
        "prompts": dict(sorted(facts.prompts.items())),
        "sources": contents.sources.to_dicts(),
        "models": contents.models.to_dicts(),
        "decisions": facts.decisions,
        "versions": {
            "sysgen-dagster": facts.version,
            "polars": pl.__version__,
            "pyarrow": version("pyarrow"),
        },
        "files": [
            {
                "path": path,
                "sha256": sha256,
                "bytes": (folder / path).stat().st_size,
                **({"rows": rows[path]} if path in rows else {}),
            }
            for path, sha256 in compute_checksums(folder).items()
        ],
    }


def _write_data(
    folder: Path,
    name: str,
    frames: Iterable[pl.DataFrame],
    table: Table,
    file_bytes: int,
    group_rows: int,
) -> Contents:
    """Writes the data files; sources and models are then read from what was written."""
    files: list[tuple[Any, ...]] = []
    written: set[_Cell] = set()
    for cell, of_cell in groupby(_cells(frames, table), key=lambda each: each[0]):
        if cell in written:
            raise layout.ExportError(
                f"export {name}: the rows of {', '.join(cell)} do not follow each other; sort them"
            )
        written.add(cell)
        groups = _regroup((rows for _, rows in of_cell), group_rows)
        files += [(*cell, *file) for file in _write_cell(folder, cell, groups, file_bytes)]
    if not files:
        raise layout.ExportError(
            f"export {name}: the mixture has no rows; let its recipe take more of them"
        )
    stored = pl.scan_parquet(
        [folder / path for _, _, _, path, *_ in files], glob=False, hive_partitioning=False
    )
    models = _distinct(stored, *layout.MODEL_COLUMNS)
    rejected: list[str] = []
    if "rejected_model" in table.columns:
        rejected = _distinct(stored, "rejected_model").to_series().drop_nulls().to_list()
    return Contents(
        name,
        table,
        pl.DataFrame(files, layout.FILE_COLUMNS, orient="row"),
        _distinct(stored, *layout.SOURCE_COLUMNS),
        models,
        tuple(model for model in rejected if model not in models["model"]),
        _count_reviewed(stored),
        _find_trained(stored) if "messages" in table.columns else layout.Trained.LAST,
    )


def _count_reviewed(stored: pl.LazyFrame) -> dict[str, int]:
    """How many rows a reviewer has accepted, and edited; only words that occur."""
    counts = stored.drop_nulls("reviewed").group_by("reviewed").len().sort("reviewed")
    return dict(counts.collect(engine="streaming").iter_rows())


def _find_trained(stored: pl.LazyFrame) -> layout.Trained:
    """Which answers before the last one the chats mark to be learned, looked at in all rows."""
    is_answer = pl.element().struct.field("role") == Role.ASSISTANT.value
    marks = pl.element().filter(is_answer).struct.field(TRAIN)
    earlier = pl.col("messages").list.head(pl.col("messages").list.len() - 1).list.eval(marks)
    found = stored.select(any=earlier.list.any().any(), all=earlier.list.all().all())
    is_any, is_all = found.collect(engine="streaming").row(0)
    if not is_any:
        return layout.Trained.LAST
    return layout.Trained.EVERY if is_all else layout.Trained.SOME


def _distinct(rows: pl.LazyFrame, *columns: str) -> pl.DataFrame:
    return rows.select(columns).unique().sort(columns).collect(engine="streaming")


def _cells(frames: Iterable[pl.DataFrame], table: Table) -> Iterator[tuple[_Cell, pl.DataFrame]]:
    """The same rows, each frame of one source, model and split, which stand before it."""
    for frame in frames:
        rows = require_columns(
            frame, table.columns, f"a frame of {table.name}", "Correct the code that made it"
        )
        for key, of_cell in rows.partition_by("source", "model", "split", as_dict=True).items():
            source, model, split = map(str, key)
            if split not in list(Split):
                raise layout.ExportError(
                    f"rows of {source}, {model} have the split {split}: it must be one of "
                    f"{', '.join(Split)}"
                )
            yield (source, model, split), of_cell


def _regroup(frames: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """The same rows in frames of `rows`, the last one of the rest.

    The bytes of an export so do not depend on how the rows were cut into shards.
    """
    pending: pl.DataFrame | None = None
    for frame in frames:
        pending = frame if pending is None else pl.concat([pending, frame])
        whole = pending.height // rows * rows
        yield from pending.head(whole).iter_slices(rows)
        pending = pending.slice(whole)
    if pending is not None and pending.height:
        yield pending


def _write_cell(
    folder: Path, cell: _Cell, groups: Iterator[pl.DataFrame], file_bytes: int
) -> list[tuple[str, int, int, int]]:
    """Writes the files of one cell and returns the path, rows, bytes and bytes in memory of each.

    The names hold how many files there are, so the files get their names when all are written.
    """
    source, model, split = cell
    home = folder / "data" / f"{source}--{model}"
    home.mkdir(parents=True, exist_ok=True)
    sizes: list[tuple[int, int]] = []
    for group in groups:
        unnamed = home / f"{split}-{len(sizes):05d}"
        sizes.append(_write_file(unnamed, chain([group], groups), file_bytes))
    files = []
    for index, (rows, memory_bytes) in enumerate(sizes):
        unnamed = home / f"{split}-{index:05d}"
        path = unnamed.rename(home / f"{unnamed.name}-of-{len(sizes):05d}.parquet")
        name = path.relative_to(folder).as_posix()
        files.append((name, rows, path.stat().st_size, memory_bytes))
    return files


def _write_file(path: Path, groups: Iterator[pl.DataFrame], limit: int) -> tuple[int, int]:
    """Writes row groups until the file has `limit` bytes; returns its rows and bytes in memory.

    zstd: a third smaller than snappy on real rows, and today's readers of Parquet know it. Pages
    are cut by content, as `datasets` does, so that the Hub stores an unchanged page once. The Arrow
    schema is left out: with it `datasets` would call the strings of Polars ``large_string``.
    """
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # slow, and every run imports this

    tables = (group.to_arrow().combine_chunks() for group in groups)
    first = next(tables)
    rows = memory_bytes = 0
    with (
        path.open("wb") as file,
        pq.ParquetWriter(
            file,
            first.schema,
            compression="zstd",
            use_content_defined_chunking=True,
            write_page_index=True,
            store_schema=False,
        ) as writer,
    ):
        for table in chain([first], tables):
            writer.write_table(table)
            rows += table.num_rows
            memory_bytes += table.nbytes
            if file.tell() >= limit:
                break
    return rows, memory_bytes
