"""Whether a system message is copied from the prompt that asked for it.

A model that does not understand its task hands back a demonstration. Such a message is well-formed
and has nothing to do with its conversation.
"""

import polars as pl

from sysgen_dagster.analysis.repetition import space_words
from sysgen_dagster.analysis.tables import PROMPT_COPIES
from sysgen_dagster.chat.prompts import Prompt
from sysgen_dagster.tables.table import polars_schema

# Words per n-gram, and the fewest of a phrase that counts as copied when all of it stands in the
# prompt: "Use short, plain sentences." is a demonstration's and anybody's.
_GRAM = 5


def measure_prompt_copies(phrases: pl.Series, prompt: Prompt) -> pl.DataFrame:
    """The columns of `tables.PROMPT_COPIES`, one row per message, in their order.

    Args:
        phrases: The phrases of each message.
        prompt: What the messages were asked for with; only its fixed text is compared.
    """
    [fixed] = space_words(pl.Series([prompt.fixed_text]))
    within, grams = f" {fixed} ", set(_grams(fixed.split(" ")))
    texts = phrases.list.eval(pl.element().struct.field("text"))
    words = space_words(texts.explode(empty_as_null=False, keep_nulls=False))
    counts, rows, start = texts.list.len().fill_null(0), [], 0
    for count in counts:
        rows.append(_measure(words[start : start + count], within, grams))
        start += count
    return pl.DataFrame(rows, schema=polars_schema(PROMPT_COPIES), orient="row")


def _measure(texts: pl.Series, within: str, grams: set[str]) -> tuple[float | None, int]:
    """The share of the phrases' n-grams that the prompt holds, and the phrases it holds whole."""
    own = [_grams(text.split(" ")) for text in texts]
    copied, of = sum(gram in grams for each in own for gram in each), sum(map(len, own))
    whole = sum(bool(each) and f" {text} " in within for text, each in zip(texts, own, strict=True))
    return (copied / of if of else None), whole


def _grams(words: list[str]) -> list[str]:
    return [" ".join(words[at : at + _GRAM]) for at in range(len(words) - _GRAM + 1)]
