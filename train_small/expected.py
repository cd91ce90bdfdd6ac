"""How long a proof takes, before it begins."""

import json

from judged import NAME, Judging
from page import RESULTS

from sysgen_dagster.lanes.catalog import Catalog

# A row's answer and its grading, with a judge of 1.5 billion weights of 4 bits on two cores.
_JUDGED_ROW_S = 20.0


def expect(catalog: Catalog, judging: Judging | None) -> str:
    """A line that says it, as if nothing were made yet: by what the stored results took."""
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))
    seconds = dict(stored["made"]["seconds"])
    of_trainings = seconds.pop("trainings") / len(stored["made"]["seeds"])
    seconds.pop(NAME, None)
    of_subject = sum(seconds.values()) / len({row["subject"] for row in stored["scores"]})
    trainings, subjects = len(catalog.trainings), len(catalog.subjects)
    minutes = (trainings * of_trainings + subjects * of_subject) / 60
    line = (
        f"{trainings} trainings and {subjects} subjects: about {minutes:,.0f} minutes on two cores"
    )
    if judging:
        rows = judging.rows * subjects
        line += (
            f", and {rows * _JUDGED_ROW_S / 60:,.0f} for up to {rows} answers and their gradings"
        )
    return f"{line}; what is made already takes none"
