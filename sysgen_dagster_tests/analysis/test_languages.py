"""Whether message and answer are in the language of the question."""

import polars as pl
import pytest

from sysgen_dagster.analysis.languages import match_languages
from sysgen_dagster.analysis.tables import LANGUAGES
from sysgen_dagster.tables.table import polars_schema
from sysgen_dagster_tests.chat.test_languages import ENGLISH, FRENCH


@pytest.mark.parametrize(
    ("question", "message", "new_answer", "match"),
    [
        (FRENCH, FRENCH, FRENCH, True),
        (FRENCH, ENGLISH, FRENCH, False),
        (FRENCH, FRENCH, ENGLISH, False),
        (FRENCH, FRENCH, "42", None),
        (FRENCH, ENGLISH, "42", False),
        ("42", FRENCH, FRENCH, None),
    ],
)
def test_message_and_answer_must_be_in_the_language_of_the_question(
    question: str, message: str, new_answer: str, match: bool | None
) -> None:
    matched = match_languages(*(pl.Series([text]) for text in (question, message, new_answer)))
    assert matched.schema == polars_schema(LANGUAGES)
    assert matched["languages_match"].to_list() == [match]
