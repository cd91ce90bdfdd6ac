"""A phase that loses most of its rows is said to: how many, why mostly, and what the model wrote.

A useless model answers every request, so the engine's checks pass; what it loses shows here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES, NoAnswer
from sysgen_dagster.chat.quoting import made_visible
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, FILTERED, RETENTION, VERIFIED
from sysgen_dagster.tables.checks import Check, Evidence, Finding
from sysgen_dagster.tables.rates import Z95, Rate, count_drops, kept_rate, wilson_interval
from sysgen_dagster.tables.table import Table

# The least share of the answered rows that a phase keeps, unless the catalogue expects less of the
# model. The paper's worst phase keeps 0.747.
LEAST_KEPT = 0.5
# A row with one of these was not answered, so no model is to blame.
UNANSWERED = (
    NoAnswer.BEYOND_LIMIT,
    NoAnswer.TOO_LONG,
    NoAnswer.REFUSED_BY_SERVER,
    *ENGINE_FAILURES,
)
_QUOTED = 300  # characters of a completion that are quoted


@dataclass(frozen=True, slots=True)
class _Losing:
    """A phase that drops rows because of what the model wrote.

    Attributes:
        table: The table of the phase.
        written: The table with what the model wrote, and its column.
        bound: The field of `Generator.bounds` that may ask for less than `LEAST_KEPT`.
        advice: What to try where most is lost.
    """

    table: Table
    written: tuple[Table, str]
    bound: str
    advice: str


_LOSING = (
    _Losing(
        ANNOTATED,
        (ANNOTATED, "annotated_message"),
        "filtered",
        "Look at what the model's server does with the prompt, or name another model",
    ),
    _Losing(
        FILTERED,
        (ANNOTATED, "annotated_message"),
        "filtered",
        "Try the other preset of `method`, `repair: true`, or another model",
    ),
    _Losing(
        VERIFIED,
        (VERIFIED, "verdict_text"),
        "aligned",
        "Try the other preset of `method`, `constrain_verdicts: true`, or another model",
    ),
    _Losing(
        ALIGNED,
        (ALIGNED, "new_answer"),
        "aligned",
        "Give the model's answers more tokens where they are cut, or name another model",
    ),
)


def build_loss_checks(generators: Mapping[str, Generator]) -> tuple[Check, ...]:
    """A contract for each phase, and one for each model that no phase keeps nothing."""
    return (*(_keeps_most(phase, generators) for phase in _LOSING), _keeps_some())


def _keeps_most(phase: _Losing, generators: Mapping[str, Generator]) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        least = _least_kept(generators[str(evidence.model)], phase.bound)
        rows = _answered(evidence, phase.table)
        rate, wanted = kept_rate(rows), f"at least {least:.0%}"
        if not rate.whole or rate.share >= least:
            figure = rate.share if rate.whole else 1.0
            return Finding(passed=True, figure=figure, wanted=wanted, rows=rows.clear())
        _, highest = wilson_interval(rate.share, rate.whole, Z95)
        return _lost(phase, evidence, rows, wanted, may_be_chance=highest >= least)

    statement = "The phase keeps at least half of the rows that the model answered."
    return Check("keeps_most", phase.table, statement, True, evaluate)


def _keeps_some() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        for phase in _LOSING:
            rows = _answered(evidence, phase.table)
            rate = kept_rate(rows)
            if rate.whole and not rate.part:
                return _lost(phase, evidence, rows, "more than 0%", may_be_chance=False)
        return Finding(passed=True, figure=0, wanted="0 phases", rows=pl.DataFrame())

    statement = "No phase loses all rows of the model."
    return Check("every_phase_keeps_some", RETENTION, statement, True, evaluate)


def _least_kept(model: Generator, bound: str) -> float:
    """The catalogue can ask for less, not for more: other checks warn of what is expected."""
    lowest: float = getattr(model, f"{bound}_bounds")[0]
    return lowest if 0 < lowest < LEAST_KEPT else LEAST_KEPT


def _answered(evidence: Evidence, table: Table) -> pl.DataFrame:
    rows = evidence.read(table, "conversation_id", "drop_reason")
    unanswered = [reason.value for reason in UNANSWERED]
    return rows.filter(~pl.col("drop_reason").is_in(unanswered).fill_null(value=False))


def _lost(
    phase: _Losing, evidence: Evidence, rows: pl.DataFrame, wanted: str, *, may_be_chance: bool
) -> Finding:
    """What is said of a phase that kept too few of the answered `rows`."""
    rate = kept_rate(rows)
    reason, count = next(iter(count_drops(rows).items()))
    dropped = rows.drop_nulls("drop_reason")
    table, column = phase.written
    written = evidence.read(table, "conversation_id", column).join(
        dropped.filter(drop_reason=reason), on="conversation_id", how="semi", maintain_order="left"
    )
    completion = quote(next(iter(written[column].drop_nulls()), ""))
    return Finding(
        passed=False,
        figure=rate.share,
        wanted=wanted,
        rows=dropped,
        may_be_chance=may_be_chance,
        explanation=_explain(phase, rate, reason, count, completion),
        details={"commonest_reason": reason, "of_reason": count, "completion": completion},
    )


def _explain(phase: _Losing, rate: Rate, reason: str, count: int, completion: str) -> str:
    said = f"the model wrote `{completion}`" if completion else "the model wrote nothing"
    return (
        f"{phase.table.name} kept {rate.part:,} of {rate.whole:,} rows that the model answered. "
        f"Most often dropped as {reason} ({count:,}): {said}. {phase.advice}. The lower bound of "
        f"`bounds.{phase.bound}` of the model can ask for less"
    )


def quote(text: str) -> str:
    """The beginning of a text on one line, which no terminal, page or Markdown reads as its own.

    Characters that are not printed are escaped, and backticks become apostrophes: what stands
    between backticks is text in Markdown.
    """
    shown = made_visible(text[:_QUOTED].replace("`", "'"))
    return shown if len(text) <= _QUOTED else f"{shown} ... ({len(text):,} characters)"
