"""`sysgen evaluate`: scores of what has been graded."""

from pathlib import Path

import polars as pl
from rich.console import Console

from sysgen_dagster.commands.printing import add_lines, new_table, say
from sysgen_dagster.evaluation.sysbench.scores import score
from sysgen_dagster.evaluation.sysbench.sheets import read_sheet
from sysgen_dagster.tables.rates import count_drops

_MOST_WORDS = 10  # of the judge that are shown with their number


def score_sheet(console: Console, path: Path) -> int:
    """0 when the scores of a graded answer sheet of SysBench are printed.

    Raises:
        SheetError: The file is no such sheet.
    """
    verdicts = read_sheet(path)
    say(console, f"{path}: {verdicts['session'].n_unique():,} sessions")
    table = new_table(
        "Scores of SysBench",
        words=("score", "of"),
        numbers=("value", "from", "to", "as published", "items", "dropped"),
    )
    columns = ("metric", "of", "score", "low", "high", "as_published", "items", "dropped")
    for _, rows in score(verdicts).group_by("metric", maintain_order=True):
        add_lines(table, rows.select(columns).iter_rows())
    console.print(table)
    say(
        console,
        "from, to: the 95 % interval, by drawing whole sessions. as published: as the benchmark's "
        "own programs count,",
    )
    say(console, "to which a third verdict is a failure in CSR and none elsewhere.")
    for line in _describe_drops(verdicts):
        say(console, line)
    return 0


def _describe_drops(verdicts: pl.DataFrame) -> list[str]:
    """What was left out, by reason, and the judge's words for it."""
    drops = count_drops(verdicts)
    if not drops:
        return []
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in drops.items())
    words = verdicts.filter(pl.col("drop_reason").is_not_null())["said"].drop_nulls()
    often = words.value_counts(sort=True).sort("count", "said", descending=[True, False])
    shown = [f"{word[:40]} {count:,}" for word, count in often.head(_MOST_WORDS).iter_rows()]
    lines = [f"Dropped of {verdicts.height:,} constraints: {reasons}."]
    if shown:
        lines.append(f"The judge said: {', '.join(shown)}{' ...' * (often.height > _MOST_WORDS)}")
    return lines
