"""The deployment as resources: where tables are kept, and which servers answer for a model."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import polars as pl

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.defs.plumbing.metadata import progress_metadata
from sysgen_dagster.defs.plumbing.partitions import CATALOG
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
    """One model while one partition of an asset is made: it is asked, counted, and remembered.

    Attributes:
        model: Who is asked.
        engines: The servers of the deployment.
        ledger: What was answered before for the same partition.
        context: The run, which is told how far it is.
        progress: The requests so far.
    """

    model: Model
    engines: Engines
    ledger: Ledger
    context: dg.AssetExecutionContext
    progress: Progress = field(default_factory=Progress)
    _observed: float = field(default_factory=time.monotonic)

    def complete(self, requests: Iterable[ChatRequest], total: int) -> pl.DataFrame:
        """One row per request, `completions.COMPLETIONS`; see `Engines.complete`."""
        self.progress.total += total
        return self.engines.complete(
            self.model, requests, self.progress, self.ledger, self._report, self._show
        )

    def seal(self) -> None:
        """Let go of the ledger's open lines: what was made of them is stored."""
        self.ledger.seal()

    def _report(self, line: str) -> None:
        self.context.log.info(f"{self.model.name}: {line}")
        ENGINE_LOG.info("%s: %s", self.model.name, line)

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
    """The servers that answer for models, each OpenAI-compatible.

    Attributes:
        root: The folder of ledgers, server states and server logs (``SYSGEN_DATA``), unless:
        work: Is the folder of these (``SYSGEN_WORK``).
        engine: Serves every model whatever the catalogue says (``SYSGEN_ENGINE``); empty: as there.
    """

    root: str
    work: str = ""
    engine: str = ""

    def session(
        self, context: dg.AssetExecutionContext, model: Model, remembered_as: str
    ) -> ModelSession:
        """A model, to be asked for the running partition.

        Args:
            context: The run.
            model: Who is asked.
            remembered_as: The name of the partition's answers in the ledger of the asset.

        Raises:
            EngineError: No engine can be had for it; seen before anything is read or started.
            StoreError: There is no working folder.
        """
        folder = working_folder(self.root, self.work)
        engines = self.engines()
        engines.require(model)
        ledger = folder / "ledger" / context.asset_key.path[-1] / f"{remembered_as}.jsonl"
        return ModelSession(model, engines, Ledger(ledger), context)

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
        return Engines(folder, tuple(CATALOG.served.values()), engine)
