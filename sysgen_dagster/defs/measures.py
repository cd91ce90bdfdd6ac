"""What is measured of the stored rows: the paper's tables, findings in rows, the whole corpus.

Measures of a model's answers count the shards that are through the last phase. Nothing here drops a
row and no model is asked; what judges say is in `judgements`.
"""

from collections.abc import Iterator

import polars as pl

from sysgen_dagster.analysis import findings, statistics, tables
from sysgen_dagster.analysis.contamination import find_contamination, index_items
from sysgen_dagster.analysis.diversity import measure_message_diversity
from sysgen_dagster.analysis.learned_similarity import measure_learned_similarity
from sysgen_dagster.analysis.near_duplicates import NearDuplicates
from sysgen_dagster.analysis.row_quality import measure_row_quality
from sysgen_dagster.analysis.sampling import draw_stratified_sample
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.contracts import require_contracts
from sysgen_dagster.defs.plumbing.excluded import excluded_ids, without
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.lanes.sysgen import annotation
from sysgen_dagster.lanes.sysgen import tables as lane
from sysgen_dagster.lanes.sysgen.counts import count_outcomes, count_results, count_tags
from sysgen_dagster.lanes.sysgen.phases import STEPS
from sysgen_dagster.sources.benchmark_items import ITEMS, read_items
from sysgen_dagster.sources.files import SourceError, SourceUnavailableError
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.tables.table import Table, kept


@table_asset(tables.SOURCE_LENGTHS, reads=[CONVERSATIONS], kinds={"polars"})
def source_lengths(run: AssetRun) -> pl.DataFrame:
    """Conversations of each source and how long they are, beside v1 Table 9."""
    wanted = ("source", "question", "answer", "drop_reason")
    parts = run.all_shards(CONVERSATIONS).by_shard()
    characters = [statistics.count_characters(part.read(CONVERSATIONS, *wanted)) for part in parts]
    return statistics.measure_source_lengths(pl.concat(characters))


@table_asset(lane.RETENTION, reads=[lane.ALIGNED], kinds={"polars"})
def retention(run: AssetRun) -> pl.DataFrame:
    """Conversations kept and dropped in each phase, by reason and source, beside Table 2."""
    evidence = run.all_shards(lane.ALIGNED)
    return statistics.sum_counts(
        count_outcomes(table, part.read(table, "source", "drop_reason"))
        for table in STEPS
        for part in evidence.by_shard()
    )


@table_asset(lane.TAG_COUNTS, reads=[lane.ALIGNED], kinds={"polars"})
def tag_counts(run: AssetRun) -> pl.DataFrame:
    """Messages that hold each key functionality, before and after verification, beside Table 8."""
    evidence = run.all_shards(lane.ALIGNED)
    return statistics.sum_counts(
        count_tags(table, part.read(table, "source", "phrases", "drop_reason"))
        for table in (lane.FILTERED, lane.VERIFIED)
        for part in evidence.by_shard()
    )


@table_asset(lane.VERDICT_COUNTS, reads=[lane.ALIGNED], kinds={"polars"})
def verdict_counts(run: AssetRun) -> pl.DataFrame:
    """How Phase 3 judged each tag in each source, beside v2 Table 9."""
    parts = run.all_shards(lane.ALIGNED).by_shard()
    return statistics.sum_counts(
        statistics.count_verdicts(part.read(lane.VERIFIED, "source", "verdicts")) for part in parts
    )


@table_asset(lane.RESULT_COUNTS, reads=[lane.ALIGNED], kinds={"polars"})
def result_counts(run: AssetRun) -> pl.DataFrame:
    """New answers whose result is not that of the original answer, by source and kind of result.

    They are counted whatever `method.contradiction` does with them.
    """
    wanted = ("source", "drop_reason", "result", "result_kind", "first_result", "is_original")
    parts = run.all_shards(lane.ALIGNED).by_shard()
    return statistics.sum_counts(count_results(part.read(lane.ALIGNED, *wanted)) for part in parts)


_PROMPT = annotation.PROMPTS[CATALOG.method.demonstrations]


