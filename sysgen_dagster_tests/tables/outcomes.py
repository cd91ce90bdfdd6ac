"""Rows that go on or were dropped, of two sources."""

import polars as pl


def rows(*outcomes: tuple[str, str | None]) -> pl.DataFrame:
    """One row per (source, drop reason); None: the row goes on."""
    return pl.DataFrame(
        outcomes, schema={"source": pl.String, "drop_reason": pl.String}, orient="row"
    )


MIXED = rows(
    ("b", None),
    ("b", "refused"),
    ("a", "timeout"),
    ("a", "refused"),
    ("b", "refused"),
    ("a", None),
    ("a", "refused"),
    ("a", None),
    ("a", None),
)
