"""A server that plays what a script says, byte by byte, and scripts of every kind of reply."""

import asyncio
import gzip
import json
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from sysgen_dagster_tests.inference.processes import CEILING_S

# How a connection goes on after a script: it waits for the next request, is closed, is reset, or
# keeps its client waiting.
STAYS, CLOSES, RESETS, WAITS = ENDS = "stays", "closes", "resets", "waits"


@dataclass(frozen=True)
class Script:
    """What is sent in reply to one request: pieces, pauses before each, and how it ends."""

    pieces: tuple[bytes, ...]
    pause_s: float = 0.0
    end: str = CLOSES


@dataclass
class Player:
    """Plays to each request the script under its seed, and the default to all others."""

    scripts: dict[int | None, Script] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._reply(reader, writer):
                pass
        writer.close()

    async def _reply(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = head.partition("content-length:")[2].partition("\r")[0].strip()
        body = await reader.readexactly(int(length or 0))
        seed = json.loads(body).get("seed") if body else None
        script = self.scripts.get(seed) or self.scripts.get(None, Script(()))
        for piece in script.pieces:
            await asyncio.sleep(script.pause_s)
            writer.write(piece)
            await writer.drain()
        if script.end == WAITS:
            await reader.read()  # until the client gives up
        if script.end == RESETS:
            writer.transport.abort()
        return script.end == STAYS


@contextmanager
def playing() -> Iterator[tuple[Player, str]]:
    """A player, and the base URL at which it plays."""
    loop, player = asyncio.new_event_loop(), Player()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(CEILING_S)

    async def close() -> None:
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    server = run(asyncio.start_server(player.serve, "127.0.0.1", 0, limit=2**20))
    try:
        yield player, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        run(close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CEILING_S)
        loop.close()


# Scripts

RIGHT: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "phi",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Because.", "reasoning": "Why?"},
            "finish_reason": "stop",
            "logprobs": {
                "content": [{"token": "Good", "logprob": -0.1, "bytes": [71], "top_logprobs": []}]
            },
        }
    ],
    "usage": {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 1},
    },
}
ERROR = {"error": {"message": "no room", "type": "overloaded", "code": 429, "param": None}}
BOMB = gzip.compress(b" " * 20_000_000)

_any_text = st.text(st.characters(exclude_categories=[]), max_size=30)
_numbers = st.integers() | st.floats() | st.sampled_from([10**30, -1, 2**63, 0])
_scalars = st.none() | st.booleans() | _numbers | _any_text | st.text(min_size=200, max_size=400)
_odd_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_any_text, inner, max_size=3),
    max_leaves=6,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _paths(each, (*path, name))
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _paths(each, (*path, at))


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    first, *rest = path
    if isinstance(value, Mapping):
        return {**value, first: _put(value[first], tuple(rest), new)}
    return [_put(each, tuple(rest), new) if at == first else each for at, each in enumerate(value)]


_mutated = st.builds(
    lambda base, change, new: _put(base, change, new),
    st.just(RIGHT),
    st.sampled_from(list(_paths(RIGHT))),
    _odd_values,
) | st.builds(
    lambda change, new: _put(ERROR, change, new), st.sampled_from(list(_paths(ERROR))), _odd_values
)
_written: list[Callable[[Any], bytes]] = [
    lambda value: json.dumps(value).encode(),
    lambda value: json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass"),
    lambda value: b"\xef\xbb\xbf" + json.dumps(value, indent=1).encode(),
    lambda value: json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass"),
    lambda value: b"\n \n" + json.dumps(value).encode().replace(b"\\n", b"\n"),
]
_constants = st.sampled_from(
    [
        *(b"", b"null", b"[]", b"{}", b"<!doctype html><p>Bad gateway", b"data: [DONE]\n\n"),
        *(b"[" * 100_000, b'{"a":' * 50_000, b'{"choices": ' + b"[" * 900 + b"]" * 900 + b"}"),
        json.dumps(RIGHT).encode().replace(b'"stop"', b"[" * 800 + b"]" * 800),
        json.dumps(RIGHT).encode().replace(b"9", b"9" * 5_000),
        json.dumps(RIGHT).encode().replace(b"-0.1", b"NaN"),
        json.dumps(RIGHT).encode().replace(b"Because.", b"caf\xc3 \x1b]52;c;aGk=\x07"),
        json.dumps(RIGHT).encode().replace(b"Because.", b"x" * 3_000_000),
        json.dumps(RIGHT).encode().replace(b"Because.", b"[" * 100_000),
    ]
)


