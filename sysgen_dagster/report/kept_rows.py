"""The few kept rows that a report shows first."""

from collections.abc import Sequence

from sysgen_dagster.lanes.sysgen.stories import Story

KEPT_ROWS = 3
REJECTED = "rejected by a reviewer"  # a flag of a row that no training set takes
_LONGEST = 6_000  # characters of question and answers together that are read before other rows


def begin_with_kept(stories: Sequence[Story]) -> list[Story]:
    """The same stories, `KEPT_ROWS` kept ones first, where there are so many.

    They are of different sources as far as there are such, and those that nothing speaks against
    and that can be read at a glance come before others.
    """
    kept = list(filter(is_kept, stories))
    plain = sorted(kept, key=lambda story: (_is_long(story), bool(story["flags"])))
    first: list[Story] = []
    for is_new in (lambda story: story["source"] not in [it["source"] for it in first], _is_any):
        for story in plain:
            if len(first) < KEPT_ROWS and story not in first and is_new(story):
                first.append(story)
    return [*first, *(story for story in stories if story not in first)]


def is_kept(story: Story) -> bool:
    """Whether a training set may hold the row."""
    return story["drop_reason"] is None and REJECTED not in story["flags"]


def _is_any(_: Story) -> bool:
    return True


def _is_long(story: Story) -> bool:
    texts = (story["question"], story["answer"], story["new_answer"])
    return sum(len(text or "") for text in texts) > _LONGEST
