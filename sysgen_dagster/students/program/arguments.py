"""The arguments of a training: one JSON file, read and checked before anything slow is imported."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

from .endings import RefusedError

VERSION = 1
SFT, DPO, ORPO, REWARD = OBJECTIVES = ("sft", "dpo", "orpo", "reward")
SCHEDULES = ("cosine", "linear", "constant_with_warmup")
DTYPES = ("float32", "bfloat16")
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """What is trained: a folder or a name on the Hub, with its revision.

    Attributes:
        weights: The folder or the name.
        revision: A commit of the Hub; None: the newest, or a folder.
        chat_template: A Jinja file in the place of the model's own template; None: its own.
        dtype: Of the weights that are trained, not of the computation.
    """

    weights: str
    revision: str | None
    chat_template: str | None
    dtype: str


@dataclass(frozen=True, slots=True)
class Data:
    """What is learned from: an export of this pipeline.

    Attributes:
        folder: The export.
        configuration: Which of its rows.
        checksum: `data.compute_data_checksum` of its manifest, as the rows of the training had it.
        train_rows: How many rows its split ``train`` has.
    """

    folder: str
    configuration: str
    checksum: str
    train_rows: int


@dataclass(frozen=True, slots=True)
class Adapters:
    """Low-rank adapters (LoRA) in the place of all weights."""

    rank: int
    alpha: int
    dropout: float


@dataclass(frozen=True, slots=True)
class Arguments:
    """One training. Lengths are tokens, the batch is rows of one device.

    Attributes:
        most_steps: Ends the training earlier; None: when all epochs are through.
        persona: Whether what the template writes before chats without a system message is trained.
        save_every_steps: How often the state to resume from is written, beside each epoch's end.
    """

    version: int
    objective: str
    model: ModelFiles
    data: Data
    output: str
    learning_rate: float
    warmup_steps: int
    schedule: str
    weight_decay: float
    batch_per_device: int
    accumulation: int
    max_length: int
    epochs: int
    used_epoch: int
    most_steps: int | None
    beta: float
    lora: Adapters | None
    persona: bool
    seed: int
    devices: str
    processes: int
    save_every_steps: int | None

    @property
    def folder(self) -> Path:
        """The folder of the training, in which everything is written."""
        return Path(self.output)


def read_arguments(path: Path) -> Arguments:
    """The arguments in a file.

    Raises:
        RefusedError: A field is missing, unknown or not of its kind.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RefusedError("arguments", f"{path} cannot be read as JSON: {error}") from error
    arguments: Arguments = _read(Arguments, content, "")
    _check(arguments)
    return arguments


def compute_identity(arguments: Arguments, template_sha256: str) -> dict[str, Any]:
    """What a training has to have in common with the one it goes on from; dotted name to value.

    Where files lie, how often a state is saved and which epoch is used may differ; the data are
    known by their checksum.
    """
    aside = {"output", "save_every_steps", "used_epoch", "version"}
    identity: dict[str, Any] = {"template_sha256": template_sha256}
    for field in fields(arguments):
        value = getattr(arguments, field.name)
        if field.name in aside:
            continue
        if field.name in ("model", "data", "lora") and value is not None:
            inner = {
                f"{field.name}.{each.name}": getattr(value, each.name) for each in fields(value)
            }
            identity |= inner
        else:
            identity[field.name] = value
    # The template is known by its text, the export by its checksum, wherever they lie.
    for moved in ("data.folder", "model.chat_template"):
        identity.pop(moved)
    return identity


def _read(kind: type, content: Any, place: str) -> Any:
    """An object of a dataclass from its JSON, with the dotted place in every refusal."""
    if not isinstance(content, dict):
        raise RefusedError("arguments", f"`{place or 'the file'}` must be an object with fields")
    known = {field.name: field.type for field in fields(kind)}
    inside = f"{place}." if place else ""
    if wrong := sorted(known.keys() ^ content.keys()):
        said = ", ".join(
            f"`{inside}{name}` is {'missing' if name in known else 'unknown'}" for name in wrong
        )
        raise RefusedError("arguments", f"{said}: write the file with this version of the pipeline")
    return kind(**{name: _convert(known[name], content[name], f"{inside}{name}") for name in known})


def _convert(kind: Any, value: Any, place: str) -> Any:
    if isinstance(kind, UnionType) or get_origin(kind) is UnionType:
        if value is None:
            return None
        (kind,) = (each for each in get_args(kind) if each is not type(None))
    if isinstance(value, dict) or kind in (ModelFiles, Data, Adapters):
        if kind not in (ModelFiles, Data, Adapters):
            raise RefusedError("arguments", f"`{place}` must be {kind.__name__}, not an object")
        return _read(kind, value, place)
    is_right = type(value) is kind or (kind is float and type(value) is int)
    if not is_right:
        raise RefusedError("arguments", f"`{place}` must be {kind.__name__}, not {value!r}")
    return kind(value)


def _check(arguments: Arguments) -> None:
    choices = {
        "version": (arguments.version, (VERSION,)),
        "objective": (arguments.objective, OBJECTIVES),
        "schedule": (arguments.schedule, SCHEDULES),
        "model.dtype": (arguments.model.dtype, DTYPES),
        "devices": (arguments.devices, DEVICES),
    }
    for name, (value, known) in choices.items():
        if value not in known:
            listed = ", ".join(map(str, known))
            raise RefusedError("arguments", f"`{name}` is {value!r}; it must be one of {listed}")
    at_least_one = ("batch_per_device", "accumulation", "max_length", "epochs", "processes")
    for name in (*at_least_one, "most_steps", "save_every_steps"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise RefusedError("arguments", f"`{name}` is {value}; it must be at least 1")
    if not 1 <= arguments.used_epoch <= arguments.epochs:
        raise RefusedError(
            "arguments", f"`used_epoch` {arguments.used_epoch} is none of the {arguments.epochs}"
        )
