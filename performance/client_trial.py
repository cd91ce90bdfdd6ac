"""One trial of `client_cost.py` in a process of its own: requests by one client, figures as JSON.

Every client gets the same requests, made as they are taken, and leaves its answers on the disk.
"""

import argparse
import asyncio
import json
import math
import os
import selectors
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zero_cost_server import ANSWER, COMPLETION, MODEL

if TYPE_CHECKING:
    import openai
    import polars as pl

    from sysgen_dagster.chat.messages import ChatRequest
    from sysgen_dagster.inference.ledger import Ledger

_TEXT = 'Say who the user is, what the answer is for, and "how long" it may be; then stop.\n' * 200
_SHARED_BYTES = 4000  # with which every prompt begins, as with the instructions of a phase
_TEMPERATURE, _MAX_TOKENS = 0.7, 512
NOT_INSTALLED = 3  # exit code
_CONNECTIONS, _PIPELINED = 64, 8  # of the load that shows what the server can do

Body = dict[str, Any]
Answer = dict[str, str | int | None]


@dataclass(slots=True)
class Trial:
    """What is asked for, and what it took."""

    url: str
    server_pid: int
    folder: Path
    requests: int
    in_flight: int
    prompt_bytes: int
    figures: dict[str, float] = field(default_factory=dict)

    def prompts(self) -> Iterator[str]:
        """A beginning they share, then text of their own."""
        for number in range(self.requests):
            text = f"{_TEXT[:_SHARED_BYTES]}{number:09d} {_TEXT[number % 80 :]}"
            yield text[: self.prompt_bytes]

    def bodies(self) -> Iterator[Body]:
        """The prompts as a chat completion takes them."""
        for number, prompt in enumerate(self.prompts()):
            yield {
                "model": MODEL,
                "messages": [{"role": "user", "content": prompt}],
                "temperature": _TEMPERATURE,
                "max_tokens": _MAX_TOKENS,
                "seed": number,
            }

    @contextmanager
    def measured(self) -> Iterator[None]:
        """From the first request to the last answer; imports lie outside."""
        wall, cpu, server = time.perf_counter(), time.process_time(), _cpu_s(self.server_pid)
        yield
        self.figures |= {
            "wall_s": time.perf_counter() - wall,
            "cpu_s": time.process_time() - cpu,
            "server_cpu_s": _cpu_s(self.server_pid) - server,
            "answered_peak_mb": _peak_mb(),
        }


def ask_ours(trial: Trial) -> int:
    """`sysgen_dagster` with as many in flight as the others."""
    return _ask_ours(trial, trial.in_flight)


def ask_ours_unlimited(trial: Trial) -> int:
    """`sysgen_dagster` as it is used: it finds out how many the server takes."""
    return _ask_ours(trial, None)


def _ask_ours(trial: Trial, in_flight: int | None) -> int:
    """As the pipeline does it: a ledger, then a table, then the ledger sealed."""
    from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, Sampling
    from sysgen_dagster.inference import client  # noqa: F401 outside of what is measured
    from sysgen_dagster.inference.ledger import Ledger

    sampling = Sampling(_TEMPERATURE, _MAX_TOKENS)
    requests = (
        ChatRequest(f"row-{number}", [ChatMessage(role=Role.USER, content=text)], sampling, number)
        for number, text in enumerate(trial.prompts())
    )
    ledger = Ledger(trial.folder / "ledger.jsonl")
    with trial.measured(), ledger:
        rows = _complete(trial, requests, ledger, in_flight)
    rows.write_parquet(trial.folder / "rows.parquet", compression="zstd")
    ledger.seal()
    return int((rows["text"] == ANSWER).sum())


def _complete(
    trial: Trial, requests: "Iterable[ChatRequest]", ledger: "Ledger", in_flight: int | None
) -> "pl.DataFrame":
    """The one place that knows how our client is called."""
    from sysgen_dagster.inference.chat_api import Endpoint, ModelIdentity, ServerCapabilities
    from sysgen_dagster.inference.client import complete
    from sysgen_dagster.inference.progress import Progress
    from sysgen_dagster.inference.replicas import MOST_IN_FLIGHT

    model = ModelIdentity(name=MODEL, served_name=MODEL, revision=None, engine="endpoint")
    capabilities = ServerCapabilities(context_tokens=8192, has_tokenizer=True)
    endpoint = Endpoint(model, (trial.url,), capabilities=capabilities, before_first_answer=4)
    if in_flight is not None:
        endpoint = replace(endpoint, starts_with=in_flight)
    report = partial(print, file=sys.stderr)
    connection = SimpleNamespace(
        model=model, report=report, connect=lambda _: endpoint, reconnect=str, cancel=list
    )
    return complete(
        connection,
        requests,
        Progress(trial.requests),
        ledger,
        show=lambda _: None,
        most_in_flight=in_flight or MOST_IN_FLIGHT,  # without it a higher limit would be found
    )


