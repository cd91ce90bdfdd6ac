"""The tables of measures: of single rows, of the rows of a model, of the sources, and forecasts.

Belongs here: their columns and partitions. Does not belong here: how the values are computed.
"""

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
        "conversations": Column(COUNT, "conversations that were not dropped"),
        "question_chars": Column(NUMBER, "mean characters of a question"),
        "answer_chars": Column(NUMBER, "mean characters of an original answer"),
        "question_chars_p95": Column(NUMBER, "95th percentile of question_chars"),
        "answer_chars_p95": Column(NUMBER, "95th percentile of answer_chars"),
    },
    by=By.NOTHING,
    group=Group.STATISTICS,
)

# The next six groups are columns of `ROW_QUALITY`.
SIMILARITY: Columns = {
    "rouge1": Column(NUMBER, "ROUGE-1 F1 of the new answer against the original, 0 to 1"),
    "rouge2": Column(NUMBER, "ROUGE-2 F1"),
    "rougeL": Column(NUMBER, "ROUGE-L F1 of the whole texts, not by sentence"),
    "gleu": Column(NUMBER, "sentence GLEU: n-grams of 1 to 4 words, split at whitespace"),
    "rouge1_unicode": Column(NUMBER, "ROUGE-1 F1 over letters, marks and signs of any script"),
    "rouge2_unicode": Column(NUMBER, "ROUGE-2 F1 over the tokens of rouge1_unicode"),
    "rougeL_unicode": Column(NUMBER, "ROUGE-L F1 over the tokens of rouge1_unicode"),
}

LEAKAGE: Columns = {
    "content_copied_share": Column(
        NUMBER,
        "of the Content phrases' word 5-grams, the share that stands in the original answer and "
        "not in the question; null without Content of five words or more",
    ),
    "content_longest_copy": Column(
        COUNT, "longest run of words of Content that is in the answer and not in the question"
    ),
    "final_answer_leaked": Column(
        FLAG,
        "the system message holds the original final answer, which the question does not; null "
        "without a final answer or where it is a single character",
    ),
}

FOREIGN_EQUATIONS: Columns = {
    "foreign_equation": Column(
        FLAG,
        "an equation of the system message has numbers that neither question, history nor original "
        "answer has; null for a message without an equation",
        is_new=True,
    ),
}

LANGUAGES: Columns = {
    "question_language": Column(TEXT, "two-letter language code; null: not detected"),
    "system_message_language": Column(TEXT, "two-letter language code; null: not detected"),
    "new_answer_language": Column(TEXT, "two-letter language code; null: not detected"),
    "languages_match": Column(
        FLAG,
        "system message and new answer are in the language of the question; false if one of them "
        "is known not to be, else null if a language was not detected",
    ),
}

PROMPT_COPIES: Columns = {
    "prompt_copied_share": Column(
        NUMBER,
        "of the word 5-grams of the message's phrases, the share that stands in the fixed part of "
        "Phase 1's prompt; null without a phrase of five words",
        is_new=True,
    ),
    "prompt_phrases_copied": Column(
        COUNT,
        "phrases of five words or more that stand in Phase 1's prompt word for word",
        is_new=True,
    ),
}

PERSONAL_DATA = pl.List(
    pl.Struct({"kind": pl.String(), "where": pl.String(), "matches": pl.UInt32()})
)
# One row per aligned response that was not dropped; a measure is null where it does not apply.
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
        **FOREIGN_EQUATIONS,
        **PROMPT_COPIES,
        **LANGUAGES,
        "repeated_share": Column(
            NUMBER,
            "of the new answer's word 8-grams, the share that repeats an earlier one, 0 to 1; null "
            "below eight words",
        ),
        "personal_data": Column(
            PERSONAL_DATA,
            "number of matches that look like personal data, by kind and column",
        ),
        "repaired": Column(
            FLAG, "the system message was written under Phase 1's grammar", is_new=True
        ),
    },
    by=By.MODEL_SHARD,
    group=Group.QUALITY,
)

