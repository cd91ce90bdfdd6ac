"""A phase that loses most of its rows is said to: how many, why mostly, and what was said.

A useless model answers every request, and a server may refuse row after row for a reason that it
names, so the engine's checks pass; what they lose shows here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES, NoAnswer
from sysgen_dagster.chat.quoting import made_visible
from sysgen_dagster.lanes.sysgen.drop_reasons import Dropped
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, FILTERED, RETENTION, VERIFIED
from sysgen_dagster.tables.checks import Check, Evidence, Finding
from sysgen_dagster.tables.rates import Z95, Rate, count_drops, kept_rate, wilson_interval
from sysgen_dagster.tables.table import Table

# The least share of its rows that a phase keeps, unless the catalogue expects less of the model.
# The paper's worst phase keeps 0.747.
LEAST_KEPT = 0.5
# A server that failed is another contract's matter: `engine_answered`. Rows that contradict are
# answered, and dropped because the catalogue says so: of a small model's mathematics it may be
# most. Where they are all rows of a model, `every_phase_keeps_some` says it.
_NOT_COUNTED = (NoAnswer.BEYOND_LIMIT, Dropped.CONTRADICTS_ORIGINAL, *ENGINE_FAILURES)
# What to do about rows that have no answer; for other reasons the phase knows.
_UNANSWERED: Mapping[str, str] = {
    **dict.fromkeys(ENGINE_FAILURES, "Look at the log of its server"),
    NoAnswer.TOO_LONG: "Serve the model with a longer context, or name one that has it",
    NoAnswer.FILTERED_BY_SERVER: "Loosen the filter of the server, or name another model",
    NoAnswer.REFUSED_BY_SERVER: "Mend what it says at the server, in the account or the catalogue",
}
# The same, and of what was answered where the phase's own advice is of no use.
_ADVICE: Mapping[str, str] = {
    **_UNANSWERED,
    Dropped.CONTRADICTS_ORIGINAL: "Set `answers: 4` or more in `method`: another answer is asked "
    "for where one contradicts. Or `contradiction: keep_original`: the original answer is kept",
}
_QUOTED = 300  # characters of a completion that are quoted


@dataclass(frozen=True, slots=True)
class _Losing:
    """A phase, and what is said where it drops rows because of what the model wrote.

    Attributes:
        table: The table of the phase.
        written: The table with what the model wrote, and its column.
        bound: The field of `Generator.bounds` that may ask for less than `LEAST_KEPT`.
        advice: What to try where most is lost to what the model wrote.
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
        rows = _counted(evidence, phase.table)
        rate, wanted = kept_rate(rows), f"at least {least:.0%}"
        if not rate.whole or rate.share >= least:
            figure = rate.share if rate.whole else 1.0
            return Finding(passed=True, figure=figure, wanted=wanted, rows=rows.clear())
        _, highest = wilson_interval(rate.share, rate.whole, Z95)
        return _lost(phase, evidence, rows, wanted, may_be_chance=highest >= least)

    statement = "The phase keeps at least half of its rows, whatever the others are lost to."
    return Check("keeps_most", phase.table, statement, True, evaluate)


def _keeps_some() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        for phase in _LOSING:
            rows = _counted(evidence, phase.table, NoAnswer.BEYOND_LIMIT)
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


def _counted(evidence: Evidence, table: Table, *but: NoAnswer | Dropped) -> pl.DataFrame:
    """The rows of a table but those with one of some reasons, by default `_NOT_COUNTED`."""
    rows = evidence.read(table, "conversation_id", "drop_reason")
    left_out = [reason.value for reason in but or _NOT_COUNTED]
    return rows.filter(~pl.col("drop_reason").is_in(left_out).fill_null(value=False))


def _lost(
    phase: _Losing, evidence: Evidence, rows: pl.DataFrame, wanted: str, *, may_be_chance: bool
) -> Finding:
    """What is said of a phase that kept too few of its `rows`."""
    rate = kept_rate(rows)
    reason, count = next(iter(count_drops(rows).items()))
    dropped = rows.drop_nulls("drop_reason")
    is_answered = reason not in _UNANSWERED
    table, column = phase.written if is_answered else (phase.table, "failure")
    written = evidence.read(table, "conversation_id", column).join(
        dropped.filter(drop_reason=reason), on="conversation_id", how="semi", maintain_order="left"
    )
    text = quote(next(iter(written[column].drop_nulls()), ""))
    who = "model wrote" if is_answered else "server said"
    said = f"the {who} `{text}`" if text else f"the {who} nothing"
    return Finding(
        passed=False,
        figure=rate.share,
        wanted=wanted,
        rows=dropped,
        may_be_chance=may_be_chance,
        explanation=_explain(phase, rate, reason, f"({count:,}): {said}"),
        details={"commonest_reason": reason, "of_reason": count, "completion": text},
    )


def _explain(phase: _Losing, rate: Rate, reason: str, said: str) -> str:
    advice = _ADVICE.get(reason, phase.advice)
    return (
        f"{phase.table.name} kept {rate.part:,} of {rate.whole:,} rows. Most often dropped as "
        f"{reason} {said}. {advice}. The lower bound of `bounds.{phase.bound}` of the model can "
        "ask for less"
    )


def quote(text: str) -> str:
    """The beginning of a text on one line, which no terminal, page or Markdown reads as its own.

    Characters that are not printed are escaped, and backticks become apostrophes: what stands
    between backticks is text in Markdown.
    """
    shown = made_visible(text[:_QUOTED].replace("`", "'"))
    return shown if len(text) <= _QUOTED else f"{shown} ... ({len(text):,} characters)"
