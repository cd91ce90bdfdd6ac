import contextlib
import os
import signal
from collections.abc import Iterator

import pytest

from sysgen_dagster.students.program.endings import (
    FailedError,
    ProgramError,
    RefusedError,
    Stopped,
    Stopping,
)


@pytest.fixture
def stopping() -> Iterator[Stopping]:
    before = signal.getsignal(signal.SIGTERM)
    stopping = Stopping()
    stopping.listen()
    yield stopping
    signal.signal(signal.SIGTERM, before)


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_while_data_are_prepared_a_signal_ends_it_there(stopping: Stopping) -> None:
    with pytest.raises(Stopped):
        terminate()


def test_in_the_steps_a_signal_is_noted_also_a_second_one(stopping: Stopping) -> None:
    stopping.only_note()
    assert not stopping.wanted
    terminate()
    terminate()
    assert stopping.wanted


def test_a_signal_that_a_library_has_swallowed_ends_it_before_the_steps(stopping: Stopping) -> None:
    with contextlib.suppress(Stopped):
        terminate()
    with pytest.raises(Stopped):
        stopping.only_note()


def test_no_handler_of_errors_takes_a_stop_for_one() -> None:
    assert not issubclass(Stopped, Exception)


def test_each_ending_has_its_exit_status() -> None:
    assert (RefusedError.exit_status, Stopped.exit_status, FailedError.exit_status) == (2, 3, 1)
    assert ProgramError("kind", "said").kind == "kind"
