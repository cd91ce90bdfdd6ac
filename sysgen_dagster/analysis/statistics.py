"""The tables of figures over the rows of a model or of the sources, and their comparison.

Belongs here: `count_...` and `measure_...` make a stored table from rows of any number of shards,
`compare_...` puts the paper's figures beside a stored table, and `summarize_...` shortens one for
the report. Does not belong here: what the checks of the phases count (`lanes.sysgen.counts`).
"""

from collections.abc import Iterable
from dataclasses import asdict
from itertools import product

import polars as pl
import polars.selectors as cs

from sysgen_dagster.analysis.tables import ANSWER_SIMILARITY, SIMILARITY, SOURCE_LENGTHS
from sysgen_dagster.lanes.sysgen.paper import REMOVED, SOURCES
from sysgen_dagster.lanes.sysgen.paper import SIMILARITY as SIMILARITY_PAPER
from sysgen_dagster.lanes.sysgen.tables import VERDICT_COUNTS
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.lanes.sysgen.verification import Verdict
from sysgen_dagster.tables.table import kept

ALL = "all"  # the name under ``source`` of a row over all sources
# A conversation that holds at least this share of a benchmark item's n-grams counts as containing
# the item. Our choice: half, as in Tulu 3 (arXiv 2411.15124).
MOSTLY_HELD = 0.5


def count_characters(conversations: pl.DataFrame) -> pl.DataFrame:
    """The lengths of question and answer in characters, one row per conversation not dropped.

    Args:
        conversations: ``source``, ``question``, ``answer``, ``drop_reason``.

    Returns:
        ``source``, ``question_chars``, ``answer_chars``.
    """
    characters = pl.col("question", "answer").str.len_chars().name.suffix("_chars")
    return kept(conversations).select("source", characters)


def measure_source_lengths(characters: pl.DataFrame) -> pl.DataFrame:
    """`tables.SOURCE_LENGTHS`: one row per source, of all shards' `count_characters`."""
    lengths = pl.col("question_chars", "answer_chars")
    return (
        characters.group_by("source", maintain_order=True)
        .agg(
            pl.len().cast(pl.UInt32).alias("conversations"),
            lengths.mean(),
            lengths.quantile(0.95).name.suffix("_p95"),
        )
        .select(SOURCE_LENGTHS.names)
    )


def count_verdicts(verified: pl.DataFrame) -> pl.DataFrame:
    """`tables.VERDICT_COUNTS`: one row per source, tag and verdict, also where it is 0.

    `verified` has ``source`` and ``verdicts``. A message that has no verdicts because the request
    to the judge failed is not counted.
    """
    judged = verified.select("source", "verdicts").explode("verdicts").drop_nulls("verdicts")
    judged = judged.unnest("verdicts")
    held = judged.group_by("source", "tag").agg(of_messages=pl.len().cast(pl.UInt32))
    counts = judged.group_by("source", "tag", "verdict").agg(messages=pl.len().cast(pl.UInt32))
    every = pl.DataFrame(list(product(TAG_NAMES, Verdict)), ["tag", "verdict"], orient="row")
    return (
        verified.select("source")
        .unique(maintain_order=True)
        .join(every, how="cross")
        .join(counts, on=["source", "tag", "verdict"], how="left", maintain_order="left")
        .join(held, on=["source", "tag"], how="left", maintain_order="left")
        .with_columns(pl.col("messages", "of_messages").fill_null(0))
        .select(VERDICT_COUNTS.names)
    )


