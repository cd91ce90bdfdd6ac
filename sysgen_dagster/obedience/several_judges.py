"""What several judges say of the same phrases: a verdict is what more than half of them say.

Belongs here: one table of obedience from those of each judge. Does not: what a judge is asked
(`phrase_judgement`), and how far judges agree (`analysis.obedience_counts`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from sysgen_dagster.obedience.phrase_judgement import MEANS, open_places
from sysgen_dagster.obedience.phrase_verdicts import parse_phrase_verdicts
from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster.obedience.tables import OBEDIENCE

UNREAD = "unread"  # a judge said nothing of the phrase that can be read
_SUMMED = ("attempts", "prompt_tokens", "completion_tokens")
_Row = dict[str, Any]


def combine_judges(phrases: pl.Series, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One table of what several judges said of the same rows.

    Args:
        phrases: Of each row, as rules leave them.
        tables: By judge, `tables.OBEDIENCE` as `phrase_judgement.build_obedience` makes it of these
            rows, all in one order.

    Returns:
        `tables.OBEDIENCE`. ``by`` are the judges whose verdict it is, ``judged`` is what each said.
        Attempts and tokens are those of all judges, ``verdict_text`` are the texts of those that
        wrote one, one after the other, and what else is said of the requests is that of the first
        judge that was asked.
    """
    by_judge = zip(*(table.iter_rows(named=True) for table in tables.values()), strict=True)
    rows = [
        _combine(of_row or [], dict(zip(tables, each, strict=True)))
        for of_row, each in zip(phrases.to_list(), by_judge, strict=True)
    ]
    return pl.DataFrame(rows, schema=OBEDIENCE.schema)


def _combine(phrases: Sequence[_Row], rows: Mapping[str, _Row]) -> _Row:
    asked = {judge: row for judge, row in rows.items() if row["attempts"] is not None}
    if not asked:
        return next(iter(rows.values()))
    found = [*phrases]
    judged: list[str | None] = [None] * len(phrases)
    places = open_places(phrases)
    said = {judge: _read(row, len(places)) for judge, row in rows.items()}
    for number, at in enumerate(places):
        votes = {judge: verdicts[number] for judge, verdicts in said.items()}
        judged[at] = "; ".join(f"{judge}: {vote}" for judge, vote in votes.items())
        for verdict in (Verdict.OBEYED.value, Verdict.NOT_OBEYED.value):
            of = [judge for judge, vote in votes.items() if vote == verdict]
            if 2 * len(of) > len(votes):
                found[at] = {**phrases[at], "verdict": verdict, "by": ", ".join(of)}
    texts = [f"{judge}:\n{text}" for judge, row in asked.items() if (text := row["verdict_text"])]
    return {
        **next(iter(asked.values())),
        **{name: sum(row[name] or 0 for row in asked.values()) for name in _SUMMED},
        **{each.value: sum(one["verdict"] == each for one in found) for each in Verdict},
        "phrases": found,
        "judged": judged,
        "declines": _most([row["declines"] for row in rows.values()]),
        "judge": ", ".join(asked),
        "judge_is_generator": any(row["judge_is_generator"] for row in asked.values()),
        "verdict_text": "\n\n".join(texts) or None,
        "failure": next((row["failure"] for row in asked.values() if row["failure"]), None),
    }


def _read(row: _Row, count: int) -> list[str]:
    verdicts = parse_phrase_verdicts(row["verdict_text"] or "", count, row["finish_reason"])
    return [MEANS[each].value if each else UNREAD for each in verdicts]


def _most(said: Sequence[bool | None]) -> bool | None:
    """What more than half say; None where that is neither."""
    return next((each for each in (True, False) if 2 * said.count(each) > len(said)), None)


def contradict(judged: pl.Expr) -> pl.Expr:
    """Whether judges contradict each other about a phrase, by what each said of it."""
    obeyed, not_obeyed = (
        judged.str.contains(rf": {each}(;|$)") for each in (Verdict.OBEYED, Verdict.NOT_OBEYED)
    )
    return obeyed & not_obeyed
