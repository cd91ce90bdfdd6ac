"""Gets the outcome of one request: fits it to the context, sends it, and sends it again if needed.

What an attempt ends in, and what follows:

- an answer: the outcome is final;
- a refusal: `refusals` decides whether it is final, ends the partition, or is sent again;
- a server that fails, no answer in time, a cut connection, a reply that is no chat completion: it
  is sent again after a growing delay, five times in all;
- a server that has no room: it is sent again later, as long as any request is answered at all;
- no answer to anybody for too long: the partition ends, and what was answered is kept;
- nothing listens: it waits until a server is back;
- the engine died while it worked on the request: it is sent again, the third time while no other
  suspect is in flight, and not a fourth time.
"""

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role
from sysgen_dagster.inference import chat_api
from sysgen_dagster.inference.attempts import Attempt, Attempts
from sysgen_dagster.inference.bodies import BadBodyError, most_reply_bytes
from sysgen_dagster.inference.chat_api import EngineError, TryAgainError, UnreachableError
from sysgen_dagster.inference.fitting import Fit, fit, surely_fits
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.refusals import is_remembered
from sysgen_dagster.inference.refused_in_a_row import RefusedInARow
from sysgen_dagster.inference.replicas import Replica, Replicas, nothing_listens
from sysgen_dagster.inference.replies import read_reply, read_token_count
from sysgen_dagster.inference.server_queue import within
from sysgen_dagster.inference.transport import CutError, NotConnectedError, Response, Transport

MOST_FAILURES = 5
_MOST_DEATHS = 3


