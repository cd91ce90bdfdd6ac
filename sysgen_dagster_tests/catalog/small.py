"""A small catalogue with some of its fields changed, and the error about a wrong one."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from sysgen_dagster.catalog.load import CatalogError
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES

SMALL: dict[str, Any] = {
    "method": {"drop_rule": "no_phrase_left", "unreadable_verdict": "keep"},
    "sources": {
        "mine": {
            "title": "Mine",
            "license": "mit",
            "path": "mine.jsonl",
            "shards": 2,
            "columns": {"q": "string", "a": "string", "turns": ["role", "content"]},
            "shape": {"kind": "question_answer", "question": "q", "answer": "a"},
        }
    },
    "models": {
        "small": {
            "served_name": "org/small",
            "license": "mit",
            "engine": "vllm",
            "bounds": {"filtered": [0.5, 1.0], "aligned": [0.5, 1.0], "tag_share_within": 0.1},
        }
    },
}
HUB = {"repo": "org/set", "file": "rows.jsonl", "revision": "0" * 40}
PAPER = {"started": 10, "filtered": 9, "aligned": 8, "tags": dict.fromkeys(TAG_NAMES, 5)}
BENCHMARK = {"title": "Sums", "license": "mit", "path": "sums.jsonl", "text": ["question"]}

# The path to a field of the catalogue and its new value; None removes the field.
Change = tuple[str, Any]
# Changes, the entry and field that the error must name, and text that it must hold.
Wrong = tuple[list[Change], str, str]


def changed(*changes: Change) -> dict[str, Any]:
    """The small catalogue with some fields changed."""
    catalog = deepcopy(SMALL)
    for place, value in changes:
        *parents, field = place.split(".")
        entry = catalog
        for parent in parents:
            entry = entry.setdefault(parent, {})
        entry.pop(field, None)
        if value is not None:
            entry[field] = value
    return catalog


def write(folder: Path, *changes: Change) -> Path:
    """Write the small catalogue with some fields changed."""
    file = folder / "my_catalog.yaml"
    file.write_text(yaml.safe_dump(changed(*changes), sort_keys=False), encoding="utf-8")
    return file


def fault_of(file: Path) -> list[str]:
    """The lines of the error about this file; the first line names the file."""
    with pytest.raises(CatalogError) as caught:
        load_catalog(file)
    message = str(caught.value)
    assert message.startswith(f"catalogue {file} ")
    return message.split("\n")


def assert_wrong(folder: Path, wrong: Wrong) -> None:
    """Assert that the changes give one error, with the file, entry, field, line and this text."""
    changes, place, fault = wrong
    head, *faults = fault_of(write(folder, *changes))

    assert head.endswith(" has 1 wrong entry; correct:")
    assert len(faults) == 1
    assert re.match(rf"  {re.escape(place)}(\.\[key\])? \(line \d+\): ", faults[0])
    assert fault in faults[0]
