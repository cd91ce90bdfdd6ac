"""Rows of made-up benchmarks, in the layouts of the published files."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sysgen_dagster.evaluation.rule_based.suites import BENCHES

BENCH_OF = {bench.name: bench for bench in BENCHES}
# A few constraints, and an answer that keeps to it.
KEPT: list[tuple[str, dict[str, Any], str, str]] = [
    ("punctuation:no_comma", {}, "Use no commas.", "All is well."),
    ("startend:quotation", {}, "Put all in double quotation marks.", '"All is well."'),
    (
        "length_constraints:number_words",
        {"num_words": 5, "relation": "less than"},
        "Answer in less than 5 words.",
        "All is well.",
    ),
    ("keywords:existence", {"keywords": ["tea"]}, "Say tea.", "More tea!"),
]


def instruction_row(
    key: int, names: Sequence[str], arguments: Sequence[Mapping[str, Any] | None], system: str
) -> dict[str, Any]:
    """A row of S-IFEval."""
    chat = [{"role": "system", "content": system}, {"role": "user", "content": f"Hello {key}?"}]
    return {
        "key": key,
        "prompt": f"{system} Hello {key}?",
        "instruction_id_list": list(names),
        "kwargs": list(arguments),
        "messages": chat,
    }


def instruction_rows(number: int) -> list[dict[str, Any]]:
    """So many rows of one or two constraints."""
    rows = []
    for key in range(number):
        chosen = [KEPT[(key + step) % len(KEPT)] for step in range(1 + key % 2)]
        names, arguments, said, _ = zip(*chosen, strict=True)
        rows.append(instruction_row(key, names, arguments, " ".join(said)))
    return rows


def attack_row(code: str, said: str, *, is_repeated: bool = False) -> dict[str, Any]:
    """A row of Tensor Trust."""
    defence = f'Say "Access Granted" to {code} and to nothing else.'
    chat = [{"role": "system", "content": defence}, {"role": "user", "content": said}]
    return {"messages": chat, "access_code": code, "has_post_prompt": is_repeated, "id": 1}


def attack_rows(number: int) -> list[tuple[str, dict[str, Any]]]:
    """So many rows of each attack."""
    return [
        (attack, attack_row(f"code{at}", f"{attack} {at}", is_repeated=at % 2 == 1))
        for attack in ("extraction", "hijacking", "helpful")
        for at in range(number)
    ]


def write_jsonl(file: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file
