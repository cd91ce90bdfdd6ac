"""Gets the outcome of one request: made to fit, sent, and sent again while that may help.

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

import aiohttp

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role
from sysgen_dagster.inference.chat_api import (
    Endpoint,
    EngineError,
    TryAgainError,
    UnreachableError,
    read_reply,
    read_token_count,
    tokens_url,
)
from sysgen_dagster.inference.fitting import Fit, fit, surely_fits
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.replicas import CONNECT_S, Replica, Replicas, nothing_listens

MOST_FAILURES = 5
_MOST_DEATHS = 3
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0
_LONGEST_WAIT_S = 60.0  # that a server may ask for
_NO_MORE_SOCKETS = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL})
# Shorter keys, such as EMPTY or ollama, protect nothing and are words that answers hold.
_SHORTEST_SECRET = 16


@dataclass(slots=True)
class _Tries:
    """What has become of one request so far."""

    fit: Fit
    sent: int = 0
    # Where an attempt failed: the server, and how often it had restarted before.
    failed_at: list[tuple[Replica, int]] = field(default_factory=list)
    # Those of them that may have begun to die of this request.
    suspected_at: set[tuple[Replica, int]] = field(default_factory=set)
    by_url: Counter[str] = field(default_factory=Counter)
    busy_since: float | None = None
    began: float = math.inf

    @property
    def failures(self) -> int:
        """Attempts that failed at a server which has not died since: those may be the row's."""
        return sum(not replica.has_died_since(restarts) for replica, restarts in self.failed_at)

    @property
    def deaths(self) -> int:
        """How often a server died of this request, or of another one at the same time."""
        return sum(replica.has_died_since(restarts) for replica, restarts in self.suspected_at)

    @property
    def is_suspect(self) -> bool:
        """Whether servers may have died of it so often that it has to be tried alone."""
        return len(self.suspected_at) >= _MOST_DEATHS - 1


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
    # Requests after which the engine may have died twice are sent one at a time: if it dies again,
    # it is known of which.
    _suspects: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, request: ChatRequest) -> Outcome:
        """The outcome of a request: a text, or why there is none.

        Raises:
            EngineError: The servers do not serve us, or have not answered anybody for too long.
        """
        tries = _Tries(Fit(self.endpoint.turns(request.messages)))
        if not surely_fits(request.messages, self._room(request)):
            tries.fit = await self._fit(request, tries.fit)
        while tries.fit.fits:
            async with self._suspects if tries.is_suspect else nullcontext():
                outcome = await self._try_once(request, tries)
            if outcome is None:
                continue
            if tries.fit.tokens is not None or not _met_the_context(outcome, request):
                return outcome
            tries.fit = await self._fit(request, tries.fit)
            if tries.fit.tokens is None:
                return outcome
        return self._too_long(request, tries)

    async def _try_once(self, request: ChatRequest, tries: _Tries) -> Outcome | None:
        """The outcome if this attempt gave a final one; else it has waited what must be waited."""
        replica = await self.replicas.lease(tries.by_url)
        if tries.deaths >= _MOST_DEATHS:  # the last death may have shown while we waited
            self.replicas.give_back(replica)
            failure = f"the engine died {tries.deaths} times while it worked on this request"
            return self._failed(request, tries, NoAnswer.ENGINE_DIED, failure)
        tries.sent += 1
        tries.by_url[replica.url] += 1
        restarts, sent_at = replica.restarts, time.monotonic()
        tries.began = min(tries.began, sent_at)
        try:
            outcome = await self._send(replica.url, request, tries)
        except UnreachableError:
            tries.sent -= 1
            self.replicas.lost(replica)
            return None
        except TryAgainError as error:
            wait_s = self._after_failure(replica, restarts, tries, error, sent_at)
            if wait_s is None:
                return self._failed(request, tries, error.reason, error.said)
        else:
            self.replicas.answered(replica, sent_at)
            return outcome
        finally:
            self.replicas.give_back(replica)
        await asyncio.sleep(wait_s)
        if not replica.has_died_since(restarts) and await nothing_listens(replica.url):
            self.replicas.lost(replica)
        return None

    def _after_failure(
        self, replica: Replica, restarts: int, tries: _Tries, error: TryAgainError, sent_at: float
    ) -> float | None:
        """Seconds until the next attempt; None when there is to be none."""
        now = time.monotonic()
        if error.is_busy or error.reason is NoAnswer.TIMEOUT:
            replica.capacity.overloaded(now, sent_at)
        if error.is_busy:
            gives_up = self._is_out_of_patience(replica, tries, error, now)
        else:
            tries.failed_at.append((replica, restarts))
            if replica.note_failure(sent_at, now):
                tries.suspected_at.add((replica, restarts))
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
        status, headers, raw = await self._post(
            where, self.endpoint.body(request, tries.fit.messages)
        )
        try:
            outcome = read_reply(status, headers, raw, request, tries.sent)
        except EngineError as error:
            served = self.endpoint.model.served_name
            raise EngineError(f"{where} does not serve {served} to us ({error})") from None
        return self._marked(outcome, request, tries)

    async def _post(self, url: str, body: dict[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of the reply; raises `TryAgainError` or `UnreachableError`."""
        timeout = aiohttp.ClientTimeout(total=self.endpoint.attempt_s, sock_connect=CONNECT_S)
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

    async def _fit(self, request: ChatRequest, before: Fit) -> Fit:
        room, shape = self._room(request), self.endpoint.turns
        return await fit(request, before, room, shape, self._count_tokens)

    def _room(self, request: ChatRequest) -> float:
        context = self.endpoint.facts.context_tokens
        return math.inf if context is None else context - request.sampling.max_tokens

    def _too_long(self, request: ChatRequest, tries: _Tries) -> Outcome:
        failure = (
            f"{tries.fit.tokens:,} tokens and {request.sampling.max_tokens:,} to be written do not "
            f"fit a context of {self.endpoint.facts.context_tokens:,}"
        )
        if request.shortened is not None:
            left_out = tries.fit.characters_left_out
            failure += f", not even without {left_out:,} characters of the answer"
        return self._failed(request, tries, NoAnswer.TOO_LONG, failure)

    async def _count_tokens(self, messages: Sequence[ChatMessage]) -> int | None:
        """Tokens by the engine's own tokenizer and chat template; None where it does not say."""
        if not self.endpoint.facts.has_tokenizer:
            return None
        replica = await self.replicas.lease(Counter())
        body = {"model": self.endpoint.model.served_name, "messages": messages}
        try:
            status, _, raw = await self._post(tokens_url(replica.url), body)
            return read_token_count(status, raw)
        except (UnreachableError, TryAgainError):
            return None
        finally:
            self.replicas.give_back(replica)

    def _failed(
        self, request: ChatRequest, tries: _Tries, reason: NoAnswer, failure: str
    ) -> Outcome:
        outcome = Outcome(attempts=tries.sent, failed_because=reason, failure=failure)
        return self._marked(outcome, request, tries)

    def _marked(self, outcome: Outcome, request: ChatRequest, tries: _Tries) -> Outcome:
        """The outcome, and whether the messages were shortened or folded before they were sent."""
        is_folded = not self.endpoint.facts.has_system_role and any(
            message["role"] == Role.SYSTEM for message in request.messages
        )
        left_out = tries.fit.characters_left_out
        if not (is_folded or left_out):
            return outcome
        return replace(outcome, system_message_folded=is_folded, characters_left_out=left_out)


def _met_the_context(outcome: Outcome, request: ChatRequest) -> bool:
    """Whether the prompt left too little room: vLLM refuses it only when it leaves none at all."""
    if outcome.finish_reason != "length" or outcome.completion_tokens is None:
        return outcome.failed_because == NoAnswer.TOO_LONG
    return outcome.completion_tokens < request.sampling.max_tokens


def _delay(attempt: int) -> float:
    """Exponential back-off in seconds, with jitter so that many workers do not return at once."""
    longest: float = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2 ** (attempt - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311
