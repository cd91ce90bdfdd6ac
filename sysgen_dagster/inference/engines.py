"""Which servers answer for a model: those of vLLM or the simulated models here, or an endpoint.

Each of them ends in an `Endpoint`; the code that sends requests does not depend on which it was.
The way to these servers, once it is known which, is a `ModelConnection`.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sysgen_dagster.catalog.load import catalog_file
from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.inference.chat_api import EngineError, ModelIdentity, Retries
from sysgen_dagster.inference.connection import (
    WAYS_TO_GET_AN_ENGINE,
    ModelConnection,
    api_key_of,
)
from sysgen_dagster.inference.local.checkpoints import Students
from sysgen_dagster.inference.local.conversion import OUT_TYPE, as_gguf, require_conversion
from sysgen_dagster.inference.local.llama_cpp import find_llama_server, gguf_variant, llama_servers
from sysgen_dagster.inference.local.revisions import with_revision
from sysgen_dagster.inference.local.servers import LocalServer, ServerUse
from sysgen_dagster.inference.local.vllm import find_vllm, precision_flags, vllm_servers

_SIMULATED_IDLE_S = 300.0
_SIMULATED_READY_S = 60.0
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
        students: What was trained here.
    """

    folder: Path
    together: Sequence[Model] = ()
    engine: Engine | None = None
    retries: Retries = field(default_factory=Retries)
    students: Students = field(default_factory=Students)

    def require(self, model: Model) -> None:
        """Raise an error if a model has no engine; no server is started to find out.

        Raises:
            EngineError: It has none; the message names the ways to get one. Or the model is the
                student of a training that has not been made.
        """
        kind, fault = self.engine or model.engine, ""
        if kind is Engine.ENDPOINT and not model.base_urls:
            fault = "has no base_urls in the catalogue"
        elif kind is Engine.ENDPOINT:
            api_key_of(model)
        elif kind in _COMMANDS:
            fault = _missing_command(kind)
        if fault:
            raise EngineError(f"{model.name} {fault}.\n{WAYS_TO_GET_AN_ENGINE}")
        if _is_trained(model, kind):
            checkpoint = self.students.checkpoint_of(model)
            if kind is Engine.LLAMA_CPP:
                require_conversion(checkpoint, self.students.find_trainer())

    def identify(self, model: Model) -> ModelIdentity:
        """Which model answers, as these engines serve it.

        Raises:
            EngineError: Its weights should be on this machine, and are not.
        """
        kind = self.engine or model.engine
        served_as = model.served_name, model.revision, kind.value, self._variant(model, kind)
        return ModelIdentity(model.name, *served_as, model.limit_field, model.request)

    @contextmanager
    def connection(self, model: Model, report: Callable[[str], None]) -> Iterator[ModelConnection]:
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
        if _is_trained(model, kind):
            return self._servers_of_student(model, kind, report)
        if kind is Engine.VLLM:
            return vllm_servers(with_revision(model, self.folder, report))
        if kind is Engine.LLAMA_CPP:
            return llama_servers(model)
        models = {each.name: each for each in (model, *self.together)}.values()
        served = [f"{each.served_name}={each.simulated_profile}" for each in models]
        command = [sys.executable, "-m", "sysgen_dagster.simulated.server"]
        command += [word for each in sorted(served) for word in ("--model", each)]
        # It tells our prompts apart, and a deployment may have some of its own.
        place = {"SYSGEN_CATALOG": str(catalog_file().absolute())}
        waits = _SIMULATED_READY_S, _SIMULATED_IDLE_S
        return [LocalServer("simulated", [*command, "--port"], *waits, environment=place)]

    def _servers_of_student(
        self, model: Model, kind: Engine, report: Callable[[str], None]
    ) -> list[LocalServer]:
        checkpoint, weights = self.students.checkpoint_of(model), None
        if kind is Engine.LLAMA_CPP:
            weights = as_gguf(checkpoint, self.students.find_trainer(), report)
        served = checkpoint.served(model, weights or checkpoint.folder)
        servers = self._servers(served, kind, report)
        # Another checkpoint may lie at the same path: its server must not be taken for this one's.
        return [replace(each, name=f"{each.name}-{checkpoint.short}") for each in servers]

    def _variant(self, model: Model, kind: Engine) -> str | None:
        """The weights and the precision, where they are not those of the served name."""
        weights = model.weights
        if _is_trained(model, kind):
            weights = f"checkpoint {self.students.checkpoint_of(model).sha256}"
            if kind is Engine.LLAMA_CPP:
                return f"{weights} {OUT_TYPE}"
        if kind is Engine.LLAMA_CPP:
            return gguf_variant(model)
        precision = [f"{flag}={value}" for flag, value in precision_flags(model).items()]
        return " ".join(filter(None, [weights, *precision])) or None


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


def _is_trained(model: Model, kind: Engine) -> bool:
    """Whether a checkpoint of a training answers for the model; a simulated one needs none."""
    return model.training is not None and kind is not Engine.SIMULATED
