"""Short tables that a view needs more for than one function of another room.

Which view has which is declared in `views`.
"""

from collections.abc import Sequence

import polars as pl

from sysgen_dagster.analysis.obedience_counts import summarize_obedience
from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.sysgen import paper
from sysgen_dagster.lanes.sysgen.phases import STEPS
from sysgen_dagster.obedience.alignment_judgement import summarize_alignment
from sysgen_dagster.obedience.calibration import Kind, correct_for_judge
from sysgen_dagster.obedience.preference_judgement import summarize_preferences
from sysgen_dagster.obedience.rules import BY_RULES, Verdict
from sysgen_dagster.obedience.tables import JUDGE_CALIBRATION
from sysgen_dagster.obedience.worth import name_judges
from sysgen_dagster.report import charts
from sysgen_dagster.report.drawing import Chart
from sysgen_dagster.report.view import Statistics
from sysgen_dagster.tables.table import Table


def draw_source_lengths(summary: pl.DataFrame, _: Sequence[str], *, narrow: bool = False) -> Chart:
    """A bar for the questions and one for the answers of each source."""
    has_paper = "question_chars_paper" in summary.columns
    lengths = pl.concat(
        summary.select(
            "source",
            text=pl.lit(text),
            chars=f"{text}_chars",
            **({"paper": f"{text}_chars_paper"} if has_paper else {}),
        )
        for text in ("question", "answer")
    )
    return charts.draw_bars(
        lengths,
        [],
        y="source",
        x="chars",
        title="mean characters",
        form=",.0f",
        hue="text",
        narrow=narrow,
    )


def summarize_drops(outcomes: pl.DataFrame) -> pl.DataFrame:
    """``phase``, ``reason`` in words and ``rows``, of all sources of `tables.RETENTION`.

    Phases are in their order, the most frequent reason of each first. Rows that a pilot left out
    are not dropped ones.
    """
    dropped = outcomes.filter(~pl.col("outcome").is_in(["kept", NoAnswer.BEYOND_LIMIT.value]))
    counted = dropped.group_by("table", "outcome", maintain_order=True).agg(
        rows=pl.col("conversations").sum()
    )
    order = pl.col("table").cast(pl.Enum([table.name for table in STEPS]))
    return counted.sort(order, "rows", descending=[False, True]).select(
        phase="table", reason=pl.col("outcome").str.replace_all("_", " "), rows="rows"
    )


def summarize_judged_preferences(judged: pl.DataFrame, stats: Statistics) -> pl.DataFrame:
    """`summarize_preferences` with the paper's Figure 3 in ``paper``."""
    figures = pl.col("source").replace_strict(
        paper.PREFERENCES.get(stats.model, {}), default=None, return_dtype=pl.Float64
    )
    summary = summarize_preferences(judged).with_columns(paper=figures)
    return summary.with_columns(
        _judge(judged["judge"], stats, Kind.PREFERENCE, judged["judge_is_generator"])
    )


def summarize_judged_alignment(judged: pl.DataFrame, stats: Statistics) -> pl.DataFrame:
    """`summarize_alignment` with the paper's Figure 5 in ``..._paper``, over all sources only."""
    aligned, not_aligned = paper.ALIGNMENT.get(stats.model, (None, None))
    figures = {"aligned_share_paper": aligned, "not_aligned_share_paper": not_aligned}
    judges, counted = judged["judge"].unique().to_list(), ("aligned", "conversations")
    summary = _correct(
        summarize_alignment(judged), "aligned_share", counted, judges, stats, Kind.ALIGNMENT
    )
    return summary.with_columns(
        *(
            pl.when(pl.col("source") == ALL).then(pl.lit(figure, dtype=pl.Float64)).alias(name)
            for name, figure in figures.items()
        ),
        _judge(judged["judge"], stats, Kind.ALIGNMENT, judged["judge_is_generator"]),
    )


def summarize_phrases(counts: pl.DataFrame, stats: Statistics) -> pl.DataFrame:
    """`summarize_obedience` with who judged what rules left open in ``judge``.

    ``obeyed_by_judge`` is the share that is obeyed of the phrases that a judge decided, and
    ``obeyed_by_judge_corrected`` the same as `_correct` adds it.
    """
    by_judge = counts.filter(pl.col("by") != BY_RULES)
    every = pl.concat([by_judge.with_columns(source=pl.lit(ALL)), by_judge])
    is_obeyed = pl.col("verdict") == Verdict.OBEYED.value
    judged = every.group_by("source", "tag").agg(
        yes=pl.col("phrases").filter(is_obeyed).sum(), decided=pl.col("phrases").sum()
    )
    summary = summarize_obedience(counts)
    if not judged.is_empty():
        shares = judged.with_columns(obeyed_by_judge=pl.col("yes") / pl.col("decided"))
        joined = summary.join(shares, on=["source", "tag"], how="left", maintain_order="left")
        judges = by_judge["by"].unique().to_list()
        corrected = _correct(
            joined, "obeyed_by_judge", ("yes", "decided"), judges, stats, Kind.PHRASE
        )
        summary = corrected.drop("yes", "decided")
    return summary.with_columns(
        _judge(counts["by"], stats, Kind.PHRASE, counts["judge_is_generator"])
    )


def _judge(judges: pl.Series, stats: Statistics, kind: Kind, is_generator: pl.Series) -> pl.Expr:
    """The column ``judge``: who judged and what that is worth; null where nobody did."""
    named = name_judges(
        judges.unique(),
        kind,
        stats.read(JUDGE_CALIBRATION),
        wrote_answers=bool(is_generator.any()),
    )
    return pl.lit(named, dtype=pl.String).alias("judge")


def _correct(
    summary: pl.DataFrame,
    share: str,
    counted: tuple[str, str],
    judges: Sequence[str],
    stats: Statistics,
    kind: Kind,
) -> pl.DataFrame:
    """The summary with a share of a judge's yes corrected for the judge's errors, where it can be.

    Adds ``<share>_corrected`` and its 95 % interval; nothing where no labels of the kind are
    stored, or several judges gave the verdicts.

    Args:
        summary: With the columns `counted`, of the yes and of all that the judge decided.
        share: What the corrected column is called after.
        counted: See `summary`.
        judges: Whose verdicts these are.
        stats: What is stored of the model.
        kind: What the judges were asked.
    """
    calibration = stats.read(JUDGE_CALIBRATION)
    if calibration is None or len(judges) != 1 or calibration.filter(kind=kind).is_empty():
        return summary
    corrected = [
        correct_for_judge(yes or 0, rows or 0, calibration, judges[0], kind)
        for yes, rows in summary.select(counted).iter_rows()
    ]
    name = f"{share}_corrected"
    bounds = [
        {name: each.share, f"{name}_low": each.low, f"{name}_high": each.high} if each else {}
        for each in corrected
    ]
    schema = dict.fromkeys((name, f"{name}_low", f"{name}_high"), pl.Float64())
    return summary.hstack(pl.DataFrame(bounds, schema=schema))


def count_texts(stats: Statistics, counted: Table, **which: str) -> pl.DataFrame | None:
    """``source`` and ``texts``, how many were compared with each other; None where not known."""
    stored = stats.read(counted)
    if stored is None:
        return None
    return stored.filter(**which).select("source", texts="conversations")
