"""The words the simulated model writes with: three YAML files, and how their slots are filled."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml


@cache
def load_material(name: str) -> Mapping[str, Any]:
    """The content of the YAML file of that name in this folder, by language; read once."""
    path = Path(__file__).with_name(name)
    return yaml.safe_load(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def pick(variants: Sequence[str], rng: Random, slots: Mapping[str, str]) -> str:
    """One of the variants, filled; where `slots` give no topic, one that needs none."""
    if not slots.get("topic"):
        variants = [variant for variant in variants if "{topic}" not in variant]
    return fill(rng.choice(variants), slots)


def fill(template: str, slots: Mapping[str, str]) -> str:
    """The template with its slots filled; other braces, as of JSON or code, stay as they are."""
    for name, value in slots.items():
        template = template.replace(f"{{{name}}}", value)
    return template
