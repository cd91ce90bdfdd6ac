"""The deployment as resources: where tables are kept, and which servers answer for a model."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.chat.messages import ChatRequest, with_settings
from sysgen_dagster.defs.plumbing.asked import settings_name
from sysgen_dagster.defs.plumbing.metadata import progress_metadata
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.run_workers import living
from sysgen_dagster.defs.plumbing.trained import students_of
from sysgen_dagster.inference.chat_api import EngineError, Retries
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.storage.store import Store, open_store, working_folder

# Takes the lines of the run's log about engines, for commands that show them in the terminal; as
# DEBUG those that say how far the requests are.
ENGINE_LOG = logging.getLogger("sysgen_dagster.engines")
# Called with the name of a table, and the progress of the requests for a partition of it that are
# about to be sent: it counts on while they are. For commands that show it in the terminal.
ASKING: list[Callable[[str, Progress], object]] = []


class TablesResource(dg.ConfigurableResource[None]):
    """Where all tables are.

    Attributes:
        root: A folder or the URL of a place in object storage (``SYSGEN_DATA``).
        work: A folder of this machine (``SYSGEN_WORK``); empty: `root`, if that is a folder.
    """

    root: str
    work: str = ""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Any]:
        """The resource of a run, whose process is seen to live as long as it is used."""
        instance, run = context.instance, context.run
        with living(instance, run.run_id) if instance and run else nullcontext():
            yield self

    def store(self) -> Store:
        """The stored tables, without Dagster; it reads no shards of another cut.

        Raises:
            StoreError: `root` or `work` is no place for data.
        """
        self.working_folder()
        return replace(open_store(self.root), shards_of=CATALOG.shards_of)

    def working_folder(self) -> Path:
        """Where downloads are kept, and exports while they are made.

        Raises:
            StoreError: There is none.
        """
        return working_folder(self.root, self.work)


DATA, WORK = os.environ.get("SYSGEN_DATA", "data"), os.environ.get("SYSGEN_WORK", "")


def tables_here() -> TablesResource:
    """The tables of the deployment that this code location is of."""
    return TablesResource(root=DATA, work=WORK)


@dataclass(slots=True)
class ModelSession:
    """One model while one partition of an asset is made.

    Attributes:
        model: Its entry in the catalogue.
        engines: The servers of the deployment.
        ledger: The outcomes of earlier runs of the same partition.
        context: The run, whose log and UI show the progress.
        asked_in: The name of the table with whose settings requests are sent.
        progress: The requests so far.
        observe_every_s: Time between two observations of the asset.
    """

    model: Model
    engines: Engines
    ledger: Ledger
    context: dg.AssetExecutionContext
    asked_in: str
    progress: Progress = field(default_factory=Progress)
    observe_every_s: float = 30.0
    _observed: float = field(default_factory=time.monotonic)
    _is_seen_waiting: bool = False

    def ask(self, requests: Iterable[ChatRequest], total: int) -> pl.DataFrame:
        """One row per request, `completions.COMPLETIONS`, in the order of the answers.

        Args:
            requests: Taken one by one.
            total: How many there are.

        Raises:
            EngineError: No engine answers, or it went away; the ledger keeps what was answered.
            LedgerError: What earlier runs left cannot be read.
        """
        self.progress.total += total
        for tell in ASKING:
            tell(self.context.asset_key.to_user_string(), self.progress)
        settings, asked_in = self.model.request, settings_name(self.asked_in)
        requests = (with_settings(request, settings, asked_in) for request in requests)
        # The ledger first: a run that waits for another one of its partition holds no server.
        with self.ledger, self.engines.connection(self.model, self._report) as connection:
            return complete(connection, requests, self.progress, self.ledger, self._show)

    def _report(self, line: str) -> None:
        _report(self.context, self.model, line)

    def _show(self, progress: Progress) -> None:
        """Write a line to the run's log and, from time to time, an observation with the figures."""
        _report(self.context, self.model, str(progress), logging.DEBUG)
        is_due = time.monotonic() - self._observed > self.observe_every_s
        # After the last answer nothing is waited for any more, which `stalled_runs` must see.
        if is_due or (self._is_seen_waiting and not progress.waiting):
            self._observed = time.monotonic()
            self._is_seen_waiting = progress.waiting > 0
            context = self.context
            context.log_event(
                dg.AssetObservation(
                    asset_key=context.asset_key,
                    partition=context.partition_key if context.has_partition_key else None,
                    description=str(progress),
                    metadata=progress_metadata(progress),
                )
            )


def _report(
    context: dg.AssetExecutionContext, model: Model, line: str, level: int = logging.INFO
) -> None:
    context.log.info(f"{model.name}: {line}")
    ENGINE_LOG.log(level, "%s: %s", model.name, line)


class InferenceResource(dg.ConfigurableResource[None]):
    """The servers that answer for models.

    Attributes:
        root: The folder of ledgers, server states and server logs (``SYSGEN_DATA``).
        work: The folder of these, if it is not empty (``SYSGEN_WORK``).
        engine: Serves every model whatever the catalogue says (``SYSGEN_ENGINE``), if not empty.
        observe_every_s: Seconds between two observations of an asset while it is made.
        first_delay_s: Seconds before a request that failed is sent again; they double each time.
    """

    root: str
    work: str = ""
    engine: str = ""
    observe_every_s: float = Field(default=30.0, ge=0, allow_inf_nan=False)
    first_delay_s: float = Field(default=Retries().first_delay_s, ge=0, allow_inf_nan=False)

    def session(
        self,
        context: dg.AssetExecutionContext,
        model: Model,
        remembered_as: str,
        asked_in: str | None = None,
    ) -> ModelSession:
        """A model, to be asked for the running partition.

        Args:
            context: The run.
            model: Its entry in the catalogue.
            remembered_as: The name of the partition in the asset's folder of ledgers.
            asked_in: The table with whose settings requests are sent; None: the asset's own.

        Raises:
            EngineError: The model has no engine; no server is started to find out.
            StoreError: There is no working folder.
        """
        engines = self.engines()
        engines.require(model)
        ledgers = working_folder(self.root, self.work) / "ledger" / Path(*context.asset_key.path)
        ledger = Ledger(
            ledgers / f"{remembered_as}.jsonl",
            among=ledgers,
            run=f"run {context.run.run_id}",
            report=partial(_report, context, model),
        )
        settings = asked_in or context.asset_key.to_user_string()
        every_s = self.observe_every_s
        return ModelSession(model, engines, ledger, context, settings, observe_every_s=every_s)

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
        work = working_folder(self.root, self.work)
        engine = Engine(self.engine) if self.engine else None
        retries = Retries(first_delay_s=self.first_delay_s)
        together, students = tuple(CATALOG.served.values()), students_of(work)
        return Engines(work / "engines", together, engine, retries, students)
