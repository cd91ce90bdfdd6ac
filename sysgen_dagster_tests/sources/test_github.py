"""Pinned files of GitHub, fetched once from a server that stands for it."""

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sysgen_dagster.catalog.evaluation import IFEval
from sysgen_dagster.catalog.places import GitHubFiles
from sysgen_dagster.catalog.sources import Benchmark, Source, UpstreamFile
from sysgen_dagster.lanes.multifaceted.settings import InstructionSource
from sysgen_dagster.sources import github
from sysgen_dagster.sources.benchmark_items import read_items
from sysgen_dagster.sources.github import fetch_files
from sysgen_dagster.sources.places import locate
from sysgen_dagster.sources.recognition import SourceError, SourceUnavailableError
from sysgen_dagster.sources.whole_sources import read_conversations

COMMIT = "0123456789" * 4
CONTENT = b'{"key": 1}\n'
BLOB = "a3ac0922cf56e89e4968721d3b4ac7d584cf7b84"
PATHS = [f"data/{name}.jsonl" for name in ("one", "two", "of the test/one")]
PLACES = [f"/org/bench/{COMMIT}/{path.replace(' ', '%20')}" for path in PATHS]


class GitHub:
    """Answers with `content`, or with `status`, and counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.places = [*PLACES]
        self.content, self.status, self.announced = CONTENT, 200, 0


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    stands_for = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stands_for.asked.append(self.path)
            status = stands_for.status if self.path in stands_for.places else 404
            self.send_response(status)
            self.send_header("Content-Length", str(stands_for.announced or len(stands_for.content)))
            self.end_headers()
            self.wfile.write(stands_for.content)

        def log_message(self, *_given: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(github, "ADDRESS", f"http://127.0.0.1:{listening.server_port}")
        yield stands_for
        listening.shutdown()


def pinned(*names: str, content: bytes = CONTENT) -> GitHubFiles:
    digest = hashlib.sha256(content).hexdigest()
    files = {f"data/{name}.jsonl": digest for name in names}
    return GitHubFiles(repo="org/bench", revision=COMMIT, files=files)


def test_files_are_fetched_at_their_commit_and_kept(server: GitHub, tmp_path: Path) -> None:
    first = fetch_files("bench", pinned("one", "two"), tmp_path)
    again = fetch_files("bench", pinned("two", "one"), tmp_path)

    assert [file.name for file in first] == ["one.jsonl", "two.jsonl"]
    assert again == first[::-1]
    assert server.asked == PLACES[:2]
    assert {file.read_bytes() for file in first} == {CONTENT}


def test_files_of_one_name_in_two_folders_are_two_files(server: GitHub, tmp_path: Path) -> None:
    train, test = fetch_files("bench", pinned("one", "of the test/one"), tmp_path)

    assert train != test
    assert server.asked == [PLACES[0], PLACES[2]]


def test_a_file_may_be_pinned_by_its_blob_id_in_git(server: GitHub, tmp_path: Path) -> None:
    # printf '{"key": 1}\n' | git hash-object --stdin
    by_git = pinned("one").model_copy(update={"files": {PATHS[0]: BLOB}})
    [file] = fetch_files("bench", by_git, tmp_path)

    assert fetch_files("bench", by_git, tmp_path) == [file]
    assert server.asked == PLACES[:1]
    server.content = b"other"
    file.unlink()
    with pytest.raises(SourceError, match=f"has the blob id .* expects {BLOB}"):
        fetch_files("bench", by_git, tmp_path)


def test_a_download_that_breaks_off_may_be_tried_again(server: GitHub, tmp_path: Path) -> None:
    server.announced = 2 * len(CONTENT)
    with pytest.raises(SourceUnavailableError, match="11 bytes are missing"):
        fetch_files("bench", pinned("one"), tmp_path)


ENTRIES: dict[str, tuple[type[UpstreamFile], dict[str, Any]]] = {
    "source": (
        Source,
        {"shape": {"kind": "question_answer", "question": "key", "answer": "key"}},
    ),
    "benchmark": (Benchmark, {"text": ["key"]}),
    "source of the second lane": (InstructionSource, {"instruction": "key"}),
    "benchmark of evaluations": (IFEval, {}),
}


@pytest.mark.parametrize(("kind", "fields"), ENTRIES.values(), ids=ENTRIES)
def test_every_kind_of_entry_may_lie_on_github(
    server: GitHub, tmp_path: Path, kind: type[UpstreamFile], fields: dict[str, Any]
) -> None:
    files = pinned("one", "two")
    entry = kind.model_validate({"name": "mine", "github": files.model_dump(), **fields})
    located = locate(entry, tmp_path)

    assert [*located.files.paths] == fetch_files("mine", files, tmp_path)
    assert (located.revision, located.checksum) == (COMMIT, files.checksum)
    assert entry.repository == "github.com/org/bench"


def test_rows_of_the_files_follow_each_other_in_the_order_of_the_catalogue(
    server: GitHub, tmp_path: Path
) -> None:
    entry = {"name": "mine", "github": pinned("two", "one").model_dump(), "instruction": "key"}
    source = InstructionSource.model_validate(entry).as_source
    [rows] = read_conversations(source, tmp_path)

    assert rows["question"].to_list() == ["1", "1"]
    assert rows["source_revision"].unique().to_list() == [COMMIT]


def test_items_of_a_benchmark_in_several_files_are_those_of_all(
    server: GitHub, tmp_path: Path
) -> None:
    server.content = b'{"text": "Why?"}\n'
    files = pinned("one", "of the test/one", content=server.content)
    benchmark = Benchmark(name="mine", text=["text"], github=files)

    assert read_items(benchmark, tmp_path)["text"].to_list() == ["Why?", "Why?"]


def test_files_of_two_formats_are_not_read_as_one(server: GitHub, tmp_path: Path) -> None:
    server.places.append(f"/org/bench/{COMMIT}/data/one.csv")
    digests = dict.fromkeys((PATHS[0], "data/one.csv"), hashlib.sha256(CONTENT).hexdigest())
    files = GitHubFiles(repo="org/bench", revision=COMMIT, files=digests)
    entry = Benchmark(name="mine", text=["key"], github=files)

    with pytest.raises(SourceError, match=r"one\.jsonl.* is jsonl and one\.csv.* is csv"):
        locate(entry, tmp_path)


def test_a_file_that_was_damaged_is_fetched_again(server: GitHub, tmp_path: Path) -> None:
    [file] = fetch_files("bench", pinned("one"), tmp_path)
    file.write_bytes(b"half")

    assert fetch_files("bench", pinned("one"), tmp_path)[0].read_bytes() == CONTENT


def test_a_file_that_has_changed_is_refused_and_not_kept(server: GitHub, tmp_path: Path) -> None:
    server.content = b"other"
    with pytest.raises(SourceError, match=r"bench: .* the catalogue expects .* as `path`"):
        fetch_files("bench", pinned("one"), tmp_path)
    assert not [*tmp_path.rglob("*.jsonl")]


def test_a_file_that_is_not_there_is_an_error_of_the_catalogue(
    server: GitHub, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="answered 404: correct `github`") as caught:
        fetch_files("bench", pinned("three"), tmp_path)
    assert not isinstance(caught.value, SourceUnavailableError)


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_a_busy_server_may_answer_later(server: GitHub, tmp_path: Path, status: int) -> None:
    server.status = status
    with pytest.raises(SourceUnavailableError, match=f"answered {status}: try again later"):
        fetch_files("bench", pinned("one"), tmp_path)


def test_without_a_network_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(github, "ADDRESS", "http://127.0.0.1:9")
    with pytest.raises(SourceUnavailableError, match=r"cannot be reached .* a copy of it"):
        fetch_files("bench", pinned("one"), tmp_path)
