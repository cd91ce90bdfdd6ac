"""A row whose newest answer is not stored yet, as a story: for those who watch a run.

The tables say more once the partition is stored; what is told here is read from the answer alone.
"""

from collections.abc import Sequence

from sysgen_dagster.lanes.sysgen.stories import Story, obey_by_rules
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, VERIFIED
from sysgen_dagster.lanes.sysgen.tags import Phrase, parse_tagged_message, render_system_message
from sysgen_dagster.lanes.sysgen.verification import Verdict, parse_verdicts
from sysgen_dagster.tables.table import Table

NOT_STORED = "not stored yet"


def with_answer(story: Story, table: Table, text: str | None, failed: str | None) -> Story:
    """The story with what a model has answered for a phase, which is marked as not stored.

    Args:
        story: The row up to the step before.
        table: What the phase fills.
        text: The answer.
        failed: Why there is none: a drop reason.
    """
    told = {**story, "flags": [*story["flags"], NOT_STORED]}
    if failed is not None or text is None:
        return told | {"stopped_at": table.name, "drop_reason": failed}
    if table == ANNOTATED:
        return told | {"annotated_message": text}
    if table == VERIFIED:
        return told | {"verdicts": _verdicts(story, text)}
    assert table == ALIGNED
    told |= {"system_message": _message(story), "new_answer": text}
    return told | {"obedience": obey_by_rules(told)}


def _verdicts(story: Story, text: str) -> list[dict[str, object]]:
    found = parse_verdicts(text)
    tags = dict.fromkeys(phrase.tag for phrase in _phrases(story))
    return [
        {"tag": tag.value, "verdict": found.get(tag, Verdict.UNREADABLE), "confidence": None}
        for tag in tags
    ]


def _message(story: Story) -> str:
    """The message of the phrases that were not removed."""
    removed = [(phrase["tag"], phrase["text"]) for phrase in story["removed"]]
    return render_system_message(
        phrase.text for phrase in _phrases(story) if (phrase.tag, phrase.text) not in removed
    )


def _phrases(story: Story) -> Sequence[Phrase]:
    return parse_tagged_message(story["tagged_message"] or "").phrases
