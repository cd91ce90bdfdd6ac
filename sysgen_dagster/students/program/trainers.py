"""TRL's trainers on rows that are token ids already: nothing is rendered, cut or dropped again."""

import copy
import os
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from .arguments import DPO, ORPO, REWARD, SFT, Arguments
from .endings import RefusedError
from .order import LengthOrder
from .resuming import RESUME
from .rows import IGNORED

CHECKPOINTS = "checkpoints"
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")  # ORPO stands there; the lock pins it

# Nothing is saved or evaluated by TRL's own calendar: `following.Follower` asks for it.
_ALWAYS = {
    "save_strategy": "no",
    "eval_strategy": "no",
    "logging_steps": 1,
    "logging_nan_inf_filter": False,  # it would put a mean in the place of a loss that is NaN
    "prediction_loss_only": True,
    "report_to": "none",
    "disable_tqdm": True,
}


def count_tokens(inputs: dict[str, Any]) -> tuple[Any, Any]:
    """Tokens of a batch without padding, and those among them that are learned, as tensors.

    Args:
        inputs: What one of the collators makes: of chats `labels`; of pairs `completion_mask`, or
            labels of both answers; for a reward model none of them, as it learns no token.
    """
    read = sum(
        mask.sum()
        for name, mask in inputs.items()
        if name.endswith("attention_mask") and not name.startswith("prompt_")
    )
    if "completion_mask" in inputs:
        return read, inputs["completion_mask"].sum()
    return read, sum(
        (labels != IGNORED).sum() for name, labels in inputs.items() if name.endswith("labels")
    )


class _Counting:
    """What all trainers here have in common: our order of the rows, and tokens counted.

    Attributes:
        order: Of the rows.
        tokens: Read and learned by this process, as tensors: adding them up waits for no device.
        compared: Of the last evaluation of a reward model, over all processes: ``eval_pairs``, and
            ``eval_chosen_higher``, in how many of them the chosen chat has the higher score.
    """

    order: LengthOrder
    tokens: tuple[Any, Any] = (0, 0)
    compared: Mapping[str, int] = {}

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthOrder:
        return self.order

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
        """One forward and backward pass, counted."""
        read, learned = count_tokens(inputs)
        self.tokens = (self.tokens[0] + read, self.tokens[1] + learned)
        return super().training_step(model, inputs, num_items_in_batch)  # type: ignore[misc]

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """None: the pipeline writes the student's card."""


def make_config(arguments: Arguments, steps: int) -> Any:
    """TRL's settings for a training of so many steps."""
    on_gpu = arguments.devices == "cuda"
    model = arguments.model
    settings = {
        **_ALWAYS,
        "output_dir": str(arguments.folder / RESUME),
        "model_init_kwargs": {"dtype": model.dtype, "revision": model.revision or "main"},
        "per_device_train_batch_size": arguments.batch_per_device,
        "per_device_eval_batch_size": arguments.batch_per_device,
        "gradient_accumulation_steps": arguments.accumulation,
        "learning_rate": arguments.learning_rate,
        "lr_scheduler_type": arguments.schedule,
        "warmup_steps": arguments.warmup_steps,
        "weight_decay": arguments.weight_decay,
        "num_train_epochs": arguments.epochs,
        "max_steps": steps,
        "max_length": arguments.max_length,
        "seed": arguments.seed,
        "use_cpu": not on_gpu,
        # The computation alone: weights, gradients and the optimiser stay as they were loaded.
        "bf16": on_gpu,
        # Takes a third longer; needed where memory is what a machine has least of.
        "gradient_checkpointing": on_gpu,
        "dataloader_pin_memory": on_gpu,
    }
    return _config_of(arguments)(**settings)


def _config_of(arguments: Arguments) -> Any:
    if arguments.objective == SFT:
        from trl import SFTConfig

        return partial(SFTConfig, dataset_kwargs={"skip_prepare_dataset": True})
    if arguments.objective == DPO:
        from trl import DPOConfig

        return partial(DPOConfig, beta=arguments.beta)
    if arguments.objective == REWARD:
        from trl import RewardConfig

        return RewardConfig
    from trl.experimental.orpo import ORPOConfig

    return partial(ORPOConfig, beta=arguments.beta)


