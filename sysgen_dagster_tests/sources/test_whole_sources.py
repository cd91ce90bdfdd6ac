"""All rows of a source, a batch at a time."""

import json
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.sources import whole_sources
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import read_shard
from sysgen_dagster.sources.whole_sources import read_conversations

TEXTS = ["one", "two", "one", "", "three", "one"]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"q": text, "a": "so"}) + "\n" for text in TEXTS))
    shape = {"kind": "question_answer", "question": "q", "answer": "a"}
    return Source.model_validate({"name": "own", "path": path, "shards": 1, "shape": shape})


@pytest.mark.parametrize("at_once", [1, 2, 4, 100])
def test_it_gives_what_the_shards_give_however_many_rows_are_read_at_once(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(whole_sources, "_ROWS_AT_ONCE", at_once)
    of_shard = build_conversations(read_shard(source, 0, tmp_path), source)

    parts = list(read_conversations(source, tmp_path))

    assert pl.concat(parts).equals(of_shard)
    assert len(parts) == -(-len(TEXTS) // at_once)


def test_excluded_rows_stay_without_their_texts(source: Source, tmp_path: Path) -> None:
    [rows] = read_conversations(source, tmp_path)
    [again] = read_conversations(source, tmp_path, excluded=[rows["conversation_id"][1]])

    assert again["conversation_id"].to_list() == rows["conversation_id"].to_list()
    assert again.filter(drop_reason="excluded")["question"].to_list() == [None]
