"""A model server that costs next to nothing, so that what is measured is the client.

It reads of a request only where it ends, and answers every chat request with the same completion,
``--latency-ms`` after it came. With ``--phases`` it looks which phase asks, and answers as a model
might: a tagged message, one of eight and two of these malformed, the eight verdicts, or an answer.
Prints its port, then serves until it is killed.
"""

import argparse
import asyncio
import json
from collections import deque
from typing import Any

MODEL = "zero-cost"
ANSWER = "It answers what was asked, in the tone that was asked for, and then it stops. " * 8


def _reply(content: Any) -> bytes:
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def _completion(text: str) -> bytes:
    return _reply(
        {
            "id": "chatcmpl-0",
            "object": "chat.completion",
            "created": 0,
            "model": MODEL,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": 1500,
                "completion_tokens": 140,
                "total_tokens": 1640,
                "prompt_tokens_details": {"cached_tokens": 1000},
            },
        }
    )


COMPLETION = _completion(ANSWER)
_TAGS = ("Role", "Content", "Task", "Action", "Style", "Background", "Tool", "Format")
_WELL_FORMED = [
    "\n".join(
        f"<<{tag}>>Part {n} of message {k}, about {tag}.<</{tag}>>" for n, tag in enumerate(tags)
    )
    for k, tags in enumerate(_TAGS[k % 3 : 4 + k % 4] for k in range(6))
]
_MESSAGES = [_completion(text) for text in (*_WELL_FORMED, _WELL_FORMED[0][:-4], "<<Role>>You are")]
_VERDICTS = _completion(
    "\n".join(f"<<{tag}>>: {'Bad' if tag == 'Tool' else 'Good'}" for tag in _TAGS)
)
# The last lines of the prompts of Phases 1 and 3.
_PHASE_1, _PHASE_3 = b"# The tagged system message for this", b"# The eight verdicts"


def answer_to(body: bytes) -> bytes:
    """What a model might say in the phase that asks."""
    if _PHASE_3 in body:
        return _VERDICTS
    return _MESSAGES[len(body) % len(_MESSAGES)] if _PHASE_1 in body else COMPLETION


_AT_ONCE = {
    b"/v1/models": _reply(
        {"object": "list", "data": [{"id": MODEL, "object": "model", "max_model_len": 8192}]}
    ),
    b"/tokenize": _reply({"count": 1500, "max_model_len": 8192, "tokens": []}),
    b"/health": _reply({}),
}


class _Later:
    """Chat replies on their way: all take equally long, so one timer does for all of them."""

    def __init__(self, latency_s: float) -> None:
        self.latency_s = latency_s
        self.waiting: deque[tuple[float, asyncio.WriteTransport, bytes]] = deque()
        self.loop = asyncio.get_running_loop()

    def reply(self, transport: asyncio.WriteTransport, said: bytes) -> None:
        if not self.latency_s:
            transport.write(said)
            return
        if not self.waiting:
            self.loop.call_later(self.latency_s, self._send)
        self.waiting.append((self.loop.time() + self.latency_s, transport, said))

    def _send(self) -> None:
        now = self.loop.time()
        while self.waiting and self.waiting[0][0] <= now:
            _, transport, said = self.waiting.popleft()
            transport.write(said)
        if self.waiting:
            self.loop.call_at(self.waiting[0][0], self._send)


class _Connection(asyncio.BufferedProtocol):
    """Requests of one client connection, one after the other or pipelined."""

    # One for all connections: what was received is looked at before anything else is.
    received = memoryview(bytearray(1 << 18))

    def __init__(self, later: _Later, phases: bool) -> None:
        self.later = later
        self.phases = phases
        self.body = bytearray()  # kept only where it matters which phase asks
        self.head = b""  # of the request that is being read
        self.missing = 0  # bytes of its body; the body itself is not kept
        self.path = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def get_buffer(self, _: int) -> memoryview:
        return self.received

    def buffer_updated(self, size: int) -> None:
        start = 0
        while start < size:
            if not self.missing:
                self.head += bytes(self.received[start:size])
                start = size
                end = self.head.find(b"\r\n\r\n")
                if end < 0:
                    return
                start -= len(self.head) - end - 4  # the rest is body
                self._read_head(self.head[:end])
                self.head = b""
            body = min(self.missing, size - start)
            if self.phases:
                self.body += self.received[start : start + body]
            start += body
            self.missing -= body
            if not self.missing:
                self._reply()

    def _read_head(self, head: bytes) -> None:
        self.path = head.split(b" ", 2)[1]
        _, named, rest = head.lower().partition(b"\r\ncontent-length:")
        self.missing = int(rest.partition(b"\r\n")[0]) if named else 0

    def _reply(self) -> None:
        at_once = _AT_ONCE.get(self.path)
        if at_once is None:
            self.later.reply(self.transport, answer_to(self.body) if self.phases else COMPLETION)
        else:
            self.transport.write(at_once)
        self.body.clear()


async def _serve(latency_s: float, phases: bool) -> None:
    later = _Later(latency_s)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(later, phases), "127.0.0.1", 0, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=50.0)
    parser.add_argument("--phases", action="store_true")
    options = parser.parse_args()
    asyncio.run(_serve(options.latency_ms / 1000, options.phases))
