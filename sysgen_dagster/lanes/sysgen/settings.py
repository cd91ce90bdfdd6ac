"""The lane's part of the catalogue: the method's settings, and what is expected of each model."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from sysgen_dagster.catalog.entries import AtLeastOne, Entry, Share, Switch
from sysgen_dagster.catalog.models import Model
from sysgen_dagster.catalog.rules import rule
from sysgen_dagster.lanes.sysgen.paper import COUNTS, ModelCounts


class DropRule(StrEnum):
    """When Phase 2 drops a whole message; the paper does not say (its losses suggest the first)."""

    MALFORMED_BOUNDARY = "malformed_boundary"  # any of the eight tags opened or closed wrongly
    NO_PHRASE_LEFT = "no_phrase_left"


class UnreadableVerdict(StrEnum):
    """What Phase 3 does with a phrase whose verdict is missing or cannot be read."""

    REMOVE = "remove"  # only Good stays
    KEEP = "keep"


class Demonstrations(StrEnum):
    """How Phase 1 shows the model what a tagged system message looks like."""

    IN_ONE_TEXT = "in_one_text"  # messages without their conversations in the prompt, as the paper
    AS_TURNS = "as_turns"  # conversations and their messages, in turns before the row's


class Contradiction(StrEnum):
    """What Phase 4 does with a row whose new answers all contradict its original answer."""

    ALLOW = "allow"  # keep a new answer, as the paper
    DROP = "drop"
    KEEP_ORIGINAL = "keep_original"  # as the row's answer


class Preset(StrEnum):
    """A name for a whole set of settings."""

    PAPER = "paper"  # what the paper does, to compare with it
    BEST = "best"  # what measurement on real models shows to be better: docs/prompts.md


# What each preset sets where that differs from the fields' own values, which are the paper's.
_PRESETS: Mapping[Preset, Mapping[str, Any]] = {
    Preset.PAPER: {},
    Preset.BEST: {
        "demonstrations": Demonstrations.AS_TURNS,
        "mend": True,
        "contradiction": Contradiction.DROP,
    },
}


class Method(Entry):
    """Settings of the method: a preset, and the fields in which a catalogue differs from it.

    Without a preset, the fields that are not given are the paper's. First stands what the paper
    leaves open, then what goes beyond the paper.
    """

    preset: Preset = Preset.PAPER
    drop_rule: DropRule = DropRule.MALFORMED_BOUNDARY
    unreadable_verdict: UnreadableVerdict = UnreadableVerdict.REMOVE
    demonstrations: Demonstrations = Demonstrations.IN_ONE_TEXT
    mend: Switch = False  # correct slips of form in tagged messages where nothing is guessed
    # Tagged messages written for a conversation; the judge picks one.
    samples: Annotated[AtLeastOne, Field(le=100)] = 1
    repair: Switch = False  # ask once more, under a grammar, where no tagged message is well-formed
    constrain_verdicts: Switch = False  # hold verdicts to a regular expression or a grammar
    verdict_confidence: Switch = False  # store each verdict's probability, from token logprobs
    # Answers written under one system message, until one breaks no rule of it; the best is kept.
    answers: Annotated[AtLeastOne, Field(le=16)] = 1
    contradiction: Contradiction = Contradiction.ALLOW

    @model_validator(mode="before")
    @classmethod
    def _take_from_preset(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        named = [preset for preset in Preset if preset == given.get("preset")]
        return {**(_PRESETS[named[0]] if named else {}), **given}

    @property
    def changes(self) -> dict[str, Any]:
        """The fields that are not as the preset has them."""
        usual = Method(preset=self.preset).model_dump(mode="json")
        return {name: of for name, of in self.model_dump(mode="json").items() if of != usual[name]}

    @property
    def label(self) -> str:
        """What stands beside figures, such as ``best, samples=2``."""
        changes = (f"{name}={str(of).lower()}" for name, of in self.changes.items())
        return ", ".join([self.preset, *changes])

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """These settings with other ones; another preset leaves the fields that differ from it.

        Raises:
            ValidationError: A name or a value is not one of the settings.
        """
        return self.model_validate({"preset": self.preset, **self.changes, **changes})


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
    """What the checks expect of a model; what is left out expects nothing beyond the contracts."""

    filtered: Expected = (0.0, 1.0)  # share of the conversations kept after Phase 2
    aligned: Expected = (0.0, 1.0)  # share of the conversations kept after Phase 4
    tag_share_within: Share = 1.0  # largest distance of a tag's share from the paper's


class Generator(Model):
    """A model that goes through the phases: it writes system messages, verifies them and answers.

    Attributes:
        bounds: What the checks expect of it.
        paper: Counts that a paper reports for it; None: those of the SysGen paper, if it has any
            for a model of this name.
    """

    bounds: Bounds = Bounds()
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

    @rule("bounds", "paper")
    def _require_figures_for_distances(self) -> str | None:
        for field in ("filtered", "aligned"):
            if isinstance(getattr(self.bounds, field), float) and self.published is None:
                return (
                    f"`bounds.{field}` is a distance from the paper's share, and the paper has no "
                    "figures for this model: give [lowest, highest] instead"
                )
        return None


def _bounds(expected: tuple[float, float] | float, published: float | None) -> tuple[float, float]:
    if isinstance(expected, tuple):
        return expected
    assert published is not None  # Generator refuses distances without figures
    return max(0.0, published - expected), min(1.0, published + expected)
