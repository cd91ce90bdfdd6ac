"""Tells what a model thinks from what it says, in whatever form a text holds both.

Servers with a reasoning parser return thoughts apart from the text. All others return one text, in
which the model's own marks separate the two: ``<think>...</think>``, channels, or words that begin
either part. A thought whose end is missing reaches to the end of the text, and one whose beginning
is missing, because the chat template wrote it into the prompt, begins where the text begins.

An answer may speak of such marks. A mark in a code block, in quotation marks or within a sentence
is text, not the border of a thought.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

# Names of the marks, as published chat templates write them: ``<think>`` (DeepSeek, Qwen, GLM,
# Nemotron, MiniMax, ...), ``<thinking>``, ``<seed:think>`` (Seed-OSS).
_NAME = r"(?:[a-z]{1,12}[:|])?think(?:ing)?"
# Names that answers use as XML too: they count only where the text begins with such a mark.
_NAME_AT_START = "thoughts?|reasoning|reflection"
# By line: marks in angle brackets, also with bars (``<|think|>``) and attributes; Mistral; Kimi;
# Cohere; OpenThinker; Apertus; MedGemma; Gemma 4.
_OPEN = (
    rf"<\|?{_NAME}(?: [^<>\n]{{0,60}})?\|?>"
    r"|\[THINK\]"
    "|\u25c1think\u25b7"
    r"|<\|START_THINKING\|>"
    r"|<\|begin_of_thought\|>"
    r"|<\|inner_prefix\|>"
    r"|<unused94>(?:thought)?"
    r"|<\|channel>(?:thought)?"
)
_CLOSE = (
    rf"<\|?/{_NAME}\|?>"
    r"|\[/THINK\]"
    "|\u25c1/think\u25b7"
    r"|<\|END_THINKING\|>"
    r"|<\|end_of_thought\|>"
    r"|<\|inner_suffix\|>"
    r"|<unused95>"
    r"|<channel\|>"
)
_MARK = re.compile(rf"(?P<open>{_OPEN})|(?P<close>{_CLOSE})", re.IGNORECASE)
# gpt-oss: each part begins with the name of its channel, of which only `final` is for the user.
_CHANNEL = re.compile(
    r"(?:<\|start\|>[^<]{0,40})?<\|channel\|>(?P<name>\w+)[^<]{0,100}"
    r"(?:<\|constrain\|>[^<]{0,40})?<\|message\|>"
)
_CHANNEL_ENDS = re.compile(r"<\|(?:end|return|call)\|>")
# The same where a server leaves out special tokens.
_BARE_CHANNELS = re.compile(
    r"^\s*analysis(?=[A-Z\"'\u201c])(?P<thought>.*?)(?:assistantfinal|\Z)", re.S
)
# Granite 3 begins either part with a sentence.
_AT_START = re.compile(
    rf"^\s*<(?P<name>{_NAME_AT_START})>(?P<thought>.*?)(?:</(?P=name)>|\Z)", re.S | re.I
)
_SENTENCES = re.compile(
    r"^\s*Here is my thought process:(?P<thought>.*?)(?:Here is my response:|\Z)", re.S | re.I
)
# Marks that some of these models put round their whole answer. By line: Hunyuan and ERNIE; Cohere;
# OpenThinker; GLM.
_WRAPPED = re.compile(
    r"<(?P<name>answer|response)>(?P<a>.*)</(?P=name)>"
    r"|<\|START_RESPONSE\|>(?P<b>.*?)(?:<\|END_RESPONSE\|>)?"
    r"|<\|begin_of_solution\|>(?P<c>.*?)(?:<\|end_of_solution\|>)?"
    r"|<\|begin_of_box\|>(?P<d>.*)<\|end_of_box\|>",
    re.S | re.I,
)
# Every form holds one of these: a text without them, as most are, need not be searched.
_WORDS = ("think", "thought", "reasoning", "reflection", "channel", "inner_", "unused9", "analysis")
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
_WIDEST_INDENT = 40  # blanks before a mark that begins a line
_QUOTES = "`'\"\u2018\u201c\u00ab"


class Reply(NamedTuple):
    """What a model says and what it thinks; None where the text holds no thought.

    A thought that is empty, as of a model whose thinking is switched off, counts as none.
    """

    text: str
    reasoning: str | None


def split_reasoning(content: str) -> Reply:
    """The answer in a model's text, and the thoughts in it; a text without thoughts is unchanged.

    Takes time in proportion to the text and never raises.
    """
    lowered = content.lower()
    if not any(word in lowered for word in _WORDS):
        return Reply(content, None)
    if _CHANNEL.match(content.lstrip()):
        return _read_channels(content)
    for pattern in (_BARE_CHANNELS, _SENTENCES, _AT_START):
        if found := pattern.match(content):
            return _reply([content[found.end() :]], [found["thought"]])
    return _read_marks(content)


def join_reasoning(parts: Iterable[str | None]) -> str | None:
    """The thoughts that are not blank, one paragraph each; None where there are none."""
    return "\n\n".join(part.strip() for part in parts if part and part.strip()) or None


def _reply(texts: list[str], thoughts: list[str]) -> Reply:
    text = "".join(texts).strip()
    if wrapped := _WRAPPED.fullmatch(text):
        text = next(inner for inner in wrapped.group("a", "b", "c", "d") if inner is not None)
    return Reply(text.strip(), join_reasoning(thoughts))


def _read_channels(content: str) -> Reply:
    parts = list(_CHANNEL.finditer(content))
    ends = [part.start() for part in parts[1:]] + [len(content)]
    texts: list[str] = []
    thoughts = [content[: parts[0].start()]]
    for part, end in zip(parts, ends, strict=True):
        said = _CHANNEL_ENDS.sub("", content[part.end() : end])
        (texts if part["name"] == "final" else thoughts).append(said)
    return _reply(texts, thoughts)


def _read_marks(content: str) -> Reply:
    """The reply in a text whose thoughts stand between marks.

    A closing mark without an opening one makes a thought of all text since the last closing one.
    """
    texts: list[str] = []
    thoughts: list[str] = []
    fences = [fence.start() for fence in _FENCE.finditer(content)]
    begin, thinks, is_quoted = 0, False, False  # whether a block in code has been opened
    for mark in _MARK.finditer(content):
        closes, is_in_code = mark["close"] is not None, _is_in_code(fences, begin, mark.start())
        if not closes and (thinks or is_in_code or not _begins_line(content, begin, mark)):
            is_quoted |= is_in_code
            continue
        if closes and not thinks and ((is_quoted and is_in_code) or _is_spoken_of(content, mark)):
            continue
        (thoughts if closes else texts).append(content[begin : mark.start()])
        begin, thinks, is_quoted = mark.end(), not closes, False
    if begin == 0:
        return Reply(content, None)
    (thoughts if thinks else texts).append(content[begin:])
    return _reply(texts, thoughts)


def _begins_line(content: str, begin: int, mark: re.Match[str]) -> bool:
    """Whether only a few blanks stand between a mark and the start of its line, or `begin`."""
    first = max(begin, mark.start() - _WIDEST_INDENT)
    before = content[first : mark.start()].rstrip(" \t")
    return before.endswith("\n") or (not before and first == begin)


def _is_spoken_of(content: str, mark: re.Match[str]) -> bool:
    """Whether a mark is quoted, or a word of a sentence."""
    before, after = (
        content[max(0, mark.start() - 2) : mark.start()],
        content[mark.end() : mark.end() + 2],
    )
    if before[-1:] and before[-1] in _QUOTES:
        return True
    follows_word = before[-1:] == " " and (before[0].isalnum() or before[0] == ",")
    goes_on = after[:1] in (",", ";", ".") or (after[:1] == " " and after[1:].islower())
    return follows_word and goes_on


def _is_in_code(fences: Sequence[int], begin: int, at: int) -> bool:
    """Whether `at` is in a code block that began after `begin` and ends later."""
    before = bisect_left(fences, at)
    return (before - bisect_left(fences, begin)) % 2 == 1 and before < len(fences)
