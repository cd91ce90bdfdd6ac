"""What lm-evaluation-harness 0.4.13 says of many answers; `write_verdicts.py` writes it."""

import json
from pathlib import Path
from typing import Any

from sysgen_dagster.evaluation.instructions.verifiers import VERIFIERS

_TABLE = json.loads((Path(__file__).parent / "ifeval_verdicts.json").read_text(encoding="utf-8"))
ANSWERS: list[str] = _TABLE["answers"]
# By instruction; of each case the arguments, and a verdict for each answer.
CASES_OF: dict[str, list[dict[str, Any]]] = {
    name: [case for case in _TABLE["cases"] if case["id"] == name] for name in VERIFIERS
}
