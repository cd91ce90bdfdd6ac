"""A deployment with subjects that are simulated, whose leaderboard tasks are run in a process."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from sysgen_dagster.commands.dagster_home import write_settings
from sysgen_dagster.evaluation.leaderboard.tables import LEADERBOARD_GRADINGS, LEADERBOARD_SCORES
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table

_MAIN = """
import sys
import dagster as dg
from sysgen_dagster.definitions import defs

with dg.DagsterInstance.get() as instance:
    keys = [dg.AssetKey(name) for name in ("leaderboard_gradings", "leaderboard_scores")]
    job = defs.resolve_implicit_global_asset_job_def()
    made = job.execute_in_process(
        instance=instance, partition_key=sys.argv[1], asset_selection=keys, raise_on_error=False
    )
    for event in made.all_events:
        if event.is_step_failure:
            print(event.step_failure_data.user_failure_data or event.step_failure_data.error)
    sys.exit(not made.success)
"""
ARC = [
    {
        "id": f"q{number}",
        "question": f"What is {number} + 1?",
        "choices": {
            "text": [str(number + 1), "no number", str(number), "a bird"],
            "label": ["A", "B", "C", "D"],
        },
        "answerKey": "A",
    }
    for number in range(12)
]


@dataclass
class Deployment:
    """Where everything of it lies, and what it runs.

    Attributes:
        data: Its folder.
        python: What `SYSGEN_LM_EVAL` names.
        leaderboard: The settings.
        subject: How the subject is served.
    """

    data: Path
    python: Path
    leaderboard: dict[str, Any]
    subject: dict[str, Any]

    def write(self) -> None:
        """Write the catalogue, a file of rows and the Dagster home."""
        self.data.mkdir(exist_ok=True)
        (self.data / "chats.jsonl").write_text('{"q": "Why?", "a": "So."}\n')
        lines = "".join(f"{json.dumps(row)}\n" for row in ARC)
        (self.data / "arc.jsonl").write_text(lines)
        shape = {"kind": "question_answer", "question": "q", "answer": "a"}
        catalog = {
            "sources": {"chats": {"path": "chats.jsonl", "shards": 1, "shape": shape}},
            "models": {"owl": {"engine": "simulated"}},
            "benchmarks": {"arc_challenge": {"path": "arc.jsonl", "text": ["question"]}},
            "subjects": {"pupil": self.subject},
            "evaluation": {"leaderboard": self.leaderboard},
        }
        (self.data / "catalog.yaml").write_text(yaml.safe_dump(catalog))
        write_settings(self.data / "dagster_home")

    def start(self, **environment: str) -> subprocess.Popen[str]:
        """Begin to make the gradings and scores of the subject."""
        self.write()
        return subprocess.Popen(
            [sys.executable, "-c", _MAIN, "pupil"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "SYSGEN_DATA": str(self.data),
                "SYSGEN_CATALOG": str(self.data / "catalog.yaml"),
                "DAGSTER_HOME": str(self.data / "dagster_home"),
                "SYSGEN_LM_EVAL": str(self.python),
                "HF_HUB_OFFLINE": "1",
                **environment,
            },
        )

    def make(self, **environment: str) -> tuple[int, str]:
        """Make them; the exit status, and all that was said."""
        run = self.start(**environment)
        said, _ = run.communicate(timeout=300)
        return run.returncode, said

    def gradings(self) -> pl.DataFrame:
        """What is stored."""
        return self._read(LEADERBOARD_GRADINGS)

    def scores(self) -> pl.DataFrame:
        """What is stored."""
        return self._read(LEADERBOARD_SCORES)

    def _read(self, table: Table) -> pl.DataFrame:
        return Store(self.data).read(table, Partition(subject="pupil"))


def write_tokenizer(folder: Path) -> Path:
    """A tokenizer in a folder: a token for each byte, and a chat template."""
    folder.mkdir(parents=True, exist_ok=True)
    printed = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    signs = [chr(byte if byte in printed else next(others)) for byte in range(256)]
    vocabulary = {sign: number for number, sign in enumerate(signs)}
    end = {"id": 256, "content": "<|end|>", "special": True}
    end |= dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    bytes_ = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    model = {"type": "BPE", "vocab": vocabulary | {"<|end|>": 256}, "merges": []}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [end],
        "pre_tokenizer": {**bytes_, "use_regex": True},
        "decoder": {**bytes_, "use_regex": True},
        "model": model,
    }
    template = (
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|end|>",
        "chat_template": template,
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder
