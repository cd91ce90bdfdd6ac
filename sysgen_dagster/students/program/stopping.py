"""SIGTERM: at once where nothing is lost, else after the step that is being made."""

import signal
from types import FrameType

from .faults import Stopped


class Stopping:
    """Whether SIGTERM has come, and what it does meanwhile.

    While data are prepared it ends the program there; from the first step on it is only noted, and
    the step that follows saves the state. A second SIGTERM changes nothing.
    """

    def __init__(self) -> None:
        """Nothing has come, and what comes ends the program."""
        self.wanted = False
        self._only_note = False

    def listen(self) -> None:
        """Take over the signal; from the main thread."""
        signal.signal(signal.SIGTERM, self._on_signal)

    def only_note(self) -> None:
        """From now on a signal is noted.

        Raises:
            Stopped: One has come before.
        """
        self._only_note = True
        if self.wanted:
            raise Stopped

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.wanted = True
        if not self._only_note:
            raise Stopped
