"""Rows of a small mixture, and exports of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from sysgen_dagster.catalog.recipes import Recipe, Rejected, Training
from sysgen_dagster.training_sets.export.card import CardFacts
from sysgen_dagster.training_sets.export.folder import write_folder
from sysgen_dagster.training_sets.export.layout import Contents
from sysgen_dagster.training_sets.exported_rows import exported_table

SOURCES = {
    "capybara": ("LDJnr/Capybara", "a" * 40, "apache-2.0"),
    "metamath": ("meta-math/MetaMathQA", "b" * 40, "mit"),
}
MODELS = {
    "llama-3.1-8b": ("meta-llama/Llama-3.1-8B-Instruct", "c" * 40, "llama3.1", "vllm"),
    "phi-4": ("microsoft/phi-4", "d" * 40, "mit", "vllm"),
}
SPLITS = {"train": 5, "validation": 2, "test": 1}
FACTS = CardFacts(
    recipe=Recipe(),
    training=Training(),
    titles={"capybara": "Capybara", "metamath": "MetaMathQA"},
    prompts={"phase1_annotate_system_message": "0123456789ab"},
    version="0.1.0",
    languages=["en"],
)
PAIR_FACTS = replace(FACTS, recipe=Recipe(rejected=(Rejected.ORIGINAL_ANSWER,)))


def said(role: str, content: str) -> dict[str, Any]:
    """A message of an exported chat: answers are to be learned."""
    return {"role": role, "content": content, "train": role == "assistant"}


def row(source: str, model: str, split: str, number: int, **changes: Any) -> dict[str, Any]:
    """A training row that is also a preference pair; the schema takes what belongs to it."""
    repo, revision, license_ = SOURCES[source]
    served, model_revision, model_license, engine = MODELS[model]
    prompt = [
        {"role": "system", "content": f"You are tutor {number}."},
        {"role": "user", "content": f"What is {number} + 1?"},
    ]
    answer = [{"role": "assistant", "content": f"It is {number + 1}."}]
    return {
        "conversation_id": f"{source}-{split}-{number}",
        "source": source,
        "variant": "sysgen",
        "messages": [said(**turn) for turn in prompt + answer],
        "rejected_is": "original_answer",
        "rejected_model": None,
        "rejected_not_obeyed": None,
        "prompt": prompt,
        "chosen": answer,
        "rejected": [{"role": "assistant", "content": "No."}],
        "split": split,
        "tags": ["Role", "Task"] if number % 2 else [],
        "flags": ["truncated"] if number == 0 else [],
        "phrases_obeyed": 1,
        "phrases_not_obeyed": 0,
        "phrases_unknown": number,
        "source_repo": repo,
        "source_revision": revision,
        "source_row": number,
        "source_turn": 0,
        "source_license": license_,
        "model": model,
        "served_name": served,
        "model_revision": model_revision,
        "model_license": model_license,
        "engine": engine,
        "reviewed": None,
    } | changes


def frame(rows: Sequence[dict[str, Any]], *, pairs: bool = False) -> pl.DataFrame:
    """`rows` as one of the two tables that are exported."""
    schema = exported_table((PAIR_FACTS if pairs else FACTS).recipe).schema
    return pl.DataFrame([{name: each[name] for name in schema} for each in rows], schema)


def frames(*, pairs: bool = False, size: int = 2) -> Iterator[pl.DataFrame]:
    """All rows of the two sources and models, `size` rows a frame."""
    for source in SOURCES:
        for model in MODELS:
            for split, count in SPLITS.items():
                rows = [row(source, model, split, number) for number in range(count)]
                for start in range(0, count, size):
                    yield frame(rows[start : start + size], pairs=pairs)


def export(target: Path, *, pairs: bool = False, name: str = "small") -> Contents:
    """The whole small mixture in a folder."""
    return write_folder(target, name, frames(pairs=pairs), PAIR_FACTS if pairs else FACTS)
