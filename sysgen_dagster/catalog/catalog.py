"""The catalogue of a deployment without the lanes' sections, which `lanes.catalog` adds."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from sysgen_dagster.catalog.entries import Entry, Models, Name, Sources
from sysgen_dagster.catalog.evaluation import (
    BENCHES,
    Bench,
    Evaluation,
)
from sysgen_dagster.catalog.models import Model
from sysgen_dagster.catalog.operations import Conflicts, Filling, Judging, LearnedSimilarity
from sysgen_dagster.catalog.places import GitHubFiles
from sysgen_dagster.catalog.recipes import JUDGED, Recipe, Rejected, Training
from sysgen_dagster.catalog.references import (
    Misnamed,
    entries_of,
    forbidden_names,
    unknown_names,
)
from sysgen_dagster.catalog.rules import rule
from sysgen_dagster.catalog.sources import Benchmark, Source, UpstreamFile
from sysgen_dagster.catalog.students import Objective, Student, StudentTraining, find_misfits
from sysgen_dagster.catalog.subjects import Subject


def _or_sysgen(mixtures: object) -> object:
    """The mixtures, or the paper's set where there are none."""
    return {"sysgen": {}} if mixtures == {} else mixtures


class BaseCatalog(Entry):
    """Sources, models, training sets and operations of one deployment."""

    sources: Annotated[Sources[Source], Field(min_length=1)]
    models: Annotated[Models[Model], Field(min_length=1)]
    judges: Models[Model] = {}  # models that only judge
    judging: Judging = Judging()
    conflicts: Conflicts = Conflicts()
    benchmarks: Sources[Benchmark] = {}
    learned_similarity: LearnedSimilarity = LearnedSimilarity()
    training: Training = Training()
    mixtures: Annotated[Mapping[Name, Recipe], BeforeValidator(_or_sysgen)] = Field(
        default={}, validate_default=True
    )
    students: Models[Student] = {}
    trainings: Models[StudentTraining] = {}
    subjects: Models[Subject] = {}
    evaluation: Evaluation = Evaluation()
    filling: Filling = Filling()
    alerts: object = Field(default=None, exclude=True)  # in catalogues of version 0.1; not used

    @classmethod
    def find_misnamed(cls, values: Any) -> Iterator[Misnamed]:
        """The names in a document that refer to nothing, or stand where they must not."""
        for field in ("judge", "judges"):
            yield from unknown_names(values, f"judging.{field}", "models", "judges")
        for field in ("sources", "rows_of", "weights"):
            yield from unknown_names(values, f"mixtures.*.{field}", "sources")
        yield from unknown_names(values, "mixtures.*.models", "models")
        yield from unknown_names(values, "trainings.*.student", "students")
        yield from unknown_names(values, "trainings.*.mixture", "mixtures")
        scoring = {
            str(path[-1])
            for path, entry in entries_of(values, "trainings")
            if entry.get("objective") == Objective.REWARD
        }
        for section in ("models", "judges", "subjects"):
            yield from unknown_names(values, f"{section}.*.training", "trainings")
            what = (
                "is a reward model, which scores answers and writes none: name a training of "
                "another objective"
            )
            yield from forbidden_names(values, f"{section}.*.training", scoring, what)
        yield from unknown_names(values, "trainings.*.starts_from", "trainings")
        yield from unknown_names(values, "subjects.*.against", "subjects")
        for field in ("subjects.*.model", "evaluation.judge", "evaluation.sysbench.translator"):
            yield from unknown_names(values, field, "models", "judges")
        models = values.get("models") if isinstance(values, Mapping) else None
        both = models if isinstance(models, Mapping) else ()
        yield from forbidden_names(
            values, "judges", both, "is an entry of `models`, too: give it another name"
        )
        named = (
            *("sources", "models", "judges", "benchmarks", "students", "trainings"),
            "subjects",
        )
        for section in named:
            what = "is said by the entry's key: leave the field out"
            yield from forbidden_names(values, f"{section}.*", {"name"}, what)

    @rule("mixtures", "judging")
    def _require_judging_for_its_flag(self) -> str | None:
        named = [name for name, recipe in self.mixtures.items() if JUDGED in recipe.leave_out]
        if not named or self.judging.judge or self.judging.alignment_rows:
            return None
        return (
            f"`leave_out` of {', '.join(named)} names {JUDGED}, and nothing is judged: name a "
            "judge in `judging`, or leave the flag out"
        )

    @rule("mixtures", "conflicts")
    def _require_conflicts_for_their_pairs(self) -> str | None:
        pairs = Rejected.FOLLOWED_USER
        named = [name for name, recipe in self.mixtures.items() if pairs in recipe.rejected]
        if not named or self.conflicts.messages_a_shard:
            return None
        return (
            f"`rejected` of {', '.join(named)} names {pairs}, and no message is put to the test: "
            "say in `conflicts` how many are, such as {messages_a_shard: 20}"
        )

    @rule("trainings", "students", "mixtures")
    def _require_trainings_that_fit(self) -> str | None:
        return next(find_misfits(self.trainings, self.students, self.mixtures), None)

    @rule("trainings", "models", "judges")
    def _require_epochs_that_are_trained(self) -> str | None:
        for name, model in self.served.items():
            training = self.trainings.get(model.training or "")
            if training and model.epoch and model.epoch > training.epochs:
                return (
                    f"the model {name} is the student after epoch {model.epoch} of the training "
                    f"{model.training}, which has {training.epochs}: name one of these"
                )
        return None

    @rule("subjects", "models", "judges")
    def _require_other_names_of_served_subjects(self) -> str | None:
        there = {**self.models, **self.judges}
        for name, subject in self.subjects.items():
            if subject.model is None and name in there:
                return (
                    f"the subject {name} is an entry of `models` or `judges`, too: give it another "
                    f"name, or write {{model: {name}}} if that is what answers"
                )
        return None

    @rule("subjects")
    def _require_others_to_compare_with(self) -> str | None:
        for name, subject in self.subjects.items():
            if subject.against == name:
                return f"the subject {name} is compared `against` itself: name another one"
        return None

    @property
    def served(self) -> Mapping[str, Model]:
        """Every model that can be asked, by name: `models`, `judges`, `subjects` of their own."""
        own = {name: each for name, each in self.subjects.items() if each.model is None}
        return {**self.models, **self.judges, **own}

    def model_of_subject(self, name: str) -> Model:
        """The model whose servers answer for a subject."""
        subject = self.subjects[name]
        return self.served[subject.model or name]

    def names_of_same(self, name: str) -> frozenset[str]:
        """All names of the model of this name, which can be in the catalogue twice.

        Of a name that is not in it any more, that one.
        """
        model = self.served.get(name)
        same = (each for each, other in self.served.items() if model and model.is_same_as(other))
        return frozenset({name, *same})

    def judge_of(self, model: str) -> Model:
        """The model that judges what a model of this name wrote."""
        return self.served[self.judging.judge or model]

    def judges_of(self, model: str) -> list[Model]:
        """The models that judge the phrases of what a model of this name wrote."""
        return [self.served[name] for name in self.judging.judges] or [self.judge_of(model)]

    def every_judge_of(self, model: str) -> list[Model]:
        """The judge of its samples, then the other judges of its phrases."""
        first = self.judge_of(model)
        return [first, *(judge for judge in self.judges_of(model) if judge.name != first.name)]

    def shards(self, source: str) -> list[str]:
        """Shard keys of one source, in the order of its rows, such as ``capybara-003``."""
        return [f"{source}-{index:03d}" for index in range(self.sources[source].shards)]

    @property
    def lane_shards(self) -> Mapping[str, list[str]]:
        """By lane, its shards where they are not those of the sources; they look like these."""
        return {}

    @property
    def upstream_files(self) -> list[UpstreamFile]:
        """Everything that is fetched, or read from a copy of what is published."""
        benches = [getattr(self.evaluation, name) for name in BENCHES]
        benches.append(self.evaluation.multifacet.calibration)
        evaluated = [each for each in benches if isinstance(each, Bench) and each.is_placed]
        return [*self.sources.values(), *self.benchmarks.values(), *evaluated]

    @property
    def github_files(self) -> list[GitHubFiles]:
        """Everything that is fetched from GitHub."""
        return [each.github for each in self.upstream_files if each.github]

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
            "subject": list(self.subjects),
            "training": list(self.trainings),
        }


def split_shard(shard: str) -> tuple[str, int]:
    """The name of a shard's source, and the position of the shard in it, from 0."""
    source, _, index = shard.rpartition("-")
    return source, int(index)
