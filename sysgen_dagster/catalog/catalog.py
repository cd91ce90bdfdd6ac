"""The catalogue of a deployment without the lanes' sections, which `lanes.catalog` adds."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from sysgen_dagster.catalog.entries import Entry, Models, Name, Sources
from sysgen_dagster.catalog.models import Model
from sysgen_dagster.catalog.operations import Filling, Judging, LearnedSimilarity
from sysgen_dagster.catalog.recipes import Recipe, Training
from sysgen_dagster.catalog.sources import Benchmark, Source


class BaseCatalog(Entry):
    """Sources, models, training sets and operations of one deployment."""

    sources: Annotated[Sources[Source], Field(min_length=1)]
    models: Annotated[Models[Model], Field(min_length=1)]
    judges: Models[Model] = {}  # models that only judge
    judging: Judging = Judging()
    benchmarks: Sources[Benchmark] = {}
    learned_similarity: LearnedSimilarity = LearnedSimilarity()
    training: Training = Training()
    mixtures: Mapping[Name, Recipe] = {}
    filling: Filling = Filling()
    alerts: object = Field(default=None, exclude=True)  # in catalogues of version 0.1; not used

    @model_validator(mode="after")
    def _require_known_judge(self) -> Self:
        if both := sorted(self.judges.keys() & self.models.keys()):
            raise ValueError(f"`judges` repeats {both} of `models`: give it another name")
        if self.judging.judge not in {None, *self.served}:
            known = ", ".join(self.served)
            raise ValueError(f"`judging.judge` is {self.judging.judge!r}, which is none of {known}")
        return self

    @model_validator(mode="after")
    def _require_known_names_in_mixtures(self) -> Self:
        for name, recipe in self.mixtures.items():
            unknown = {*recipe.sources, *recipe.rows_of, *recipe.weights} - self.sources.keys()
            unknown |= set(recipe.models) - self.models.keys()
            if unknown:
                raise ValueError(
                    f"mixture {name} names {sorted(unknown)}, which the catalogue does not have"
                )
        return self

    @property
    def served(self) -> Mapping[str, Model]:
        """Every model that can be asked, by name: `models` and `judges`."""
        return {**self.models, **self.judges}

    def judge_of(self, model: str) -> Model:
        """The model that judges what a model of this name wrote."""
        return self.served[self.judging.judge or model]

    def shards(self, source: str) -> list[str]:
        """Shard keys of one source, in the order of its rows, such as ``capybara-003``."""
        return [f"{source}-{index:03d}" for index in range(self.sources[source].shards)]

    @property
    def shards_of(self) -> Mapping[str, int]:
        """Into how many shards each source is cut."""
        return {name: source.shards for name, source in self.sources.items()}

    def source_of(self, shard: str) -> Source:
        """The source that a shard is a part of."""
        return self.sources[split_shard(shard)[0]]

    @property
    def partition_values(self) -> Mapping[str, list[str]]:
        """The values of each partition dimension, in the order of the catalogue."""
        return {
            "model": list(self.models),
            "recipe": list(self.mixtures),
            "shard": [shard for source in self.sources for shard in self.shards(source)],
        }


def split_shard(shard: str) -> tuple[str, int]:
    """The name of a shard's source, and the position of the shard in it, from 0."""
    source, _, index = shard.rpartition("-")
    return source, int(index)
