"""Asks the turns of every session, a round for each turn, so that a session has its own history.

A round holds the same turn of all sessions. A session whose answer is missing stops there: what
would have been said to the next turn, nobody knows.
"""

from collections.abc import Iterator

import polars as pl

from sysgen_dagster.catalog.evaluation import History
from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, Sampling, derive_seed
from sysgen_dagster.chat.visible import is_blank
from sysgen_dagster.evaluation.sysbench.benchmark import SysBenchError
from sysgen_dagster.evaluation.sysbench.tables import (
    NOT_IN_THE_FILE,
    SYSBENCH_ANSWERS,
    TURNS,
    NotAsked,
)

# The published tables have another decoding for every model; at 0 a repetition gives the same.
SAMPLING = Sampling(temperature=0.0, max_tokens=2048)
ROUNDS = range(1, TURNS + 1)


def identify(session: str, turn: int) -> str:
    """The id of the request of a turn, in answers and in gradings."""
    return f"{session}/{turn}"


def require_references(items: pl.DataFrame) -> None:
    """Raise `SysBenchError` where the file has no reference of a turn that others follow.

    A reference whose translation has failed stops its session alone (`_chats`).
    """
    lacking = items.filter(pl.col("reference").is_null() & (pl.col("turn") < TURNS))
    if "reference_fault" in items.columns:
        lacking = lacking.filter(reference_fault=NOT_IN_THE_FILE)
    if not lacking.is_empty():
        session, turn = lacking.select("session", "turn").row(0)
        raise SysBenchError(
            f"turn {turn} of session {session} of SysBench has no reference, nor have "
            f"{lacking.height - 1} others. Published sheets lack those of turns 3 to 5: let `hub` "
            "of `sysbench` name the benchmark's JSON, or let `history` be `own`"
        )


def build_round(
    items: pl.DataFrame, turn: int, earlier: pl.DataFrame, history: History
) -> Iterator[ChatRequest]:
    """The requests of one turn, one for each session that has come so far.

    Args:
        items: `SYSBENCH_ITEMS` or its translation; what is dropped there is not asked.
        turn: From 1.
        earlier: `COMPLETIONS` of all turns before.
        history: Whose answers stand before the turn.
    """
    asked = _chats(items, earlier, history)
    for session in items.filter(turn=turn)["session"]:
        if messages := asked[session, turn]:
            name = identify(session, turn)
            yield ChatRequest(name, messages, SAMPLING, derive_seed(name, SYSBENCH_ANSWERS.name))


def build_answers(items: pl.DataFrame, completions: pl.DataFrame, history: History) -> pl.DataFrame:
    """`SYSBENCH_ANSWERS`: one row per row of `items`, in their order.

    Args:
        items: As they were asked.
        completions: `COMPLETIONS` of all rounds.
        history: As in `build_round`.
    """
    asked = pl.Series(
        "asked", [*_chats(items, completions, history).values()], SYSBENCH_ANSWERS.schema["asked"]
    )
    is_lost = _is_lost(items)
    not_asked = (
        pl.when(is_lost)
        .then(pl.lit(NotAsked.NOT_TRANSLATED.value))
        .when(pl.col("asked").is_null())
        .then(pl.lit(NotAsked.EARLIER_TURN_FAILED.value))
    )
    request_id = pl.concat_str("session", "turn", separator="/")
    turns = items.with_columns(asked, request_id=request_id).with_columns(not_asked=not_asked)
    return (
        add_completions(turns.drop(*_OF_TRANSLATION, strict=False), completions, None, "request_id")
        .with_columns(answer="text", drop_reason=pl.coalesce("not_asked", "drop_reason"))
        .select(SYSBENCH_ANSWERS.names)
    )


# Columns of a translation that those of completions would meet.
_OF_TRANSLATION = ("attempts", "model", "engine", "prompt_fingerprint", "drop_reason")


def _is_lost(items: pl.DataFrame) -> pl.Series:
    """Which turns are not to be asked, because their translation is dropped."""
    if "drop_reason" not in items.columns:
        return pl.repeat(False, items.height, eager=True)
    return items["drop_reason"].is_not_null()


def _chats(
    items: pl.DataFrame, completions: pl.DataFrame, history: History
) -> dict[tuple[str, int], list[ChatMessage] | None]:
    """What is sent for each turn, in the order of `items`; None where it cannot be asked."""
    answers = {
        name: text
        for name, text in completions.select("request_id", "text").iter_rows()
        if not is_blank(text)
    }
    chats: dict[tuple[str, int], list[ChatMessage] | None] = {}
    before: list[ChatMessage] | None = None
    for row, is_lost in zip(items.iter_rows(named=True), _is_lost(items), strict=True):
        session, turn = row["session"], row["turn"]
        if turn == 1:
            before = [{"role": Role.SYSTEM, "content": row["system_message"]}]
        user: ChatMessage = {"role": Role.USER, "content": row["prompt"]}
        chats[session, turn] = None if before is None or is_lost else [*before, user]
        is_own = history is History.OWN
        said = answers.get(identify(session, turn)) if is_own else row["reference"]
        if before is not None and said is not None:
            before = [*before, user, {"role": Role.ASSISTANT, "content": said}]
        else:
            before = None
    return chats
