"""The numbers that options take: each from a range with two ends."""

from typing import Any

import click


class _Numbers(click.FloatRange):
    """A range of numbers; what is no number at all (nan) lies in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        number = super().convert(value, param, ctx)
        return self.fail(f"{value} is no number.", param, ctx) if number != number else number


PORT = click.IntRange(1, 65_535)
ROWS = click.IntRange(1, 1_000_000_000)
PREVIEWED = click.IntRange(0, 1_000)  # rows; none at all is a choice
DAYS = click.IntRange(1, 36_500)
STEPS = click.IntRange(1, 1_000_000)  # of a trial of a training
SHARE = _Numbers(0, 0.12, min_open=True)  # of requests that meet each kind of fault
