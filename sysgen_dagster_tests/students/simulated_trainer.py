"""A program that trains nothing, and writes and obeys as the one that trains does.

    python simulated_trainer.py [-m program] ARGUMENTS.json
    python simulated_trainer.py -m program.answer FOLDER

It stands where the Python of the training environment is expected. The variable `SIMULATED` says as
JSON how it behaves: the fields of `Behaviour`. The loss of a step follows from that of the step
before, so that a training which goes on from a wrong place is seen.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

EXIT_REFUSED, EXIT_STOPPED = 2, 3


@dataclass(frozen=True)
class Behaviour:
    """How it behaves.

    Attributes:
        step_s: How long a step takes.
        save_s: How long a state takes to be saved.
        prepare_s: How long it takes until the first step.
        waits_after: The step after which it waits for SIGTERM, or for a file `go` in its folder.
        fails: Ends with this message before the first step; empty: it does not.
        dies: Ends before it has written anything.
        factor: The loss of a step, over that of the step before.
        lost: Rows that are lost when they are made tokens.
        changed: The share of weights that change.
        seen: The tokens that are seen, over those that are expected.
        launches: It is the launcher of so many processes, each of which trains, and kills them half
            a second after its own SIGTERM.
        says: What it answers.
    """

    step_s: float = 0.01
    save_s: float = 0.0
    prepare_s: float = 0.0
    waits_after: int = 0
    fails: str = ""
    dies: bool = False
    factor: float = 0.9
    lost: int = 0
    changed: float = 0.9
    seen: float = 1.0
    launches: int = 0
    says: str = "Paris."


def main(words: list[str]) -> int:
    """The exit status."""
    behaviour = Behaviour(**json.loads(os.environ.get("SIMULATED", "{}")))
    if "program.answer" in words:
        print(behaviour.says)
        return 0
    arguments = json.loads(Path(words[-1]).read_text())
    if behaviour.dies:
        print("ModuleNotFoundError: No module named 'torch'", file=sys.stderr)
        return 1
    return (_launch if behaviour.launches else _train)(arguments, behaviour, words)


def _launch(_arguments: dict[str, Any], behaviour: Behaviour, words: list[str]) -> int:
    own = json.dumps(asdict(behaviour) | {"launches": 0})
    command = [sys.executable, __file__, *words]
    workers = [
        subprocess.Popen(command, env={**os.environ, "SIMULATED": own, "RANK": str(rank)})
        for rank in range(behaviour.launches)
    ]

    def end(*_: object) -> None:
        time.sleep(0.5)
        for worker in workers:
            worker.kill()
        os._exit(1)

    signal.signal(signal.SIGTERM, end)
    return max(worker.wait() for worker in workers)


def _train(arguments: dict[str, Any], behaviour: Behaviour, _words: list[str]) -> int:
    return Training(arguments, behaviour).run()


class Training:
    """One process that trains."""

    def __init__(self, arguments: dict[str, Any], behaviour: Behaviour) -> None:
        """Nothing is written yet."""
        self.arguments, self.behaviour = arguments, behaviour
        self.folder = Path(arguments["output"])
        self.writes = os.environ.get("RANK", "0") == "0"
        self.steps = arguments["most_steps"] or 10 * arguments["epochs"]
        self.state: dict[str, Any] = {"step": 0, "loss": 4.0}
        self.stopping = False
        self.status: dict[str, Any] = {}

    def run(self) -> int:
        """The exit status."""
        signal.signal(signal.SIGTERM, self._note)
        with (self.folder / f"alone-{os.environ.get('RANK', '0')}").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails where two train at once
            return self._run()

    def _run(self) -> int:
        said = self.folder / "status.json"
        if said.is_file() and json.loads(said.read_text())["state"] == "done":
            return 0  # and what it has said stays
        rows = self.arguments["data"]["train_rows"]
        self._say(
            "preparing",
            steps=self.steps,
            rows_before=rows,
            rows_after=rows - self.behaviour.lost,
            trained_tokens_expected=100 * self.steps,
            versions={"torch": "0", "transformers": "0"},
            template_sha256="0" * 64,
            changed_weights=self.behaviour.changed,
            error=None,
        )
        time.sleep(self.behaviour.prepare_s)
        if self.behaviour.fails:
            self._say("failed", error={"kind": "data", "message": self.behaviour.fails})
            return EXIT_REFUSED
        self._resume()
        while self.state["step"] < self.steps and not self.stopping:
            self._step()
        self._save("resume.json")
        is_done = self.state["step"] >= self.steps
        self._say("done" if is_done else "stopped", step=self.state["step"])
        return 0 if is_done else EXIT_STOPPED

    def _resume(self) -> None:
        saved = self.folder / "resume" / "resume.json"
        if saved.is_file():
            self.state = json.loads(saved.read_text())
        metrics = self.folder / "metrics.jsonl"
        if self.writes and metrics.is_file():
            lines = metrics.read_text().splitlines(keepends=True)
            kept = [line for line in lines if _step(line) <= self.state["step"]]
            _write(metrics, "".join(kept))
        self._say("training", resumed_from=self.state["step"] or None)

    def _step(self) -> None:
        time.sleep(self.behaviour.step_s)
        step = self.state["step"] + 1
        self.state = {"step": step, "loss": self.state["loss"] * self.behaviour.factor}
        epoch = step * self.arguments["epochs"] / self.steps
        line = {
            **{"step": step, "epoch": epoch, "loss": self.state["loss"], "grad_norm": 1.0},
            **{"learning_rate": self.arguments["learning_rate"], "tokens": 100 * step},
            **{"tokens_per_s": 1e3, "memory_mib": 500.0, "seconds": 0.1 * step},
        }
        self._add(line)
        if epoch == int(epoch):
            self._add({"step": step, "epoch": epoch, "eval_loss": self.state["loss"]})
            self._write_checkpoint(int(epoch))
        every = self.arguments["save_every_steps"]
        if epoch == int(epoch) or (every and step % every == 0):
            self._save("resume.json")
        go = self.folder / "go"
        while step == self.behaviour.waits_after and not (self.stopping or go.exists()):
            time.sleep(0.02)
        seen = int(100 * step * self.behaviour.seen)
        self._say("training", step=step, epoch=epoch, tokens_seen=seen)

    def _write_checkpoint(self, epoch: int) -> None:
        if self.writes:
            place = self.folder / "checkpoints" / f"epoch-{epoch}"
            place.mkdir(parents=True, exist_ok=True)
            (place / "config.json").write_text("{}")
            (place / "model.safetensors").write_text(str(self.state["loss"]))

    def _save(self, name: str) -> None:
        if self.writes:
            before = self.status["state"]
            self._say("saving")
            (self.folder / "resume").mkdir(exist_ok=True)
            time.sleep(self.behaviour.save_s)
            _write(self.folder / "resume" / name, json.dumps(self.state))
            self._say(before)

    def _say(self, state: str, **fields: Any) -> None:
        self.status |= {"state": state, "seconds": 0.1 * self.state["step"], **fields}
        if self.writes:
            _write(self.folder / "status.json", json.dumps(self.status))

    def _add(self, line: dict[str, Any]) -> None:
        if self.writes:
            with (self.folder / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")

    def _note(self, *_: object) -> None:
        self.stopping = True


def _step(line: str) -> float:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError):
        return float("inf")


def _write(file: Path, text: str) -> None:
    beside = file.with_name(f".{file.name}.part")
    beside.write_text(text)
    beside.replace(file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