@table_asset(
    tables.ROW_QUALITY,
    reads=[lane.ALIGNED, lane.VERIFIED, lane.ANNOTATED, CONVERSATIONS],
    kinds={"polars", "parquet"},
    # Rows that were measured before there was a measure have no finding of it.
    code_version=" ".join([_PROMPT.fingerprint, *tables.ROW_QUALITY.names]),
)
def row_quality(run: AssetRun) -> pl.DataFrame:
    """Every new answer measured without a model: similarity, final answers, code, languages, ...

    Nothing is dropped here; a training set may leave rows out by these columns.
    """
    aligned, evidence = run.read_kept(lane.ALIGNED), run.evidence()
    before = evidence.read(CONVERSATIONS, "conversation_id", "history", "question", "answer")
    verified = evidence.read(lane.VERIFIED, "conversation_id", "phrases")
    annotated = evidence.read(lane.ANNOTATED, "conversation_id", "repaired")
    rows = (
        aligned.select("conversation_id", "source", "system_message", "new_answer")
        .join(before, on="conversation_id", how="left", maintain_order="left", validate="1:1")
        .join(verified, on="conversation_id", how="left", maintain_order="left", validate="1:1")
        .join(annotated, on="conversation_id", how="left", maintain_order="left", validate="1:1")
    )
    return measure_row_quality(rows, _PROMPT)


@table_asset(tables.QUALITY_COUNTS, reads=[tables.ROW_QUALITY, lane.ALIGNED], kinds={"polars"})
def quality_counts(run: AssetRun) -> pl.DataFrame:
    """How often each finding arises in the rows of a model, by source."""
    evidence = _measured_shards(run)
    quality = evidence.read(tables.ROW_QUALITY, *findings.COLUMNS)
    return findings.count_findings(quality, evidence.read(lane.ALIGNED, "source", "drop_reason"))


@table_asset(tables.ANSWER_SIMILARITY, reads=[tables.ROW_QUALITY], kinds={"polars"})
def answer_similarity(run: AssetRun) -> pl.DataFrame:
    """How similar new and original answers are, by n-grams and length, beside Table 1."""
    wanted = ("source", "answer_chars", "new_answer_chars", *tables.SIMILARITY)
    return statistics.measure_answer_similarity(
        _measured_shards(run).read(tables.ROW_QUALITY, *wanted)
    )


def _measured_shards(run: AssetRun) -> StoredEvidence:
    """The shards whose rows are measured.

    Raises:
        dg.Failure: The phases made a shard again after it was measured: measure it again.
    """
    evidence = run.all_shards(tables.ROW_QUALITY)
    for part in evidence.by_shard():
        require_contracts(part, tables.ROW_QUALITY)
    return evidence


@table_asset(tables.LEARNED_SIMILARITY, reads=[lane.ALIGNED, CONVERSATIONS], kinds={"torch"})
def learned_similarity(run: AssetRun) -> pl.DataFrame:
    """BERTScore and BLEURT of a sample of the new answers, beside Table 1.

    Where the weights or packages of a metric are missing, its row says so instead of a figure.
    """
    settings = CATALOG.learned_similarity
    pairs = sample_pairs(run, settings.rows, settings.seed)
    return measure_learned_similarity(pairs, settings, run.context.log.info)


def sample_pairs(run: AssetRun, per_source: int, seed: int) -> pl.DataFrame:
    """A sample of the rows that a model has answered, with the question and both answers.

    Args:
        run: Of a table with a partition for each model.
        per_source: How many rows of each source; all where it has fewer.
        seed: Chooses them.

    Returns:
        ``conversation_id``, ``source``, ``system_message``, ``new_answer``, ``question``,
        ``history``, ``answer``.
    """
    answered = pl.concat(_kept_rows(run, lane.ALIGNED, "conversation_id", "source"))
    drawn = draw_stratified_sample(answered, per_source, seed).select("conversation_id")
    new = ("conversation_id", "source", "system_message", "new_answer")
    old = ("conversation_id", "question", "history", "answer")
    parts = (
        part.read(lane.ALIGNED, *new)
        .join(drawn, on="conversation_id", how="semi")
        .join(part.read(CONVERSATIONS, *old), on="conversation_id", validate="1:1")
        for part in run.all_shards(lane.ALIGNED).by_shard()
    )
    # `to_dicts` copies the rows: a slice of a Polars frame keeps the texts of the frame in memory.
    pairs = pl.concat(pl.DataFrame(part.to_dicts(), schema=part.schema) for part in parts)
    return draw_stratified_sample(pairs, per_source, seed)


