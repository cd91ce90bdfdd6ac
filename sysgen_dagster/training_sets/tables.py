"""The tables of training sets: splits, chats, preference pairs, and the rows of a mixture."""

import polars as pl

from sysgen_dagster.catalog.recipes import Lane, Recipe
from sysgen_dagster.lanes.multifaceted.tables import JUDGED_PAIRS, LANE, PREFERENCE_SETS
from sysgen_dagster.sources.tables import SOURCE_ROW
from sysgen_dagster.tables.columns import COUNT, DROP_REASON, GENERATION, IDENTITY, MESSAGES, TEXT
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Columns, Table

# One row per usable conversation.
SPLITS = Table(
    "splits",
    {
        **IDENTITY,
        "group": Column(
            TEXT,
            "conversation_id of the first row of its group: those that share an upstream row, an "
            "original question or a cluster of near-duplicate questions",
        ),
        "split": Column(TEXT, "train, validation or test; the same for a whole group"),
        "drawn_as": Column(
            TEXT,
            "the name by which the split was drawn: that of its group when the row, or one that "
            "decides for it since, was first seen; null in older files: `group`",
            is_new=True,
        ),
    },
    by=By.NOTHING,
    group=Group.TRAINING_SETS,
)
# Of the conversation's new answer, whatever the row holds of it: so that all variants of a recipe
# which asks for obedience have the same conversations.
PHRASE_COUNTS: Columns = {
    f"phrases_{name}": Column(
        COUNT,
        f"phrases of the system message {said}; null: nobody looked, or there is no new answer",
        is_new=True,
    )
    for name, said in (
        ("obeyed", "that the new answer obeys"),
        ("not_obeyed", "that the new answer does not obey"),
        ("unknown", "of which nobody could tell"),
    )
}
# Of chats and of preference pairs.
_TRAINED_ON: Columns = {
    "split": SPLITS.columns["split"],
    "tags": Column(pl.List(pl.String()), "tags of the system message, in canonical order"),
    "flags": Column(
        pl.List(pl.String()), "what speaks against the row; a mixture may leave it out for it"
    ),
    **PHRASE_COUNTS,
    "source_repo": Column(TEXT, "data set on the Hub, github.com/OWNER/NAME, or local"),
    "source_revision": SOURCE_ROW["source_revision"],
    "source_row": SOURCE_ROW["source_row"],
    "source_turn": Column(COUNT, "position of the exchange in its upstream row, from 0"),
    "source_license": Column(TEXT, "licence of the source data set"),
    "model": GENERATION["model"],
    "served_name": GENERATION["served_name"],
    "model_revision": GENERATION["model_revision"],
    "model_license": Column(TEXT, "licence of the model"),
    "engine": GENERATION["engine"],
}
# One row per conversation and variant.
TRAINING_ROWS = Table(
    "training_rows",
    {
        **IDENTITY,
        "variant": Column(
            TEXT, "which system message and answer the chat has, see catalog.recipes.Variant"
        ),
        "messages": Column(MESSAGES, "the chat: system, history, user, assistant"),
        "reasoning": Column(
            TEXT, "what was thought before the last answer; null if nothing", is_new=True
        ),
        "trained": Column(
            pl.List(pl.Boolean()),
            "for each message of the chat whether a model is to learn it: the last answer, and "
            "those before it where they were written anew under the system message",
            is_new=True,
        ),
        **_TRAINED_ON,
    },
    by=By.MODEL_SHARD,
    group=Group.TRAINING_SETS,
)
# One row per conversation and kind of rejected answer.
PREFERENCE_PAIRS = Table(
    "preference_pairs",
    {
        **IDENTITY,
        "rejected_is": Column(TEXT, "which answer that is, see catalog.recipes.Rejected"),
        "rejected_model": Column(
            TEXT, "the model that wrote the rejected answer; null: the original one"
        ),
        "prompt": Column(MESSAGES, "system, history, user"),
        "chosen": Column(MESSAGES, "the assistant's turn that is preferred"),
        "rejected": Column(MESSAGES, "the assistant's turn that is not"),
        "rejected_not_obeyed": Column(
            COUNT,
            "phrases of the system message that the rejected answer does not obey, as far as rules "
            "can tell",
            is_new=True,
        ),
        **_TRAINED_ON,
    },
    by=By.MODEL_SHARD,
    group=Group.TRAINING_SETS,
)
# One row per row of a mixture.
MIXTURES = Table(
    "mixtures",
    {
        **IDENTITY,
        "model": GENERATION["model"],
        "shard": Column(TEXT, "where its row is stored"),
        "split": SPLITS.columns["split"],
    },
    by=By.RECIPE,
    group=Group.TRAINING_SETS,
)
# Of the rows of the second lane: what the data sets that were published say of theirs.
PUBLISHED: Columns = {
    "main_source": Column(TEXT, "title of the data set that the instruction is from"),
    "original_source": Column(
        TEXT, "where that data set has it from; null: only its instructions are read"
    ),
    "preference_set": PREFERENCE_SETS.columns["preference_set"],
}
_OF_SET: Columns = {"instruction_id": PREFERENCE_SETS.columns["instruction_id"], **PUBLISHED}
# One row per kept answer of the second lane, as a chat.
MULTIFACETED_ROWS = Table(
    f"{LANE}/training_rows",
    {**TRAINING_ROWS.columns, **_OF_SET},
    by=By.MODEL_SHARD,
    group=Group.MULTIFACETED,
    of_lane=LANE,
)
# One row per kept answer of the second lane: in a pair as the chosen one, or dropped.
MULTIFACETED_PAIRS = Table(
    f"{LANE}/preference_pairs",
    {
        **PREFERENCE_PAIRS.columns,
        **_OF_SET,
        "rejected_set": JUDGED_PAIRS.columns["rejected_set"],
        "judge": Column(TEXT, "who prefers the chosen answer; null: nobody was asked"),
        "judge_is_generator": JUDGED_PAIRS.columns["judge_is_generator"],
        **DROP_REASON,
    },
    by=By.MODEL_SHARD,
    group=Group.MULTIFACETED,
    of_lane=LANE,
)

TABLES = (
    *(SPLITS, TRAINING_ROWS, PREFERENCE_PAIRS, MIXTURES),
    *(MULTIFACETED_ROWS, MULTIFACETED_PAIRS),
)


def table_of(recipe: Recipe) -> Table:
    """The table that the rows of a mixture are stored in."""
    if recipe.lane is Lane.MULTIFACETED:
        return MULTIFACETED_PAIRS if recipe.rejected else MULTIFACETED_ROWS
    return PREFERENCE_PAIRS if recipe.rejected else TRAINING_ROWS
