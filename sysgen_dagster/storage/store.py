"""The Parquet files of the pipeline: one file a partition, whole or not there.

``<root>/conversations/capybara-000.parquet`` for a shard,
``<root>/aligned_responses/model=phi-4/capybara-000.parquet`` for a model and a shard. The root is a
folder or, as ``s3://bucket/prefix``, a place in object storage.
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

_GROUP_ROWS = 8_000  # of what is written, and can be read, a piece at a time
# Characters that mean the same to URLs, patterns and every server.
_URL = re.compile(r"s3://[A-Za-z0-9.-]+(/[A-Za-z0-9._=-]+)*/?")


class StoreError(SysgenError):
    """A stored partition is missing or cannot be read; the message names it and what to do."""


class StoreUnavailableError(StoreError):
    """Object storage did not answer, or did not let us; asking again may help."""

    may_come_back = True


def open_store(root: str) -> "Store":
    """The tables under a folder, or under a URL of object storage; no request is made.

    Raises:
        StoreError: It is no URL that is known here, or the extra for it is not installed.
    """
    if not is_url(root):
        return Store(Path(root).absolute())
    if not _URL.fullmatch(root):
        # Not repeated: it may hold a password.
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
    """Whether it is meant as a URL and not as a folder."""
    return "://" in root


def working_folder(root: str, work: str) -> Path:
    """Where ledgers, engines and downloads are: `work`, or the root where that is a folder.

    Raises:
        StoreError: None is given; or it is a URL, which can be no folder.
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
    """The tables under one folder, or under one URL."""

    root: Path | UPath

    @property
    def report(self) -> Path | UPath:
        """Where the report is or will be."""
        return self.root / "report.html"

    @property
    def exclusions(self) -> Path | UPath:
        """Where the ids of conversations stand that are not to be used any more, one a line."""
        return self.root / "excluded.txt"

    def write_report(self, page: str) -> Path | UPath:
        """The path of the report, now holding `page`.

        Raises:
            StoreUnavailableError: Object storage did not take it.
        """
        if isinstance(self.report, Path):
            with replacing(self.report) as temporary:
                temporary.write_text(page, encoding="utf-8")
        else:
            from sysgen_dagster.storage import objects

            with answering(self.root):
                objects.replace(self.report, page.encode())
        return self.report

    def excluded(self) -> frozenset[str]:
        """Those ids; none where there is no such file.

        Raises:
            StoreUnavailableError: Object storage did not say.
        """
        with answering(self.root):
            if not self.exclusions.is_file():
                return frozenset()
            lines = self.exclusions.read_text(encoding="utf-8").split()
        return frozenset(lines)

    def exclude(self, ids: Collection[str]) -> int:
        """How many ids the list of exclusions holds, with these: sorted, one a line, each once.

        Whoever adds others at the same time loses none: a lock keeps them apart in a folder,
        conditional writes in object storage.

        Raises:
            StoreUnavailableError: Object storage did not take them.
        """

        def with_these(listed: str) -> str:
            return "".join(f"{each}\n" for each in sorted({*listed.split(), *ids}))

        if isinstance(self.exclusions, Path):
            with locked(self.exclusions.with_suffix(".lock")):
                text = with_these("\n".join(self.excluded()))
                with replacing(self.exclusions) as temporary:
                    temporary.write_text(text, encoding="utf-8")
        else:
            from sysgen_dagster.storage import objects

            with answering(self.root):
                text = objects.update_text(self.exclusions, with_these)
        return len(text.split())

    def export(self, mixture: str) -> Path | UPath:
        """The folder in which a mixture leaves the pipeline."""
        return self.root / "exports" / mixture

    def path(self, table: Table, at: Partition) -> Path | UPath:
        """Where a partition is or will be."""
        return self.root / table.file(at)

    def holds(self, table: Table, at: Partition) -> bool:
        """Whether a partition is written.

        Raises:
            StoreUnavailableError: Object storage did not say.
        """
        with answering(self.root):
            return self.path(table, at).is_file()

    def read(self, table: Table, at: Partition, *columns: str) -> pl.DataFrame:
        """The rows of one partition, with these of the table's columns; all when none is named.

        Raises:
            StoreUnavailableError: Object storage did not give it.
            StoreError: It was never written, or the file is damaged.
            TableError: It does not have the declared columns.
        """
        wanted = table.only(*columns) if columns else table.columns
        path, partition = self.path(table, at), table.label(at)
        # In a folder an error of the system is one of the disk, in object storage of the network.
        damage = (
            (pl.exceptions.PolarsError, OSError)
            if isinstance(path, Path)
            else pl.exceptions.PolarsError
        )
        with answering(path):
            try:
                frame = _stored(path, wanted)
            except FileNotFoundError as error:
                raise StoreError(
                    f"{partition} is not materialized ({path} is missing). Materialize it first"
                ) from error
            except damage as error:
                raise StoreError(
                    f"{partition} cannot be read, {path} is damaged ({error}). Materialize it again"
                ) from error
        return require_columns(frame, wanted, f"{partition} ({path})", "Materialize it again")

    def write(self, table: Table, at: Partition, frame: Frame) -> Path | UPath:
        """The path of the partition, now holding `frame`; the file before it stays until then.

        A lazy frame is computed a piece at a time, so that it is never in memory as a whole.

        Raises:
            StoreUnavailableError: Object storage did not take it.
            TableError: The frame does not have the declared columns.
        """
        path, fix = self.path(table, at), "Correct the code that made it"
        whole = require_columns(frame, table.columns, f"the new {table.name}", fix)
        if isinstance(path, Path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                _write_parquet(whole, temporary)
        else:
            with answering(path):
                _write_parquet(whole, str(path))
        return path

    def shards(self, table: Table, model: str | None = None) -> list[str]:
        """Shards whose partition of a table is written, sorted.

        Raises:
            StoreUnavailableError: Object storage did not say.
        """
        folder = self.path(table, Partition(model, "*")).parent
        with answering(folder):
            return sorted(path.stem for path in folder.glob("*.parquet"))


def _write_parquet(frame: pl.DataFrame | pl.LazyFrame, target: Path | str) -> None:
    if isinstance(frame, pl.LazyFrame):
        frame.sink_parquet(
            target, compression="zstd", row_group_size=_GROUP_ROWS, credential_provider=None
        )
    else:
        frame.write_parquet(target, compression="zstd", credential_provider=None)


def _stored(path: Path | UPath, columns: Columns) -> pl.DataFrame:
    if isinstance(path, Path) and not path.is_file():
        raise FileNotFoundError(path)
    rows = scan(path)
    stored = rows.collect_schema()
    return rows.select(name for name in columns if name in stored).collect()


def scan(path: Path | UPath) -> pl.LazyFrame:
    """The file at `path`, and no other one, wherever it is; nothing is read yet."""
    # No provider: else Polars looks for keys where nothing else here does, if boto3 is installed.
    return pl.scan_parquet(str(path), glob=False, hive_partitioning=False, credential_provider=None)


@contextmanager
def answering(path: Path | UPath) -> Iterator[None]:
    """Errors of object storage, told as such; those of a folder stay what they are."""
    if isinstance(path, Path):
        yield
        return
    from obstore.exceptions import BaseError

    try:
        yield
    except (OSError, BaseError) as error:
        said = " ".join(str(error).partition("Debug source:")[0].split())
        raise StoreUnavailableError(
            f"the object storage of {path} did not do what was asked. Look whether it answers at "
            f"AWS_ENDPOINT_URL, has the bucket, and lets these keys read and write: {said}"
        ) from error
