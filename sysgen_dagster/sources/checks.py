"""What must hold of the conversations whatever a lane makes of them."""

from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.sources.tables import CONVERSATIONS, SOURCE_ROWS
from sysgen_dagster.tables.checks import (
    Check,
    Evidence,
    Finding,
    drops_are_explained,
    ids_are_unique,
    none_of,
    within,
)
from sysgen_dagster.tables.rates import kept_rate

LEAST_USABLE = 0.90


def _source_rows_are_covered(evidence: Evidence) -> Finding:
    rows = evidence.read(SOURCE_ROWS, "source_row")
    here = evidence.read(CONVERSATIONS, "source_row").unique()
    return none_of(rows.join(here, on="source_row", how="anti"))


def _most_are_usable(evidence: Evidence) -> Finding:
    rows = evidence.read(CONVERSATIONS, "conversation_id", "drop_reason", "question", "answer")
    dropped = rows.drop_nulls("drop_reason")
    return within(kept_rate(rows), (LEAST_USABLE, 1.0), 1.0, dropped)


CHECKS = (
    ids_are_unique(CONVERSATIONS),
    Check(
        "source_rows_are_covered",
        CONVERSATIONS,
        "Every upstream row gave at least one conversation.",
        True,
        _source_rows_are_covered,
    ),
    drops_are_explained(CONVERSATIONS, "question", Unusable),
    Check(
        "most_are_usable",
        CONVERSATIONS,
        "Nearly all rows are usable.",
        False,
        _most_are_usable,
    ),
)
