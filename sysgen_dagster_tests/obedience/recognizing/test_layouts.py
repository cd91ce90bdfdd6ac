"""Phrases that say how a whole answer is laid out."""

import pytest

from sysgen_dagster_tests.obedience.recognized import asked, is_whole


@pytest.mark.parametrize(
    ("phrase", "names"),
    [
        (
            "Reply with a JSON object with the fields name, email, and age.",
            ("name", "email", "age"),
        ),
        ('Return JSON with the keys "title" and "score".', ("title", "score")),
        ("Reply with a JSON object containing the keys a and b.", ("a", "b")),
        ('Reply with a JSON object:\n{"returns": "...", "change": "..."}', ("returns", "change")),
    ],
)
def test_the_fields_of_json_are_recognised(phrase: str, names: tuple[str, ...]) -> None:
    assert asked(phrase) == [("json", None, None, names)]
    assert is_whole(phrase)


def test_parts_between_dividers_are_recognised() -> None:
    phrase = "There should be 3 paragraphs separated by the markdown divider: ***"
    assert asked(phrase) == [("divided_parts", 3, 3, ("***",))]
    phrase = (
        "Your answer must contain 2 sections, mark the beginning of each section with SECTION X."
    )
    assert asked(phrase) == [("named_sections", 2, 2, ("section",))]
