"""One row as the page shows it: what a story says of it, cut into what is drawn."""

from collections.abc import Mapping
from typing import Any

from sysgen_dagster.lanes.sysgen.stories import Story
from sysgen_dagster.lanes.sysgen.tags import parse_tagged_message
from sysgen_dagster.review.decisions import LONGEST_TEXT, Choice, Decision, digest_of
from sysgen_dagster.review.differences import mark_differences

_LONGEST_MARKED = 20_000  # characters of an answer whose differences are looked for


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
    written = (valid.system_message, valid.new_answer) if valid else (None, None)
    new = answer if written[1] is None else written[1]
    original = str(story["answer"])
    return {
        **{
            name: story[name]
            for name in ("id", "model", "source", "engine", "flags", "history", "question")
        },
        "source_message": story["original_system_message"],
        "judgements": story["judgements"],
        "phrases": list_phrases(story),
        "message": message[:LONGEST_TEXT],
        "written_message": written[0],
        "answer": answer[:LONGEST_TEXT],
        "written_answer": written[1],
        "original": _mark(original, new),
        "new": _mark(new, original),
        "may_edit": max(len(message), len(answer)) <= LONGEST_TEXT,
        "texts": texts,
        "choice": (valid.choice if valid else Choice.OPEN).value,
        "labels": dict(valid.labels) if valid else {},
        "decided": _describe(valid),
        "outdated": None if is_current else _describe(decision),
    }


def _mark(text: str, other: str) -> list[tuple[str, bool]]:
    if len(text) > _LONGEST_MARKED or len(other) > _LONGEST_MARKED:
        return [(text[:LONGEST_TEXT], True)]
    return mark_differences(text, other)


def _describe(decision: Decision | None) -> dict[str, str] | None:
    if decision is None:
        return None
    choice = "edited" if decision.is_edited else decision.choice.value
    return {"choice": choice, "reviewer": decision.reviewer, "at": decision.decided_at}


def list_phrases(story: Story) -> list[Mapping[str, Any]]:
    """The phrases of the message as Phase 2 left it, each with its verdict, and whether it went."""
    verdicts = {each["tag"]: each for each in story["verdicts"]}
    removed = {(each["tag"], each["text"]) for each in story["removed"]}
    return [
        {
            "tag": phrase.tag.value,
            "text": phrase.text,
            "verdict": verdicts.get(phrase.tag.value, {}).get("verdict"),
            "confidence": verdicts.get(phrase.tag.value, {}).get("confidence"),
            "removed": (phrase.tag.value, phrase.text) in removed,
        }
        for phrase in parse_tagged_message(story["tagged_message"] or "").phrases
    ]


def verdicts_in(story: Story) -> dict[str, str]:
    """By tag, what the judge of Phase 3 said."""
    return {each["tag"]: each["verdict"] for each in story["verdicts"]}