def sum_counts(counts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """One table of counts from those of several shards: columns of type UInt32 are added up."""
    rows = pl.concat(counts)
    keys = cs.exclude(cs.by_dtype(pl.UInt32))
    added = rows.group_by(keys, maintain_order=True).agg(pl.col(pl.UInt32).sum())
    return added.select(rows.columns)


def measure_answer_similarity(quality: pl.DataFrame) -> pl.DataFrame:
    """`tables.ANSWER_SIMILARITY`: one row per source and metric, and one per metric over all.

    ``length_ratio`` is the mean length of the new answers divided by the mean length of the
    original ones, in characters, as defined in the caption of the paper's Table 1;
    ``mean_of_length_ratios`` is the mean of the rows' own ratios.

    Args:
        quality: ``source``, ``answer_chars``, ``new_answer_chars`` and the columns of
            `tables.SIMILARITY`.
    """
    rows = _with_all(quality)
    old, new = pl.col("answer_chars"), pl.col("new_answer_chars")
    metrics = {
        **{name: pl.col(name) for name in SIMILARITY},
        "mean_of_length_ratios": _share(new, old),
    }
    parts = [
        rows.group_by("source", maintain_order=True).agg(
            metric=pl.lit(name), rows=value.count(), mean=value.mean(), deviation=value.std()
        )
        for name, value in metrics.items()
    ]
    lengths = rows.group_by("source", maintain_order=True).agg(
        metric=pl.lit("length_ratio"),
        rows=pl.len(),
        mean=_share(new.sum(), old.sum()),
        deviation=pl.lit(None, dtype=pl.Float64),
    )
    order = pl.Enum(rows["source"].unique(maintain_order=True))
    table = pl.concat([*parts, lengths]).cast(pl.Schema(ANSWER_SIMILARITY.schema))
    return table.sort(pl.col("source").cast(order), maintain_order=True)


def _with_all(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, followed by the same rows with the source `ALL`."""
    return pl.concat([rows, rows.with_columns(source=pl.lit(ALL))])


def _share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """The quotient; null where `whole` is 0."""
    return pl.when(whole > 0).then(part / whole)


def compare_lengths(lengths: pl.DataFrame) -> pl.DataFrame:
    """`tables.SOURCE_LENGTHS` beside v1 Table 9, one row per source.

    Returns:
        The columns of the table, each of the three that Table 9 has followed by the paper's figure
        as ``..._paper``, which is null for a source that is not in the paper.
    """
    paper = pl.DataFrame({"source": source, **asdict(each)} for source, each in SOURCES.items())
    compared = lengths.join(paper, on="source", how="left", maintain_order="left", suffix="_paper")
    published = ("conversations", "question_chars", "answer_chars")
    beside = [column for name in published for column in (name, f"{name}_paper")]
    return compared.select("source", *beside, "question_chars_p95", "answer_chars_p95")


def compare_verdicts(counts: pl.DataFrame, model: str) -> pl.DataFrame:
    """`tables.VERDICT_COUNTS` as shares beside v2 Table 9, one row per source and tag.

    Returns:
        ``source`` (also `ALL`), ``tag``, ``messages`` (those that hold the tag), and of these the
        shares ``bad``, ``bad_paper``, ``none``, ``none_paper``, ``unreadable``; the paper's value
        over all sources is the unweighted mean of its five sources.
    """
    totals = _with_all(counts).group_by("source", "tag", "verdict", maintain_order=True)
    by_verdict = totals.agg(pl.col("messages", "of_messages").sum())
    held = pl.col("of_messages").max()  # the same number in the row of each verdict
    shares = {
        verdict.lower(): _share(pl.col("messages").filter(pl.col("verdict") == verdict).sum(), held)
        for verdict in (Verdict.BAD.value, Verdict.NONE.value, Verdict.UNREADABLE.value)
    }
    return (
        by_verdict.group_by("source", "tag", maintain_order=True)
        .agg(messages=held, **shares)
        .join(_published_removals(model), on=["source", "tag"], how="left", maintain_order="left")
        .select("source", "tag", "messages", "bad", "bad_paper", "none", "none_paper", "unreadable")
    )


def _published_removals(model: str) -> pl.DataFrame:
    """v2 Table 9 of a model: ``source`` (also `ALL`), ``tag``, ``bad_paper``, ``none_paper``."""
    shares = [
        (source, tag, removed.bad, removed.none)
        for source, tags in REMOVED.get(model, {}).items()
        for tag, removed in tags.items()
    ]
    columns = {
        "source": pl.String,
        "tag": pl.String,
        "bad_paper": pl.Float64,
        "none_paper": pl.Float64,
    }
    published = _with_all(pl.DataFrame(shares, schema=columns, orient="row"))
    return published.group_by("source", "tag").mean()


def compare_similarity(table: pl.DataFrame, model: str) -> pl.DataFrame:
    """`tables.ANSWER_SIMILARITY` with Table 1's figures in ``paper``; null for a single source."""
    return table.with_columns(paper=_table_1(model))


def _table_1(model: str) -> pl.Expr:
    """The paper's figure for the ``metric`` of a row over all sources; null for other rows."""
    figures = SIMILARITY_PAPER.get(model, {})
    figure = pl.col("metric").replace_strict(figures, default=None, return_dtype=pl.Float64)
    return pl.when(pl.col("source") == ALL).then(figure)


def compare_learned(table: pl.DataFrame, model: str) -> pl.DataFrame:
    """`tables.LEARNED_SIMILARITY` beside Table 1: one row per metric over all sources, then others.

    Returns:
        ``source`` (`ALL`, then each source with a figure), ``metric``, ``rows``, ``mean`` (over all
        sources weighted by rows), ``paper`` (null for a single source) and ``how``: how the figure
        was computed, or why it was not.
    """
    over_all = table.group_by("metric", maintain_order=True).agg(
        source=pl.lit(ALL),
        rows=pl.col("rows").sum(),
        mean=_share((pl.col("mean") * pl.col("rows")).sum(), pl.col("rows").sum()),
        how=pl.col("how").first(),
    )
    return pl.concat([over_all, table.filter("computed")], how="diagonal").select(
        "source", "metric", "rows", "mean", _table_1(model).alias("paper"), "how"
    )


def summarize_comparison(table: pl.DataFrame) -> pl.DataFrame:
    """How far our shares are from the paper's: one row per model and table of the paper.

    Lengths, counts and ratios of lengths in `table` (`PAPER_COMPARISON`) are left out, because
    their distances have no common unit.

    Returns:
        ``model``, ``published_in``, ``figures`` (how many are compared), ``mean_distance`` and
        ``largest_distance`` (absolute differences of shares) and ``farthest``, the name of the
        figure with the largest distance.
    """
    distance = pl.col("difference").abs()
    name = pl.concat_str("of", "figure", separator=": ")
    return (
        table.filter(pl.col("paper") <= 1)
        .group_by("model", "published_in", maintain_order=True)
        .agg(
            figures=pl.len().cast(pl.UInt32),
            mean_distance=distance.mean(),
            largest_distance=distance.max(),
            farthest=name.sort_by(distance, descending=True).first(),
        )
    )


def summarize_near_duplicates(found: pl.DataFrame, texts: pl.DataFrame | None) -> pl.DataFrame:
    """How many texts nearly repeat others: one row per source, and one over all sources.

    Args:
        found: `tables.NEAR_DUPLICATE_QUESTIONS` or `tables.NEAR_DUPLICATE_MESSAGES`.
        texts: ``source`` and ``texts``, the number of texts that were compared; None if unknown.

    Returns:
        ``source``, ``texts``, ``in_clusters``, ``surplus`` (texts in a cluster other than its
        first), ``across_sources`` (texts in a cluster of several sources), ``largest_cluster``,
        ``surplus_share`` (of ``texts``).
    """
    is_first = pl.col("conversation_id") == pl.col("cluster")
    counts = (
        _with_all(found)
        .group_by("source", maintain_order=True)
        .agg(
            in_clusters=pl.len(),
            surplus=(~is_first).sum(),
            across_sources=(pl.col("cluster_sources") > 1).sum(),
            largest_cluster=pl.col("cluster_rows").max(),
        )
    )
    if texts is None:
        compared = counts.select("source", texts=pl.lit(None, dtype=pl.UInt32))
    else:
        compared = pl.concat([texts, texts.select(source=pl.lit(ALL), texts=pl.col("texts").sum())])
    figures = pl.col("in_clusters", "surplus", "across_sources", "largest_cluster")
    return (
        compared.join(counts, on="source", how="left", maintain_order="left")
        .with_columns(figures.fill_null(0).cast(pl.UInt32))
        .with_columns(surplus_share=_share(pl.col("surplus"), pl.col("texts")))
    )


def summarize_contamination(found: pl.DataFrame) -> pl.DataFrame:
    """`tables.CONTAMINATION` as one row per benchmark and source with a shared n-gram.

    Returns:
        ``benchmark``, ``source``, ``conversations`` and ``items`` with a shared n-gram,
        ``mostly_held`` (conversations with at least `MOSTLY_HELD` of an item's n-grams),
        ``median_overlap``.
    """
    return (
        found.group_by("benchmark", "source")
        .agg(
            conversations=pl.len().cast(pl.UInt32),
            items=pl.col("item").n_unique().cast(pl.UInt32),
            mostly_held=(pl.col("overlap") >= MOSTLY_HELD).sum().cast(pl.UInt32),
            median_overlap=pl.col("overlap").median(),
        )
        .sort("benchmark", "source")
    )
