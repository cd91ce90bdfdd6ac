"""Which server answers for a model: one on this machine (vLLM), one that runs already, or none.

Every way ends in an `Endpoint`; nothing after this module knows which it was.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.inference.chat_api import (
    Endpoint,
    EngineError,
    ModelIdentity,
    ServerCapabilities,
    UnreachableError,
)
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.local.servers import LocalServer, ServerError, Waiter, claimed
from sysgen_dagster.inference.local.vllm import REQUESTS_AT_ONCE, find_vllm, vllm_server
from sysgen_dagster.inference.progress import Progress

WAYS_TO_GET_AN_ENGINE = """\
Ways to get an engine:
  - vLLM on this machine: pip install 'sysgen-dagster[vllm]' on a host with a GPU, engine: vllm;
    SYSGEN_VLLM names the `vllm` command of another environment
  - a server that runs already (vLLM, Ollama, llama.cpp, any OpenAI-compatible one): in a catalogue
    of your own (SYSGEN_CATALOG) give the model engine: endpoint and base_urls: [http://HOST:PORT/v1]
  - no model at all, to try the pipeline: SYSGEN_ENGINE=simulated (made-up text, marked as such)"""

_SIMULATED_IDLE_S = 300.0
_SIMULATED_READY_S = 60.0
_UNKNOWN_CAPACITY = 32
_PRECISION = ("quantization", "dtype")


@dataclass(frozen=True, slots=True)
class Engines:
    """The servers of a deployment.

    Attributes:
        folder: Where the state and logs of servers on this machine are kept.
        together: The models for which one simulated server is started, if one is.
        engine: Serves every model, whatever its entry says; None leaves it to the entry.
    """

    folder: Path
    together: Sequence[Model] = ()
    engine: Engine | None = None

    def require(self, model: Model) -> None:
        """Nothing, when an engine can be had for a model; nothing is started to find out.

        Raises:
            EngineError: None can; the message names the ways to get one.
        """
        kind = self.kind_of(model)
        if kind is Engine.ENDPOINT:
            if not model.base_urls:
                raise EngineError(
                    f"{model.name} has no base_urls in the catalogue.\n{WAYS_TO_GET_AN_ENGINE}"
                )
            _api_key(model)
        if kind is Engine.VLLM and find_vllm() is None:
            named = os.environ.get("SYSGEN_VLLM")
            there = f"SYSGEN_VLLM={named} is no command" if named else "there is no `vllm` here"
            raise EngineError(
                f"{model.name} is to be served by vLLM on this machine, but {there}.\n"
                + WAYS_TO_GET_AN_ENGINE
            )

    def complete(
        self,
        model: Model,
        requests: Iterable[ChatRequest],
        progress: Progress,
        ledger: Ledger,
        report: Callable[[str], None],
        show: Callable[[Progress], None],
    ) -> pl.DataFrame:
        """One row per request, `completions.COMPLETIONS`; the server stays for the next partition.

        Raises:
            EngineError: There is no engine, or it went away; the ledger keeps what was answered.
        """
        self.require(model)
        with self.connection(model, report) as connection, ledger:
            return complete(connection, requests, progress, ledger, report, show)

    def connection(self, model: Model, report: Callable[[str], None]) -> "Connection":
        """The way to a model's servers, which are in use until its context ends."""
        kind = self.kind_of(model)
        return Connection(
            ModelIdentity(
                model.name,
                model.served_name,
                model.revision,
                kind.value,
                _variant(model),
                model.limit_field,
            ),
            model,
            self._servers(model, kind),
            self.folder,
            report,
        )

    def kind_of(self, model: Model) -> Engine:
        """Which engine serves a model here."""
        return self.engine or model.engine

    def _servers(self, model: Model, kind: Engine) -> list[LocalServer]:
        """Those that are ours to start."""
        if kind is Engine.ENDPOINT:
            return []
        if kind is Engine.VLLM:
            servers = [vllm_server(model, gpu) for gpu in model.gpus]
            return list({server.name: server for server in servers}.values())  # one on a CPU
        alone = [] if model.name in {each.name for each in self.together} else [model]
        served = [
            argument
            for each in (*self.together, *alone)
            for argument in ("--model", f"{each.served_name}={each.simulated_profile}")
        ]
        module = "sysgen_dagster.simulated.server"
        command = [sys.executable, "-m", module, *served, "--port"]
        return [LocalServer("simulated", command, _SIMULATED_READY_S, _SIMULATED_IDLE_S)]


@dataclass(slots=True)
class Connection:
    """The servers of one model while a partition is made, as a context manager."""

    model: ModelIdentity
    entry: Model  # of the catalogue
    servers: Sequence[LocalServer]  # ours; none where somebody else's run already
    folder: Path
    report: Callable[[str], None]
    _given_up: threading.Event = field(default_factory=threading.Event)
    _in_use: dict[str, ExitStack] = field(default_factory=dict)  # by the name of the server
    _at: dict[str, LocalServer] = field(default_factory=dict)  # by its URL

    def __enter__(self) -> Self:
        """Nothing is started yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The servers are not in use any more."""
        for stack in self._in_use.values():
            stack.close()

    def connect(self) -> Endpoint:
        """The endpoint of the model, with at least one server that answers and serves it.

        Raises:
            EngineError: There is none; the message names the ways to get one.
        """
        urls = tuple(url.rstrip("/") for url in self.entry.base_urls)
        if self.servers:
            urls = self._start_all()
        with ThreadPoolExecutor(len(urls)) as looking:
            looks = list(looking.map(self._try_to_look_at, urls))
        away = [str(look) for look in looks if isinstance(look, UnreachableError)]
        known = [look for look in looks if isinstance(look, ServerCapabilities)]
        if not known:
            raise EngineError("\n".join([*away, WAYS_TO_GET_AN_ENGINE]))
        for line in away:
            self.report(line)
        facts = _what_all_can(known)
        if not facts.has_system_role:
            self.report(
                f"the chat template of {self.model.served_name} shows no system message: it goes "
                "to the start of the user turn"
            )
        return Endpoint(
            model=self.model,
            base_urls=urls,
            api_key=self._api_key(),
            facts=facts,
            attempt_s=self.entry.attempt_s,
            starts_with=REQUESTS_AT_ONCE // 2 if self.servers else _UNKNOWN_CAPACITY,
        )

    def give_up(self) -> None:
        """End the waiting of other threads for a server to load or for its device to be free."""
        self._given_up.set()

    def revive(self, url: str) -> str:
        """The URL at which the server that went away answers again.

        Raises:
            UnreachableError: It is not ours to start, and still away.
            EngineError: It cannot be started.
        """
        server = self._at.pop(url, None)
        if server is not None:
            # Give up our claim on the device before claiming it again. Another run may wait for the
            # device; if we kept the claim while waiting for that run, both would wait for ever.
            self._in_use.pop(server.name).close()
            with self._explained():
                return self._start(server, self._claim(server))
        self._look_at(url, has_system_role=True)  # which it was is known by now
        return url

    def _start_all(self) -> tuple[str, ...]:
        """All at the same time, once all devices are ours."""
        servers = sorted(self.servers, key=lambda server: server.device or server.name)
        with self._explained(), ThreadPoolExecutor(len(servers)) as starting:
            claims = [self._claim(server) for server in servers]
            return tuple(starting.map(self._start, servers, claims))

    def _claim(self, server: LocalServer) -> Callable[[], str]:
        stack = self._in_use[server.name] = ExitStack()
        waiter = Waiter(self.report, self._given_up)
        return stack.enter_context(claimed(server, self.folder, waiter))

    def _start(self, server: LocalServer, start: Callable[[], str]) -> str:
        url = start()
        self._at[url] = server
        return url

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ServerError as error:
            raise EngineError(
                f"{self.model.name} ({self.model.engine}): {error}\n{WAYS_TO_GET_AN_ENGINE}"
            ) from error

    def _try_to_look_at(self, url: str) -> ServerCapabilities | UnreachableError:
        try:
            return self._look_at(url, self.entry.has_system_role)
        except UnreachableError as error:
            return error

    def _look_at(self, url: str, has_system_role: bool | None) -> ServerCapabilities:
        # Here, because `openai` costs every start of the code location 0.6 s.
        from sysgen_dagster.inference.probing import look_at

        return look_at(self.model, url, self._api_key(), has_system_role)

    def _api_key(self) -> str | None:
        return None if self.servers else _api_key(self.entry)


def _what_all_can(known: Sequence[ServerCapabilities]) -> ServerCapabilities:
    """What can be relied on whichever of several servers is asked."""
    contexts = [facts.context_tokens for facts in known if facts.context_tokens is not None]
    return ServerCapabilities(
        context_tokens=min(contexts, default=None),
        has_tokenizer=all(facts.has_tokenizer for facts in known),
        has_system_role=all(facts.has_system_role for facts in known),
    )


def _variant(model: Model) -> str | None:
    """What is served under the name where it is not what the name says."""
    precision = [f"{flag}={model.vllm[flag]}" for flag in _PRECISION if flag in model.vllm]
    return " ".join(filter(None, [model.weights, *precision])) or None


def _api_key(model: Model) -> str | None:
    if model.api_key_env is None:
        return None
    key = os.environ.get(model.api_key_env, "").strip()
    if not key:
        raise EngineError(
            f"{model.name} takes its API key from {model.api_key_env}, which is not set"
        )
    if not (key.isascii() and key.isprintable()):
        raise EngineError(
            f"{model.name} takes its API key from {model.api_key_env}, which holds a line break or "
            "characters that are not ASCII"
        )
    return key
