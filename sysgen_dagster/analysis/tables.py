"""What is measured: of single rows, of a model's rows, of the sources."""

import polars as pl

from sysgen_dagster.obedience.tables import FINAL_ANSWERS, PYTHON_BLOCKS
from sysgen_dagster.tables.columns import COUNT, FLAG, IDENTITY, NUMBER, TEXT
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Columns, Table

# One row per source.
SOURCE_LENGTHS = Table(
    "source_lengths",
    {
        "source": IDENTITY["source"],
        "conversations": Column(COUNT, "usable ones"),
        "question_chars": Column(NUMBER, "mean characters of a question"),
        "answer_chars": Column(NUMBER, "mean characters of an original answer"),
        "question_chars_p95": Column(NUMBER, "95th percentile"),
        "answer_chars_p95": Column(NUMBER, "95th percentile"),
    },
    by=By.NOTHING,
    group=Group.PAPER_STATISTICS,
)

# What can be told of a row without a model; null where the question does not arise.
SIMILARITY: Columns = {
    "rouge1": Column(NUMBER, "ROUGE-1 F1 of the new answer against the original, 0 to 1"),
    "rouge2": Column(NUMBER, "ROUGE-2 F1"),
    "rougeL": Column(NUMBER, "ROUGE-L F1, on the whole text as one sequence"),
    "gleu": Column(NUMBER, "sentence GLEU of n-grams 1 to 4 of words between blanks"),
    "rouge1_unicode": Column(NUMBER, "ROUGE-1 F1 over letters, marks and signs of any script"),
    "rouge2_unicode": Column(NUMBER, "ROUGE-2 F1 over the same"),
    "rougeL_unicode": Column(NUMBER, "ROUGE-L F1 over the same"),
}

LEAKAGE: Columns = {
    "content_copied_share": Column(
        NUMBER,
        "of the Content phrases' word 5-grams, the share that stands in the original answer and "
        "not in the question; null without Content of five words or more",
    ),
    "content_longest_copy": Column(
        COUNT, "longest run of words of Content copied from the answer and not in the question"
    ),
    "final_answer_leaked": Column(
        FLAG,
        "the system message holds the original final answer, which the question does not; null "
        "where there is none or it is a single sign",
    ),
}

LANGUAGES: Columns = {
    "question_language": Column(TEXT, "two-letter code; null: too short to tell"),
    "system_message_language": Column(TEXT, "two-letter code; null: too short to tell"),
    "new_answer_language": Column(TEXT, "two-letter code; null: too short to tell"),
    "languages_match": Column(
        FLAG,
        "system message and new answer are in the question's; false where one is known not to be, "
        "null where too short to tell",
    ),
}

PERSONAL_DATA = pl.List(
    pl.Struct({"kind": pl.String(), "where": pl.String(), "matches": pl.UInt32()})
)
# One row per aligned response that goes on.
ROW_QUALITY = Table(
    "row_quality",
    {
        **IDENTITY,
        "answer_chars": Column(COUNT, "characters of the original answer"),
        "new_answer_chars": Column(COUNT, "characters of the new answer"),
        **SIMILARITY,
        **FINAL_ANSWERS,
        **PYTHON_BLOCKS,
        **LEAKAGE,
        **LANGUAGES,
        "repeated_share": Column(
            NUMBER,
            "of the new answer's word 8-grams, the share that repeats an earlier one, 0 to 1; null "
            "below eight words",
        ),
        "personal_data": Column(
            PERSONAL_DATA,
            "what looks like personal data in question, system message and new answer, by kind",
        ),
    },
    by=By.MODEL_SHARD,
    group=Group.QUALITY,
)

