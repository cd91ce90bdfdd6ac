"""The API behind Dagster's UI, asked over HTTP."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

_PATIENCE_S = 120
_LOADED = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Until the definitions are loaded; the end of the program when they are not."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        if process.poll() is not None:
            sys.exit(f"{process.args} ended")
        with suppress(OSError):  # it does not listen yet
            if ask(url, _LOADED)["repositoriesOrError"].get("nodes"):
                return
        time.sleep(0.2)
    sys.exit(f"{process.args} did not load the definitions")


def ask(url: str, query: str, variables: Mapping[str, Any] | None = None) -> Any:
    """The ``data`` of a GraphQL answer; the end of the program when it is an error."""
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=300) as reply:  # noqa: S310
            said = json.load(reply)
    except urllib.error.HTTPError as refused:  # says why in its body
        said = {"errors": refused.read().decode()}
    if said.get("errors"):
        sys.exit(f"the UI's API refused: {said['errors']}")
    return said["data"]
