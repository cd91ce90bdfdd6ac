"""How the program ends where it does not end well: refused, failed, or stopped by SIGTERM."""

import signal
from types import FrameType


class ProgramError(Exception):
    """Why there is no trained student, with the culprit and the fix.

    Attributes:
        kind: One word for those who read the status file.
        exit_status: Of the program.
    """

    exit_status = 1

    def __init__(self, kind: str, message: str) -> None:
        """Name the kind and say what is wrong and what to do."""
        super().__init__(message)
        self.kind = kind


class RefusedError(ProgramError):
    """Arguments or data that are not trained on: the same again is refused again."""

    exit_status = 2


class FailedError(ProgramError):
    """A training that began and whose result would not be what was asked for."""


class Stopped(BaseException):
    """SIGTERM has come. No `Exception`: whoever handles those shall not handle this."""

    exit_status = 3


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
