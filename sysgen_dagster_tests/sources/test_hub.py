"""Entries that leave something open: resolved once, pinned with the data, kept to afterwards."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.places import HubFile
from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.sources.finding import find_source
from sysgen_dagster.sources.hub import look_up
from sysgen_dagster.sources.pins import Pin
from sysgen_dagster.sources.recognition import SourceError, SourceUnavailableError
from sysgen_dagster.storage.store import Store
from sysgen_dagster_tests.sources.fake_hub import REPO, REVISION, FakeHub, Reader, reading_from
from sysgen_dagster_tests.sources.test_files import (
    FILE,
    PAIRS,
    as_parquet,
    checksum,
    lines,
    pairs,
    upstream,
)

CARD = b"---\nlicense: apache-2.0\n---\n# Chats\n"
OTHERS = lines([{"question": "Who?", "answer": "Me."}])


@pytest.fixture
def hub(running_hub: tuple[FakeHub, Reader]) -> FakeHub:
    """The Hub with one file of rows."""
    hub, _ = running_hub
    hub.renew()
    hub.files |= {"README.md": CARD, ".gitattributes": b"", FILE: lines(PAIRS)}
    return hub


def left_open(shards: int = 1, **given: str) -> Source:
    return pairs(shards=shards, hub=HubFile.model_validate({"repo": REPO, **given}))


def stored_pin(folder: Path) -> dict[str, Any]:
    [file] = (folder / "pins").glob("*.json")
    return Pin.model_validate_json(file.read_text()).model_dump(exclude_none=True)


# One file


@pytest.mark.parametrize(
    "given", [{}, {"file": FILE}, {"revision": REVISION}], ids=["nothing", "file", "revision"]
)
def test_the_only_file_of_the_newest_commit_is_read_and_pinned_with_the_data(
    hub: FakeHub, read: Reader, tmp_path: Path, given: dict[str, str]
) -> None:
    shard = read(left_open(**given), 0, tmp_path / "cache", Store(tmp_path / "data"))
    assert upstream(shard) == PAIRS
    assert set(shard["source_revision"]) == {REVISION}
    pin = stored_pin(tmp_path / "data")
    assert pin.pop("pinned_at").tzinfo is not None
    assert pin == {
        "asked": {"repo": REPO, **given},
        "repo": REPO,
        "revision": REVISION,
        "file": FILE,
        "sha256": checksum(lines(PAIRS)),
    }


@pytest.mark.parametrize("is_other_host", [False, True])
def test_a_hub_that_moves_on_changes_nothing(
    hub: FakeHub, read: Reader, tmp_path: Path, is_other_host: bool
) -> None:
    store = Store(tmp_path / "data")
    first = read(left_open(shards=2), 0, tmp_path / "cache", store)
    hub.move_on({"data/renamed.jsonl": OTHERS, "data/more.jsonl": OTHERS})
    cache = tmp_path / ("other cache" if is_other_host else "cache")
    second = read(left_open(shards=2), 1, cache, store)
    assert upstream(first) + upstream(second) == PAIRS
    assert set(second["source_revision"]) == {REVISION}


def test_once_it_is_pinned_and_in_the_cache_the_hub_is_not_asked(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    read(left_open(shards=2), 0, tmp_path / "cache", Store(tmp_path / "data"))
    hub.go_down()
    shard = read(left_open(shards=2), 1, tmp_path / "cache", Store(tmp_path / "data"))
    assert upstream(shard) == PAIRS[3:]


@pytest.mark.parametrize("caches", [("one", "one"), ("one", "two")], ids=["a host", "two hosts"])
def test_two_shards_at_once_agree_on_one_pin(
    hub: FakeHub, read: Reader, tmp_path: Path, caches: tuple[str, str]
) -> None:
    store = Store(tmp_path / "data")
    with reading_from(hub, tmp_path / "home") as other, ThreadPoolExecutor(3) as together:
        assert other(left_open(), 0, tmp_path / "warm").height == 7  # its libraries are loaded
        reading = [
            together.submit(reader, left_open(shards=2), index, tmp_path / cache, store)
            for index, (reader, cache) in enumerate(zip((read, other), caches, strict=True))
        ]
        together.submit(hub.move_on, {FILE: OTHERS * 7})
        shards = [each.result() for each in reading]
    pin = stored_pin(tmp_path / "data")
    assert {revision for shard in shards for revision in shard["source_revision"]} == {
        pin["revision"]
    }
    rows = [row for shard in shards for row in upstream(shard)]
    assert rows == (PAIRS if pin["revision"] == REVISION else [*rows[:1]] * 7)


def test_of_two_hosts_the_one_that_pins_first_says_what_both_read(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    store, entry = Store(tmp_path / "data"), left_open()
    with reading_from(hub, tmp_path / "home") as other:

        def be_overtaken(request: str) -> None:
            if request.startswith("GET /datasets/"):  # `read` knows the commit and fetches its file
                hub.before = lambda request: None
                hub.move_on({FILE: OTHERS})
                other(entry, 0, tmp_path / "other", store)

        hub.before = be_overtaken
        shard = read(entry, 0, tmp_path / "cache", store)
    assert f"GET /datasets/{REPO}/resolve/{REVISION}/{FILE}" in hub.requests
    assert set(shard["source_revision"]) == {hub.revision}
    assert shard.height == 1


def test_an_edited_entry_is_resolved_anew_and_the_old_one_keeps_its_pin(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    where = tmp_path / "cache", Store(tmp_path / "data")
    read(left_open(), 0, *where)
    hub.move_on({FILE: OTHERS})
    edited = read(left_open(file=FILE), 0, *where)
    assert set(edited["source_revision"]) == {hub.revision}
    assert set(read(left_open(), 0, *where)["source_revision"]) == {REVISION}


def test_a_file_that_the_hub_gives_otherwise_than_it_was_pinned_is_refused(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    store = Store(tmp_path / "data")
    read(left_open(), 0, tmp_path / "cache", store)
    hub.files[FILE] = OTHERS  # the commit is the same
    with pytest.raises(SourceError, match="it was pinned with"):
        read(left_open(), 0, tmp_path / "other", store)


def test_a_checksum_of_the_catalogue_holds_for_the_file_that_is_found(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="the catalogue expects 0000"):
        read(left_open(sha256="0" * 64), 0, tmp_path / "cache", Store(tmp_path / "data"))
    assert not (tmp_path / "data").exists()


# What the Hub refuses


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"repo": "no/body"}, r"the Hub has no no/body for this account .* set HF_TOKEN"),
        ({"revision": "f" * 40}, rf"the Hub has no {REPO} at f+ for this account"),
        ({"file": "none.jsonl"}, rf"the Hub has no {REPO}/none.jsonl at {REVISION} for this"),
        ({"repo": "a/b..c"}, "is nothing on the Hub .*; correct `hub`"),
    ],
    ids=["repo", "revision", "file", "no name"],
)
def test_what_the_hub_does_not_have_is_named(
    hub: FakeHub, read: Reader, tmp_path: Path, given: dict[str, str], what: str
) -> None:
    with pytest.raises(SourceError, match=f"sums: .*{what}") as error:
        read(left_open(**given), 0, tmp_path / "cache")
    assert error.type is SourceError
    assert not (tmp_path / "cache" / "pins").exists()


@pytest.mark.parametrize("more", [{}, {"data/more.jsonl": OTHERS}], ids=["a file", "a split"])
def test_a_gated_data_set_is_refused_with_what_to_set(
    hub: FakeHub, read: Reader, tmp_path: Path, more: dict[str, bytes]
) -> None:
    hub.is_gated = True
    hub.files |= more
    with pytest.raises(SourceError, match="set HF_TOKEN for a gated data set") as error:
        read(left_open(), 0, tmp_path / "cache")
    assert error.type is SourceError


@pytest.mark.parametrize("files", [{"README.md": CARD}, {"images.tar": b""}], ids=" ".join)
def test_a_data_set_without_files_of_rows_is_named(
    hub: FakeHub, read: Reader, tmp_path: Path, files: dict[str, bytes]
) -> None:
    hub.move_on(files)
    with pytest.raises(
        SourceError, match=rf"sums: `datasets` cannot read {REPO} at .*as `hub.file"
    ):
        read(left_open(), 0, tmp_path / "cache")


@pytest.mark.parametrize("state", ["down", "busy"])
def test_a_hub_that_does_not_answer_is_worth_asking_later_and_pins_nothing(
    hub: FakeHub, read: Reader, tmp_path: Path, state: str
) -> None:
    if state == "down":
        hub.go_down()
    hub.refusals = 99
    with pytest.raises(SourceUnavailableError):
        read(left_open(), 0, tmp_path / "cache")
    if state == "down":
        hub.start()
    hub.refusals = 0
    assert upstream(read(left_open(), 0, tmp_path / "cache")) == PAIRS


# The catalogue as shipped


def test_airoboros_as_shipped_is_ingested_without_hand_work(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    source = load_catalog(FULL_CATALOG).sources["airoboros"]
    assert source.hub is not None
    talk = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    rows = pl.DataFrame({"id": map(str, range(59_277))}).with_columns(
        conversations=pl.lit(talk, pl.List(pl.Struct({"from": pl.String, "value": pl.String}))),
        category=pl.lit("greeting"),
    )
    hub.repo, hub.files = source.hub.repo, {"README.md": CARD, "rows.parquet": as_parquet(rows)}
    where = tmp_path / "cache", Store(tmp_path / "data")
    first = read(source, 0, *where)
    hub.move_on({"rows.parquet": as_parquet(rows.head(5))})
    shards = [first, *(read(source, index, *where) for index in range(1, source.shards))]
    assert sum(shard.height for shard in shards) == 59_277
    assert pl.concat(shards)["id"].to_list() == rows["id"].to_list()
    assert stored_pin(tmp_path / "data")["file"] == "rows.parquet"


def test_a_data_set_that_is_not_the_one_of_the_catalogue_is_refused_by_its_rows(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    source = left_open().model_copy(update={"rows": 59_277})
    with pytest.raises(SourceError, match="has 7 rows, the catalogue expects 59,277"):
        read(source, 0, tmp_path / "cache")


# What is found for a user


@pytest.mark.parametrize(
    ("card", "license_"),
    [
        (b"license: mit", "mit"),
        (b"license: [mit, cc-by-4.0]", "mit and cc-by-4.0"),
        (b"license: other\nlicense_name: our-own", "our-own"),
        (b"license: other", "other"),
        (b"language: en", "unknown"),
        (b"license:", "unknown"),
    ],
)
def test_the_licence_is_what_the_card_says(
    hub: FakeHub, read: Reader, tmp_path: Path, card: bytes, license_: str
) -> None:
    hub.files["README.md"] = b"---\n" + card + b"\n---\n# Chats\n"
    found = read.call(find_source, f"hf://{REPO}", tmp_path, None, None)
    assert found.license == license_
    assert found.hub == HubFile(repo=REPO)
    assert found.said == (
        f"data set {REPO} on the Hub at {REVISION[:8]}, the newest commit, licence {license_}"
    )


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (f"hf://{REPO}", {}),
        (f"hf://datasets/{REPO}", {}),
        (f"https://huggingface.co/datasets/{REPO}", {}),
        (f"https://huggingface.co/datasets/{REPO}/", {}),
        (f"https://huggingface.co/datasets/{REPO}?library=datasets", {}),
        (f"huggingface.co/datasets/{REPO}#usage", {}),
        (f"http://hf.co/datasets/{REPO}", {}),
        (
            f"https://hf.co/datasets/{REPO}/viewer/long/test?row=3",
            {"config": "long", "split": "test"},
        ),
        (f"https://hf.co/datasets/{REPO}/viewer", {}),
        (
            f"https://hf.co/datasets/{REPO}/resolve/main/{FILE}?download=true",
            {"file": FILE, "revision": REVISION},
        ),
        (f"hf://{REPO}@main", {"revision": REVISION}),
        (f"hf://{REPO}@{REVISION}", {"revision": REVISION}),
        (f"hf://{REPO}/{FILE}", {"file": FILE}),
        (f"hf://{REPO}@{REVISION}/{FILE}", {"file": FILE, "revision": REVISION}),
        (
            f"https://huggingface.co/datasets/{REPO}/blob/main/{FILE}",
            {"file": FILE, "revision": REVISION},
        ),
    ],
)
def test_a_data_set_is_called_by_its_name_its_revision_and_a_file(
    hub: FakeHub, read: Reader, tmp_path: Path, text: str, given: dict[str, str]
) -> None:
    found = read.call(find_source, text, tmp_path, None, None)
    assert (found.name, found.title, found.path) == ("chats", REPO, None)
    assert found.hub == HubFile.model_validate({"repo": REPO, **given})


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("hf://no/body", "body: the Hub has no no/body for this account"),
        (f"hf://{REPO}@nowhere", f"chats: the Hub has no {REPO} at nowhere"),
        (f"hf://{REPO}/none.jsonl", f"has no such file that is one of .*, only {FILE}"),
    ],
)
def test_what_is_not_on_the_hub_is_said_when_it_is_looked_for(
    hub: FakeHub, read: Reader, tmp_path: Path, text: str, what: str
) -> None:
    with pytest.raises(SourceError, match=what):
        read.call(find_source, text, tmp_path, None, None)


def test_what_is_fetched_to_be_looked_at_is_what_the_assets_read(
    hub: FakeHub, read: Reader, tmp_path: Path
) -> None:
    store, cache = Store(tmp_path), tmp_path / "downloads"
    found = read.call(find_source, f"hf://{REPO}", tmp_path, None, None)
    path = read.call(found.fetch, cache, store)
    assert path.read_bytes() == lines(PAIRS)
    hub.move_on({FILE: OTHERS})
    assert upstream(read(pairs(hub=found.hub), 0, cache, store)) == PAIRS


def test_the_files_of_rows_are_looked_up(hub: FakeHub, read: Reader) -> None:
    hub.files["dataset_infos.json"] = b"{}"
    assert read.call(look_up, "chats", REPO, None).files == (FILE,)
