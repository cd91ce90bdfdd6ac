"""Pinned files of GitHub, fetched once from a server that stands for it."""

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from sysgen_dagster.catalog.evaluation import GitHubFiles
from sysgen_dagster.sources import github
from sysgen_dagster.sources.github import fetch_files
from sysgen_dagster.sources.recognition import SourceError, SourceUnavailableError

COMMIT = "0123456789" * 4
CONTENT = b'{"key": 1}\n'
PLACES = {f"/org/bench/{COMMIT}/data/{name}.jsonl": CONTENT for name in ("one", "two")}


class GitHub:
    """Answers with `content`, or with `status`, and counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.content, self.status = CONTENT, 200


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    stands_for = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stands_for.asked.append(self.path)
            status = stands_for.status if self.path in PLACES else 404
            self.send_response(status)
            self.send_header("Content-Length", str(len(stands_for.content)))
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
    assert server.asked == [*PLACES]
    assert {file.read_bytes() for file in first} == {CONTENT}


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