def ask_aiohttp(trial: Trial) -> int:
    """`aiohttp` with nothing around it: no retries, no checks."""
    import aiohttp

    async def run() -> int:
        connector = aiohttp.TCPConnector(limit=trial.in_flight)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def ask(body: Body) -> Answer:
                async with session.post(f"{trial.url}/chat/completions", json=body) as response:
                    reply = await response.json()
                choice, usage = reply["choices"][0], reply["usage"]
                return {
                    "text": choice["message"]["content"],
                    "finish_reason": choice["finish_reason"],
                    "prompt_tokens": usage["prompt_tokens"],
                    "completion_tokens": usage["completion_tokens"],
                }

            return await _ask_all(trial, ask)

    return asyncio.run(run())


def ask_openai(trial: Trial) -> int:
    """`openai` as it comes."""
    import openai

    return asyncio.run(_ask_openai(trial, openai.AsyncOpenAI(base_url=trial.url, api_key="none")))


def ask_openai_over_aiohttp(trial: Trial) -> int:
    """`openai` over `DefaultAioHttpClient`; `ImportError` where what that needs is missing."""
    import openai

    async def run() -> int:
        try:
            http = openai.DefaultAioHttpClient()
        except RuntimeError as error:
            raise ImportError(str(error)) from error
        client = openai.AsyncOpenAI(base_url=trial.url, api_key="none", http_client=http)
        return await _ask_openai(trial, client)

    return asyncio.run(run())


async def _ask_openai(trial: Trial, client: "openai.AsyncOpenAI") -> int:
    # The package reads its own answer types in at the first call.
    from openai.types.chat import ChatCompletion  # noqa: F401

    async def ask(body: Body) -> Answer:
        reply = await client.chat.completions.create(**body)
        choice, usage = reply.choices[0], reply.usage
        return {
            "text": choice.message.content,
            "finish_reason": choice.finish_reason,
            "prompt_tokens": usage.prompt_tokens if usage else None,
            "completion_tokens": usage.completion_tokens if usage else None,
        }

    async with client:
        return await _ask_all(trial, ask)


async def _ask_all(trial: Trial, ask: Callable[[Body], Awaitable[Answer]]) -> int:
    """All requests with a semaphore around them; an answer is a line in a file."""
    room = asyncio.Semaphore(trial.in_flight)
    path = trial.folder / "answers.jsonl"

    async def answer(body: Body) -> None:
        file.write(json.dumps({"seed": body["seed"], **await ask(body)}) + "\n")
        room.release()

    with trial.measured(), path.open("w") as file:
        async with asyncio.TaskGroup() as tasks:
            for body in trial.bodies():
                await room.acquire()
                tasks.create_task(answer(body))
    with path.open() as file:
        return sum(json.loads(line)["text"] == ANSWER for line in file)


def load_server(trial: Trial) -> int:
    """No client at all: the same bytes again and again, pipelined over plain sockets."""
    body = json.dumps(next(trial.bodies())).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    request = head.encode() + body
    where = urlsplit(trial.url)
    selector = selectors.DefaultSelector()
    rounds = math.ceil(trial.requests / (_CONNECTIONS * _PIPELINED))
    with trial.measured():
        for _ in range(_CONNECTIONS):
            connection = socket.create_connection((where.hostname, where.port))
            connection.sendall(request * _PIPELINED)
            selector.register(connection, selectors.EVENT_READ, [rounds, 0])
        while selector.get_map():
            for key, _ in selector.select():
                _read_and_ask_again(selector, key, request)
    return rounds * _CONNECTIONS * _PIPELINED


def _read_and_ask_again(
    selector: selectors.BaseSelector, key: selectors.SelectorKey, request: bytes
) -> None:
    connection, state = key.fileobj, key.data
    assert isinstance(connection, socket.socket)
    state[1] += len(connection.recv(1 << 18))
    if state[1] < len(COMPLETION) * _PIPELINED:
        return
    state[0], state[1] = state[0] - 1, 0
    if state[0]:
        connection.sendall(request * _PIPELINED)
    else:
        selector.unregister(connection)
        connection.close()


def _cpu_s(pid: int) -> float:
    """CPU time of another process so far, to a hundredth of a second."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _peak_mb() -> float:
    """Of this program; what getrusage says includes the process that started it."""
    peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    return int(peak) / 1024


OURS = "sysgen-dagster"
LOAD = "plain sockets, pipelined"
CLIENTS: dict[str, Callable[[Trial], int]] = {
    OURS: ask_ours,
    "sysgen-dagster, own limit": ask_ours_unlimited,
    "aiohttp": ask_aiohttp,
    "openai over aiohttp": ask_openai_over_aiohttp,
    "openai": ask_openai,
}


def main() -> None:
    """Run the trial that the arguments describe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("client", choices=[*CLIENTS, LOAD])
    parser.add_argument("--url", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    for name in ("server-pid", "requests", "in-flight", "prompt-bytes"):
        parser.add_argument(f"--{name}", type=int, required=True)
    arguments = vars(parser.parse_args())
    ask = (CLIENTS | {LOAD: load_server})[arguments.pop("client")]
    trial = Trial(**arguments)
    try:
        answered = ask(trial)
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(NOT_INSTALLED)
    figures = {"process_cpu_s": time.process_time(), "peak_mb": _peak_mb(), "answered": answered}
    print(json.dumps(trial.figures | figures))


if __name__ == "__main__":
    main()
