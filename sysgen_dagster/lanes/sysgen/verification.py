"""Phase 3: the same model judges each tag Good, Bad or None; only Good stays.

The model answers in lines such as ``<<Role>>: Good``. The verdict is for a tag, so all phrases of
that tag share it. Neither question nor answer is shown, as in the paper.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

import polars as pl

from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.messages import ChatRequest, derive_seed
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.lanes.sysgen.drop_reasons import Dropped
from sysgen_dagster.lanes.sysgen.paper import VERIFICATION_SAMPLING
from sysgen_dagster.lanes.sysgen.settings import Method, UnreadableVerdict
from sysgen_dagster.lanes.sysgen.tables import VERIFIED
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES, Phrase, Tag, render_system_message

PROMPT = load_prompt("phase3_verify_functionalities")
SAMPLING = VERIFICATION_SAMPLING


class Verdict(StrEnum):
    """What the model says of a tag, and what stands where it said nothing readable."""

    GOOD = "Good"
    BAD = "Bad"
    NONE = "None"
    UNREADABLE = "Unreadable"


# What a model can say.
CHOICES = (Verdict.GOOD.value, Verdict.BAD.value, Verdict.NONE.value)

# Brackets, colons and emphasis vary between models; the tag's name and the word are what counts.
_VERDICT = re.compile(
    rf"\b(?P<tag>{'|'.join(TAG_NAMES)})\b[\s>*`\"']{{0,8}}[:=\-][\s*`\"'<]{{0,8}}"
    # Good/Bad/None is the question repeated, not a verdict.
    r"(?P<verdict>good|bad|none)\b(?!\s?/)",
    re.IGNORECASE | re.ASCII,
)


def parse_verdicts(text: str) -> dict[Tag, Verdict]:
    """The readable verdicts of `text`; a tag that is judged in two ways is not among them."""
    return {tag: verdict for tag, (verdict, _) in _readable(text).items()}


def _readable(text: str) -> dict[Tag, tuple[Verdict, list[int]]]:
    """The readable verdicts, and where in `text` the word of each stands."""
    found: dict[Tag, dict[Verdict, list[int]]] = {}
    for match in _VERDICT.finditer(text):
        verdict = Verdict(match["verdict"].capitalize())
        places = found.setdefault(Tag(match["tag"].capitalize()), {})
        places.setdefault(verdict, []).append(match.start("verdict"))
    return {tag: next(iter(places.items())) for tag, places in found.items() if len(places) == 1}


def build_verdict_pattern(tags: Iterable[Tag]) -> str:
    """The regular expression of one verdict line a tag, in their order.

    Plain enough for engines that know no look-around; marks and words hold nothing to escape.
    """
    return r"\n".join(f"<<{tag}>>: ({'|'.join(CHOICES)})" for tag in tags)


def build_verification_requests(
    filtered: pl.DataFrame, method: Method, asked_in: str = VERIFIED.name, attempt: int = 0
) -> Iterator[ChatRequest]:
    """One request per filtered message: its natural text and its tagged text.

    `method` says whether the model is held to `verdict_pattern` and whether the probabilities of
    its verdicts are wanted; `asked_in` and `attempt` give the seed.
    """
    wanted = ("conversation_id", "phrases", "tagged_message")
    for conversation_id, records, tagged_message in filtered.select(wanted).iter_rows():
        phrases = _phrases(records)
        tags = dict.fromkeys(phrase.tag for phrase in phrases)
        system_message = render_system_message(phrases)
        yield ChatRequest(
            conversation_id,
            PROMPT.render(
                mark=separating_mark([system_message, tagged_message]),
                system_message=system_message,
                tagged_message=tagged_message,
            ),
            SAMPLING,
            derive_seed(conversation_id, asked_in, attempt),
            constraint={"regex": build_verdict_pattern(tags)} if method.constrain_verdicts else {},
            choices=CHOICES if method.verdict_confidence else (),
        )


def build_verified_messages(
    filtered: pl.DataFrame, completions: pl.DataFrame, unreadable: UnreadableVerdict
) -> pl.DataFrame:
    """Phase 3's table: one row per filtered message, with the phrases that stay.

    Returns:
        `tables.VERIFIED`. Where the model's answer is missing altogether the row is dropped with
        the engine's reason; where it is there but a tag of the message has no readable verdict, the
        tag counts as ``Unreadable`` and `unreadable` decides. A verdict's ``confidence`` is the
        lowest probability of its word, wherever the word is said of the tag.
    """
    answered = add_completions(filtered, completions, PROMPT).rename({"text": "verdict_text"})
    wanted = ("phrases", "verdict_text", "choices", "drop_reason")
    records = [_judged(unreadable, *row) for row in answered.select(wanted).iter_rows()]
    names = ("verdicts", "phrases", "removed", "drop_reason")
    schema = {name: dtype for name, dtype in VERIFIED.schema.items() if name in names}
    judged = pl.DataFrame(records, schema=schema, orient="row")
    return answered.with_columns(judged).select(VERIFIED.names)


def _judged(
    rule: UnreadableVerdict,
    phrases: list[Mapping[str, str]],
    text: str | None,
    choices: list[Mapping[str, Any]] | None,
    reason: str | None,
) -> dict[str, Any]:
    if text is None:
        return {"verdicts": [], "phrases": [], "removed": [], "drop_reason": reason}
    readable = _readable(text)
    tags = dict.fromkeys(Tag(phrase["tag"]) for phrase in phrases)
    verdicts = {tag: readable[tag][0] if tag in readable else Verdict.UNREADABLE for tag in tags}
    probabilities = {(each["start"], each["choice"]): each["probability"] for each in choices or []}
    staying = {Verdict.GOOD} | ({Verdict.UNREADABLE} if rule is UnreadableVerdict.KEEP else set())
    stay = [phrase for phrase in phrases if verdicts[Tag(phrase["tag"])] in staying]
    return {
        "verdicts": [
            {
                "tag": tag,
                "verdict": verdict,
                "confidence": _lowest(probabilities, *readable.get(tag, (verdict, []))),
            }
            for tag, verdict in verdicts.items()
        ],
        "phrases": stay,
        "removed": [
            {**phrase, "verdict": verdicts[Tag(phrase["tag"])]}
            for phrase in phrases
            if verdicts[Tag(phrase["tag"])] not in staying
        ],
        "drop_reason": None if stay else Dropped.NOTHING_VERIFIED,
    }


def _lowest(
    probabilities: Mapping[tuple[int, str], float], verdict: Verdict, places: Iterable[int]
) -> float | None:
    """Of the verdict's word at these places; None where it is not known at any."""
    known = (probabilities.get((place, verdict.value)) for place in places)
    return min((each for each in known if each is not None), default=None)


def _phrases(records: list[Mapping[str, str]]) -> list[Phrase]:
    return [Phrase(Tag(record["tag"]), record["text"]) for record in records]
