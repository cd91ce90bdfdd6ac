"""Counts and means over the rows of a model or of the sources, as the paper's tables have them.

A function that takes rows takes those of any number of shards; what is summed over shards is said
where it matters. `sysgen.statistics` counts what the checks of the phases need.
"""

from collections.abc import Iterable
from statistics import fmean

import polars as pl

from sysgen_dagster.analysis.tables import ANSWER_SIMILARITY, SIMILARITY, SOURCE_LENGTHS
from sysgen_dagster.lanes.sysgen.paper import REMOVED, SOURCES, Removed
from sysgen_dagster.lanes.sysgen.paper import SIMILARITY as SIMILARITY_PAPER
from sysgen_dagster.lanes.sysgen.tables import VERDICT_COUNTS
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.lanes.sysgen.verification import Verdict

ALL = "all"  # the source that stands for all of them
_LENGTHS = ("conversations", "question_chars", "answer_chars")


def count_characters(conversations: pl.DataFrame) -> pl.DataFrame:
    """``source``, ``question_chars`` and ``answer_chars`` of the conversations that go on."""
    return conversations.filter(pl.col("drop_reason").is_null()).select(
        "source",
        question_chars=pl.col("question").str.len_chars(),
        answer_chars=pl.col("answer").str.len_chars(),
    )


def measure_source_lengths(characters: pl.DataFrame) -> pl.DataFrame:
    """`tables.SOURCE_LENGTHS` of the rows of `character_counts`."""
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
    """`tables.VERDICT_COUNTS`: how the tags of verified messages were judged.

    `verified` has ``source`` and ``verdicts``. A message whose judgement never came is not counted.
    """
    judged = verified.select("source", "verdicts").explode("verdicts").drop_nulls("verdicts")
    judged = judged.unnest("verdicts")
    held = judged.group_by("source", "tag").agg(of_messages=pl.len().cast(pl.UInt32))
    counts = judged.group_by("source", "tag", "verdict").agg(messages=pl.len().cast(pl.UInt32))
    every = pl.DataFrame({"tag": TAG_NAMES}).join(
        pl.DataFrame({"verdict": [verdict.value for verdict in Verdict]}), how="cross"
    )
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
    """Tables of counts of several shards as one: the same rows, their numbers added up."""
    both = pl.concat(counts)
    numbers = [name for name, dtype in both.schema.items() if dtype == pl.UInt32]
    keys = [name for name in both.columns if name not in numbers]
    added = both.group_by(keys, maintain_order=True).agg(pl.col(numbers).sum())
    return added.select(both.columns)


def measure_answer_similarity(quality: pl.DataFrame) -> pl.DataFrame:
    """`tables.ANSWER_SIMILARITY`, for each source and over all, in Table 1's units.

    ``length_ratio`` is the mean length of the new answers by the mean length of the original ones,
    in characters, as Table 1's caption has it; ``mean_of_length_ratios`` is the mean of the rows'
    own ratios.
    """
    rows = pl.concat([quality, quality.with_columns(source=pl.lit(ALL))])
    old, new = pl.col("answer_chars"), pl.col("new_answer_chars")
    ratio = pl.when(old > 0).then(new / old)
    metrics = {**{name: pl.col(name) for name in SIMILARITY}, "mean_of_length_ratios": ratio}
    lines = [
        rows.group_by("source", maintain_order=True).agg(
            metric=pl.lit(name),
            rows=value.count().cast(pl.UInt32),
            mean=value.mean(),
            deviation=value.std(),
        )
        for name, value in metrics.items()
    ]
    lengths = rows.group_by("source", maintain_order=True).agg(
        metric=pl.lit("length_ratio"),
        rows=pl.len().cast(pl.UInt32),
        mean=pl.when(old.sum() > 0).then(new.sum() / old.sum()),
        deviation=pl.lit(None, dtype=pl.Float64),
    )
    order = {name: place for place, name in enumerate(rows["source"].unique(maintain_order=True))}
    table = pl.concat([*lines, lengths]).select(
        pl.col(name).cast(dtype) for name, dtype in ANSWER_SIMILARITY.schema.items()
    )
    place = pl.col("source").replace_strict(order, return_dtype=pl.UInt32)
    return table.sort(place, maintain_order=True)


