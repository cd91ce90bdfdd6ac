"""One row as the page shows it: its story, what was decided, and the texts that can be edited."""

from typing import Any

from sysgen_dagster.lanes.sysgen.stories import Story
from sysgen_dagster.review.decisions import LONGEST_TEXT, Choice, Decision, digest_of


def show(story: Story, message: str, answer: str, decision: Decision | None) -> dict[str, Any]:
    """A row with its decision, as JSON can hold it.

    Args:
        story: Of `stories.build_stories`, in which long texts are cut.
        message: The whole system message.
        answer: The whole new answer.
        decision: The last one about the row, of whatever texts.
    """
    texts = digest_of(message, answer)
    is_current = decision is not None and decision.texts == texts
    valid = decision if is_current else None
    return {
        **story,
        "system_message": message[:LONGEST_TEXT],
        "new_answer": answer[:LONGEST_TEXT],
        "written": {
            "system_message": valid.system_message if valid else None,
            "new_answer": valid.new_answer if valid else None,
        },
        "may_edit": max(len(message), len(answer)) <= LONGEST_TEXT,
        "texts": texts,
        "choice": (valid.choice if valid else Choice.OPEN).value,
        "labels": dict(valid.labels) if valid else {},
        "decided": _describe(valid),
        "outdated": None if is_current else _describe(decision),
    }


def _describe(decision: Decision | None) -> dict[str, str] | None:
    if decision is None:
        return None
    choice = "edited" if decision.is_edited else decision.choice.value
    return {"choice": choice, "reviewer": decision.reviewer, "at": decision.decided_at}


def verdicts_in(story: Story) -> dict[str, str]:
    """By tag, what the judge of Phase 3 said."""
    return {each["tag"]: each["verdict"] for each in story["verdicts"]}
