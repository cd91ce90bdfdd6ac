"""What real models wrote, with what the parser has to read in it, checked by reading every text.

`real_completions.jsonl`: texts of Phase 1 and verdicts of Phase 3, of several prompts (`prompt`:
the shipped one is also called v0; the others are variants, or have the fingerprint of one shipped
later). Written for rows that are carried under MIT or Apache-2.0: Capybara (hiyouga/LLaMA-Factory
@ ff6d4d1), GPTeacher (teknium1/GPTeacher @ 4810751), GSM8K (openai/grade-school-math @ 3101c7d),
Magicoder and Evol-Instruct (liuxsh9/sft-label @ 2ee96ae, brucechen-ux/qwen36-moe-4gpu-posttrain-opt
@ a3cc753, nickrosh/evol-teacher @ d8ab456), MetaMathQA (joony74/atoll_project @ d00fa27). The
models are Apache-2.0 upstream. `performance/prompts.py --read FILE --record FILE` writes what is
expected.
"""

import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("real_completions.jsonl")


def real_completions(phase: int) -> list[dict[str, Any]]:
    """The texts of one phase, each with what is expected of it."""
    with _FILE.open(encoding="utf-8") as lines:
        return [each for each in map(json.loads, lines) if each["phase"] == phase]