def compare_lengths(lengths: pl.DataFrame) -> pl.DataFrame:
    """`source_lengths` with the paper's figures in ``..._paper``; null where it has none."""
    papers = [
        {"source": source, **{f"{name}_paper": getattr(SOURCES[source], name) for name in _LENGTHS}}
        for source in lengths["source"]
        if source in SOURCES
    ]
    schema = {"source": pl.String, "conversations_paper": pl.UInt32} | {
        f"{name}_paper": pl.Float64 for name in _LENGTHS[1:]
    }
    compared = lengths.join(pl.DataFrame(papers, schema=schema), on="source", how="left")
    beside = [name for each in _LENGTHS for name in (each, f"{each}_paper")]
    return compared.select("source", *beside, "question_chars_p95", "answer_chars_p95")


def compare_verdicts(counts: pl.DataFrame, model: str) -> pl.DataFrame:
    """One row per source and tag: shares Bad, None and Unreadable, beside v2 Table 9.

    Returns:
        ``source`` (also `ALL`), ``tag``, ``messages`` that hold it, ``bad``, ``bad_paper``,
        ``none``, ``none_paper``, ``unreadable``; the paper's value over all is the plain mean over
        its sources.
    """
    over_all = counts.group_by("tag", "verdict", maintain_order=True).agg(
        pl.col("messages", "of_messages").sum(), source=pl.lit(ALL)
    )
    held = pl.col("of_messages").max()
    shares = {
        verdict.value: pl.when(held > 0).then(
            pl.col("messages").filter(pl.col("verdict") == verdict.value).sum() / held
        )
        for verdict in Verdict
    }
    wide = (
        pl.concat([counts, over_all.select(counts.columns)])
        .group_by("source", "tag", maintain_order=True)
        .agg(of_messages=held, **shares)
    )
    papers = [_removed(model, source, tag) for source, tag in wide.select("source", "tag").rows()]
    return wide.select(
        "source",
        "tag",
        pl.col("of_messages").alias("messages"),
        pl.col("Bad").alias("bad"),
        pl.Series("bad_paper", [each and each.bad for each in papers], dtype=pl.Float64),
        pl.col("None").alias("none"),
        pl.Series("none_paper", [each and each.none for each in papers], dtype=pl.Float64),
        pl.col("Unreadable").alias("unreadable"),
    )


def _removed(model: str, source: str, tag: str) -> Removed | None:
    sources = REMOVED.get(model, {})
    if source != ALL:
        return sources[source][tag] if source in sources else None
    every = [tags[tag] for tags in sources.values()]
    if not every:
        return None
    return Removed(fmean(each.bad for each in every), fmean(each.none for each in every))


def compare_similarity(table: pl.DataFrame, model: str) -> pl.DataFrame:
    """The rows of `answer_similarity` with Table 1's figures in ``paper``, those over all only."""
    figures = SIMILARITY_PAPER.get(model, {})
    paper = [
        figures.get(metric) if source == ALL else None
        for source, metric in table.select("source", "metric").iter_rows()
    ]
    return table.with_columns(paper=pl.Series(paper, dtype=pl.Float64))


