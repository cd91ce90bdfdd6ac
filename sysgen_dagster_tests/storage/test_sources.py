"""The upstream files: found once, checked, and cut into shards that lose and repeat nothing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.catalog import FULL_CATALOG, HubFile, Source, load_catalog
from sysgen_dagster.storage.sources import SourceError, SourceUnavailableError, read_shard
from sysgen_dagster.sysgen.tables import SOURCE_ROW, TableError, polars_schema, source_columns
from sysgen_dagster_tests.storage.fake_hub import REPO, REVISION, FakeHub, Read, reading_from

Row = Mapping[str, Any]

CATALOG = load_catalog(FULL_CATALOG)
ROOT = Path(__file__).parents[2]
EXAMPLE_ROWS = ROOT / "sysgen_dagster" / "example_rows"
REAL_ROWS = ROOT.parent / "shared" / "data"

FILE = "data/pairs.jsonl"
PAIRS: Sequence[Row] = [
    {"question": f"What is {number} + {number}?", "answer": f"It is {2 * number}."}
    for number in range(7)
]


def pairs(*, shards: int = 1, **place: Any) -> Source:
    """A source of questions and answers in a file that `place` gives."""
    return Source.model_validate(
        {
            "title": "Pairs",
            "license": "mit",
            "shards": shards,
            "columns": {"question": "string", "answer": "string"},
            "shape": {"kind": "question_answer", "question": "question", "answer": "answer"},
            **place,
        }
    )


def talks(path: Path) -> Source:
    """A source of conversations in a local file, each row with an id."""
    return Source.model_validate(
        {
            "title": "Talks",
            "license": "mit",
            "path": path,
            "shards": 1,
            "columns": {"id": "string", "turns": ["from", "value"]},
            "shape": {"kind": "sharegpt", "column": "turns"},
        }
    )


def lines(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def put(path: Path, content: bytes | Sequence[Row]) -> Path:
    """The path of a new file with some bytes, or with rows in the format of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif path.suffix == ".parquet":
        pl.DataFrame(content).write_parquet(path)
    else:
        path.write_bytes(lines(content) if path.suffix == ".jsonl" else json.dumps(content).encode())
    return path


