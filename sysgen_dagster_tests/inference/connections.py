"""Connections to the servers of a model, without long waits."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.inference.chat_api import ModelIdentity
from sysgen_dagster.inference.connection import ModelConnection
from sysgen_dagster.inference.local.servers import LocalServer
from sysgen_dagster_tests.inference.batches import QUICK
from sysgen_dagster_tests.inference.local_servers import quick_use


def connection_to(*urls: str, **waits: float) -> ModelConnection:
    """The connection to an endpoint, as the catalogue names its servers."""
    entry = Model(
        name="phi-4", served_name="phi", license="mit", engine=Engine.ENDPOINT, base_urls=urls
    )
    identity = ModelIdentity("phi-4", "phi", None, "endpoint")
    return ModelConnection(identity, entry, [], print, replace(QUICK, **waits))


@contextmanager
def connecting(
    folder: Path,
    *servers: LocalServer,
    report: Callable[[str], None] = print,
    patience_s: float = QUICK.patience_s,
    **waits: float,
) -> Iterator[ModelConnection]:
    """The connection to such servers, which serve a model of the catalogue."""
    entry = Model(
        name="phi-4", served_name="phi", license="mit", engine=Engine.VLLM, has_system_role=True
    )
    uses = [quick_use(server, folder, report, **waits) for server in servers]
    identity = ModelIdentity("phi-4", "phi", None, "vllm")
    retries = replace(QUICK, patience_s=patience_s)
    with closing(ModelConnection(identity, entry, uses, report, retries)) as connection:
        yield connection
