"""The store: the Parquet files of all tables, one file per partition, and a few other files.

``<root>/conversations/capybara-000.parquet`` is a shard's partition of a table,
``<root>/aligned_responses/model=phi-4/capybara-000.parquet`` that of a model and a shard. The root
is a folder or, as ``s3://bucket/prefix``, a place in object storage. Files are replaced atomically.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from upath import UPath

from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.storage import parquet
from sysgen_dagster.storage.cuts import Cut, explain_other_number
from sysgen_dagster.storage.exclusions import ENCODING, parse_exclusions, render_exclusions
from sysgen_dagster.storage.files import list_folder, locked, write_text
from sysgen_dagster.tables.digests import DamagedFileError
from sysgen_dagster.tables.file_errors import as_os_error, explain
from sysgen_dagster.tables.table import Frame, Partition, Table, require_columns

# These characters need no escaping in URLs, in glob patterns and on any server.
_URL = re.compile(r"s3://[A-Za-z0-9.-]+(/[A-Za-z0-9._=-]+)*/?")


class StoreError(SysgenError):
    """A stored partition is missing or cannot be read; the message names it and what to do."""


class OtherCutError(StoreError):
    """Shards of a source come from another cut of its file; the message names them."""


class StoreUnavailableError(StoreError):
    """Storage did not answer, refused a request, or is full; trying again later may help."""

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
    """The stored tables, exports and report under one folder or one URL.

    Attributes:
        root: The folder or the URL.
        shards_of: Into how many shards each source is cut; a shard of another cut is not read.
            Shards of sources that are not named are read whatever their cut is.
    """

    root: Path | UPath
    shards_of: Mapping[str, int] = field(default_factory=dict, compare=False)

    @property
    def report(self) -> Path | UPath:
        """The path of the report."""
        return self.root / "report.html"

    @property
    def exclusions(self) -> Path | UPath:
        """The path of the list of excluded conversations; `exclusions` has its form."""
        return self.root / "excluded.txt"

    def write_text(self, path: Path | UPath, text: str) -> Path | UPath:
        """Replace the text of a file, and return its path; its folder is made.

        Raises:
            StoreUnavailableError: Object storage did not accept it.
        """
        with answering(path):
            if isinstance(path, Path):
                write_text(path, text)
            else:
                from sysgen_dagster.storage import objects

                objects.replace(path, text.encode())
        return path

    def excluded(self) -> frozenset[str]:
        """The ids of the excluded conversations.

        Raises:
            StoreUnavailableError: The list could not be read.
            StoreError: The list is damaged.
        """
        with self._listing():
            if not self.exclusions.is_file():
                return frozenset()
            return parse_exclusions(self.exclusions.read_text(**ENCODING))

    def exclude(self, ids: Collection[str]) -> int:
        """Add ids to the list of exclusions, and return how many it then has.

        Two processes can add ids at the same time and none is lost: a lock separates them in a
        folder, conditional writes in object storage.

        Raises:
            StoreUnavailableError: The list could not be stored.
            StoreError: The list is damaged, or the system does not allow to write it.
        """

        def add_ids(listed: str) -> str:
            return render_exclusions({*(parse_exclusions(listed) if listed else ()), *ids})

        with self._listing():
            if isinstance(self.exclusions, Path):
                with locked(self.exclusions.with_suffix(".lock")):
                    text = render_exclusions({*self.excluded(), *ids})
                    write_text(self.exclusions, text)
            else:
                from sysgen_dagster.storage import objects

                text = objects.update_text(self.exclusions, add_ids)
        return len(parse_exclusions(text))

    @contextmanager
    def _listing(self) -> Iterator[None]:
        """Raise what is wrong with the list of exclusions as an error that says what to do."""
        with answering(self.exclusions):
            try:
                yield
            except DamagedFileError as error:
                raise StoreError(
                    f"{self.exclusions}, which lists what must not be used, is damaged ({error}). "
                    "Bring it back from a copy. If it was changed by hand, delete its first line; "
                    "to exclude nothing, delete it"
                ) from error

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
            StoreUnavailableError: Storage did not answer.
            OtherCutError: It is a shard of another cut than `shards_of` says.
            StoreError: The partition was never written, or its file is damaged.
            TableError: The file does not have the declared columns.
        """
        wanted = {name: table.columns[name] for name in columns or table.columns}
        path = self.path(table, at)
        source = split_shard(at.shard)[0] if at.shard else ""
        with self._reading(table, at, path):
            frame, footer = parquet.read(path, wanted)
            cut = Cut.of_notes(parquet.notes_in(footer)) if source in self.shards_of else None
        if cut is not None and cut.shards != self.shards_of[source]:
            raise self._other_cut(table, at, cut, source)
        where = f"{table.label(at)} ({path})"
        return require_columns(frame, wanted, where, "Materialize it again")

    def cut(self, table: Table, at: Partition) -> Cut | None:
        """The cut that a stored shard is from, as `read` raises; None: of an older version."""
        with self._reading(table, at, path := self.path(table, at)):
            return Cut.of_notes(parquet.read_notes(path))

    @contextmanager
    def _reading(self, table: Table, at: Partition, path: Path | UPath) -> Iterator[None]:
        """Raise what is wrong with a partition's file as an error that names the partition."""
        with answering(path):
            try:
                yield
            except FileNotFoundError as error:
                raise StoreError(
                    f"{table.label(at)} is not materialized ({path} is missing). Materialize it "
                    "first"
                ) from error
            except DamagedFileError as error:
                raise StoreError(
                    f"{table.label(at)} cannot be read, {path} is damaged ({error}). Materialize "
                    "it again"
                ) from error

    def _other_cut(self, table: Table, at: Partition, cut: Cut, source: str) -> OtherCutError:
        """The error for a shard of another cut, which names all that are stored."""
        stored = [each for each in self.shards(table, at.model) if split_shard(each)[0] == source]
        same = [each for each in stored if self.cut(table, Partition(at.model, each)) == cut]
        name, number = table.name_of(at.model), self.shards_of[source]
        return OtherCutError(explain_other_number(name, {cut: same}, number))

    def write(
        self, table: Table, at: Partition, frame: Frame, cut: Cut | None = None
    ) -> Path | UPath:
        """Store `frame` as a partition, and return the path; an older file is replaced atomically.

        A lazy frame, written piece by piece, need not fit into memory. `cut` is noted with it.

        Raises:
            StoreUnavailableError: Storage did not answer, or is full.
            StoreError: The system does not allow it.
            TableError: The frame does not have the declared columns.
        """
        path, fix = self.path(table, at), "Correct the code that made it"
        rows = require_columns(frame, table.columns, f"the new {table.name}", fix)
        with answering(path):
            parquet.write(rows, path, cut.notes if cut else {})
        return path

    def shards(self, table: Table, model: str | None = None) -> list[str]:
        """Shards for which a partition of the table is stored, sorted.

        `model` is needed for a table that is partitioned by model and shard.

        Raises:
            StoreUnavailableError: Object storage did not answer.
        """
        folder = self.path(table, Partition(model, "*")).parent
        with answering(folder):
            return sorted(
                path.stem for path in list_folder(folder) if path.name.endswith(".parquet")
            )


@contextmanager
def answering(path: Path | UPath) -> Iterator[None]:
    """Raise what the system or object storage refuses as an error that says what to do.

    Raises:
        StoreUnavailableError: Trying again later may help. For object storage, the message contains
            the server's reply.
        StoreError: The system does not allow it.
    """
    if isinstance(path, Path):
        try:
            yield
        except OSError as error:
            fault = explain(as_os_error(error) or error, path)
            kind = StoreUnavailableError if fault.may_pass else StoreError
            raise kind(fault.message) from error
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
