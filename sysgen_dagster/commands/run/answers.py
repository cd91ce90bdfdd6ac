"""Asks a model about single rows before any asset is made, as the assets will ask.

The client, the settings of the model and the folders of the ledgers are those of the assets, and
so are ids, seeds and messages: what is asked here is known to them later and not sent again.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from sysgen_dagster.catalog.models import Model
from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.chat.messages import ChatRequest, with_settings
from sysgen_dagster.inference.chat_api import Endpoint
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.connection import ModelConnection
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.inference.stopping import STOP
from sysgen_dagster.lanes.sysgen.attempts import Ask
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.tables.table import Table

_NO_COMPLETIONS = pl.DataFrame(schema=COMPLETIONS)


@dataclass(slots=True)
class Spent:
    """What asking about one row took.

    Attributes:
        requests: Requests with an outcome, those too that the ledger knew.
        known: Those of them that the ledger knew.
        thought_tokens: Of `completion_tokens`, those of what was thought before the texts.
        paid: Tokens in and out of those that the ledger did not know.
    """

    requests: int = 0
    known: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    thought_tokens: int = 0
    paid: tuple[int, int] = (0, 0)

    def add(self, completions: pl.DataFrame, progress: Progress) -> None:
        """Count the outcomes of some requests."""
        self.requests += completions.height
        self.known += progress.from_ledger
        self.paid = (
            self.paid[0] + progress.prompt_tokens,
            self.paid[1] + progress.completion_tokens,
        )
        self.prompt_tokens += int(completions["prompt_tokens"].sum())
        self.completion_tokens += int(completions["completion_tokens"].sum())
        self.thought_tokens += int(completions["reasoning_tokens"].sum())


@dataclass(slots=True)
class _Shared(ModelConnection):
    """A connection that many calls of the client share: servers are started and probed once."""

    _connecting: threading.Lock = field(default_factory=threading.Lock)
    _endpoints: dict[bool, Endpoint] = field(default_factory=dict)

    def connect(self, constraint: Constraint | None = None) -> Endpoint:
        """The endpoint; what a server makes of constraints is asked for with the first one."""
        with self._connecting:
            is_held = constraint is not None
            if is_held not in self._endpoints:
                self._endpoints[is_held] = ModelConnection.connect(self, constraint)
            return self._endpoints[is_held]

    def cancel(self) -> None:
        """Nothing: one call of the client has ended, and others may wait for the servers."""

    def end(self) -> None:
        """End all waiting for the servers."""
        ModelConnection.cancel(self)


@dataclass(frozen=True, slots=True)
class Answers:
    """A model that any thread may ask.

    Attributes:
        ledgers: By the name of the table that is asked for.
    """

    model: Model
    connection: ModelConnection
    ledgers: Mapping[str, Ledger]

    def asking_for(self, table: Table, spent: Spent) -> Ask:
        """What the functions of a phase ask the model with; `spent` takes what it costs.

        Raises:
            EngineError: No server answers, or it went away; the ledgers keep what was answered.
            StoppedError: The user has ended the command.
        """

        def ask(requests: Iterable[ChatRequest], total: int) -> pl.DataFrame:
            if not total:
                return _NO_COMPLETIONS
            settings, progress = self.model.request, Progress(total=total)
            sent = (with_settings(request, settings, table.name) for request in requests)
            ledger = self.ledgers[table.name]
            completions = complete(self.connection, sent, progress, ledger, _show_nothing)
            spent.add(completions, progress)
            return completions

        return ask


def _show_nothing(_: Progress) -> None:
    """The preview shows rows, not requests."""


@contextmanager
def answering(
    engines: Engines,
    model: Model,
    folder: Path,
    source: str,
    report: Callable[[str], None],
) -> Iterator[Answers]:
    """A model that answers about rows of a source until the context ends.

    Args:
        engines: The servers of the deployment.
        model: Its entry in the catalogue.
        folder: Of all ledgers of the deployment.
        source: Its name.
        report: Takes a line when something happens to a server, or a ledger has to be waited for.

    Raises:
        EngineError: The model has no engine.
        LedgerError: What earlier previews left cannot be read.
    """
    with ExitStack() as stack:
        opened = {}
        for table in (phase.table.name for phase in PHASES if phase.asks):
            among = folder / table
            file = among / f"{model.name}|{source}-preview.jsonl"
            ledger = Ledger(file, among=among, run="a preview", report=report)
            opened[table] = stack.enter_context(ledger)
        plain = stack.enter_context(engines.connection(model, report))
        shared = _Shared(plain.model, plain.entry, plain.uses, plain.report, plain.retries)
        stack.enter_context(STOP.calls(shared.end))
        stack.callback(shared.end)
        yield Answers(model, shared, opened)
