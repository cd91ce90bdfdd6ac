"""Pages of ours in the user's browser: a server on loopback, behind the guard, with a token.

Whoever has the address that is printed has the token, which is another one at each start. The
first request brings it in the address and takes it away as a cookie, so that it stays in no
history; without it nothing is answered. What the pages show is not decided here.
"""

import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from sysgen_dagster.commands.guard import Guard, allowed_hosts
from sysgen_dagster.errors import SysgenError

_HOST = "127.0.0.1"
_TOKEN_BYTES = 32
_STOP_WITHIN_S = 5.0
_GO_ON = (
    '<!doctype html><title>sysgen</title><link rel="icon" href="data:,">'
    '<meta http-equiv="refresh" content="0; url={}">'
)
_NOT_KEPT = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class PagesError(SysgenError):
    """The pages cannot be served where they should be."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages that are served.

    Attributes:
        url: What is opened in a browser; it holds the token.
        wait: Returns when the server has ended, for whatever reason.
    """

    url: str
    wait: Callable[[], None]


class _WithToken:
    """Hands on what brings the token, in its address or as a cookie, and refuses the rest."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        # Browsers send a cookie to every port of a host: the name keeps two servers apart.
        self._app, self._token, self._cookie = app, token, f"sysgen-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request = Request(scope)
        if self._is_right(request.query_params.get("token", "")):
            # A page that goes on by itself, and no redirect: the address may be a link in a
            # terminal that is another site's page, from which no strict cookie comes along.
            place = escape(quote(scope["path"]))
            found = HTMLResponse(_GO_ON.format(place), headers=_NOT_KEPT)
            found.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
            return await found(scope, receive, send)
        # Whatever else listens on this machine has left cookies too, of any form.
        if not self._is_right(request.cookies.get(self._cookie, "")):
            text = (
                "Refused: open the whole address that the command printed; it changes each time.\n"
            )
            return await PlainTextResponse(text, 403)(scope, receive, send)
        return await self._app(scope, receive, send)

    def _is_right(self, token: str) -> bool:
        return secrets.compare_digest(token.encode(), self._token.encode())


@contextmanager
def serving(routes: Sequence[BaseRoute], port: int = 0) -> Iterator[Pages]:
    """Serve pages from a thread of this process until the context ends.

    Args:
        routes: Of the pages; the first page is at ``/``.
        port: Of this machine; 0 takes one that is free.

    Raises:
        GuardError: `guard.ALLOWED_HOSTS` holds what is no host.
        PagesError: Nothing can listen at the port.
    """
    named = allowed_hosts()
    try:
        listening = socket.create_server((_HOST, port))
    except OSError as error:
        raise PagesError(
            f"port {port} of {_HOST} cannot be listened on: {error.strerror}. Name another one "
            "with --port"
        ) from error
    port, token = listening.getsockname()[1], secrets.token_urlsafe(_TOKEN_BYTES)
    guarded = Guard(_WithToken(Starlette(routes=list(routes)), token, port), _HOST, named)
    config = uvicorn.Config(guarded, log_level="critical", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield Pages(f"http://{_HOST}:{port}/?token={token}", thread.join)
    finally:
        server.should_exit = True
        thread.join(_STOP_WITHIN_S)
        listening.close()
