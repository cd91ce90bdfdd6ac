"""The model makes one system message of a preference set: a paragraph from its four descriptions.

It is given the descriptions and nothing else: neither the instruction, nor an answer to it, nor the
names of dimensions and subdimensions.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import polars as pl

from sysgen_dagster.chat.completions import CUT, add_completions
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest, derive_seed
from sysgen_dagster.chat.prompts import separating_mark
from sysgen_dagster.lanes.multifaceted import message_faults, paper
from sysgen_dagster.lanes.multifaceted.asking import Ask, ask_until_sound
from sysgen_dagster.lanes.multifaceted.message_faults import find_fault, label_pattern
from sysgen_dagster.lanes.multifaceted.preference_sets import attempt_of
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.tables import PREFERENCE_MESSAGES

PROMPT = message_faults.PROMPT  # a message that repeats it has a fault
SAMPLING = paper.WRITING

# What models write before a text that was asked for, such as "Of course! Here is the message:". It
# is one clause after a word or two, says what comes, and speaks to nobody.
_ANNOUNCEMENT = re.compile(
    r"\A(?!\W*(?:you|du|sie|ihr|tu|vous|usted|voc\u00ea|jij|\u0442\u044b|\u0432\u044b)\b|\W*[\u4f60\u60a8])"
    r"(?:\S+(?: \S+)?[.!] )?"
    r"(?=[^\n]*(?:\b(?:here|below|message|prompt|paragraph|text|sure|certainly|of course|ok|okay"
    r"|absolutely|gladly|hier|nachricht|voici|aqu\u00ed|aqui|mensaje|mensagem|ecco|messaggio"
    r"|\u0432\u043e\u0442)\b|\u4ee5\u4e0b|\u8fd9\u662f|\u597d\u7684|\u6d88\u606f|\u63d0\u793a))"
    r"[^\n.!?\u3002]{0,120}[:\uff1a]\W{0,4}\n\s*(?=\S)"
    r"|\A\W{0,4}system (?:message|prompt)\W{0,4}:[*_]{0,3}\s*",
    re.IGNORECASE,
)
_FENCED = re.compile(r"\A```\w*\n(?P<text>.*)\n```\s*\Z", re.DOTALL)
# A whole text in such signs, which do not stand inside of it as well, but for apostrophes.
_WRAPPED = (
    re.compile(r'\A"([^"]+)"\Z'),
    re.compile(r"\A'((?:[^']|\b'\b)+)'\Z"),
    re.compile("\\A\u201c([^\u201c\u201d]+)\u201d\\Z"),
    re.compile(r"\A\*{1,3}([^*]+)\*{1,3}\Z"),
)
_OF_A_LIST = re.compile(r"^\s*(?:[-*+\u2022]\s|\d{1,2}[.)]\s|#{1,6}\s)", re.MULTILINE)


def write_messages(sets: pl.DataFrame, ask: Ask, settings: Multifaceted) -> pl.DataFrame:
    """`tables.PREFERENCE_MESSAGES`: one row per kept preference set, in their order."""
    return ask_until_sound(
        sets.select("conversation_id", "source", "preference_set"),
        ask,
        settings.attempts,
        build_requests,
        partial(build_rows, settings=settings),
        lambda rows: rows,
    )


def build_requests(sets: pl.DataFrame, attempt: int) -> Iterator[ChatRequest]:
    """One request per kept row of `tables.PREFERENCE_SETS`."""
    for set_id, preferences in sets.select("conversation_id", "preference_set").iter_rows():
        descriptions = describe(preferences)
        messages = PROMPT.render(mark=separating_mark(descriptions), descriptions=descriptions)
        seed = derive_seed(set_id, PREFERENCE_MESSAGES.name, attempt)
        yield ChatRequest(set_id, messages, SAMPLING, seed)


def describe(preferences: Sequence[Mapping[str, str]]) -> list[str]:
    """The descriptions of a set, in the order of its preferences."""
    return [each["description"] for each in preferences]


def build_rows(
    sets: pl.DataFrame, completions: pl.DataFrame, attempt: int, settings: Multifaceted
) -> pl.DataFrame:
    """`tables.PREFERENCE_MESSAGES` after one attempt at each row, in their order.

    A message that was dropped stays in its row: it shows what was wrong with it.
    """
    answered = add_completions(sets, completions, PROMPT)
    labels = label_pattern(settings.taxonomy)
    messages, reasons = [], []
    wanted = ("text", "finish_reason", "drop_reason", "preference_set")
    for text, finish, reason, preferences in answered.select(wanted).iter_rows():
        message = read_message(text) if text is not None else None
        if reason is None and finish == CUT:
            reason = NoAnswer.TRUNCATED.value
        if reason is None and message is not None:
            reason = find_fault(message, describe(preferences), labels, settings.message_characters)
        messages.append(message)
        reasons.append(reason)
    return answered.with_columns(
        pl.Series("system_message", messages, pl.String()),
        pl.Series("drop_reason", reasons, pl.String()),
        reply="text",
        attempt=attempt_of(attempt),
    ).select(PREFERENCE_MESSAGES.names)


def read_message(reply: str) -> str:
    """The message in a reply, without an announcement, a code block or quotes around it.

    Lines of one paragraph are joined; a blank line between two paragraphs stays.
    """
    text = _without_announcement(reply.strip())
    if fenced := _FENCED.match(text):
        text = _without_announcement(fenced["text"].strip())
    for wrapped in _WRAPPED:
        text = wrapped.sub(r"\1", text).strip()
    if _OF_A_LIST.search(text):
        return text
    paragraphs = re.split(r"\n[ \t\r]*\n", text)
    return "\n\n".join(" ".join(each.split()) for each in paragraphs if each.strip())


def _without_announcement(text: str) -> str:
    return _ANNOUNCEMENT.sub("", text, count=1).strip() or text
