"""The items of a benchmark that rules grade, from its file, and which of them are asked."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from sysgen_dagster.catalog.evaluation import EVERY_ITEM, Items
from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.evaluation.tables import NOT_VERIFIABLE
from sysgen_dagster.sources.recognition import SourceError
from sysgen_dagster.tables.table import Table


class Constraint(NamedTuple):
    """What an item asks of an answer, as a rule verifies it.

    Attributes:
        constraint: Its name in the benchmark.
        arguments: Those of the rule, as JSON.
        stands_in: The message that it is stated in.
        left_out: Why no rule can verify it; None: one can.
    """

    constraint: str
    arguments: str
    stands_in: str
    left_out: str | None = None


class Item(NamedTuple):
    """One item of a benchmark.

    Attributes:
        item: Its id.
        cluster: Items of one cluster are drawn together; those of one system message.
        messages: What is asked.
        constraints: At least one.
    """

    item: str
    cluster: str
    messages: Sequence[ChatMessage]
    constraints: Sequence[Constraint]


def build_item_table(items: Iterable[Item], wanted: Items, seed: int, table: Table) -> pl.DataFrame:
    """The items that are wanted, in the order of the benchmark.

    An item of which no constraint can be verified has a drop reason and is not asked.

    Args:
        items: Of the whole benchmark.
        wanted: How many; those of a smaller number are among those of a larger one.
        seed: Of the order in which they are chosen.
        table: The table of items.

    Raises:
        SourceError: Two items have one id.
    """
    rows = [
        {
            "item": each.item,
            "cluster": each.cluster,
            "messages": [dict(message) for message in each.messages],
            "constraints": [constraint._asdict() for constraint in each.constraints],
            "drop_reason": NOT_VERIFIABLE
            if all(constraint.left_out for constraint in each.constraints)
            else None,
        }
        for each in items
    ]
    frame = pl.DataFrame(rows, schema=table.schema)
    if (double := frame.filter(pl.col("item").is_duplicated())["item"]).len():
        raise SourceError(f"{table.name}: the benchmark has the item {double[0]} more than once")
    if wanted == EVERY_ITEM:
        return frame
    order = [hashlib.sha256(f"{seed}/{item}".encode()).hexdigest() for item in frame["item"]]
    return frame.filter(pl.Series(order).rank("ordinal") <= wanted)


def read_messages(name: str, number: int, messages: Any) -> list[ChatMessage]:
    """The messages of a row; a text is the JSON of some.

    Raises:
        SourceError: They are no chat that ends with the user.
    """
    chat = read_json(name, number, "messages", messages)
    if not (isinstance(chat, list) and all(_is_message(each) for each in chat) and chat):
        raise SourceError(f"{name}, row {number}: `messages` is no list of messages")
    if chat[-1]["role"] != Role.USER:
        raise SourceError(f"{name}, row {number}: `messages` does not end with the user")
    return [{"role": Role(each["role"]), "content": each["content"]} for each in chat]


def read_json(name: str, number: int, column: str, value: Any) -> Any:
    """A value, or what it is the JSON of: some copies of the benchmarks store texts.

    Raises:
        SourceError: A text is no JSON.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{name}, row {number}: `{column}` is no JSON: {error}") from error


def _is_message(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and value.get("role") in [*Role]
        and isinstance(value.get("content"), str)
    )
