"""Errors that a user can act on, shown in the UI as their message and not as a stack of frames."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import dagster as dg

from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.ledger import LedgerError
from sysgen_dagster.sources.files import SourceError, SourceUnavailableError
from sysgen_dagster.storage.store import StoreError, StoreUnavailableError
from sysgen_dagster.tables.table import TableError
from sysgen_dagster.training_sets.export.hub import HubPushError, HubUnavailableError
from sysgen_dagster.training_sets.export.layout import ExportError
from sysgen_dagster.training_sets.flags import FlagError

_KNOWN = (
    EngineError,
    ExportError,
    FlagError,
    HubPushError,
    LedgerError,
    SourceError,
    StoreError,
    TableError,
)
# By name, as an event of Dagster's has it; what caused one of these is of no use to a user.
_MAY_COME_BACK = (SourceUnavailableError, HubUnavailableError, StoreUnavailableError)
TOLD = {kind.__name__ for kind in (*_KNOWN, *_MAY_COME_BACK)}
_P = ParamSpec("_P")
_R = TypeVar("_R")


def root_cause(event: dg.DagsterEvent) -> str:
    """Why a step failed, in the words of the error that a user can act on."""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    while error is not None and error.cause is not None and error.cls_name not in TOLD:
        error = error.cause
    return error.message.strip() if error is not None else "no reason was recorded"


def told_plainly(asset: Callable[_P, _R]) -> Callable[_P, _R]:
    """The asset function, its known errors turned into a failure of one message.

    A Hub or object storage that may come back is asked again twice; nothing else gets better by
    itself.
    """

    @functools.wraps(asset)
    def told(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return asset(*args, **kwargs)
        except _MAY_COME_BACK as error:
            raise dg.RetryRequested(max_retries=2, seconds_to_wait=30) from error
        except _KNOWN as error:
            raise dg.Failure(str(error), allow_retries=False) from None

    return told
