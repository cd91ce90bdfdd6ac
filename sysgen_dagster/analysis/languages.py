"""Whether system message and answer are in the language of the question.

If the question asks for a translation, the answer is rightly in another language.
"""

import polars as pl

from sysgen_dagster.chat.languages import detect_languages


def match_languages(
    question: pl.Series, system_message: pl.Series, new_answer: pl.Series
) -> pl.DataFrame:
    """The columns of `tables.LANGUAGES`, one row per conversation, in their order.

    ``languages_match`` is false if the language of system message or new answer is known to differ
    from the question's, else null if one of the three is not detected.
    """
    texts = {"question": question, "system_message": system_message, "new_answer": new_answer}
    languages = pl.DataFrame(
        detect_languages(text).alias(f"{name}_language") for name, text in texts.items()
    )
    matches = pl.exclude("question_language") == pl.col("question_language")
    return languages.with_columns(languages_match=pl.all_horizontal(matches))
