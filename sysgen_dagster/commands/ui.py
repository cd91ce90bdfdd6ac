"""`sysgen ui`: starts Dagster's UI and daemon for one deployment."""

import os
import shlex
import sys
from pathlib import Path

from sysgen_dagster.commands.dagster_home import SHIPPED_WORKSPACE, limit_pools, mend_runs
from sysgen_dagster.commands.deployment import use_dagster_home, use_deployment
from sysgen_dagster.storage.store import working_folder

# Environment variables by which Dagster's processes find the deployment.
_HANDED_ON = ("DAGSTER_HOME", "SYSGEN_DATA", "SYSGEN_WORK", "SYSGEN_CATALOG", "SYSGEN_WORKSPACE")


def prepare_ui(data: str) -> dict[str, str]:
    """Write the Dagster home, limit its pools, end runs whose process is gone.

    Returns the variables for Dagster's processes.

    Raises:
        DagsterHomeError: Dagster's state cannot be kept where it should be.
        StoreError: `data` is no place for tables, or there is no working folder.
    """
    store = use_deployment(data, must_exist=False)
    working_folder(data, os.environ.get("SYSGEN_WORK", ""))
    home = use_dagster_home(store)
    limit_pools(home)
    mend_runs(home)
    os.environ["SYSGEN_WORKSPACE"] = str(SHIPPED_WORKSPACE)
    return {name: os.environ[name] for name in _HANDED_ON if os.environ.get(name)}


def show_settings(settings: dict[str, str]) -> None:
    """Print the variables as one line that a shell can run: ``export NAME=VALUE ...``.

    ``SYSGEN_WORKSPACE`` is the file that Dagster's own commands take with the option ``-w``.
    """
    print("export " + " ".join(f"{name}={shlex.quote(at)}" for name, at in settings.items()))


def start_ui(host: str, port: int) -> None:
    """Replace this process by ``dagster dev``, which runs until it is interrupted."""
    # Dagster warns that another package, `dg`, replaces this command; users need not read that.
    command = [sys.executable, "-W", "ignore:Function `dev_command`", "-m", "dagster", "dev"]
    command += ["-w", str(SHIPPED_WORKSPACE), "-h", host, "-p", str(port)]
    print(f"The UI is at http://{host}:{port} in a moment; Ctrl-C ends it.", flush=True)
    os.execv(Path(sys.executable), command)  # noqa: S606 - our own interpreter, no shell
