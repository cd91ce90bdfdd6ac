"""What the two judges have in common: verdicts read, shares with their interval.

A judge is shown texts that somebody else wrote, each between lines that carry a mark. It writes a
reason and ends with a line such as ``Verdict: A``. Models dress that line up (bold, a full stop,
``Verdict: Response B``) or say something else; what is not plainly one verdict is none.
"""

import re
from collections.abc import Iterable

import polars as pl

from sysgen_dagster.chat.messages import ChatMessage, Role, Sampling
from sysgen_dagster.tables.rates import Z95, wilson_interval

# The verdict of a reply that is there and cannot be read.
UNREADABLE = "Unreadable"

# Temperature 0, so that a judgement can be repeated. The prompts ask for three sentences, which are
# some 100 tokens: a judge that is five times as wordy still reaches its verdict. One that thinks
# aloud for longer is cut before it and Unreadable.
SAMPLING = Sampling(temperature=0.0, max_tokens=512)

# Repetitions are bounded or end with the line: reading takes time in proportion to the text.
_SIGNS = r"[^\w\n]{0,16}"
_LABEL = re.compile(
    rf"^{_SIGNS}(?:(?:final|my|overall) )?verdict[^\w\n:\uff1a]{{0,8}}[:\uff1a]", re.I | re.M
)
_NOUN = r"(?:(?:response|answer|option|assistant)\b)?"
# On the line of the label, or on the last line of the text where the label has a line of its own.
_PLACE = rf"(?:{_SIGNS}|{_SIGNS}\n\W{{0,16}}(?=[^\n]*\Z))"
_WORD = re.compile(r"\w")


def spoken_turns(history: Iterable[ChatMessage]) -> list[ChatMessage]:
    """The turns of user and assistant: an upstream system message is not what is judged."""
    return [turn for turn in history if turn["role"] != Role.SYSTEM]


def build_verdict_pattern(**words: str) -> re.Pattern[str]:
    """What `parse_verdict` looks for: each keyword names a verdict, its value is how it is said.

    A reason may follow the word on its line after a stop, a dash or a bracket, unless it begins
    with another verdict: ``A, B or tie`` is the question repeated.
    """
    groups = "|".join(f"(?P<{name}>{word})" for name, word in words.items())
    said = "|".join(words.values())
    ends = r"(?=[^\w\n]*$)"
    explained = (
        rf"(?=[*` ]{{0,4}}[.,;(\u2013\u2014-](?!{_SIGNS}(?:or )?{_NOUN}{_SIGNS}(?:{said})\b))"
    )
    return re.compile(rf"{_PLACE}{_NOUN}{_SIGNS}(?:{groups})\b(?:{ends}|{explained})", re.I | re.M)


def parse_verdict(text: str, pattern: re.Pattern[str]) -> str | None:
    """The name of the verdict that a judge's text ends in; None where it cannot be read.

    The last verdict line counts, since a judge may quote others before. Where several stand
    directly under each other and differ, none of them is its verdict.
    """
    text = text.rstrip().replace("_", " ")  # emphasis here, a letter to a regular expression
    said: set[str | None] = set()
    end = 0
    for label in _LABEL.finditer(text):
        if _WORD.search(text, end, label.start()):
            said.clear()
        word = pattern.match(text, label.end())
        said.add(word.lastgroup if word else None)
        end = word.end() if word else label.end()
    return said.pop() if len(said) == 1 else None


def judged_by(judge: str, is_generator: bool) -> dict[str, pl.Expr]:
    """The columns of a judged table that say who judged, by name."""
    return {"judge": pl.lit(judge), "judge_is_generator": pl.lit(is_generator)}


def with_interval(summary: pl.DataFrame, share: str) -> pl.DataFrame:
    """`summary` with the 95 % interval of a share of its ``conversations``, null where it is null.

    Returns:
        The same rows with ``<share>_low`` and ``<share>_high`` at the end.
    """
    bounds = [
        (None, None) if value is None else wilson_interval(value, rows, Z95)
        for value, rows in summary.select(share, "conversations").iter_rows()
    ]
    schema = {f"{share}_low": pl.Float64, f"{share}_high": pl.Float64}
    return summary.hstack(pl.DataFrame(bounds, schema=schema, orient="row"))