@dataclass(slots=True)
class Asking:
    """Sends requests to the servers of one model.

    Attributes:
        endpoint: Where they are, and how failures are retried.
        replicas: Gives each attempt its server.
        transport: The connections; the caller closes them.
        refused: Counts refusals that may mean everybody.
    """

    endpoint: chat_api.Endpoint
    replicas: Replicas
    transport: Transport
    refused: RefusedInARow
    # Held by a request after which the engine may have died twice: with one such request in flight
    # at a time, a third death shows which of them it was.
    _suspects: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get_outcome(self, request: ChatRequest) -> Outcome:
        """The outcome of a request: a text, or why there is none.

        Raises:
            EngineError: The servers do not serve the model, or have not answered any request for
                too long.
        """
        attempts = Attempts(request, Fit(self.endpoint.turns(request.messages)))
        outcome = await self._send_until_final(attempts)
        left_out = attempts.fit.characters_left_out
        is_folded = not self.endpoint.capabilities.has_system_role and any(
            message["role"] == Role.SYSTEM for message in request.messages
        )
        return replace(
            outcome,
            system_message_folded=is_folded,
            characters_left_out=left_out,
            request_fields=self.endpoint.described(request),
        )

    async def _send_until_final(self, attempts: Attempts) -> Outcome:
        request = attempts.request
        if not surely_fits(request.messages, self._room(self.endpoint.limit(request))):
            await self._fit(attempts)
        while attempts.fit.fits:
            is_suspect = len(attempts.suspected_at) >= _MOST_DEATHS - 1
            async with self._suspects if is_suspect else nullcontext():
                outcome = await self._try_once(attempts)
            if outcome is None:
                continue
            limit = self._limit(attempts)
            if attempts.fit.tokens is not None or not _met_the_context(outcome, limit):
                return outcome
            await self._fit(attempts)
            if attempts.fit.tokens is None:
                if limit <= self.endpoint.least_limit(request):
                    return outcome
                attempts.is_tight = True
        least = self.endpoint.least_limit(request)
        failure = (
            f"{attempts.fit.tokens:,} tokens and {least:,} to be written do "
            f"not fit a context of {self.endpoint.capabilities.context_tokens:,}"
        )
        if request.shortened is not None:
            left_out = attempts.fit.characters_left_out
            failure += f", not even without {left_out:,} characters of the answer"
        return attempts.without_text(NoAnswer.TOO_LONG, failure)

    async def _try_once(self, attempts: Attempts) -> Outcome | None:
        """The outcome if this attempt gave a final one; None after the wait before the next."""
        replica = await self.replicas.lease(attempts.by_url)
        after = replica.queue.answers + replica.in_flight - 1
        attempt = Attempt(replica, replica.restarts, time.monotonic(), after)
        try:
            if attempts.deaths >= _MOST_DEATHS:  # the last one may be known only since the lease
                failure = f"the engine died {attempts.deaths} times while it worked on this request"
                return attempts.without_text(NoAnswer.ENGINE_DIED, failure)
            attempts.sent += 1
            attempts.by_url[replica.url] += 1
            attempts.began = min(attempts.began, attempt.sent_at)
            outcome = await self._send(attempt, attempts)
        except UnreachableError:
            attempts.sent -= 1
            self.replicas.note_gone(replica)
            return None
        except TryAgainError as error:
            delay = self._note_failure(attempts, attempt, error)
            if delay is None:
                return attempts.without_text(error.reason, error.failure)
        else:
            self.replicas.note_answer(replica, attempt.sent_at, is_remembered(outcome))
            self.refused.note(replica, outcome)
            return outcome
        finally:
            self.replicas.give_back(replica)
        await asyncio.sleep(delay)
        connect_s, has_died = self.endpoint.retries.connect_s, replica.has_died_since
        if not has_died(attempt.restarts) and await nothing_listens(replica.url, connect_s):
            self.replicas.note_gone(replica)
        return None

    def _note_failure(
        self, attempts: Attempts, attempt: Attempt, error: TryAgainError
    ) -> float | None:
        """Seconds until the next attempt; None if there is to be none."""
        now, retries = time.monotonic(), self.endpoint.retries
        replica, sent_at = attempt.replica, attempt.sent_at
        if error.is_busy or error.reason is NoAnswer.TIMEOUT:
            replica.capacity.overloaded(now, sent_at)
        if error.is_busy:
            is_final = self._is_out_of_patience(attempts, replica, error, now)
        else:
            is_cause = replica.note_failure(sent_at, now)
            attempts.failed.append((replica, attempt.restarts, is_cause))
            is_final = attempts.failures >= MOST_FAILURES
            if error.reason is NoAnswer.TIMEOUT and self.replicas.others_wait:
                self._require_any_answer(attempts, replica, error, now)
        longest: float = min(
            retries.longest_delay_s, retries.first_delay_s * 2 ** (attempts.sent - 1)
        )
        # With jitter, so that requests that failed together do not come back together.
        delay = longest * random.uniform(0.5, 1.0)  # noqa: S311
        delay = max(delay, min(error.wait_s, retries.longest_retry_after_s))
        attempts.spent_s += now - attempt.turn() + delay
        is_late = attempts.spent_s > retries.deadline_s
        return None if is_final or is_late else delay

    def _require_any_answer(
        self, attempts: Attempts, replica: Replica, error: TryAgainError, now: float
    ) -> None:
        """Raises `EngineError` when servers have been silent for an attempt and our patience.

        A request that was sent before the last answer may itself be the cause of its silence.
        """
        silent_s = now - self.replicas.last_answer
        patience_s = self.endpoint.attempt_s + self.endpoint.retries.patience_s
        if self.replicas.last_answer <= attempts.began and silent_s > patience_s:
            raise EngineError(
                f"{self.endpoint.model.served_name} at {replica.url} takes requests and has "
                f"answered none for {silent_s:.0f} s ({error.failure}). What it answered before is "
                "kept: materialize this partition again when it answers. If it is only slow, give "
                "the model a longer attempt_s in the catalogue"
            )

    def _is_out_of_patience(
        self, attempts: Attempts, replica: Replica, error: TryAgainError, now: float
    ) -> bool:
        """Whether servers have been too busy for a request for too long.

        Raises:
            EngineError: No other request was answered in that time either.
        """
        since = attempts.busy_since = attempts.busy_since or now
        if now - since <= self.endpoint.retries.patience_s:
            return False
        if self.replicas.last_answer < attempts.began:
            raise EngineError(
                f"{self.endpoint.model.served_name} at {replica.url} has answered no request for "
                f"{now - since:.0f} s ({error.failure}). What it answered before is kept: "
                "materialize this partition again when it has room"
            )
        return True

    async def _send(self, attempt: Attempt, attempts: Attempts) -> Outcome:
        """The outcome of one attempt; raises `TryAgainError` or an `EngineError`."""
        request, where = attempts.request, f"{attempt.replica.url}/chat/completions"
        limit = self._limit(attempts)
        body = self.endpoint.body(request, attempts.fit.messages, limit)
        most = most_reply_bytes(limit, with_logprobs=bool(request.choices))
        reply = await self._post(where, body, most, attempt.turn)
        try:
            thinks = self.endpoint.capabilities.thinks
            status, headers, raw = reply.status, reply.headers, reply.body
            return read_reply(status, headers, raw, request, attempts.sent, thinks)
        except EngineError as error:
            served = self.endpoint.model.served_name
            raise EngineError(
                f"{where} does not serve {served} to us ({error}). What it answered "
                "before is kept: materialize this partition again when that is mended"
            ) from None

    async def _post(
        self, url: str, body: dict[str, Any], most_bytes: int, turn: Callable[[], float]
    ) -> Response:
        """The reply; raises `TryAgainError` or `UnreachableError`."""
        try:
            async with within(self.endpoint.attempt_s, turn):
                return await self.transport.send("POST", url, most_bytes, json=body)
        except NotConnectedError as error:
            if error.lacks_sockets:
                raise TryAgainError(NoAnswer.SERVER_ERROR, str(error), is_busy=True) from error
            raise UnreachableError(str(error)) from error
        except TimeoutError as error:
            raise TryAgainError(NoAnswer.TIMEOUT, "no answer in time") from error
        except CutError as error:
            raise TryAgainError(NoAnswer.SERVER_ERROR, str(error)) from None
        except BadBodyError as error:
            failure = f"not a chat completion: {error}"
            raise TryAgainError(NoAnswer.MALFORMED_REPLY, failure) from None

    async def _fit(self, attempts: Attempts) -> None:
        """Fit the messages to the context, by tokens that the server counts."""
        room = self._room(self.endpoint.least_limit(attempts.request))
        attempts.fit = await fit(
            attempts.request, attempts.fit, room, self.endpoint.turns, self._count_tokens
        )

    def _limit(self, attempts: Attempts) -> int:
        """The most tokens of the answer to what is sent next."""
        if attempts.is_tight:
            return self.endpoint.least_limit(attempts.request)
        return self.endpoint.limit(attempts.request, attempts.fit.tokens)

    def _room(self, limit: int) -> float:
        context = self.endpoint.capabilities.context_tokens
        return math.inf if context is None else context - limit

    async def _count_tokens(self, messages: Sequence[ChatMessage]) -> int | None:
        """Tokens by the engine's own tokenizer and chat template; None where it counts none."""
        if not self.endpoint.capabilities.has_tokenizer:
            return None
        replica = await self.replicas.lease(Counter())
        body = {"model": self.endpoint.model.served_name, "messages": messages}
        try:
            now = time.monotonic()
            url = chat_api.tokens_url(replica.url)
            reply = await self._post(url, body, most_reply_bytes(0), lambda: now)
            return read_token_count(reply.status, reply.body)
        except (UnreachableError, TryAgainError):
            return None
        finally:
            self.replicas.give_back(replica)


def _met_the_context(outcome: Outcome, limit: int) -> bool:
    """Whether the prompt left too little room: vLLM refuses it only when it leaves none at all."""
    if outcome.finish_reason != CUT or outcome.completion_tokens is None:
        return outcome.failed_because == NoAnswer.TOO_LONG
    return outcome.completion_tokens < limit
