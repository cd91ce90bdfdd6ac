"""Commands that end at the first Ctrl-C or SIGTERM.

The work runs in a thread beside the main one. There Dagster leaves signals alone, which it would
otherwise turn into the failure of one partition, and no exception comes out of nowhere in the
middle of a line. The main thread waits for the signal; whatever the work then waits for is ended.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager

import click

from sysgen_dagster.inference.stopping import STOP

_LOOK_EVERY_S = 0.1  # for a signal
_GRACE_S = 10.0  # for the work to end by itself
REQUESTS_END = "no more requests are sent, those in flight are abandoned"
_ENDS = (signal.SIGINT, signal.SIGTERM)


def run_until_signal(
    work: Callable[[], int], abandon: Callable[[], None], ending: str = REQUESTS_END
) -> int:
    """What the work returns, or 128 and the number of the signal that ended it.

    Args:
        work: Ends soon after `STOP` is asked for.
        abandon: Called when it does not, before the process ends all the same.
        ending: What is said of it when a signal comes.
    """
    received: list[int] = []
    before = {each: signal.signal(each, lambda got, _: received.append(got)) for each in _ENDS}
    outcome: Future[int] = Future()
    threading.Thread(target=_run, args=(work, outcome), daemon=True).start()
    try:
        while not received and not outcome.done():
            wait([outcome], timeout=_LOOK_EVERY_S)
        if outcome.done():
            return outcome.result()
        # Further signals change nothing: it ends within seconds anyway.
        name = signal.Signals(received[0]).name
        click.echo(f"{name}: {ending}.", err=True)
        STOP.ask()
        if not wait([outcome], timeout=_GRACE_S).done:
            abandon()
            _say_how_to_go_on(name)
            sys.stdout.flush()
            os._exit(128 + received[0])  # a thread that is stuck would keep the interpreter
        if outcome.exception() is None:
            return outcome.result()  # it was done by then
        _say_how_to_go_on(name)
        return 128 + received[0]
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def until_signal() -> Iterator[None]:
    """Ends at Ctrl-C or SIGTERM, also where a script that starts it with `&` has them ignored.

    It goes around everything that a user may end once something is printed: a signal that comes
    before it ends the command as a failure.
    """

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, end) for each in _ENDS}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _run(work: Callable[[], int], outcome: "Future[int]") -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:
        outcome.set_exception(error)


def _say_how_to_go_on(name: str) -> None:
    click.echo(
        f"Ended by {name}. Run the same command again to go on: nothing that was answered is asked "
        "twice.",
        err=True,
    )
