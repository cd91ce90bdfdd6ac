"""Training rows and preference pairs of the second lane.

A chat is a system message, its instruction and the answer under it. A pair has the same prompt and
answer, and rejects the answer to another message of the instruction. All rows of an instruction are
on one side of the splits. A row has the findings that need no original answer as its flags.
"""

from dataclasses import dataclass

import polars as pl

from sysgen_dagster.analysis.findings import list_flags
from sysgen_dagster.analysis.row_quality import measure_without_original
from sysgen_dagster.catalog.recipes import Rejected, Training, Variant
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.lanes.multifaceted.drop_reasons import Unpaired
from sysgen_dagster.lanes.multifaceted.pair_judgement import decide
from sysgen_dagster.lanes.multifaceted.siblings import choose_rejected
from sysgen_dagster.lanes.multifaceted.tables import instruction_of
from sysgen_dagster.tables.columns import MESSAGES
from sysgen_dagster.training_sets.draws import draw_numbers
from sysgen_dagster.training_sets.rows import build_turn
from sysgen_dagster.training_sets.splits import split_of
from sysgen_dagster.training_sets.tables import (
    MULTIFACETED_PAIRS,
    MULTIFACETED_ROWS,
    PHRASE_COUNTS,
    PUBLISHED,
)


@dataclass(frozen=True, slots=True)
class Written:
    """What the lane wrote of the instructions of a shard.

    Attributes:
        gold: Kept rows of `GOLD_ANSWERS`.
        sets: `PREFERENCE_SETS`: ``conversation_id`` and ``preference_set``.
        instructions: `INSTRUCTIONS`.
        sources: By source: ``source``, ``main_source``, ``source_repo``, ``source_license``.
        model_license: That of the model that wrote.
    """

    gold: pl.DataFrame
    sets: pl.DataFrame
    instructions: pl.DataFrame
    sources: pl.DataFrame
    model_license: str


def build_rows(written: Written, settings: Training) -> pl.DataFrame:
    """`tables.MULTIFACETED_ROWS`: one chat per answer, in the order of the answers.

    Args:
        written: What the lane wrote.
        settings: Shares of validation and test, and the seed.
    """
    rows = _describe(written.gold, written, settings)
    return rows.with_columns(
        variant=pl.lit(Variant.SYSGEN.value),
        messages=pl.concat_list(_prompt(), build_turn(Role.ASSISTANT, pl.col("answer"))),
        trained=pl.lit([False, False, True], pl.List(pl.Boolean())),
    ).select(MULTIFACETED_ROWS.names)


def build_pairs(written: Written, judged: pl.DataFrame, settings: Training) -> pl.DataFrame:
    """`tables.MULTIFACETED_PAIRS`: one row per answer, in the order of the answers.

    A row without a pair says why in ``drop_reason`` and rejects nothing.

    Args:
        written: What the lane wrote.
        judged: `JUDGED_PAIRS` of the same answers.
        settings: Shares of validation and test, and the seed.
    """
    candidates = choose_rejected(written.gold)
    rows = _describe(candidates, written, settings).join(
        decide(judged),
        on=["conversation_id", "rejected_set"],
        how="left",
        maintain_order="left",
        validate="1:1",
    )
    # A sibling's answer that was made again since is another one: nobody has judged it.
    unjudged = pl.when(pl.col("judge").is_null()).then(pl.lit(Unpaired.NOT_JUDGED.value))
    rows = rows.with_columns(drop_reason=pl.coalesce("unpaired", unjudged, "not_paired"))
    is_pair = pl.col("drop_reason").is_null()
    rejected = pl.concat_list(build_turn(Role.ASSISTANT, pl.col("rejected_answer")))
    return rows.with_columns(
        rejected_is=pl.when(is_pair).then(pl.lit(Rejected.OTHER_SYSTEM_MESSAGE.value)),
        rejected_model=pl.when(is_pair).then("model"),
        prompt=_prompt().cast(MESSAGES),
        chosen=pl.concat_list(build_turn(Role.ASSISTANT, pl.col("answer"))),
        rejected=pl.when(is_pair).then(rejected),
        rejected_not_obeyed=pl.lit(None, MULTIFACETED_PAIRS.schema["rejected_not_obeyed"]),
    ).select(MULTIFACETED_PAIRS.names)


def _prompt() -> pl.Expr:
    """System message and instruction, as turns."""
    return pl.concat_list(
        build_turn(Role.SYSTEM, pl.col("system_message")),
        build_turn(Role.USER, pl.col("question")),
    )


def _describe(gold: pl.DataFrame, written: Written, settings: Training) -> pl.DataFrame:
    """Answers with their flags, split, preference set, source and licences; no tags."""
    flags = list_flags(measure_without_original(gold.rename({"answer": "new_answer"})))
    upstream = written.instructions.select(
        "source_row", "source_revision", instruction_id="conversation_id"
    )
    ids = upstream["instruction_id"]
    drawn = upstream.with_columns(draw_numbers(ids, f"split/{settings.seed}")).with_columns(
        split=split_of(pl.col("draw"), settings)
    )
    nothing = {name: pl.lit(None, column.dtype) for name, column in PHRASE_COUNTS.items()}
    return (
        gold.with_columns(instruction_id=instruction_of("conversation_id"), flags=flags)
        .join(drawn, on="instruction_id", how="left", maintain_order="left", validate="m:1")
        .join(written.sources, on="source", how="left", maintain_order="left", validate="m:1")
        .join(
            written.sets.select("conversation_id", "preference_set"),
            on="conversation_id",
            how="left",
            maintain_order="left",
            validate="1:1",
        )
        .with_columns(
            tags=pl.lit([], dtype=pl.List(pl.String())),
            source_turn=pl.lit(0, MULTIFACETED_ROWS.schema["source_turn"]),
            original_source=pl.lit(None, PUBLISHED["original_source"].dtype),
            model_license=pl.lit(written.model_license),
            **nothing,
        )
    )
