"""How long a proof takes, before it begins."""

import json

from judged import NAME, Judging
from page import RESULTS

from sysgen_dagster.lanes.catalog import Catalog

# A row's answer and its grading where no results of it are stored. Estimated and not measured: some
# 800 tokens read and 50 written, by 1.5 billion weights of 4 bits on two cores.
_JUDGED_ROW_S = 20.0


def expect(catalog: Catalog, judging: Judging | None) -> str:
    """A line that says it, as if nothing were made yet: by what the stored results took."""
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))
    made, seconds = stored["made"], dict(stored["made"]["seconds"])
    of_subjects = len({row["subject"] for row in stored["scores"]})
    judged_row = _JUDGED_ROW_S
    if taken := seconds.pop(NAME, None):
        judged_row = taken / (of_subjects * made["judge"]["rows"])
    training = seconds.pop("trainings") / len(made["seeds"])
    trainings, subjects = len(catalog.trainings), len(catalog.subjects)
    minutes = (trainings * training + subjects * sum(seconds.values()) / of_subjects) / 60
    line = f"{trainings} trainings, {subjects} subjects: {minutes:,.0f} minutes"
    if judging:
        rows = judging.rows * subjects
        line += f", and {rows * judged_row / 60:,.0f} for up to {rows} answers and their gradings"
    return f"{line}, on two cores with other work, less what is made already"
