"""Why a server did not start: it ended by itself, or a signal ended it, which may pass."""

import re
import signal
from pathlib import Path

from sysgen_dagster.errors import SysgenError
from sysgen_dagster.inference.quoting import end_of_log
from sysgen_dagster.processes.supervisor import BY_SIGNAL, exit_status


class ServerError(SysgenError):
    """A server did not start; the message holds the end of its log."""


class ServerKilledError(ServerError):
    """A signal ended a server while it was loading: it may well load when it is started again."""


def explain_death(name: str, status: int, log: Path, says_killed: str) -> ServerError:
    """The error of a server that ended while it was loading.

    Args:
        name: The server's.
        status: With which its supervisor exited; negative where a signal ended the supervisor.
        log: The server's.
        says_killed: A pattern of what the log holds when the server's own process was killed.
    """
    end = end_of_log(log)
    was_killed = exit_status(status) - BY_SIGNAL in set(signal.Signals)
    if was_killed or (says_killed and re.search(says_killed, end)):
        return ServerKilledError(
            f"{name} was killed while it was loading: if that was for want of memory, which the "
            f"kernel's log says (dmesg), give the model less of it. The end of {log}:\n{end}"
        )
    return ServerError(f"{name} did not start. The end of {log}:\n{end}")
