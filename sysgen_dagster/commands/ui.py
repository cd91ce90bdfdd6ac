"""`sysgen ui`: starts Dagster's UI and daemon for one deployment."""

import asyncio
import fcntl
import os
import runpy
import shlex
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster_shared import ipc

from sysgen_dagster.commands.dagster_home import SHIPPED_WORKSPACE, limit_pools, mend_runs
from sysgen_dagster.commands.deployment import use_dagster_home, use_deployment, work_of
from sysgen_dagster.commands.guard import ALLOWED_HOSTS, EVERYWHERE, require_hosts
from sysgen_dagster.commands.service import WEBSERVER
from sysgen_dagster.errors import SysgenError

# Environment variables by which Dagster's processes find the deployment.
_HANDED_ON = (
    "DAGSTER_HOME",
    "SYSGEN_DATA",
    "SYSGEN_WORK",
    "SYSGEN_CATALOG",
    "SYSGEN_WORKSPACE",
    ALLOWED_HOSTS,
)
_SERVICE = "sysgen_dagster.commands.service"
# No machine has this name. A webserver that is started without the guard is told to listen there,
# and ends.
_NOWHERE = "behind-the-guard.invalid"


class AddressError(SysgenError):
    """The UI cannot listen where it should."""


class ServiceError(SysgenError):
    """The webserver or the daemon of the UI has ended by itself, or there is one already."""


def open_ui(data: str, host: str, port: int, allowed: Sequence[str], print_settings: bool) -> None:
    """Start the UI, or print what its processes need.

    Raises:
        AddressError: Nothing can listen at the host and port, or something does already.
        GuardError: One of the names that are `allowed` is none.
        ServiceError: The webserver or the daemon ended by itself or was killed, or those of another
            UI of this deployment run.
        DagsterHomeError: Dagster's state cannot be kept where it should be.
        StoreError: `data` is no place for tables, or there is no working folder.
    """
    require_hosts(allowed)
    os.environ[ALLOWED_HOSTS] = " ".join(allowed)
    if not print_settings:
        # First: Dagster's daemon would run all the same, with no webserver beside it.
        asyncio.run(_require_free(host, port))
    settings = prepare_ui(data)
    if print_settings:
        show_settings(settings)
    else:
        with _only_one(Path(settings["DAGSTER_HOME"])):
            start_ui(host, port)


def prepare_ui(data: str) -> dict[str, str]:
    """Write the Dagster home, limit its pools, end runs whose process is gone.

    Returns the variables for Dagster's processes.

    Raises:
        DagsterHomeError: Dagster's state cannot be kept where it should be.
        StoreError: `data` is no place for tables, or there is no working folder.
    """
    store = use_deployment(data, must_exist=False)
    work_of(store)  # is there one?
    home = use_dagster_home(store)
    limit_pools(home)
    mend_runs(home)
    os.environ["SYSGEN_WORKSPACE"] = str(SHIPPED_WORKSPACE)
    return {name: os.environ[name] for name in _HANDED_ON if os.environ.get(name)}


async def _require_free(host: str, port: int) -> None:
    """Listen for a moment as the webserver will.

    Raises:
        AddressError: That is not possible.
    """
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port)
    except OSError as error:
        raise AddressError(
            f"the UI cannot listen on port {port} of {host or 'every address'}: {error.strerror}. "
            "Name another port with --port or another address of this machine with --host; if a UI "
            "of this deployment runs already, use that"
        ) from error
    server.close()


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Let no other UI of this Dagster home start; the lock goes with the process.

    Raises:
        ServiceError: One has started already.
    """
    # Not to be written: a second user, who may not, is told the same.
    with os.fdopen(os.open(home / "ui.lock", os.O_RDONLY | os.O_CREAT)) as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceError(
                f"a UI of {home} runs already, and a second daemon could start its runs twice: use "
                "that one, or start another webserver alone (`sysgen-webserver`, for which `sysgen "
                "ui --print-settings` prints the environment)"
            ) from None
        yield


def show_settings(settings: dict[str, str]) -> None:
    """Print the variables as one line that a shell can run: ``export NAME=VALUE ...``.

    ``SYSGEN_WORKSPACE`` is the file that Dagster's own commands take with the option ``-w``.
    """
    print("export " + " ".join(f"{name}={shlex.quote(at)}" for name, at in settings.items()))


def start_ui(host: str, port: int) -> None:
    """Run ``dagster dev`` until it is interrupted, with its webserver behind the guard.

    Raises:
        ServiceError: The webserver or the daemon ended by itself, or was killed.
    """
    print(f"The UI is at {_url(host, port)} in a moment; Ctrl-C ends it.", flush=True)
    if host in EVERYWHERE and not os.environ.get(ALLOWED_HOSTS):
        print("From elsewhere it is reached under the names that --allow-host gives.", flush=True)
    # Dagster warns that another package, `dg`, replaces this command; users need not read that.
    warnings.filterwarnings("ignore", "Function `dev_command`")
    # A script that starts this with `&` has SIGINT ignored, and Dagster takes SIGTERM for the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    processes: Any = ipc
    open_process = processes.open_ipc_subprocess
    services: list[subprocess.Popen[bytes]] = []

    def open_service(parts: Sequence[str], **options: Any) -> Any:
        command = service_command(parts, host)
        process = open_process(command, **options)
        if _SERVICE in command:
            services.append(process)
        return process

    processes.open_ipc_subprocess = open_service
    sys.argv = ["dagster", "dev", "-w", str(SHIPPED_WORKSPACE), "-h", _NOWHERE, "-p", str(port)]
    try:
        runpy.run_module("dagster", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if ended.code:
            raise
    _require_ended_well(services)


def _require_ended_well(services: Iterable["subprocess.Popen[bytes]"]) -> None:
    """Both end with 0 when they are asked to. Of others ``dagster dev`` says so, and ends with 0.

    Raises:
        ServiceError: One of them ended otherwise.
    """
    for each in services:
        if each.returncode:
            name = "webserver" if WEBSERVER in str(each.args) else "daemon"
            raise ServiceError(
                f"the UI's {name} has ended with status {each.returncode}, so all of it ends: what "
                "it printed above may say why; start the UI again"
            )


def _url(host: str, port: int) -> str:
    """An address that a browser on this machine reaches, and that the guard lets through."""
    here = "localhost" if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{here}:{port}"


def service_command(parts: Sequence[str], host: str) -> list[str]:
    """The command of `service.py` for one of the two processes that ``dagster dev`` starts.

    Its code server is left as it is: that listens in a file, and ends when nobody asks it.
    """
    python, flag, module, *options = parts
    if (python, flag) != (sys.executable, "-m") or module == "dagster":
        return list(parts)
    if module == WEBSERVER:
        options = [host if option == _NOWHERE else option for option in options]
    return [python, flag, _SERVICE, str(os.getpid()), module, *options]
