"""Servers that reply what no good server replies, in a thread of the test."""

import asyncio
import json
import socketserver
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from sysgen_dagster_tests.inference.processes import CEILING_S

End = Callable[[web.StreamResponse], Awaitable[None]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def completion(content: Any, **fields: Any) -> dict[str, Any]:
    """A chat completion with this content."""
    return {"choices": [{"message": {"content": content}, "finish_reason": "stop"}], **fields}


def listing(*models: str) -> bytes:
    """The body that says which models are served."""
    return json.dumps({"data": [{"id": model} for model in models]}).encode()


@contextmanager
def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The base URL of a server that gives every request to the handler."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    try:
        yield asyncio.run_coroutine_threadsafe(_listen(runner, tls), loop).result(CEILING_S)
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(CEILING_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CEILING_S)
        loop.close()


async def _listen(runner: web.AppRunner, tls: ssl.SSLContext | None) -> str:
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    return f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}/v1"


@contextmanager
def replying(
    body: bytes, status: int = 200, content_type: str = "application/json"
) -> Iterator[str]:
    """The base URL of a server that replies the same to every request."""

    async def reply(_: web.Request) -> web.Response:
        return web.Response(body=body, status=status, content_type=content_type)

    with serving(reply) as url:
        yield url


def writing(
    *chunks: bytes,
    then: End | None = None,
    status: int = 200,
    **headers: str,
) -> Handler:
    """A handler that writes a body piece by piece."""

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            status=status, headers={name.replace("_", "-"): each for name, each in headers.items()}
        )
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if then is not None:
            await then(response)
        return response

    return handle


async def for_ever(response: web.StreamResponse) -> None:
    """Write on without an end."""
    while True:
        await response.write(b" " * 65536)


async def drip(response: web.StreamResponse) -> None:
    """Write on, a byte at a time."""
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


@contextmanager
def speaking(words: bytes) -> Iterator[str]:
    """The base URL of a server that does not speak HTTP."""

    class Speaker(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(words)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Speaker) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()
            thread.join(CEILING_S)
