"""Whether a student has learned a benchmark: its training rows that hold items.

Found as in the rows of the pipeline (`analysis.contamination`): by runs of 13 words. Here only what
holds at least half of an item counts, since single runs are often common phrases.
"""

from collections.abc import Iterable

import polars as pl

from sysgen_dagster.analysis.contamination import ItemIndex, find_contamination, index_items
from sysgen_dagster.analysis.repeated_instructions import find_repeats
from sysgen_dagster.analysis.statistics import MOSTLY_HELD
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.tables.checks import Finding, of_something
from sysgen_dagster.tables.table import Table

NAME = "student_has_not_learned_the_benchmark"
STATEMENT = f"No training row of the student holds {MOSTLY_HELD:.0%} or more of an item."
# Of a training row, whose messages are a chat, or a pair's prompt and answers.
_CHATS = ("messages", "prompt", "chosen")
OF_LANE = "no_training_instruction_is_an_item"
STATEMENT_OF_LANE = f"No instruction that the lane trains on holds {MOSTLY_HELD:.0%} of an item."


def find_trained_on(items: pl.DataFrame, instructions: pl.DataFrame) -> Finding:
    """The items of a bench whose instruction the second lane trains on, or most of it.

    Args:
        items: ``item`` and ``prompt``.
        instructions: ``conversation_id``, ``source`` and ``question`` of those that are trained on.
    """
    asked = items.select(conversation_id="item", question="prompt")
    found = find_repeats(asked, instructions).rename({"conversation_id": "item"})
    said = f"{found.height:,} of {items.height:,} items are trained on: take them out of the file"
    return Finding(
        found.is_empty(),
        float(found.height),
        "0 items",
        found,
        explanation=said if found.height else "",
        details={"training instructions": instructions.height},
    )


def index_suite(suite: Suite, items: Table, rows: pl.DataFrame) -> ItemIndex:
    """What is searched for.

    Args:
        suite: The benchmark.
        items: Its table of items.
        rows: Of that table.
    """
    texts = [name for name in suite.texts if name in items.columns]
    return index_items(
        pl.concat(
            rows.select(
                benchmark=pl.lit(f"{suite.name}: {name}"),
                item=pl.int_range(pl.len(), dtype=pl.UInt32),
                text=_text(name, rows.schema[name]),
            )
            for name in texts
        )
    )


def _text(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column of texts, or the contents of one of messages."""
    if not isinstance(dtype, pl.List):
        return pl.col(name)
    return pl.col(name).list.eval(pl.element().struct.field("content")).list.join("\n")


def find_learned(index: ItemIndex, parts: Iterable[pl.DataFrame]) -> Finding:
    """The training rows that hold an item.

    Args:
        index: Of `index_suite`.
        parts: Training rows as they are exported, some at a time.
    """
    rows, found = 0, list[pl.DataFrame]()
    for part in parts:
        rows += part.height
        hits = find_contamination(index, _as_conversations(part))
        found.append(hits.filter(pl.col("overlap") >= MOSTLY_HELD))
    held = pl.concat(found) if found else pl.DataFrame(schema={"conversation_id": pl.String})
    number = held["conversation_id"].n_unique()
    said = f"{number:,} of {rows:,} training rows hold items: the student may know the answers"
    finding = Finding(
        number == 0,
        float(number),
        "0 rows",
        held,
        explanation=said if number else "",
        details={"training rows": rows},
    )
    return of_something(finding, rows)


def _as_conversations(rows: pl.DataFrame) -> pl.DataFrame:
    """What others said as the question, what the model said as the answer."""
    chats = [name for name in _CHATS if name in rows.columns]

    def said(is_answer: pl.Expr) -> pl.Expr:
        texts = [
            pl.col(name)
            .list.eval(pl.when(is_answer).then(pl.element().struct.field("content")).drop_nulls())
            .list.join("\n")
            for name in chats
        ]
        return pl.concat_str(texts, separator="\n", ignore_nulls=True)

    role = pl.element().struct.field("role")
    return rows.select(
        "conversation_id",
        "source",
        question=said(role != "assistant"),
        answer=said(role == "assistant"),
    )
