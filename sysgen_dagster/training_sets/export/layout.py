"""How the files of an export are laid out, and what its card states for the library `datasets`.

One file or more for every source, model and split::

    data/capybara--phi-4/train-00000-of-00002.parquet

A *configuration* is what ``load_dataset(folder, NAME)`` loads: ``capybara--phi-4`` the rows of one
source and one model, ``phi-4`` those of one model, ``default`` all of them. A user who must not use
a source because of its licence names the configurations of the other sources.

`datasets` 5.2 reads the fields ``configs`` and ``dataset_info`` of the front matter of README.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import polars as pl

from sysgen_dagster.errors import SysgenError
from sysgen_dagster.tables.table import Table
from sysgen_dagster.training_sets.splits import Split

DEFAULT = "default"  # the configuration that `datasets` loads when none is named
# The columns of `Contents.sources`, `Contents.models` and `Contents.files`.
SOURCE_COLUMNS = ("source", "source_repo", "source_revision", "source_license")
MODEL_COLUMNS = ("model", "served_name", "model_revision", "model_license", "engine")
FILE_COLUMNS = {
    **dict.fromkeys(("source", "model", "split", "path"), pl.String()),
    **dict.fromkeys(("rows", "bytes", "memory_bytes"), pl.Int64()),
}


class ExportError(SysgenError):
    """A training set cannot be exported as it is, or a folder is no export; with the reason."""


class Trained(StrEnum):
    """Which answers of its chats an export marks to be learned, over all rows."""

    LAST = "last"  # of each chat the last one alone
    EVERY = "every"  # all of them, some of which are followed by others
    SOME = "some"  # in some chats earlier ones too, in others not


@dataclass(frozen=True, slots=True)
class Contents:
    """The data files of one exported mixture, and the sources and models that their rows name.

    Attributes:
        name: The mixture's.
        table: That of chats or of preference pairs, whose columns the files have.
        files: One row per Parquet file, with `FILE_COLUMNS`: ``source``, ``model`` and ``split`` of
            its rows, ``path`` in the export, ``rows``, ``bytes`` on the disk, and ``memory_bytes``
            that the rows take in Arrow's memory with offsets of 64 bits.
        sources: One row per source and revision, with `SOURCE_COLUMNS`; sorted.
        models: One row per model that wrote answers to train on and what served it, with
            `MODEL_COLUMNS`; sorted.
        only_rejected_models: Models that wrote rejected answers and no others, sorted. The rows
            do not name their licences.
        reviewed: How many rows reviewers have accepted as they were, and edited, by that word.
        trained: Which answers are to be learned; of preference pairs the only one.
    """

    name: str
    table: Table
    files: pl.DataFrame
    sources: pl.DataFrame
    models: pl.DataFrame
    only_rejected_models: tuple[str, ...] = ()
    reviewed: Mapping[str, int] = field(default_factory=dict)
    trained: Trained = Trained.LAST

    @property
    def has_pairs(self) -> bool:
        """Whether the rows are preference pairs, not chats."""
        return "rejected" in self.table.columns

    @property
    def rows(self) -> int:
        """The number of rows in all files."""
        return int(self.files["rows"].sum())

    @property
    def splits(self) -> list[str]:
        """The splits that have rows, in the order train, validation, test."""
        return list(_by_split(self.files))

    def configurations(self) -> dict[str, pl.DataFrame]:
        """Name of a configuration to its rows of `files`; ``default`` first.

        Raises:
            ExportError: Two configurations have the same name.
        """
        of_model, of_source = pl.col("model"), pl.format("{}--{}", "source", "model")
        configurations = {DEFAULT: self.files}
        for name in (of_model, of_source):
            groups = {
                str(key[0]): files for key, files in self.files.group_by(name, maintain_order=True)
            }
            if clashes := configurations.keys() & groups.keys():
                raise ExportError(
                    f"export {self.name}: {sorted(clashes)} would be two configurations each; "
                    "rename the model in the catalogue"
                )
            configurations |= groups
        return configurations


def _by_split(files: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {
        split.value: files.filter(split=split.value) for split in Split if split in files["split"]
    }


def build_configs(contents: Contents) -> list[dict[str, Any]]:
    """The field ``configs`` of the card: which files each configuration loads for each split.

    The files of one source, model and split are one pattern, such as
    ``data/capybara--phi-4/train-*.parquet``.
    """
    pattern = (
        pl.col("path").str.replace(r"\d+-of-\d+\.parquet$", "*.parquet").unique(maintain_order=True)
    )
    return [
        {
            "config_name": name,
            "data_files": [
                {"split": split, "path": of_split.select(pattern).to_series().to_list()}
                for split, of_split in _by_split(files).items()
            ],
        }
        for name, files in contents.configurations().items()
    ]


def build_dataset_info(contents: Contents) -> list[dict[str, Any]]:
    """The field ``dataset_info`` of the card: features and sizes of each configuration.

    A split needs ``num_bytes`` beside ``num_examples``: without it `datasets` ignores both.
    """
    return [
        {
            "config_name": name,
            "features": [
                {"name": column, **_feature(dtype)}
                for column, dtype in contents.table.schema.items()
            ],
            "splits": [
                {
                    "name": split,
                    "num_bytes": of_split["memory_bytes"].sum(),
                    "num_examples": of_split["rows"].sum(),
                }
                for split, of_split in _by_split(files).items()
            ],
            "download_size": files["bytes"].sum(),
            "dataset_size": files["memory_bytes"].sum(),
        }
        for name, files in contents.configurations().items()
    ]


def _feature(dtype: Any) -> dict[str, Any]:
    """A column's type as `datasets.Features` writes it into a card."""
    if not isinstance(dtype, pl.List):
        return {"dtype": _scalar(dtype)}
    if isinstance(dtype.inner, pl.Struct):
        fields = dtype.inner.fields
        return {"list": [{"name": field.name, **_feature(field.dtype)} for field in fields]}
    return {"list": _scalar(dtype.inner)}


def _scalar(dtype: Any) -> str:
    """Polars' String and UInt32 are string and uint32 there, and its Boolean is bool."""
    return "bool" if dtype == pl.Boolean() else str(dtype).lower()
