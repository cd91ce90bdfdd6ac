"""The store: the Parquet files of all tables, one file per partition, and a few other files.

``<root>/conversations/capybara-000.parquet`` is a shard's partition of a table,
``<root>/aligned_responses/model=phi-4/capybara-000.parquet`` that of a model and a shard. The root
is a folder or, as ``s3://bucket/prefix``, a place in object storage. Files are replaced atomically.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from upath import UPath

from sysgen_dagster.errors import SysgenError
from sysgen_dagster.storage.files import locked, replacing
from sysgen_dagster.tables.table import Columns, Frame, Partition, Table, require_columns

# Rows per row group of a lazily written file: as many rows are in memory at once.
_GROUP_ROWS = 8_000
# These characters need no escaping in URLs, in glob patterns and on any server.
_URL = re.compile(r"s3://[A-Za-z0-9.-]+(/[A-Za-z0-9._=-]+)*/?")


class StoreError(SysgenError):
    """A stored partition is missing or cannot be read; the message names it and what to do."""


class StoreUnavailableError(StoreError):
    """Object storage did not answer or refused the request; trying again later may help."""

    may_come_back = True


def open_store(root: str) -> "Store":
    """The store in a folder, or at a URL of object storage; no request is made.

    Raises:
        StoreError: The URL is not supported, or the extra ``s3`` is not installed.
    """
    if not is_url(root):
        return Store(Path(root).absolute())
    if not _URL.fullmatch(root):
        # The message does not repeat the URL, which may contain a password.
        raise StoreError(
            "the URL of the data is not s3://BUCKET/PREFIX, in letters, digits and . _ = - only. "
            "Keys do not belong in it: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    try:
        from sysgen_dagster.storage import objects
    except ModuleNotFoundError as error:
        raise StoreError(f"{root} needs {error.name}: pip install 'sysgen-dagster[s3]'") from error
    return Store(objects.open_root(root.rstrip("/")))


def is_url(root: str) -> bool:
    """Whether `root` is a URL and not a folder."""
    return "://" in root


def working_folder(root: str, work: str) -> Path:
    """The local folder for ledgers, engines and downloads: `work`, or `root` if `work` is empty.

    Raises:
        StoreError: `work` is a URL; or `work` is empty and `root` is a URL.
    """
    if is_url(work):
        raise StoreError("SYSGEN_WORK is a URL; set it to a folder of this machine")
    if is_url(root) and not work:
        raise StoreError(
            "SYSGEN_DATA is a URL: set SYSGEN_WORK to a folder, for what object storage cannot "
            "hold (ledgers, engines, downloads)"
        )
    return Path(work or root).absolute()


@dataclass(frozen=True, slots=True)
class Store:
    """The stored tables, exports and report under one folder or one URL."""

    root: Path | UPath

    @property
    def report(self) -> Path | UPath:
        """The path of the report."""
        return self.root / "report.html"

    @property
    def exclusions(self) -> Path | UPath:
        """The path of the list of excluded conversations, one ``conversation_id`` a line."""
        return self.root / "excluded.txt"

    def write_report(self, page: str) -> Path | UPath:
        """Store `page` as the report, and return its path.

        Raises:
            StoreUnavailableError: Object storage did not accept it.
        """
        if isinstance(self.report, Path):
            _write_text(self.report, page)
        else:
            from sysgen_dagster.storage import objects

            with answering(self.root):
                objects.replace(self.report, page.encode())
        return self.report

    def excluded(self) -> frozenset[str]:
        """The ids of the excluded conversations.

        Raises:
            StoreUnavailableError: The list in object storage could not be read.
        """
        with answering(self.root):
            if not self.exclusions.is_file():
                return frozenset()
            return frozenset(self.exclusions.read_text(encoding="utf-8").split())

    def exclude(self, ids: Collection[str]) -> int:
        """Add ids to the list of exclusions, and return how many it then has.

        Two processes can add ids at the same time and none is lost: a lock separates them in a
        folder, conditional writes in object storage.

        Raises:
            StoreUnavailableError: Object storage did not accept the list.
        """

        def add_ids(listed: str) -> str:
            return "".join(f"{identity}\n" for identity in sorted({*listed.split(), *ids}))

        if isinstance(self.exclusions, Path):
            with locked(self.exclusions.with_suffix(".lock")):
                text = add_ids("\n".join(self.excluded()))
                _write_text(self.exclusions, text)
        else:
            from sysgen_dagster.storage import objects

            with answering(self.root):
                text = objects.update_text(self.exclusions, add_ids)
        return len(text.split())

    def export(self, mixture: str) -> Path | UPath:
        """The folder of a mixture's export."""
        return self.root / "exports" / mixture

    def path(self, table: Table, at: Partition) -> Path | UPath:
        """The path of a partition's file, which need not exist."""
        return self.root / table.file(at)

    def holds(self, table: Table, at: Partition) -> bool:
        """Whether a partition is stored.

        Raises:
            StoreUnavailableError: Object storage did not answer.
        """
        with answering(self.root):
            return self.path(table, at).is_file()

    def read(self, table: Table, at: Partition, *columns: str) -> pl.DataFrame:
        """The rows of one partition, with the named columns or, if none is named, all columns.

        Raises:
            StoreUnavailableError: Object storage did not answer.
            StoreError: The partition was never written, or its file is damaged.
            TableError: The file does not have the declared columns.
        """
        wanted = {name: table.columns[name] for name in columns or table.columns}
        path, partition = self.path(table, at), table.label(at)
        with answering(path):
            try:
                frame = _stored(path, wanted)
            except FileNotFoundError as error:
                raise StoreError(
                    f"{partition} is not materialized ({path} is missing). Materialize it first"
                ) from error
            except damage_errors(path) as error:
                raise StoreError(
                    f"{partition} cannot be read, {path} is damaged ({error}). Materialize it again"
                ) from error
        return require_columns(frame, wanted, f"{partition} ({path})", "Materialize it again")

    def write(self, table: Table, at: Partition, frame: Frame) -> Path | UPath:
        """Store `frame` as a partition, and return the path; an older file is replaced atomically.

        A lazy frame is computed and written piece by piece, so it need not fit into memory.

        Raises:
            StoreUnavailableError: Object storage did not accept it.
            TableError: The frame does not have the declared columns.
        """
        path, fix = self.path(table, at), "Correct the code that made it"
        rows = require_columns(frame, table.columns, f"the new {table.name}", fix)
        if isinstance(path, Path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                _write_parquet(rows, temporary)
        else:
            with answering(path):
                _write_parquet(rows, str(path))
        return path

    def shards(self, table: Table, model: str | None = None) -> list[str]:
        """Shards for which a partition of the table is stored, sorted.

        `model` is needed for a table that is partitioned by model and shard.

        Raises:
            StoreUnavailableError: Object storage did not answer.
        """
        folder = self.path(table, Partition(model, "*")).parent
        with answering(folder):
            return sorted(path.stem for path in folder.glob("*.parquet"))


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _write_parquet(frame: pl.DataFrame | pl.LazyFrame, target: Path | str) -> None:
    rows = _GROUP_ROWS if isinstance(frame, pl.LazyFrame) else None
    frame.lazy().sink_parquet(
        target, compression="zstd", row_group_size=rows, credential_provider=None
    )


def _stored(path: Path | UPath, columns: Columns) -> pl.DataFrame:
    if isinstance(path, Path) and not path.is_file():
        raise FileNotFoundError(path)
    rows = scan(path)
    stored = rows.collect_schema()
    new = {
        name: pl.lit(None, dtype=column.dtype)
        for name, column in columns.items()
        if column.is_new and name not in stored
    }
    return (
        rows.with_columns(**new)
        .select(name for name in columns if name in new or name in stored)
        .collect()
    )


def damage_errors(path: Path | UPath) -> tuple[type[Exception], ...]:
    """The exceptions of reading a file that mean that the file is damaged.

    An OSError means a damaged disk in a folder, but a failed request in object storage.
    """
    is_local = isinstance(path, Path)
    return (pl.exceptions.PolarsError, OSError) if is_local else (pl.exceptions.PolarsError,)


def scan(path: Path | UPath) -> pl.LazyFrame:
    """The rows of the Parquet file at `path`; nothing is read yet."""
    # `glob`, `hive_partitioning`: the path is taken literally, whatever characters it contains.
    # `credential_provider`: with boto3 installed, Polars would look for keys in more places than
    # obstore does.
    return pl.scan_parquet(str(path), glob=False, hive_partitioning=False, credential_provider=None)


@contextmanager
def answering(path: Path | UPath) -> Iterator[None]:
    """Raise failed requests to object storage as `StoreUnavailableError`; do nothing for a folder.

    Raises:
        StoreUnavailableError: A request failed; the message contains the server's reply.
    """
    if isinstance(path, Path):
        yield
        return
    from obstore.exceptions import BaseError

    try:
        yield
    except (OSError, BaseError) as error:
        reply = " ".join(str(error).partition("Debug source:")[0].split())
        raise StoreUnavailableError(
            f"a request to the object storage of {path} failed. Check that it answers at "
            f"AWS_ENDPOINT_URL, has the bucket, and lets these keys read and write: {reply}"
        ) from error
