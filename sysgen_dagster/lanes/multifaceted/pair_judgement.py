"""Asks a judge which of two answers obeys a system message better: its own, or a sibling's.

An answer to another message of the same instruction is often as good under this one. A pair is made
only where a judge prefers the message's own answer, whichever of the two stands first.
"""

from collections.abc import Iterator

import polars as pl

from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.messages import ChatRequest, derive_seed
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.lanes.multifaceted.drop_reasons import Unpaired
from sysgen_dagster.lanes.multifaceted.tables import JUDGED_PAIRS
from sysgen_dagster.obedience import judge_verdicts
from sysgen_dagster.obedience.stated_verdicts import read_verdict
from sysgen_dagster.obedience.verdict_clauses import PREFERENCES, TIE, A, B

PROMPT = load_prompt("multifaceted_judge_pair")

OWN, SIBLING = "own", "sibling"
ORDERS = (OWN, SIBLING)  # which answer is shown first, as "A"
_OTHER = {OWN: SIBLING, SIBLING: OWN}
_HELD_TO = judge_verdicts.build_constraint([A, B, TIE])


def build_requests(candidates: pl.DataFrame) -> Iterator[ChatRequest]:
    """Two requests per candidate, one for each of `ORDERS`: ``ID/own`` and ``ID/sibling``.

    Args:
        candidates: `siblings.choose_rejected` of the answers that have a sibling's.
    """
    for row in candidates.iter_rows(named=True):
        answers = {OWN: row["answer"], SIBLING: row["rejected_answer"]}
        shown = {name: row[name] for name in ("system_message", "question")}
        mark = separating_mark([*shown.values(), *answers.values()])
        for first in ORDERS:
            messages = PROMPT.render(
                mark=mark, answer_a=answers[first], answer_b=answers[_OTHER[first]], **shown
            )
            yield ChatRequest(
                f"{row['conversation_id']}/{first}",
                messages,
                judge_verdicts.SAMPLING,
                derive_seed(row["conversation_id"], JUDGED_PAIRS.name),
                constraint=_HELD_TO,
            )


def build_judged_pairs(
    candidates: pl.DataFrame, completions: pl.DataFrame, judge: str, is_generator: bool
) -> pl.DataFrame:
    """`tables.JUDGED_PAIRS`: two rows per candidate, in their order and that of `ORDERS`.

    Args:
        candidates: As `build_requests` takes them.
        completions: `chat.completions.COMPLETIONS` of these requests.
        judge: The name of the judge in the catalogue.
        is_generator: Whether the judge also wrote the answers.
    """
    asked = (
        candidates.select("conversation_id", "source", "rejected_set")
        .join(pl.DataFrame({"shown_first": ORDERS}), how="cross", maintain_order="left_right")
        .with_columns(request_id=pl.format("{}/{}", "conversation_id", "shown_first"))
    )
    answered = add_completions(asked, completions, PROMPT, "request_id")
    said = answered.select("text", "shown_first", "finish_reason")
    verdicts = [_read(*row) for row in said.iter_rows()]
    return answered.with_columns(
        pl.Series("verdict", verdicts, dtype=pl.String),
        verdict_text=pl.col("text"),
        judge=pl.lit(judge),
        judge_is_generator=pl.lit(is_generator),
    ).select(JUDGED_PAIRS.names)


def _read(text: str | None, shown_first: str, finish_reason: str | None) -> str | None:
    """Which answer the judge prefers; None if there is no text."""
    if text is None:
        return None
    said = read_verdict(text, PREFERENCES, finish_reason)
    verdicts = {A: shown_first, B: _OTHER[shown_first], TIE: TIE}
    return verdicts[said] if said else judge_verdicts.UNREADABLE


def decide(judged: pl.DataFrame) -> pl.DataFrame:
    """What the two verdicts on each candidate mean for its pair.

    Returns:
        ``conversation_id``, ``rejected_set``, ``judge``, ``judge_is_generator`` and ``not_paired``:
        null where the own answer is preferred in both orders, else a value of `Unpaired`.
    """
    clear = pl.col("verdict").filter(pl.col("verdict").is_in([OWN, SIBLING, TIE]))
    both = judged.group_by("conversation_id", "rejected_set", maintain_order=True).agg(
        pl.col("judge", "judge_is_generator").first(), clear=clear.len(), said=clear.unique()
    )
    agreed = pl.when(pl.col("said").list.len() == 1).then(pl.col("said").list.first())
    reason = {SIBLING: Unpaired.REJECTED_PREFERRED.value, TIE: Unpaired.TIE.value, OWN: None}
    return both.with_columns(
        not_paired=pl.when(pl.col("clear") < len(ORDERS))
        .then(pl.lit(Unpaired.NOT_JUDGED.value))
        .when(agreed.is_null())
        .then(pl.lit(Unpaired.ORDER_DECIDES.value))
        .otherwise(agreed.replace_strict(reason, default=None, return_dtype=pl.String))
    ).drop("clear", "said")