def _cut(raw: bytes, start: int, length: int, new: bytes) -> bytes:
    at = start % (len(raw) + 1)
    return raw[:at] + new + raw[at + length :]


_json_bodies = st.builds(
    lambda value, write: write(value), _mutated | _mutated | _odd_values, st.sampled_from(_written)
)
_cut_bodies = st.builds(
    _cut, _json_bodies, st.integers(0, 2_000), st.integers(0, 300), st.binary(max_size=20)
)
bodies = _json_bodies | _cut_bodies | _constants | st.binary(max_size=200)

_packed: list[tuple[str, Callable[[bytes], bytes]]] = [
    *[("", bytes)] * 6,
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("gzip", bytes),
    ("gzip", lambda raw: gzip.compress(raw)[:-9]),
    ("br", bytes),
    ("utf-8", bytes),
    ("gzip", lambda _: BOMB),
]
_STATUSES = (
    *[b"200 OK"] * 20,
    *(b"201 Created", b"204 No Content", b"206 Partial", b"400 Bad Request", b"408 Late"),
    *(
        b"413 Large",
        b"422 No",
        b"429 Busy",
        b"500 Fault",
        b"502 Bad Gateway",
        b"503 Busy",
        b"529 Overloaded",
    ),
    *(b"599 \xff\x1b[2J", b"999 Odd", b"600", b"0 No", b"-1 No", b"2000 OK", b"100 Go on"),
    *(b"101 Other", b"102 Wait"),
)
# After these nobody is asked any more, so few are played.
_ENDING = (
    b"301 Moved",
    b"302 Found",
    b"304 Not Modified",
    b"401 No",
    b"402 Pay",
    b"403",
    b"404 No",
)
_odd_headers = st.sampled_from(
    [
        *(b"Retry-After: 1", b"Retry-After: soon", b"Retry-After: -5", b"Retry-After: 1e999"),
        *(b"Retry-After: Wed, 21 Oct 2015 07:28:00 GMT", b"Location: /v1/elsewhere"),
        *(b"Location: http://[::1", b"Set-Cookie: a=\xff; Domain=\x00", b"Connection: close"),
        *(b"Content-Type: application/json; charset=nowhere", b"Content-Type: text/html"),
        *(b"X-A: " + b"a" * 9_000, b": no name", b"no colon", b"\x1b[2J: \x1b]0;x"),
        *(b"Connection: upgrade", b"Transfer-Encoding: gzip"),
        *(b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 1e3"),
        b"Content-Length: 99999999999999999999",
    ]
)


def _chunked(raw: bytes, size: int) -> bytes:
    parts = [raw[at : at + size] for at in range(0, len(raw), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@st.composite
def _wild(draw: st.DrawFn) -> Script:
    """Any reply, in any frame, or bytes that are none."""
    encoding, pack = draw(st.sampled_from(_packed))
    body = pack(draw(bodies))
    statuses = _ENDING if draw(st.integers(0, 29)) == 0 else _STATUSES
    head = [draw(st.sampled_from([b"HTTP/1.1 ", b"HTTP/1.0 "])) + draw(st.sampled_from(statuses))]
    head += draw(st.lists(_odd_headers, max_size=2)) if draw(st.integers(0, 2)) == 0 else []
    if encoding:
        head.append(b"Content-Encoding: " + encoding.encode())
    framing = draw(st.sampled_from(["length", "length", "length", "chunks", "none", "wrong"]))
    if framing == "chunks":
        head.append(b"Transfer-Encoding: chunked")
        body = _chunked(body, draw(st.sampled_from([1_000, 100_000])))
    elif framing != "none":
        head.append(b"Content-Length: %d" % (len(body) + (framing == "wrong") * 7))
    raw = b"\r\n".join(head) + b"\r\n\r\n" + body
    if draw(st.integers(0, 9)) == 0:
        raw = _cut(raw, draw(st.integers(0, 500)), draw(st.integers(0, 50)), draw(st.binary()))
    at = draw(st.integers(0, 400))
    pieces = tuple(piece for piece in (raw[:at], raw[at:]) if piece)
    end = draw(st.sampled_from([*[STAYS, CLOSES] * 6, RESETS, WAITS]))
    return Script(pieces, draw(st.sampled_from([0.0, 0.0, 0.0, 0.005])), end)


def _framed(body: bytes) -> Script:
    """A body in the frame of a right reply."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return Script((head % len(body), body), end=STAYS)


# A right reply that was changed somewhere, or any other reply.
scripts = st.builds(_framed, bodies) | _wild()
