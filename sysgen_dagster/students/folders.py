"""Where a training lies, and which trainings still hold the rows of a conversation."""

from collections.abc import Collection, Iterator
from pathlib import Path

from sysgen_dagster.training_sets.export.manifest import read_ids

STUDENTS = "students"  # in the working folder: a folder for each training
DATA = "data"  # in the folder of a training: the export that it learns, as it was
_PREPARED = "prepared"  # beside it while it trains: the program's tokens of these rows


def training_folder(working: Path, training: str) -> Path:
    """The folder of a training in the working folder of the deployment."""
    return working / STUDENTS / training


def find_holders(working: Path, ids: Collection[str]) -> Iterator[tuple[Path, list[Path]]]:
    """The trainings whose rows are of one of these conversations, each with the folders of rows.

    Weights are no rows: a student that has learned a text goes on to have learned it.

    Raises:
        ExportError: A file of rows cannot be read, so that nobody can tell whose it holds.
    """
    for folder in sorted((working / STUDENTS).glob("*/")):
        if read_ids(folder / DATA) & set(ids):
            places = (folder / DATA, folder / _PREPARED)
            yield folder, [place for place in places if place.is_dir()]