def compare_learned(table: pl.DataFrame, model: str) -> pl.DataFrame:
    """`tables.LEARNED_SIMILARITY` with Table 1's figures, over all sources first.

    Returns:
        ``source`` (`ALL`, then those with a figure), ``metric``, ``rows``, ``mean`` (over all: of
        the rows, not of the sources), ``paper`` (over all only) and ``how``, or why not.
    """
    figures = SIMILARITY_PAPER.get(model, {})
    over_all = table.group_by("metric", maintain_order=True).agg(
        source=pl.lit(ALL),
        rows=pl.col("rows").sum(),
        mean=(pl.col("mean") * pl.col("rows")).sum() / pl.col("rows").sum(),
        how=pl.col("how").first(),
    )
    columns = ("source", "metric", "rows", "mean", "how")
    computed = table.filter(pl.col("computed"))
    both = pl.concat([over_all.select(columns), computed.select(columns)])
    paper = pl.when(pl.col("source") == ALL).then(
        pl.col("metric").replace_strict(figures, default=None, return_dtype=pl.Float64)
    )
    return both.select(
        "source", "metric", "rows", pl.col("mean").fill_nan(None), paper.alias("paper"), "how"
    )


def summarize_comparison(table: pl.DataFrame) -> pl.DataFrame:
    """One row per model and table of the paper, over the shares of `tables.PAPER_COMPARISON`.

    Lengths, counts and ratios of lengths are left out: their distances have no common measure.

    Returns:
        ``model``, ``published_in``, ``figures``, ``mean_distance``, ``largest_distance`` (absolute)
        and ``farthest``, the figure with the latter.
    """
    distance = pl.col("difference").abs()
    what = pl.concat_str(pl.col("of"), pl.col("figure"), separator=": ")
    return (
        table.filter(pl.col("paper") <= 1)
        .group_by("model", "published_in", maintain_order=True)
        .agg(
            figures=pl.len().cast(pl.UInt32),
            mean_distance=distance.mean(),
            largest_distance=distance.max(),
            farthest=what.sort_by(distance, descending=True).first(),
        )
    )


def summarize_near_duplicates(found: pl.DataFrame, texts: pl.DataFrame | None) -> pl.DataFrame:
    """One row per source, and one over all: how many texts nearly repeat others.

    Args:
        found: `tables.NEAR_DUPLICATES`.
        texts: ``source`` and ``texts``, how many were looked at; None where that is not known.

    Returns:
        ``source``, ``texts``, ``in_clusters``, ``surplus`` (those that an earlier text stands for),
        ``across_sources`` (in a cluster of several sources), ``largest_cluster``,
        ``surplus_share`` of the texts.
    """
    rows = pl.concat([found, found.with_columns(source=pl.lit(ALL))])
    first = pl.col("conversation_id") == pl.col("cluster")
    counts = rows.group_by("source", maintain_order=True).agg(
        in_clusters=pl.len(),
        surplus=(~first).sum(),
        across_sources=(pl.col("cluster_sources") > 1).sum(),
        largest_cluster=pl.col("cluster_rows").max(),
    )
    if texts is None:
        unknown = pl.lit(None, dtype=pl.UInt32)
        looked_at = counts.select("source", texts=unknown)
    else:
        over_all = texts.select(source=pl.lit(ALL), texts=pl.col("texts").sum())
        looked_at = pl.concat([texts, over_all])
    zero = pl.col("in_clusters", "surplus", "across_sources", "largest_cluster").fill_null(0)
    share = pl.when(pl.col("texts") > 0).then(pl.col("surplus") / pl.col("texts"))
    return (
        looked_at.join(counts, on="source", how="left", maintain_order="left")
        .with_columns(zero.cast(pl.UInt32))
        .with_columns(surplus_share=share)
    )


# From here on an item is as good as held. Our choice: half, as in Tulu 3 (arXiv 2411.15124).
MOSTLY_HELD = 0.5


def summarize_contamination(found: pl.DataFrame) -> pl.DataFrame:
    """One row per benchmark and source of `tables.CONTAMINATION` that share words.

    Returns:
        ``benchmark``, ``source``, ``conversations`` and ``items`` with a shared n-gram,
        ``mostly_held`` (conversations with at least half of an item's n-grams), ``median_overlap``.
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
