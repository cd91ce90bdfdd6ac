"""What is measured of the rows that were made: the paper's tables, findings in rows, the corpus.

The last phase stands for all four in the graph: only shards that have it are counted. Nothing here
drops a row and no model is asked; what judges say is in `judgements`.
"""

import polars as pl

from sysgen_dagster.analysis import findings
from sysgen_dagster.analysis.contamination import find_contamination, index_items
from sysgen_dagster.analysis.diversity import measure_message_diversity
from sysgen_dagster.analysis.learned_similarity import measure_learned_similarity
from sysgen_dagster.analysis.near_duplicates import NearDuplicates
from sysgen_dagster.analysis.row_quality import measure_row_quality
from sysgen_dagster.analysis.sampling import draw_stratified_sample
from sysgen_dagster.analysis.statistics import (
    count_characters,
    count_verdicts,
    measure_answer_similarity,
    measure_source_lengths,
    sum_counts,
)
from sysgen_dagster.analysis.tables import (
    ANSWER_SIMILARITY,
    CONTAMINATION,
    LEARNED_SIMILARITY,
    MESSAGE_DIVERSITY,
    NEAR_DUPLICATE_MESSAGES,
    NEAR_DUPLICATE_QUESTIONS,
    QUALITY_COUNTS,
    ROW_QUALITY,
    SIMILARITY,
    SOURCE_LENGTHS,
)
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun, require_contracts
from sysgen_dagster.lanes.sysgen.counts import count_outcomes, count_tags
from sysgen_dagster.lanes.sysgen.phases import STEPS
from sysgen_dagster.lanes.sysgen.tables import (
    ALIGNED,
    FILTERED,
    RETENTION,
    TAG_COUNTS,
    VERDICT_COUNTS,
    VERIFIED,
)
from sysgen_dagster.sources.benchmark_items import ITEMS, read_items
from sysgen_dagster.sources.files import SourceError, SourceUnavailableError
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.tables.table import Table, kept


@table_asset(SOURCE_LENGTHS, reads=[CONVERSATIONS], kinds={"polars"})
def source_lengths(run: AssetRun) -> pl.DataFrame:
    """Conversations of each source and how long they are, beside v1 Table 9."""
    wanted = ("source", "question", "answer", "drop_reason")
    parts = run.all_shards(CONVERSATIONS).by_shard()
    characters = [count_characters(part.read(CONVERSATIONS, *wanted)) for part in parts]
    return measure_source_lengths(pl.concat(characters))


@table_asset(RETENTION, reads=[ALIGNED], kinds={"polars"})
def retention(run: AssetRun) -> pl.DataFrame:
    """Conversations kept and dropped in each phase, by reason and source, beside Table 2."""
    evidence = run.all_shards(ALIGNED)
    return sum_counts(
        count_outcomes(table, part.read(table, "source", "drop_reason"))
        for table in STEPS
        for part in evidence.by_shard()
    )


@table_asset(TAG_COUNTS, reads=[ALIGNED], kinds={"polars"})
def tag_counts(run: AssetRun) -> pl.DataFrame:
    """Messages that hold each key functionality, before and after verification, beside Table 8."""
    evidence = run.all_shards(ALIGNED)
    return sum_counts(
        count_tags(table, part.read(table, "source", "phrases", "drop_reason"))
        for table in (FILTERED, VERIFIED)
        for part in evidence.by_shard()
    )


@table_asset(VERDICT_COUNTS, reads=[ALIGNED], kinds={"polars"})
def verdict_counts(run: AssetRun) -> pl.DataFrame:
    """How Phase 3 judged each tag in each source, beside v2 Table 9."""
    parts = run.all_shards(ALIGNED).by_shard()
    return sum_counts(count_verdicts(part.read(VERIFIED, "source", "verdicts")) for part in parts)


@table_asset(ROW_QUALITY, reads=[ALIGNED, VERIFIED, CONVERSATIONS], kinds={"polars", "parquet"})
def row_quality(run: AssetRun) -> pl.DataFrame:
    """Every aligned row measured without a model: likeness, final answers, code, copies, languages.

    Nothing is dropped here; a training set may leave rows out by these columns.
    """
    aligned, evidence = run.read_kept(ALIGNED), run.evidence()
    before = evidence.read(CONVERSATIONS, "conversation_id", "question", "answer")
    verified = evidence.read(VERIFIED, "conversation_id", "phrases")
    rows = (
        aligned.select("conversation_id", "source", "system_message", "new_answer")
        .join(before, on="conversation_id", how="left", maintain_order="left", validate="1:1")
        .join(verified, on="conversation_id", how="left", maintain_order="left", validate="1:1")
    )
    return measure_row_quality(rows)


@table_asset(QUALITY_COUNTS, reads=[ROW_QUALITY, ALIGNED], kinds={"polars"})
def quality_counts(run: AssetRun) -> pl.DataFrame:
    """How often each finding arises in the rows of a model, by source."""
    evidence = _measured_shards(run)
    quality = evidence.read(ROW_QUALITY, *findings.COLUMNS)
    return findings.count_findings(quality, evidence.read(ALIGNED, "source", "drop_reason"))


@table_asset(ANSWER_SIMILARITY, reads=[ROW_QUALITY], kinds={"polars"})
def answer_similarity(run: AssetRun) -> pl.DataFrame:
    """How like the original answers the new ones are, by n-grams and length, beside Table 1."""
    wanted = ("source", "answer_chars", "new_answer_chars", *SIMILARITY)
    return measure_answer_similarity(_measured_shards(run).read(ROW_QUALITY, *wanted))


