"""A set whose newest reply is not stored yet, as a record of its instruction: shown during a run.

The tables say more once the partition is stored; what is told here is read from the reply alone.
"""

from sysgen_dagster.lanes.multifaceted.preference_messages import read_message
from sysgen_dagster.lanes.multifaceted.preference_sets import read_preferences
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.stories import Story, build_set, ending
from sysgen_dagster.lanes.multifaceted.tables import (
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
    split_set_id,
)
from sysgen_dagster.lanes.multifaceted.taxonomy import draw_aspects
from sysgen_dagster.tables.table import Table


def with_reply(
    story: Story,
    table: Table,
    identity: str,
    text: str | None,
    failed: str | None,
    settings: Multifaceted,
) -> Story | None:
    """The record of one set, with what a model has replied; None: the instruction has no such set.

    Args:
        story: `stories.build_stories` of the instruction, up to the step before.
        table: What the step fills.
        identity: The id of the set, which is also that of the record.
        text: The reply.
        failed: Why there is none: a drop reason.
        settings: Of the lane.
    """
    instruction_id, number = split_set_id(identity)
    if number >= (settings.sets if table == PREFERENCE_SETS else len(story["sets"])):
        return None  # of sets that were made anew meanwhile
    one = build_set([]) if table == PREFERENCE_SETS else story["sets"][number]
    if failed is not None or text is None:
        one = {**one, **ending(table, failed)}
    elif table == PREFERENCE_SETS:
        drawn = draw_aspects(instruction_id, settings.sets, settings.taxonomy, settings.seed)
        aspects = [
            {"dimension": each.dimension, "subdimension": each.subdimension}
            for each in drawn[number]
        ]
        one = build_set(read_preferences(aspects, text))
    elif table == PREFERENCE_MESSAGES:
        one = {**one, "system_message": read_message(text)}
    else:
        one = {**one, "answer": text}
    return {**story, "id": identity, "sets": [one]}
