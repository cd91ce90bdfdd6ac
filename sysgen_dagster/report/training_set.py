"""A training set as the report tells of it; what is true of one is found by the caller."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """An exported mixture.

    Attributes:
        name: Of the mixture.
        folder: Where it lies: a path, or a URL of object storage.
        rows: Split and its number of rows, in the order train, validation, test.
        licenses: What a row is under, such as ``capybara: apache-2.0``.
        speaks_against: What a reader should know before training on it; one sentence each.
        is_here: Whether the folder is one of this machine.
    """

    name: str
    folder: str
    rows: Sequence[tuple[str, int]]
    licenses: Sequence[str] = ()
    speaks_against: Sequence[str] = ()
    is_here: bool = True

    @property
    def load_lines(self) -> Sequence[str]:
        """What is typed to load it, to be copied as it is."""
        place = self.folder if self.is_here else self.name
        first = [] if self.is_here else [f"# first: aws s3 sync {self.folder} {self.name}"]
        return (*first, "from datasets import load_dataset", f"rows = load_dataset({place!r})")

    @property
    def counted(self) -> str:
        """Its rows in words, such as ``train 1,204, test 12``."""
        return ", ".join(f"{split} {rows:,}" for split, rows in self.rows) or "no rows"
