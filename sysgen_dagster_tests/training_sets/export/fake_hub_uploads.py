"""A Hugging Face Hub on this machine that data sets are pushed to, and a process that pushes to it.

The hub answers `huggingface_hub` and `datasets` over real HTTP: repositories are made, files
go by the LFS protocol or inside the commit, and what was committed is read back. It refuses what
the real one refuses: unknown tokens, tokens that may not write, content that is not what its
sha256 says, and a commit on another parent than the last commit.
"""

import base64
import hashlib
import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

_T = TypeVar("_T")
_LONGEST_PAUSE = 0.01
_LARGE = (".parquet",)  # suffixes that the Hub stores as large files
_commits = count(1)


@dataclass(frozen=True)
class File:
    """A file of a repository; the Hub knows large ones by their sha256, others as git does."""

    content: bytes
    large: bool

    @property
    def oid(self) -> str:
        """The Hub's checksum of the file."""
        if self.large:
            return hashlib.sha256(self.content).hexdigest()
        blob = b"blob %d\0%b" % (len(self.content), self.content)
        return hashlib.sha1(blob, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Commit:
    """A commit and every file there is after it."""

    message: str
    files: Mapping[str, File]
    oid: str = field(default_factory=lambda: f"{next(_commits):040x}")


@dataclass
class Repository:
    """A data set, with the commit that the Hub makes a repository with."""

    private: bool = False
    commits: list[Commit] = field(
        default_factory=lambda: [Commit("initial commit", {".gitattributes": File(b"", False)})]
    )

    @property
    def files(self) -> dict[str, bytes]:
        """Path to content at the last commit, without the Hub's own."""
        files = self.commits[-1].files
        return {path: files[path].content for path in sorted(files) if path != ".gitattributes"}


@dataclass
class Refusal:
    """Answers to the requests that a pattern matches, in place of the right ones."""

    where: str  # matches method and path
    status: int
    times: int = 1_000
    message: str = ""  # {authorization}: the header of the request


@dataclass
class FakeHub:
    """Data sets by name.

    Attributes:
        writers: Tokens that may write.
        readers: Tokens that may only read.
        uploads: Large files by their sha256.
        requests: Method and path of every request, in the order they came.
        credentials: Path of every request that held an authorization.
    """

    writers: set[str] = field(default_factory=set)
    readers: set[str] = field(default_factory=set)
    repositories: dict[str, Repository] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    url: str = ""

    def asked(self, pattern: str) -> int:
        """How many requests the pattern matches."""
        return sum(re.search(pattern, request) is not None for request in self.requests)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Answer, on one port, until the context ends."""
        hub = self

        class Handler(_Handler):
            def __init__(self, *arguments: object) -> None:
                self.hub = hub
                super().__init__(*arguments)  # type: ignore[arg-type]

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()


class _RefusedError(Exception):
    """An answer that is not the one asked for."""

    def __init__(self, status: int, message: str = "", code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class _Handler(BaseHTTPRequestHandler):
    """One request; answered by the method that `_ROUTES` names."""

    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        self.body = self._read()
        path = unquote(urlsplit(self.path).path)
        request = f"{self.command} {path}"
        self.hub.requests.append(request)
        if self.headers["Authorization"]:
            self.hub.credentials.append(path)
        try:
            self._refuse(request)
            self._route(request)
        except _RefusedError as refused:
            headers = {"X-Error-Message": refused.message, "X-Error-Code": refused.code}
            self._send(
                json.dumps({"error": refused.message}).encode(),
                {name: value for name, value in headers.items() if value},
                refused.status,
            )

    def _read(self) -> bytes:
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _refuse(self, request: str) -> None:
        for refusal in self.hub.refusals:
            if refusal.times > 0 and re.search(refusal.where, request):
                refusal.times -= 1
                authorization = self.headers["Authorization"]
                raise _RefusedError(
                    refusal.status, refusal.message.format(authorization=authorization)
                )

    def _route(self, request: str) -> None:
        for pattern, answer in _ROUTES.items():
            if match := re.fullmatch(pattern, request):
                answer(self, **match.groupdict())
                return
        raise _RefusedError(HTTPStatus.NOT_FOUND, f"no such place: {request}")

    def _send(self, content: bytes, headers: Mapping[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | dict(headers)).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _send_json(self, answer: object) -> None:
        self._send(json.dumps(answer).encode(), {"Content-Type": "application/json"})

    @property
    def _token(self) -> str:
        return (self.headers["Authorization"] or "").removeprefix("Bearer ")

    def _require_writer(self) -> None:
        if self._token in self.hub.readers:
            raise _RefusedError(HTTPStatus.FORBIDDEN, "You have read access but not write access")
        if self._token not in self.hub.writers:
            raise _RefusedError(HTTPStatus.UNAUTHORIZED, "Invalid username or password.")

    def _repository(self, repo: str) -> Repository:
        found = self.hub.repositories.get(repo)
        if self._token and self._token not in self.hub.writers | self.hub.readers:
            raise _RefusedError(HTTPStatus.UNAUTHORIZED, "Invalid username or password.")
        if found is None or (found.private and not self._token):
            raise _RefusedError(HTTPStatus.UNAUTHORIZED, "Repository not found", "RepoNotFound")
        return found

    def _commit(self, repo: str, revision: str = "main") -> Commit:
        commits = self._repository(repo).commits
        known = {"main": commits[-1]} | {commit.oid: commit for commit in commits}
        if revision not in known:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "Invalid rev id", "RevisionNotFound")
        return known[revision]

    # Writing

    def make(self) -> None:
        self._require_writer()
        asked = json.loads(self.body)
        repo = f"{asked['organization']}/{asked['name']}"
        made = repo not in self.hub.repositories
        self.hub.repositories.setdefault(repo, Repository(asked.get("visibility") == "private"))
        answer = json.dumps({"url": f"{self.hub.url}/datasets/{repo}", "name": repo}).encode()
        self._send(answer, {}, HTTPStatus.OK if made else HTTPStatus.CONFLICT)

    def validate_card(self) -> None:
        self._send_json({"warnings": [], "errors": []})

    def preupload(self, repo: str, revision: str) -> None:
        self._require_writer()
        there = self._commit(repo, revision).files
        modes = {True: "lfs", False: "regular"}
        self._send_json(
            {
                "files": [
                    {
                        "path": path,
                        "uploadMode": modes[path.endswith(_LARGE)],
                        "shouldIgnore": False,
                        "oid": there[path].oid if path in there else None,
                    }
                    for path in (file["path"] for file in json.loads(self.body)["files"])
                ]
            }
        )

    def batch(self, repo: str) -> None:
        self._require_writer()
        self._repository(repo)
        objects = json.loads(self.body)["objects"]
        for each in objects:
            place = f"{self.hub.url}/lfs/{each['oid']}"
            if each["oid"] not in self.hub.uploads:
                each["actions"] = {"upload": {"href": place}, "verify": {"href": f"{place}/verify"}}
        self._send_json({"transfer": "basic", "objects": objects})

    def upload(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "the content is not what its sha256 says")
        self.hub.uploads[oid] = self.body
        self._send(b"", {})

    def verify(self, oid: str) -> None:
        self._require_writer()
        if len(self.hub.uploads.get(oid, b"")) != json.loads(self.body)["size"]:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "the size is not the declared one")
        self._send_json({})

    def commit(self, repo: str, revision: str) -> None:
        self._require_writer()
        before = self._commit(repo, revision)
        lines = [json.loads(line) for line in self.body.splitlines()]
        [header] = [line["value"] for line in lines if line["key"] == "header"]
        if header.get("parentCommit", before.oid) != before.oid:
            raise _RefusedError(HTTPStatus.PRECONDITION_FAILED, "A commit has happened since.")
        files = dict(before.files)
        for line in lines:
            self._apply(line["key"], line["value"], files)
        made = Commit(header["summary"], files)
        self.hub.repositories[repo].commits.append(made)
        url = f"{self.hub.url}/datasets/{repo}/commit/{made.oid}"
        self._send_json({"success": True, "commitUrl": url, "commitOid": made.oid})

    def _apply(self, key: str, value: Mapping[str, Any], files: dict[str, File]) -> None:
        if key == "file":
            files[value["path"]] = File(base64.b64decode(value["content"]), large=False)
        elif key == "lfsFile":
            files[value["path"]] = File(self.hub.uploads[value["oid"]], large=True)
        elif key == "deletedFile":
            del files[value["path"]]

    # Reading

    def info(self, repo: str, revision: str | None = None) -> None:
        commit = self._commit(repo, revision or "main")
        self._send_json(
            {
                "id": repo,
                "sha": commit.oid,
                "private": self.hub.repositories[repo].private,
                "siblings": [{"rfilename": path} for path in sorted(commit.files)],
            }
        )

    def tree(self, repo: str, revision: str, folder: str | None = None) -> None:
        query = parse_qs(urlsplit(self.path).query)
        entries = _entries(self._commit(repo, revision))
        prefix = f"{folder}/" if folder else ""
        inside = [each for path, each in entries.items() if path.startswith(prefix)]
        depth = prefix.count("/")
        deep = query.get("recursive", ["false"])[0].lower() == "true"
        if folder and not inside:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "no such folder", "EntryNotFound")
        self._send_json([each for each in inside if deep or each["path"].count("/") == depth])

    def paths_info(self, repo: str, revision: str) -> None:
        entries = _entries(self._commit(repo, revision))
        asked = parse_qs(self.body.decode())["paths"]
        self._send_json([entries[path] for path in asked if path in entries])

    def resolve(self, repo: str, revision: str, path: str) -> None:
        commit = self._commit(repo, revision)
        if path not in commit.files:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "Entry not found", "EntryNotFound")
        file = commit.files[path]
        asked = self.headers["Range"]  # such as bytes=120-239
        start, _, end = (asked or "bytes=0-").removeprefix("bytes=").partition("-")
        content = file.content[int(start) : int(end) + 1 if end else None]
        last = int(start) + len(content) - 1
        parts = {"Content-Range": f"bytes {start}-{last}/{len(file.content)}"} if asked else {}
        headers = {"ETag": f'"{file.oid}"', "X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
        self._send(content, headers | parts, HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK)


def _entries(commit: Commit) -> dict[str, dict[str, Any]]:
    """Path to the Hub's description: folders, and the files in them."""
    entries: dict[str, dict[str, Any]] = {}
    for path, file in sorted(commit.files.items()):
        for folder in list(Path(path).parents)[:-1]:
            name = folder.as_posix()
            entries[name] = {"type": "directory", "oid": "0" * 40, "size": 0, "path": name}
        entries[path] = {"type": "file", "oid": file.oid, "size": len(file.content), "path": path}
        if file.large:
            sizes = {"size": len(file.content), "pointerSize": 134}
            entries[path]["lfs"] = {"oid": file.oid, **sizes}
    return entries


_REPO = r"(?P<repo>[^/]+/[^/]+?)"
_REVISION = r"(?P<revision>[^/]+)"
_ROUTES: Mapping[str, Callable[..., None]] = {
    "POST /api/repos/create": _Handler.make,
    "POST /api/validate-yaml": _Handler.validate_card,
    f"POST /api/datasets/{_REPO}/preupload/{_REVISION}": _Handler.preupload,
    f"POST /datasets/{_REPO}\\.git/info/lfs/objects/batch": _Handler.batch,
    "PUT /lfs/(?P<oid>[0-9a-f]{64})": _Handler.upload,
    "POST /lfs/(?P<oid>[0-9a-f]{64})/verify": _Handler.verify,
    f"POST /api/datasets/{_REPO}/commit/{_REVISION}": _Handler.commit,
    f"GET /api/datasets/{_REPO}(/revision/{_REVISION})?": _Handler.info,
    f"GET /api/datasets/{_REPO}/tree/{_REVISION}(/(?P<folder>.+))?": _Handler.tree,
    f"POST /api/datasets/{_REPO}/paths-info/{_REVISION}": _Handler.paths_info,
    f"(GET|HEAD) /datasets/{_REPO}/resolve/{_REVISION}/(?P<path>.+)": _Handler.resolve,
}


@dataclass(frozen=True)
class Client:
    """A process that can reach one hub only, and everything that it wrote."""

    process: ProcessPoolExecutor
    home: Path

    def __call__(self, work: Callable[..., _T], *arguments: object) -> _T:
        """What `work` returns or raises there."""
        future: Future[_T] = self.process.submit(work, *arguments)
        return future.result()

    def wrote(self) -> bytes:
        """What it printed and logged, down to the last detail, and every file of its home."""
        return b"\n".join(path.read_bytes() for path in self.home.rglob("*") if path.is_file())


@contextmanager
def client_of(hub: FakeHub, home: Path) -> Iterator[Client]:
    """A client that was started with the address of `hub`, which `huggingface_hub` wants."""
    spawn = get_context("spawn")
    with ProcessPoolExecutor(1, spawn, _settle, (hub.url, str(home))) as process:
        yield Client(process, home)


def _settle(url: str, home: str) -> None:
    """Point this process to the hub; it waits between attempts as often as ever, but not long."""
    os.environ |= {
        "HF_ENDPOINT": url,
        "HF_HOME": home,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_VERBOSITY": "debug",
        "HF_DEBUG": "1",
        "NO_PROXY": "127.0.0.1",
    }
    output = os.open(Path(home) / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(output, stream.fileno())
    logging.basicConfig(level=logging.DEBUG)
    sys.addaudithook(_stay_on_this_machine)
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, _LONGEST_PAUSE))


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo" and arguments[0] != "127.0.0.1":
        raise OSError(f"a test asked for {arguments[0]}")
