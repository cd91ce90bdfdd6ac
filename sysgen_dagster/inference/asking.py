"""How one request gets its outcome: made to fit, sent, sent again while that may help.

What ends an attempt and what follows:

- an answer, or a 4xx: final;
- 5xx, no answer in time, a cut connection, a reply that is no chat completion: again after a
  growing delay, five times in all;
- 429 and 503: again later, as long as the server answers anybody at all;
- nothing listens: the request waits until a server is back;
- the engine died while it worked on the request: again, the third time alone, and not a fourth.
"""

import asyncio
import errno
import json
import math
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import LEAST_LEFT, ChatMessage, ChatRequest, Role
from sysgen_dagster.inference.chat_api import (
    Endpoint,
    EngineError,
    TryAgainError,
    UnreachableError,
    read_reply,
    read_token_count,
    tokens_url,
)
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.replicas import Replica, Replicas

MOST_FAILURES = 5
_MOST_DEATHS = 3
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0
_LONGEST_WAIT_S = 60.0  # that a server may ask for
_CONNECT_S = 10.0
_NO_MORE_SOCKETS = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL})
# Above this the tokens are counted before sending; text that is denser is refused, then counted.
_BYTES_PER_TOKEN, _TOKENS_PER_TURN = 2, 8
_MOST_CUTS = 6
# Keys such as EMPTY or ollama are none, and words of answers.
_SHORTEST_SECRET = 16
_AIM, _WELL_USED = 0.97, 0.9  # of the room
_LEAST_DENSITY = 0.01  # tokens of a character, whatever a tokenizer says


@dataclass(slots=True)
class _Tries:
    """What has become of one request so far."""

    messages: Sequence[ChatMessage]
    characters_left_out: int = 0
    tokens: int | None = None  # of the messages, once they were counted
    sent: int = 0
    failed_in: list[tuple[Replica, int]] = field(default_factory=list)  # which of its lives
    fell_ill: set[tuple[Replica, int]] = field(default_factory=set)  # while they worked on it
    by_url: Counter[str] = field(default_factory=Counter)
    busy_since: float | None = None
    began: float = math.inf

    @property
    def failures(self) -> int:
        """That the server has died since is no failure of the row."""
        return sum(not replica.has_died(life) for replica, life in self.failed_in)

    @property
    def deaths(self) -> int:
        """How often a server died of the request, or of another one at the same time."""
        return sum(replica.has_died(life) for replica, life in self.fell_ill)

    @property
    def is_suspect(self) -> bool:
        """Whether servers may have died of it so often that the next time must tell."""
        return len(self.fell_ill) >= _MOST_DEATHS - 1


