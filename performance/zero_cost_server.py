"""A model server that costs next to nothing, so that what is measured is the client.

It reads of a request only where it ends, and answers every chat request with the same completion,
``--latency-ms`` after it came. With ``--phases`` it looks which phase asks, and answers as a model
might: a tagged message, one of eight and two of these malformed, the eight verdicts, or an answer.
With ``--second-lane`` it answers the steps of that lane (`second_lane_replies`).
With ``--echo`` it finds the row that a request is for, ``row-`` and nine digits, and says it in a
tagged message, so that nobody's answers can be mixed up unseen; it counts what it is asked (``GET
/asked``, from zero again after ``POST /reset``), and closes a connection that asks for it.
Prints its port, then serves until it is killed.
"""

import argparse
import asyncio
import json
import re
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from second_lane_replies import reply_to

MODEL = "zero-cost"
ANSWER = "It answers what was asked, in the tone that was asked for, and then it stops. " * 8


def _reply(content: Any, status: str = "200 OK") -> bytes:
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def _completion(text: str, finish_reason: str = "stop") -> bytes:
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
                    "finish_reason": finish_reason,
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


Answer = Callable[[bytes], bytes]  # of the body of a request


def answer_phase(body: bytes) -> bytes:
    """What a model might say in the phase that asks."""
    if _PHASE_3 in body:
        return _VERDICTS
    return _MESSAGES[len(body) % len(_MESSAGES)] if _PHASE_1 in body else COMPLETION


def answer_step(body: bytes) -> bytes:
    """What a model might say in the step of the second lane that asks."""
    return _completion(reply_to(body))


# What `--echo` says; the row it is for takes the place of this one.
NO_ROW = "row-000000000"
ECHO = "\n".join(
    f"<<{tag}>>Keep to what the conversation about {NO_ROW} asks for.<</{tag}>>" for tag in _TAGS
)
_ECHO = _completion(ECHO)
_ROW = re.compile(rb"row-\d{9}")
WRONG = {
    "400": _reply({"error": {"message": "made to fail", "type": "BadRequestError"}}, "400 Bad"),
    "500": _reply({"error": {"message": "made to fail", "type": "ServerError"}}, "500 Error"),
    "length": _completion("", "length"),
}


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

    def __init__(self, later: _Later, answer: Answer | None) -> None:
        self.later = later
        self.answer = answer  # None: the same to everything
        self.body = bytearray()  # kept only where it matters what is asked
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
            if self.answer:
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
            self.later.reply(self.transport, self.answer(self.body) if self.answer else COMPLETION)
        else:
            self.transport.write(at_once)
        self.body.clear()


class _Asked:
    """What `--echo` has been asked since it was last set to zero; times are of the loop's clock."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Nothing has been asked."""
        self.rows: Counter[bytes] = Counter()  # requests by row
        self.others = 0  # chat requests that are for no row
        self.body_bytes = 0  # of the requests for rows
        self.most_in_flight = 0
        self.first_s = self.last_s = 0.0

    def count(self, row: bytes, body_bytes: int, now: float, in_flight: int) -> None:
        """A chat request for that row came."""
        self.first_s, self.last_s = self.first_s or now, now
        self.rows[row] += 1
        self.body_bytes += body_bytes
        self.most_in_flight = max(self.most_in_flight, in_flight)

    def reply(self) -> bytes:
        """The counts as the body of a reply."""
        return _reply(
            {
                "asked": self.rows.total(),
                "rows": len(self.rows),
                "others": self.others,
                "body_bytes": self.body_bytes,
                "most_in_flight": self.most_in_flight,
                "asking_s": self.last_s - self.first_s,
            }
        )


class _LastReply:
    """Writes a reply and closes the connection, as the request asked."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self.transport = transport

    def write(self, said: bytes) -> None:
        self.transport.write(said)
        self.transport.close()


class _EchoingConnection(_Connection):
    """A connection whose answers say which row was asked for; one row in `wrong_every` fails."""

    def __init__(self, later: _Later, asked: _Asked, wrong: bytes, wrong_every: int) -> None:
        super().__init__(later, answer_phase)
        self.asked, self.wrong, self.wrong_every = asked, wrong, wrong_every
        self.closes = False

    def _read_head(self, head: bytes) -> None:
        super()._read_head(head)
        self.closes = b"\r\nconnection: close" in head.lower()

    def _reply(self) -> None:
        to: Any = _LastReply(self.transport) if self.closes else self.transport
        if self.path == b"/asked":
            to.write(self.asked.reply())
        elif self.path == b"/reset":
            self.asked.reset()
            to.write(_AT_ONCE[b"/health"])
        elif self.path in _AT_ONCE:
            to.write(_AT_ONCE[self.path])
        else:
            self.later.reply(to, self._answer())
        self.body.clear()

    def _answer(self) -> bytes:
        found = _ROW.search(self.body)
        if found is None:
            self.asked.others += 1
            return COMPLETION
        row, now = found[0], self.later.loop.time()
        self.asked.count(row, len(self.body), now, len(self.later.waiting) + 1)
        if self.wrong_every and int(row[4:]) % self.wrong_every == self.wrong_every - 1:
            return self.wrong
        return _ECHO.replace(NO_ROW.encode(), row)


async def _serve(options: argparse.Namespace) -> None:
    later, asked = _Later(options.latency_ms / 1000), _Asked()
    of_lane = answer_step if options.second_lane else None
    answer = answer_phase if options.phases else of_lane

    def connection() -> _Connection:
        if options.echo:
            wrong = WRONG[options.wrong]
            return _EchoingConnection(later, asked, wrong, options.wrong_every)
        return _Connection(later, answer)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=50.0)
    parser.add_argument("--phases", action="store_true")
    parser.add_argument("--second-lane", action="store_true")
    parser.add_argument("--echo", action="store_true")
    parser.add_argument("--wrong", choices=WRONG, default="400", help="how rows fail")
    parser.add_argument("--wrong-every", type=int, default=0, help="one row in so many; 0: none")
    asyncio.run(_serve(parser.parse_args()))
