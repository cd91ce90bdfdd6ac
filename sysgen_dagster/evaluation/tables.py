"""What the scores of every benchmark have in common: items, scores, differences of two subjects.

Two subjects are compared item by item, so items carry ids that are the same for all subjects.
"""

from typing import Final

from sysgen_dagster.tables.columns import COUNT, DROP_REASON, NUMBER, TEXT
from sysgen_dagster.tables.table import Column, Columns

TOTAL: Final = "total"  # the value of ``of`` of a score over all items
# A rate moves by whole items, a grading from 1 to 5 by half a level where it is a mean of four.
MOVED: Final = 0.5
# Why an item is left out before anything is asked, in any suite: it is counted, and not unknown.
NOT_VERIFIABLE: Final = "not_verifiable"  # no rule can verify the constraint
NO_CHECK_LEFT: Final = "no_check_left"  # nothing of the row can be verified or asked
LEFT_OUT: Final = frozenset({NOT_VERIFIABLE, NO_CHECK_LEFT})
# In a protocol, before where the system message stood, up to the next semicolon.
MESSAGE_IN: Final = "system message in: "
# Of a mean of means an item is called by its part, this, and its own name: so its value can stay
# what it is, and be paired before parts are weighed.
END_OF_PART: Final = "\N{SYMBOL FOR UNIT SEPARATOR}"

# One row per item of each score. An item that counts for several scores, such as one of a column
# and the total, has a row for each of them.
ITEM_COLUMNS: Columns = {
    "metric": Column(TEXT, "what is scored, such as CSR"),
    "of": Column(TEXT, "which items are scored, such as those of a column; total: all"),
    "item": Column(
        TEXT, "identifies the item for all subjects; under a mean of means behind its part"
    ),
    "cluster": Column(
        TEXT, "items of one cluster, such as the turns of a session, are drawn together"
    ),
    "value": Column(NUMBER, "what the item adds to the mean; null: nobody knows"),
    **DROP_REASON,
}

# One row per score, in the order in which the items have them first.
SCORE_COLUMNS: Columns = {
    "subject": Column(TEXT, "what is evaluated, as the catalogue names it"),
    "metric": ITEM_COLUMNS["metric"],
    "of": ITEM_COLUMNS["of"],
    "score": Column(
        NUMBER,
        "mean over the items that are known, of a mean of means over the means of its parts; null: "
        "no item is known, or none of a part",
    ),
    "low": Column(
        NUMBER,
        "lower end of the 95 % interval, by drawing clusters; of a share of 0 or 1 Wilson's; null: "
        "of fewer than two clusters, of the score or of a part, or of values that do not vary",
    ),
    "high": Column(NUMBER, "its upper end"),
    "items": Column(COUNT, "items that the score is the mean of"),
    "dropped": Column(COUNT, "items left out because nobody knows what they are worth"),
    "floor": Column(
        NUMBER, 'the score of a server that always says "yes"; null: it cannot be computed'
    ),
    "protocol": Column(TEXT, "how was asked and graded, in words"),
    "judge": Column(TEXT, "who graded; null: rules"),
    "worth": Column(
        TEXT,
        "of the judge's gradings: calibrated, or uncalibrated and why; null: rules",
    ),
}

# One row per score that both subjects have.
DIFFERENCE_COLUMNS: Columns = {
    "metric": ITEM_COLUMNS["metric"],
    "of": ITEM_COLUMNS["of"],
    "difference": Column(NUMBER, "mean over items of the second subject's value minus the first's"),
    "low": Column(
        NUMBER,
        "lower end of its 95 % interval, by drawing clusters; null: of fewer than two clusters, or "
        "where all differ alike",
    ),
    "high": Column(NUMBER, "its upper end"),
    "items": Column(COUNT, "items that are known of both subjects"),
    "moved": Column(NUMBER, f"share of them whose values differ by {MOVED} or more"),
}