def _measured_shards(run: AssetRun) -> StoredEvidence:
    """The shards whose rows are measured, each as the phases have left it.

    Raises:
        dg.Failure: A shard was answered again since: measure it again.
    """
    evidence = run.all_shards(ROW_QUALITY)
    for part in evidence.by_shard():
        require_contracts(part, ROW_QUALITY)
    return evidence


@table_asset(LEARNED_SIMILARITY, reads=[ALIGNED, CONVERSATIONS], kinds={"torch"})
def learned_similarity(run: AssetRun) -> pl.DataFrame:
    """BERTScore and BLEURT of a sample of the new answers, beside Table 1.

    Each says why it is not computed where its weights or its packages are not there.
    """
    settings = CATALOG.learned_similarity
    pairs = sample_pairs(run, settings.rows, settings.seed)
    return measure_learned_similarity(pairs, settings, run.context.log.info)


def sample_pairs(run: AssetRun, per_source: int, seed: int) -> pl.DataFrame:
    """So many rows of each source that a model has answered, with question and both answers.

    Returns:
        ``conversation_id``, ``source``, ``system_message``, ``new_answer``, ``question``,
        ``history``, ``answer``.
    """
    new = ("conversation_id", "source", "system_message", "new_answer", "drop_reason")
    old = ("conversation_id", "question", "history", "answer")
    evidence = run.all_shards(ALIGNED)
    which = ("conversation_id", "source", "drop_reason")
    answered = (kept(part.read(ALIGNED, *which)) for part in evidence.by_shard())
    drawn = draw_stratified_sample(pl.concat(answered), per_source, seed).select("conversation_id")
    parts = (
        kept(part.read(ALIGNED, *new))
        .drop("drop_reason")
        .join(drawn, on="conversation_id", how="semi")
        .join(part.read(CONVERSATIONS, *old), on="conversation_id", validate="1:1")
        for part in evidence.by_shard()
    )
    # Row by row, since a few rows taken of a frame of Polars keep the texts of all in memory.
    pairs = pl.concat(pl.DataFrame(part.to_dicts(), schema=part.schema) for part in parts)
    return draw_stratified_sample(pairs, per_source, seed)


@table_asset(MESSAGE_DIVERSITY, reads=[ALIGNED], kinds={"polars"})
def message_diversity(run: AssetRun) -> pl.DataFrame:
    """How varied the system messages of a model are: words, openings, compression."""
    wanted = ("conversation_id", "source", "system_message", "drop_reason")
    messages = pl.concat(
        kept(part.read(ALIGNED, *wanted)).drop("drop_reason")
        for part in run.all_shards(ALIGNED).by_shard()
    )
    return measure_message_diversity(messages)


@table_asset(NEAR_DUPLICATE_QUESTIONS, reads=[CONVERSATIONS, SOURCE_LENGTHS], kinds={"polars"})
def near_duplicate_questions(run: AssetRun) -> pl.DataFrame:
    """Questions that nearly repeat another one, of the same source or of another."""
    return _near_duplicates(run, CONVERSATIONS, "question")


@table_asset(NEAR_DUPLICATE_MESSAGES, reads=[ALIGNED, RETENTION], kinds={"polars"})
def near_duplicate_messages(run: AssetRun) -> pl.DataFrame:
    """System messages that nearly repeat another one, of the same source or of another."""
    return _near_duplicates(run, ALIGNED, "system_message")


def _near_duplicates(run: AssetRun, table: Table, column: str) -> pl.DataFrame:
    found = NearDuplicates()
    for part in run.all_shards(table).by_shard():
        rows = kept(part.read(table, "conversation_id", "source", column, "drop_reason"))
        found.add(rows.select("conversation_id", "source", text=column))
    return found.clusters()


@table_asset(CONTAMINATION, reads=[CONVERSATIONS], kinds={"polars"}, pool="hub")
def contamination(run: AssetRun) -> pl.DataFrame:
    """Conversations that hold items of the catalogue's benchmarks; tagged, not dropped.

    A benchmark that cannot be read is named and left out; it fails only where none can.
    """
    index = index_items(_benchmark_items(run))
    wanted = ("conversation_id", "source", "question", "answer", "drop_reason")
    found = [
        find_contamination(index, kept(part.read(CONVERSATIONS, *wanted)))
        for part in run.all_shards(CONVERSATIONS).by_shard()
    ]
    return pl.concat([CONTAMINATION.empty(), *found])


def _benchmark_items(run: AssetRun) -> pl.DataFrame:
    """The items of each benchmark that can be read; which ones, and which not, is noted."""
    cache = run.tables.working_folder() / "downloads"
    read: dict[str, pl.DataFrame] = {}
    unread, last = [], None
    for name, benchmark in CATALOG.benchmarks.items():
        try:
            # The Hub that did not answer for one does not for the next, and every try takes long.
            if isinstance(last, SourceUnavailableError) and benchmark.hub:
                raise last
            read[name] = read_items(benchmark, cache)
        except SourceError as error:
            run.context.log.warning(f"{name} is left out: {error}")
            unread.append(name)
            last = error
    if last is not None and not read:
        raise last
    run.note(benchmarks=", ".join(read) or "none", not_read=", ".join(unread) or "none")
    return pl.concat([pl.DataFrame(schema=ITEMS), *read.values()])


STATISTICS = [
    source_lengths,
    retention,
    tag_counts,
    verdict_counts,
    answer_similarity,
    learned_similarity,
]
QUALITY = [row_quality, quality_counts]
CORPUS = [message_diversity, near_duplicate_questions, near_duplicate_messages, contamination]
