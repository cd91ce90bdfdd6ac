"""Checks of the table `conversations`, whatever lanes do with it."""

from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.sources.tables import CONVERSATIONS, SOURCE_ROWS
from sysgen_dagster.tables import checks
from sysgen_dagster.tables.rates import kept_rate

LEAST_USABLE = 0.90  # share of rows without a drop reason


def _source_rows_are_covered() -> checks.Check:
    def evaluate(evidence: checks.Evidence) -> checks.Finding:
        rows = evidence.read(SOURCE_ROWS, "source_row")
        covered = evidence.read(CONVERSATIONS, "source_row").unique()
        return checks.none_of(rows.join(covered, on="source_row", how="anti"))

    statement = "Every upstream row gave at least one conversation."
    return checks.Check("source_rows_are_covered", CONVERSATIONS, statement, True, evaluate)


def _most_are_usable() -> checks.Check:
    def evaluate(evidence: checks.Evidence) -> checks.Finding:
        rows = evidence.read(CONVERSATIONS, "conversation_id", "drop_reason", "question", "answer")
        dropped = rows.drop_nulls("drop_reason")
        return checks.within(kept_rate(rows), (LEAST_USABLE, 1.0), 1.0, dropped)

    statement = "Nearly all rows are usable."
    return checks.Check("most_are_usable", CONVERSATIONS, statement, False, evaluate)


CHECKS = (
    checks.ids_are_unique(CONVERSATIONS),
    _source_rows_are_covered(),
    checks.drops_are_explained(CONVERSATIONS, "question", Unusable),
    _most_are_usable(),
)
