"""Waits for a server that has no room yet for the questions before the first request."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sysgen_dagster.inference.chat_api import BusyError, Retries

_Found = TypeVar("_Found")


def when_there_is_room(
    find_out: Callable[[], _Found],
    retries: Retries,
    report: Callable[[str], None],
    cancelled: threading.Event,
) -> _Found:
    """What `find_out` returns once the server has room for its questions.

    Args:
        find_out: Asks a server.
        retries: How long to wait, and for how long a server may be busy.
        report: Takes a line at each wait.
        cancelled: Ends the waiting.

    Raises:
        BusyError: The server was busy for too long.
    """
    ends_at, delay_s = time.monotonic() + retries.patience_s, retries.first_delay_s
    while True:
        try:
            return find_out()
        except BusyError as fault:
            pause_s = max(delay_s, min(fault.wait_s, retries.longest_retry_after_s))
            if time.monotonic() + pause_s > ends_at:
                raise
            report(f"{fault}: asked again in {pause_s:.0f} s")
            if cancelled.wait(pause_s):
                raise
        delay_s = min(2 * delay_s, retries.longest_delay_s)
