"""Whether a judge may be believed: what it says of items that were labelled without it.

Three sets: the 419 pairs of LLMBar (Zeng et al., arXiv 2310.07641; MIT), which lie beside this
module and whose labels their authors agreed on, for the judge of preferences; the rows that a
reviewer has accepted or rejected in `sysgen review`, for the judge of alignment; and phrases that
models wrote, with answers, for the judge of phrases. A row may be rejected for other reasons
than its alignment, so agreement with reviewers is rather too low than too high. Pairs and rows are
labelled by people; phrases by two language models that read them without knowing of each other or
of any verdict (docs/decisions/0041), so a judge of their kind may agree with their errors.

Belongs here: what a judge's verdicts on labelled items are worth. Does not: the items
(`labelled_items`), the statistics (`agreement`) and the requests (`preference_judgement`, ...).
"""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import polars as pl

from sysgen_dagster.obedience.agreement import (
    CorrectedRate,
    Interval,
    TwoByTwo,
    bootstrap_intervals,
    cohen_kappa,
    correct_rate,
)
from sysgen_dagster.obedience.alignment_judgement import Alignment, build_judged_alignment
from sysgen_dagster.obedience.judge_verdicts import UNREADABLE
from sysgen_dagster.obedience.labelled_items import PHRASES, REVIEWED, read_labelled_phrases
from sysgen_dagster.obedience.phrase_judgement import MEANS, build_obedience
from sysgen_dagster.obedience.phrase_verdicts import parse_phrase_verdicts
from sysgen_dagster.obedience.preference_judgement import (
    NEW,
    ORIGINAL,
    build_judged_preferences,
)
from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster.obedience.tables import JUDGE_CALIBRATION
from sysgen_dagster.obedience.verdict_clauses import TIE
from sysgen_dagster.tables.checks import Check, Evidence, Finding, of_something, unless_made_up

# A judge whose agreement with labels is below this, or is known of fewer items of the same kind,
# is uncalibrated: "substantial" in Landis and Koch's words (1977), and enough items that the
# interval of kappa is about 0.1 to either side.
LEAST_KAPPA: Final = 0.6
LEAST_ITEMS: Final = 200
# Nor is one that cannot be read on more of the items than this: those may be the hard ones.
MOST_UNREAD: Final = 0.10

CALIBRATED: Final = "calibrated"
UNCALIBRATED: Final = "uncalibrated"


class Kind(StrEnum):
    """What a judge is asked, and so which labels it is held against."""

    PREFERENCE = "preference"
    ALIGNMENT = "alignment"
    PHRASE = "phrase"


# The verdict that counts as yes, and those that count as no; others are neither.
_YES = {
    Kind.PREFERENCE: NEW,
    Kind.ALIGNMENT: Alignment.ALIGNED.value,
    Kind.PHRASE: Verdict.OBEYED.value,
}
_NO = {
    Kind.PREFERENCE: {ORIGINAL},
    Kind.ALIGNMENT: {Alignment.NOT_ALIGNED.value, Alignment.UNKNOWN.value},
    Kind.PHRASE: {Verdict.NOT_OBEYED.value},
}
# One row per judge and kind, and one more for each set of phrases.
CALIBRATION = pl.Schema(
    {
        "judge": pl.String(),
        "kind": pl.String(),
        "labelled_set": pl.String(),  # null: all of the kind
        "items": pl.UInt32(),  # with a verdict; a pair has one if both its orders have
        "not_judged": pl.UInt32(),
        "agreement": pl.Float64(),
        "kappa": pl.Float64(),  # null: both always say the same word
        "kappa_low": pl.Float64(),
        "kappa_high": pl.Float64(),
        "labelled_yes": pl.Float64(),  # the share: the new answer is better, or the phrase obeyed
        "sensitivity": pl.Float64(),
        "specificity": pl.Float64(),
        "table": pl.String(),
        "worth": pl.String(),  # "calibrated", or "uncalibrated" and why
    }
)


