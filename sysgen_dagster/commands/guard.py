"""What stands before Dagster's webserver and refuses other sites' pages.

Dagster's webserver asks nobody who they are: whatever reaches it may read, start and wipe. On
loopback that is every page that is open in a browser of the machine. So a request passes only if

* it is for a name of this UI (`Host`). A site can let its own name lead to 127.0.0.1 (DNS
  rebinding); its page is then of one origin with the UI, and only the name tells them apart.
* its browser says that a page of this UI sent it (`Origin`, `Sec-Fetch-Site`), or it comes from no
  browser: those send neither. A link from elsewhere opens the UI's page and nothing else.
* what it asks for cannot be asked by an image or a form: GraphQL by POST only, a POST as JSON only.
"""

import os
import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sysgen_dagster.errors import SysgenError

ALLOWED_HOSTS = "SYSGEN_ALLOW_HOSTS"
_HOW = f"`sysgen ui --allow-host {{}}` or the variable {ALLOWED_HOSTS}"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
EVERYWHERE = ("0.0.0.0", "::", "[::]", "")  # noqa: S104 - compared with, not listened on
_AUTHORITY = re.compile(r"(?P<name>[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_LONGEST_SHOWN = 100
_POLICY = 1008  # what a websocket is closed with that breaks a rule
# Sent with every answer: no other site frames the UI, embeds its answers, or holds its window.
_HEADERS = {
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class GuardError(SysgenError):
    """A host that is to be allowed is none."""


def require_hosts(named: Iterable[str]) -> set[str]:
    """The names as they are compared.

    Raises:
        GuardError: One of them is not of the form ``NAME`` or ``NAME:PORT``.
    """
    hosts = {each.lower() for each in named}
    for each in hosts:
        if not _name(each):
            raise GuardError(f"{each!r} is no host: give NAME or NAME:PORT, as in ui.example.org")
    return hosts


def allowed_hosts() -> set[str]:
    """The names that the variable `ALLOWED_HOSTS` allows.

    Raises:
        GuardError: One of them is no host.
    """
    try:
        return require_hosts(os.environ.get(ALLOWED_HOSTS, "").split())
    except GuardError as error:
        raise GuardError(f"{ALLOWED_HOSTS}: {error}") from error


class Guard:
    """An ASGI application that hands on to another one what it does not refuse.

    Args:
        app: What is guarded.
        listens_on: The host at which it listens; it is a name of the UI unless it means all.
        named: Further names of the UI, ``NAME`` or ``NAME:PORT``, as a browser shows them.
        page: The path of the UI's page.

    Raises:
        GuardError: One of `named` has another form.
    """

    def __init__(
        self, app: ASGIApp, listens_on: str, named: Iterable[str] = (), page: str = "/"
    ) -> None:
        """Take the names of the UI together."""
        self._app, self._page = app, page
        self._named = require_hosts(named)
        self._hosts = {*_LOOPBACK, *(_name(each) for each in self._named)}
        if listens_on not in EVERYWHERE:
            self._hosts.add(f"[{listens_on}]" if ":" in listens_on else listens_on.lower())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, a websocket, or the server's start and end."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        for status, reason in self._refusals(scope, headers):
            if scope["type"] == "websocket":  # it becomes a 403, of which browsers show no text
                return await send({"type": "websocket.close", "code": _POLICY})
            text = f"Refused: {reason}\n"
            return await PlainTextResponse(text, status)(scope, receive, _closed_to_others(send))
        if _is_foreign(headers):
            # Only a link gets here. Whatever it leads to, the page is what is shown: its script
            # finds the run or the asset in the address, and asks for it as a page of this UI.
            scope = {**scope, "path": self._page, "raw_path": self._page.encode()}
        if _asks_graphql(scope) and scope["method"] != "POST":
            scope = {**scope, "query_string": b""}  # a page is shown: there is nothing to ask
        return await self._app(scope, receive, _closed_to_others(send))

    def _refusals(self, scope: Scope, headers: Headers) -> Iterator[tuple[int, str]]:
        """Why a request is refused, with the status; nothing where it passes."""
        yield from self._of_host(headers)
        yield from self._of_origin(scope, headers)
        if _is_foreign(headers) and not _is_link(scope, headers):
            yield 403, "another site's page asked, and only a page of this UI may."
        if scope["type"] == "http":
            yield from _of_form(scope, headers)

    def _of_host(self, headers: Headers) -> Iterator[tuple[int, str]]:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _name(hosts[0]) not in self._hosts:
            shown = _shown(hosts)
            yield (
                403,
                f"this is no UI of {shown}. Any site can let a name of its own lead here. If it "
                f"is your name for this machine, allow it: {_HOW.format(shown)}.",
            )

    def _of_origin(self, scope: Scope, headers: Headers) -> Iterator[tuple[int, str]]:
        origins = headers.getlist("origin")
        if not origins and scope["type"] == "websocket":
            yield 403, "a websocket needs the header Origin, which browsers send by themselves."
        elif origins and (len(origins) > 1 or not self._is_ours(origins[0], scope, headers)):
            shown = _shown(origins)
            yield (
                403,
                f"a page of {shown} asked, and only a page of this UI may. If a reverse proxy "
                "serves this UI there, allow it: "
                f"{_HOW.format(urlsplit(shown).netloc or 'NAME')}.",
            )

    def _is_ours(self, origin: str, scope: Scope, headers: Headers) -> bool:
        """Whether the origin is the address that was asked, or one that the operator named."""
        scheme, _, authority = origin.lower().partition("://")
        secure: bool = scope["scheme"] in ("https", "wss")  # a proxy in front that says so
        known = {headers["host"].lower(), *self._named}
        return scheme in ({"https"} if secure else {"http", "https"}) and authority in known


def _of_form(scope: Scope, headers: Headers) -> Iterator[tuple[int, str]]:
    """Refusals of what an image, a link or a form could ask."""
    method = scope["method"]
    if method not in ("GET", "HEAD", "POST"):
        yield 405, f"{_shown([method])} is not known here."
    content = headers.get("content-type", "").partition(";")[0].strip().lower()
    if method == "POST" and content != "application/json":
        yield 415, "a POST needs the content type application/json, which a form cannot send."
    if method != "POST" and _asks_graphql(scope) and "text/html" not in headers.get("accept", ""):
        yield 405, "GraphQL is asked by POST as application/json: an image tag could ask by GET."


def _asks_graphql(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["type"] == "http" and path.rstrip("/").endswith("/graphql")


def _is_foreign(headers: Headers) -> bool:
    """Whether the browser says that the request came from elsewhere than a page of this UI."""
    return not set(headers.getlist("sec-fetch-site")) <= {"same-origin", "none"}


def _is_link(scope: Scope, headers: Headers) -> bool:
    """Whether the answer is shown in a window of its own, where no other page can read it."""
    asked = (scope.get("method"), headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
    return asked == ("GET", "navigate", "document")


def _name(authority: str) -> str:
    """The part before the port; empty where it has no such form."""
    found = _AUTHORITY.fullmatch(authority.lower())
    return found["name"] if found else ""


def _shown(values: list[str]) -> str:
    """What a request said, in one short line."""
    said = ascii(", ".join(values))[1:-1]
    return said[:_LONGEST_SHOWN] or "an address without a name"


def _closed_to_others(send: Send) -> Send:
    """Sends with the headers that keep other sites' pages out."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(_HEADERS)
        await send(message)

    return with_headers