def _kept_rows(run: AssetRun, table: Table, *columns: str) -> Iterator[pl.DataFrame]:
    """The rows of a table that go on, one frame for each shard; without excluded ones."""
    excluded = excluded_ids(run.store)
    for part in run.all_shards(table).by_shard():
        yield without(kept(part.read(table, *columns, "drop_reason")), excluded).select(columns)


@table_asset(tables.MESSAGE_DIVERSITY, reads=[lane.ALIGNED], kinds={"polars"})
def message_diversity(run: AssetRun) -> pl.DataFrame:
    """How varied the system messages of a model are: words, openings, compression."""
    messages = _kept_rows(run, lane.ALIGNED, "conversation_id", "source", "system_message")
    return measure_message_diversity(pl.concat(messages))


@table_asset(
    tables.NEAR_DUPLICATE_QUESTIONS, reads=[CONVERSATIONS, tables.SOURCE_LENGTHS], kinds={"polars"}
)
def near_duplicate_questions(run: AssetRun) -> pl.DataFrame:
    """Questions that nearly repeat another one, of the same source or of another."""
    return _near_duplicates(run, CONVERSATIONS, "question")


@table_asset(tables.NEAR_DUPLICATE_MESSAGES, reads=[lane.ALIGNED, lane.RETENTION], kinds={"polars"})
def near_duplicate_messages(run: AssetRun) -> pl.DataFrame:
    """System messages that nearly repeat another one, of the same source or of another."""
    return _near_duplicates(run, lane.ALIGNED, "system_message")


def _near_duplicates(run: AssetRun, table: Table, column: str) -> pl.DataFrame:
    duplicates = NearDuplicates()
    for rows in _kept_rows(run, table, "conversation_id", "source", column):
        duplicates.add(rows.rename({column: "text"}))
    return duplicates.clusters()


@table_asset(tables.CONTAMINATION, reads=[CONVERSATIONS], kinds={"polars"}, pool="hub")
def contamination(run: AssetRun) -> pl.DataFrame:
    """Conversations that hold items of the catalogue's benchmarks; tagged, not dropped.

    A benchmark that cannot be read is named and left out; the asset fails where none can be read.
    """
    index = index_items(_read_benchmarks(run))
    texts = ("conversation_id", "source", "question", "answer")
    found = [find_contamination(index, rows) for rows in _kept_rows(run, CONVERSATIONS, *texts)]
    return pl.concat([tables.CONTAMINATION.empty(), *found])


def _read_benchmarks(run: AssetRun) -> pl.DataFrame:
    """The items of every benchmark that can be read; notes which ones can, and which cannot.

    Raises:
        SourceError: None can be read.
    """
    cache = run.tables.working_folder() / "downloads"
    items: dict[str, pl.DataFrame] = {}
    errors: dict[str, SourceError] = {}
    for name, benchmark in CATALOG.benchmarks.items():
        try:
            # An attempt at a Hub that does not answer takes long, so the first one is the last.
            of_hub = (e for of, e in errors.items() if CATALOG.benchmarks[of].hub)
            unavailable = [e for e in of_hub if isinstance(e, SourceUnavailableError)]
            if unavailable and benchmark.hub:
                raise unavailable[0]
            items[name] = read_items(benchmark, cache, run.store)
        except SourceError as error:
            run.context.log.warning(f"{name} is left out: {error}")
            errors[name] = error
    if errors and not items:
        raise next(iter(errors.values()))
    run.note(benchmarks=", ".join(items) or "none", not_read=", ".join(errors) or "none")
    return pl.concat([pl.DataFrame(schema=ITEMS), *items.values()])


STATISTICS = [
    source_lengths,
    retention,
    tag_counts,
    verdict_counts,
    result_counts,
    answer_similarity,
    learned_similarity,
]
QUALITY = [row_quality, quality_counts]
CORPUS = [message_diversity, near_duplicate_questions, near_duplicate_messages, contamination]