def build_judge_calibration(
    pairs: pl.DataFrame,
    reviewed: pl.DataFrame,
    phrases: pl.DataFrame,
    completions: pl.DataFrame,
    judge: str,
    is_generator: bool,
) -> pl.DataFrame:
    """`tables.JUDGE_CALIBRATION`: two rows per labelled pair, one per reviewed row or phrase.

    Args:
        pairs: `read_labelled_pairs`.
        reviewed: ``conversation_id``, ``source`` and ``label``, one of `Alignment`.
        phrases: `read_labelled_phrases`.
        completions: Of the requests of all kinds, `chat.completions.COMPLETIONS`.
        judge: The name of the judge in the catalogue.
        is_generator: Whether the judge also wrote the reviewed answers.
    """
    preferences = build_judged_preferences(pairs, completions, judge, is_generator=False)
    alignments = build_judged_alignment(reviewed, completions, judge, is_generator)
    obeyed = build_obedience(phrases, completions, judge, is_generator=False)
    said = obeyed.select("verdict_text", "finish_reason").iter_rows()
    verdicts = pl.Series("verdict", [_verdict_on_phrase(*row) for row in said], pl.String())
    every = (pairs, reviewed, phrases)
    labels = pl.concat(rows.select("conversation_id", "label") for rows in every)
    each = [
        preferences.with_columns(kind=pl.lit(Kind.PREFERENCE.value), labelled_set="source"),
        alignments.with_columns(kind=pl.lit(Kind.ALIGNMENT.value), labelled_set=pl.lit(REVIEWED)),
        obeyed.with_columns(verdicts, kind=pl.lit(Kind.PHRASE.value), labelled_set="source"),
    ]
    judged = pl.concat(each, how="diagonal")
    return (
        judged.join(labels, on="conversation_id", how="left", maintain_order="left")
        .rename({"conversation_id": "item"})
        .select(JUDGE_CALIBRATION.names)
    )


def _verdict_on_phrase(text: str | None, finish_reason: str | None) -> str | None:
    if text is None:
        return None
    [said] = parse_phrase_verdicts(text, 1, finish_reason)
    return MEANS[said].value if said else UNREADABLE


