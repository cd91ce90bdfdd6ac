"""The way to the servers of one model: to connect, to connect again, to cancel and to close it.

Here belongs what is done with servers of which it is known where they are or how they are started:
starting them together, asking what they can do, and saying why none of them can be had. Which
servers these are is decided in `engines`; requests are sent by `client`.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from sysgen_dagster.catalog.models import Model
from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.inference.capabilities import common_capabilities, describe
from sysgen_dagster.inference.chat_api import (
    BusyError,
    Endpoint,
    EngineError,
    ModelIdentity,
    Retries,
    ServerCapabilities,
    UnreachableError,
)
from sysgen_dagster.inference.local.deaths import ServerError
from sysgen_dagster.inference.local.servers import ServerUse, claim_together
from sysgen_dagster.inference.room import when_there_is_room

WAYS_TO_GET_AN_ENGINE = """\
Ways to get an engine:
  - vLLM on this machine: pip install 'sysgen-dagster[vllm]' on a host with a GPU, engine: vllm;
    SYSGEN_VLLM names the `vllm` command of another environment
  - llama.cpp on this machine, also without a GPU: its `llama-server` on the PATH or named by
    SYSGEN_LLAMA_SERVER, engine: llama_cpp, and weights: a GGUF file
  - a server that runs already (vLLM, Ollama, llama.cpp, any OpenAI-compatible one): in a catalogue
    of your own (SYSGEN_CATALOG) give the model engine: endpoint and base_urls: [http://HOST:PORT/v1]
  - no model at all, to try the pipeline: SYSGEN_ENGINE=simulated (made-up text, marked as such)"""

_UNKNOWN_CAPACITY = 32
_MAYBE_SLOW = 4  # requests in flight on a server that may be a laptop


@dataclass(slots=True)
class ModelConnection:
    """The servers of one model while a partition is made.

    Attributes:
        model: What answers.
        entry: Of the model in the catalogue.
        uses: Of the servers that are started here; none where the model is at an endpoint.
        report: Takes a line when something happens to a server.
    """

    model: ModelIdentity
    entry: Model
    uses: Sequence[ServerUse]
    report: Callable[[str], None]
    retries: Retries
    _cancelled: threading.Event = field(default_factory=threading.Event)

    def connect(self, constraint: Constraint | None = None) -> Endpoint:
        """The endpoint of the model, with at least one server that answers and serves it.

        Args:
            constraint: What the answers of the phase are held to.

        Raises:
            EngineError: There is none; the message quotes the servers and, unless all of them are
                busy, names the ways to get one.
        """
        urls = self._start_servers() or self.entry.base_urls
        with ThreadPoolExecutor(len(urls)) as pool:
            role = self.entry.has_system_role
            probes = [pool.submit(self._probe_alive, url, role, constraint) for url in urls]
        faults = [probe.exception() for probe in probes]
        away = [fault for fault in faults if isinstance(fault, UnreachableError)]
        known = [probe.result()[1] for probe in probes if probe.exception() not in away]
        if not known:
            raise _none_has_answered(away)
        for fault in away:
            self.report(str(fault))
        places = (
            url if fault else probe.result()[0]
            for url, probe, fault in zip(urls, probes, faults, strict=True)
        )
        capabilities = common_capabilities(known)
        endpoint = Endpoint(
            model=self.model,
            base_urls=tuple(use.url for use in self.uses) or tuple(places),
            api_key=self._api_key(),
            capabilities=capabilities,
            attempt_s=self.entry.attempt_s,
            before_first_answer=None if self.uses else _MAYBE_SLOW,
            starts_with=min(
                (use.server.starts_with for use in self.uses), default=_UNKNOWN_CAPACITY
            ),
            retries=self.retries,
        )
        self.report(describe(endpoint))
        return endpoint

    def reconnect(self, url: str) -> str:
        """The URL at which a server that went away answers again.

        Raises:
            UnreachableError: It is not started here, and still away.
            EngineError: It cannot be started.
        """
        use = next((use for use in self.uses if use.url == url), None)
        if use is None:
            # The system role is known by now, and not asked again.
            return self._probe(url, has_system_role=True)[0]
        # Release the claim on the device before claiming it again. Another run may wait for the
        # device; if we kept the claim while waiting for that run, both would wait for ever.
        use.release()
        with self._explained():
            use.claim()
            return use.start()

    def cancel(self) -> None:
        """End the waiting of other threads for a server to load or for its device to be free."""
        self._cancelled.set()
        for use in self.uses:
            use.cancelled.set()

    def close(self) -> None:
        """End the use of the servers."""
        for use in self.uses:
            use.release()

    def _start_servers(self) -> tuple[str, ...]:
        """Their URLs; all start at the same time, once all devices are claimed."""
        with self._explained(), ThreadPoolExecutor(len(self.uses) or 1) as pool:
            claim_together(self.uses)
            return tuple(pool.map(ServerUse.start, self.uses))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ServerError as error:
            raise EngineError(
                f"{self.model.name} ({self.model.engine}): {error}\n{WAYS_TO_GET_AN_ENGINE}"
            ) from error

    def _probe_alive(
        self, url: str, has_system_role: bool | None, constraint: Constraint | None
    ) -> tuple[str, ServerCapabilities]:
        """As `_probe`; a server on this machine that dies meanwhile is started again, bounded."""
        restarts = self.retries.restarts if self.uses else 0
        while True:
            find_out = partial(self._probe, url, has_system_role, constraint)
            try:
                return when_there_is_room(find_out, self.retries, self.report, self._cancelled)
            except UnreachableError as fault:
                again = self.reconnect(url) if restarts else url
                if again == url:  # it lives: what is wrong with it would be so again
                    raise
                self.report(f"{fault}: it was started again at {again}")
                url, restarts = again, restarts - 1

    def _probe(
        self, url: str, has_system_role: bool | None, constraint: Constraint | None = None
    ) -> tuple[str, ServerCapabilities]:
        """Where the API of a server begins, and what it can do."""
        # Here, because `openai` costs every start of the code location 0.6 s.
        from sysgen_dagster.inference.places import find_place
        from sysgen_dagster.inference.probing import probe_server

        model, key, retries = self.model, self._api_key(), self.retries.probes
        place = url if self.uses else find_place(model, url, key, retries)
        return place, probe_server(model, place, key, has_system_role, retries, constraint)

    def _api_key(self) -> str | None:
        return None if self.uses else api_key_of(self.entry)


def api_key_of(model: Model) -> str | None:
    """The API key of a model's endpoint; None where the catalogue names no variable for it.

    Raises:
        EngineError: The variable holds no key that can be sent; the message names the variable.
    """
    if model.api_key_env is None:
        return None
    key = os.environ.get(model.api_key_env, "").strip()
    if not key:
        fault = "is not set"
    elif not (key.isascii() and key.isprintable()):
        fault = "holds a line break or characters that are not ASCII"
    else:
        return key
    raise EngineError(f"{model.name} takes its API key from {model.api_key_env}, which {fault}")


def _none_has_answered(away: Sequence[UnreachableError]) -> EngineError:
    """What each server said, and what helps; a server that is there and busy is not missing."""
    are_busy = all(isinstance(fault, BusyError) for fault in away)
    later = "Materialize this partition again when there is room"
    advice = later if are_busy else WAYS_TO_GET_AN_ENGINE
    return EngineError("\n".join([*map(str, away), advice]))
