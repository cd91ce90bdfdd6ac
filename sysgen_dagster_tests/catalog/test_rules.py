"""Everything that is wrong with an entry comes at once: its fields and the rules about several."""

from typing import Any

import pytest
from pydantic import Field, ValidationError

from sysgen_dagster.catalog.entries import Count, Entry
from sysgen_dagster.catalog.rules import rule


class Inner(Entry):
    """An entry in an entry."""

    least: Count = 0
    most: Count = 10

    @rule("least", "most")
    def _require_order(self) -> str | None:
        return "`least` comes first" if self.least > self.most else None


class Outer(Entry):
    """An entry with rules, a default made of another field, and an entry within."""

    size: Count = 1
    label: str = Field(default_factory=lambda given: f"of {given['size']}")
    inner: Inner = Inner()
    hidden: Count = Field(default=0, exclude=True)

    @rule("size")
    def _require_small(self) -> str | None:
        return "too large" if self.size > 100 else None

    @rule("label", "size")
    def _require_short(self) -> str | None:
        return f"longer than {self.size}" if len(self.label) > self.size + 10 else None


class Demanding(Entry):
    """An entry with a field that must be given."""

    path: str
    size: Count = 1

    @rule("path")
    def _require_absolute(self) -> str | None:
        return None if self.path.startswith("/") else "must begin with /"


NEGATIVE = "must be greater than or equal to 0"
LONG = "a" * 20
FAULTS: dict[str, tuple[type[Entry], Any, list[tuple[str, str]]]] = {
    "one-field": (Outer, {"size": -1}, [("size", NEGATIVE)]),
    "two-fields": (Outer, {"size": -1, "hidden": -1}, [("size", NEGATIVE), ("hidden", NEGATIVE)]),
    "two-rules": (
        Outer,
        {"size": 101, "label": "a" * 200},
        [("size", "too large"), ("label", "longer than 101")],
    ),
    "a-field-and-a-rule-about-others": (
        Outer,
        {"size": 200, "hidden": -1},
        [("hidden", NEGATIVE), ("size", "too large")],
    ),
    "no-rule-about-a-wrong-field": (Outer, {"size": -1, "label": LONG}, [("size", NEGATIVE)]),
    "no-default-of-a-wrong-field": (Outer, {"size": "x"}, [("size", "must be a whole number")]),
    "a-rule-within-and-a-rule": (
        Outer,
        {"inner": {"least": 20}, "size": 200},
        [("inner.least", "`least` comes first"), ("size", "too large")],
    ),
    "a-field-within-and-a-rule-within-another": (
        Outer,
        {"inner": {"least": 20, "more": 1}},
        [("inner.more", "is no field here"), ("inner.least", "`least` comes first")],
    ),
    "a-misspelt-field-that-must-be-given": (
        Demanding,
        {"Path": "a"},
        [("Path", "is no field here: did you mean `path`?")],
    ),
    "a-field-without-a-blank-after-its-colon": (
        Demanding,
        {"path:a": None},
        [("path:a", "is no field here: write a blank after the colon of `path:`")],
    ),
    "a-misspelt-field": (Outer, {"sise": 3}, [("sise", "is no field here: did you mean `size`?")]),
    "an-unknown-field": (
        Outer,
        {"zzz": 3},
        [("zzz", "is no field here: leave it out, or take one of size, label, inner")],
    ),
    "what-must-be-given": (Demanding, {"size": -1}, [("path", "is missing"), ("size", NEGATIVE)]),
    "a-rule-about-what-must-be-given": (
        Demanding,
        {"path": "a", "size": -1},
        [("size", NEGATIVE), ("path", "must begin with /")],
    ),
    "no-entry-at-all": (Outer, "text", [("", "must be fields with values, as {name: value}")]),
    "a-list": (Outer, [1], [("", "must be fields with values, as {name: value}")]),
    "nothing-where-something-is-needed": (Demanding, None, [("path", "is missing")]),
}


@pytest.mark.parametrize(("kind", "given", "faults"), FAULTS.values(), ids=FAULTS)
def test_all_faults_of_an_entry_are_found_and_none_that_follows_from_another(
    kind: type[Entry], given: Any, faults: list[tuple[str, str]]
) -> None:
    with pytest.raises(ValidationError) as raised:
        kind.model_validate(given)
    found = [(".".join(map(str, each["loc"])), each["msg"]) for each in raised.value.errors()]

    assert [place for place, _ in found] == [place for place, _ in faults]
    for (_, said), (_, wanted) in zip(found, faults, strict=True):
        assert wanted in said


def test_an_entry_of_which_nothing_is_said_has_its_defaults() -> None:
    assert Outer.model_validate(None) == Outer()
    assert Outer.model_validate({"inner": None}) == Outer()


def test_an_entry_that_keeps_its_rules_is_read() -> None:
    assert Outer.model_validate({"size": 3}).label == "of 3"
    assert Outer(size=3, inner=Inner(least=1)) == Outer(size=3, inner=Inner(least=1))


def test_a_field_of_which_nothing_is_said_has_its_default() -> None:
    assert Outer.model_validate({"size": None, "inner": {"most": None}}) == Outer()