# One row per source and metric, over the rows of `ROW_QUALITY`.
ANSWER_SIMILARITY = Table(
    "answer_similarity",
    {
        "source": IDENTITY["source"],
        "metric": Column(TEXT, "a column of row_quality, length_ratio, or mean_of_length_ratios"),
        "rows": Column(COUNT, "answers that were compared"),
        "mean": Column(NUMBER, "as a share for the metrics of n-grams; a ratio for the lengths"),
        "deviation": Column(NUMBER, "standard deviation over the rows; null for length_ratio"),
    },
    by=By.MODEL,
    group=Group.PAPER_STATISTICS,
)
# One row per source and metric.
LEARNED_SIMILARITY = Table(
    "learned_similarity",
    {
        **{
            name: ANSWER_SIMILARITY.columns[name]
            for name in ("source", "metric", "rows", "mean", "deviation")
        },
        "computed": Column(FLAG, "whether there is a figure"),
        "how": Column(TEXT, "weights, layer, precision; or why it was not computed"),
    },
    by=By.MODEL,
    group=Group.PAPER_STATISTICS,
)
# One row per source and finding.
QUALITY_COUNTS = Table(
    "quality_counts",
    {
        "source": IDENTITY["source"],
        "finding": Column(TEXT, "what was looked for"),
        "rows": Column(COUNT, "rows in which it was found"),
        "of_rows": Column(COUNT, "rows in which it could be"),
    },
    by=By.MODEL,
    group=Group.QUALITY,
)
# One row per source, and one over all of them as ``all``.
MESSAGE_DIVERSITY = Table(
    "message_diversity",
    {
        "source": IDENTITY["source"],
        "messages": Column(COUNT, "system messages that go on"),
        "sampled": Column(COUNT, "messages that the other figures are of"),
        "distinct": Column(NUMBER, "share of different messages among the sampled"),
        "distinct_1": Column(NUMBER, "different words by all words"),
        "distinct_2": Column(NUMBER, "different pairs of neighbouring words by all pairs"),
        "distinct_3": Column(NUMBER, "different runs of three words by all runs"),
        "openings": Column(NUMBER, "different first five words by messages"),
        "top_opening": Column(TEXT, "the most frequent first three words"),
        "top_opening_share": Column(NUMBER, "share of messages that begin so"),
        "compression": Column(NUMBER, "bytes of the messages by their bytes compressed"),
    },
    by=By.MODEL,
    group=Group.QUALITY,
)
# One row per text that has a near-duplicate; those of one cluster share ``cluster``.
_NEAR_DUPLICATES: Columns = {
    **IDENTITY,
    "cluster": Column(TEXT, "conversation_id of the first text of the cluster"),
    "cluster_rows": Column(COUNT, "texts of the cluster"),
    "cluster_sources": Column(COUNT, "sources of the cluster"),
    "similarity": Column(
        NUMBER, "Jaccard similarity of word shingles with the first text; may be low in a chain"
    ),
}
NEAR_DUPLICATE_QUESTIONS = Table(
    "near_duplicate_questions", _NEAR_DUPLICATES, By.NOTHING, Group.QUALITY
)
NEAR_DUPLICATE_MESSAGES = Table(
    "near_duplicate_messages", _NEAR_DUPLICATES, By.MODEL, Group.QUALITY
)
# One row per conversation and benchmark item that it overlaps with most.
CONTAMINATION = Table(
    "contamination",
    {
        **IDENTITY,
        "benchmark": Column(TEXT, "as the catalogue names it"),
        "item": Column(COUNT, "row of the benchmark's file, from 0"),
        "overlap": Column(
            NUMBER,
            "share of the item's own n-grams (those in at most ten items of its benchmark) that "
            "the question or answer holds",
        ),
        "where": Column(TEXT, "question or answer"),
        "excerpt": Column(
            TEXT, "first stretch of words that both hold, in lower case, at most 200 characters"
        ),
    },
    by=By.NOTHING,
    group=Group.QUALITY,
)

# One row per source and phase that asks a model: what is left to do, what it costs, what is done.
FORECAST = Table(
    "forecast",
    {
        "source": IDENTITY["source"],
        "phase": Column(TEXT, "the phase's table"),
        "conversations": Column(COUNT, "conversations that are not through the phase"),
        "requests": Column(NUMBER, "requests that they will take, without those sent again"),
        "prompt_tokens": Column(NUMBER, "tokens in that they will take"),
        "completion_tokens": Column(NUMBER, "tokens out that they will take"),
        "gpu_hours": Column(NUMBER, "for these tokens at the catalogue's `rates`; null without"),
        "money": Column(NUMBER, "for these tokens at the catalogue's `price`; null without"),
        "currency": Column(TEXT, "of the money"),
        "basis": Column(TEXT, "rough, by characters; or measured, on how many rows"),
        "conversations_done": Column(COUNT, "conversations that are through the phase"),
        "requests_done": Column(NUMBER, "requests that they took"),
        "prompt_tokens_done": Column(NUMBER, "tokens in that they took, as the server counted"),
        "completion_tokens_done": Column(NUMBER, "tokens out that they took"),
    },
    by=By.MODEL,
    group=Group.OPERATIONS,
)

TABLES = (
    SOURCE_LENGTHS,
    ROW_QUALITY,
    ANSWER_SIMILARITY,
    LEARNED_SIMILARITY,
    QUALITY_COUNTS,
    MESSAGE_DIVERSITY,
    NEAR_DUPLICATE_QUESTIONS,
    NEAR_DUPLICATE_MESSAGES,
    CONTAMINATION,
    FORECAST,
)
