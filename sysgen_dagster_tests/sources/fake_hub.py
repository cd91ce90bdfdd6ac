"""A Hugging Face Hub on this machine, and a process that reads from it.

The hub serves the files of one data set at one commit over real HTTP, answers and fails the way
the real one does, and remembers what it was asked. `huggingface_hub` takes its address from the
environment when it is imported, so it is read in a process that was started with that address.
"""

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from typing import Any

import polars as pl

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.sources.files import read_shard

REPO = "somebody/chats"
REVISION = "0123456789abcdef0123456789abcdef01234567"
_LONGEST_PAUSE = 0.01


@dataclass
class FakeHub:
    """The data set `REPO` at the commit `REVISION`.

    Attributes:
        files: Path in the data set to content.
        requests: Method and path of every request, in the order they came.
        refusals: How many of the next requests are answered with 503.
        breaks: How many of the next downloads end after half of what was asked for.
        kind: Of repository, ``datasets`` or ``models``.
    """

    files: dict[str, bytes] = field(default_factory=dict)
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

    def renew(self) -> None:
        """Forget everything and listen, as after a start."""
        self.files, self.requests, self.refusals, self.breaks = {}, [], 0, 0
        if self._server is None:
            self.start()


class _Handler(BaseHTTPRequestHandler):
    """One request; the answers' headers are those `hf_hub_download` goes by."""

    hub: FakeHub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")
        if self.hub.refusals > 0:
            self.hub.refusals -= 1
            self._fail(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        prefix, _, place = self.path.partition("/resolve/")
        revision, _, file = place.partition("/")
        if prefix != (f"/{REPO}" if self.hub.kind == "models" else f"/{self.hub.kind}/{REPO}"):
            self._fail(HTTPStatus.NOT_FOUND, "RepoNotFound")
        elif revision != REVISION:
            self._fail(HTTPStatus.NOT_FOUND, "RevisionNotFound")
        elif file not in self.hub.files:
            self._fail(HTTPStatus.NOT_FOUND, "EntryNotFound")
        else:
            self._give(self.hub.files[file])

    def _fail(self, status: HTTPStatus, code: str | None = None) -> None:
        self.send_response(status)
        if code is not None:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _give(self, content: bytes) -> None:
        asked = self.headers.get("Range")  # such as bytes=120-
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        self.send_response(HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", REVISION)
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


@dataclass(frozen=True)
class Reader:
    """A process that reads shards; it reaches the hub it was given and nobody else."""

    process: ProcessPoolExecutor

    def __call__(self, source: Source, index: int, cache: Path) -> pl.DataFrame:
        """What `read_shard` returns or raises there."""
        return self.process.submit(read_shard, source, index, cache).result()

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
