"""Which server answers for a model: one on this machine (vLLM), one that runs already, or none.

Every way ends in an `Endpoint`; nothing after this module knows which it was.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from sysgen_dagster.catalog import Engine, Model
from sysgen_dagster.inference.client import Endpoint, EngineError, complete
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.server_process import (
    Server,
    ServerError,
    find_or_start,
    renew_lease,
)
from sysgen_dagster.sysgen.chat import ChatRequest

WAYS_TO_GET_AN_ENGINE = """\
Ways to get an engine:
  - vLLM on this machine: pip install 'sysgen-dagster[vllm]' on a host with a GPU, engine: vllm
  - a server that runs already (vLLM, Ollama, llama.cpp, any OpenAI-compatible one): in a catalogue
    of your own (SYSGEN_CATALOG) give the model engine: endpoint and base_urls: [http://HOST:PORT/v1]
  - no model at all, to try the pipeline: SYSGEN_ENGINE=simulated (made-up text, marked as such)"""

# Servers on this machine by engine; an endpoint is somebody else's.
_SERVER_NAMES = {Engine.SIMULATED: "simulated", Engine.VLLM: "vllm-{}", Engine.ENDPOINT: ""}
_CONTEXT_TOKENS = 8192
_SIMULATED_IDLE_S = 300.0
_VLLM_IDLE_S = 1800.0
_VLLM_READY_S = 1800.0  # weights may have to be downloaded


@dataclass(frozen=True, slots=True)
class Engines:
    """The servers of a deployment.

    Attributes:
        models: The catalogue's models; one simulated server stands in for all of them.
        folder: Where the state and logs of servers on this machine are kept.
        engine: Serves every model, whatever the catalogue says; None leaves it to the catalogue.
    """

    models: Mapping[str, Model]
    folder: Path
    engine: Engine | None = None

    def connect(self, name: str, report: Callable[[str], None]) -> Endpoint:
        """The endpoint of a model, reachable and serving it.

        Raises:
            EngineError: There is none; the message names the ways to get one.
        """
        self.require(name)
        model, engine = self.models[name], self._engine(name)
        urls = model.base_urls if engine is Engine.ENDPOINT else self._start(name, engine, report)
        endpoint = Endpoint(
            base_urls=tuple(url.rstrip("/") for url in urls),
            model=name,
            served_name=model.served_name,
            revision=model.revision,
            engine=engine.value,
            has_system_role=model.has_system_role,
            api_key=_api_key(name, model) if engine is Engine.ENDPOINT else None,
        )
        for url in endpoint.base_urls:
            _require_served(endpoint, url)
        return endpoint

    def require(self, name: str) -> None:
        """Nothing, when an engine can be had for a model; nothing is started to find out.

        Raises:
            EngineError: None can; the message names the ways to get one.
        """
        engine = self._engine(name)
        if engine is Engine.ENDPOINT:
            if not self.models[name].base_urls:
                raise EngineError(
                    f"{name} has no base_urls in the catalogue.\n{WAYS_TO_GET_AN_ENGINE}"
                )
            _api_key(name, self.models[name])
        if engine is Engine.VLLM and _find_vllm() is None:
            raise EngineError(
                f"{name} is to be served by vLLM on this machine, but there is no `vllm` here.\n"
                + WAYS_TO_GET_AN_ENGINE
            )

    def _engine(self, name: str) -> Engine:
        return self.engine or self.models[name].engine

    def complete(
        self,
        name: str,
        requests: Iterable[ChatRequest],
        total: int,
        ledger: Ledger,
        report: Callable[[str], None],
    ) -> pl.DataFrame:
        """One row per request, `completions.COMPLETIONS`; the server stays for the next partition.

        Raises:
            EngineError: There is no engine, or it went away; the ledger keeps what was answered.
        """
        endpoint = self.connect(name, report)
        server = _SERVER_NAMES[Engine(endpoint.engine)].format(name)

        def tell(line: str) -> None:
            report(f"{name} ({endpoint.engine}): {line}")
            if server:
                renew_lease(self.folder, server)

        with ledger:
            return complete(endpoint, requests, total, ledger, tell)

    def _start(self, name: str, engine: Engine, report: Callable[[str], None]) -> tuple[str]:
        make = self._simulated if engine is Engine.SIMULATED else self._vllm
        try:
            return (find_or_start(make(name), self.folder, report),)
        except ServerError as error:
            raise EngineError(f"{name} ({engine}): {error}\n{WAYS_TO_GET_AN_ENGINE}") from error

    def _simulated(self, _: str) -> Server:
        served = [
            argument
            for model in self.models.values()
            for argument in ("--model", f"{model.served_name}={model.simulated_profile}")
        ]
        module = "sysgen_dagster.inference.simulated.server"
        command = [sys.executable, "-m", module, *served, "--port"]
        return Server("simulated", command, ready_within_s=60, idle_s=_SIMULATED_IDLE_S)

    def _vllm(self, name: str) -> Server:
        model = self.models[name]
        revision = ["--revision", model.revision] if model.revision else []
        command = [str(_find_vllm()), "serve", model.served_name, *revision]
        command += ["--served-model-name", model.served_name, "--host", "127.0.0.1"]
        command += ["--max-model-len", str(_CONTEXT_TOKENS), "--seed", "0"]
        # Else the repository's own file changes sampling silently.
        command += ["--generation-config", "vllm", "--enable-prompt-tokens-details"]
        command += ["--disable-uvicorn-access-log", "--port"]
        return Server(f"vllm-{name}", command, _VLLM_READY_S, _VLLM_IDLE_S, device="gpu")


def _find_vllm() -> str | None:
    """The `vllm` command of this environment, else the one on the PATH."""
    beside_python = Path(sys.executable).with_name("vllm")
    return str(beside_python) if beside_python.is_file() else shutil.which("vllm")


def _api_key(name: str, model: Model) -> str | None:
    if model.api_key_env is None:
        return None
    key = os.environ.get(model.api_key_env, "").strip()
    if not key:
        raise EngineError(f"{name} takes its API key from {model.api_key_env}, which is not set")
    return key


def _require_served(endpoint: Endpoint, url: str) -> None:
    import openai  # here, because it costs every start of the code location 0.6 s

    client = openai.OpenAI(
        base_url=url,
        api_key=endpoint.api_key or "none",
        max_retries=2,
        timeout=20,
        # As for the requests of the phases: no proxy stands between us and an engine.
        http_client=openai.DefaultHttpxClient(trust_env=False),
    )
    try:
        with client:
            served = [model.id for model in client.models.list()]
    except (openai.OpenAIError, AttributeError, ValueError) as error:
        raise EngineError(
            f"{endpoint.model}: no OpenAI-compatible server answers at {url} ({error}). Start it, "
            f"or correct base_urls in the catalogue.\n{WAYS_TO_GET_AN_ENGINE}"
        ) from error
    if endpoint.served_name not in served:
        raise EngineError(
            f"{endpoint.model}: {url} serves {', '.join(served) or 'nothing'}, not "
            f"{endpoint.served_name}; correct served_name in the catalogue, or start that model "
            "there"
        )
