"""Deployments with two models, and what is asked of their engines, without long waits."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.inference.chat_api import Endpoint, EngineError
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster_tests.inference.batches import QUICK, ask_lazily, questions
from sysgen_dagster_tests.simulated.running_server import MODULE

REVISION = "187ef0342fff0eb3333be9f00389385e95ef0b61"
SIMULATED = rf"^\S+ -m {MODULE}"  # the server's command line, not its supervisor's


def model(engine: Engine, **fields: Any) -> Model:
    """The model that is asked, as the catalogue names it."""
    required = {
        "name": "phi-4",
        "served_name": "phi",
        "revision": REVISION,
        "license": "mit",
    }
    return Model.model_validate(required | {"engine": engine} | fields)


def endpoint(*urls: str, **fields: Any) -> Model:
    """The same at an endpoint."""
    return model(Engine.ENDPOINT, base_urls=urls, **fields)


def engines_for(folder: Path, phi: Model, engine: Engine | None = None) -> Engines:
    """A deployment with two models, `phi-4` being the one that is asked."""
    named = {"name": "other", "served_name": "org/other"}
    other = model(Engine.VLLM, simulated_profile="llama-3.1-8b", **named)
    return Engines(folder, (phi, other), engine, QUICK)


def entry_of(engines: Engines, name: str) -> Model:
    """One of its models."""
    return next(each for each in engines.together if each.name == name)


def ask(
    engines: Engines,
    ledger: Ledger,
    name: str = "phi-4",
    report: list[str] | None = None,
    requests: Iterable[ChatRequest] | None = None,
    total: int = 20,
) -> set[tuple[str, ...]]:
    """What the rows of a few completions say of their origin; all of them hold a text."""
    lines = [] if report is None else report
    with engines.connection(entry_of(engines, name), lines.append) as connection:
        rows = ask_lazily(connection, requests or questions(total), total, ledger, [])
    assert (rows.height, rows["text"].null_count()) == (total, 0)
    assert rows["text"].str.starts_with(NOTICE).any()
    origin = rows.select("model", "served_name", "model_revision", "engine")
    return set(origin.iter_rows())


def connect(engines: Engines, name: str = "phi-4", report: list[str] | None = None) -> Endpoint:
    """Where a model is served; its servers are not in use any more."""
    lines = [] if report is None else report
    with engines.connection(entry_of(engines, name), lines.append) as connection:
        return connection.connect()


def refusal_to(engines: Engines, name: str = "phi-4") -> str:
    """The words with which there is no engine."""
    with pytest.raises(EngineError) as error:
        connect(engines, name)
    return str(error.value)
