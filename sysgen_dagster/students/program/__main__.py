"""Trains a student: `PYTHON -m program ARGUMENTS.json`.

Exit status: 0 the training is through; 3 stopped by SIGTERM, and to be resumed by the same command;
2 the arguments or the data are refused; 1 failed. `status.json` in the training's folder says why.
"""

import json
import os
import sys
import traceback
from pathlib import Path

from .arguments import Arguments, read_arguments
from .endings import ProgramError, Stopped, Stopping
from .records import FAILED, STOPPED, Status


def main(path: Path) -> int:
    """Train, and say in the status file and on the standard error how it ended."""
    stopping = Stopping()
    stopping.listen()
    status = Status(_find_folder(path), writes=os.environ.get("RANK", "0") == "0")
    try:
        arguments = read_arguments(path)
        _train(arguments, status, stopping)
    except Stopped as stopped:
        status.update(state=STOPPED)
        print(f"Stopped after step {status.fields['step']}.", file=sys.stderr)
        return stopped.exit_status
    except ProgramError as fault:
        _say(status, fault.kind, str(fault))
        return fault.exit_status
    except Exception as error:  # the status file is all that others see of this process
        traceback.print_exc()
        _say(status, "crashed", f"{type(error).__name__}: {error}; log.txt has the whole of it")
        return ProgramError.exit_status
    return 0


def _train(arguments: Arguments, status: Status, stopping: Stopping) -> None:
    """Import what is slow: until then a signal, or arguments that are wrong, end it at once."""
    from .training import train

    train(arguments, status, stopping)


def _say(status: Status, kind: str, message: str) -> None:
    status.update(state=FAILED, error={"kind": kind, "message": message})
    print(message, file=sys.stderr)


def _find_folder(path: Path) -> Path:
    """The folder of the training, also where its arguments are refused."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Path(content["output"])
    except (OSError, ValueError, KeyError, TypeError):
        return path.parent


if __name__ == "__main__":
    # Beside this program lie modules that are not for it, under names that libraries may import.
    beside = str(Path(__file__).parents[1])
    sys.path[:] = [each for each in sys.path if each not in (beside, "")]
    if len(sys.argv) != 2:
        raise SystemExit("PYTHON -m program ARGUMENTS.json")
    sys.exit(main(Path(sys.argv[1])))
