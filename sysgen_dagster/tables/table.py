"""The declaration of a stored table: its columns, how it is partitioned, where its files are.

The tables themselves are declared in the packages that fill them (`sources.tables`,
`lanes.sysgen.tables`, ...). The path of a table's files, the partitions of its asset and the files
that should exist all follow from its declaration.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import product
from typing import TypeVar

import polars as pl

from sysgen_dagster.catalog.catalog import BaseCatalog, split_shard
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.tables.groups import Group

# The file name, without ending, of a table that is not partitioned.
WHOLE = "all"
# A table with this in its name stands for one table per source; the shard says which.
_SOURCE = "{source}"

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


class TableError(SysgenError):
    """A frame lacks a declared column or type; the message names the table, column and fix."""


@dataclass(frozen=True, slots=True)
class Column:
    """The Polars type of a column, and a description for people.

    Attributes:
        dtype: The type.
        description: What a value says.
        is_new: Whether files stored by version 0.1 lack it; it is read as null from them.
    """

    dtype: pl.DataType
    description: str
    is_new: bool = False


Columns = Mapping[str, Column]


class By(Enum):
    """How a table is partitioned: the names of its dimensions; each partition is one file."""

    NOTHING = ()
    MODEL = ("model",)
    SHARD = ("shard",)
    MODEL_SHARD = ("model", "shard")
    RECIPE = ("recipe",)
    TRAINING = ("training",)
    SUBJECT = ("subject",)


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of a table: a value for each of the table's dimensions, None for the others."""

    model: str | None = None
    shard: str | None = None
    recipe: str | None = None
    training: str | None = None
    subject: str | None = None

    @property
    def key(self) -> str | None:
        """Dagster's partition key, such as ``phi-4|capybara-003``; None without any dimension.

        Dagster orders the dimensions of a key alphabetically, as they stand here.
        """
        values = (self.model, self.recipe, self.shard, self.subject, self.training)
        given = (value for value in values if value is not None)
        return "|".join(given) or None


@dataclass(frozen=True, slots=True)
class Table:
    """One stored table. Tables are equal if their names are.

    Attributes:
        name: Also the asset key and the folder. ``source/capybara`` is an asset key of two parts;
            ``source/{source}`` stands for the tables of all sources.
        columns: In stored order.
        by: How it is partitioned.
        group: The group of its asset in Dagster's UI.
        of_source: The source whose shards are the partitions; None: the shards of all sources.
        of_lane: The lane that has shards of its own, which are the partitions; None: see above.
    """

    name: str
    columns: Columns = field(compare=False)
    by: By = field(compare=False)
    group: Group = field(compare=False)
    of_source: str | None = field(default=None, compare=False)
    of_lane: str | None = field(default=None, compare=False)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in stored order."""
        return list(self.columns)

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Column name to Polars type, in stored order."""
        return polars_schema(self.columns)

    def empty(self) -> pl.DataFrame:
        """A frame with the table's columns and no rows."""
        return pl.DataFrame(schema=self.schema)

    def partition(self, at: Partition) -> Partition:
        """The partition of this table for `at`, without the dimensions that this table lacks.

        Raises:
            TableError: `at` has no value for a dimension of this table.
        """
        values = {dimension: getattr(at, dimension) for dimension in self.by.value}
        if missing := [dimension for dimension, value in values.items() if value is None]:
            raise TableError(
                f"{self.name} has a partition for each {' and '.join(missing)}: name it"
            )
        return Partition(**values)

    def partition_of(self, key: str | None) -> Partition:
        """The partition of a Dagster partition key; `key` is None for an unpartitioned table."""
        values = [] if key is None else key.split("|")
        return Partition(**dict(zip(sorted(self.by.value), values, strict=True)))

    def shards(self, catalog: BaseCatalog) -> list[str]:
        """The shards that the table has, in the order of the catalogue."""
        if self.of_lane is not None:
            return catalog.lane_shards.get(self.of_lane, [])
        if self.of_source is not None:
            return catalog.shards(self.of_source)
        return catalog.partition_values["shard"]

    def partitions(self, catalog: BaseCatalog) -> Iterator[Partition]:
        """Every partition that the table has in a deployment, in the order of the catalogue."""
        by_dimension = {**catalog.partition_values, "shard": self.shards(catalog)}
        for combination in product(*(by_dimension[dimension] for dimension in self.by.value)):
            yield Partition(**dict(zip(self.by.value, combination, strict=True)))

    def file(self, at: Partition) -> str:
        """The path of a partition's file, relative to the root of all tables.

        ``conversations/capybara-000.parquet``,
        ``aligned_responses/model=phi-4/capybara-000.parquet``, ``splits/all.parquet``.
        """
        partition = self.partition(at)
        if self.by is By.MODEL_SHARD:
            return f"{self.name}/model={partition.model}/{partition.shard}.parquet"
        folder = self.name
        if partition.shard and _SOURCE in folder:
            folder = folder.replace(_SOURCE, split_shard(partition.shard)[0])
        return f"{folder}/{partition.key or WHOLE}.parquet"

    def label(self, at: Partition) -> str:
        """A partition as messages name it, such as ``conversations for capybara-000``."""
        key = self.partition(at).key
        return f"{self.name} for {key}" if key else self.name

    def name_of(self, model: str | None) -> str:
        """The table as messages name it with the model of its rows, where these have one."""
        return f"{self.name} of {model}" if model and "model" in self.by.value else self.name


def polars_schema(columns: Columns) -> dict[str, pl.DataType]:
    """Column name to Polars type, in stored order."""
    return {name: column.dtype for name, column in columns.items()}


def require_columns(frame: Frame, columns: Columns, where: str, fix: str) -> Frame:
    """`frame` with exactly these columns in this order; extra columns are left out.

    Args:
        frame: What to check.
        columns: The declared columns.
        where: What the frame is, for the error message, such as ``notes for chats-000``.
        fix: What the user can do about an error, as a sentence.

    Raises:
        TableError: A column is missing or has another type.
    """
    schema = frame.collect_schema()
    for name, column in columns.items():
        if name not in schema:
            raise TableError(f"{where} has no column {name!r}, only {', '.join(schema)}. {fix}")
        if schema[name] != column.dtype:
            raise TableError(
                f"{where} has {name!r} as {schema[name]}, not as {column.dtype}. {fix}"
            )
    return frame if schema.names() == [*columns] else frame.select(columns.keys())


def kept(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that go on to the next step: those without a ``drop_reason``."""
    return frame.filter(pl.col("drop_reason").is_null())


def by_name(tables: Iterable[Table]) -> dict[str, Table]:
    """The tables by their names, in the given order."""
    return {table.name: table for table in tables}
