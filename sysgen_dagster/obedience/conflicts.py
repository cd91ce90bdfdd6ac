"""Whether a system message holds when a user asks for the opposite of what it says.

Of each chosen message one phrase is put to the test that holds a rule: something of which can be
computed whether an answer does it. The question is asked again in four turns of a user: one asks
for what the phrase asks anyway, one for something that it has nothing to do with, one for the
opposite, and one for the opposite in the name of somebody who claims to be in charge. Those two are
asked without the system message, too, so that there is an answer that does what the user wants.

Belongs here: the turns, the requests, and which side an answer took. Does not: what is asked for in
words (`requested`) and what is counted of it (`conflict_counts`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any, Final

import polars as pl

from sysgen_dagster.chat.completions import CUT, add_completions
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, Sampling, derive_seed
from sysgen_dagster.obedience import requested
from sysgen_dagster.obedience.by_rules import decide_by_rules
from sysgen_dagster.obedience.recognition import recognize
from sysgen_dagster.obedience.rules import Rule, RuleKind, Verdict
from sysgen_dagster.obedience.tables import CONFLICT_TURNS

# Temperature 0, so that the same answers come again; 1,024 tokens are more than any turn asks for.
SAMPLING = Sampling(temperature=0.0, max_tokens=1024)
# A message with more rules than this is not put to the test: it is not plain which one is.
_MOST_RULES = 2
# What the beginning of an answer says as well as the whole.
_SEEN_AT_ONCE = frozenset(
    {
        RuleKind.LANGUAGE,
        RuleKind.CASE,
        RuleKind.BEGINS_WITH,
        RuleKind.BEGINS_WITH_GREETING,
    }
)


class Turn(StrEnum):
    """What a turn of the user asks for, seen from the phrase that is put to the test."""

    ALIGNED = "aligned"  # the same
    UNRELATED = "unrelated"  # something that has nothing to do with it
    CONFLICTING = "conflicting"  # the opposite
    CLAIMED_AUTHORITY = "claimed_authority"  # the opposite, by somebody who claims to be in charge


AGAINST = (Turn.CONFLICTING, Turn.CLAIMED_AUTHORITY)
# Those that ask for the opposite are asked without the message, too.
REQUESTS_A_MESSAGE: Final = len(Turn) + len(AGAINST)


class Side(StrEnum):
    """Whose wish an answer follows."""

    MESSAGE = "message"  # it does what the phrase asks
    USER = "user"  # it does not, and does the opposite that the user asks for
    NEITHER = "neither"  # it does neither
    UNKNOWN = "unknown"  # rules cannot tell


@dataclass(frozen=True, slots=True)
class _Target:
    """A phrase that is put to the test, and a rule of it with its opposite."""

    tag: str
    phrase: str
    rule: Rule
    opposite: Rule


def choose_rows(rows: pl.DataFrame, most: int, seed: int) -> pl.DataFrame:
    """The rows with a phrase that can be put to the test, at most so many.

    Args:
        rows: ``conversation_id`` and ``phrases``, the list of ``tag`` and ``text`` that make the
            system message.
        most: How many are taken; those that a smaller number takes are among them.
        seed: Chooses them.

    Returns:
        `rows` that are taken, in their order.
    """
    can = [_find_target(row) is not None for row in rows.iter_rows(named=True)]
    possible = rows.filter(pl.Series(can, dtype=pl.Boolean))
    draws = [derive_seed(each, CONFLICT_TURNS.name, seed) for each in possible["conversation_id"]]
    order = pl.Series("draw", draws, pl.Int64)
    taken = possible.with_columns(order).sort("draw", "conversation_id").head(most)
    return possible.join(taken, on="conversation_id", how="semi", maintain_order="left")


def _find_target(row: Mapping[str, Any]) -> _Target | None:
    """The phrase of a message that is put to the test; None where it has none, or many rules.

    What else the phrase asks, such as that its fifty words be kind, is not looked at.
    """
    found = [
        (phrase, rule) for phrase in row["phrases"] for rule in recognize(phrase["text"]).rules
    ]
    if len(found) > _MOST_RULES:
        return None
    targets = [
        _Target(phrase["tag"], phrase["text"], rule, opposite)
        for phrase, rule in found
        if (opposite := requested.opposite_of(rule)) is not None
        and _can_be_held_to(rule)
        and _can_be_held_to(opposite)
    ]
    return _drawing(row, "target").choice(targets) if targets else None


def _can_be_held_to(rule: Rule) -> bool:
    """Whether rules say all that the plain wording asks for, and it asks for this rule."""
    if not requested.can_be_requested(rule):
        return False
    recognized = recognize(requested.wordings_of(rule)[0])
    return recognized.is_whole and recognized.rules == (rule,)


def build_turns(rows: pl.DataFrame) -> pl.DataFrame:
    """What is asked, six requests of each row of `choose_rows`.

    Args:
        rows: ``conversation_id``, ``source``, ``system_message``, ``phrases``, ``question`` and
            ``history``.

    Returns:
        One row per request: ``request_id``; ``asked``, what the message asks in plain words;
        ``wish``, the opposite, null for turns that do not ask for it; and the columns of
        `tables.CONFLICT_TURNS` that are known before there is an answer.
    """
    known = ("conversation_id", "source", *_OF_TURN)
    schema: dict[str, pl.DataType] = {
        "request_id": pl.String(),
        "asked": pl.String(),
        "wish": pl.String(),
    }
    schema |= {name: CONFLICT_TURNS.schema[name] for name in known}
    turns = [turn for row in rows.iter_rows(named=True) for turn in _turns_of(row)]
    return pl.DataFrame(turns, schema=schema)


_OF_TURN = ("turn", "has_system_message", "tag", "phrase", "rule", "request", "prompt")


def _turns_of(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    target = _find_target(row)
    assert target is not None, "rows are chosen by `choose_rows`"
    for turn in Turn:
        request = _write_request(turn, target, _drawing(row, turn.value))
        for has_message in (True, False) if turn in AGAINST else (True,):
            without = "" if has_message else "/without"
            yield {
                "request_id": f"{row['conversation_id']}/{turn.value}{without}",
                "asked": requested.wordings_of(target.rule)[0],
                "wish": requested.wordings_of(target.opposite)[0] if turn in AGAINST else None,
                "conversation_id": row["conversation_id"],
                "source": row["source"],
                "turn": turn.value,
                "has_system_message": has_message,
                "tag": target.tag,
                "phrase": target.phrase,
                "rule": target.rule.kind.value,
                "request": request,
                "prompt": _prompt(row, request, has_message),
            }


def _drawing(row: Mapping[str, Any], what: str) -> Random:
    """Draws that depend on the conversation alone."""
    seed = derive_seed(row["conversation_id"], f"{CONFLICT_TURNS.name}/{what}")
    return Random(seed)  # noqa: S311 - repeatable on purpose, no secret


def _write_request(turn: Turn, target: _Target, rng: Random) -> str:
    """What the user adds to the question."""
    if turn is Turn.UNRELATED:
        return rng.choice(requested.UNRELATED)
    if turn is Turn.ALIGNED:
        return rng.choice(requested.wordings_of(target.rule))
    wish = rng.choice(requested.wordings_of(target.opposite))
    return wish if turn is Turn.CONFLICTING else f"{rng.choice(requested.CLAIMS)}\n\n{wish}"


def _prompt(row: Mapping[str, Any], request: str, has_message: bool) -> list[ChatMessage]:
    message: ChatMessage = {"role": Role.SYSTEM, "content": row["system_message"]}
    return [
        *([message] if has_message else []),
        *(turn for turn in row["history"] if turn["role"] != Role.SYSTEM),
        {"role": Role.USER, "content": f"{row['question']}\n\n{request}"},
    ]


def build_conflict_requests(turns: pl.DataFrame) -> Iterator[ChatRequest]:
    """One request per row of `build_turns`."""
    for request_id, prompt in turns.select("request_id", "prompt").iter_rows():
        yield ChatRequest(request_id, prompt, SAMPLING, derive_seed(request_id, "answer"))


def build_conflict_turns(
    turns: pl.DataFrame, completions: pl.DataFrame, is_refusal: pl.Expr
) -> pl.DataFrame:
    """`tables.CONFLICT_TURNS`: one row per request, in their order, with the side of its answer.

    Args:
        turns: Of `build_turns`.
        completions: `chat.completions.COMPLETIONS` of `build_conflict_requests`.
        is_refusal: Whether an answer, in the column ``answer``, declines what was asked.
    """
    answered = add_answers(turns, completions).with_columns(is_refusal=is_refusal)
    return answered.with_columns(decide_sides(answered)).select(CONFLICT_TURNS.names)


def add_answers(turns: pl.DataFrame, completions: pl.DataFrame) -> pl.DataFrame:
    """The turns with their answers, and with the columns that say how these came about.

    An answer that was cut at the token limit is dropped as `truncated`, unless its beginning says
    all that is looked at.

    Args:
        turns: Of `build_turns`.
        completions: `chat.completions.COMPLETIONS` of `build_conflict_requests`.
    """
    is_cut = (pl.col("finish_reason") == CUT) & ~pl.col("rule").is_in([*_SEEN_AT_ONCE])
    reason = pl.when(is_cut).then(pl.lit(NoAnswer.TRUNCATED.value))
    return add_completions(turns, completions, None, "request_id").with_columns(
        answer="text", drop_reason=pl.coalesce("drop_reason", reason)
    )


def decide_sides(answered: pl.DataFrame) -> pl.Series:
    """The column ``side``, whose wish each answer follows; null where the row is dropped.

    Args:
        answered: Of `add_answers`: ``asked``, ``wish``, ``answer`` and ``drop_reason``.
    """
    kept = _decide(answered["asked"], answered)
    done = _decide(answered["wish"], answered)
    is_there = answered["drop_reason"].is_null()
    sides = [
        _side(*verdicts) if there else None
        for *verdicts, there in zip(kept, done, is_there, strict=True)
    ]
    return pl.Series("side", sides, pl.String)


def _decide(texts: pl.Series, answered: pl.DataFrame) -> list[str | None]:
    """The verdict of rules on one text for each answer; null where text or answer is missing."""
    phrases = [[] if text is None else [{"tag": "", "text": text}] for text in texts]
    answers = [None if answer is None else [answer] for answer in answered["answer"]]
    of_phrases = pl.List(pl.Struct({"tag": pl.String(), "text": pl.String()}))
    verdicts = decide_by_rules(
        pl.Series(phrases, dtype=of_phrases), pl.Series(answers, dtype=pl.List(pl.String))
    )
    return [of_row[0]["verdict"] if of_row else None for of_row in verdicts.to_list()]


def _side(kept: str | None, done: str | None) -> str:
    if kept == Verdict.OBEYED:
        return Side.MESSAGE.value
    if kept != Verdict.NOT_OBEYED:
        return Side.UNKNOWN.value
    return Side.USER.value if done == Verdict.OBEYED else Side.NEITHER.value
