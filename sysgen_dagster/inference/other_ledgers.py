"""What the ledgers of other partitions know of a partition's requests.

Rows move from one partition to another when a source is cut into another number of shards, or when
the order of its rows changes. What was paid for them stays where it is and is found here.
"""

import os
from collections.abc import Callable, Collection
from pathlib import Path

import polars as pl

from sysgen_dagster.inference.ledger_files import (
    Entry,
    LedgerError,
    read_keys_of_lines,
    read_lines,
    read_sealed,
    read_sealed_keys,
)

LINES, SEALED = ".jsonl", ".parquet"


def list_ledgers(folder: Path) -> list[Path]:
    """The paths of the lines of all ledgers under a folder, also of those without lines now.

    Raises:
        OSError: The system does not let a folder be listed.
    """

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # removed meanwhile, or there never was one
            raise error

    # Not `rglob`, which takes a folder that may not be listed for an empty one.
    places = os.walk(folder, onerror=refuse)
    found = (Path(place, name) for place, _, names in places for name in names)
    return sorted({path.with_suffix(LINES) for path in found if path.suffix in (LINES, SEALED)})


class OtherLedgers:
    """The other ledgers of a phase, of which only the keys are in memory, as 8 bytes each.

    A ledger that cannot be read stands in nobody's way: what it holds counts as unknown.
    """

    def __init__(self, folder: Path, own: Path, report: Callable[[str], object]) -> None:
        """Nothing but the names of the files is read.

        Args:
            folder: Where the ledgers are, at any depth.
            own: The path of the lines of the one that is not another one.
            report: Takes a line about each ledger that cannot be read.
        """
        self.paths = [path for path in list_ledgers(folder) if path != own]
        self._report = report
        self._places: pl.DataFrame | None = None

    def find(self, keys: Collection[str]) -> dict[str, Entry]:
        """The whole entries with these keys, by key."""
        if self._places is None:
            parts = [self._places_in(number) for number in range(len(self.paths))]
            self._places = pl.concat(parts)
        asked = pl.DataFrame({"key": list(keys)}).with_columns(hash=pl.col("key").hash())
        places = self._places.join(asked, on="hash").group_by("ledger", maintain_order=True)
        found: dict[str, Entry] = {}
        for (number, *_), hits in places:
            wanted = set(hits["key"]) - found.keys()
            found |= self._read(self.paths[int(str(number))], wanted)
        return found

    def _places_in(self, number: int) -> pl.DataFrame:
        """``hash`` of each key in a ledger, and the number of the ledger."""
        path = self.paths[number]
        keys = pl.Series("key", read_keys_of_lines(path), pl.String())
        try:
            keys = keys.append(read_sealed_keys(path.with_suffix(SEALED)))
        except LedgerError as error:
            self._report(f"what it holds counts as unknown: {error}")
        return keys.hash().alias("hash").to_frame().with_columns(ledger=pl.lit(number, pl.UInt32()))

    def _read(self, path: Path, keys: set[str]) -> dict[str, Entry]:
        """Lines first: what is sealed meanwhile is in the sealed file before the lines go."""
        lines, _ = read_lines(path)
        entries = [entry for entry in lines if entry.key in keys]
        try:
            entries = [*read_sealed(path.with_suffix(SEALED), keys), *entries]
        except LedgerError as error:
            self._report(f"what it holds counts as unknown: {error}")
        return {entry.key: entry for entry in entries if entry.is_whole}
