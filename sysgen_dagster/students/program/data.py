"""The rows of an export, encoded once and read by every process of a training."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import datasets  # type: ignore[import-untyped]

from .arguments import REWARD, SFT, Arguments
from .endings import RefusedError
from .rows import Counts, Encoder
from .templates import Template

_PREPARED = "prepared"
_TRAIN, _VALIDATION = "train", "validation"


class Prepared(NamedTuple):
    """Encoded rows.

    Attributes:
        rows: Of the split ``train``.
        held_out: Of the split ``validation``; None where there is none.
        counts: What became of the rows of ``train``.
    """

    rows: Any
    held_out: Any
    counts: Counts


def require_unchanged(arguments: Arguments) -> None:
    """Refuse an export whose rows are not those the training was made for.

    Raises:
        RefusedError: Its data files are others, or its manifest is not there.
    """
    manifest = Path(arguments.data.folder) / "manifest.json"
    try:
        found = compute_data_checksum(json.loads(manifest.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RefusedError(
            "data", f"{manifest} cannot be read ({error!r}); make the export"
        ) from error
    if found != arguments.data.checksum:
        raise RefusedError(
            "data_changed",
            f"the data files that {manifest} names have the checksum {found}, and the training is "
            f"of {arguments.data.checksum}: the export was made again since, of other rows. "
            "Train on it into another folder",
        )


def compute_data_checksum(manifest: Any) -> str:
    """The sha256 of what `sha256sum` prints of an export's data files, in the order of their paths.

    Args:
        manifest: The content of its ``manifest.json``.
    """
    lines = [f"{file['sha256']}  {file['path']}\n" for file in manifest["files"] if "rows" in file]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def prepare(arguments: Arguments, tokenizer: Any, template: Template) -> Prepared:
    """Encode the splits of the export and store them beside the training.

    Raises:
        RefusedError: The rows are not as many as were named, or are not to be trained as they are.
    """
    datasets.disable_progress_bars()  # they would fill the log
    home = arguments.folder / _PREPARED
    shutil.rmtree(home, ignore_errors=True)
    splits = datasets.load_dataset(
        arguments.data.folder, arguments.data.configuration, cache_dir=str(home / "cache")
    )
    found = len(splits[_TRAIN]) if _TRAIN in splits else 0
    if found != arguments.data.train_rows:
        raise RefusedError(
            "data",
            f"{arguments.data.folder}, {arguments.data.configuration}: the split train has {found} "
            f"rows, and {arguments.data.train_rows} were named; write the arguments anew",
        )
    counts = Counts()
    for split in (_TRAIN, _VALIDATION):
        if split in splits:
            encoder = Encoder(
                tokenizer, template, max_length=arguments.max_length, persona=arguments.persona
            )
            rows = _encode(arguments, encoder, splits[split])
            if split == _TRAIN:
                counts = encoder.counts
                counts.require_rows(arguments.max_length)
            if len(rows):
                rows.save_to_disk(str(home / split))
    shutil.rmtree(home / "cache", ignore_errors=True)
    return Prepared(*load_prepared(arguments), counts)


def load_prepared(arguments: Arguments) -> tuple[Any, Any]:
    """What `prepare` stored, in another process."""
    home = arguments.folder / _PREPARED
    held_out = home / _VALIDATION
    return (
        datasets.load_from_disk(str(home / _TRAIN)),
        datasets.load_from_disk(str(held_out)) if held_out.exists() else None,
    )


def remove_prepared(arguments: Arguments) -> None:
    """Remove what `prepare` stored."""
    shutil.rmtree(arguments.folder / _PREPARED, ignore_errors=True)


def _encode(arguments: Arguments, encoder: Encoder, rows: Any) -> Any:
    if arguments.objective == SFT:
        needed, learned, encode = {"messages"}, "chats", encoder.encode_chats
    elif arguments.objective == REWARD:
        needed, encode = {"chosen", "rejected"}, encoder.encode_chosen_and_rejected
        learned = "pairs of whole chats, of the layout `reward`"
    else:
        needed, encode = {"prompt", "chosen", "rejected"}, encoder.encode_pairs
        learned = "preference pairs"
    if missing := sorted(needed - set(rows.column_names)):
        raise RefusedError(
            "data",
            f"{arguments.data.folder} has no columns {', '.join(missing)}: the objective "
            f"{arguments.objective} learns from {learned}; name a mixture of these",
        )
    if arguments.objective == REWARD and "prompt" in rows.column_names:
        raise RefusedError(
            "data",
            f"{arguments.data.folder} has a column prompt: its answers stand without the chat "
            f"before them. The objective {REWARD} learns from {learned}; name a mixture of these",
        )
    return rows.map(
        encode,
        batched=True,
        remove_columns=rows.column_names,
        # The counts are made on the way: a stored result would leave them empty.
        load_from_cache_file=False,
        new_fingerprint=f"encoded-{rows.split}",
    )
