"""Every stored table: its columns, what they hold, and what a frame must be to be stored.

Grain: `conversations` and the four phase tables hold one row per conversation that reached them;
the rows of a phase are the rows of the step before that have no ``drop_reason``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

from sysgen_dagster.catalog.catalog import Source


class TableError(ValueError):
    """A frame is not the table it is said to be; the message names table, column and fix."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's type and what it holds."""

    dtype: pl.DataType
    description: str


Columns = Mapping[str, Column]

_TEXT = pl.String()
_COUNT = pl.UInt32()
_NUMBER = pl.Float64()
_FLAG = pl.Boolean()
MESSAGES = pl.List(pl.Struct({"role": pl.String(), "content": pl.String()}))
PHRASES = pl.List(pl.Struct({"tag": pl.String(), "text": pl.String()}))
DEFECTS = pl.List(pl.Struct({"kind": pl.String(), "text": pl.String()}))
VERDICTS = pl.List(
    pl.Struct({"tag": pl.String(), "verdict": pl.String(), "confidence": pl.Float64()})
)
REMOVED = pl.List(pl.Struct({"tag": pl.String(), "text": pl.String(), "verdict": pl.String()}))
REJECTED = pl.List(pl.Struct({"message": pl.String(), "reason": pl.String()}))

_IDENTITY: Columns = {
    "conversation_id": Column(_TEXT, "the same conversation in every table"),
    "source": Column(_TEXT, "source data set, as the catalogue names it"),
}
_DROP_REASON: Columns = {
    "drop_reason": Column(_TEXT, "why the row does not go on; null: it does"),
}
_GENERATION: Columns = {
    "finish_reason": Column(_TEXT, "stop, length, ...; null where the engine gave no answer"),
    "prompt_tokens": Column(_COUNT, "tokens in, as the server counted them"),
    "completion_tokens": Column(_COUNT, "tokens out, as the server counted them"),
    "attempts": Column(_COUNT, "times the request was sent"),
    "failure": Column(_TEXT, "what the server or the connection said when there is no answer"),
    "seed": Column(pl.Int64(), "sampling seed that was sent"),
    "temperature": Column(pl.Float64(), "sampling temperature that was sent"),
    "max_tokens": Column(_COUNT, "limit of tokens out that was sent"),
    "prompt_fingerprint": Column(_TEXT, "of the prompt's words; null where there is no prompt"),
    "model": Column(_TEXT, "the model, as the catalogue names it"),
    "served_name": Column(_TEXT, "the model, as the server names it"),
    "model_revision": Column(_TEXT, "commit of the model in the catalogue"),
    "engine": Column(_TEXT, "vllm, endpoint or simulated (no model: made-up text)"),
    "system_message_folded": Column(
        pl.Boolean(), "the chat template has no system role: sent at the start of the user turn"
    ),
    "characters_left_out": Column(
        _COUNT, "of the middle of the original answer, so that the request fits the context"
    ),
}

SOURCE_ROW: Columns = {
    "source_row": Column(_COUNT, "position of the row in the upstream file, from 0"),
    "occurrence": Column(_COUNT, "how many earlier rows of the file hold the same exchanges"),
    "source_revision": Column(_TEXT, "commit on the Hub, or local:<sha256 of the file>"),
}

CONVERSATIONS: Columns = {
    **_IDENTITY,
    "source_row": SOURCE_ROW["source_row"],
    "source_revision": SOURCE_ROW["source_revision"],
    "turn": Column(_COUNT, "position of the exchange in its upstream row, from 0"),
    "history": Column(MESSAGES, "the turns before the question"),
    "original_system_message": Column(_TEXT, "upstream system turn, kept as data"),
    "question": Column(_TEXT, "Q: the user's turn"),
    "answer": Column(_TEXT, "A: the assistant's original answer"),
    "duplicate_of": Column(_TEXT, "conversation_id of the first upstream row with the same text"),
    **_DROP_REASON,
}
ANNOTATED: Columns = {
    **_IDENTITY,
    "annotated_message": Column(_TEXT, "the tagged system message as the model wrote it"),
    "sample": Column(_COUNT, "which of the attempts at the row this is, from 0; null: not asked"),
    "repaired": Column(pl.Boolean(), "written under a grammar, after malformed messages"),
    "rejected": Column(
        REJECTED, "the other attempts in their order: what was written, why it does not go on"
    ),
    **_DROP_REASON,
    **_GENERATION,
}
FILTERED: Columns = {
    **_IDENTITY,
    "phrases": Column(PHRASES, "well-formed phrases of the eight tags, in canonical order"),
    "tagged_message": Column(_TEXT, "the phrases as tagged text; null when dropped"),
    "defects": Column(DEFECTS, "what was left out and why"),
    "has_malformed_boundary": Column(pl.Boolean(), "a tag was opened or closed wrongly"),
    **_DROP_REASON,
}
VERIFIED: Columns = {
    **_IDENTITY,
    "verdict_text": Column(_TEXT, "the verdicts as the model wrote them"),
    "verdicts": Column(
        VERDICTS,
        "Good, Bad, None or Unreadable for each tag of the message; confidence: the word's "
        "probability among the three, null where not asked for",
    ),
    "phrases": Column(PHRASES, "phrases that stay, in canonical order"),
    "removed": Column(REMOVED, "phrases that went, and the verdict that removed them"),
    **_DROP_REASON,
    **_GENERATION,
}
ALIGNED: Columns = {
    **_IDENTITY,
    "system_message": Column(_TEXT, "S: the verified phrases as natural text, no tags"),
    "new_answer": Column(_TEXT, "A': the model's answer under the system message"),
    **_DROP_REASON,
    **_GENERATION,
}

