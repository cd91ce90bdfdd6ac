"""The second lane's section of a catalogue."""

from typing import Any

import pytest
from pydantic import ValidationError

from sysgen_dagster.catalog.sources import Exchanges
from sysgen_dagster.lanes.multifaceted.settings import InstructionSource, Multifaceted

HUB = {"hub": {"repo": "somebody/some-rows"}}


def _section(**fields: Any) -> Multifaceted:
    sources = {"own": {**HUB, "instruction": "prompt"}}
    return Multifaceted.model_validate({"sources": sources, **fields})


def test_a_section_of_one_source_has_the_paper_s_size_in_shards_of_2_000() -> None:
    section = _section()

    assert section.instructions == 65_666
    assert section.sets == 3
    assert section.shards == 33


@pytest.mark.parametrize(("instructions", "shards"), [(1, 1), (2_000, 1), (2_001, 2), (9_999, 5)])
def test_shards_follow_from_the_instructions(instructions: int, shards: int) -> None:
    assert _section(instructions=instructions).shards == shards


def test_a_column_of_text_is_read_as_the_question_of_each_row() -> None:
    source = InstructionSource.model_validate({"name": "own", **HUB, "instruction": "prompt"})

    assert source.as_source.columns == {"prompt": "string"}
    assert source.as_source.exchanges is Exchanges.FIRST


def test_a_chat_is_read_by_its_shape() -> None:
    shape = {"kind": "messages", "column": "conversation_a"}
    source = InstructionSource.model_validate({"name": "arena", **HUB, "shape": shape})

    assert source.as_source.columns == {"conversation_a": ["role", "content"]}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sources": {}}, "sources"),
        ({"sets": 1, "bench": {"instructions": 5}}, "`bench` compares answers to several messages"),
        ({"bench": {"instructions": 0}}, "bench"),
        ({"sources": {"own": HUB}}, "give either `instruction` or `shape`"),
        (
            {"sources": {"own": {"instruction": "prompt"}}},
            "give one of `hub`, `github`, `path`",
        ),
        (
            {"sources": {"own": {**HUB, "shape": {"column": "chat"}}}},
            "is missing: it is one of .*question_answer",
        ),
        ({"sets": 6}, "sets"),
        ({"instructions": 3, "shards": 4}, "do not fill 4 `shards`"),
        ({"subdimensions": {"colour": {"red": "it is red"}}}, "has colour"),
        ({"message_characters": [5, 4]}, "lower bound comes first"),
        ({"attempts": 0}, "attempts"),
        ({"most_alike": 1.5}, "most_alike"),
    ],
)
def test_a_wrong_section_is_named_with_its_fault(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        _section(**fields)


def test_a_bench_is_made_where_it_is_asked_for() -> None:
    assert _section().bench is None
    bench = _section(bench={}).bench
    assert bench is not None
    assert (bench.instructions, bench.writer) == (100, None)