def upstream(shard: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows of a shard as they are upstream."""
    return shard.drop(SOURCE_ROW.keys()).to_dicts()


def read_all(name: str, source: Source, cache: Path) -> list[pl.DataFrame]:
    return [read_shard(name, source, index, cache) for index in range(source.shards)]


@pytest.fixture(scope="module")
def running_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeHub, Read]]:
    hub = FakeHub()
    hub.start()
    with reading_from(hub, tmp_path_factory.mktemp("home")) as read:
        yield hub, read
    hub.go_down()


@pytest.fixture
def hub(running_hub: tuple[FakeHub, Read]) -> FakeHub:
    """The Hub with one file."""
    hub, _ = running_hub
    hub.renew()
    hub.files[FILE] = lines(PAIRS)
    return hub


@pytest.fixture
def read(running_hub: tuple[FakeHub, Read]) -> Read:
    """`read_shard` in a process whose Hub is `hub`."""
    return running_hub[1]


def on_hub(shards: int = 1, rows: int | None = None, **changes: Any) -> Source:
    place = {"repo": REPO, "file": FILE, "revision": REVISION, **changes}
    return pairs(shards=shards, rows=rows, hub=HubFile.model_validate(place))


# A file on the Hub


def test_a_shard_of_a_file_on_the_hub_is_its_slice_in_order(
    hub: FakeHub, read: Read, tmp_path: Path
) -> None:
    shards = [read("sums", on_hub(shards=3), index, tmp_path) for index in range(3)]
    assert [upstream(shard) for shard in shards] == [PAIRS[0:2], PAIRS[2:4], PAIRS[4:7]]
    assert [shard["source_row"].to_list() for shard in shards] == [[0, 1], [2, 3], [4, 5, 6]]
    assert {revision for shard in shards for revision in shard["source_revision"]} == {REVISION}
    assert shards[0].schema == polars_schema(source_columns(on_hub()))


def test_the_file_is_fetched_once_for_all_shards(hub: FakeHub, read: Read, tmp_path: Path) -> None:
    for index in range(3):
        read("sums", on_hub(shards=3), index, tmp_path)
    assert hub.requests == [
        f"{method} /datasets/{REPO}/resolve/{REVISION}/{FILE}" for method in ("HEAD", "GET")
    ]


def test_a_cached_file_is_read_without_the_hub(hub: FakeHub, read: Read, tmp_path: Path) -> None:
    before = read("sums", on_hub(shards=2), 0, tmp_path)
    asked = len(hub.requests)
    hub.go_down()
    assert read("sums", on_hub(shards=2), 0, tmp_path).equals(before)
    assert upstream(read("sums", on_hub(shards=2), 1, tmp_path)) == PAIRS[3:]
    assert len(hub.requests) == asked


def test_a_file_beside_the_catalogues_is_not_fetched(
    hub: FakeHub, read: Read, tmp_path: Path
) -> None:
    hub.files["data/other.jsonl"] = b"no rows"
    read("sums", on_hub(), 0, tmp_path)
    assert not any("other" in request for request in hub.requests)


def test_a_hub_that_is_busy_is_asked_again(hub: FakeHub, read: Read, tmp_path: Path) -> None:
    hub.refusals = 3
    assert upstream(read("sums", on_hub(), 0, tmp_path)) == PAIRS
    assert len(hub.requests) == 3 + 2


def test_a_download_that_breaks_off_is_taken_up_where_it_ended(
    hub: FakeHub, read: Read, tmp_path: Path
) -> None:
    hub.breaks = 2
    assert upstream(read("sums", on_hub(), 0, tmp_path)) == PAIRS
    assert hub.downloads == 3


@pytest.mark.parametrize("state", ["down", "busy"])
def test_a_hub_that_does_not_answer_is_worth_asking_later(
    hub: FakeHub, read: Read, tmp_path: Path, state: str
) -> None:
    if state == "down":
        hub.go_down()
    hub.refusals = 99
    with pytest.raises(SourceUnavailableError) as error:
        read("sums", on_hub(), 0, tmp_path)
    message = str(error.value)
    assert message.startswith(f"sums: the Hub did not give {REPO}/{FILE} at {REVISION} (")
    assert message.endswith(
        "Try again later, set HF_ENDPOINT to a mirror, or fetch the file by hand and give it as "
        "`path` in the catalogue"
    )


def test_a_hub_that_is_back_is_read_after_it_was_down(
    hub: FakeHub, read: Read, tmp_path: Path
) -> None:
    hub.go_down()
    with pytest.raises(SourceUnavailableError):
        read("sums", on_hub(), 0, tmp_path)
    hub.start()
    assert upstream(read("sums", on_hub(), 0, tmp_path)) == PAIRS


@pytest.mark.parametrize(
    ("wrong", "where", "what"),
    [
        ({"file": "pairs.jsonl"}, f"{REPO}/pairs.jsonl at {REVISION}", "RemoteEntryNotFoundError"),
        ({"repo": "no/body"}, f"no/body/{FILE} at {REVISION}", "RepositoryNotFoundError"),
        ({"revision": "f" * 40}, f"{REPO}/{FILE} at {'f' * 40}", "RevisionNotFoundError"),
    ],
    ids=["file", "repo", "revision"],
)
def test_what_the_hub_does_not_have_is_not_asked_for_again(
    hub: FakeHub, read: Read, tmp_path: Path, wrong: dict[str, str], where: str, what: str
) -> None:
    with pytest.raises(SourceError) as error:
        read("sums", on_hub(**wrong), 0, tmp_path)
    assert error.type is SourceError
    assert len(hub.requests) == 1
    assert str(error.value) == (
        f"sums: the Hub has no {where} for this account ({what}); correct `hub` in the catalogue, "
        "or set HF_TOKEN for a gated data set"
    )


def test_a_file_with_the_expected_checksum_is_read(
    hub: FakeHub, read: Read, tmp_path: Path
) -> None:
    sha256 = "e0b3a8d9a9c8e5b1"  # replaced below
    assert sha256
    source = on_hub(sha256=checksum(hub.files[FILE]))
    assert upstream(read("sums", source, 0, tmp_path)) == PAIRS


def test_a_file_with_another_checksum_is_refused(hub: FakeHub, read: Read, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as error:
        read("sums", on_hub(sha256="0" * 64), 0, tmp_path)
    assert error.type is SourceError
    message = str(error.value)
    assert message.startswith(f"sums: {tmp_path / 'hub'}")
    assert f"has sha256 {checksum(lines(PAIRS))}, the catalogue expects {'0' * 64}" in message
    assert f"Delete {tmp_path / 'hub'} to fetch it again" in message


def test_a_file_on_the_hub_with_other_rows_than_the_catalogue_says_is_refused(
    hub: FakeHub, read: Read, tmp_path: Path
) -> None:
    assert upstream(read("sums", on_hub(rows=7), 0, tmp_path)) == PAIRS
    with pytest.raises(SourceError, match="has 7 rows, the catalogue expects 16,006"):
        read("sums", on_hub(rows=16_006), 0, tmp_path)


def test_a_local_file_is_read_without_the_hub(hub: FakeHub, read: Read, tmp_path: Path) -> None:
    path = put(tmp_path / "pairs.jsonl", PAIRS)
    assert upstream(read("sums", pairs(path=path), 0, tmp_path / "cache")) == PAIRS
    assert hub.requests == []


def test_airoboros_as_shipped_says_what_to_look_up(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as error:
        read_shard("airoboros", CATALOG.sources["airoboros"], 0, tmp_path)
    assert error.type is SourceError
    assert str(error.value) == (
        "airoboros: the catalogue does not pin jondurbin/airoboros-3.1 to a file and a commit. "
        "Look both up on its page on the Hub once and write them to `hub.file` and `hub.revision` "
        "of your catalogue (SYSGEN_CATALOG), or give a local file as `path` instead of `hub`"
    )
