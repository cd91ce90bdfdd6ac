"""What all entries have in common: their names, and what a field may hold."""

import math
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster_tests.catalog.small import (
    BENCHMARK,
    HUB,
    SMALL,
    Change,
    Wrong,
    assert_wrong,
    write,
)

WRONG_ENTRIES: dict[str, Wrong] = {
    "unknown-field": (
        [("sources.mine.shard", 3)],
        "sources.mine.shard",
        "is no field here: did you mean `shards`? (found: 3)",
    ),
    "unknown-field-of-a-model": (
        [("models.small.temperature", 0.7)],
        "models.small.temperature",
        "is no field here: leave it out, or take one of served_name, ",
    ),
    "number-in-quotes": (
        [("sources.mine.shards", "2")],
        "sources.mine.shards",
        "must be a whole number (found: '2')",
    ),
    "number-that-is-left-out": (
        [("sources.mine.shards", "")],
        "sources.mine.shards",
        "must be a whole number (found: '')",
    ),
    "unknown-section": ([("modles", {})], "modles", "is no field here: did you mean `models`?"),
    "missing-field": (
        [("benchmarks.sums", {"path": "sums.jsonl"})],
        "benchmarks.sums.text",
        "is missing",
    ),
    "branch-as-revision-of-a-source": (
        [("sources.mine.path", None), ("sources.mine.hub", {**HUB, "revision": "main"})],
        "sources.mine.hub.revision",
        "must be a commit of 40 hex digits, not a branch (found: main)",
    ),
    "branch-as-revision-of-a-model": (
        [("models.small.revision", "main")],
        "models.small.revision",
        "must be a commit of 40 hex digits, not a branch (found: main)",
    ),
    "short-commit": (
        [("models.small.revision", "187ef03")],
        "models.small.revision",
        "must be a commit of 40 hex digits",
    ),
    "source-name-with-a-dash": (
        [("sources.my-set", SMALL["sources"]["mine"])],
        "sources.my-set",
        "must be up to 100 lower-case letters, digits and _, beginning with a letter",
    ),
    "model-name-with-a-space": (
        [("models.big model", SMALL["models"]["small"])],
        "models.big model",
        "must be up to 100 lower-case letters, digits and . _ -, beginning with a letter",
    ),
    "url-without-a-scheme": (
        [("models.small.base_urls", ["127.0.0.1:8000/v1"])],
        "models.small.base_urls.0",
        "must be a URL such as http://HOST:PORT/v1",
    ),
    "url-without-a-host": (
        [("models.small.base_urls", ["http://a/v1", "http:///v1"])],
        "models.small.base_urls.1",
        "must be a URL such as http://HOST:PORT/v1",
    ),
    "url-with-a-space": (
        [("models.small.base_urls", ["http://a/v1 "])],
        "models.small.base_urls.0",
        "must be a URL such as http://HOST:PORT/v1",
    ),
    **{
        f"url-{fault}": (
            [("models.small.base_urls", [f"http://{place}/v1"])],
            "models.small.base_urls.0",
            "must be a URL",
        )
        for fault, place in {
            "port-beyond-the-last": "host:99999",
            "port-0": "host:0",
            "port-that-is-no-number": "host:80a",
            "half-an-ipv6-address": "[::1",
            "empty-label": "a..b",
            "long-label": "a" * 64,
            "invisible-character": "host\u200b",
            "backslash": "host\\",
        }.items()
    },
    "secret-instead-of-the-variable-s-name": (
        [("models.small.api_key_env", "sk-4f1c")],
        "models.small.api_key_env",
        "must be the NAME of an environment variable",
    ),
}
JUDGE = {name: SMALL["models"]["small"][name] for name in ("served_name", "license", "engine")}
NAMED: dict[str, tuple[list[Change], str, str]] = {
    # changes, section, name of the entry
    "source": ([("sources.mine.name", "mine")], "sources", "mine"),
    "model": ([("models.small.name", "another")], "models", "small"),
    "judge": ([("judges.big", {**JUDGE, "name": "big"})], "judges", "big"),
    "benchmark": ([("benchmarks.sums", {**BENCHMARK, "name": "x"})], "benchmarks", "sums"),
}


@pytest.mark.parametrize("wrong", WRONG_ENTRIES.values(), ids=WRONG_ENTRIES.keys())
def test_a_wrong_entry_is_one_error_that_names_the_file_the_entry_and_the_field(
    tmp_path: Path, wrong: Wrong
) -> None:
    assert_wrong(tmp_path, wrong)


def test_every_entry_knows_the_name_under_which_it_stands(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path, ("judges.big", JUDGE), ("benchmarks.sums", BENCHMARK)))

    assert catalog.sources["mine"].name == "mine"
    assert catalog.models["small"].name == "small"
    assert catalog.judges["big"].name == "big"
    assert catalog.benchmarks["sums"].name == "sums"


def test_a_name_is_no_field_of_what_is_written_of_an_entry(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path))

    assert "name" not in catalog.sources["mine"].model_dump()
    assert type(catalog).model_validate(catalog.model_dump()) == catalog


@pytest.mark.parametrize(("changes", "section", "name"), NAMED.values(), ids=NAMED.keys())
def test_a_name_that_is_said_again_within_an_entry_is_refused(
    tmp_path: Path, changes: list[Change], section: str, name: str
) -> None:
    fault = "name is said by the entry's key: leave the field out"

    assert_wrong(tmp_path, (changes, f"{section}.{name}.name", fault))


def test_an_entry_is_never_changed(tmp_path: Path) -> None:
    source = load_catalog(write(tmp_path)).sources["mine"]

    with pytest.raises(ValidationError, match="Instance is frozen"):
        source.shards = 3


def _entries(of: Any) -> Iterator[type[BaseModel]]:
    """Every class of entries within a type."""
    if isinstance(of, type) and issubclass(of, BaseModel):
        yield of
        for field in of.model_fields.values():
            yield from _entries(field.annotation)
    for inner in get_args(of):
        yield from _entries(inner)


def _alternatives(of: Any) -> Iterator[Any]:
    """The types that a field may have, without those of what it holds."""
    if get_origin(of) is Annotated:
        yield from _alternatives(get_args(of)[0])
    elif get_origin(of) in (Union, UnionType):
        for each in get_args(of):
            yield from _alternatives(each)
    else:
        yield of


FIELDS = {
    f"{entry.__name__}.{name}": (field, kinds)
    for entry in _entries(Catalog)
    for name, field in entry.model_fields.items()
    if (kinds := set(_alternatives(field.annotation))) & {int, float, bool}
}
NONSENSE = (-1, -0.5, math.nan, math.inf, -math.inf, True, "3", "", "yes", [], {})


@pytest.mark.parametrize("name", FIELDS)
def test_every_number_of_a_catalogue_refuses_what_makes_no_sense(name: str) -> None:
    field, kinds = FIELDS[name]
    kind = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    reads = TypeAdapter(kind, config={"allow_inf_nan": False})
    accepted = []
    for value in (*NONSENSE, *([0.5, 3.0] if kinds & {int} else []), *([0, 1] * (bool in kinds))):
        try:
            reads.validate_python(value)
        except ValidationError:
            continue
        accepted.append(value)

    assert accepted == ([True] if bool in kinds else [])


def test_the_numbers_of_a_catalogue_are_those_looked_at() -> None:
    some = {"Source.shards", "Model.attempt_s", "RequestSettings.top_p", "Method.mend"}

    assert some <= FIELDS.keys()
    assert len(FIELDS) > 30
