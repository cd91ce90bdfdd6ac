"""A simulated model in a process of its own, for tests."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sysgen_dagster.chat.messages import ChatMessage
from sysgen_dagster_tests.simulated.conversations import respond_messages

MODULE = "sysgen_dagster.simulated.server"
QUESTION = "Why is the sea salty although rivers are not?"


@dataclass
class Server:
    """A running server."""

    address: str
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.address}"

    def send(self, body: bytes | dict[str, Any], timeout: float = 10) -> tuple[int, str, Any]:
        """Status, text and headers of the answer to a chat request."""
        return self.post("/v1/chat/completions", body, timeout)

    def post(
        self, path: str, body: bytes | dict[str, Any], timeout: float = 10
    ) -> tuple[int, str, Any]:
        """Status, text and headers of what comes back from a path."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return _open(urllib.request.Request(f"{self.url}{path}", data=data), timeout)

    def ask(self, messages: list[ChatMessage], **fields: object) -> tuple[int, str, Any]:
        """Status, text and headers of the answer to messages."""
        return self.send({"model": "phi", "messages": messages, "max_tokens": 1024} | fields)

    def complete(self, messages: list[ChatMessage], **fields: object) -> Any:
        """The chat completion that answers messages."""
        status, text, _ = self.ask(messages, **fields)
        assert status == 200, text
        return json.loads(text)

    def ask_with_mark(self, kind: str, timeout: float = 10) -> tuple[int, str, Any]:
        """The answer to a question that asks for a fault."""
        messages = respond_messages(f"{QUESTION} [[simulate: {kind}]]")
        body = {"model": "phi", "messages": messages, "max_tokens": 1024}
        return self.send(body, timeout)

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        return json.loads(_open(urllib.request.Request(f"{self.url}{path}"), 10)[1])


def error_of(answer: tuple[int, str, Any]) -> tuple[int, str, str]:
    """Status, type and message of an error, whose code must be its status."""
    error = json.loads(answer[1])["error"]
    assert error["code"] == answer[0]
    return answer[0], error["type"], error["message"]


def _open(request: urllib.request.Request, timeout: float) -> tuple[int, str, Any]:
    """Status, text and headers of an answer, also of an error."""
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, response.read().decode(), response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers


@contextmanager
def running(*options: str) -> Iterator[Server]:
    """A server in a process of its own on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", MODULE, "--port", str(port), "--model", "phi=phi-4"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL)
    server = Server(f"127.0.0.1:{port}", process)
    try:
        _wait_until_healthy(server)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_healthy(server: Server) -> None:
    """Return when the server answers; fail when it ended or takes too long."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{server.url}/health", timeout=1).close()
        except OSError:
            assert server.process.poll() is None
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"{server.url} did not become healthy")
