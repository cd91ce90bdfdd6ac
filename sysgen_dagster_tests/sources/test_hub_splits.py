"""Data sets of several files: a split as `datasets` reads it, converted once and pinned."""

import bz2
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.catalog.places import HubFile
from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.sources.pins import Pin
from sysgen_dagster.sources.recognition import SourceError, SourceUnavailableError
from sysgen_dagster.storage.store import Store
from sysgen_dagster_tests.sources.fake_hub import REPO, FakeHub, Reader, reading_from
from sysgen_dagster_tests.sources.test_files import (
    PAIRS,
    as_parquet,
    checksum,
    lines,
    pairs,
    read_all,
    upstream,
)

TRAIN = {
    "data/train-00000-of-00002.jsonl": lines(PAIRS[:3]),
    "data/train-00001-of-00002.jsonl": lines(PAIRS[3:]),
}
TEST = {"data/test-00000-of-00001.jsonl": lines(PAIRS[:1])}
CONFIGS = b"""---
configs:
- config_name: short
  data_files: [{split: train, path: short/*.jsonl}]
- config_name: long
  data_files: [{split: train, path: long/a.jsonl}, {split: other, path: long/b.jsonl}]
---
"""
TWO_CONFIGS = {
    "README.md": CONFIGS,
    "short/a.jsonl": lines(PAIRS[:1]),
    "long/a.jsonl": lines(PAIRS[1:5]),
    "long/b.jsonl": lines(PAIRS[5:]),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the libraries take for the user's own cache."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[tuple[FakeHub, Reader]]:
    hub = FakeHub()
    hub.start()
    with reading_from(hub, home) as read:
        yield hub, read
    hub.go_down()


@pytest.fixture
def hub(running: tuple[FakeHub, Reader], tmp_path: Path) -> FakeHub:
    """The Hub with a data set of two splits, one of them in two files."""
    hub, _ = running
    hub.renew()
    # A commit of its own, because the libraries keep in memory what they know of one.
    hub.revision = checksum(str(tmp_path).encode())[:40]
    hub.files = {"README.md": b"---\nlicense: mit\n---\n", **TRAIN, **TEST}
    return hub


@pytest.fixture
def read(running: tuple[FakeHub, Reader]) -> Reader:
    return running[1]


def split(shards: int = 1, **given: str) -> Source:
    return pairs(shards=shards, hub=HubFile.model_validate({"repo": REPO, **given}))


def stored_pin(folder: Path) -> Pin:
    [file] = (folder / "pins").glob("*.json")
    return Pin.model_validate_json(file.read_text())


def test_the_rows_to_train_on_are_read_from_all_their_files_and_pinned(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    shards = [
        read(split(shards=3), index, tmp_path / "cache", Store(tmp_path / "data"))
        for index in range(3)
    ]
    assert [row for shard in shards for row in upstream(shard)] == PAIRS
    assert {each for shard in shards for each in shard["source_revision"]} == {hub.revision}
    pin = stored_pin(tmp_path / "data")
    assert (pin.revision, pin.config, pin.split) == (hub.revision, "default", "train")
    assert (pin.file, len(pin.sha256)) == (None, 64)


def test_no_other_split_is_fetched_no_other_host_asked_and_no_row_left_in_the_users_home(
    hub: FakeHub, read: Reader, home: Path, tmp_path: Path
) -> None:
    read.turned_away()
    read(split(), 0, tmp_path / "cache")
    assert not any("test-00000" in request for request in hub.requests)
    assert read.turned_away() == []
    in_home = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert not any(b"What is" in content for content in in_home)
    assert [*(tmp_path / "cache" / "loading").glob("*/*")] == []


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ({"split": "test"}, PAIRS[:1]),
        ({"config": "default"}, PAIRS),
        ({"config": "default", "split": "test"}, PAIRS[:1]),
    ],
    ids=str,
)
def test_a_split_that_is_named_is_read(
    hub: FakeHub, read: Reader, tmp_path: Path, given: dict[str, str], rows: list[Any]
) -> None:
    assert upstream(read(split(**given), 0, tmp_path / "cache")) == rows


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ({"config": "short"}, PAIRS[:1]),
        ({"config": "long"}, PAIRS[1:5]),
        ({"config": "long", "split": "other"}, PAIRS[5:]),
    ],
    ids=str,
)
def test_of_several_configurations_the_named_one_is_read(
    hub: FakeHub, read: Reader, tmp_path: Path, given: dict[str, str], rows: list[Any]
) -> None:
    hub.files = TWO_CONFIGS
    assert upstream(read(split(**given), 0, tmp_path / "cache")) == rows


