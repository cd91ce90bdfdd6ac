"""`sysgen engines`: the model servers that this machine runs for a deployment, listed or ended."""

from rich.console import Console

from sysgen_dagster.commands.deployment import use_deployment, work_of
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.processes.state import read_state, running


def show_engines(console: Console, data: str, end: bool) -> int:
    """0: a line for each server that runs; with `end` each is ended.

    Raises:
        StoreError: There is no such deployment.
    """
    folder = work_of(use_deployment(data)) / "engines"
    names = running(folder)
    for name in names:
        if end:
            stop(folder, name)
            console.print(f"ended {name}")
        elif state := read_state(folder, name):
            at = f"http://127.0.0.1:{state['port']}/v1"
            console.print(f"{name}: process {state['pid']}, {at}, log {folder / name}.log")
    if not names:
        console.print(f"{folder}: no server runs.")
    return 0
