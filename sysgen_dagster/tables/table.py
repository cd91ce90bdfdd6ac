"""A stored table: its columns, what it has one partition for, and what a frame must be to fit it.

The tables themselves are declared in the rooms that fill them (`sources.tables`,
`lanes.sysgen.tables`, ...). Where a table is stored, how its asset is partitioned and which of its
files are expected follow from the declaration.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import product
from typing import Protocol, TypeVar

import polars as pl

from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.tables.groups import Group

# The file of a table that is not partitioned has this name.
WHOLE = "all"
# In the name of a table that stands for those of all sources.
_SOURCE = "{source}"

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


class TableError(SysgenError):
    """A frame is not the table it is said to be; the message names table, column and fix."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's type and what it holds."""

    dtype: pl.DataType
    description: str


Columns = Mapping[str, Column]


class By(Enum):
    """What a table has one partition, and so one file, for: the names of its dimensions."""

    NOTHING = ()
    MODEL = ("model",)
    SHARD = ("shard",)
    MODEL_SHARD = ("model", "shard")
    RECIPE = ("recipe",)


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of a table: a value for each dimension that the table is partitioned by."""

    model: str | None = None
    shard: str | None = None
    recipe: str | None = None

    @property
    def key(self) -> str | None:
        """As Dagster writes it, such as ``phi-4|capybara-003``; None without any dimension.

        Dagster puts the dimensions in the order of their names: model, recipe, shard.
        """
        given = (value for value in (self.model, self.recipe, self.shard) if value is not None)
        return "|".join(given) or None


class Values(Protocol):
    """What the dimensions can be in a deployment; a catalogue knows it."""

    @property
    def partition_values(self) -> Mapping[str, list[str]]:
        """The values of each dimension, in their order."""

    def shards(self, source: str) -> list[str]:
        """The shards of one source, in the order of its rows."""


@dataclass(frozen=True, slots=True)
class Table:
    """One stored table; two are the same if they have the same name.

    Attributes:
        name: That of its asset and of its folder; ``source/capybara`` is an asset key of two parts,
            ``source/{source}`` the table of the source that a shard is of.
        columns: In stored order.
        by: What it has one partition for.
        group: Where it stands in the lineage.
        of_source: The source whose shards its partitions are; None: those of all sources.
    """

    name: str
    columns: Columns = field(compare=False)
    by: By = field(compare=False)
    group: Group = field(compare=False)
    of_source: str | None = field(default=None, compare=False)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in stored order."""
        return list(self.columns)

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Column name to Polars type, in stored order."""
        return polars_schema(self.columns)

    def empty(self) -> pl.DataFrame:
        """The table without rows."""
        return pl.DataFrame(schema=self.schema)

    def only(self, *columns: str) -> Columns:
        """These of its columns, in the order in which they are asked for."""
        return {name: self.columns[name] for name in columns}

    def partition(self, at: Partition) -> Partition:
        """The partition of this table that holds what `at` names; dimensions it lacks are left out.

        Raises:
            TableError: `at` does not say which.
        """
        values = {dimension: getattr(at, dimension) for dimension in self.by.value}
        if missing := [dimension for dimension, value in values.items() if value is None]:
            raise TableError(
                f"{self.name} has a partition for each {' and '.join(missing)}: name it"
            )
        return Partition(**values)

    def partition_of(self, key: str | None) -> Partition:
        """The partition of a key as Dagster writes it; None for a table without partitions."""
        values = [] if key is None else key.split("|")
        return Partition(**dict(zip(sorted(self.by.value), values, strict=True)))

    def partitions(self, values: Values) -> Iterator[Partition]:
        """Every partition that the table has in a deployment, in the order of the values."""
        each = dict(values.partition_values)
        if self.of_source is not None:
            each["shard"] = values.shards(self.of_source)
        for one in product(*(each[dimension] for dimension in self.by.value)):
            yield Partition(**dict(zip(self.by.value, one, strict=True)))

    def file(self, at: Partition) -> str:
        """Where a partition is stored, below the root of all tables.

        ``conversations/capybara-000.parquet``,
        ``aligned_responses/model=phi-4/capybara-000.parquet``, ``splits/all.parquet``.
        """
        here = self.partition(at)
        if self.by is By.MODEL_SHARD:
            return f"{self.name}/model={here.model}/{here.shard}.parquet"
        folder = self.name
        if here.shard and _SOURCE in folder:
            folder = folder.replace(_SOURCE, split_shard(here.shard)[0])
        return f"{folder}/{here.key or WHOLE}.parquet"

    def label(self, at: Partition) -> str:
        """A partition in a sentence, such as ``conversations for capybara-000``."""
        key = self.partition(at).key
        return f"{self.name} for {key}" if key else self.name


def polars_schema(columns: Columns) -> dict[str, pl.DataType]:
    """Column name to Polars type, in stored order."""
    return {name: column.dtype for name, column in columns.items()}


def require_columns(frame: Frame, columns: Columns, where: str, fix: str) -> Frame:
    """`frame` with exactly these columns in this order; extra ones are left out.

    Raises:
        TableError: A column is missing or has another type; `where` names the culprit and `fix`
            says what to do.
    """
    schema = frame.collect_schema()
    for name, column in columns.items():
        if name not in schema:
            raise TableError(f"{where} has no column {name!r}, only {', '.join(schema)}. {fix}")
        if schema[name] != column.dtype:
            raise TableError(
                f"{where} has {name!r} as {schema[name]}, not as {column.dtype}. {fix}"
            )
    return frame.select(columns.keys())


def kept(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that go on to the next step: those without a ``drop_reason``."""
    return frame.filter(pl.col("drop_reason").is_null())


def by_name(tables: Iterable[Table]) -> dict[str, Table]:
    """The tables by their names."""
    return {table.name: table for table in tables}