def test_a_configuration_that_the_data_set_calls_its_default_is_read(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    card = CONFIGS.replace(b"config_name: long", b"config_name: long\n  default: true")
    hub.files = {**TWO_CONFIGS, "README.md": card}
    assert upstream(read(split(), 0, tmp_path / "cache")) == PAIRS[1:5]


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({}, "has several configurations: short, long; name one of them as `hub.config`"),
        ({"config": "wide"}, "has no configuration wide, only short, long; name one of them as"),
        (
            {"config": "long", "split": "test"},
            "has no split test in its configuration long, only train, other; name one of them as",
        ),
    ],
    ids=str,
)
def test_what_is_not_clear_or_not_there_is_said_with_what_there_is(
    hub: FakeHub, read: Reader, tmp_path: Path, given: dict[str, str], what: str
) -> None:
    hub.files = TWO_CONFIGS
    with pytest.raises(SourceError, match=f"sums: {REPO} {what}") as error:
        read(split(**given), 0, tmp_path / "cache")
    assert error.type is SourceError
    assert not (tmp_path / "cache" / "pins").exists()


def test_other_hosts_and_later_shards_keep_to_the_pinned_rows(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    store, pinned = Store(tmp_path / "data"), hub.revision
    first = read(split(shards=2), 0, tmp_path / "cache", store)
    hub.move_on({"data/train.jsonl": lines(PAIRS[:1])})
    for cache in ("cache", "other"):
        second = read(split(shards=2), 1, tmp_path / cache, store)
        assert upstream(first) + upstream(second) == PAIRS
        assert set(second["source_revision"]) == {pinned}


def test_rows_that_the_hub_gives_otherwise_than_they_were_pinned_are_refused(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    store = Store(tmp_path / "data")
    read(split(), 0, tmp_path / "cache", store)
    hub.files = {**hub.files, "data/train-00001-of-00002.jsonl": lines(PAIRS[4:])}
    with pytest.raises(SourceError, match="it was pinned with"):
        read(split(), 0, tmp_path / "other", store)


def test_a_split_is_converted_once_and_again_where_its_file_is_damaged(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    shards = read_all(read, split(shards=2), cache)
    asked = len(hub.requests)
    read_all(read, split(shards=2), cache)
    assert len(hub.requests) == asked
    [converted] = (cache / "rows").glob("*-split.parquet")
    converted.write_bytes(converted.read_bytes()[:-9])
    assert read(split(shards=2), 0, cache).equals(shards[0])


def test_columns_of_bytes_are_left_out_and_others_arrive_as_they_are(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    rows = pl.DataFrame(
        {
            "image": [{"bytes": b"\xff", "path": "a.png"}, None],
            "question": ["Où?", None],
            "answer": [1, 2**53 + 1],
            "score": [0.1, None],
        }
    )
    hub.files = {f"data/train-{number}.parquet": as_parquet(rows) for number in range(2)}
    expected = [{"question": "Où?", "answer": "1"}, {"question": None, "answer": f"{2**53 + 1}"}]
    assert upstream(read(split(), 0, tmp_path / "cache")) == expected * 2
    [converted] = (tmp_path / "cache" / "rows").glob("*-split.parquet")
    assert pl.read_parquet_schema(converted).names() == ["question", "answer", "score"]


def test_a_format_that_only_the_library_reads_is_read_by_it(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    hub.files = {"train.jsonl.bz2": bz2.compress(lines(PAIRS))}
    assert upstream(read(split(), 0, tmp_path / "cache")) == PAIRS


def test_a_split_that_cannot_be_read_is_named_with_what_to_do(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    hub.files = {f"data/train-{number}.parquet": b"PAR1 no table PAR1" for number in range(2)}
    with pytest.raises(SourceError, match=rf"`datasets` cannot read {REPO} at .*as `hub.file`"):
        read(split(), 0, tmp_path / "cache")


def test_a_split_of_more_rows_than_are_written_at_once_is_whole(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    rows = pl.DataFrame({"question": map(str, range(20_001)), "answer": "yes"})
    hub.files = {
        "data/train-0.parquet": as_parquet(rows.head(12_345)),
        "data/train-1.parquet": as_parquet(rows.slice(12_345)),
    }
    assert read(split(), 0, tmp_path / "cache")["question"].to_list() == rows["question"].to_list()


def test_a_hub_that_stops_answering_in_between_is_worth_asking_later(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    def become_busy(request: str) -> None:
        hub.refusals = 999 if len(hub.requests) > 1 else 0

    hub.before = become_busy
    with pytest.raises(SourceUnavailableError):
        read(split(), 0, tmp_path / "cache")
    hub.before, hub.refusals = lambda request: None, 0
    assert upstream(read(split(), 0, tmp_path / "cache")) == PAIRS
