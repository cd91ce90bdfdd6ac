"""The upstream files: found once, checked, and cut into shards that lose and repeat nothing."""

import gzip
import hashlib
import json
import os
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.places import HubFile
from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.sources.files import SourceError, SourceUnavailableError
from sysgen_dagster.sources.tables import SOURCE_ROW, source_table
from sysgen_dagster_tests.sources.fake_hub import REPO, REVISION, FakeHub, Reader, reading_from

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
            "name": "sums",
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
            "name": "talks",
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
    path.write_bytes(content if isinstance(content, bytes) else written(path.name, content))
    return path


def written(name: str, rows: Sequence[Row]) -> bytes:
    """The content of a file with this name."""
    name = name.lower()
    if name.endswith(".gz"):
        return gzip.compress(written(name.removesuffix(".gz"), rows))
    if name.endswith(".parquet"):
        return as_parquet(pl.DataFrame(rows))
    if name.endswith((".csv", ".tsv")):
        separator = "\t" if name.endswith(".tsv") else ","
        return pl.DataFrame(rows).write_csv(separator=separator, quote_style="always").encode()
    return json.dumps(rows).encode() if name.endswith(".json") else lines(rows)


def as_parquet(rows: pl.DataFrame) -> bytes:
    file = BytesIO()
    rows.write_parquet(file)
    return file.getvalue()


def checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def upstream(shard: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows of a shard as they are upstream."""
    return shard.drop(SOURCE_ROW.keys()).to_dicts()


def read_all(read: Reader, source: Source, cache: Path) -> list[pl.DataFrame]:
    return [read(source, index, cache) for index in range(source.shards)]


@pytest.fixture
def hub(running_hub: tuple[FakeHub, Reader]) -> FakeHub:
    """The Hub with one file."""
    hub, _ = running_hub
    hub.renew()
    hub.files[FILE] = lines(PAIRS)
    return hub


def on_hub(shards: int = 1, rows: int | None = None, **changes: Any) -> Source:
    place = {"repo": REPO, "file": FILE, "revision": REVISION, **changes}
    return pairs(shards=shards, rows=rows, hub=HubFile.model_validate(place))


# A file on the Hub


def test_a_shard_of_a_file_on_the_hub_is_its_slice_in_order(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    shards = [read(on_hub(shards=3), index, tmp_path) for index in range(3)]
    assert [upstream(shard) for shard in shards] == [PAIRS[0:2], PAIRS[2:4], PAIRS[4:7]]
    assert [shard["source_row"].to_list() for shard in shards] == [[0, 1], [2, 3], [4, 5, 6]]
    assert {revision for shard in shards for revision in shard["source_revision"]} == {REVISION}
    assert shards[0].schema == source_table(on_hub()).schema


def test_the_file_is_fetched_once_for_all_shards(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    for index in range(3):
        read(on_hub(shards=3), index, tmp_path)
    assert hub.requests == [
        f"{method} /datasets/{REPO}/resolve/{REVISION}/{FILE}" for method in ("HEAD", "GET")
    ]


def test_a_cached_file_is_read_without_the_hub(hub: FakeHub, read: Reader, tmp_path: Path) -> None:
    before = read(on_hub(shards=2), 0, tmp_path)
    asked = len(hub.requests)
    hub.go_down()
    assert read(on_hub(shards=2), 0, tmp_path).equals(before)
    assert upstream(read(on_hub(shards=2), 1, tmp_path)) == PAIRS[3:]
    assert len(hub.requests) == asked


def test_two_processes_at_once_fetch_the_file_once(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    with reading_from(hub, tmp_path / "home") as other, ThreadPoolExecutor(2) as both:
        # Both have loaded their libraries after this one.
        warm = pairs(name="warm", path=put(tmp_path / "other.jsonl", PAIRS))
        assert all(reader(warm, 0, tmp_path).height for reader in (read, other))
        shards = both.map(
            lambda reader, index: reader(on_hub(shards=2), index, tmp_path / "cache"),
            (read, other),
            range(2),
        )
        assert [upstream(shard) for shard in shards] == [PAIRS[:3], PAIRS[3:]]
    assert hub.downloads == 1


def test_a_file_beside_the_catalogues_is_not_fetched(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    hub.files["data/other.jsonl"] = b"no rows"
    read(on_hub(), 0, tmp_path)
    assert not any("other" in request for request in hub.requests)


def test_a_hub_that_is_busy_is_asked_again(hub: FakeHub, read: Reader, tmp_path: Path) -> None:
    hub.refusals = 3
    assert upstream(read(on_hub(), 0, tmp_path)) == PAIRS
    assert len(hub.requests) == 3 + 2


def test_a_download_that_breaks_off_is_taken_up_where_it_ended(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    hub.breaks = 2
    assert upstream(read(on_hub(), 0, tmp_path)) == PAIRS
    assert hub.downloads == 3


@pytest.mark.parametrize("state", ["down", "busy"])
def test_a_hub_that_does_not_answer_is_worth_asking_later(
    hub: FakeHub, read: Reader, tmp_path: Path, state: str
) -> None:
    if state == "down":
        hub.go_down()
    hub.refusals = 99
    with pytest.raises(SourceUnavailableError) as error:
        read(on_hub(), 0, tmp_path)
    assert error.value.may_come_back
    message = str(error.value)
    assert message.startswith(f"sums: the Hub did not give {REPO}/{FILE} at {REVISION} (")
    assert message.endswith(
        "Try again later, set HF_ENDPOINT to a mirror, or fetch the file by hand and give it as "
        "`path` in the catalogue"
    )


def test_a_hub_that_is_back_is_read_after_it_was_down(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    hub.go_down()
    with pytest.raises(SourceUnavailableError):
        read(on_hub(), 0, tmp_path)
    hub.start()
    assert upstream(read(on_hub(), 0, tmp_path)) == PAIRS


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
    hub: FakeHub, read: Reader, tmp_path: Path, wrong: dict[str, str], where: str, what: str
) -> None:
    with pytest.raises(SourceError) as error:
        read(on_hub(**wrong), 0, tmp_path)
    assert error.type is SourceError
    assert not error.value.may_come_back
    assert len(hub.requests) == 1
    assert str(error.value) == (
        f"sums: the Hub has no {where} for this account ({what}); correct `hub` in the catalogue, "
        "or set HF_TOKEN for a gated data set"
    )


def test_a_file_with_the_expected_checksum_is_read(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    source = on_hub(sha256=checksum(hub.files[FILE]))
    assert upstream(read(source, 0, tmp_path)) == PAIRS


def test_a_file_with_another_checksum_is_refused(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    with pytest.raises(SourceError) as error:
        read(on_hub(sha256="0" * 64), 0, tmp_path)
    assert error.type is SourceError
    message = str(error.value)
    assert message.startswith(f"sums: {tmp_path / 'hub'}")
    assert f"has sha256 {checksum(lines(PAIRS))}, the catalogue expects {'0' * 64}" in message
    assert f"Delete {tmp_path / 'hub'} to fetch it again" in message


def test_a_file_on_the_hub_with_other_rows_than_the_catalogue_says_is_refused(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    assert upstream(read(on_hub(rows=7), 0, tmp_path)) == PAIRS
    with pytest.raises(SourceError, match="has 7 rows, the catalogue expects 16,006"):
        read(on_hub(rows=16_006), 0, tmp_path)


def test_a_local_file_is_read_without_the_hub(hub: FakeHub, read: Reader, tmp_path: Path) -> None:
    path = put(tmp_path / "pairs.jsonl", PAIRS)
    assert upstream(read(pairs(path=path), 0, tmp_path / "cache")) == PAIRS
    assert hub.requests == []


# A local file


@pytest.mark.parametrize(
    "name",
    [
        *("pairs.parquet", "pairs.jsonl", "pairs.json", "pairs.ndjson", "pairs.csv", "pairs.tsv"),
        *("pairs.jsonl.gz", "pairs.json.gz", "pairs.csv.gz", "PAIRS.PARQUET", "Pairs.JSONL"),
        *("pairs.CSV", "pairs.Csv.GZ"),
    ],
)
def test_a_local_file_of_any_format_gives_the_same_rows(
    read: Reader, tmp_path: Path, name: str
) -> None:
    path = put(tmp_path / name, PAIRS)
    (shard,) = read_all(read, pairs(path=path), tmp_path / "cache")
    assert upstream(shard) == PAIRS
    assert shard.schema == source_table(pairs(path=path)).schema
    assert set(shard["source_revision"]) == {f"local:{checksum(path.read_bytes())}"}


def test_a_json_file_may_hold_lines_and_a_lines_file_blank_ones(
    read: Reader, tmp_path: Path
) -> None:
    as_json = put(tmp_path / "lines.json", lines(PAIRS))
    with_blanks = put(tmp_path / "blank.jsonl", lines(PAIRS).replace(b"\n", b"\r\n\n"))
    for path in (as_json, with_blanks):
        assert upstream(read(pairs(path=path), 0, tmp_path / "cache")) == PAIRS


def test_text_arrives_as_it_is(read: Reader, tmp_path: Path) -> None:
    awkward = [
        "",
        " ",
        "a\r\nb\tc",
        "null",
        "語 😀\u200d",
        "<<Role>> {{ x }}",
        "1",
        "e\u0301",
        "\0",
    ]
    rows = [{"question": text, "answer": text * 2} for text in awkward]
    for name in ("rows.jsonl", "rows.json", "rows.parquet", "rows.csv"):
        source = pairs(name="odd", path=put(tmp_path / name, rows))
        assert upstream(read(source, 0, tmp_path / "cache")) == rows


def test_a_row_may_lack_a_value_and_a_column_all_values(read: Reader, tmp_path: Path) -> None:
    path = put(tmp_path / "rows.jsonl", [{"question": "Why?"}, {"answer": None}])
    assert upstream(read(pairs(path=path), 0, tmp_path / "cache")) == [
        {"question": "Why?", "answer": None},
        {"question": None, "answer": None},
    ]


def test_columns_the_catalogue_does_not_list_are_left_out(read: Reader, tmp_path: Path) -> None:
    rows = [{"score": 1, **row, "tags": ["x"]} for row in PAIRS]
    path = put(tmp_path / "pairs.jsonl", rows)
    assert upstream(read(pairs(path=path), 0, tmp_path / "cache")) == PAIRS


def test_a_file_that_was_changed_is_read_anew(read: Reader, tmp_path: Path) -> None:
    path, cache = put(tmp_path / "pairs.jsonl", PAIRS), tmp_path / "cache"
    before = read(pairs(path=path), 0, cache)
    put(path, PAIRS[:2])
    after = read(pairs(path=path), 0, cache)
    assert upstream(after) == PAIRS[:2]
    assert before["source_revision"][0] != after["source_revision"][0]


# A folder of files


@pytest.mark.parametrize("ending", [".parquet", ".jsonl", ".csv", ".json.gz"])
def test_the_files_of_a_folder_are_one_source_in_the_order_of_their_names(
    read: Reader, tmp_path: Path, ending: str
) -> None:
    folder = tmp_path / "pairs"
    for number, part in enumerate((PAIRS[:2], PAIRS[2:3], PAIRS[3:])):
        put(folder / f"train-{number:05}{ending}", part)
    put(folder / f"test-00000{ending}", PAIRS[:1])
    put(folder / "README.md", b"---\nlicense: mit\n---\n")
    shards = read_all(read, pairs(path=folder, shards=3), tmp_path / "cache")
    assert [row for shard in shards for row in upstream(shard)] == PAIRS
    assert [row for shard in shards for row in shard["source_row"]] == list(range(7))
    [revision] = {revision for shard in shards for revision in shard["source_revision"]}
    assert len(revision.removeprefix("local:")) == 64


def test_a_folder_has_another_revision_when_any_of_its_files_has_other_rows_or_another_name(
    read: Reader, tmp_path: Path
) -> None:
    folder = tmp_path / "pairs"
    for number in range(3):
        put(folder / f"{number}.jsonl", PAIRS[number : number + 1])

    def revision() -> str:
        return str(read(pairs(path=folder), 0, tmp_path / "cache")["source_revision"][0])

    seen = [revision(), revision()]
    put(folder / "README.md", b"other words")
    seen.append(revision())
    assert len(set(seen)) == 1
    put(folder / "1.jsonl", PAIRS[5:6])
    seen.append(revision())
    (folder / "2.jsonl").rename(folder / "0a.jsonl")
    seen.append(revision())
    (folder / "0.jsonl").unlink()
    seen.append(revision())
    assert len(set(seen)) == 4


def test_parquet_files_of_a_folder_may_differ_in_their_types(read: Reader, tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    put(folder / "0.parquet", PAIRS[:2])
    put(folder / "1.parquet", [{"answer": 4, "question": "What is 2 + 2?", "more": None}])
    put(folder / "2.parquet", PAIRS[2:3])
    four = {"question": "What is 2 + 2?", "answer": "4"}
    expected = [*PAIRS[:2], four, PAIRS[2]]
    assert upstream(read(pairs(path=folder), 0, tmp_path / "cache")) == expected


@pytest.mark.parametrize("ending", [".parquet", ".jsonl", ".csv"])
def test_of_a_folder_the_file_that_cannot_be_read_is_named(
    read: Reader, tmp_path: Path, ending: str
) -> None:
    folder = tmp_path / "pairs"
    put(folder / f"0{ending}", PAIRS)
    broken = put(folder / f"1{ending}", b"<!DOCTYPE html>")
    with pytest.raises(SourceError) as error:
        read(pairs(path=folder), 0, tmp_path / "cache")
    kind = ending.removeprefix(".")
    assert str(error.value) == (
        f"sums: {broken} cannot be read as {kind} (it is an HTML page, as of a login or an error); "
        "download the file itself"
    )


# Shards


@pytest.mark.parametrize("shards", [1, 2, 3, 7, 25])
@pytest.mark.parametrize("rows", [1, 2, 7, 24])
def test_shards_hold_every_row_once_in_order_and_are_even(
    read: Reader, tmp_path: Path, rows: int, shards: int
) -> None:
    given = [{"question": f"{row}", "answer": "yes"} for row in range(rows)]
    path = put(tmp_path / "rows.jsonl", given)
    parts = read_all(read, pairs(path=path, shards=shards), tmp_path / "cache")
    assert [row for part in parts for row in upstream(part)] == given
    assert [row for part in parts for row in part["source_row"]] == list(range(rows))
    heights = {part.height for part in parts}
    assert max(heights) - min(heights) <= 1


def test_a_shard_without_rows_has_the_columns_of_the_others(read: Reader, tmp_path: Path) -> None:
    path = put(tmp_path / "rows.jsonl", PAIRS[:1])
    empty, full = read_all(read, pairs(path=path, shards=2), tmp_path / "cache")
    assert (empty.height, full.height) == (0, 1)
    assert empty.schema == full.schema


def test_a_converted_file_whose_bits_have_flipped_is_converted_again(
    read: Reader, tmp_path: Path
) -> None:
    given = [{"question": f"{row}", "answer": "yes"} for row in range(50)]
    source = pairs(path=put(tmp_path / "rows.jsonl", given))
    assert upstream(read(source, 0, tmp_path / "cache")) == given
    [converted] = (tmp_path / "cache").rglob("*.parquet")
    content = converted.read_bytes()
    for bit in random.Random(5).sample(range(len(content) * 8), 300):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        converted.write_bytes(damaged)
        assert upstream(read(source, 0, tmp_path / "cache")) == given


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: bytes(len(content)),
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1024] + bytes(1024),
        lambda content: content + b"more",
    ],
    ids=["empty", "zeros", "cut off", "a sector of zeros at its end", "longer"],
)
def test_a_converted_file_that_has_lost_its_digests_is_converted_again(
    read: Reader, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    given = [{"question": f"{row} {row % 7}", "answer": f"yes {row}"} for row in range(500)]
    source = pairs(path=put(tmp_path / "rows.jsonl", given))
    assert upstream(read(source, 0, tmp_path / "cache")) == given
    [converted] = (tmp_path / "cache").rglob("*.parquet")
    converted.write_bytes(damage(converted.read_bytes()))
    assert upstream(read(source, 0, tmp_path / "cache")) == given


# Equal rows


def test_occurrence_counts_the_equal_rows_before_also_those_of_other_shards(
    read: Reader,
    tmp_path: Path,
) -> None:
    rows = [{"question": letter, "answer": "yes"} for letter in "ABAACBA"]
    source = pairs(name="letters", path=put(tmp_path / "rows.jsonl", rows), shards=3)
    shards = read_all(read, source, tmp_path / "cache")
    assert [shard["occurrence"].to_list() for shard in shards] == [[0, 0], [1, 2], [0, 1, 3]]


def test_rows_are_equal_when_their_exchanges_are(read: Reader, tmp_path: Path) -> None:
    hi, hello = {"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}
    turns: list[Any] = [[hi, hello], [hello, hi], [hi, hello], [hi], [], None, [], None]
    rows = [{"id": f"{index}", "turns": turn} for index, turn in enumerate(turns)]
    shard = read(talks(put(tmp_path / "a.parquet", rows)), 0, tmp_path / "cache")
    assert shard["occurrence"].to_list() == [0, 0, 1, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("a", "b"), ("b", "a")),
        (("a", "a"), ("b", "b")),
        (("ab", "c"), ("a", "bc")),
        (("a", None), (None, "a")),
        (("a", ""), ("a", None)),
        (("a", "b"), ("a", "b ")),
    ],
)
def test_rows_that_differ_are_not_taken_for_equal(
    read: Reader, tmp_path: Path, first: tuple[str, str], second: tuple[str, str]
) -> None:
    rows = [dict(zip(("question", "answer"), row, strict=True)) for row in (first, second)]
    path = put(tmp_path / "rows.jsonl", rows)
    shard = read(pairs(path=path), 0, tmp_path / "cache")
    assert shard["occurrence"].to_list() == [0, 0]


def test_occurrence_counts_over_a_file_of_many_rows(read: Reader, tmp_path: Path) -> None:
    numbers = [row % 12_345 for row in range(25_000)]
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"question": map(str, numbers), "answer": "yes"}).write_parquet(path)
    shards = read_all(read, pairs(path=path, shards=2), tmp_path / "cache")
    assert [row for shard in shards for row in shard["occurrence"]] == [
        row // 12_345 for row in range(25_000)
    ]


# Files that cannot be read, each with one error that names the source, the file and the fix


BROKEN_FILES = {
    "corrupt parquet": ("rows.parquet", b"PAR1 this is no table PAR1"),
    "half a parquet": ("rows.parquet", None),
    "truncated json": ("rows.json", json.dumps(PAIRS).encode()[:-9]),
    "truncated jsonl": ("rows.jsonl", lines(PAIRS)[:-9]),
    "no json": ("rows.json", b"question,answer\nWhy?,Because\n"),
    "no rows": ("rows.json", b"[]"),
    "no lines": ("rows.jsonl", b"\n \n"),
    "no rows of a csv": ("rows.csv", b"question,answer\n"),
    "no rows of a table": ("rows.parquet", as_parquet(pl.DataFrame(PAIRS).clear())),
}


@pytest.mark.parametrize("fault", BROKEN_FILES)
def test_a_broken_file_is_named_and_to_be_replaced(
    read: Reader, tmp_path: Path, fault: str
) -> None:
    name, content = BROKEN_FILES[fault]
    whole = put(tmp_path / "whole.parquet", PAIRS).read_bytes()
    path = put(tmp_path / name, whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(SourceError) as error:
        read(pairs(path=path), 0, tmp_path / "cache")
    assert error.type is SourceError
    message = str(error.value)
    assert message.startswith(f"sums: {path} cannot be read as {path.suffix[1:]} (")
    assert message.endswith(("replace the file", "fetch it again"))


def test_a_broken_file_can_be_replaced(read: Reader, tmp_path: Path) -> None:
    path = put(tmp_path / "rows.jsonl", lines(PAIRS)[:-9])
    with pytest.raises(SourceError):
        read(pairs(path=path), 0, tmp_path / "cache")
    put(path, PAIRS)
    assert upstream(read(pairs(path=path), 0, tmp_path / "cache")) == PAIRS


@pytest.mark.parametrize("name", ["rows.txt", "rows.jsonl.zst", "rows.parquet.gz", "rows"])
def test_a_file_of_an_unknown_format_is_named_and_to_be_converted(
    read: Reader, tmp_path: Path, name: str
) -> None:
    path = put(tmp_path / name, lines(PAIRS))
    with pytest.raises(SourceError) as error:
        read(pairs(path=path), 0, tmp_path / "cache")
    assert str(error.value) == (
        f"sums: {path} is none of .parquet, .jsonl, .ndjson, .json, .csv, .tsv (all but .parquet "
        "also with .gz); it is JSON, end its name in .jsonl"
    )


def test_a_missing_file_is_named_and_the_field_to_correct(read: Reader, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with pytest.raises(SourceError) as error:
        read(pairs(path=path), 0, tmp_path / "cache")
    assert error.type is SourceError
    assert str(error.value) == (f"sums: there is no file {path}; correct `path` in the catalogue")


def test_a_file_with_other_rows_than_the_catalogue_says_is_refused(
    read: Reader, tmp_path: Path
) -> None:
    path = put(tmp_path / "rows.jsonl", PAIRS)
    with pytest.raises(SourceError) as error:
        read(pairs(path=path, rows=8), 0, tmp_path / "cache")
    assert str(error.value) == (
        f"sums: {path} has 7 rows, the catalogue expects 8; give the right file, or correct `rows`"
    )


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([{"question": "Why?"}], "it has no column 'answer', only question"),
        ([{"question": "Why?", "answer": ["So."]}], "it has 'answer' as a list, not as text"),
    ],
    ids=["missing", "list"],
)
def test_a_column_that_is_not_the_catalogues_is_named(
    read: Reader, tmp_path: Path, rows: list[Row], fault: str
) -> None:
    path = put(tmp_path / "rows.jsonl", rows)
    with pytest.raises(SourceError) as error:
        read(pairs(path=path), 0, tmp_path / "cache")
    assert str(error.value) == (
        f"sums: {path} cannot be read as jsonl ({fault}); give the file in the upstream schema, or "
        "correct `shape` and `columns` in the catalogue"
    )


def test_a_field_that_is_not_the_catalogues_is_named(read: Reader, tmp_path: Path) -> None:
    rows = [{"id": "a", "turns": [{"role": "user", "content": "Hi"}]}]
    path = put(tmp_path / "rows.jsonl", rows)
    with pytest.raises(SourceError, match=r"has 'turns' as .*role.*, not as .*from.*give the file"):
        read(talks(path), 0, tmp_path / "cache")


# The five sources


def local(name: str, path: Path, shards: int) -> Source:
    """A source as shipped, but from a file on this machine."""
    changes = {"hub": None, "path": path, "rows": None, "shards": shards}
    return CATALOG.sources[name].model_copy(update=changes)


@pytest.mark.parametrize("name", CATALOG.sources)
def test_the_example_rows_of_every_source_are_read_with_the_catalogues_columns(
    read: Reader, tmp_path: Path, name: str
) -> None:
    path = EXAMPLE_ROWS / f"{name}.jsonl"
    source = local(name, path, shards=4)
    shards = read_all(read, source, tmp_path)
    expected = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row for shard in shards for row in upstream(shard)] == expected
    assert all(shard.schema == source_table(source).schema for shard in shards)


@pytest.mark.parametrize(
    ("name", "repeated"), [("metamath", {17}), ("magicoder", {21}), ("capybara", set())]
)
def test_the_repeated_example_rows_are_counted(
    read: Reader, tmp_path: Path, name: str, repeated: set[int]
) -> None:
    source = local(name, EXAMPLE_ROWS / f"{name}.jsonl", shards=2)
    rows = pl.concat(read_all(read, source, tmp_path))
    assert set(rows.filter(pl.col("occurrence") > 0)["source_row"]) == repeated


@pytest.mark.skipif(not REAL_ROWS.is_dir(), reason=f"real rows are not here ({REAL_ROWS})")
@pytest.mark.parametrize("name", CATALOG.sources)
def test_real_rows_of_every_source_all_arrive(read: Reader, tmp_path: Path, name: str) -> None:
    path = REAL_ROWS / f"{name}.parquet"
    source = local(name, path, shards=6)
    shards = read_all(read, source, tmp_path)
    rows = pl.concat(shards)
    expected = pl.read_parquet(path, columns=list(source.columns))
    assert sum(shard.height for shard in shards) == expected.height
    assert rows["source_row"].to_list() == list(range(expected.height))
    assert upstream(rows) == expected.select(source.columns.keys()).to_dicts()


@pytest.mark.parametrize("place", ["hub", "path"])
def test_no_host_but_the_hub_is_contacted(
    hub: FakeHub, read: Reader, tmp_path: Path, place: str
) -> None:
    read.turned_away()
    local_file = put(tmp_path / "pairs.jsonl", PAIRS)
    read(on_hub() if place == "hub" else pairs(path=local_file), 0, tmp_path / "cache")
    assert read.turned_away() == []


def test_a_hub_that_never_gives_a_whole_file_is_worth_asking_later(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    hub.breaks = 99
    with pytest.raises(SourceUnavailableError):
        read(on_hub(), 0, tmp_path)


def test_a_repo_that_is_no_name_is_a_fault_of_the_catalogue(read: Reader, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="sums: "):
        read(on_hub(repo="a/b..c"), 0, tmp_path)


def test_a_lines_file_without_rows_is_named(read: Reader, tmp_path: Path) -> None:
    path = put(tmp_path / "rows.jsonl", b"")
    with pytest.raises(SourceError, match=r"sums.*rows\.jsonl"):
        read(pairs(path=path), 0, tmp_path / "cache")


def test_answers_that_are_numbers_and_texts_are_text(read: Reader, tmp_path: Path) -> None:
    rows = [{"question": "How many?", "answer": answer} for answer in (2, "two")]
    path = put(tmp_path / "rows.jsonl", rows)
    shard = read(pairs(path=path), 0, tmp_path / "cache")
    assert shard["answer"].to_list() == ["2", "two"]


def test_answers_that_are_all_dates_are_text(read: Reader, tmp_path: Path) -> None:
    rows = [{"question": "When?", "answer": "2020-01-01"}]
    path = put(tmp_path / "rows.jsonl", rows)
    assert upstream(read(pairs(path=path), 0, tmp_path / "cache")) == rows


@pytest.mark.parametrize("folder", ["run[1]", "a::b"])
def test_a_file_may_lie_in_a_folder_of_any_name(read: Reader, tmp_path: Path, folder: str) -> None:
    path = put(tmp_path / folder / "pairs.jsonl", PAIRS)
    assert upstream(read(pairs(path=path), 0, tmp_path / "cache")) == PAIRS


def test_a_file_that_was_changed_and_kept_its_time_is_read_anew(
    read: Reader, tmp_path: Path
) -> None:
    path, cache = tmp_path / "pairs.jsonl", tmp_path / "cache"
    for rows in (PAIRS, PAIRS[:2]):
        os.utime(put(path, rows), (1e9, 1e9))
        assert upstream(read(pairs(path=path), 0, cache)) == rows


def test_a_file_that_is_not_utf_8_is_named(hub: FakeHub, tmp_path: Path) -> None:
    path = put(tmp_path / "rows.jsonl", '{"question": "Où?", "answer": "Là."}\n'.encode("latin-1"))
    with (
        reading_from(hub, tmp_path / "home") as read,  # it may not live through this
        pytest.raises(SourceError, match="sums: "),
    ):
        read(pairs(path=path), 0, tmp_path / "cache")
