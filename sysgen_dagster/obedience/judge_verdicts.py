"""What the two kinds of judgement share: sampling, parsing of verdicts, summaries by source.

A judge writes a reason and ends with a line such as ``Verdict: A``. Models vary that line (bold, a
full stop, ``Verdict: Response B``) or write something else; a text that does not plainly state one
verdict is unreadable.
"""

import re
from collections.abc import Iterable, Mapping

import polars as pl
import polars.selectors as cs

from sysgen_dagster.chat.messages import ChatMessage, Role, Sampling
from sysgen_dagster.tables.rates import Z95, wilson_interval

# The verdict of a row whose judge replied without a clear verdict.
UNREADABLE = "Unreadable"

# Temperature 0 makes judgements repeatable. The prompts ask for three sentences, about 100 tokens;
# 512 leave room for a judge that writes five times as much. A longer text is cut before its verdict
# and is Unreadable.
SAMPLING = Sampling(temperature=0.0, max_tokens=512)

# All repetitions are bounded or end at the end of the line, so matching takes linear time.
_SIGNS = r"[^\w\n]{0,16}"
_LABEL = re.compile(
    rf"^{_SIGNS}(?:(?:final|my|overall) )?verdict[^\w\n:\uff1a]{{0,8}}[:\uff1a]", re.I | re.M
)
_NOUN = r"(?:(?:response|answer|option|assistant)\b)?"
# The verdict is on the line of the label, or, if the label has its own line, on the last line.
_PLACE = rf"(?:{_SIGNS}|{_SIGNS}\n\W{{0,16}}(?=[^\n]*\Z))"
_WORD = re.compile(r"\w")


def drop_system_turns(history: Iterable[ChatMessage]) -> list[ChatMessage]:
    """The turns without the source's own system messages, which the judge is not shown."""
    return [turn for turn in history if turn["role"] != Role.SYSTEM]


def build_verdict_pattern(**words: str) -> re.Pattern[str]:
    """The pattern of a verdict, for `parse_verdict`.

    A reason may follow the verdict on its line, after a full stop, comma, semicolon, dash or
    bracket, but not another verdict: ``A, B or tie`` repeats the question.

    Args:
        words: For the name of each verdict, a regex of the words that state it.
    """
    groups = "|".join(f"(?P<{name}>{word})" for name, word in words.items())
    any_word = "|".join(words.values())
    ends_line = r"(?=[^\w\n]*$)"
    begins_reason = (
        rf"(?=[*` ]{{0,4}}[.,;(\u2013\u2014-](?!{_SIGNS}(?:or )?{_NOUN}{_SIGNS}(?:{any_word})\b))"
    )
    verdict = rf"{_PLACE}{_NOUN}{_SIGNS}(?:{groups})\b"
    return re.compile(rf"{verdict}(?:{ends_line}|{begins_reason})", re.I | re.M)


def parse_verdict(text: str, pattern: re.Pattern[str]) -> str | None:
    """The name of the verdict that a judge's text ends in; None if the text is unreadable.

    The last verdict line counts, because a judge may quote verdicts before it. If several verdict
    lines follow each other directly and differ, the text is unreadable.
    """
    text = text.rstrip().replace("_", " ")  # Markdown emphasis, but a word character in a regex
    verdicts: set[str | None] = set()
    end = 0
    for label in _LABEL.finditer(text):
        if _WORD.search(text, end, label.start()):
            verdicts.clear()
        word = pattern.match(text, label.end())
        verdicts.add(word.lastgroup if word else None)
        end = word.end() if word else label.end()
    return verdicts.pop() if len(verdicts) == 1 else None


def aggregate_by_source(rows: pl.DataFrame, measures: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """One row per ``source``, alphabetically, then one for ``all`` rows, with these aggregates."""
    by_source = rows.group_by("source").agg(**measures).sort("source")
    summary = pl.concat([by_source, rows.select(source=pl.lit("all"), **measures)])
    return summary.with_columns(cs.integer().cast(pl.UInt32))


def add_interval(summary: pl.DataFrame, share: str) -> pl.DataFrame:
    """Add the 95 % Wilson interval of the column `share`, as ``<share>_low`` and ``<share>_high``.

    The shares are of as many rows as ``conversations`` says; the bounds of a null share are null.
    """
    bounds = [
        (None, None) if value is None else wilson_interval(value, rows, Z95)
        for value, rows in summary.select(share, "conversations").iter_rows()
    ]
    schema = {f"{share}_low": pl.Float64, f"{share}_high": pl.Float64}
    return summary.hstack(pl.DataFrame(bounds, schema=schema, orient="row"))
