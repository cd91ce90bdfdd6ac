"""Names that refer to other entries are looked up in any document, also in a broken one."""

from typing import Any

import pytest

from sysgen_dagster.catalog.references import forbidden_names, other_names, unknown_names

SECTIONS = {"sources": {"a": {}, "b": None}, "models": {"m": {}}}
# What the entries of a section are, and the places and names that are found unknown in it.
UNKNOWN: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "known": ({"x": {"sources": ["a", "b"]}}, []),
    "in-a-list": ({"x": {"sources": ["a", "c"]}}, [("x.sources.1", "c")]),
    "twice": ({"x": {"sources": ["c", "c"]}}, [("x.sources.0", "c"), ("x.sources.1", "c")]),
    "as-a-text": ({"x": {"sources": "c"}}, [("x.sources", "c")]),
    "as-fields": ({"x": {"sources": {"a": 1, "c": 1}}}, [("x.sources.c", "c")]),
    "in-two-entries": (
        {"x": {"sources": ["c"]}, "y": {"sources": ["d"]}},
        [("x.sources.0", "c"), ("y.sources.0", "d")],
    ),
    "left-out": ({"x": {}}, []),
    "null": ({"x": {"sources": None}}, []),
    "numbers": ({"x": {"sources": [1, None, ["c"], {"c": 1}]}}, []),
    "an-entry-that-is-none": ({"x": ["c"], "y": None, "z": 3}, []),
    "no-entries": (["c"], []),
    "nothing": (None, []),
}


@pytest.mark.parametrize(("entries", "unknown"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_name_that_no_entry_has_is_found_at_its_place(
    entries: Any, unknown: list[tuple[str, str]]
) -> None:
    values = {**SECTIONS, "mixtures": entries}
    found = [*unknown_names(values, "mixtures.*.sources", "sources")]

    assert [(".".join(map(str, each.path)), each.name) for each in found] == [
        (f"mixtures.{place}", name) for place, name in unknown
    ]
    assert {each.what for each in found} <= {
        "is no entry of `sources`: there are a, b. Correct it or leave it out"
    }


DOCUMENTS = [None, [], "text", 3, {}, {"judging": None}, {"judging": {"judge": None}}]


@pytest.mark.parametrize("values", DOCUMENTS, ids=repr)
def test_a_document_without_names_has_no_wrong_ones(values: Any) -> None:
    assert [*unknown_names(values, "judging.judge", "models")] == []
    assert [*other_names(values, "judging.judge", (), "word")] == []
    assert [*forbidden_names(values, "judging", ("x",), "is forbidden")] == []


@pytest.mark.parametrize("models", [None, [], "m", 3], ids=repr)
def test_nothing_is_said_of_names_where_the_section_itself_is_wrong(models: Any) -> None:
    values = {"judging": {"judge": "m"}, "models": models}

    assert [*unknown_names(values, "judging.judge", "models", "judges")] == []


def test_one_of_several_sections_has_the_entry() -> None:
    values = {"judging": {"judge": "j"}, "models": {"m": {}}, "judges": {"j": {}}}
    assert [*unknown_names(values, "judging.judge", "models", "judges")] == []

    [unknown] = unknown_names({**values, "judges": {}}, "judging.judge", "models", "judges")
    assert "is no entry of `models` or `judges`: there are m." in unknown.what


def test_a_message_does_not_list_hundreds_of_names() -> None:
    values = {"judging": {"judge": "x"}, "models": {f"m{at}": {} for at in range(500)}}
    [unknown] = unknown_names(values, "judging.judge", "models")

    assert "m19 and 480 more" in unknown.what


def test_words_that_are_none_of_some_and_words_that_must_not_stand_there_are_found() -> None:
    values = {"models": {"m": {"phases": {"one": 1, "two": 2}}}}

    [other] = other_names(values, "models.*.phases", ("one",), "phase")
    assert (other.path, other.what) == (
        ("models", "m", "phases", "two"),
        "is no phase: give some of one",
    )
    [forbidden] = forbidden_names(values, "models.*.phases", ("one",), "is ours")
    assert (forbidden.name, forbidden.what) == ("one", "is ours")
