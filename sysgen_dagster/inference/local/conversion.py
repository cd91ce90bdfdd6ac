"""Makes a GGUF file of a checkpoint, once, by llama.cpp's own script.

The script lies where `deploy/install-llama-cpp` put it, and is run by the Python of the training
environment, which has torch and transformers; llama.cpp's own package `gguf` lies beside it.
"""

import fcntl
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.local.checkpoints import ServedCheckpoint
from sysgen_dagster.inference.local.environment import environment_of_servers
from sysgen_dagster.inference.local.llama_cpp import find_llama_server
from sysgen_dagster.inference.quoting import end_of_log

# Trained weights are of 32 bits and change by little: 16 bits with 10 after the point keep more of
# that than bfloat16's 7.
OUT_TYPE = "f16"
NAMES_SCRIPT = "SYSGEN_LLAMA_CONVERT"
_SCRIPT = Path("share", "llama.cpp", "convert_hf_to_gguf.py")  # beside the `bin` of llama-server


def find_converter() -> Path | None:
    """llama.cpp's script, which ``SYSGEN_LLAMA_CONVERT`` may name; None where there is none."""
    server, named = find_llama_server(), os.environ.get(NAMES_SCRIPT)
    places = [Path(named)] if named else []
    if server and not named:
        places = [Path(server).parents[1] / _SCRIPT, Path(server).resolve().parents[1] / _SCRIPT]
    return next((place for place in places if place.is_file()), None)


def gguf_place(checkpoint: ServedCheckpoint) -> Path:
    """The path of the GGUF file of a checkpoint, which need not exist yet.

    It lies in the folder of the training, and is deleted with it.
    """
    name = f"{checkpoint.folder.name}-{checkpoint.short}-{OUT_TYPE}.gguf"
    return checkpoint.folder.parents[1] / "gguf" / name


def require_conversion(checkpoint: ServedCheckpoint, trainer: Path | None) -> None:
    """Do nothing where a checkpoint is converted or can be.

    Raises:
        EngineError: The script or the Python that runs it is missing.
    """
    if gguf_place(checkpoint).is_file():
        return
    if find_converter() is None:
        named = os.environ.get(NAMES_SCRIPT)
        raise EngineError(
            f"llama.cpp serves {checkpoint.title} once it is a GGUF file, and "
            + (f"{NAMES_SCRIPT}={named} is no file" if named else "its script for that is missing")
            + ": `bash deploy/install-llama-cpp .venv-llama` puts convert_hf_to_gguf.py beside the "
            f"server, {NAMES_SCRIPT} names another one; or serve the model by vLLM"
        )
    if trainer is None:
        raise EngineError(
            f"{checkpoint.title} is made a GGUF file by the Python of the training environment, "
            "which is not here: name it in SYSGEN_TRAIN"
        )


def as_gguf(
    checkpoint: ServedCheckpoint, trainer: Path | None, report: Callable[[str], None]
) -> Path:
    """The GGUF file of a checkpoint, which is made where it is not there yet.

    Files of what the same epoch was before are deleted. Two runs never make one at the same time.

    Args:
        checkpoint: Any that llama.cpp's script can read.
        trainer: The Python of the training environment.
        report: Takes a line when the file is made.

    Raises:
        EngineError: It cannot be made; the message holds the end of the script's log.
    """
    require_conversion(checkpoint, trainer)
    place = gguf_place(checkpoint)
    place.parent.mkdir(exist_ok=True)
    with _alone(place.with_name("conversion.lock"), report):
        if not place.is_file():
            report(f"making {place.name} of {checkpoint.title}, for llama.cpp")
            _convert(checkpoint, trainer, place)
            for old in place.parent.glob(f"{checkpoint.folder.name}-*.gguf"):
                if old != place:
                    old.unlink()
    return place


def _convert(checkpoint: ServedCheckpoint, trainer: Path | None, place: Path) -> None:
    unfinished, log = place.with_name("unfinished.gguf"), place.with_name("conversion.log")
    command = [str(trainer), str(find_converter()), str(checkpoint.folder)]
    command += ["--outfile", str(unfinished), "--outtype", OUT_TYPE]
    environment = environment_of_servers(os.environ)
    environment.pop("PYTHONPATH", None)  # of our Python, and the script runs in another one
    with log.open("wb") as output:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**environment, "HF_HUB_OFFLINE": "1"},
            check=False,
        )
    if ended.returncode or not unfinished.is_file():
        raise EngineError(
            f"llama.cpp's script made no GGUF file of {checkpoint.title}: serve the model by vLLM, "
            f"or mend what it says. The end of {log}:\n{end_of_log(log)}"
        )
    unfinished.replace(place)


@contextmanager
def _alone(lock: Path, report: Callable[[str], None]) -> Iterator[None]:
    """Waits until no other run makes a file there."""
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting: another run makes a GGUF file of a checkpoint of this training")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
