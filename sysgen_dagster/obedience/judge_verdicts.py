"""What the two kinds of judgement share: sampling, form of the reply, and summaries by source.

A judge writes a reason and ends with a line such as ``Verdict: A``; `stated_verdicts` reads it.
"""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl
import polars.selectors as cs

from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.chat.messages import ChatMessage, Role, Sampling
from sysgen_dagster.tables.rates import Z95, wilson_interval

# The verdict of a row whose judge replied without a clear verdict.
UNREADABLE = "Unreadable"

# Temperature 0 makes judgements repeatable. The prompts ask for three sentences, about 100 tokens;
# 512 leave room for a judge that writes five times as much. A longer text is cut before its verdict
# and is Unreadable.
SAMPLING = Sampling(temperature=0.0, max_tokens=512)


def build_constraint(verdicts: Sequence[str]) -> Constraint:
    """What a reply is held to where a server can do it: a paragraph with the reason, a verdict."""
    return Constraint(
        structured={"regex": rf"[^\n]+\n\nVerdict: ({'|'.join(verdicts)})"},
        grammar='root ::= [^\\n]+ "\\n\\nVerdict: " verdict\nverdict ::= '
        + " | ".join(f'"{each}"' for each in verdicts),
        schema={
            "type": "object",
            "properties": {
                "reason": {"type": "string"},
                "verdict": {"type": "string", "enum": [*verdicts]},
            },
            "required": ["reason", "verdict"],
            "additionalProperties": False,
        },
        is_needed=False,
    )


def drop_system_turns(history: Iterable[ChatMessage]) -> list[ChatMessage]:
    """The turns without the source's own system messages, which the judge is not shown."""
    return [turn for turn in history if turn["role"] != Role.SYSTEM]


def aggregate_by_source(rows: pl.DataFrame, measures: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """One row per ``source``, alphabetically, then one for ``all`` rows, with these aggregates."""
    by_source = rows.group_by("source").agg(**measures).sort("source")
    summary = pl.concat([by_source, rows.select(source=pl.lit("all"), **measures)])
    return summary.with_columns(cs.integer().cast(pl.UInt32))


def add_interval(summary: pl.DataFrame, share: str) -> pl.DataFrame:
    """Add the 95 % Wilson interval of the column `share`, as ``<share>_low`` and ``<share>_high``.

    The shares are of as many rows as ``conversations`` says; the bounds of a null share are null.
    """
    bounds = [
        (None, None) if value is None else wilson_interval(value, rows, Z95)
        for value, rows in summary.select(share, "conversations").iter_rows()
    ]
    schema = {f"{share}_low": pl.Float64, f"{share}_high": pl.Float64}
    return summary.hstack(pl.DataFrame(bounds, schema=schema, orient="row"))
