"""Whether answers obey each phrase of their system message: the table, from rules and a judge."""

import polars as pl

from sysgen_dagster.chat.completions import COMPLETIONS, add_completions
from sysgen_dagster.chat.messages import Role, Sampling
from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster.obedience.tables import OBEDIENCE

# Temperature 0 makes judgements repeatable. A verdict is a line of about eight tokens; 512 leave
# room for sixty of them, or for a judge that says why all the same.
SAMPLING = Sampling(temperature=0.0, max_tokens=512)


def list_answers(rows: pl.DataFrame) -> pl.Series:
    """The texts that were written under the message of each row: of earlier turns, then the last.

    `rows` has ``new_answer`` and may have ``new_history``, which is null where only the last answer
    was written under the message.
    """
    last = pl.concat_list("new_answer")
    if "new_history" not in rows.columns:
        return rows.select(answers=last).to_series()
    turn = pl.element()
    written = turn.filter(turn.struct.field("role") == Role.ASSISTANT).struct.field("content")
    earlier = pl.col("new_history").list.eval(written)
    return rows.select(answers=pl.concat_list(earlier.fill_null([]), last)).to_series()


def build_obedience(decided: pl.DataFrame) -> pl.DataFrame:
    """`tables.OBEDIENCE`: one row per row of `decided`, in their order.

    Args:
        decided: ``conversation_id``, ``source``, and ``phrases`` as `by_rules.decide_by_rules`
            gives them.
    """
    asked = decided.select("conversation_id", "source", "phrases")
    verdicts = pl.col("phrases").list.eval(pl.element().struct.field("verdict"))
    counts = {
        verdict.value: verdicts.list.count_matches(verdict.value).fill_null(0).cast(pl.UInt32)
        for verdict in Verdict
    }
    return (
        add_completions(asked, pl.DataFrame(schema=COMPLETIONS), None)
        .with_columns(
            verdict_text=pl.lit(None, dtype=pl.String),
            judge=pl.lit(None, dtype=pl.String),
            judge_is_generator=pl.lit(None, dtype=pl.Boolean),
            **counts,
        )
        .select(OBEDIENCE.names)
    )
