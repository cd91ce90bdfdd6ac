"""All row-level measures in one table."""

import polars as pl
import pytest

from sysgen_dagster.analysis.row_quality import measure_row_quality, measure_without_original
from sysgen_dagster.analysis.tables import ROW_QUALITY
from sysgen_dagster.lanes.sysgen.annotation import PROMPT
from sysgen_dagster.lanes.sysgen.tables import PHRASES
from sysgen_dagster.tables.columns import MESSAGES

MATHS = {
    "conversation_id": "metamath-1",
    "source": "metamath",
    "question": "A box holds 12 rows of 8 pencils each. How many pencils are in it?",
    "answer": "There are 12 rows of 8 pencils, so 12 * 8 = 96 pencils.\nThe answer is: 96",
    "phrases": [
        {"tag": "Role", "text": "You are a patient tutor of mathematics."},
        {"tag": "Content", "text": "Mention that 12 * 8 = 96 pencils."},
    ],
    "system_message": "You are a patient tutor of mathematics. Mention that 12 * 8 = 96 pencils.",
    "new_answer": "Multiply the rows by the pencils in each: $12 \\cdot 8 = \\boxed{96}$.",
}
CODE = {
    "conversation_id": "magicoder-1",
    "source": "magicoder",
    "question": "Write a function that doubles a number, please.",
    "answer": "```python\ndef double(x):\n    return 2 * x\n```",
    "phrases": [{"tag": "Style", "text": "Be brief."}],
    "system_message": "Be brief.",
    "new_answer": "Ask ann@uni-bonn.de.\n```python\ndef double(x)\n    return 2 * x\n```",
}


def rows(*given: dict[str, object]) -> pl.DataFrame:
    schema = {name: PHRASES if name == "phrases" else pl.String for name in MATHS}
    texts = pl.DataFrame(list(given), schema=schema)
    return texts.with_columns(history=pl.lit([], MESSAGES), repaired=pl.lit(value=False))


def test_each_row_gets_every_column_of_the_table_in_order() -> None:
    table = measure_row_quality(rows(MATHS, CODE), PROMPT)
    assert table.schema == ROW_QUALITY.schema
    assert table["conversation_id"].to_list() == ["metamath-1", "magicoder-1"]
    assert table["rougeL"].null_count() == 0


def test_a_maths_row_keeps_its_final_answer_and_shows_the_leak() -> None:
    row = measure_row_quality(rows(MATHS), PROMPT).row(0, named=True)
    assert row["final_answer"] == row["new_final_answer"] == "96"
    assert row["final_answer_same"] is True
    assert row["final_answer_leaked"] is True
    assert row["content_longest_copy"] == 4
    assert row["python_blocks"] == row["new_python_blocks"] == 0
    assert row["personal_data"] == []
    assert (row["answer_chars"], row["new_answer_chars"]) == (73, 68)


def test_an_equation_of_an_earlier_turn_is_of_the_conversation() -> None:
    asks = {"system_message": "Solve 4x + 17 = 85 for the user."}
    alone = rows(MATHS | asks)
    turn = [{"role": "user", "content": "What is x in 4x + 17 = 85?"}]
    later = alone.with_columns(history=pl.Series([turn], dtype=MESSAGES))
    both = measure_row_quality(pl.concat([alone, later]), PROMPT)
    assert both["foreign_equation"].to_list() == [True, False]


def test_a_code_row_shows_the_block_that_no_longer_parses() -> None:
    row = measure_row_quality(rows(CODE), PROMPT).row(0, named=True)
    assert (row["python_blocks"], row["python_blocks_parsed"]) == (1, 1)
    assert (row["new_python_blocks"], row["new_python_blocks_parsed"]) == (1, 0)
    assert row["final_answer"] is row["final_answer_same"] is row["final_answer_leaked"] is None
    assert row["content_copied_share"] is row["content_longest_copy"] is None
    assert row["personal_data"] == [{"kind": "email", "where": "new_answer", "matches": 1}]


def test_a_message_of_the_prompt_s_own_words_and_a_repair_are_marked() -> None:
    demonstration = [{"tag": "Style", "text": "Be calm, friendly and brief."}]
    row = measure_row_quality(
        rows(CODE | {"phrases": demonstration}).with_columns(repaired=pl.lit(value=True)), PROMPT
    ).row(0, named=True)
    assert (row["prompt_copied_share"], row["prompt_phrases_copied"]) == (1.0, 1)
    assert row["repaired"] is True


@pytest.mark.parametrize("column", ["question", "answer", "system_message", "new_answer"])
@pytest.mark.parametrize("number", ["7" * 4_501, "1" + ",000" * 1_500, "1e999999999"])
def test_a_text_with_a_number_of_thousands_of_digits_is_measured(column: str, number: str) -> None:
    row = MATHS | {column: f"As a start, {number}. 5 + 5 = {number}\nThe answer is: {number}"}
    [measured] = measure_row_quality(rows(row, MATHS), PROMPT).head(1).iter_rows(named=True)
    assert measured["conversation_id"] == "metamath-1"
    assert len(measured["final_answer"] or "") < 100


def test_no_rows_make_an_empty_table() -> None:
    assert measure_row_quality(rows(), PROMPT).schema == ROW_QUALITY.schema
    assert measure_row_quality(rows(), PROMPT).is_empty()


def test_an_answer_without_an_original_has_the_same_measures_of_itself_and_no_others() -> None:
    whole, alone = (
        measure_row_quality(rows(MATHS, CODE), PROMPT),
        measure_without_original(rows(MATHS, CODE).drop("answer", "phrases", "repaired")),
    )

    assert alone.schema == ROW_QUALITY.schema
    of_itself = [each.name for each in alone if each.null_count() < alone.height]
    assert alone.select(of_itself).equals(whole.select(of_itself))
    assert {"new_python_blocks", "question_language", "personal_data"} < {*of_itself}
    assert not {"rougeL", "final_answer", "content_copied_share", "repaired"} & {*of_itself}
