"""The wish of the user that this process ends, for everything that would go on asking for long."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sysgen_dagster.errors import SysgenError


class StoppedError(SysgenError):
    """The user has ended the command; what was answered is kept."""


@dataclass(slots=True)
class Stop:
    """Whether this process is to end; any thread may ask for it.

    Attributes:
        is_asked: Whether it is.
    """

    is_asked: bool = False
    _calls: list[Callable[[], object]] = field(default_factory=list)
    # So that nobody is called after its context has ended.
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self) -> None:
        """Let everything end that would take long."""
        with self._lock:
            self.is_asked = True
            for call in self._calls:
                call()

    def check(self) -> None:
        """Begin nothing more.

        Raises:
            StoppedError: This process is to end.
        """
        if self.is_asked:
            raise StoppedError(
                "ended as asked. Run the same command again to go on: nothing that was answered is "
                "asked twice"
            )

    @contextmanager
    def calls(self, end: Callable[[], object]) -> Iterator[None]:
        """Has `end` called when this process is to end; at once if that is known already."""
        with self._lock:
            if self.is_asked:
                end()
            self._calls.append(end)
        try:
            yield
        finally:
            with self._lock:
                self._calls.remove(end)


# One for the process: a signal is for all of it.
STOP = Stop()
