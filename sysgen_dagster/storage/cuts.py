"""How the file of a source was cut into shards, noted with every file that has rows of a shard.

Shards of different cuts share rows and miss others, although each of them is whole: they are never
read together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from sysgen_dagster.catalog.catalog import split_shard

_SHARDS, _REVISION = "sysgen.shards", "sysgen.source_revision"


@dataclass(frozen=True, slots=True)
class Cut:
    """One cut of a source.

    Attributes:
        shards: How many shards there were.
        revision: The file that was cut: its commit on the Hub, or ``local:<sha256>``.
    """

    shards: int
    revision: str

    @classmethod
    def of_notes(cls, notes: Mapping[str, str]) -> Self | None:
        """The cut that is noted in a file; None in files of versions that did not note it."""
        if _SHARDS not in notes:
            return None
        return cls(int(notes[_SHARDS]), notes[_REVISION])

    @property
    def notes(self) -> dict[str, str]:
        """What is noted in a file."""
        return {_SHARDS: str(self.shards), _REVISION: self.revision}


def explain_other_number(table: str, cuts: Mapping[Cut, Iterable[str]], number: int) -> str:
    """What is wrong with shards of cuts into another number than the catalogue's, and the fix."""
    found = "; ".join(
        f"{summarize_shards(shards)} cut into {cut.shards}" for cut, shards in cuts.items()
    )
    source, _ = split_shard(next(iter(next(iter(cuts.values())))))
    return f"{table} has {found}, the catalogue says {number}. {materialize_again(source)}"


def summarize_shards(shards: Iterable[str]) -> str:
    """Shards of one source as messages name them: ``capybara-000, -001``."""
    first, *rest = sorted(shards)
    return ", ".join([first, *(f"-{shard.rpartition('-')[2]}" for shard in rest)])


def materialize_again(source: str) -> str:
    """What to do about shards of different cuts of a source, as sentences without the last stop."""
    return (
        f"Materialize all shards of source/{source} and conversations again, then what is made "
        "from them. Answered requests are not sent again"
    )
