"""How the program ends where it does not end well, and the exit status of each."""


class Fault(Exception):
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


class Refused(Fault):
    """Arguments or data that are not trained on: the same again is refused again."""

    exit_status = 2


class Failed(Fault):
    """A training that began and whose result would not be what was asked for."""


class Stopped(BaseException):
    """SIGTERM has come. No `Exception`: whoever handles those shall not handle this."""

    exit_status = 3