def make_trainer(
    arguments: Arguments, steps: int, tokenizer: Any, rows: Any, held_out: Any, order: LengthOrder
) -> Any:
    """The trainer of an objective, with the model loaded.

    Args:
        arguments: Of the training.
        steps: Optimiser steps of it.
        tokenizer: With the chat template that is trained with.
        rows: A `datasets.Dataset` with the columns that `rows.Encoder` makes.
        held_out: The same of the validation split; None: there is none.
        order: Of the rows.

    Raises:
        RefusedError: The model is not there, or adapters are asked for and `peft` is not installed.
    """
    kind = {SFT: _sft, DPO: _dpo, ORPO: _orpo, REWARD: _reward}[arguments.objective]()
    try:
        trainer = kind(
            arguments.model.weights,
            args=make_config(arguments, steps),
            train_dataset=rows,
            eval_dataset=held_out,
            processing_class=tokenizer,
            peft_config=_make_adapters(arguments),
        )
    except OSError as error:
        raise RefusedError(
            "model", f"{arguments.model.weights} cannot be loaded: {error}"
        ) from error
    trainer.order = order
    return trainer


def write_checkpoint(trainer: Any, folder: Path, epoch: int, *, writes: bool) -> Path:
    """Write configuration, weights, tokenizer and chat template of a student after an epoch.

    All processes call it together: each has a part of weights that are sharded.

    Args:
        trainer: TRL's.
        folder: Of the training.
        epoch: From 1.
        writes: Whether this process is the one that writes.

    Returns:
        The folder ``checkpoints/epoch-N``.
    """
    place = folder / CHECKPOINTS / f"epoch-{epoch}"
    beside = place.with_name(f".{place.name}.part")
    if writes:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
    if hasattr(trainer.model, "merge_and_unload"):  # adapters: merged into a copy of the weights
        if writes:
            merged = copy.deepcopy(trainer.model).cpu().merge_and_unload()
            merged.save_pretrained(beside)
            trainer.processing_class.save_pretrained(beside)
    else:
        trainer.save_model(str(beside))
    if writes:
        # The trainer's own settings, pickled: no server reads them.
        (beside / "training_args.bin").unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        beside.rename(place)
    return place


def _make_adapters(arguments: Arguments) -> Any:
    if arguments.lora is None:
        return None
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise RefusedError(
            "lora",
            "`lora` needs the library peft, which is not in the training environment: "
            "`pip install peft` there, or train all weights",
        ) from error
    return LoraConfig(
        r=arguments.lora.rank,
        lora_alpha=arguments.lora.alpha,
        lora_dropout=arguments.lora.dropout,
        target_modules="all-linear",
        # The head of a reward model begins with random weights: peft trains all of them.
        task_type="SEQ_CLS" if arguments.objective == REWARD else "CAUSAL_LM",
    )


def _sft() -> type:
    from trl import SFTTrainer

    return type("Sft", (_Counting, SFTTrainer), {})


def _dpo() -> type:
    from trl import DPOTrainer

    class Dpo(_Counting, DPOTrainer):
        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

    return Dpo


def _orpo() -> type:
    from trl.experimental.orpo import ORPOTrainer

    class Orpo(_Counting, ORPOTrainer):
        def tokenize_row(self, feature: Any, model: Any = None) -> dict[str, list[int]]:
            """The ids as they are, in the columns that the collator knows."""
            read = feature["prompt_ids"]
            made = {"prompt_input_ids": read, "prompt_attention_mask": [1] * len(read)}
            for name in ("chosen", "rejected"):
                learned = feature[f"{name}_ids"]
                made[f"{name}_input_ids"] = read + learned
                made[f"{name}_attention_mask"] = [1] * len(read + learned)
                made[f"{name}_labels"] = [IGNORED] * len(read) + learned
            return made

        def concatenated_forward(self, model: Any, batch: Any) -> tuple[Any, ...]:
            """The paper's first term: the chosen answer given the prompt; TRL's has the prompt."""
            chosen, *rest = super().concatenated_forward(model, batch)
            rest[3] = -chosen.mean()
            return (chosen, *rest)

    return Orpo


def _reward() -> type:
    from trl import RewardTrainer

    class Reward(_Counting, RewardTrainer):
        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

        def evaluate(self, *arguments: Any, **named: Any) -> Any:
            """Compare the scores of each pair that is held out; TRL gives a mean of means."""
            self.compared = {"eval_pairs": 0, "eval_chosen_higher": 0}
            return super().evaluate(*arguments, **named)

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, **named: Any
        ) -> Any:
            loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **named)
            if not model.training:
                chosen, rejected = outputs.logits.squeeze(-1).chunk(2)
                higher = self.accelerator.gather_for_metrics(chosen > rejected)
                self.compared = {
                    "eval_pairs": self.compared["eval_pairs"] + higher.numel(),
                    "eval_chosen_higher": self.compared["eval_chosen_higher"] + int(higher.sum()),
                }
            return (loss, outputs) if return_outputs else loss

    return Reward
