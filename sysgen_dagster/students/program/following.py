"""What happens beside the steps: metrics, epochs for serving, states to resume from, the end."""

import math
import resource
import time
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import reduce
from transformers import TrainerCallback

from .arguments import Arguments
from .endings import FailedError, Stopping
from .order import Batches
from .records import SAVING, TRAINING, Metrics, Status
from .resuming import RESUME, Progress, complete_state
from .trainers import write_checkpoint
from .weights import ENOUGH, FirstWeights

MEASURED_AFTER = 10  # steps; the weights that have moved by then are counted


class Follower(TrainerCallback):
    """Follows a trainer step by step.

    A state is called whole after all that belongs to its step is written: its line of metrics, its
    evaluation, and at the end of an epoch the weights for serving.
    """

    def __init__(
        self,
        arguments: Arguments,
        batches: Batches,
        status: Status,
        stopping: Stopping,
        since: Progress | None,
    ) -> None:
        """Go on from what had been done; None: from the beginning."""
        self._arguments, self._batches = arguments, batches
        self._status, self._stopping = status, stopping
        self._metrics = Metrics(arguments.folder, writes=status.writes)
        self._before = since or Progress(0, 0, 0, 0.0, None)
        self._seen = (self._before.tokens_seen, self._before.learned_tokens_seen)
        self._changed = self._before.changed_weights
        self._step_began = time.monotonic()
        self.trainer: Any = None  # set when it is made: it wants its callbacks first
        self.is_complete = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Forget what came after the state, and sample the weights before the first step."""
        self._metrics.keep_until(state.global_step)
        path = self._arguments.folder / RESUME / f"first_weights-{args.process_index}.pt"
        if state.global_step == 0:
            self._first = FirstWeights.take(self.trainer.model)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._first.save(path)
        else:
            self._first = FirstWeights.load(path)
        self._status.update(state=TRAINING, step=state.global_step, steps=state.max_steps)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begin to measure the time of a step."""
        self._step_began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say what is to be done after this step."""
        step = state.global_step
        if step == min(MEASURED_AFTER, state.max_steps):
            self._require_moved_weights(step)
        ends_epoch = self._ends_epoch(state)
        stops = bool(_sum(int(self._stopping.wanted)))
        every = self._arguments.save_every_steps
        control.should_evaluate = ends_epoch and self.trainer.eval_dataset is not None
        control.should_save = ends_epoch or stops or (every is not None and step % every == 0)
        control.should_training_stop = control.should_training_stop or stops

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Write the line of a step or of an evaluation.

        Raises:
            FailedError: The loss is no number.
        """
        at = {"step": state.global_step, "epoch": round(state.epoch or 0.0, 6)}
        if "eval_loss" in logs:
            self._metrics.add(**at, eval_loss=logs["eval_loss"], **self.trainer.compared)
        if "loss" not in logs:
            return
        if not math.isfinite(logs["loss"]):
            raise FailedError(
                "loss_not_finite",
                f"the loss of step {state.global_step} is {logs['loss']}: train with a lower "
                "`learning_rate` or more `warmup_steps`; the last saved state is from before",
            )
        seconds = time.monotonic() - self._step_began
        seen = tuple(
            before + _sum(here)
            for before, here in zip(
                (self._before.tokens_seen, self._before.learned_tokens_seen),
                self.trainer.tokens,
                strict=True,
            )
        )
        self._metrics.add(
            **at,
            loss=logs["loss"],
            grad_norm=logs.get("grad_norm"),
            learning_rate=logs["learning_rate"],
            tokens=seen[0],
            tokens_per_s=round((seen[0] - self._seen[0]) / max(seconds, 1e-9), 1),
            memory_mib=_memory_mib(args.device.type),
            seconds=round(self._status.seconds, 3),
        )
        self._seen = (seen[0], seen[1])
        self._status.update(
            state=SAVING if control.should_save else TRAINING,
            step=state.global_step,
            epoch=at["epoch"],
            tokens_seen=seen[0],
            learned_tokens_seen=seen[1],
        )

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Finish what belongs to a state that was saved, and call it whole."""
        if self._ends_epoch(state):
            epoch = math.ceil(state.global_step / self._batches.steps_per_epoch)
            write_checkpoint(self.trainer, self._arguments.folder, epoch, writes=self._writes)
        if self._writes:
            done = Progress(state.global_step, *self._seen, self._status.seconds, self._changed)
            complete_state(self._arguments.folder, done)
        self.is_complete = state.global_step >= state.max_steps
        self._status.update(state=TRAINING)

    @property
    def _writes(self) -> bool:
        return self._status.writes

    def _ends_epoch(self, state: Any) -> bool:
        """Also where `most_steps` ends the last epoch earlier."""
        step: int = state.global_step
        return step % self._batches.steps_per_epoch == 0 or step >= int(state.max_steps)

    def _require_moved_weights(self, step: int) -> None:
        """Measure and state how many weights have moved.

        Raises:
            FailedError: Fewer than `ENOUGH`.
        """
        self._changed = self._first.compute_changed(self.trainer.model)
        self._status.update(changed_weights=round(self._changed, 6))
        if self._changed <= ENOUGH:
            model, rate = self._arguments.model, self._arguments.learning_rate
            raise FailedError(
                "weights_unmoved",
                f"after {step} steps {self._changed:.1%} of the weights have changed: at the "
                f"learning rate {rate:g} (warm-up {self._arguments.warmup_steps} steps) weights in "
                f"{model.dtype} round the steps away. Train weights in float32, at a higher rate, "
                "or for more steps than the warm-up has",
            )


def _sum(value: Any) -> int:
    """The sum of a number over all processes."""
    here = torch.as_tensor(value, device=PartialState().device)
    return int(reduce(here, "sum").item())


def _memory_mib(device: str) -> int:
    """The most memory that this process has held: of its GPU, or of the machine."""
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated() / 2**20)
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
