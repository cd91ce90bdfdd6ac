"""Shards of the lane where its section does not count them."""

from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.lanes.multifaceted.left_out import complete_shards

HUB = {"hub": {"repo": "somebody/some-rows"}, "instruction": "prompt"}


def _rows(folder: Path, number: int) -> dict[str, Any]:
    """A source of so many rows on this machine."""
    path = folder / f"{number}.jsonl"
    path.write_text('{"prompt": "Why?"}\n' * number)
    return {"path": str(path), "instruction": "prompt"}


def _shards(sources: dict[str, Any], **fields: Any) -> int | None:
    values = {"multifaceted": {"sources": sources, **fields}}
    assert complete_shards(values) == []
    shards: int | None = values["multifaceted"].get("shards")
    return shards


def test_a_few_instructions_on_this_machine_are_one_shard(tmp_path: Path) -> None:
    assert _shards({"mine": _rows(tmp_path, 20)}) == 1
    assert _shards({"mine": _rows(tmp_path, 20)}, instructions=65_666) == 1


def test_all_sources_together_are_counted(tmp_path: Path) -> None:
    sources = {"some": _rows(tmp_path, 3_000), "more": HUB | {"rows": 3_001}}

    assert _shards(sources) == 4
    assert _shards(sources, instructions=4_001) == 3


@pytest.mark.parametrize(
    "fields", [{"shards": 7}, {"instructions": 2_000}, {"instructions": "many"}]
)
def test_no_file_is_looked_at_for_what_is_known_or_wrong(fields: dict[str, Any]) -> None:
    assert _shards({"mine": {"path": "/nowhere/rows.jsonl"}}, **fields) == fields.get("shards")


def test_it_stays_open_while_a_source_does_not_say_how_much_it_has(tmp_path: Path) -> None:
    assert _shards({"mine": _rows(tmp_path, 20), "theirs": HUB}) is None


def test_a_file_that_is_not_there_is_named_with_its_place() -> None:
    values = {"multifaceted": {"sources": {"mine": {"path": "/nowhere/rows.jsonl"}}}}
    [fault] = complete_shards(values)

    assert fault.path == ("multifaceted", "sources", "mine", "path")
    assert "there is no file /nowhere/rows.jsonl; correct `path`" in fault.what


@pytest.mark.parametrize("values", [None, {}, {"multifaceted": None}, {"multifaceted": []}])
def test_a_catalogue_without_the_section_is_left_as_it_is(values: Any) -> None:
    assert complete_shards(values) == []
