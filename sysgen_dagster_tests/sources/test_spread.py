"""Rows from all over a source, read without the rest of it."""

import json
from itertools import islice, pairwise
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.sources import spread
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import SourceError, read_shard
from sysgen_dagster.sources.spread import read_spread, spread_positions

SHAPE = {"kind": "question_answer", "question": "q", "answer": "a"}


def source_of(path: Path, shards: int = 3) -> Source:
    columns = {"q": "string", "a": "string"}
    given = {"title": "T", "license": "mit", "path": path, "shards": shards, "columns": columns}
    return Source.model_validate({"name": "mine", "shape": SHAPE, **given})


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    if path.suffix == ".parquet":
        pl.DataFrame(rows).write_parquet(path, row_group_size=7)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("total", [1, 2, 9, 10, 11, 100, 997])
def test_every_position_comes_once(total: int) -> None:
    assert sorted(spread_positions(total)) == list(range(total))


@pytest.mark.parametrize("taken", [5, 10, 20, 30, 100])
def test_however_many_are_taken_no_stretch_of_the_source_is_left_out(taken: int) -> None:
    total = 806_796
    places = sorted(islice(spread_positions(total), taken))
    edges = [0, *places, total]
    widest = max(after - before for before, after in pairwise(edges))
    assert widest <= 2.1 * total / taken


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_the_rows_and_their_ids_are_those_of_the_shards(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "_ROWS_AT_ONCE", 8)
    # Every fourth row is the same one: its id depends on how many came before it.
    rows = [{"q": f"q{n if n % 4 else 0}", "a": "yes"} for n in range(50)]
    source = source_of(write(tmp_path / f"rows{suffix}", rows))
    whole = pl.concat(read_shard(source, index, tmp_path / "cache") for index in range(3))
    expected = build_conversations(whole, source)

    first = read_spread(source, 0, 10, tmp_path / "cache")
    more = read_spread(source, 10, 10, tmp_path / "cache")

    assert first.total == 50
    lengths = [len(row["q"]) + len(row["a"]) for row in rows]
    assert first.mean_characters == pytest.approx(sum(lengths) / 50)
    assert first.characters == [lengths[each] for each in first.rows["source_row"]]
    read = pl.concat([first.rows, more.rows])
    assert read["source_row"].to_list() == list(islice(spread_positions(50), 20))
    assert read["source_row"].n_unique() == 20
    assert read.sort("source_row").equals(whole.join(read, on="source_row", how="semi"))
    built = build_conversations(read, source).sort("source_row")
    assert built.equals(expected.join(built, on="conversation_id", how="semi"))


@pytest.mark.parametrize(("first", "left"), [(0, 4), (3, 1), (4, 0), (40, 0)])
def test_a_source_gives_no_more_rows_than_it_has(tmp_path: Path, first: int, left: int) -> None:
    source = source_of(write(tmp_path / "r.jsonl", [{"q": f"{n}", "a": "b"} for n in range(4)]))
    spread_rows = read_spread(source, first, 10, tmp_path / "cache")
    assert (spread_rows.rows.height, spread_rows.total) == (left, 4)


@pytest.mark.parametrize(
    ("turns", "conversations", "wanted"),
    [
        ([1] * 9, 4, 4),
        ([1] * 9, 9, 9),
        ([1] * 9, 99, 9),
        ([3] * 9, 6, 2),
        ([3] * 9, 7, 2),  # the third row is cut
        ([3] * 9, 1, 1),
        ([0, 0, 0, 1, 0, 1, 1], 1, 4),
        ([0] * 5, 2, 5),
    ],
)
def test_rows_are_spread_over_those_that_hold_the_wanted_conversations(
    tmp_path: Path, turns: list[int], conversations: int, wanted: int
) -> None:
    source = chats_of(tmp_path, turns)
    found = read_spread(source, 0, 99, tmp_path / "cache", conversations=conversations)
    assert (found.wanted, found.total) == (wanted, len(turns))
    assert sorted(found.rows["source_row"]) == list(range(wanted))


def test_where_many_rows_are_needed_the_first_ones_tell_about_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "_ROWS_TRIED", 10)
    source = chats_of(tmp_path, [2, 0] * 50)
    assert read_spread(source, 0, 1, tmp_path / "cache", conversations=60).wanted == 60


def chats_of(folder: Path, turns: list[int]) -> Source:
    """A file of chats with so many answered questions in each row."""
    asked = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    file = folder / "chats.jsonl"
    rows = [{"chat": asked * each or [asked[0]]} for each in turns]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shape = {"kind": "messages", "column": "chat"}
    given = {"title": "T", "license": "mit", "path": file, "shape": shape, "exchanges": "each"}
    columns = {"chat": ["role", "content"]}
    return Source.model_validate({"name": "mine", "columns": columns, "shards": 1, **given})


def test_a_source_that_cannot_be_read_is_refused_as_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no file"):
        read_spread(source_of(tmp_path / "none.jsonl"), 0, 10, tmp_path / "cache")


def test_characters_of_turns_are_those_of_their_texts(tmp_path: Path) -> None:
    turns = [[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None}], []]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"messages": each}) + "\n" for each in turns))
    columns = {"messages": ["role", "content"]}
    given = {"title": "T", "license": "mit", "path": file, "shards": 1, "columns": columns}
    shape = {"kind": "messages", "column": "messages"}
    source = Source.model_validate({"name": "mine", "shape": shape, **given})
    read = read_spread(source, 0, 2, tmp_path / "cache")
    assert sorted(read.characters) == [0, len("user" + "Hi" + "assistant")]
