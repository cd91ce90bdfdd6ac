"""The model makes one system message of a preference set: a paragraph from its four descriptions.

It is given the descriptions and nothing else: neither the instruction, nor an answer to it, nor the
names of dimensions and subdimensions.
"""

import re
from collections.abc import Iterator
from functools import partial

import polars as pl

from sysgen_dagster.chat.completions import CUT, add_completions
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest, derive_seed
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.lanes.multifaceted import paper
from sysgen_dagster.lanes.multifaceted.asking import Ask, ask_until_sound
from sysgen_dagster.lanes.multifaceted.drop_reasons import Dropped
from sysgen_dagster.lanes.multifaceted.preference_sets import attempt_of
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.tables import PREFERENCE_MESSAGES
from sysgen_dagster.lanes.multifaceted.taxonomy import Taxonomy, label_of

PROMPT = load_prompt("multifaceted_preference_message")
SAMPLING = paper.WRITING

# What models write before a text that was asked for, such as "Here is the system message:".
_ANNOUNCEMENT = re.compile(
    r"\A(?:[^\n]{0,120}:\W{0,4}\n\s*(?=\S)|\W{0,4}system (?:message|prompt)\W{0,4}:[*_]{0,3}\s*)",
    re.I,
)
_RUN = 8  # words: as many in a row are not the same by chance
_WORD = re.compile(r"\w+")
_FENCED = re.compile(r"\A```\w*\n(?P<text>.*)\n```\s*\Z", re.DOTALL)
_OF_THE_TASK = re.compile(
    r"\b(?:four|given|provided|following|above) (?:wish(?:es)?|descriptions?|preferences?)\b"
    r"|\b(?:wishes|descriptions|preferences) (?:given|provided|described|listed|above|below)\b",
    re.I,
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
        descriptions = [each["description"] for each in preferences]
        messages = PROMPT.render(mark=separating_mark(descriptions), descriptions=descriptions)
        seed = derive_seed(set_id, PREFERENCE_MESSAGES.name, attempt)
        yield ChatRequest(set_id, messages, SAMPLING, seed)


def build_rows(
    sets: pl.DataFrame, completions: pl.DataFrame, attempt: int, settings: Multifaceted
) -> pl.DataFrame:
    """`tables.PREFERENCE_MESSAGES` after one attempt at each row, in their order.

    A message that was dropped stays in its row: it shows what was wrong with it.
    """
    answered = add_completions(sets, completions, PROMPT)
    labels = label_pattern(settings.taxonomy)
    messages, reasons = [], []
    for text, finish, reason in answered.select("text", "finish_reason", "drop_reason").iter_rows():
        message = read_message(text) if text is not None else None
        if reason is None and finish == CUT:
            reason = NoAnswer.TRUNCATED.value
        if reason is None and message is not None:
            reason = find_fault(message, labels, settings.message_characters)
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
    if len(text) > 1 and text[0] + text[-1] in ('""', "''", "\u201c\u201d", "**"):
        text = text[1:-1].strip()
    if _OF_A_LIST.search(text):
        return text
    paragraphs = re.split(r"\n[ \t\r]*\n", text)
    return "\n\n".join(" ".join(each.split()) for each in paragraphs if each.strip())


def _without_announcement(text: str) -> str:
    return _ANNOUNCEMENT.sub("", text, count=1).strip() or text


def find_fault(message: str, labels: re.Pattern[str], characters: tuple[int, int]) -> str | None:
    """Why a message cannot be used; None: it can."""
    if "\n" in message:
        return Dropped.NOT_ONE_PARAGRAPH.value
    if labels.search(message):
        return Dropped.NAMES_TAXONOMY.value
    if _OF_THE_TASK.search(message):
        return Dropped.SPEAKS_OF_TASK.value
    if _runs_of(message) & _RUNS_OF_PROMPT:
        return Dropped.REPEATS_PROMPT.value
    shortest, longest = characters
    return None if shortest <= len(message) <= longest else Dropped.MESSAGE_LENGTH.value


def _runs_of(text: str) -> set[tuple[str, ...]]:
    """Every `_RUN` words that follow each other."""
    words = _WORD.findall(text.lower())
    return {*zip(*(words[start:] for start in range(_RUN)), strict=False)}


_RUNS_OF_PROMPT = _runs_of(PROMPT.fixed_text)


def label_pattern(taxonomy: Taxonomy) -> re.Pattern[str]:
    """Finds a dimension or subdimension where it stands as a label and not as a word of a sentence.

    Such are a name with a colon at the beginning of a sentence, in brackets or emphasis of its own,
    or before "dimension", "subdimension" or "preference"; and names that no sentence has.
    """
    dimensions = [label_of(name).lower() for name in taxonomy]
    subdimensions = [name for names in taxonomy.values() for name in names]
    one = "|".join(sorted(map(re.escape, [*dimensions, *subdimensions]), key=len, reverse=True))
    coded = "|".join(re.escape(name) for name in taxonomy if "_" in name) or r"(?!)"
    begins = r"(?:\A|(?<=\n)|(?<=[.!?;] ))\W{0,4}"
    return re.compile(
        rf"{begins}(?:{one})\W{{0,3}}:"
        rf"|[(\[]\W{{0,3}}(?:{one})\W{{0,3}}[)\]]"
        rf"|\*\*?(?:{one}):?\*\*?"
        rf"|\b(?:{one})['\"]? (?:dimension|subdimension|preference)s?\b"
        rf"|\bsub-?dimensions?\b|\b(?:{coded})\b",
        re.IGNORECASE,
    )
