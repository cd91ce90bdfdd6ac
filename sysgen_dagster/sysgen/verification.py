"""Phase 3: the same model judges each tag Good, Bad or None; only Good stays.

The model answers in lines such as ``<<Role>>: Good``. The verdict is for a tag, so all phrases of
that tag share it. Neither question nor answer is shown, as in the paper.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import polars as pl

from sysgen_dagster.catalog import UnreadableVerdict
from sysgen_dagster.sysgen.chat import ChatRequest, Sampling, derive_seed
from sysgen_dagster.sysgen.completions import with_completions
from sysgen_dagster.sysgen.drop_reasons import DropReason
from sysgen_dagster.sysgen.prompts import load_prompt
from sysgen_dagster.sysgen.tables import VERIFIED, polars_schema
from sysgen_dagster.sysgen.tags import TAG_NAMES, Phrase, Tag, render_system_message

PHASE = "verified_system_messages"
PROMPT = load_prompt("phase3_verify_functionalities")
SAMPLING = Sampling(temperature=0.7, max_tokens=256)  # paper, Appendix E


class Verdict(StrEnum):
    """What the model says of a tag, and what stands where it said nothing readable."""

    GOOD = "Good"
    BAD = "Bad"
    NONE = "None"
    UNREADABLE = "Unreadable"


# Brackets, colons and emphasis vary between models; the tag's name and the word are what counts.
_VERDICT = re.compile(
    rf"\b(?P<tag>{'|'.join(TAG_NAMES)})\b[\s>*`\"']{{0,8}}[:=\-][\s*`\"'<]{{0,8}}"
    # Good/Bad/None is the question repeated, not a verdict.
    r"(?P<verdict>good|bad|none)\b(?!\s?/)",
    re.IGNORECASE | re.ASCII,
)


def parse_verdicts(text: str) -> dict[Tag, Verdict]:
    """The readable verdicts of `text`; a tag that is judged in two ways is not among them."""
    found: dict[Tag, set[Verdict]] = {}
    for match in _VERDICT.finditer(text):
        verdict = Verdict(match["verdict"].capitalize())
        found.setdefault(Tag(match["tag"].capitalize()), set()).add(verdict)
    return {tag: verdicts.pop() for tag, verdicts in found.items() if len(verdicts) == 1}


def verification_requests(filtered: pl.DataFrame) -> Iterator[ChatRequest]:
    """One request per filtered message: its natural text and its tagged text."""
    wanted = ("conversation_id", "phrases", "tagged_message")
    for conversation_id, phrases, tagged_message in filtered.select(wanted).iter_rows():
        messages = PROMPT.render(
            system_message=render_system_message(_phrases(phrases)), tagged_message=tagged_message
        )
        yield ChatRequest(conversation_id, messages, SAMPLING, derive_seed(conversation_id, PHASE))


def verified_messages(
    filtered: pl.DataFrame, completions: pl.DataFrame, unreadable: UnreadableVerdict
) -> pl.DataFrame:
    """Phase 3's table: one row per filtered message, with the phrases that stay.

    Returns:
        `tables.VERIFIED`. Where the model's answer is missing altogether the row is dropped with
        the engine's reason; where it is there but a tag of the message has no readable verdict, the
        tag counts as ``Unreadable`` and `unreadable` decides.
    """
    answered = with_completions(filtered, completions, PROMPT.fingerprint).rename(
        {"text": "verdict_text"}
    )
    records = [
        _judged(phrases, text, reason, unreadable)
        for phrases, text, reason in answered.select(
            "phrases", "verdict_text", "drop_reason"
        ).iter_rows()
    ]
    names = ("verdicts", "phrases", "removed", "drop_reason")
    schema = {name: dtype for name, dtype in polars_schema(VERIFIED).items() if name in names}
    judged = pl.DataFrame(records, schema=schema, orient="row")
    return answered.with_columns(judged).select(VERIFIED.keys())


def _judged(
    phrases: list[Mapping[str, str]], text: str | None, reason: str | None, rule: UnreadableVerdict
) -> dict[str, Any]:
    if text is None:
        return {"verdicts": [], "phrases": [], "removed": [], "drop_reason": reason}
    readable = parse_verdicts(text)
    tags = dict.fromkeys(Tag(phrase["tag"]) for phrase in phrases)
    verdicts = {tag: readable.get(tag, Verdict.UNREADABLE) for tag in tags}
    staying = {Verdict.GOOD} | ({Verdict.UNREADABLE} if rule is UnreadableVerdict.KEEP else set())
    stay = [phrase for phrase in phrases if verdicts[Tag(phrase["tag"])] in staying]
    return {
        "verdicts": [{"tag": tag, "verdict": verdict} for tag, verdict in verdicts.items()],
        "phrases": stay,
        "removed": [
            {**phrase, "verdict": verdicts[Tag(phrase["tag"])]}
            for phrase in phrases
            if verdicts[Tag(phrase["tag"])] not in staying
        ],
        "drop_reason": None if stay else DropReason.NOTHING_VERIFIED,
    }


def _phrases(records: list[Mapping[str, str]]) -> list[Phrase]:
    return [Phrase(Tag(record["tag"]), record["text"]) for record in records]
