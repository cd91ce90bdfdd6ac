"""The lane's part of the catalogue: settings of the method, and what is expected of a model."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    PlainSerializer,
    PlainValidator,
    PositiveInt,
    TypeAdapter,
    model_validator,
)

from sysgen_dagster.catalog.entries import Entry, Share
from sysgen_dagster.catalog.models import Model
from sysgen_dagster.lanes.sysgen.paper import COUNTS, ModelCounts


class DropRule(StrEnum):
    """When Phase 2 drops a whole message; the paper does not say (its losses suggest the first)."""

    MALFORMED_BOUNDARY = "malformed_boundary"  # any of the eight tags opened or closed wrongly
    NO_PHRASE_LEFT = "no_phrase_left"


class UnreadableVerdict(StrEnum):
    """What Phase 3 does with a phrase whose verdict is missing or cannot be read."""

    REMOVE = "remove"  # only Good stays
    KEEP = "keep"


class Method(Entry):
    """Settings of the method: what the paper leaves open, then what goes beyond it."""

    drop_rule: DropRule
    unreadable_verdict: UnreadableVerdict
    samples: PositiveInt = 1  # tagged messages written for a conversation; the judge picks one
    repair: bool = False  # a malformed tagged message is asked for once more, under a grammar
    constrain_verdicts: bool = False  # so that none is unreadable; needs vLLM
    verdict_confidence: bool = False  # the probability of each verdict, from the token's logprobs


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("the lower bound comes first")
    return bounds


_RANGE: TypeAdapter[tuple[float, float]] = TypeAdapter(
    Annotated[tuple[Share, Share], AfterValidator(_ordered)]
)
_DISTANCE: TypeAdapter[float] = TypeAdapter(Share)


def _range_or_distance(value: object) -> tuple[float, float] | float:
    """The value, checked as what it looks like; of a union pydantic reports each fault twice."""
    return (_RANGE if isinstance(value, list | tuple) else _DISTANCE).validate_python(value)


# The lowest and the highest share, or how far a share may lie from the paper's.
# Serialized as it is: pydantic serializes entries of a mapping twice, and warns of the list that
# the first time makes of a tuple.
Expected = Annotated[
    tuple[float, float] | float,
    PlainValidator(_range_or_distance),
    PlainSerializer(lambda bounds: bounds),
]


class Bounds(Entry):
    """What the checks expect of a model."""

    filtered: Expected  # share of the conversations kept after Phase 2
    aligned: Expected  # and after Phase 4
    tag_share_within: Share  # largest distance of a tag's share from the paper's


class Generator(Model):
    """A model that writes system messages, verifies them and answers.

    Attributes:
        bounds: What the checks expect of it.
        paper: What a paper reports for it; None: what SysGen's does for a model of this name.
    """

    bounds: Bounds
    paper: ModelCounts | None = None

    @property
    def published(self) -> ModelCounts | None:
        """What the paper reports for this model; None for a model that it does not know."""
        return self.paper or COUNTS.get(self.name)

    @property
    def filtered_bounds(self) -> tuple[float, float]:
        """Between which the share kept after Phase 2 is expected."""
        published = self.published
        return _bounds(self.bounds.filtered, published.filtered_share if published else None)

    @property
    def aligned_bounds(self) -> tuple[float, float]:
        """Between which the share kept after Phase 4 is expected."""
        published = self.published
        return _bounds(self.bounds.aligned, published.aligned_share if published else None)

    @model_validator(mode="after")
    def _distances_have_a_figure_to_be_from(self) -> Self:
        for field in ("filtered", "aligned"):
            if isinstance(getattr(self.bounds, field), float) and self.published is None:
                raise ValueError(
                    f"`bounds.{field}` is how far the share may lie from the paper's, which has "
                    "none for this model: give [lowest, highest]"
                )
        return self


def _bounds(expected: tuple[float, float] | float, published: float | None) -> tuple[float, float]:
    if isinstance(expected, tuple):
        return expected
    assert published is not None
    return max(0.0, published - expected), min(1.0, published + expected)
