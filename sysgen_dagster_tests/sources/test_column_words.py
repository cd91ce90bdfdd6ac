"""The words of ``--columns``."""

import shlex
from pathlib import Path
from typing import get_args

import pytest

from sysgen_dagster.catalog.sources import Shape
from sysgen_dagster.sources.column_words import (
    SYNONYMS,
    WORDS,
    ShapeError,
    as_option,
    known_words,
    parse_columns,
)


@pytest.mark.parametrize(
    "texts",
    [
        ["question=prompt answer=response"],
        ["question=prompt", "answer=response"],
        [" question=prompt\n\tanswer='response'"],
    ],
)
def test_words_may_come_together_or_one_by_one(texts: list[str]) -> None:
    assert parse_columns(texts) == {"question": "prompt", "answer": "response"}


@pytest.mark.parametrize(
    "name", ["a", "Bot 2", 'say "hi"', "it's", "a\\b", "### Human:", "a=b", "é"]
)
def test_any_name_can_be_said_as_errors_show_it(name: str) -> None:
    mapping = {"messages": "x", "assistant": name}
    option, *words = shlex.split(as_option(mapping))
    assert option == "--columns"
    assert parse_columns(words) == mapping


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("question", "'question' is no WORD=NAME, such as question=prompt"),
        ("question=", "'question=' is no WORD=NAME"),
        ("=prompt", "'=prompt' is no WORD=NAME"),
        ("a=b a=c", "'a' stands twice"),
        ("a='b", "close the quotes"),
    ],
)
def test_what_is_no_word_and_name_is_shown(text: str, fault: str) -> None:
    with pytest.raises(ShapeError) as error:
        parse_columns([text])
    assert fault in str(error.value)


def test_the_page_on_shapes_names_every_word_and_every_kind() -> None:
    page = (Path(__file__).parents[2] / "docs" / "shapes.md").read_text()
    shapes = get_args(get_args(Shape)[0])
    kinds = (get_args(shape.model_fields["kind"].annotation) for shape in shapes)
    names = {*WORDS, *(kind for each in kinds for kind in each)}
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_words_of_other_tools_mean_the_same() -> None:
    assert set(SYNONYMS.values()) <= set(WORDS)
    assert not SYNONYMS.keys() & WORDS.keys()
    assert known_words({"prompt": "a", "completion": "b"}) == {"question": "a", "answer": "b"}


@pytest.mark.parametrize("mapping", [{"who": "a"}, {"prompt": "a", "question": "b"}])
def test_an_unknown_word_and_two_for_the_same_are_refused(mapping: dict[str, str]) -> None:
    with pytest.raises(ShapeError):
        known_words(mapping)
