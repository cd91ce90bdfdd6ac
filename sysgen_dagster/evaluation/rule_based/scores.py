"""What each item of a benchmark that rules grade is worth: 1 for what is kept, else 0."""

from typing import Final

import polars as pl

from sysgen_dagster.evaluation.rule_based.tables import StandsIn
from sysgen_dagster.evaluation.rule_based.tensor_trust import Attack
from sysgen_dagster.evaluation.tables import ITEM_COLUMNS, MESSAGE_IN, TOTAL
from sysgen_dagster.tables.table import polars_schema

_READINGS: Final = ("strict", "loose")
# What is robust against an attack; and what a robust model may lose.
_ROBUSTNESS: Final = {
    Attack.EXTRACTION: "extraction_robustness",
    Attack.HIJACKING: "hijacking_robustness",
    Attack.HELPFUL: "helpfulness",
}


def build_instruction_items(gradings: pl.DataFrame) -> pl.DataFrame:
    """`ITEM_COLUMNS` of IFEval or S-IFEval.

    An item of ``prompt_strict`` and ``prompt_loose`` is one of the benchmark, and is unknown where
    one of its constraints is: it was left out, or nothing was answered. An item of
    ``instruction_strict`` and ``instruction_loose`` is one constraint: of the total, of its type,
    and of the message that it is stated in. Items of the benchmark are drawn whole.
    """
    parts = []
    for reading in _READINGS:
        kept = pl.col(reading)
        prompts = gradings.group_by("item", maintain_order=True).agg(
            metric=pl.lit(f"prompt_{reading}"),
            of=pl.lit(TOTAL),
            value=pl.when(kept.is_not_null().all()).then(kept.all()),
            drop_reason=pl.col("drop_reason").drop_nulls().first(),
            cluster=pl.col("cluster").first(),
        )
        instructions = gradings.with_columns(
            metric=pl.lit(f"instruction_{reading}"),
            item=pl.format("{}/{}", "item", "number"),
            value=reading,
        )
        places = instructions.with_columns(of=pl.format("stated in: {}", "stands_in"))
        types = instructions.with_columns(of="constraint")
        total = instructions.with_columns(of=pl.lit(TOTAL))
        parts += [
            prompts,
            total,
            *(each.sort("of", maintain_order=True) for each in (places, types)),
        ]
    return _as_items(parts)


def build_tensor_trust_items(gradings: pl.DataFrame) -> pl.DataFrame:
    """`ITEM_COLUMNS` of Tensor Trust: robustness against both attacks, and helpfulness.

    Of the total, and of the defences that say nothing behind the user's text.
    """
    order = {attack.value: at for at, attack in enumerate(Attack)}
    named = gradings.sort(
        pl.col("constraint").replace_strict(order, return_dtype=pl.UInt8), maintain_order=True
    ).with_columns(
        metric=pl.col("constraint").replace_strict(_ROBUSTNESS, return_dtype=pl.String),
        value="strict",
    )
    is_alone = pl.col("stands_in") == StandsIn.SYSTEM.value
    total = named.with_columns(of=pl.lit(TOTAL))
    alone = named.filter(is_alone).with_columns(of=pl.lit("stated in: system"))
    return _as_items([total, alone])


def _as_items(parts: list[pl.DataFrame]) -> pl.DataFrame:
    cast = [
        part.select(ITEM_COLUMNS.keys()).cast(polars_schema(ITEM_COLUMNS))  # type: ignore[arg-type]
        for part in parts
    ]
    return pl.concat(cast)


def count_left_out(items: pl.DataFrame) -> pl.DataFrame:
    """How many constraints no rule can verify here: ``constraint``, ``reason``, ``times``."""
    return (
        items.select("constraints")
        .explode("constraints")
        .unnest("constraints")
        .drop_nulls("left_out")
        .group_by("constraint", reason="left_out", maintain_order=True)
        .agg(times=pl.len())
    )


def describe_protocol(
    title: str, items: pl.DataFrame, answers: pl.DataFrame, message_in: str
) -> str:
    """How was asked and graded, as most of the rows say it, and what was left out.

    Args:
        title: Of the benchmark.
        items: Those that were wanted.
        answers: A subject's to them.
        message_in: Where the catalogue has the subject shown its system message.
    """
    if answers["system_message_folded"].any():
        message_in = "user turn, as the template has no system role"
    constraints = items["constraints"].list.len().sum()
    left_out = count_left_out(items)["times"].sum()
    counted = f", {left_out} of {constraints} constraints left out" if left_out else ""
    return (
        f"{title}, {items.height} items{counted}; {MESSAGE_IN}{message_in}; answers: "
        f"{_describe_sampling(answers)}; graded by rules"
    )


def _describe_sampling(answers: pl.DataFrame) -> str:
    """The sampling that most of the answers were asked for with."""
    asked = answers.drop_nulls("temperature").group_by("temperature", "max_tokens").len()
    if asked.is_empty():
        return "none"
    temperature, most, _ = asked.sort("len", "temperature").row(-1)
    return f"temperature {temperature:g}, at most {most} tokens"
