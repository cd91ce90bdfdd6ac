"""An S3 server on loopback, the environment that points at it, and a way to kill who writes."""

import os
import signal
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from unittest.mock import patch

import obstore
import requests
from moto.server import ThreadedMotoServer
from obstore.store import from_url

_NUMBERS = count()
_PIECE = 65_536


@contextmanager
def running_s3() -> Iterator[str]:
    """The address of a server; the environment of this process points at it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    ours = {
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "something",
        "AWS_REGION": "us-east-1",
    }
    with patch.dict(os.environ, ours):
        yield address
    server.stop()


def new_bucket(address: str) -> str:
    """The URL of a bucket that is empty."""
    name = f"bucket-{next(_NUMBERS)}"
    requests.put(f"{address}/{name}", timeout=10).raise_for_status()
    return f"s3://{name}"


def objects_under(url: str) -> dict[str, bytes]:
    """Every object by its key, read without anything of ours."""
    bucket = from_url(url)
    listed = [each["path"] for page in obstore.list(bucket) for each in page]
    return {path: bytes(obstore.get(bucket, path).bytes()) for path in sorted(listed)}


class _Refusal(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_PUT = do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def refusing_s3() -> Iterator[str]:
    """A bucket that lets nobody read or write."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusal)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
    with patch.dict(os.environ, address):
        yield f"s3://refused-{next(_NUMBERS)}"
    server.shutdown()
    server.server_close()
    thread.join()


def killed_while_writing(command: list[str], address: str, after_bytes: int) -> bool:
    """Whether a process was killed when the server had got so many bytes of it, before its end."""
    host, _, port = address.removeprefix("http://").partition(":")
    seen, enough = [0], threading.Event()

    class Between(socketserver.BaseRequestHandler):
        """Passes on what is asked and answered, until enough was seen."""

        def handle(self) -> None:
            with socket.create_connection((host, int(port))) as server:
                answers = threading.Thread(target=_pass_on, args=(server, self.request))
                answers.start()
                while not enough.is_set() and (some := _received(self.request)):
                    server.sendall(some)
                    seen[0] += len(some)
                    if seen[0] > after_bytes:
                        enough.set()
                server.shutdown(socket.SHUT_RDWR)
                answers.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Between) as between:
        between.daemon_threads = False
        threading.Thread(target=between.serve_forever, daemon=True).start()
        ours = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{between.server_address[1]}"}
        process = subprocess.Popen(command, env={**os.environ, **ours})
        while process.poll() is None and not enough.wait(0.01):
            pass
        process.kill()
        ended = process.wait()
        between.shutdown()
    return ended == -signal.SIGKILL


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(_PIECE)
    except ConnectionError:
        return b""


def _pass_on(origin: socket.socket, target: socket.socket) -> None:
    while some := _received(origin):
        try:
            target.sendall(some)
        except ConnectionError:
            return