# One row per source, phase table and outcome.
RETENTION: Columns = {
    "source": _IDENTITY["source"],
    "table": Column(_TEXT, "conversations or one of the four phase tables"),
    "outcome": Column(_TEXT, "kept, or the reason why the rows do not go on"),
    "conversations": Column(_COUNT, "how many"),
}
# One row per source, table (after Phase 2 or after Phase 3) and tag.
TAG_COUNTS: Columns = {
    "source": _IDENTITY["source"],
    "table": Column(_TEXT, "filtered_system_messages or verified_system_messages"),
    "tag": Column(_TEXT, "one of the eight key functionalities"),
    "messages": Column(_COUNT, "messages that go on and hold the tag"),
    "of_messages": Column(_COUNT, "messages that go on"),
}

# One row per tag, source and verdict of the phrases' judge.
VERDICT_COUNTS: Columns = {
    "source": _IDENTITY["source"],
    "tag": TAG_COUNTS["tag"],
    "verdict": Column(_TEXT, "Good, Bad, None or Unreadable"),
    "messages": Column(_COUNT, "messages that hold the tag and got the verdict"),
    "of_messages": Column(_COUNT, "messages that hold the tag and were judged"),
}
# One row per source.
SOURCE_LENGTHS: Columns = {
    "source": _IDENTITY["source"],
    "conversations": Column(_COUNT, "usable ones"),
    "question_chars": Column(_NUMBER, "mean characters of a question"),
    "answer_chars": Column(_NUMBER, "mean characters of an original answer"),
    "question_chars_p95": Column(_NUMBER, "95th percentile"),
    "answer_chars_p95": Column(_NUMBER, "95th percentile"),
}

# What can be told of a row without a model; null where the question does not arise.
SIMILARITY: Columns = {
    "rouge1": Column(_NUMBER, "ROUGE-1 F1 of the new answer against the original, 0 to 1"),
    "rouge2": Column(_NUMBER, "ROUGE-2 F1"),
    "rougeL": Column(_NUMBER, "ROUGE-L F1, on the whole text as one sequence"),
    "gleu": Column(_NUMBER, "sentence GLEU of n-grams 1 to 4 of words between blanks"),
    "rouge1_unicode": Column(_NUMBER, "ROUGE-1 F1 over letters, marks and signs of any script"),
    "rouge2_unicode": Column(_NUMBER, "ROUGE-2 F1 over the same"),
    "rougeL_unicode": Column(_NUMBER, "ROUGE-L F1 over the same"),
}
FINAL_ANSWERS: Columns = {
    "final_answer": Column(_TEXT, "what the original answer ends in, numbers as fractions"),
    "new_final_answer": Column(_TEXT, "what the new answer ends in, numbers as fractions"),
    "final_answer_same": Column(_FLAG, "whether they are equal; null unless both are there"),
}
PYTHON_BLOCKS: Columns = {
    "python_blocks": Column(_COUNT, "fenced Python blocks of the original answer"),
    "python_blocks_parsed": Column(_COUNT, "of them, those that parse"),
    "new_python_blocks": Column(_COUNT, "fenced Python blocks of the new answer"),
    "new_python_blocks_parsed": Column(_COUNT, "of them, those that parse"),
}
LEAKAGE: Columns = {
    "content_copied_share": Column(
        _NUMBER,
        "of the Content phrases' word 5-grams, the share that stands in the original answer and "
        "not in the question; null without Content of five words or more",
    ),
    "content_longest_copy": Column(
        _COUNT, "longest run of words of Content copied from the answer and not in the question"
    ),
    "final_answer_leaked": Column(
        _FLAG,
        "the system message holds the original final answer, which the question does not; null "
        "where there is none or it is a single sign",
    ),
}
LANGUAGES: Columns = {
    "question_language": Column(_TEXT, "two-letter code; null: too short to tell"),
    "system_message_language": Column(_TEXT, "two-letter code; null: too short to tell"),
    "new_answer_language": Column(_TEXT, "two-letter code; null: too short to tell"),
    "languages_match": Column(
        _FLAG,
        "system message and new answer are in the question's; false where one is known not to be, "
        "null where too short to tell",
    ),
}
PERSONAL_DATA = pl.List(
    pl.Struct({"kind": pl.String(), "where": pl.String(), "matches": pl.UInt32()})
)
# One row per aligned response that goes on.
ROW_QUALITY: Columns = {
    **_IDENTITY,
    "answer_chars": Column(_COUNT, "characters of the original answer"),
    "new_answer_chars": Column(_COUNT, "characters of the new answer"),
    **SIMILARITY,
    **FINAL_ANSWERS,
    **PYTHON_BLOCKS,
    **LEAKAGE,
    **LANGUAGES,
    "repeated_share": Column(
        _NUMBER,
        "of the new answer's word 8-grams, the share that repeats an earlier one, 0 to 1; null "
        "below eight words",
    ),
    "personal_data": Column(
        PERSONAL_DATA,
        "what looks like personal data in question, system message and new answer, by kind",
    ),
}

