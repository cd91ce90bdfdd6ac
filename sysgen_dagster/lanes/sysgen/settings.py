"""The lane's part of the catalogue: the method's settings, and what is expected of each model."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Discriminator, PositiveInt, Tag, model_validator

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
    """Settings of the method: first what the paper leaves open, then what goes beyond the paper."""

    drop_rule: DropRule
    unreadable_verdict: UnreadableVerdict
    samples: PositiveInt = 1  # tagged messages written for a conversation; the judge picks one
    repair: bool = False  # ask once more, under a grammar, where no tagged message is well-formed
    constrain_verdicts: bool = False  # hold verdicts to a regular expression; needs vLLM
    verdict_confidence: bool = False  # store each verdict's probability, from token logprobs


def _require_order(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("the lower bound comes first")
    return bounds


# Lowest and highest share, or how far the share may lie from the paper's. The value itself says
# which of the two is meant: of a plain union, pydantic would report each fault twice.
Expected = Annotated[
    Annotated[tuple[Share, Share], AfterValidator(_require_order), Tag("range")]
    | Annotated[Share, Tag("distance")],
    Discriminator(lambda value: "range" if isinstance(value, list | tuple) else "distance"),
]


class Bounds(Entry):
    """What the checks expect of a model."""

    filtered: Expected  # share of the conversations kept after Phase 2
    aligned: Expected  # share of the conversations kept after Phase 4
    tag_share_within: Share  # largest distance of a tag's share from the paper's


class Generator(Model):
    """A model that goes through the phases: it writes system messages, verifies them and answers.

    Attributes:
        bounds: What the checks expect of it.
        paper: Counts that a paper reports for it; None: those of the SysGen paper, if it has any
            for a model of this name.
    """

    bounds: Bounds
    paper: ModelCounts | None = None

    @property
    def published(self) -> ModelCounts | None:
        """The counts that a paper reports for this model; None where there are none."""
        return self.paper or COUNTS.get(self.name)

    @property
    def filtered_bounds(self) -> tuple[float, float]:
        """Lowest and highest share of the conversations that should be kept after Phase 2."""
        counts = self.published
        return _bounds(self.bounds.filtered, counts.filtered_share if counts else None)

    @property
    def aligned_bounds(self) -> tuple[float, float]:
        """Lowest and highest share of the conversations that should be kept after Phase 4."""
        counts = self.published
        return _bounds(self.bounds.aligned, counts.aligned_share if counts else None)

    @model_validator(mode="after")
    def _require_figures_for_distances(self) -> Self:
        for field in ("filtered", "aligned"):
            if isinstance(getattr(self.bounds, field), float) and self.published is None:
                raise ValueError(
                    f"`bounds.{field}` is a distance from the paper's share, and the paper has no "
                    "figures for this model: give [lowest, highest] instead"
                )
        return self


def _bounds(expected: tuple[float, float] | float, published: float | None) -> tuple[float, float]:
    if isinstance(expected, tuple):
        return expected
    assert published is not None  # Generator refuses distances without figures
    return max(0.0, published - expected), min(1.0, published + expected)
