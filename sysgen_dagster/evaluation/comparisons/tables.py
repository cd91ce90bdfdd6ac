"""The tables of comparisons: one for each suite, the ablation, and the message's place."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.evaluation.tables import DIFFERENCE_COLUMNS, SCORE_COLUMNS
from sysgen_dagster.tables.columns import COUNT, NUMBER, TEXT
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Columns, Table

# One row per score of a subject; one for a subject that is not evaluated; one per figure of a row
# of the paper that is no subject's.
COMPARISON_COLUMNS: Columns = {
    "subject": Column(TEXT, "as the catalogue names it; null: it is a row of the paper alone"),
    "published_as": Column(TEXT, "the row of the paper's tables that it stands beside; null: none"),
    **{name: SCORE_COLUMNS[name] for name in ("metric", "of", "score", "low", "high")},
    **{name: SCORE_COLUMNS[name] for name in ("items", "dropped", "floor")},
    "score_paper": Column(NUMBER, "what the paper prints; null: nothing"),
    "against": Column(TEXT, "the subject that it is compared with; null: none"),
    **{
        name: DIFFERENCE_COLUMNS[name.removeprefix("difference_")]
        for name in ("difference", "difference_low", "difference_high")
    },
    "paired_items": Column(COUNT, "items that are known of both"),
    "moved": DIFFERENCE_COLUMNS["moved"],
    "difference_paper": Column(
        NUMBER, "the same difference in the paper, as its rows have it; null: it prints none"
    ),
    "protocol_paper": Column(TEXT, "what is known of how the paper measured; null: no figure"),
    **{name: SCORE_COLUMNS[name] for name in ("protocol", "judge", "worth")},
    "remarks": Column(TEXT, "what a reader must know before the row is believed; null: nothing"),
}
_OF_SUITE: Columns = {"suite": Column(TEXT, "the benchmark, by the name of its tables")}


def _comparison(name: str, columns: Columns) -> Table:
    return Table(f"{name}_comparison", columns, By.NOTHING, Group.EVALUATION)


# By the name of the suite.
OF_SUITES: Final = {suite.name: _comparison(suite.name, COMPARISON_COLUMNS) for suite in SUITES}

# Table 6: what each part of the training rows is worth. Scores over all items alone.
ABLATION = _comparison(
    "ablation",
    {
        **_OF_SUITE,
        "student": Column(TEXT, "the model that is trained, as the catalogue names it"),
        "arm": Column(TEXT, "what its training rows consist of; untrained: it was not trained"),
        **COMPARISON_COLUMNS,
    },
)

# Table 7: a subject that is shown the message in the user turn, against the same one that is shown
# it in the system role.
USER_ROLE = _comparison("user_role", {**_OF_SUITE, **COMPARISON_COLUMNS})

TABLES: tuple[Table, ...] = (*OF_SUITES.values(), ABLATION, USER_ROLE)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What is stored of a subject for one suite.

    Attributes:
        scores: `SCORE_COLUMNS`.
        items: `ITEM_COLUMNS`, of the same gradings.
        is_made_up: Whether no model wrote its answers.
    """

    scores: pl.DataFrame
    items: pl.DataFrame
    is_made_up: bool = False
