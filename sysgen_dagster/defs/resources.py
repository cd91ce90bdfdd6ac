"""Deployment: where tables are kept and which engines answer, from environment variables."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import polars as pl

from sysgen_dagster.catalog import Engine
from sysgen_dagster.defs.partitions import CATALOG, model_and_shard
from sysgen_dagster.inference.client import EngineError
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.storage.store import Store
from sysgen_dagster.sysgen.chat import ChatRequest


class Tables(dg.ConfigurableResource[None]):
    """The folder of all tables (``SYSGEN_DATA``)."""

    root: str

    def store(self) -> Store:
        """The plain store, which knows nothing of Dagster."""
        return Store(Path(self.root).absolute())


@dataclass(frozen=True, slots=True)
class ModelOfRun:
    """One model for one partition of one phase."""

    name: str
    engines: Engines
    ledger: Ledger
    report: Callable[[str], None]

    def complete(self, requests: Iterable[ChatRequest], total: int) -> pl.DataFrame:
        """One row per request, `completions.COMPLETIONS`; see `Engines.complete`."""
        return self.engines.complete(self.name, requests, total, self.ledger, self.report)

    def forget(self) -> None:
        """Remove the ledger: the partition is stored."""
        self.ledger.remove()


class ChatModels(dg.ConfigurableResource[None]):
    """The models of the catalogue, each behind an OpenAI-compatible server.

    Attributes:
        root: Where ledgers, server states and server logs are kept (``SYSGEN_DATA``).
        engine: Serves every model whatever the catalogue says (``SYSGEN_ENGINE``); empty: as there.
    """

    root: str
    engine: str = ""

    def of(self, context: dg.AssetExecutionContext) -> ModelOfRun:
        """The model of the running partition.

        Raises:
            EngineError: No engine can be had for it; seen before anything is read or started.
        """
        name, _ = model_and_shard(context.partition_key)
        root = Path(self.root).absolute()
        if self.engine and self.engine not in set(Engine):
            raise EngineError(
                f"SYSGEN_ENGINE is {self.engine!r}: make it one of {', '.join(Engine)}, or unset it"
            )
        engine = Engine(self.engine) if self.engine else None
        engines = Engines(CATALOG.models, root / "engines", engine)
        engines.require(name)
        ledger = root / "ledger" / context.asset_key.path[-1] / f"{context.partition_key}.jsonl"
        return ModelOfRun(name, engines, Ledger(ledger), context.log.info)
