"""Asks a checkpoint one question, in the environment that trains: whether it loads and answers."""

import subprocess
from pathlib import Path

from sysgen_dagster.chat.quoting import made_visible
from sysgen_dagster.students.arguments import TrainingError
from sysgen_dagster.students.launching import program_command

_WITHIN_S = 1800.0  # the weights of the largest students are read from a disk and used on a CPU
_MOST_QUOTED = 500  # characters of what went wrong


def ask_checkpoint(
    python: Path | None, checkpoint: Path | None, prompt: str, within_s: float = _WITHIN_S
) -> str:
    """What the model in a folder answers, without blanks around it.

    Args:
        python: The one that has the trainer.
        checkpoint: Its folder.
        prompt: A user's message.
        within_s: How long it may take.

    Raises:
        TrainingError: There is no Python or no checkpoint, or it does not load, or takes too long.
    """
    if python is None or checkpoint is None:
        missing = "checkpoint" if python else "Python that has the trainer (SYSGEN_TRAIN)"
        raise TrainingError(f"It could not be asked: there is no {missing}")
    command = program_command(python, "program.answer", str(checkpoint))
    try:
        said = subprocess.run(
            command, input=prompt, capture_output=True, text=True, timeout=within_s, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise TrainingError(f"{checkpoint} gave no answer within {within_s:g} s") from error
    except subprocess.CalledProcessError as error:
        end = " / ".join(map(made_visible, error.stderr[-_MOST_QUOTED:].splitlines()))
        raise TrainingError(f"{checkpoint} does not load or answer: {end}") from error
    return said.stdout.strip()
