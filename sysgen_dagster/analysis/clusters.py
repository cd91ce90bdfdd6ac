"""Groups of rows that are linked to each other, directly or through other rows (union-find)."""

import polars as pl


class Clusters:
    """Disjoint sets of rows, each represented by its first row."""

    def __init__(self, rows: int) -> None:
        """Every row is a cluster of its own.

        Args:
            rows: How many there are; they are known by their positions.
        """
        self._before = list(range(rows))  # a row of the same cluster, itself or earlier

    def _find(self, row: int) -> int:
        before = self._before
        while before[row] != row:
            before[row] = before[before[row]]  # the path to the first row becomes shorter
            row = before[row]
        return row

    def first(self) -> pl.Series:
        """For each row the first row of its cluster."""
        return pl.Series([self._find(row) for row in range(len(self._before))], dtype=pl.UInt32)

    def drop_joined(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """The pairs of ``row`` and ``other`` that are in different clusters."""
        first = self.first()
        return pairs.filter(first[pairs["row"]] != first[pairs["other"]])

    def join(self, pairs: pl.DataFrame) -> None:
        """Unite the clusters of ``row`` and ``other`` of each pair."""
        for row, other in pairs.select("row", "other").iter_rows():
            first, second = sorted((self._find(row), self._find(other)))
            self._before[second] = first
