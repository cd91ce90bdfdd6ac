"""Texts behind labels in a reply: on lines such as ``Style preference: short``, or in JSON objects.

The lane asks for preference sets and for rubrics in this form. What models do to it is read in one
way; which labels and which fields there are, the callers say.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeVar

Label = TypeVar("Label")
Found = TypeVar("Found")

DEEPEST: Final = 4  # objects within objects
# Blocks of the scripts of `chat.words.UNSPACED`, which a grammar cannot name.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff"
_WORD_RULES = (
    rf"word ::= [^ \n\r{_UNSPACED}]+",
    rf"unspaced ::= [^ \n\r{_UNSPACED}]* [{_UNSPACED}] [^\n\r]*",
)
_MOST_STARTS = 20  # brackets with which an object may begin; each is read to where it ends
_NOTHING = re.compile(r"[\s.\u2026_\-\u2013\u2014]*|n/?a|none|null|tbd|<[^<>]*>|\[[^\[\]]*\]", re.I)


def tidy(text: str) -> str:
    """The text on one line, without the marks around it; empty where it says nothing."""
    said = " ".join(text.split()).strip("*_`|").strip()
    if len(said) > 1 and said[0] == said[-1] and said[0] in "\"'":
        said = said[1:-1].strip()
    return "" if _NOTHING.fullmatch(said) else said


def read_lines(
    text: str, read_label: Callable[[str], tuple[Label, str] | None]
) -> Iterator[tuple[Label, str]]:
    """Label and text of each labelled line, with the lines that go on below it.

    Args:
        text: The reply.
        read_label: The label of a line and what follows it; None: the line begins with none.
    """
    at: tuple[Label, list[str]] | None = None
    for line in text.splitlines():
        labelled = read_label(line)
        # A blank line ends a text, and so does the fence of a code block.
        goes_on = line.strip() and not line.lstrip().startswith("```")
        if labelled is None and at is not None and goes_on:
            at[1].append(line)
            continue
        if at is not None:
            yield at[0], "\n".join(at[1])
        at = None if labelled is None else (labelled[0], [labelled[1]])
    if at is not None:
        yield at[0], "\n".join(at[1])


def read_object(text: str, read_value: Callable[[Any], Iterable[Found]]) -> list[Found]:
    """What the first JSON object or list that has any of it holds; empty where none has.

    Args:
        text: The reply.
        read_value: What a value holds.
    """
    decoder = json.JSONDecoder()
    for start in islice(re.finditer(r"[{\[]", text), _MOST_STARTS):
        try:
            value, _ = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        if held := list(read_value(value)):
            return held
    return []


def build_grammar(fewest_words: Mapping[str, int]) -> str:
    """A grammar of one line for each label, which xgrammar and llama.cpp read alike.

    How many words a text has at most is not held to: a model that may write no further blank glues
    on what it still had to say, in any language.

    Args:
        fewest_words: Of the text behind each label. A text that begins in a script without blanks
            is held to none.
    """
    lines = ' "\\n" '.join(f'"{label}: " text{fewest}' for label, fewest in fewest_words.items())
    texts = [_text_rule(fewest) for fewest in dict.fromkeys(fewest_words.values())]
    return "\n".join([f"root ::= {lines}", *texts, *_WORD_RULES, ""])


def _text_rule(fewest: int) -> str:
    blanks = 'word " " ' * (fewest - 1)
    return f"text{fewest} ::= {blanks}[^ \\n\\r] [^\\n\\r]+ | unspaced"
