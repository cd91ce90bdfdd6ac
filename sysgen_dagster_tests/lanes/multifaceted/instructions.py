"""The second lane's section for tests: a few instructions of the bundled rows, in two shards."""

from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted

SOURCES = {
    "coding": {"path": EXAMPLE_ROWS / "magicoder.jsonl", "instruction": "instruction"},
    "chats": {
        "path": EXAMPLE_ROWS / "capybara.jsonl",
        "shape": {"kind": "input_output", "column": "conversation"},
    },
}

# By name, one of every layout, and one with a single pair an instruction.
_PAIRS = {"lane": "multifaceted", "rejected": ["other_system_message"]}
MIXTURES = {
    "sets": {"lane": "multifaceted"},
    "sets_published": {"lane": "multifaceted", "layout": "published"},
    "set_pairs": _PAIRS,
    "set_pairs_one": {**_PAIRS, "one_an_instruction": True},
    "set_pairs_reward": {**_PAIRS, "layout": "reward"},
    "set_pairs_published": {**_PAIRS, "layout": "published"},
}


def settings(**fields: object) -> Multifaceted:
    """The section with these sources and fields."""
    return Multifaceted.model_validate({"sources": SOURCES, "instructions": 12, **fields})


def with_both_lanes(catalog: Catalog) -> Catalog:
    """The catalogue with a small section of the second lane, and mixtures of it."""
    own = {name: Recipe.model_validate(each) for name, each in MIXTURES.items()}
    changes = {
        "multifaceted": settings(shards=2, constrained=False, bench={"instructions": 4}),
        "mixtures": {**catalog.mixtures, **own},
    }
    return catalog.model_copy(update=changes)
