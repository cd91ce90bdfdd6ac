"""Every measure of a single row that needs no model, as one table."""

import polars as pl

from sysgen_dagster.analysis.foreign_equations import find_foreign_equations
from sysgen_dagster.analysis.languages import match_languages
from sysgen_dagster.analysis.leakage import measure_leakage
from sysgen_dagster.analysis.personal_data import find_personal_data
from sysgen_dagster.analysis.prompt_copies import measure_prompt_copies
from sysgen_dagster.analysis.repetition import measure_repetition
from sysgen_dagster.analysis.similarity import measure_similarity
from sysgen_dagster.analysis.tables import ROW_QUALITY
from sysgen_dagster.chat.prompts import Prompt
from sysgen_dagster.lanes.sysgen.tags import Tag
from sysgen_dagster.obedience.final_answers import compare_final_answers
from sysgen_dagster.obedience.python_blocks import count_python_blocks

# The columns that a student is trained on, which do not include the original answer.
_TRAINED_ON = ("question", "system_message", "new_answer")


def measure_row_quality(rows: pl.DataFrame, prompt: Prompt) -> pl.DataFrame:
    """`tables.ROW_QUALITY`, one row per aligned response, in their order.

    Args:
        rows: ``conversation_id``, ``source``, ``history``, ``question``, ``answer``, the verified
            ``phrases``, ``system_message``, ``new_answer`` and ``repaired``.
        prompt: The prompt that the system messages were asked for with.
    """
    question, answer = rows["question"], rows["answer"]
    message, new_answer = rows["system_message"], rows["new_answer"]
    endings = compare_final_answers(answer, new_answer)
    parts = [
        rows.select("repaired", answer_chars=pl.col("answer").str.len_chars()),
        measure_similarity(answer, new_answer),
        endings,
        count_python_blocks(answer).select(pl.all().name.prefix("python_")),
        measure_leakage(
            question, answer, _content(rows["phrases"]), message, endings["final_answer"]
        ),
        find_foreign_equations(message, question, answer, _turns(rows["history"])).to_frame(),
        measure_prompt_copies(rows["phrases"], prompt),
        _measure_new_answers(rows),
    ]
    columns = pl.concat(parts, how="horizontal")
    return columns.select(ROW_QUALITY.names).cast(pl.Schema(ROW_QUALITY.schema))


def measure_without_original(rows: pl.DataFrame) -> pl.DataFrame:
    """`tables.ROW_QUALITY` of answers to questions that came without one, in their order.

    What compares with an original answer, or is about phrases, is null.

    Args:
        rows: ``conversation_id``, ``source``, ``question``, ``system_message``, ``new_answer``.
    """
    measured = _measure_new_answers(rows)
    nothing = {
        name: pl.lit(None, dtype)
        for name, dtype in ROW_QUALITY.schema.items()
        if name not in measured.columns
    }
    columns = measured.with_columns(**nothing)
    return columns.select(ROW_QUALITY.names).cast(pl.Schema(ROW_QUALITY.schema))


def _measure_new_answers(rows: pl.DataFrame) -> pl.DataFrame:
    """The ids, and what the question, the system message and the new answer show by themselves."""
    new_answer = rows["new_answer"]
    parts = [
        rows.select(
            "conversation_id", "source", new_answer_chars=pl.col("new_answer").str.len_chars()
        ),
        count_python_blocks(new_answer).select(pl.all().name.prefix("new_python_")),
        match_languages(rows["question"], rows["system_message"], new_answer),
        measure_repetition(new_answer).alias("repeated_share").to_frame(),
        find_personal_data(rows, _TRAINED_ON).to_frame(),
    ]
    return pl.concat(parts, how="horizontal")


def _turns(history: pl.Series) -> pl.Series:
    """The turns of each history as one text."""
    texts = pl.col("history").list.eval(pl.element().struct.field("content")).list.join("\n")
    return history.alias("history").to_frame().select(texts)["history"]


def _content(phrases: pl.Series) -> pl.Series:
    """The Content phrases of each row as one text; null where there are none."""
    tag, text = pl.element().struct.field("tag"), pl.element().struct.field("text")
    content = pl.col("phrases").list.eval(text.filter(tag == Tag.CONTENT.value))
    joined = pl.when(content.list.len() > 0).then(content.list.join("\n"))
    return phrases.alias("phrases").to_frame().select(content=joined)["content"]
