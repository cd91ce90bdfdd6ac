"""Deployment: where tables are kept and which engines answer, from environment variables."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import polars as pl

from sysgen_dagster.catalog.catalog import Engine
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.defs.plumbing.metadata import progress_metadata
from sysgen_dagster.defs.plumbing.partitions import CATALOG, model_and_shard
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.storage.store import Store, open_store, working_folder

# The same lines as in the run's log, for whoever runs the pipeline without the UI.
ENGINE_LOG = logging.getLogger("sysgen_dagster.engines")
_OBSERVE_EVERY_S = 30.0


class TablesResource(dg.ConfigurableResource[None]):
    """Where all tables are.

    Attributes:
        root: A folder or the URL of a place in object storage (``SYSGEN_DATA``).
        work: A folder for what needs one (``SYSGEN_WORK``); empty: `root`, if that is a folder.
    """

    root: str
    work: str = ""

    def store(self) -> Store:
        """The plain store, which knows nothing of Dagster.

        Raises:
            StoreError: These are no places for data; said before anything is computed.
        """
        self.working_folder()
        return open_store(self.root)

    def working_folder(self) -> Path:
        """Where downloads are kept, and exports while they are made.

        Raises:
            StoreError: There is none.
        """
        return working_folder(self.root, self.work)


@dataclass(slots=True)
class ModelSession:
    """One model for one partition of one phase."""

    name: str
    engines: Engines
    ledger: Ledger
    context: dg.AssetExecutionContext
    progress: Progress = field(default_factory=Progress)
    _observed: float = field(default_factory=time.monotonic)

    def complete(self, requests: Iterable[ChatRequest], total: int) -> pl.DataFrame:
        """One row per request, `completions.COMPLETIONS`; see `Engines.complete`."""
        self.progress.total += total
        return self.engines.complete(
            self.name, requests, self.progress, self.ledger, self._report, self._show
        )

    def settle(self) -> None:
        """Seal the ledger: the partition is stored."""
        self.ledger.seal()

    def _report(self, line: str) -> None:
        self.context.log.info(f"{self.name}: {line}")
        ENGINE_LOG.info("%s: %s", self.name, line)

    def _show(self, progress: Progress) -> None:
        """A line in the run's log, and now and then the figures as an observation of the asset."""
        self._report(str(progress))
        if time.monotonic() - self._observed > _OBSERVE_EVERY_S:
            self._observed = time.monotonic()
            self.context.log_event(
                dg.AssetObservation(
                    asset_key=self.context.asset_key,
                    partition=self.context.partition_key,
                    description=str(progress),
                    metadata=progress_metadata(progress),
                )
            )


class InferenceResource(dg.ConfigurableResource[None]):
    """The models of the catalogue, each behind an OpenAI-compatible server.

    Attributes:
        root: The folder of ledgers, server states and server logs (``SYSGEN_DATA``), unless:
        work: Is the folder of these (``SYSGEN_WORK``).
        engine: Serves every model whatever the catalogue says (``SYSGEN_ENGINE``); empty: as there.
    """

    root: str
    work: str = ""
    engine: str = ""

    def of(self, context: dg.AssetExecutionContext) -> ModelSession:
        """The model of the running partition.

        Raises:
            EngineError: No engine can be had for it; seen before anything is read or started.
            StoreError: There is no working folder.
        """
        name, _ = model_and_shard(context.partition_key)
        return self._running(context, name, context.partition_key)

    def judge_of(self, context: dg.AssetExecutionContext) -> ModelSession:
        """The judge of the model whose partition is running.

        Raises:
            EngineError: No engine can be had for it; seen before anything is read or started.
            StoreError: There is no working folder.
        """
        # A ledger for each judge: what one said is not forgotten while another one is asked.
        judge = CATALOG.judge_of(context.partition_key)
        return self._running(context, judge, f"{judge}/{context.partition_key}")

    def engines(self) -> Engines:
        """The servers of the deployment, none of them started.

        Raises:
            EngineError: ``SYSGEN_ENGINE`` is no kind of engine.
            StoreError: There is no working folder.
        """
        if self.engine and self.engine not in set(Engine):
            raise EngineError(
                f"SYSGEN_ENGINE is {self.engine!r}: make it one of {', '.join(Engine)}, or unset it"
            )
        engine = Engine(self.engine) if self.engine else None
        folder = working_folder(self.root, self.work) / "engines"
        return Engines(CATALOG.served, folder, engine)

    def _running(self, context: dg.AssetExecutionContext, name: str, answers: str) -> ModelSession:
        folder = working_folder(self.root, self.work)
        engines = self.engines()
        engines.require(name)
        ledger = folder / "ledger" / context.asset_key.path[-1] / f"{answers}.jsonl"
        return ModelSession(name, engines, Ledger(ledger), context)
