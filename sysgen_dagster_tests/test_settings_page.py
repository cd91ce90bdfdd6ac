"""`docs/settings.md` says what every field is where a catalogue leaves it out.

The table there is printed from the entries themselves; `UPDATE_GOLDEN=1` writes it again.
"""

import os
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sysgen_dagster.catalog.evaluation import (
    ConflictSet,
    Evaluation,
    IFEval,
    Leaderboard,
    Multifacet,
    MultifacetedBench,
    NemotronSysBench,
    RubricLabels,
    Sample,
    SysBench,
    SystemIFEval,
    TensorTrust,
)
from sysgen_dagster.catalog.models import RequestSettings
from sysgen_dagster.catalog.operations import Conflicts, Filling, Judging, LearnedSimilarity
from sysgen_dagster.catalog.places import GitHubFiles, HubFile
from sysgen_dagster.catalog.recipes import Recipe, Training
from sysgen_dagster.catalog.sources import ROWS_PER_SHARD, Benchmark, Source
from sysgen_dagster.catalog.students import Lora, Student, StudentTraining
from sysgen_dagster.catalog.subjects import Subject
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.multifaceted.settings import InstructionSource, Multifaceted, OwnBench
from sysgen_dagster.lanes.sysgen.settings import Bounds, Generator, Method

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
TABLE = re.compile(r"(<!-- left out: begin -->\n).*?(<!-- left out: end -->)", re.DOTALL)
# Where an entry stands in a catalogue. What `method` sets is in the table of its presets.
ENTRIES: dict[str, type[BaseModel]] = {
    "the catalogue": Catalog,
    "`sources: NAME:`": Source,
    "`hub:`": HubFile,
    "`github:`": GitHubFiles,
    "`models: NAME:`": Generator,
    "`bounds:`": Bounds,
    "`request:`": RequestSettings,
    "`judging:`": Judging,
    "`conflicts:`": Conflicts,
    "`mixtures: NAME:`": Recipe,
    "`training:`": Training,
    "`students: NAME:`": Student,
    "`trainings: NAME:`": StudentTraining,
    "`lora:`": Lora,
    "`benchmarks: NAME:`": Benchmark,
    "`subjects: NAME:`": Subject,
    "`evaluation:`": Evaluation,
    "`multifacet:`": Multifacet,
    "`calibration:`": RubricLabels,
    "`multifaceted_bench:`": MultifacetedBench,
    "`sysbench:`": SysBench,
    "`sample:`": Sample,
    "`nemotron_sysbench:`": NemotronSysBench,
    "`s_ifeval:`": SystemIFEval,
    "`ifeval:`": IFEval,
    "`tensor_trust:`": TensorTrust,
    "`conflict_set:`": ConflictSet,
    "`leaderboard:`": Leaderboard,
    "`multifaceted:`": Multifaceted,
    "`multifaceted: sources: NAME:`": InstructionSource,
    "`multifaceted: bench:`": OwnBench,
    "`learned_similarity:`": LearnedSimilarity,
    "`filling:`": Filling,
}
# What a default is made of, where it is none that stands in the entry.
IN_WORDS = {
    "title": "the entry's name",
    "served_name": "the entry's name",
    "engine": "`endpoint` with `base_urls`, `llama_cpp` with `weights` of .gguf, else `vllm`",
    "shards": f"one for each {ROWS_PER_SHARD:,} of `rows`, or of what the file seems to have",
    "shape": "as the first rows of the file suggest; needed without `path`",
    "columns": "those that the shape reads",
    "exchanges": "`last`, or as the first rows suggest where `shape` is left out, too",
    "preference_rows": "0 without a judge, else 200",
    "alignment_rows": "0 without a judge, else 20",
    "obedience": "0 without a judge, else `all`",
    "mixtures": "`{sysgen: {}}`",
    "epoch": "the one that the training uses: 3, or the last of fewer `epochs`",
    "method": "`{preset: best}`",
    "path": "needed without `hub` and `github`",
    "hub": "needed without `github` and `path`",
}
# The same of fields that mean something else in one entry than in others.
IN_OTHER_WORDS = {
    MultifacetedBench: {
        "path": "the bench of this deployment, where `hub` and `github` are left out, too"
    },
    Multifaceted: {
        "shards": "one for each 2,000 of `instructions`, or of the rows of all sources where these "
        "are known and fewer"
    },
    InstructionSource: {
        "instruction": "needed without `shape`",
        "shape": "needed without `instruction`",
    },
}
NOT_USED = {"name", "alerts", "per_million_cached"}


def _as_written(value: Any) -> str:
    plain = value.value if isinstance(value, Enum) else value
    plain = list(plain) if isinstance(plain, tuple) else plain
    text = yaml.safe_dump(plain, default_flow_style=True).replace("...", "").strip()
    return text.replace("'", '"')


def _of_entry(fields: Mapping[str, FieldInfo], in_words: Mapping[str, str]) -> str:
    """Its fields: those that must be given, those with a value, those that are nothing."""
    needed, values, nothing = [], [], []
    for name, field in fields.items():
        if words := in_words.get(name):
            values.append(f"`{name}`: {words}")
        elif field.is_required():
            needed.append(f"`{name}`")
        elif (value := field.get_default()) is None or value in ((), {}):
            nothing.append(f"`{name}`")
        else:
            values.append(f"`{name}: {_as_written(value)}`")
    parts = [f"needed: {', '.join(needed)}"] * bool(needed)
    parts += ["; ".join(values)] * bool(values)
    parts += [f"nothing: {', '.join(nothing)}"] * bool(nothing)
    return ". ".join(parts)


def _rows() -> str:
    lines = ["| in | left out it is |", "|---|---|"]
    for place, entry in ENTRIES.items():
        fields = {
            name: field
            for name, field in entry.model_fields.items()
            if name not in NOT_USED and f"`{name}:`" not in ENTRIES
        }
        lines.append(f"| {place} | {_of_entry(fields, IN_WORDS | IN_OTHER_WORDS.get(entry, {}))} |")
    return "\n".join(lines) + "\n"


def test_the_page_says_what_is_left_out() -> None:
    page = PAGE.read_text()
    with_table = TABLE.sub(lambda found: found[1] + _rows() + found[2], page)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        PAGE.write_text(with_table)

    assert page == with_table, "UPDATE_GOLDEN=1 prints the table again"


def _with_defaults(kind: type[BaseModel]) -> list[str]:
    """The fields of an entry that say nothing of themselves where they are left out."""
    return [name for name, field in kind.model_fields.items() if field.default_factory]


@pytest.mark.parametrize("kind", ENTRIES.values(), ids=lambda kind: kind.__name__)
def test_a_default_that_is_made_of_something_else_is_said_in_words(kind: type[BaseModel]) -> None:
    assert set(_with_defaults(kind)) <= IN_WORDS.keys()


def test_what_the_presets_set_is_in_their_table() -> None:
    table = PAGE.read_text().split("## The method")[1].split("\n## ")[0]

    assert all(f"`{name}`" in table for name in Method.model_fields if name != "preset")
