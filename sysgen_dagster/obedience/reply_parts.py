"""What of a judge's reply is read.

Belongs here: what is left out before any verdict is looked for, in replies of any form. Does not:
where a verdict stands (`stated_verdicts`, `numbered_verdicts`, `rubric_scores`).
"""

from sysgen_dagster.chat.completions import CUT


def whole_lines(text: str, finish_reason: str | None) -> str:
    """The lines of a reply that were written to their end: all, or all but the last."""
    return text.rpartition("\n")[0] if finish_reason == CUT else text