@dataclass(slots=True)
class Asking:
    """Asks the servers of one model.

    Attributes:
        endpoint: What they serve, and how long things may take.
        replicas: Which of them is next.
        session: The connections; closed by whoever opened them.
    """

    endpoint: Endpoint
    replicas: Replicas
    session: aiohttp.ClientSession
    # Requests that may have seen the engine die twice go one by one: the third time tells which.
    _suspects: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, request: ChatRequest) -> Outcome:
        """The outcome of a request: a text, or why there is none.

        Raises:
            EngineError: The servers do not serve us, or have not answered anybody for too long.
        """
        tries = _Tries(self.endpoint.turns(request.messages))
        if not self._fits_surely(request) and not await self._fit(request, tries):
            return self._too_long(request, tries)
        while True:
            async with self._suspects if tries.is_suspect else nullcontext():
                outcome = await self._try_once(request, tries)
            if outcome is None:
                continue
            if tries.tokens is not None or not _met_the_context(outcome, request):
                return outcome
            if not await self._fit(request, tries):
                return self._too_long(request, tries)
            if tries.tokens is None:
                return outcome

    async def _try_once(self, request: ChatRequest, tries: _Tries) -> Outcome | None:
        """The outcome if this attempt gave a final one; else it has waited what must be waited."""
        replica = await self.replicas.lease(tries.by_url)
        if tries.deaths >= _MOST_DEATHS:  # the last one may have been seen only now
            self.replicas.give_back(replica)
            said = f"the engine died {tries.deaths} times while it worked on this request"
            return self._failed(request, tries, NoAnswer.ENGINE_DIED, said)
        tries.sent += 1
        tries.by_url[replica.url] += 1
        life, sent_at = replica.lives, time.monotonic()
        tries.began = min(tries.began, sent_at)
        try:
            outcome = await self._send(replica.url, request, tries)
        except UnreachableError:
            tries.sent -= 1
            self.replicas.lost(replica)
            return None
        except TryAgainError as error:
            wait_s = self._after_failure(replica, life, tries, error, sent_at)
            if wait_s is None:
                return self._failed(request, tries, error.reason, error.said)
        else:
            self.replicas.answered(replica, sent_at)
            return outcome
        finally:
            self.replicas.give_back(replica)
        await asyncio.sleep(wait_s)
        if not replica.has_died(life) and await _is_refused(replica.url):
            self.replicas.lost(replica)
        return None

    def _after_failure(
        self, replica: Replica, life: int, tries: _Tries, error: TryAgainError, sent_at: float
    ) -> float | None:
        """Seconds until the next attempt; None when there is to be none."""
        now = time.monotonic()
        if error.is_busy or error.reason is NoAnswer.TIMEOUT:
            replica.capacity.overloaded(now, sent_at)
        if error.is_busy:
            gives_up = self._is_out_of_patience(replica, tries, error, now)
        else:
            tries.failed_in.append((replica, life))
            if replica.fails(sent_at, now):
                tries.fell_ill.add((replica, life))
            gives_up = tries.failures >= MOST_FAILURES
        wait_s = max(min(error.wait_s, _LONGEST_WAIT_S), _delay(tries.sent))
        too_late = now + wait_s - tries.began > self.endpoint.deadline_s
        return None if gives_up or too_late else wait_s

    def _is_out_of_patience(
        self, replica: Replica, tries: _Tries, error: TryAgainError, now: float
    ) -> bool:
        """Whether a request has met a busy server for too long.

        Raises:
            EngineError: Nobody else was answered either in that time.
        """
        since = tries.busy_since = tries.busy_since or now
        if now - since <= self.endpoint.patience_s:
            return False
        if self.replicas.last_answer < tries.began:
            raise EngineError(
                f"{self.endpoint.model.served_name} at {replica.url} has answered nobody for "
                f"{now - since:.0f} s ({error.said}). What it answered before is kept: materialize "
                "this partition again when it has room"
            )
        return True

    async def _send(self, url: str, request: ChatRequest, tries: _Tries) -> Outcome:
        """The outcome of one attempt; raises `TryAgainError` or an `EngineError`."""
        where = f"{url}/chat/completions"
        status, headers, raw = await self._post(where, self.endpoint.body(request, tries.messages))
        try:
            outcome = read_reply(status, headers, raw, request, tries.sent)
        except EngineError as error:
            served = self.endpoint.model.served_name
            raise EngineError(f"{where} does not serve {served} to us ({error})") from None
        return self._marked(outcome, request, tries)

    async def _post(self, url: str, body: dict[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of the reply; raises `TryAgainError` or `UnreachableError`."""
        timeout = aiohttp.ClientTimeout(total=self.endpoint.attempt_s, sock_connect=_CONNECT_S)
        try:
            async with self.session.post(
                url, json=body, allow_redirects=False, timeout=timeout
            ) as response:
                raw = self._without_key(response.status, await response.read())
                return response.status, response.headers, raw
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            if error.errno in _NO_MORE_SOCKETS:
                raise TryAgainError(NoAnswer.SERVER_ERROR, str(error), is_busy=True) from error
            raise UnreachableError(str(error)) from error
        except TimeoutError as error:
            raise TryAgainError(NoAnswer.TIMEOUT, "no answer in time") from error
        except aiohttp.ClientError as error:
            # Only its kind: its text may hold our request, headers and all.
            said = f"connection cut: {type(error).__name__}"
            raise TryAgainError(NoAnswer.SERVER_ERROR, said) from None

    def _without_key(self, status: int, raw: bytes) -> bytes:
        """A reply without our key: it may end in a row, a log or an error, and some repeat it."""
        key = self.endpoint.api_key
        if not key or (status == 200 and len(key) < _SHORTEST_SECRET):
            return raw
        in_json = json.dumps(key)[1:-1]
        for written in (key, in_json, in_json.replace("/", r"\/")):
            raw = raw.replace(written.encode(), b"***")
        return raw

    def _fits_surely(self, request: ChatRequest) -> bool:
        size = sum(len(message["content"].encode(errors="replace")) for message in request.messages)
        tokens = size // _BYTES_PER_TOKEN + _TOKENS_PER_TURN * len(request.messages)
        return tokens <= self._room(request)

    async def _fit(self, request: ChatRequest, tries: _Tries) -> bool:
        """False when the messages do not fit the context, shortened or not, as far as is known.

        Left out is the middle of one field, in steps until the rest fits and uses most of the room,
        and never so much that fewer than `LEAST_LEFT` characters would be left.
        """
        room, left = self._room(request), request.shortenable - tries.characters_left_out
        # Two points of tokens by characters: at first as if all of the prompt were equally dense.
        last = left - sum(len(message["content"]) for message in tries.messages), 0
        fitting: tuple[int, int] | None = None
        for _ in range(_MOST_CUTS):
            tokens = tries.tokens = await self._count_tokens(tries)
            if tokens is None or (tokens <= room and left == request.shortenable):
                return True
            if request.shortened is None or (tokens > room and left <= LEAST_LEFT):
                return False
            if tokens <= room:
                fitting = left, tokens
            if left == last[0] or _WELL_USED * room <= tokens <= room:
                break
            density = max((tokens - last[1]) / (left - last[0]), _LEAST_DENSITY)
            last = left, tokens
            left += math.floor((_AIM * room - tokens) / density)
            left = max(LEAST_LEFT, min(left, request.shortenable))
            self._shorten(request, tries, left)
        if fitting is None:
            return False
        left, tries.tokens = fitting
        self._shorten(request, tries, left)
        return True

    def _shorten(self, request: ChatRequest, tries: _Tries, left: int) -> None:
        assert request.shortened is not None
        tries.characters_left_out = request.shortenable - left
        tries.messages = self.endpoint.turns(request.shortened(left))

    def _room(self, request: ChatRequest) -> float:
        context = self.endpoint.facts.context_tokens
        return math.inf if context is None else context - request.sampling.max_tokens

    def _too_long(self, request: ChatRequest, tries: _Tries) -> Outcome:
        said = (
            f"{tries.tokens:,} tokens and {request.sampling.max_tokens:,} to be written do not fit "
            f"a context of {self.endpoint.facts.context_tokens:,}"
        )
        if request.shortened is not None:
            said += f", not even without {tries.characters_left_out:,} characters of the answer"
        return self._failed(request, tries, NoAnswer.TOO_LONG, said)

    async def _count_tokens(self, tries: _Tries) -> int | None:
        """As the engine's own tokenizer and chat template make them; None where it does not say."""
        if not self.endpoint.facts.has_tokenizer:
            return None
        replica = await self.replicas.lease(tries.by_url)
        body = {"model": self.endpoint.model.served_name, "messages": tries.messages}
        try:
            status, _, raw = await self._post(tokens_url(replica.url), body)
            return read_token_count(status, raw)
        except (UnreachableError, TryAgainError):
            return None
        finally:
            self.replicas.give_back(replica)

    def _failed(self, request: ChatRequest, tries: _Tries, reason: NoAnswer, said: str) -> Outcome:
        outcome = Outcome(attempts=tries.sent, failed_because=reason, failure=said)
        return self._marked(outcome, request, tries)

    def _marked(self, outcome: Outcome, request: ChatRequest, tries: _Tries) -> Outcome:
        """The outcome with what was done to the messages before they were sent."""
        is_folded = not self.endpoint.facts.has_system_role and any(
            message["role"] == Role.SYSTEM for message in request.messages
        )
        left_out = tries.characters_left_out
        if not (is_folded or left_out):
            return outcome
        return replace(outcome, system_message_folded=is_folded, characters_left_out=left_out)


def _met_the_context(outcome: Outcome, request: ChatRequest) -> bool:
    """Whether the prompt left too little room: vLLM refuses it only when it leaves none at all."""
    if outcome.finish_reason != "length" or outcome.completion_tokens is None:
        return outcome.failed_because == NoAnswer.TOO_LONG
    return outcome.completion_tokens < request.sampling.max_tokens


async def _is_refused(url: str) -> bool:
    """Whether nothing listens at a URL; whatever else may be wrong there says nothing."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443}.get(parts.scheme, 80)
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except OSError as error:
        return isinstance(error, ConnectionRefusedError)
    writer.close()
    return False


def _delay(attempt: int) -> float:
    """Exponential back-off in seconds, with jitter so that many workers do not return at once."""
    longest: float = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2 ** (attempt - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311
