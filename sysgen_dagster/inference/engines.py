"""Which servers answer for a model: those of vLLM or the simulated models here, or an endpoint.

Each of them ends in an `Endpoint`; the code that sends requests does not depend on which it was.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.inference.capabilities import common_capabilities, describe
from sysgen_dagster.inference.chat_api import (
    Endpoint,
    EngineError,
    ModelIdentity,
    Retries,
    ServerCapabilities,
    UnreachableError,
)
from sysgen_dagster.inference.local.deaths import ServerError
from sysgen_dagster.inference.local.llama_cpp import find_llama_server, gguf_variant, llama_servers
from sysgen_dagster.inference.local.revisions import with_revision
from sysgen_dagster.inference.local.servers import LocalServer, ServerUse, claim_together
from sysgen_dagster.inference.local.vllm import find_vllm, precision_flags, vllm_servers
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

_SIMULATED_IDLE_S = 300.0
_SIMULATED_READY_S = 60.0
_UNKNOWN_CAPACITY = 32
_MAYBE_SLOW = 4  # requests in flight on a server that may be a laptop
# Of engines on this machine: title, the variable that names their command, its own name, its place.
_COMMANDS = {
    Engine.VLLM: ("vLLM", "SYSGEN_VLLM", "vllm", find_vllm),
    Engine.LLAMA_CPP: ("llama.cpp", "SYSGEN_LLAMA_SERVER", "llama-server", find_llama_server),
}


@dataclass(frozen=True, slots=True)
class Engines:
    """The servers of a deployment.

    Attributes:
        folder: Where the state and logs of servers on this machine are kept.
        together: The models that one simulated server serves, if one is started.
        engine: Serves every model, whatever its entry says; None leaves it to the entry.
        retries: How often and how long something that failed is tried again.
    """

    folder: Path
    together: Sequence[Model] = ()
    engine: Engine | None = None
    retries: Retries = field(default_factory=Retries)

    def require(self, model: Model) -> None:
        """Raise an error if a model has no engine; no server is started to find out.

        Raises:
            EngineError: It has none; the message names the ways to get one.
        """
        kind, fault = self.engine or model.engine, ""
        if kind is Engine.ENDPOINT and not model.base_urls:
            fault = "has no base_urls in the catalogue"
        elif kind is Engine.ENDPOINT:
            _api_key(model)
        elif kind in _COMMANDS:
            fault = _missing_command(kind)
        if fault:
            raise EngineError(f"{model.name} {fault}.\n{WAYS_TO_GET_AN_ENGINE}")

    def identify(self, model: Model) -> ModelIdentity:
        """Which model answers, as these engines serve it."""
        kind = self.engine or model.engine
        served_as = model.served_name, model.revision, kind.value, _variant(model, kind)
        return ModelIdentity(model.name, *served_as, model.limit_field, model.request)

    @contextmanager
    def connection(
        self, model: Model, report: Callable[[str], None]
    ) -> Iterator["ModelConnection"]:
        """The way to a model's servers, which are in use until the context ends.

        A server that is started here runs on after it, for the next partition.

        Raises:
            EngineError: The model has no engine.
        """
        self.require(model)
        servers = self._servers(model, self.engine or model.engine, report)
        restarts = self.retries.restarts
        uses = [ServerUse(server, self.folder, report, restarts=restarts) for server in servers]
        connection = ModelConnection(self.identify(model), model, uses, report, self.retries)
        try:
            yield connection
        finally:
            connection.close()

    def _servers(
        self, model: Model, kind: Engine, report: Callable[[str], None]
    ) -> list[LocalServer]:
        """The servers that are started here."""
        if kind is Engine.ENDPOINT:
            return []
        if kind is Engine.VLLM:
            return vllm_servers(with_revision(model, self.folder, report))
        if kind is Engine.LLAMA_CPP:
            return llama_servers(model)
        models = {each.name: each for each in (model, *self.together)}.values()
        served = [f"{each.served_name}={each.simulated_profile}" for each in models]
        command = [sys.executable, "-m", "sysgen_dagster.simulated.server"]
        command += [word for each in sorted(served) for word in ("--model", each)]
        return [
            LocalServer("simulated", [*command, "--port"], _SIMULATED_READY_S, _SIMULATED_IDLE_S)
        ]


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
            EngineError: There is none; the message names the ways to get one.
        """
        urls = self._start_servers() or self.entry.base_urls
        with ThreadPoolExecutor(len(urls)) as pool:
            role = self.entry.has_system_role
            probes = [pool.submit(self._probe_alive, url, role, constraint) for url in urls]
        faults = [probe.exception() for probe in probes]
        away = [fault for fault in faults if isinstance(fault, UnreachableError)]
        known = [probe.result()[1] for probe in probes if probe.exception() not in away]
        if not known:
            raise EngineError("\n".join([*map(str, away), WAYS_TO_GET_AN_ENGINE]))
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
        for _ in range(self.retries.restarts if self.uses else 0):
            try:
                return self._probe(url, has_system_role, constraint)
            except UnreachableError as fault:
                again = self.reconnect(url)
                if again == url:  # it lives: what is wrong with it would be so again
                    raise
                self.report(f"{fault}: it was started again at {again}")
                url = again
        find_out = partial(self._probe, url, has_system_role, constraint)
        return when_there_is_room(find_out, self.retries, self.report, self._cancelled)

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
        return None if self.uses else _api_key(self.entry)


def title_of(kind: Engine) -> str:
    """What an engine on this machine is called."""
    return _COMMANDS[kind][0]


def _missing_command(kind: Engine) -> str:
    """What is wrong with the command of an engine on this machine; empty where it is there."""
    title, variable, command, find = _COMMANDS[kind]
    if find() is not None:
        return ""
    named = os.environ.get(variable)
    why = f"{variable}={named} is no command" if named else f"there is no `{command}` here"
    return f"is to be served by {title} on this machine, but {why}"


def _variant(model: Model, kind: Engine) -> str | None:
    """The weights and the precision of a model, where they are not those of its served name."""
    if kind is Engine.LLAMA_CPP:
        return gguf_variant(model)
    precision = [f"{flag}={value}" for flag, value in precision_flags(model).items()]
    return " ".join(filter(None, [model.weights, *precision])) or None


def _api_key(model: Model) -> str | None:
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