# One row per source and metric over the rows of `ROW_QUALITY`, and one per metric over all sources.
ANSWER_SIMILARITY = Table(
    "answer_similarity",
    {
        "source": IDENTITY["source"],
        "metric": Column(TEXT, "a column of row_quality, length_ratio, or mean_of_length_ratios"),
        "rows": Column(COUNT, "answers that were compared"),
        "mean": Column(NUMBER, "0 to 1 for the metrics of n-grams; a ratio for the lengths"),
        "deviation": Column(NUMBER, "standard deviation over the rows; null for length_ratio"),
    },
    by=By.MODEL,
    group=Group.STATISTICS,
)
# One row per source and metric (bertscore, bleurt), over a sample of rows.
LEARNED_SIMILARITY = Table(
    "learned_similarity",
    {
        "source": IDENTITY["source"],
        "metric": Column(TEXT, "bertscore or bleurt"),
        "rows": Column(COUNT, "answers that were compared"),
        "mean": Column(NUMBER, "mean score over the rows"),
        "deviation": Column(NUMBER, "standard deviation over the rows"),
        "computed": Column(FLAG, "whether there is a figure"),
        "how": Column(TEXT, "weights, layer, precision; or why it was not computed"),
    },
    by=By.MODEL,
    group=Group.STATISTICS,
)
# One row per source and finding (`findings.FINDINGS`, and kinds of personal data).
QUALITY_COUNTS = Table(
    "quality_counts",
    {
        "source": IDENTITY["source"],
        "finding": Column(TEXT, "name of the finding"),
        "rows": Column(COUNT, "rows that have the finding"),
        "of_rows": Column(COUNT, "rows that could have it"),
    },
    by=By.MODEL,
    group=Group.QUALITY,
)
# One row per source, tag, verdict and who gave it.
OBEDIENCE_COUNTS = Table(
    "obedience_counts",
    {
        "source": IDENTITY["source"],
        "tag": Column(TEXT, "one of the eight tags"),
        "verdict": Column(TEXT, "obeyed, not_obeyed or unknown"),
        "by": Column(TEXT, "rules or the judges' names; null where nobody could tell"),
        "judged": Column(
            TEXT, "what each of several judges said; null: rules, or one judge", is_new=True
        ),
        "judge_is_generator": Column(
            FLAG,
            "whether the judge, or one of several, also wrote the answers; null: not a judge's "
            "verdict, or not noted yet",
            is_new=True,
        ),
        "phrases": Column(COUNT, "phrases of the tag with this verdict"),
    },
    by=By.MODEL,
    group=Group.STATISTICS,
)
# One row per source, and one over all of them as ``all``.
MESSAGE_DIVERSITY = Table(
    "message_diversity",
    {
        "source": IDENTITY["source"],
        "messages": Column(COUNT, "system messages that were not dropped"),
        "sampled": Column(COUNT, "messages in the sample that the other figures are computed from"),
        "distinct": Column(NUMBER, "share of different messages among the sampled"),
        "distinct_1": Column(NUMBER, "different words divided by all words"),
        "distinct_2": Column(NUMBER, "different pairs of neighbouring words divided by all pairs"),
        "distinct_3": Column(NUMBER, "different runs of three words divided by all runs"),
        "openings": Column(NUMBER, "different first five words divided by messages"),
        "top_opening": Column(TEXT, "the most frequent first three words"),
        "top_opening_share": Column(NUMBER, "share of messages that begin with top_opening"),
        "compression": Column(NUMBER, "bytes of the messages divided by their bytes compressed"),
    },
    by=By.MODEL,
    group=Group.QUALITY,
)
# One row per text that has a near-duplicate; the texts of one cluster share ``cluster``.
_NEAR_DUPLICATES: Columns = {
    **IDENTITY,
    "cluster": Column(TEXT, "conversation_id of the first text of the cluster"),
    "cluster_rows": Column(COUNT, "number of texts in the cluster"),
    "cluster_sources": Column(COUNT, "number of sources in the cluster"),
    "similarity": Column(
        NUMBER,
        "Jaccard similarity of word shingles with the first text; low where only texts between the "
        "two are similar to both",
    ),
}
NEAR_DUPLICATE_QUESTIONS = Table(
    "near_duplicate_questions", _NEAR_DUPLICATES, By.NOTHING, Group.QUALITY
)
NEAR_DUPLICATE_MESSAGES = Table(
    "near_duplicate_messages", _NEAR_DUPLICATES, By.MODEL, Group.QUALITY
)
# One row per conversation and benchmark it overlaps with: the item with the largest overlap.
CONTAMINATION = Table(
    "contamination",
    {
        **IDENTITY,
        "benchmark": Column(TEXT, "its name in the catalogue"),
        "item": Column(COUNT, "row of the benchmark's file, from 0"),
        "overlap": Column(
            NUMBER,
            "share of the item's own n-grams (those in at most ten items of its benchmark) that "
            "are in the question or answer",
        ),
        "where": Column(TEXT, "question or answer"),
        "excerpt": Column(
            TEXT,
            "first run of words that item and text share, in lower case, at most 200 characters",
        ),
    },
    by=By.NOTHING,
    group=Group.QUALITY,
)

# One row per source and phase that asks a model: work left, its cost, and work done.
FORECAST = Table(
    "forecast",
    {
        "source": IDENTITY["source"],
        "phase": Column(TEXT, "name of the phase's table"),
        "conversations": Column(COUNT, "conversations that have not completed the phase"),
        "requests": Column(NUMBER, "requests they will need, without retries"),
        "prompt_tokens": Column(NUMBER, "prompt tokens they will need"),
        "completion_tokens": Column(NUMBER, "completion tokens they will need"),
        "gpu_hours": Column(NUMBER, "for these tokens at the model's `rates`; null without them"),
        "money": Column(NUMBER, "for these tokens at the model's `price`; null without it"),
        "currency": Column(TEXT, "currency of money"),
        "basis": Column(TEXT, "rough, by characters; or measured, on how many rows"),
        "conversations_done": Column(COUNT, "conversations that have completed the phase"),
        "requests_done": Column(NUMBER, "requests they needed"),
        "prompt_tokens_done": Column(NUMBER, "prompt tokens they needed, as counted by the server"),
        "completion_tokens_done": Column(NUMBER, "completion tokens they needed"),
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
    OBEDIENCE_COUNTS,
    MESSAGE_DIVERSITY,
    NEAR_DUPLICATE_QUESTIONS,
    NEAR_DUPLICATE_MESSAGES,
    CONTAMINATION,
    FORECAST,
)
