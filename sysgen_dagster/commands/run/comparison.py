"""Prints the same rows as two prompts made them, beside each other."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from sysgen_dagster.commands.printing import new_table
from sysgen_dagster.commands.run.preview import Previewed
from sysgen_dagster.commands.run.rows import cut_text, outcome_of

_LINES = 10  # of a message that are shown
_NARROWEST = 100  # columns at which two messages fit beside each other


def print_comparison(console: Console, old: Sequence[Previewed], new: Sequence[Previewed]) -> None:
    """Print both messages of each row, then the counts of both prompts.

    Args:
        console: Where it is printed.
        old: The rows with the old prompt.
        new: The same rows in the same order, with the new one.
    """
    is_wide = console.width >= _NARROWEST
    room = (console.width - 3) // 2 if is_wide else console.width
    for before, after in zip(old, new, strict=True):
        console.print(Text(f"Row {before.chosen.number}", "bold"))
        sides = [_side(name, row, room) for name, row in (("old", before), ("new", after))]
        if is_wide:
            grid = Grid.grid(padding=(0, 3, 0, 0), pad_edge=False)
            grid.add_column(width=room)
            grid.add_column(width=room)
            grid.add_row(*sides)
            console.print(grid)
        else:
            console.print(*sides, sep="\n")
        console.print()
    console.print(_counts(old, new))


def _side(name: str, row: Previewed, room: int) -> Text:
    message = row.story["system_message"] or row.story["annotated_message"]
    shown = Text(f"{name}: ", "bold").append_text(_plain(outcome_of(row))).append("\n")
    return shown.append_text(_plain(cut_text(message, room, _LINES)))


def _plain(text: Text) -> Text:
    """The text in its own style, not in that of what it is added to."""
    return Text("", "not bold").append_text(text)


def _counts(old: Sequence[Previewed], new: Sequence[Previewed]) -> Grid:
    table = new_table("Both prompts on the same rows", ("",), ("old", "new"))
    for name, values in (
        ("kept", [sum(row.is_kept for row in rows) for rows in (old, new)]),
        ("dropped", [sum(not row.is_kept for row in rows) for rows in (old, new)]),
        ("tokens in", [sum(row.spent.prompt_tokens for row in rows) for rows in (old, new)]),
        ("tokens out", [sum(row.spent.completion_tokens for row in rows) for rows in (old, new)]),
    ):
        table.add_row(name, *(f"{value:,}" for value in values))
    return table
