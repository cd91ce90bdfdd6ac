"""How likely held-out answers are to each subject, by the program of the training environment."""

import hashlib
import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import polars as pl
from rich.console import Console
from subjects import Base, find_weights, template_of

from sysgen_dagster.commands.printing import say
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.evaluation.message_likelihood import build_chats, build_items
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.inference.local.checkpoints import CHAT_TEMPLATE
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.storage.store import Store
from sysgen_dagster.students.launching import program_command, require_trainer
from sysgen_dagster.tables.columns import MESSAGES

NAME = "message_likelihood"  # of the measure, and of its folder
# Which export has which answers to the same questions under the same messages.
ANSWERS = {"sysgen": "new_answer", "original_answer": "original_answer"}
_PROTOCOL = "nats a token of answers that no training has seen, the mark that ends them included"
_LIKELIHOODS = {"id": pl.String(), "tokens": pl.UInt32(), "log_likelihood": pl.Float64()}


class ProofError(SysgenError):
    """A stage has failed; the same command goes on with it."""


def measure_likelihoods(
    console: Console, store: Store, catalog: Catalog, base: Base
) -> Mapping[str, pl.DataFrame]:
    """The items of each subject: chats of the validation split, which no training has seen.

    Raises:
        ProofError: The program that computes them has failed.
    """
    folder = Path(str(store.root)) / NAME
    folder.mkdir(exist_ok=True)
    chats, file = build_chats(read_held_out(store)), folder / "chats.jsonl"
    file.write_text(
        "".join(f"{json.dumps(row)}\n" for row in chats.select("id", "messages").to_dicts()),
        encoding="utf-8",
    )
    asked = hashlib.sha256(file.read_bytes()).hexdigest()
    items = {}
    for name, subject in catalog.subjects.items():
        weights, sha256 = find_weights(store, catalog, subject, base)
        template = weights / CHAT_TEMPLATE if subject.training else template_of(name, base)
        key = f"{sha256}{template.read_text(encoding='utf-8')}{asked}"
        written = folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:8]}.jsonl"
        say(console, f"  {name}")
        _run_program(weights, file, written, template)
        items[name] = build_items(chats, pl.read_ndjson(written, schema=_LIKELIHOODS))
    return items


def _run_program(weights: Path, chats: Path, written: Path, template: Path) -> None:
    words = (str(weights), str(chats), str(written), "--chat-template", str(template))
    command = program_command(require_trainer(), "program.likelihood", *words)
    # Threads that wait by spinning keep a busy machine's cores from the ones they wait for.
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ, "HF_HUB_OFFLINE": "1"}
    ended = subprocess.run(command, env=environment, check=False)
    if ended.returncode:
        raise ProofError(
            f"`{shlex.join(command)}` ended with {ended.returncode}: mend what it says and run the "
            "same command, which goes on there"
        )


def score(items: pl.DataFrame, subject: str) -> pl.DataFrame:
    """`SCORE_COLUMNS` of a subject's items."""
    return score_items(items, subject=subject, protocol=_PROTOCOL, are_shares=False)


def read_held_out(store: Store) -> pl.DataFrame:
    """What `build_chats` takes: each chat of the validation split with either of its answers."""
    return pl.concat(
        read_validation(store, mixture).with_columns(answer=pl.lit(answer))
        for mixture, answer in ANSWERS.items()
    )


def read_validation(store: Store, mixture: str) -> pl.DataFrame:
    """The validation split of an export: ``conversation_id``, ``source``, ``messages``."""
    files = Path(str(store.export(mixture))).glob("data/*/validation-*.parquet")
    rows = pl.concat([pl.read_parquet(file) for file in sorted(files)])
    messages = pl.col("messages").cast(MESSAGES)  # without what of them is learned
    return rows.select("conversation_id", "source", messages).sort("conversation_id")