# One row per source and metric, over the rows of `ROW_QUALITY`.
ANSWER_SIMILARITY: Columns = {
    "source": _IDENTITY["source"],
    "metric": Column(_TEXT, "a column of row_quality, length_ratio, or mean_of_length_ratios"),
    "rows": Column(_COUNT, "answers that were compared"),
    "mean": Column(_NUMBER, "as a share for the metrics of n-grams; a ratio for the lengths"),
    "deviation": Column(_NUMBER, "standard deviation over the rows; null for length_ratio"),
}
# One row per source and metric.
LEARNED_SIMILARITY: Columns = {
    **{name: ANSWER_SIMILARITY[name] for name in ("source", "metric", "rows", "mean", "deviation")},
    "computed": Column(_FLAG, "whether there is a figure"),
    "how": Column(_TEXT, "weights, layer, precision; or why it was not computed"),
}
# One row per source and finding.
QUALITY_COUNTS: Columns = {
    "source": _IDENTITY["source"],
    "finding": Column(_TEXT, "what was looked for"),
    "rows": Column(_COUNT, "rows in which it was found"),
    "of_rows": Column(_COUNT, "rows in which it could be"),
}
# One row per source, and one over all of them as ``all``.
MESSAGE_DIVERSITY: Columns = {
    "source": _IDENTITY["source"],
    "messages": Column(_COUNT, "system messages that go on"),
    "sampled": Column(_COUNT, "messages that the other figures are of"),
    "distinct": Column(_NUMBER, "share of different messages among the sampled"),
    "distinct_1": Column(_NUMBER, "different words by all words"),
    "distinct_2": Column(_NUMBER, "different pairs of neighbouring words by all pairs"),
    "distinct_3": Column(_NUMBER, "different runs of three words by all runs"),
    "openings": Column(_NUMBER, "different first five words by messages"),
    "top_opening": Column(_TEXT, "the most frequent first three words"),
    "top_opening_share": Column(_NUMBER, "share of messages that begin so"),
    "compression": Column(_NUMBER, "bytes of the messages by their bytes compressed"),
}
# One row per text that has a near-duplicate; those of one cluster share ``cluster``.
NEAR_DUPLICATES: Columns = {
    **_IDENTITY,
    "cluster": Column(_TEXT, "conversation_id of the first text of the cluster"),
    "cluster_rows": Column(_COUNT, "texts of the cluster"),
    "cluster_sources": Column(_COUNT, "sources of the cluster"),
    "similarity": Column(
        _NUMBER, "Jaccard similarity of word shingles with the first text; may be low in a chain"
    ),
}
# One row per conversation and benchmark item that it overlaps with most.
CONTAMINATION: Columns = {
    **_IDENTITY,
    "benchmark": Column(_TEXT, "as the catalogue names it"),
    "item": Column(_COUNT, "row of the benchmark's file, from 0"),
    "overlap": Column(
        _NUMBER,
        "share of the item's own n-grams (those in at most ten items of its benchmark) that the "
        "question or answer holds",
    ),
    "where": Column(_TEXT, "question or answer"),
    "excerpt": Column(
        _TEXT, "first stretch of words that both hold, in lower case, at most 200 characters"
    ),
}
_JUDGED: Columns = {
    "judge": Column(_TEXT, "the model that judged, as the catalogue names it"),
    "judge_is_generator": Column(_FLAG, "it also wrote what it judged"),
    "verdict_text": Column(_TEXT, "what the judge wrote"),
}
# One row per sampled conversation and order in which the two answers were shown.
JUDGED_PREFERENCES: Columns = {
    **_IDENTITY,
    "shown_first": Column(_TEXT, "original or new"),
    "verdict": Column(_TEXT, "original, new, tie or Unreadable; null: the engine gave no answer"),
    **_JUDGED,
    **_DROP_REASON,
    **_GENERATION,
}
# One row per sampled conversation.
JUDGED_ALIGNMENT: Columns = {
    **_IDENTITY,
    "verdict": Column(
        _TEXT, "Aligned, Not aligned, Unknown or Unreadable; null: the engine gave no answer"
    ),
    **_JUDGED,
    **_DROP_REASON,
    **_GENERATION,
}

