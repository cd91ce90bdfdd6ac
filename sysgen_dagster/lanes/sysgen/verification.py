"""Phase 3: the same model judges each tag Good, Bad or None; only phrases judged Good stay.

The model answers in lines such as ``<<Role>>: Good``. All phrases of a tag share its verdict. As in
the paper, the model is shown neither question nor answer.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

import polars as pl

from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.chat.messages import ChatRequest, derive_seed
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.lanes.sysgen import paper
from sysgen_dagster.lanes.sysgen.drop_reasons import Dropped
from sysgen_dagster.lanes.sysgen.settings import Method, UnreadableVerdict
from sysgen_dagster.lanes.sysgen.tables import VERIFIED
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES, Tag, render_system_message

PROMPT = load_prompt("phase3_verify_functionalities")
SAMPLING = paper.SAMPLING[3]


class Verdict(StrEnum):
    """A verdict on a tag; Unreadable is ours, where the model gives none that can be read."""

    GOOD = "Good"
    BAD = "Bad"
    NONE = "None"
    UNREADABLE = "Unreadable"


# The verdicts that a model can give.
CHOICES = (Verdict.GOOD.value, Verdict.BAD.value, Verdict.NONE.value)
_JUDGED = ("verdicts", "phrases", "removed", "drop_reason")  # columns that the verdicts decide

_WORDS = "|".join(CHOICES)
# Signs that models put before a verdict. One that says the opposite of the word makes it
# unreadable.
_YES, _NO = (
    "\u2713\u2714\u2705\u2611\U0001f44d\U0001f7e2",
    "\u2717\u2718\u274c\u2716\U0001f44e\U0001f534",
)
_SIGNS = rf"{_YES}{_NO}\u26a0\u2796\ufe0f"
# Only the tag's name and the verdict's word are fixed: brackets, colons, emphasis and the cells of
# a table vary between models.
_BETWEEN = rf"[\s>*`\"'\])]{{0,8}}[:\uff1a=\-\u2013\u2014|][\s*`\"'<>\[({_SIGNS}]{{0,8}}"
# After a whole mark nothing need stand between, as in "<<Content>> Good", if nothing follows that
# would make it a sentence.
_AFTER_MARK = rf">>[ \t*`\"'({_SIGNS}]{{0,8}}(?=(?:{_WORDS})\b[ \t*`\"').,;]{{0,4}}(?:[\r\n<(]|\Z))"
# "Good/Bad/None", "Good or Bad" and a table's "Good | Bad" repeat the question: no verdict.
_NO_QUESTION = (
    rf"(?!\s?/|[ \t*`]{{0,4}}(?:\||or\b)[ \t*`]{{0,4}}(?:{_WORDS})\b"
    rf"|,[ \t]?(?:{_WORDS})\b,?[ \t](?:or|{_WORDS})\b)"
)
_VERDICT = re.compile(
    rf"(?P<mark><</?)?\b(?P<tag>{'|'.join(TAG_NAMES)})\b(?:{_BETWEEN}|(?(mark){_AFTER_MARK}|(?!)))"
    rf"(?P<verdict>{_WORDS})\b{_NO_QUESTION}",
    re.IGNORECASE | re.ASCII,
)


def parse_verdicts(text: str) -> dict[Tag, Verdict]:
    """The readable verdict on each tag; a tag with contradicting verdicts has none."""
    return {tag: verdict for tag, (verdict, _) in _locate_verdicts(text).items()}


def _locate_verdicts(text: str) -> dict[Tag, tuple[Verdict, list[int]]]:
    """The readable verdict on each tag, with the positions of its word in `text`."""
    positions: dict[Tag, dict[Verdict, list[int]]] = {}
    for match in _VERDICT.finditer(text):
        if _has_opposite_sign(match):
            continue
        tag, verdict = Tag(match["tag"].capitalize()), Verdict(match["verdict"].capitalize())
        positions.setdefault(tag, {}).setdefault(verdict, []).append(match.start("verdict"))
    return {tag: next(iter(of.items())) for tag, of in positions.items() if len(of) == 1}


def _has_opposite_sign(match: re.Match[str]) -> bool:
    before = match[0][: -len(match["verdict"])]
    opposite = {"good": _NO, "bad": _YES}.get(match["verdict"].lower(), "")
    return any(sign in before for sign in opposite)


def staying_verdicts(unreadable: UnreadableVerdict) -> set[Verdict]:
    """The verdicts with which the phrases of a tag stay in the message."""
    keeps_unreadable = unreadable is UnreadableVerdict.KEEP
    return {Verdict.GOOD, Verdict.UNREADABLE} if keeps_unreadable else {Verdict.GOOD}


def build_verdict_pattern(tags: Iterable[str]) -> str:
    """A regular expression for one verdict line per tag, in their order.

    It uses no look-around, which some engines lack. Tags and verdicts hold no special characters.
    """
    return r"\n".join(f"<<{tag}>>: ({'|'.join(CHOICES)})" for tag in tags)


def build_verdict_constraint(tags: Collection[str]) -> Constraint:
    """What verdicts on these tags are held to: one word for each, in lines or as JSON."""
    word = {"type": "string", "enum": list(CHOICES)}
    lines = ' "\\n" '.join(f'"<<{tag}>>: " verdict' for tag in tags)
    return Constraint(
        structured={"regex": build_verdict_pattern(tags)},
        grammar=f"root ::= {lines}\nverdict ::= " + " | ".join(f'"{word}"' for word in CHOICES),
        schema={
            "type": "object",
            "properties": dict.fromkeys(tags, word),
            "required": list(tags),
            "additionalProperties": False,
        },
    )


def build_verification_requests(
    filtered: pl.DataFrame, method: Method, asked_in: str = VERIFIED.name, attempt: int = 0
) -> Iterator[ChatRequest]:
    """One request per filtered message: the prompt with its natural text and its tagged text.

    Args:
        filtered: ``conversation_id``, ``phrases``, ``tagged_message``.
        method: Whether the model is held to `build_verdict_pattern`, and whether the probabilities
            of its verdicts are wanted.
        asked_in: The table that the verdicts are for; with `attempt` it decides the seeds.
        attempt: Which of several messages of a conversation is judged.
    """
    wanted = ("conversation_id", "phrases", "tagged_message")
    for conversation_id, phrases, tagged_message in filtered.select(wanted).iter_rows():
        tags = dict.fromkeys(phrase["tag"] for phrase in phrases)
        system_message = render_system_message(phrase["text"] for phrase in phrases)
        yield ChatRequest(
            conversation_id,
            PROMPT.render(
                mark=separating_mark([system_message, tagged_message]),
                system_message=system_message,
                tagged_message=tagged_message,
            ),
            SAMPLING,
            derive_seed(conversation_id, asked_in, attempt),
            constraint=build_verdict_constraint(tags) if method.constrain_verdicts else None,
            choices=CHOICES if method.verdict_confidence else (),
        )


def build_verified_messages(
    filtered: pl.DataFrame, completions: pl.DataFrame, unreadable: UnreadableVerdict
) -> pl.DataFrame:
    """`tables.VERIFIED`: one row per filtered message, in their order, with the phrases that stay.

    Where the model gave no text, the row is dropped with the engine's reason. Where it gave one
    without a readable verdict on a tag of the message, the tag counts as Unreadable and
    `unreadable` decides whether its phrases stay. The ``confidence`` of a verdict is the lowest
    probability of its word, among all places where the text gives the verdict.
    """
    answered = add_completions(filtered, completions, PROMPT).rename({"text": "verdict_text"})
    staying = staying_verdicts(unreadable)
    wanted = ("phrases", "verdict_text", "choices", "drop_reason")
    judged = [_judge(staying, *row) for row in answered.select(wanted).iter_rows()]
    schema = {name: VERIFIED.schema[name] for name in _JUDGED}
    return answered.with_columns(pl.DataFrame(judged, schema, orient="row")).select(VERIFIED.names)


def _judge(
    staying: set[Verdict],
    phrases: list[Mapping[str, str]],
    text: str | None,
    choices: list[Mapping[str, Any]] | None,
    drop_reason: str | None,
) -> tuple[list[Any], list[Any], list[Any], str | None]:
    """The columns `_JUDGED` of one message."""
    if text is None:
        return [], [], [], drop_reason
    readable = _locate_verdicts(text)
    probabilities = {(each["start"], each["choice"]): each["probability"] for each in choices or []}
    verdicts, by_tag = [], {}
    for tag in dict.fromkeys(phrase["tag"] for phrase in phrases):
        verdict, positions = readable.get(Tag(tag), (Verdict.UNREADABLE, []))
        known = [probabilities.get((position, verdict)) for position in positions]
        confidence = min((each for each in known if each is not None), default=None)
        verdicts.append({"tag": tag, "verdict": verdict, "confidence": confidence})
        by_tag[tag] = verdict
    stay = [phrase for phrase in phrases if by_tag[phrase["tag"]] in staying]
    removed = [
        {**phrase, "verdict": verdict}
        for phrase in phrases
        if (verdict := by_tag[phrase["tag"]]) not in staying
    ]
    return verdicts, stay, removed, None if stay else Dropped.NOTHING_VERIFIED