def count_items(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per item: ``judge``, ``kind``, ``item``, ``verdict``, ``label``, ``labelled_set``.

    A pair on which the two orders contradict each other is a tie. The verdict is null where one is
    missing or unreadable.
    """
    verdict = pl.col("verdict").replace(UNREADABLE, None)
    said = (
        pl.when(verdict.null_count() == 0)
        .then(pl.when(verdict.n_unique() == 1).then(verdict.first()).otherwise(pl.lit(TIE)))
        .alias("verdict")
    )
    items = rows.group_by("judge", "kind", "item", maintain_order=True)
    return items.agg(said, pl.col("label", "labelled_set").first())


def calibrate(rows: pl.DataFrame) -> pl.DataFrame:
    """`CALIBRATION` of `tables.JUDGE_CALIBRATION`, with 95 % intervals by item."""
    found = []
    for (judge, named), items in count_items(rows).group_by("judge", "kind", maintain_order=True):
        kind = Kind(str(named))
        worth = _worth(kind, items)
        sets = {None: items}
        if kind is Kind.PHRASE:
            sets |= {name: of for [name], of in items.group_by("labelled_set", maintain_order=True)}
        found += [
            {"judge": judge, "kind": kind.value, "labelled_set": name}
            | {**_measure(kind, of), "worth": worth}
            for name, of in sets.items()
        ]
    return pl.DataFrame(found, schema=CALIBRATION)


def _measure(kind: Kind, items: pl.DataFrame) -> dict[str, object]:
    pairs = _verdicts_and_labels(items)
    kappa_low, kappa_high = _interval(pairs) or (None, None)
    table = _two_by_two(kind, pairs)
    return {
        "items": len(pairs),
        "not_judged": items.height - len(pairs),
        "agreement": sum(v == label for v, label in pairs) / len(pairs) if pairs else None,
        "kappa": _kappa(pairs),
        "kappa_low": kappa_low,
        "kappa_high": kappa_high,
        "labelled_yes": table.prevalence,
        "sensitivity": table.sensitivity,
        "specificity": table.specificity,
        "table": str(table),
    }


def worth_of(rows: pl.DataFrame | None, judge: str, kind: Kind) -> str:
    """What stands beside each figure of a judge: ``calibrated``, or ``uncalibrated`` and why.

    Args:
        rows: `tables.JUDGE_CALIBRATION`; None where none is stored.
        judge: The name of the judge in the catalogue.
        kind: What it was asked.
    """
    return _worth(kind, _items(rows, judge, kind))


def correct_for_judge(
    yes: int, judged: int, rows: pl.DataFrame | None, judge: str, kind: Kind
) -> CorrectedRate | None:
    """A judge's share of yes, corrected by what it said of labelled items of the same kind.

    Of phrases only by those that rules leave open, as those are what it judges. None where
    `agreement.correct_rate` cannot correct it. Few labels make the interval wide.
    """
    items = _items(rows, judge, kind)
    items = items.filter(labelled_set=PHRASES) if kind is Kind.PHRASE else items
    return correct_rate(yes, judged, _two_by_two(kind, _verdicts_and_labels(items)))


def say_worth(kappa: float | None, items: int, unread: int = 0) -> str:
    """What a judge with this kappa is worth: on so many items, beside those without a verdict."""
    every = items + unread
    if items < LEAST_ITEMS:
        return f"{UNCALIBRATED}: {items} of {LEAST_ITEMS} labelled items"
    if unread > MOST_UNREAD * every:
        return f"{UNCALIBRATED}: no verdict on {unread} of {every} items, {MOST_UNREAD:.0%} at most"
    if kappa is None or kappa < LEAST_KAPPA:
        return f"{_say_kappa(kappa)}, {LEAST_KAPPA} wanted"
    return CALIBRATED


def _worth(kind: Kind, items: pl.DataFrame) -> str:
    """What a judge is worth by items of a kind; of phrases it must be right on open ones, too."""
    pairs = _verdicts_and_labels(items)
    worth = say_worth(_kappa(pairs), len(pairs), items.height - len(pairs))
    if kind is not Kind.PHRASE or worth != CALIBRATED:
        return worth
    pairs, of = _verdicts_and_labels(items.filter(labelled_set=PHRASES)), "that rules leave open"
    stored = min(LEAST_ITEMS, read_labelled_phrases().filter(source=PHRASES).height)
    if len(pairs) < (1 - MOST_UNREAD) * stored:
        return f"{UNCALIBRATED}: {len(pairs)} of {stored} labelled phrases {of}"
    kappa = _kappa(pairs)
    if kappa is None or kappa < LEAST_KAPPA:
        return f"{_say_kappa(kappa)} on phrases {of}, {LEAST_KAPPA} wanted"
    if _interval(pairs) is None:
        return f"{UNCALIBRATED}: no lower bound of kappa on {len(pairs)} phrases {of}"
    return CALIBRATED


def _say_kappa(kappa: float | None) -> str:
    return f"{UNCALIBRATED}: " + ("no kappa" if kappa is None else f"kappa {kappa:.2f}")


def _items(rows: pl.DataFrame | None, judge: str, kind: Kind) -> pl.DataFrame:
    """`count_items` of a judge and a kind."""
    stored = JUDGE_CALIBRATION.empty() if rows is None else rows
    return count_items(stored.filter(judge=judge, kind=kind.value))


def _verdicts_and_labels(items: pl.DataFrame) -> list[tuple[str, str]]:
    """Of each item that the judge gave a verdict on."""
    return items.drop_nulls("verdict").select("verdict", "label").rows()


def _kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    return cohen_kappa(Counter(pairs))


def _interval(pairs: Sequence[tuple[str, str]]) -> Interval | None:
    return bootstrap_intervals(Counter(pairs), {"kappa": cohen_kappa})["kappa"]


def _two_by_two(kind: Kind, pairs: Sequence[tuple[str, str]]) -> TwoByTwo:
    """The counts of yes and no; a verdict that is neither, such as a tie, is left out."""
    yes, no = _YES[kind], _NO[kind]
    count = Counter(
        (verdict == yes, label == yes) for verdict, label in pairs if verdict in {yes, *no}
    )
    return TwoByTwo(count[True, True], count[False, True], count[True, False], count[False, False])


def _judge_agrees_with_labels() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        found = calibrate(evidence.read(JUDGE_CALIBRATION, *JUDGE_CALIBRATION.columns))
        short = found.filter(pl.col("worth") != CALIBRATED, pl.col("labelled_set").is_null())
        said = [f"{row['judge']} on {row['kind']}: {row['worth']}" for row in short.to_dicts()]
        advice = ": read its figures as uncalibrated, or name another judge" if said else ""
        finding = Finding(
            passed=short.is_empty(),
            figure=min(found["kappa"].drop_nulls().to_list(), default=0.0),
            wanted=f"kappa of {LEAST_KAPPA} or more, on {LEAST_ITEMS} items of each kind, with "
            f"{MOST_UNREAD:.0%} or less unread",
            rows=short,
            explanation="; ".join(said) + advice,
        )
        return of_something(finding, found.height)

    statement = "The judge agrees with labels that were made without it on what it judges."
    check = Check("judge_agrees_with_labels", JUDGE_CALIBRATION, statement, False, evaluate)
    return unless_made_up(check, JUDGE_CALIBRATION)


JUDGE_AGREES_WITH_LABELS = _judge_agrees_with_labels()