# One row per source and phase that asks a model: what is still to be asked, and what it costs.
FORECAST: Columns = {
    "source": _IDENTITY["source"],
    "phase": Column(_TEXT, "the phase's table"),
    "conversations": Column(_COUNT, "conversations that have not been through the phase"),
    "requests": Column(_NUMBER, "requests to be expected of them, without those sent again"),
    "prompt_tokens": Column(_NUMBER, "tokens in, as the model's own tokenizer counts them"),
    "prompt_tokens_margin": Column(
        _NUMBER, "half of the 95 % interval, of sampling alone; null where lengths are assumed"
    ),
    "prompt_tokens_shared": Column(
        _NUMBER, "of them, those of the beginning that all prompts share: for the prefix cache"
    ),
    "completion_tokens": Column(_NUMBER, "tokens out"),
    "completion_tokens_margin": Column(
        _NUMBER, "half of the 95 % interval, of sampling alone; null where lengths are assumed"
    ),
    "gpu_hours": Column(_NUMBER, "at the catalogue's `rates`; null without"),
    "money": Column(_NUMBER, "at the catalogue's `price`; null without"),
    "currency": Column(_TEXT, "of the money"),
    "basis": Column(_TEXT, "what was counted, on how many rows, what measured, what assumed"),
    "counted_with": Column(_TEXT, "what counted the tokens"),
    "assumed": Column(_TEXT, "what stands in for what is not measured; null where all is"),
}
# One row per source, phase and metric (a column of `FORECAST`, or seconds).
FORECAST_AGAINST_ACTUAL: Columns = {
    "source": _IDENTITY["source"],
    "phase": FORECAST["phase"],
    "metric": Column(
        _TEXT,
        "requests, prompt_tokens, prompt_tokens_shared, completion_tokens, gpu_hours, money, or "
        "seconds in which the engine was asked",
    ),
    "conversations": Column(_COUNT, "conversations that have been through all phases"),
    "forecast": Column(_NUMBER, "the stored forecast, for as many conversations; null without"),
    "actual": Column(_NUMBER, "what it came to; null where it is not known"),
}

# One row per model and figure that the paper has too.
PAPER_COMPARISON: Columns = {
    "model": Column(_TEXT, "the model; empty for figures of no model"),
    "published_in": Column(_TEXT, "table or figure of the paper"),
    "of": Column(_TEXT, "phase, tag, source or metric"),
    "figure": Column(_TEXT, "which one of the statistic's columns"),
    "ours": Column(_NUMBER, "our value"),
    "paper": Column(_NUMBER, "the paper's"),
    "difference": Column(_NUMBER, "ours less the paper's"),
}

