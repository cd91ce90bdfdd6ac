"""How an export lies in its folder, and how the library `datasets` is to read it.

One file or more for every source, model and split::

    data/capybara--phi-4/train-00000-of-00002.parquet

A *configuration* is what ``load_dataset(folder, NAME)`` loads: ``capybara--phi-4`` the rows of one
source and one model, ``phi-4`` those of one model, ``default`` all of them. Whoever may not use a
source for its licence names the configurations of the others.

What `datasets` 5.2 wants: ``configs`` and ``dataset_info`` in the front matter of README.md, and
in every Parquet file the features as JSON under the key ``huggingface`` (else the types of the
card are the ones that Arrow happens to have, such as ``large_string``).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.datatypes import DataTypeClass

from sysgen_dagster.errors import SysgenError
from sysgen_dagster.tables.table import Columns, polars_schema
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS, TRAINING_ROWS

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

DEFAULT = "default"  # the configuration that `datasets` takes when none is named
SPLIT_ORDER = ("train", "validation", "test")
FEATURES_KEY = b"huggingface"  # of the Parquet metadata that `datasets` reads


class ExportError(SysgenError):
    """Rows cannot be exported as they are given; the message names them and what to do."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The rows of one source, one model and one split."""

    source: str
    model: str
    split: str

    @property
    def folder(self) -> str:
        """Where its files are, within the export."""
        return f"data/{self.source}--{self.model}"

    @property
    def pattern(self) -> str:
        """What its files, and no others, match."""
        return f"{self.folder}/{self.split}-*.parquet"


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file; `memory_bytes` is what its rows take in Arrow's memory."""

    path: str
    rows: int
    bytes: int
    memory_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What was written of one mixture.

    Attributes:
        files: Of every cell that has rows, in the order in which they were given.
        sources: One row per source and revision: ``source``, ``source_repo``,
            ``source_revision``, ``source_license``; sorted.
        models: One row per model: ``model``, ``served_name``, ``model_revision``,
            ``model_license``, ``engine``; sorted.
        rejected_models: Whose answers are rejected, where they are a model's; sorted.
    """

    name: str
    preferences: bool
    files: Mapping[Cell, tuple[DataFile, ...]]
    sources: pl.DataFrame
    models: pl.DataFrame
    rejected_models: tuple[str, ...] = ()

    @property
    def columns(self) -> Columns:
        """Of the rows."""
        return (PREFERENCE_PAIRS if self.preferences else TRAINING_ROWS).columns

    @property
    def rows(self) -> int:
        """In all."""
        return sum(file.rows for files in self.files.values() for file in files)

    @property
    def splits(self) -> list[str]:
        """Those that have rows: train first, then validation, then test."""
        return _splits(self.files)

    def configurations(self) -> dict[str, list[Cell]]:
        """The cells of each configuration: all of them, those of a model, those of a source too.

        Raises:
            ExportError: Two configurations have one name.
        """
        found: dict[str, list[Cell]] = {DEFAULT: list(self.files)}
        for level in ("{cell.model}", "{cell.source}--{cell.model}"):
            cells: dict[str, list[Cell]] = {}
            for cell in self.files:
                cells.setdefault(level.format(cell=cell), []).append(cell)
            if taken := found.keys() & cells.keys():
                raise ExportError(
                    f"export {self.name}: {sorted(taken)} would be two configurations each; "
                    "rename the model in the catalogue"
                )
            found |= cells
        return found


def features_schema(columns: Columns) -> "pa.Schema":
    """The Arrow schema of the files: plain strings and lists, the features in its metadata."""
    import pyarrow as pa  # here, because every run loads the definitions, and this takes 0.2 s

    dtypes = polars_schema(columns)
    features = {name: _feature(dtype) for name, dtype in dtypes.items()}
    described = json.dumps({"info": {"features": features}})
    fields = [pa.field(name, _arrow(dtype)) for name, dtype in dtypes.items()]
    return pa.schema(fields, metadata={FEATURES_KEY: described.encode()})


def configs(contents: Contents) -> list[dict[str, Any]]:
    """The field ``configs`` of the card."""
    return [
        {
            "config_name": name,
            "data_files": [
                {"split": split, "path": [cell.pattern for cell in cells if cell.split == split]}
                for split in _splits(cells)
            ],
        }
        for name, cells in contents.configurations().items()
    ]


def dataset_info(contents: Contents) -> list[dict[str, Any]]:
    """The field ``dataset_info`` of the card.

    A split needs ``num_bytes`` beside ``num_examples``: `datasets` ignores all of them otherwise.
    """
    features = [
        {"name": name, **_yaml_feature(column.dtype)} for name, column in contents.columns.items()
    ]
    infos = []
    for name, cells in contents.configurations().items():
        splits = [_split_info(contents, cells, split) for split in _splits(cells)]
        stored = [file.bytes for cell in cells for file in contents.files[cell]]
        infos.append(
            {
                "config_name": name,
                "features": features,
                "splits": splits,
                "download_size": sum(stored),
                "dataset_size": sum(split["num_bytes"] for split in splits),
            }
        )
    return infos


def _split_info(contents: Contents, cells: list[Cell], split: str) -> dict[str, Any]:
    files = [file for cell in cells if cell.split == split for file in contents.files[cell]]
    return {
        "name": split,
        "num_bytes": sum(file.memory_bytes for file in files),
        "num_examples": sum(file.rows for file in files),
    }


def _splits(cells: Iterable[Cell]) -> list[str]:
    there = {cell.split for cell in cells}
    return [split for split in SPLIT_ORDER if split in there]


_Dtype = pl.DataType | DataTypeClass
# As both Arrow and `datasets` call them.
_NAMES: Mapping[_Dtype, str] = {pl.String: "string", pl.UInt32: "uint32"}


def _arrow(dtype: _Dtype) -> "pa.DataType":
    import pyarrow as pa

    if isinstance(dtype, pl.List):
        return pa.list_(_arrow(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return pa.struct([(field.name, _arrow(field.dtype)) for field in dtype.fields])
    return pa.type_for_alias(_NAMES[dtype.base_type()])


def _feature(dtype: _Dtype) -> dict[str, Any]:
    """As `datasets.Features` writes itself into a schema."""
    if isinstance(dtype, pl.List):
        return {"feature": _feature(dtype.inner), "_type": "List"}
    if isinstance(dtype, pl.Struct):
        return {field.name: _feature(field.dtype) for field in dtype.fields}
    return {"dtype": _NAMES[dtype.base_type()], "_type": "Value"}


def _yaml_feature(dtype: _Dtype) -> dict[str, Any]:
    """As `datasets.Features` writes itself into a card."""
    if not isinstance(dtype, pl.List):
        return {"dtype": str(_arrow(dtype))}
    if isinstance(dtype.inner, pl.Struct):
        fields = dtype.inner.fields
        return {"list": [{"name": each.name, **_yaml_feature(each.dtype)} for each in fields]}
    return {"list": str(_arrow(dtype.inner))}
