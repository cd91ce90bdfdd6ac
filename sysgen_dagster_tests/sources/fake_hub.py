"""A Hugging Face Hub on this machine, and a process that reads from it.

The hub serves the files of one data set at its commits over real HTTP, answers and fails the way
the real one does, and remembers what it was asked. `huggingface_hub` takes its address from the
environment when it is imported, so it is read in a process that was started with that address.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import polars as pl
import yaml

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.sources.files import read_shard
from sysgen_dagster.storage.store import Store

REPO = "somebody/chats"
REVISION = "0123456789abcdef0123456789abcdef01234567"
_LONGEST_PAUSE = 0.01
_Result = TypeVar("_Result")


@dataclass
class FakeHub:
    """A data set, whose first commit is `REVISION`.

    Attributes:
        files: Path in the data set to content, at the newest commit.
        older: The files of the commits before.
        revision: The newest commit.
        repo: The data set's name.
        is_gated: Whether files are given to nobody.
        before: Is called with each request before it is answered.
        requests: Method and path of every request, in the order they came.
        refusals: How many of the next requests are answered with 503.
        breaks: How many of the next downloads end after half of what was asked for.
        kind: Of repository, ``datasets`` or ``models``.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    older: dict[str, dict[str, bytes]] = field(default_factory=dict)
    revision: str = REVISION
    repo: str = REPO
    is_gated: bool = False
    before: Callable[[str], None] = lambda request: None
    requests: list[str] = field(default_factory=list)
    refusals: int = 0
    breaks: int = 0
    kind: str = "datasets"
    port: int = 0
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where it listens, now or before it went down."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def downloads(self) -> int:
        """How often content was asked for."""
        return sum(request.startswith("GET /datasets/") for request in self.requests)

    def start(self) -> None:
        """Listen, on the port of before if there was one."""
        hub = self

        class Handler(_Handler):
            def __init__(self, *arguments: object) -> None:
                self.hub = hub
                super().__init__(*arguments)  # type: ignore[arg-type]

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def go_down(self) -> None:
        """Listen no more: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def move_on(self, files: dict[str, bytes]) -> None:
        """A new commit, with these files instead of all others."""
        self.older[self.revision] = self.files
        self.revision = hashlib.sha1(self.revision.encode(), usedforsecurity=False).hexdigest()
        self.files = files

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """The commit and the files of a branch or a commit."""
        if revision in ("main", self.revision):
            return self.revision, self.files
        return (revision, self.older[revision]) if revision in self.older else None

    def renew(self) -> None:
        """Forget everything and listen, as after a start."""
        self.files, self.requests, self.refusals, self.breaks = {}, [], 0, 0
        self.older, self.revision, self.repo, self.is_gated = {}, REVISION, REPO, False
        self.before = lambda request: None
        if self._server is None:
            self.start()


class _Handler(BaseHTTPRequestHandler):
    """One request; the answers' headers are those `hf_hub_download` goes by."""

    hub: FakeHub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        self.hub.requests.append(request := f"{self.command} {self.path}")
        self.hub.before(request)
        if self.hub.refusals > 0:
            self.hub.refusals -= 1
            self._fail(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        path = unquote(urlsplit(self.path).path)
        name = self.hub.repo if self.hub.kind == "models" else f"{self.hub.kind}/{self.hub.repo}"
        if path.startswith(api := f"/api/{name}/") or path == api[:-1]:
            self._tell(path[len(api) :])
            return
        prefix, _, place = path.partition("/resolve/")
        revision, _, file = place.partition("/")
        if prefix != f"/{name}":
            self._fail(HTTPStatus.NOT_FOUND, "RepoNotFound")
        elif (found := self.hub.at(revision)) is None:
            self._fail(HTTPStatus.NOT_FOUND, "RevisionNotFound")
        elif file not in found[1]:
            self._fail(HTTPStatus.NOT_FOUND, "EntryNotFound")
        elif self.hub.is_gated:
            self._fail(HTTPStatus.FORBIDDEN, "GatedRepo")
        else:
            self._give(found[1][file], found[0])

    def _tell(self, asked: str) -> None:
        """What a client is told of the data set: of all of it, of some paths, of a folder."""
        what, _, rest = asked.partition("/")
        revision, _, folder = rest.partition("/")
        found = self.hub.at(revision or "main")
        if what not in ("", "revision", "paths-info", "tree") or found is None:
            self._fail(HTTPStatus.NOT_FOUND, "RevisionNotFound")
        elif what == "paths-info":
            length = int(self.headers["Content-Length"])
            wanted = self._wanted(self.rfile.read(length))
            self._give_json([each for each in self._listed(found[1], "") if each["path"] in wanted])
        elif what == "tree":
            self._give_json(self._listed(found[1], folder))
        else:
            self._give_json(self._described(*found))

    def _wanted(self, body: bytes) -> list[str]:
        if self.headers.get_content_type() == "application/json":
            paths = json.loads(body)["paths"]
            return [paths] if isinstance(paths, str) else list(paths)
        return parse_qs(body.decode()).get("paths", [])

    def _listed(self, files: dict[str, bytes], folder: str) -> list[dict[str, Any]]:
        """Files and folders below a folder, as the Hub lists them."""
        begin = f"{folder}/" if folder else ""
        inside = {path: content for path, content in files.items() if path.startswith(begin)}
        folders = {
            "/".join(path.split("/")[:depth])
            for path in files
            for depth in range(1, path.count("/") + 1)
        }
        deep = "recursive=True" in self.path or self.command == "POST"
        listed = [
            {"type": "file", "path": path, "size": len(content), "oid": _oid(content)}
            for path, content in inside.items()
        ]
        listed += [
            {"type": "directory", "path": each, "size": 0, "oid": _oid(each.encode())}
            for each in sorted(folders)
            if each.startswith(begin)
        ]
        return [each for each in listed if deep or "/" not in each["path"].removeprefix(begin)]

    def _described(self, revision: str, files: dict[str, bytes]) -> dict[str, Any]:
        card = files.get("README.md", b"").decode().split("---")
        return {
            "id": self.hub.repo,
            "sha": revision,
            "private": False,
            "gated": "auto" if self.hub.is_gated else False,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "cardData": yaml.safe_load(card[1]) if len(card) > 1 else {},
            "siblings": [{"rfilename": path} for path in files],
        }

    def _give_json(self, said: Any) -> None:
        content = json.dumps(said).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _fail(self, status: HTTPStatus, code: str | None = None) -> None:
        self.send_response(status)
        if code is not None:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _give(self, content: bytes, revision: str) -> None:
        asked = self.headers.get("Range")  # such as bytes=120-
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        self.send_response(HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", revision)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - start))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(self._cut(content[start:]))

    def _cut(self, content: bytes) -> bytes:
        if self.hub.breaks <= 0:
            return content
        self.hub.breaks -= 1
        return content[: len(content) // 2]


def _oid(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Reader:
    """A process that reads shards; it reaches the hub it was given and nobody else."""

    process: ProcessPoolExecutor

    def __call__(
        self, source: Source, index: int, cache: Path, store: Store | None = None
    ) -> pl.DataFrame:
        """What `read_shard` returns or raises there."""
        return self.process.submit(read_shard, source, index, cache, store).result()

    def call(self, function: Callable[..., _Result], *arguments: object) -> _Result:
        """What a function returns or raises there."""
        return self.process.submit(function, *arguments).result()

    def turned_away(self) -> list[str]:
        """The other hosts it asked for since this was last called."""
        return self.process.submit(_take_turned_away).result()


@contextmanager
def reading_from(hub: FakeHub, home: Path) -> Iterator[Reader]:
    """A reader that was started with the address of `hub`."""
    spawn = get_context("spawn")
    with ProcessPoolExecutor(1, spawn, _settle, (hub.url, str(home))) as process:
        yield Reader(process)


_turned_away: list[str] = []


def _take_turned_away() -> list[str]:
    taken = _turned_away.copy()
    _turned_away.clear()
    return taken


def _settle(url: str, home: str) -> None:
    """Point this process to the hub; it waits between attempts as often as ever, but not long."""
    os.environ |= {
        "HF_ENDPOINT": url,
        "HF_HOME": home,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "HF_HUB_OFFLINE": "0",
        "NO_PROXY": "127.0.0.1",
    }
    sys.addaudithook(_stay_on_this_machine)
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, _LONGEST_PAUSE))


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo" and arguments[0] != "127.0.0.1":
        _turned_away.append(arguments[0])
        raise OSError(f"a test asked for {arguments[0]}")
