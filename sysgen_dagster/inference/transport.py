"""How HTTP is spoken to model servers, by whatever asks them: the one place that opens connections.

No proxy is asked, no redirect followed and no cookie kept; a certificate is trusted for all
requests or for none; a reply ends in a bounded number of bytes. How long one may take, its caller
says with a deadline over all of it: `asyncio.timeout`, or `server_queue.within`.
"""

import asyncio
import errno
import json
import os
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import certifi
from aiohttp.client_proto import ResponseHandler

from sysgen_dagster.inference.bodies import MOST_ERROR_BYTES, BadBodyError, Body
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.quoting import quoted

_NO_MORE_SOCKETS = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL})
# Replies are some kB. Hundreds may come at once; of larger ones only so many are held at a time.
_LARGE_BYTES = 256 * 1024
_LARGE_AT_ONCE = 8
# Shorter keys, such as EMPTY or ollama, protect nothing and are words that answers hold.
_SHORTEST_SECRET = 16


class NotConnectedError(Exception):
    """No connection to a server came about.

    Attributes:
        lacks_sockets: Whether this process may open no more of them: then no server is at fault.
    """

    def __init__(self, fault: str, lacks_sockets: bool = False) -> None:
        """The fault in words for people."""
        super().__init__(fault)
        self.lacks_sockets = lacks_sockets


class CutError(Exception):
    """A connection ended before the reply did, or what came was no HTTP."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a server replied.

    Attributes:
        body: All of it where the status is 2xx, else perhaps only its beginning; without our key.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Transport:
    """The connections of one partition, or of one look at a server.

    Attributes:
        connect_s: Time until a server must have taken a connection.
        api_key: Which no reply may repeat: replies end in rows, messages and logs.
    """

    session: aiohttp.ClientSession
    connect_s: float
    api_key: str | None = field(default=None, repr=False)
    _large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LARGE_AT_ONCE))

    async def send(self, method: str, url: str, most_bytes: int, **content: Any) -> Response:
        """The reply to a request.

        Args:
            method: Of HTTP.
            url: Where it is sent.
            most_bytes: That the body of an answer may have.
            **content: The body and headers, as `aiohttp` takes them: `json`, `data`, `headers`.

        Raises:
            NotConnectedError: The server was not reached, or is not trusted.
            CutError: The connection was cut, or what came is no HTTP.
            BadBodyError: An answer is longer than it may be, or cannot be unpacked.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self.connect_s)
        try:
            async with self.session.request(
                method, url, allow_redirects=False, timeout=timeout, **content
            ) as response:
                body = self._without_key(await self._read(response, most_bytes), response.status)
                return Response(response.status, response.headers, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotConnectedError(
                _describe(error), getattr(error, "errno", None) in _NO_MORE_SOCKETS
            ) from None
        except aiohttp.ClientResponseError:
            raise CutError("what came is no HTTP, or its headers are too long") from None
        except aiohttp.ClientError as error:
            # The error's text may hold our request with its headers, so only its type is named.
            raise CutError(f"connection cut: {type(error).__name__}") from None

    async def _read(self, response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
        is_answer = 200 <= response.status < 300
        encoding = response.headers.get("Content-Encoding", "")
        body = Body(most_bytes if is_answer else MOST_ERROR_BYTES, encoding)
        chunks = response.content
        try:
            while len(body.content) <= _LARGE_BYTES and (chunk := await chunks.readany()):
                body.add(chunk)
            if len(body.content) > _LARGE_BYTES:
                async with self._large:
                    while chunk := await chunks.readany():
                        body.add(chunk)
        except BadBodyError:
            if is_answer:
                raise
        return bytes(body.content)

    def _without_key(self, body: bytes, status: int) -> bytes:
        key = self.api_key
        if not key or (status == 200 and len(key) < _SHORTEST_SECRET):
            return body
        in_json = json.dumps(key)[1:-1]
        for written in (key, in_json, in_json.replace("/", r"\/")):
            body = body.replace(written.encode(), b"***")
        return body


class _Connection(ResponseHandler):
    """A connection that is used again only if nothing came on it since its last reply.

    Proxies say "408" on idle connections, and broken servers reply twice: `aiohttp` would take
    such words for the reply to the next request, so for the answer to another row.
    """

    def is_connected(self) -> bool:
        """Whether it can take a request."""
        return super().is_connected() and not self.should_close


class _Connector(aiohttp.TCPConnector):
    """Makes such connections."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        kind: type[ResponseHandler] = _Connection
        self._factory = partial(kind, self._loop)


@asynccontextmanager
async def open_transport(
    urls: Iterable[str],
    headers: Mapping[str, str],
    connect_s: float,
    api_key: str | None = None,
) -> AsyncIterator[Transport]:
    """Connections to these servers, closed when the context ends.

    Args:
        urls: Of the servers.
        headers: Of every request.
        connect_s: Time until a server must have taken a connection.
        api_key: Which no reply may repeat.

    Raises:
        EngineError: The servers have certificates, and a variable says wrongly whom to trust.
    """
    has_tls = any(url.lower().startswith("https:") for url in urls)
    # Without a limit of its own: the replicas decide how many requests are in flight.
    connector = _Connector(limit=0, ssl=trusted_certificates() if has_tls else True)
    async with aiohttp.ClientSession(
        connector=connector,
        # Bodies are unpacked by `Body`, which counts; they are small, so none need be packed.
        headers={**headers, "Accept-Encoding": "identity"},
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:
        yield Transport(session, connect_s, api_key)


def trusted_certificates() -> ssl.SSLContext:
    """Whom every request trusts: what SSL_CERT_FILE and SSL_CERT_DIR name.

    Without these, the authorities of the system and those of `certifi`, for systems without any.

    Raises:
        EngineError: What a variable names is not there, or holds no certificates.
    """
    file, folders = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    context = ssl.create_default_context()
    if not file and not folders:
        context.load_verify_locations(certifi.where())
    for folder in folders.split(os.pathsep) if folders else ():
        if not Path(folder).is_dir():
            raise EngineError(f"SSL_CERT_DIR names {folder}, which is no folder")
    if file:
        try:
            context.load_verify_locations(file)
        except (OSError, ssl.SSLError) as error:
            fault = error.strerror or error
            raise EngineError(
                f"SSL_CERT_FILE names {file}, which holds no certificates that can be read "
                f"({fault}): name a PEM file, or unset it"
            ) from None
    return context


def _describe(error: aiohttp.ClientError) -> str:
    """Why no connection came about, for people."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = getattr(error.certificate_error, "verify_message", error.certificate_error)
        return (
            f"its certificate is not trusted ({quoted(str(why))}): where it is signed by a private "
            "CA, name the file of the CA's certificate in SSL_CERT_FILE"
        )
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return f"TLS failed ({quoted(str(error.os_error))}): does it speak http:// only?"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection ({quoted(error.os_error.strerror or str(error.os_error))})"
    return "it took no connection in time"
