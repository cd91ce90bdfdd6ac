"""One of the processes of `sysgen ui`, which ends when that has ended.

``python -m`` this, with the number of the process that started it, then the module to be run, as
Dagster names it, and its options. Dagster's webserver is run behind the guard.
"""

import os
import runpy
import signal
import sys
import threading
import time

WEBSERVER = "dagster_webserver"
_LOOK_EVERY_S = 1.0


def run_service(parent: int, module: str) -> None:
    """Run the module with the options of `sys.argv`, at most as long as `parent` runs."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if module == WEBSERVER:
        from sysgen_dagster.commands.webserver import run_webserver

        run_webserver()
    else:
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with(parent: int) -> None:
    """Ask this process to end once `parent` has, be it killed: its port is then free again."""
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    _, _parent, _module, *_options = sys.argv
    sys.argv = [_module, *_options]
    run_service(int(_parent), _module)
