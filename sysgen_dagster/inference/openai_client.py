"""The `openai` package, which asks servers what they can do, over the transport of all requests.

So a question has the trust, the bounds and the deadlines of the requests that follow it.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2
import openai

from sysgen_dagster.inference.asked_waits import with_wait
from sysgen_dagster.inference.bodies import MOST_LISTING_BYTES, BadBodyError
from sysgen_dagster.inference.chat_api import BusyError, EngineError, ModelIdentity
from sysgen_dagster.inference.error_words import read_words
from sysgen_dagster.inference.quoting import quoted
from sysgen_dagster.inference.refusals import About, judge
from sysgen_dagster.inference.transport import (
    CutError,
    NotConnectedError,
    Response,
    Transport,
    open_transport,
)

QUESTION_S = 60.0  # for one reply: a laptop that has to load its model first takes most of that
PROBE_S = 600.0  # for all questions to one server, with their retries
_CONNECT_S = 10.0
# Of the package's own headers; `aiohttp` writes those that describe the connection.
_OF_CONNECTION = frozenset({"accept-encoding", "connection", "content-length", "host"})
# Of the server's: the package reads no others that may pass, and bodies are unpacked already.
_PASSED_ON = frozenset({"location", "retry-after"})
_LONGEST_PAUSE_S = 120.0  # for which the package waits where a server asks for it


@contextmanager
def open_client(base_url: str, api_key: str | None, retries: int) -> Iterator[openai.OpenAI]:
    """A client of one server, for a thread in which no event loop runs."""
    with asyncio.Runner() as loop:
        opened = open_transport([base_url], {}, _CONNECT_S, api_key)
        transport = loop.run(opened.__aenter__())
        try:
            bridge = _Bridge(loop, transport, time.monotonic() + PROBE_S)
            yield openai.OpenAI(
                base_url=base_url,
                api_key=api_key or "none",
                max_retries=retries,
                http_client=httpx2.Client(
                    transport=bridge, trust_env=False, follow_redirects=False, timeout=None
                ),
            )
        finally:
            loop.run(opened.__aexit__(None, None, None))


@dataclass(slots=True, eq=False)
class _Bridge(httpx2.BaseTransport):
    """Sends what the package asks for.

    Attributes:
        ends_at: When the time for all questions is over.
    """

    loop: asyncio.Runner
    transport: Transport
    ends_at: float

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The reply, read to its end.

        Raises:
            httpx2.RequestError: There is none, or one that cannot be read; the package asks again.
            openai.APITimeoutError: The time for all questions is over; it does not ask again.
        """
        left_s = self.ends_at - time.monotonic()
        if left_s <= 0:
            raise openai.APITimeoutError(request) from TimeoutError(f"no end in {PROBE_S:.0f} s")
        within_s = min(QUESTION_S, left_s)
        try:
            reply = self.loop.run(asyncio.wait_for(self._send(request), within_s))
        except TimeoutError:
            raise httpx2.ReadTimeout(f"no answer in {within_s:.0f} s", request=request) from None
        except (NotConnectedError, CutError) as error:
            raise httpx2.NetworkError(str(error), request=request) from None
        except BadBodyError as error:
            raise httpx2.DecodingError(str(error), request=request) from None
        kept = _PASSED_ON - ({"retry-after"} if left_s < _LONGEST_PAUSE_S else set())
        headers = [(name, value) for name, value in reply.headers.items() if name.lower() in kept]
        return httpx2.Response(reply.status, headers=headers, content=reply.body)

    async def _send(self, request: httpx2.Request) -> Response:
        headers = [each for each in request.headers.items() if each[0] not in _OF_CONNECTION]
        data = request.read() or None
        return await self.transport.send(
            request.method, str(request.url), MOST_LISTING_BYTES, data=data, headers=headers
        )


def require_server(
    client: openai.OpenAI, model: ModelIdentity, error: openai.APIStatusError
) -> None:
    """Raise an error if a question was refused for what it does not hold.

    Raises:
        EngineError: The account or the server is meant.
        BusyError: The server has no room for it now.
    """
    reply, fault = error.response, describe_error(error, client.api_key)
    refusal = judge(reply.status_code, reply.headers, read_words(reply.content))
    where = f"{model.name}: {str(client.base_url).rstrip('/')}"
    if refusal.about in (About.ACCOUNT, About.SERVER):
        served = model.served_name
        said = f"{where} does not serve {served} to us ({fault}): {refusal.advice}"
        raise EngineError(said) from None
    if refusal.is_busy:
        said = f"{where} has no room now ({with_wait(fault, refusal.wait_s)})"
        raise BusyError(said, refusal.wait_s) from None


def describe_error(error: Exception, api_key: str | None) -> str:
    """The text of an error or of the reply behind it, without our key, which servers may repeat."""
    text = str(error.__cause__ or error)
    if isinstance(error, openai.APIStatusError):
        text = f"{error.status_code}: {error.response.text}"
        if place := error.response.headers.get("location"):
            text = f"{error.status_code}, it leads to {place}"
    return quoted(text.replace(api_key or "\0", "***"))