# One row per usable conversation.
SPLITS: Columns = {
    **_IDENTITY,
    "group": Column(
        _TEXT,
        "conversation_id of the first row of its group: those that share an upstream row, an "
        "original question or a cluster of near-duplicate questions",
    ),
    "split": Column(_TEXT, "train, validation or test; the same for a whole group"),
}
_TRAINED_ON: Columns = {
    "split": SPLITS["split"],
    "tags": Column(pl.List(pl.String()), "tags of the system message, in canonical order"),
    "flags": Column(pl.List(pl.String()), "findings of the row, to be left out by"),
    "source_repo": Column(_TEXT, "data set on the Hub, or local"),
    "source_revision": SOURCE_ROW["source_revision"],
    "source_row": SOURCE_ROW["source_row"],
    "source_turn": Column(_COUNT, "position of the exchange in its upstream row, from 0"),
    "source_license": Column(_TEXT, "licence of the source data set"),
    "model": _GENERATION["model"],
    "served_name": _GENERATION["served_name"],
    "model_revision": _GENERATION["model_revision"],
    "model_license": Column(_TEXT, "licence of the model"),
    "engine": _GENERATION["engine"],
}
# One row per conversation and variant.
TRAINING_ROWS: Columns = {
    **_IDENTITY,
    "variant": Column(_TEXT, "what the messages are made of, see catalog.Variant"),
    "messages": Column(MESSAGES, "the chat: system, history, user, assistant"),
    **_TRAINED_ON,
}
# One row per conversation and kind of rejected answer.
PREFERENCE_PAIRS: Columns = {
    **_IDENTITY,
    "rejected_is": Column(_TEXT, "original_answer or other_system_message"),
    "rejected_model": Column(_TEXT, "whose answer is rejected; null: the original one"),
    "prompt": Column(MESSAGES, "system, history, user"),
    "chosen": Column(MESSAGES, "the assistant's turn that is preferred"),
    "rejected": Column(MESSAGES, "the assistant's turn that is not"),
    **_TRAINED_ON,
}
# One row per row of a mixture.
MIXTURES: Columns = {
    **_IDENTITY,
    "model": _GENERATION["model"],
    "shard": Column(_TEXT, "where its row is stored"),
    "split": SPLITS["split"],
}

# Stored once for each model, or once where no model made them (under the name `ALL_MODELS`).
STATISTICS: Mapping[str, Columns] = {
    "source_lengths": SOURCE_LENGTHS,
    "retention": RETENTION,
    "tag_counts": TAG_COUNTS,
    "verdict_counts": VERDICT_COUNTS,
    "answer_similarity": ANSWER_SIMILARITY,
    "learned_similarity": LEARNED_SIMILARITY,
    "quality_counts": QUALITY_COUNTS,
    "message_diversity": MESSAGE_DIVERSITY,
    "near_duplicate_questions": NEAR_DUPLICATES,
    "near_duplicate_messages": NEAR_DUPLICATES,
    "contamination": CONTAMINATION,
    "judged_preferences": JUDGED_PREFERENCES,
    "judged_alignment": JUDGED_ALIGNMENT,
    "paper_comparison": PAPER_COMPARISON,
    "forecast": FORECAST,
    "forecast_against_actual": FORECAST_AGAINST_ACTUAL,
}
ALL_MODELS = "all"
OF_NO_MODEL = frozenset(
    {"source_lengths", "near_duplicate_questions", "contamination", "paper_comparison"}
)

TABLES: Mapping[str, Columns] = {
    "conversations": CONVERSATIONS,
    "annotated_system_messages": ANNOTATED,
    "filtered_system_messages": FILTERED,
    "verified_system_messages": VERIFIED,
    "aligned_responses": ALIGNED,
    "row_quality": ROW_QUALITY,
    "splits": SPLITS,
    "training_rows": TRAINING_ROWS,
    "preference_pairs": PREFERENCE_PAIRS,
    "mixtures": MIXTURES,
    **STATISTICS,
}


def source_columns(source: Source) -> Columns:
    """The columns of a source table: the upstream ones, then where each row comes from."""
    upstream = {
        name: Column(_upstream_dtype(fields), "as upstream")
        for name, fields in source.columns.items()
    }
    return {**upstream, **SOURCE_ROW}


def _upstream_dtype(fields: str | list[str]) -> pl.DataType:
    if isinstance(fields, str):
        return _TEXT
    return pl.List(pl.Struct(dict.fromkeys(fields, pl.String())))


def polars_schema(columns: Columns) -> dict[str, pl.DataType]:
    """Column name to Polars type, in stored order."""
    return {name: column.dtype for name, column in columns.items()}


Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def require_columns(frame: Frame, columns: Columns, where: str, fix: str) -> Frame:
    """`frame` with exactly these columns in this order; extra ones are left out.

    Raises:
        TableError: A column is missing or has another type; `where` names the culprit and `fix`
            says what to do.
    """
    schema = frame.collect_schema()
    for name, column in columns.items():
        if name not in schema:
            raise TableError(f"{where} has no column {name!r}, only {', '.join(schema)}. {fix}")
        if schema[name] != column.dtype:
            raise TableError(
                f"{where} has {name!r} as {schema[name]}, not as {column.dtype}. {fix}"
            )
    return frame.select(columns.keys())


def kept(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that go on."""
    return frame.filter(pl.col("drop_reason").is_null())
