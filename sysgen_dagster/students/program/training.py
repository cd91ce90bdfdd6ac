"""One training, from its arguments to its last checkpoint."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import torch
from accelerate import PartialState
from transformers import AutoTokenizer, PrinterCallback
from transformers.utils import logging

from .arguments import Arguments, compute_identity
from .data import load_prepared, prepare, remove_prepared, require_unchanged
from .endings import FailedError, RefusedError, Stopped, Stopping
from .following import Follower
from .order import Batches, LengthOrder
from .records import DONE, Status, find_versions
from .resuming import (
    find_done,
    find_last_state,
    find_noted,
    note_done,
    remove_other_states,
    require_identity,
)
from .rows import LEARNED, TOKENS
from .templates import Template
from .trainers import make_trainer

_ENCODES_WITHIN = timedelta(hours=6)  # how long other processes wait for the one that encodes


def train(arguments: Arguments, status: Status, stopping: Stopping) -> None:
    """Train a student, or go on with a training that was stopped or killed.

    A training that is through is left as it is.

    Raises:
        RefusedError: The arguments or the data are not trained on.
        FailedError: The training has no result that is worth keeping.
        Stopped: SIGTERM has come, and the state is saved.
    """
    _keep_quiet()
    _require_devices(arguments)
    tokenizer = _load_tokenizer(arguments)
    day = find_noted(arguments.folder, "day") or datetime.now(UTC).strftime("%d %b %Y")
    template = Template(tokenizer, arguments.model.chat_template, day)
    if status.writes:
        identity = compute_identity(arguments, template.sha256) | {"day": day}
        require_identity(arguments.folder, identity)
    if done := find_done(arguments.folder):
        status.restore(done)
        return
    require_unchanged(arguments)
    status.update(versions=find_versions(), template_sha256=template.sha256)
    trainer, follower = _prepare(arguments, status, stopping, tokenizer, template)
    _run(arguments, status, stopping, trainer, follower)


def _prepare(
    arguments: Arguments, status: Status, stopping: Stopping, tokenizer: Any, template: Template
) -> tuple[Any, Follower]:
    """The trainer, with rows and model loaded and its follower attached."""
    # Made here, before TRL's: it begins the group of processes, with a time that encoding fits in.
    together = PartialState(cpu=arguments.devices == "cpu", timeout=_ENCODES_WITHIN)
    with together.main_process_first():
        if status.writes:
            rows, held_out, counts = prepare(arguments, tokenizer, template)
            status.update(rows_before=counts.before, rows_after=counts.after, rows_cut=counts.cut)
        else:
            rows, held_out = load_prepared(arguments)
    lengths, learned = list(rows[TOKENS]), list(rows[LEARNED])
    at_once = arguments.batch_per_device * arguments.processes
    batches = Batches(len(rows), at_once, arguments.accumulation, arguments.processes)
    steps = batches.count_steps(arguments.epochs, arguments.most_steps)
    order = LengthOrder(lengths, batches, arguments.seed)
    status.update(
        steps=steps,
        trained_tokens_expected=order.count(lengths, steps),
        learned_tokens_expected=order.count(learned, steps),
    )
    state = find_last_state(arguments.folder)
    follower = Follower(arguments, batches, status, stopping, state and state[1])
    trainer = make_trainer(arguments, steps, tokenizer, rows, held_out, order)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(follower)
    follower.trainer = trainer
    return trainer, follower


def _run(
    arguments: Arguments, status: Status, stopping: Stopping, trainer: Any, follower: Follower
) -> None:
    """Take the steps that are left.

    Raises:
        FailedError: The memory does not suffice.
        Stopped: SIGTERM has come, and the state is saved.
    """
    state = find_last_state(arguments.folder)
    if status.writes:
        remove_other_states(arguments.folder, state and state[0])
    if state:
        status.go_on_from(state[1].seconds)
        status.update(
            resumed_from=state[1].step,
            step=state[1].step,
            tokens_seen=state[1].tokens_seen,
            learned_tokens_seen=state[1].learned_tokens_seen,
            changed_weights=state[1].changed_weights,
        )
    stopping.only_note()
    is_complete = state is not None and state[1].step >= trainer.args.max_steps
    if not is_complete:
        is_complete = _take_steps(trainer, follower, str(state[0]) if state else None)
    if not is_complete:
        raise Stopped
    status.update(state=DONE)
    if status.writes:
        note_done(arguments.folder, status.fields)
        remove_prepared(arguments)


def _take_steps(trainer: Any, follower: Follower, state: str | None) -> bool:
    """Whether all steps were taken; else SIGTERM has come.

    Raises:
        FailedError: The memory does not suffice.
    """
    try:
        trainer.train(resume_from_checkpoint=state)
    except torch.OutOfMemoryError as error:
        raise FailedError(
            "out_of_memory",
            f"{error}. Take fewer rows at once (`batch_per_device`; the accumulation follows), a "
            "smaller `max_length`, or shard the weights over several GPUs",
        ) from error
    return follower.is_complete


def _keep_quiet() -> None:
    """Leave the log to what went wrong: how far the training is stands in its metrics."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _require_devices(arguments: Arguments) -> None:
    """Refuse where the devices are not there, and take all cores where there are no others.

    Raises:
        RefusedError: There is no GPU, or there are not as many processes as were named.
    """
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if started != arguments.processes:
        raise RefusedError(
            "devices",
            f"`processes` is {arguments.processes}, and {started} were started: start the program "
            f"with `accelerate launch --num_processes {arguments.processes}`",
        )
    if arguments.devices == "cuda" and not torch.cuda.is_available():
        raise RefusedError(
            "devices",
            f"`devices` is cuda, and torch {torch.__version__} finds no GPU: install the torch "
            "that fits the driver, or train on the cpu",
        )
    if arguments.devices == "cpu":
        cores = len(os.sched_getaffinity(0))
        torch.set_num_threads(max(1, cores // arguments.processes))


def _load_tokenizer(arguments: Arguments) -> Any:
    """The tokenizer of the student, with a token to pad with.

    Raises:
        RefusedError: It is not there.
    """
    model = arguments.model
    try:
        tokenizer = AutoTokenizer.from_pretrained(model.weights, revision=model.revision or "main")
    except (OSError, ValueError) as error:
        raise RefusedError(
            "model", f"the tokenizer of {model.weights} cannot be loaded: {error}"
        ) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer
