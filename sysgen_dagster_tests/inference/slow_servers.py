"""A server that takes minutes for an answer, on a clock that jumps to what happens next."""

import asyncio
import json
import selectors
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.inference import asking
from sysgen_dagster.inference.chat_api import Endpoint
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.inference.refused_in_a_row import RefusedInARow
from sysgen_dagster.inference.replicas import Replicas
from sysgen_dagster.inference.transport import Response
from sysgen_dagster_tests.inference.odd_servers import completion

_ANSWER = json.dumps(completion("Because.")).encode()


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing: where no file is ready, the time is at once what was waited for."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.now += timeout or 0.0
        return super().select(None if timeout is None else 0)


async def _false(*_: object) -> bool:
    """It takes connections all the time."""
    return False


@dataclass
class SlowServer:
    """Works on so many requests at once, in the order in which they come.

    It stands where the transport would be.

    Attributes:
        goes_on: Whether it works on for requests whose connection is closed.
        silent_for: Seeds of the requests that never get an answer, and keep their slot for ever.
    """

    slots: int
    answer_s: float
    goes_on: bool = False
    silent_for: frozenset[int] = frozenset()
    asked: Counter[int] = field(default_factory=Counter)

    def ask_all(
        self, endpoint: Endpoint, requests: Sequence[ChatRequest]
    ) -> tuple[list[Outcome], float]:
        """The outcomes of the requests, and how long they took on the server's clock."""
        clock = _Jumping()

        async def main() -> list[Outcome]:
            self.room = asyncio.Semaphore(self.slots)
            replicas = Replicas(endpoint, str, print, last_answer=clock.now)
            refused = RefusedInARow(Progress(len(requests)))
            client = asking.Asking(endpoint, replicas, self, refused)  # type: ignore[arg-type]
            async with asyncio.TaskGroup() as tasks:
                asked = [tasks.create_task(client.get_outcome(each)) for each in requests]
            return [task.result() for task in asked]

        def loop() -> asyncio.AbstractEventLoop:
            loop = asyncio.SelectorEventLoop(clock)
            loop.time = lambda: clock.now  # type: ignore[method-assign]
            return loop

        with pytest.MonkeyPatch.context() as patch, asyncio.Runner(loop_factory=loop) as runner:
            patch.setattr(time, "monotonic", lambda: clock.now)
            patch.setattr(asking, "nothing_listens", _false)
            return runner.run(main()), clock.now

    async def send(self, *_: object, json: dict[str, Any]) -> Response:
        """What `Transport` gives for a request."""
        work = asyncio.create_task(self.work(json["seed"]))
        await (asyncio.shield(work) if self.goes_on else work)
        return Response(200, {}, _ANSWER)

    async def work(self, seed: int) -> None:
        self.asked[seed] += 1
        async with self.room:
            if seed in self.silent_for:
                await asyncio.get_running_loop().create_future()
            await asyncio.sleep(self.answer_s)
