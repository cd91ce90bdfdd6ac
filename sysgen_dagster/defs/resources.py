"""Deployment: where tables are kept and which engines answer, from environment variables."""

from collections.abc import Iterable
from pathlib import Path

import dagster as dg
import polars as pl

from sysgen_dagster.catalog import Engine
from sysgen_dagster.defs.partitions import CATALOG
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


class ChatModels(dg.ConfigurableResource[None]):
    """The models of the catalogue, each behind an OpenAI-compatible server.

    Attributes:
        root: Where ledgers, server states and server logs are kept (``SYSGEN_DATA``).
        engine: Serves every model whatever the catalogue says (``SYSGEN_ENGINE``); empty: as there.
    """

    root: str
    engine: str = ""

    def complete(
        self,
        context: dg.AssetExecutionContext,
        model: str,
        requests: Iterable[ChatRequest],
        total: int,
    ) -> pl.DataFrame:
        """One row per request, `completions.COMPLETIONS`; see `Engines.complete`."""
        return self._engines().complete(
            model, requests, total, self._ledger(context), context.log.info
        )

    def forget(self, context: dg.AssetExecutionContext) -> None:
        """Remove the ledger of a partition that is stored."""
        self._ledger(context).remove()

    def _engines(self) -> Engines:
        engine = Engine(self.engine) if self.engine else None
        return Engines(CATALOG.models, Path(self.root).absolute() / "engines", engine)

    def _ledger(self, context: dg.AssetExecutionContext) -> Ledger:
        folder = Path(self.root).absolute() / "ledger" / context.asset_key.path[-1]
        return Ledger(folder / f"{context.partition_key}.jsonl")
