"""Errors that a user can act on, shown in the UI as their message and not as a stack of frames."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ParamSpec, TypeVar

import dagster as dg

from sysgen_dagster.errors import SysgenError
from sysgen_dagster.tables.file_errors import explain

_CONTRACT_STOPS = "DagsterAssetCheckFailedError"  # a step's error when a blocking check fails
_RETRIES, _RETRY_AFTER_S = 2, 30
_P = ParamSpec("_P")
_R = TypeVar("_R")


def root_cause(event: dg.DagsterEvent) -> str:
    """The message of the error that made a step fail; of a `SysgenError` if one caused it."""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description
    # Dagster's event holds only the name of an error's class. The cause of a `SysgenError` is not
    # looked at: its own message already says what to do.
    ours = {kind.__name__ for kind in _kinds(SysgenError)}
    error = data.error
    while error is not None and error.cause is not None and error.cls_name not in ours:
        error = error.cause
    return error.message.strip() if error is not None else "no reason was recorded"


def is_broken_contract(event: dg.DagsterEvent) -> bool:
    """Whether a step failed because a contract is broken, which its check's result explains."""
    error = event.step_failure_data.error
    return error is not None and error.cls_name == _CONTRACT_STOPS


def _kinds(kind: type[SysgenError]) -> Iterator[type[SysgenError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


def errors_as_failures(asset: Callable[_P, _R]) -> Callable[_P, _R]:
    """The asset function, its errors that a user can act on turned into a failure of one message.

    After an error that may pass by itself, such as an unreachable Hub, the step is retried twice.
    """

    @functools.wraps(asset)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return asset(*args, **kwargs)
        except SysgenError as error:
            if error.may_come_back:
                retry = dg.RetryRequested(max_retries=_RETRIES, seconds_to_wait=_RETRY_AFTER_S)
                raise retry from error
            raise dg.Failure(str(error), allow_retries=False) from None
        except OSError as error:
            if error.filename is None:  # of no file: of the network
                raise
            fault = explain(error, Path(error.filename))
            raise dg.Failure(fault.message, allow_retries=fault.may_pass) from error

    return run
