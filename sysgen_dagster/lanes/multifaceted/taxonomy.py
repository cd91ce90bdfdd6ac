"""The dimensions and subdimensions of preferences, and which ones a set of preferences is about.

The subdimensions of a set are drawn and not chosen by the model: left to choose, models take a few
favourites again and again. The sets of one instruction have no subdimension in common.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import yaml

Taxonomy = Mapping[str, Mapping[str, str]]  # dimension -> subdimension -> what it means

_FILE = Path(__file__).with_name("taxonomy.yaml")


@dataclass(frozen=True, slots=True)
class Aspect:
    """What one preference of a set is about.

    Attributes:
        dimension: One of the four, such as ``background_knowledge``.
        subdimension: One of its subdimensions, such as ``novice``.
        meaning: What that means, in words that the model is given.
    """

    dimension: str
    subdimension: str
    meaning: str

    @property
    def label(self) -> str:
        """The dimension as prompts and replies name it, such as ``Background knowledge``."""
        return label_of(self.dimension)


@cache
def load_taxonomy() -> Taxonomy:
    """The shipped dimensions, in the order of a set, each with its subdimensions."""
    loaded: Taxonomy = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return loaded


DIMENSIONS = tuple(load_taxonomy())


def label_of(dimension: str) -> str:
    """A dimension as people write it, such as ``Background knowledge``."""
    return dimension.replace("_", " ").capitalize()


def with_more(taxonomy: Taxonomy, more: Taxonomy) -> Taxonomy:
    """The taxonomy with further subdimensions; one of a known name gets another meaning."""
    return {name: {**known, **more.get(name, {})} for name, known in taxonomy.items()}


def draw_aspects(
    instruction_id: str, sets: int, taxonomy: Taxonomy, seed: int
) -> Sequence[tuple[Aspect, ...]]:
    """What the preferences of each set of an instruction are about; the same in every run.

    Args:
        instruction_id: Whose sets.
        sets: How many; no dimension may have fewer subdimensions.
        taxonomy: To draw from.
        seed: Other draws with another one.

    Returns:
        For each set one aspect of every dimension, in the order of the taxonomy.
    """
    drawn = []
    for dimension, meanings in taxonomy.items():
        rng = Random(f"{seed}/{instruction_id}/{dimension}")  # noqa: S311 - repeatable, no secret
        names = rng.sample(list(meanings), sets)
        drawn.append([Aspect(dimension, name, meanings[name]) for name in names])
    return list(zip(*drawn, strict=True))
