"""README.md of a trained student: its base, what it learned, how, and the terms of all of that.

What stands there of the rows is read from the manifest of the export that was learned. Text that
comes from a catalogue is escaped, as on the card of an export.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from sysgen_dagster.catalog.recipes import Recipe, Rejected
from sysgen_dagster.catalog.students import Objective, Student, StudentTraining
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.students.card_scores import render_scores
from sysgen_dagster.students.checkpoints import Checkpoint, used_epoch
from sysgen_dagster.tables.rates import Rate
from sysgen_dagster.training_sets.export.card import has_model_text, license_fields
from sysgen_dagster.training_sets.export.layout import MODEL_COLUMNS, SOURCE_COLUMNS
from sysgen_dagster.training_sets.export.markdown import code, escape, markdown_table

CARD = "README.md"
_ON_THE_HUB = re.compile(r"[\w.-]+/[\w.-]+")
_OBJECTIVES = {
    Objective.SFT: "supervised fine-tuning on the marked messages of chats",
    Objective.DPO: "direct preference optimisation on preference pairs",
    Objective.ORPO: "odds ratio preference optimisation on preference pairs",
    Objective.REWARD: "training as a reward model on preference pairs",
}
# What a licence asks of a model that is made with what it covers, by how its name begins.
_TERMS = {
    "llama": "Its community licence wants the model's name to begin with “Llama”, and “Built with "
    "Llama” to be shown with it, where it is made available.",
    "gemma": "Gemma is provided under and subject to the Gemma Terms of Use found at "
    "ai.google.dev/gemma/terms; its use restrictions go on to the models made of it.",
    "cc-by-nc": "Not for commercial use.",
    "cc-by-sa": "What is made of it may have to be shared alike.",
    "unknown": "Nobody has said under which licence it is: find out before you pass the model on.",
}


def render_student_card(
    training: StudentTraining,
    student: Student,
    manifest: Mapping[str, Any],
    checkpoints: Sequence[Checkpoint],
    scores: Mapping[Suite, pl.DataFrame] | None = None,
) -> str:
    """The text of README.md for a trained student.

    Args:
        training: Its entry in the catalogue.
        student: The entry of its student.
        manifest: Of the export that it learned.
        checkpoints: Those that there are.
        scores: By suite, the rows of its comparison that are about this student.
    """
    models, sources = _learned(training, manifest)
    name = published_name(training.name, _licenses(student, models, sources))
    parts = [
        f"# {escape(name)}",
        *_warnings(models),
        *(["**Built with Llama.**"] if name.startswith("Llama") else []),
        f"{code(_shown_weights(student))} after {_OBJECTIVES[training.objective]}, made by "
        "sysgen-dagster with the method of [SysGen](https://arxiv.org/abs/2502.11330).",
        "## Terms",
        "What the model is made of, and under which licence that is:",
        markdown_table(_ingredients(student, models, sources), names=("what",)),
        *_terms(student, models, sources),
        *_before(training),
        "## Training",
        markdown_table(_settings(training, manifest), names=("value",)),
        *_use(training, student),
        "## Checkpoints",
        *_checkpoints(training, checkpoints),
        *render_scores(scores or {}),
    ]
    front = _front_matter(training, student, manifest, models, sources)
    head = yaml.safe_dump(front, sort_keys=False, width=math.inf, default_flow_style=None)
    return f"---\n{head}---\n\n" + "\n\n".join(parts) + "\n"


def published_name(name: str, licenses: set[str | None]) -> str:
    """The name that a student may be published under: beginning with Llama where one had a part.

    Args:
        name: Of the training.
        licenses: Of all that the student is made of.
    """
    if not any((each or "").startswith("llama") for each in licenses):
        return name
    return f"L{name[1:]}" if name.startswith("llama") else f"Llama-{name}"


def _learned(
    training: StudentTraining, manifest: Mapping[str, Any]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The models whose text was learned and the sources, of the training's configuration."""
    models = pl.DataFrame(manifest["models"], dict.fromkeys(MODEL_COLUMNS, pl.String()))
    sources = pl.DataFrame(manifest["sources"], dict.fromkeys(SOURCE_COLUMNS, pl.String()))
    if training.configuration:
        source, _, model = training.configuration.rpartition("--")
        models = models.filter(model=model)
        sources = sources.filter(source=source) if source else sources
    recipe = Recipe.model_validate(manifest["recipe"])
    return models if has_model_text(recipe) else models.clear(), sources


def _licenses(student: Student, models: pl.DataFrame, sources: pl.DataFrame) -> set[str | None]:
    return {student.license, *models["model_license"], *sources["source_license"]}


def _warnings(models: pl.DataFrame) -> Iterator[str]:
    if models.filter(engine="simulated").height:
        yield (
            "> **Not a model to use.** It learned made-up text that no model wrote, to try out the "
            "pipeline."
        )


def _ingredients(student: Student, models: pl.DataFrame, sources: pl.DataFrame) -> pl.DataFrame:
    base = (_shown_weights(student), "the base", student.revision, student.license)
    wrote = models.select("served_name", pl.lit("wrote answers"), "model_revision", "model_license")
    asked = sources.select(
        pl.coalesce("source_repo", "source"),
        pl.lit("data"),
        "source_revision",
        "source_license",
    )
    schema = ("what", "part", "revision", "licence")
    rows = [base, *wrote.iter_rows(), *asked.iter_rows()]
    return pl.DataFrame(rows, dict.fromkeys(schema, pl.String()), orient="row")


def _shown_weights(student: Student) -> str:
    """Their name on the Hub, or that of their folder, whose place is nobody's business."""
    return student.weights if _is_on_the_hub(student) else Path(student.weights).name


def _is_on_the_hub(student: Student) -> bool:
    return bool(_ON_THE_HUB.fullmatch(student.weights)) and not Path(student.weights).exists()


def _terms(student: Student, models: pl.DataFrame, sources: pl.DataFrame) -> Iterator[str]:
    licenses = sorted({each or "unknown" for each in _licenses(student, models, sources)})
    told = [
        f"- {code(each)}: {words}"
        for each in licenses
        for begin, words in _TERMS.items()
        if each.startswith(begin)
    ]
    if told:
        yield "\n".join(told)


def _before(training: StudentTraining) -> Iterator[str]:
    if training.starts_from:
        yield (
            f"It goes on from the training {code(training.starts_from)}: what that learned is on a "
            "card of its own, and its terms hold here, too."
        )


def _settings(training: StudentTraining, manifest: Mapping[str, Any]) -> pl.DataFrame:
    """One row a setting: ``setting``, ``value``."""
    said = training.model_dump(mode="json", exclude={"gpus", "trainer", "persona", "lora"})
    lora = training.lora
    values = {
        **said,
        "epoch": training.used_epoch,
        "rows": training.configuration or "all",
        "weights": f"adapters of rank {lora.rank}" if lora else "all, in float32",
    }
    if training.objective not in (Objective.DPO, Objective.ORPO):
        del values["beta"]
    shown = [(name, str(value)) for name, value in values.items() if value is not None]
    shown += [("export", str(manifest.get("sha256", "not known")))]
    return pl.DataFrame(shown, {"setting": pl.String(), "value": pl.String()}, orient="row")


def _use(training: StudentTraining, student: Student) -> Iterator[str]:
    with_it = "Serve it with"
    if training.objective is Objective.REWARD:
        with_it = "Score with it under"
        yield (
            "It writes nothing: it gives a chat that ends with an answer a score, the higher the "
            "more the answer would be preferred. Scores compare answers to one prompt, no prompts."
        )
    yield (
        f"{with_it} the chat template that lies among its files: it was trained under it"
        + ("." if student.has_system_role else ", and it takes no system messages.")
    )


def _checkpoints(training: StudentTraining, checkpoints: Sequence[Checkpoint]) -> Iterator[str]:
    if not checkpoints:
        yield "There are none yet."
        return
    yield markdown_table(
        pl.DataFrame(
            {
                "epoch": [each.epoch for each in checkpoints],
                "steps": [each.steps for each in checkpoints],
                "bytes": [each.bytes for each in checkpoints],
                "sha256": [each.sha256 for each in checkpoints],
            }
        ),
        names=("sha256",),
    )
    used = used_epoch(training, checkpoints)
    yield f"The model is the one of epoch {used}."
    rate = next((each.compared for each in checkpoints if each.epoch == used), Rate(0, 0))
    if rate.whole:
        low, high = rate.interval()
        yield (
            f"Of {rate.whole:,} pairs that were held out it scores the chosen answer higher in "
            f"{rate.share:.1%} (99 % interval {low:.1%} to {high:.1%}); chance is 50 %."
        )


def _front_matter(
    training: StudentTraining,
    student: Student,
    manifest: Mapping[str, Any],
    models: pl.DataFrame,
    sources: pl.DataFrame,
) -> dict[str, Any]:
    licenses = _licenses(student, models, sources)
    if Rejected.OTHER_SYSTEM_MESSAGE.value in manifest["recipe"]["rejected"]:
        licenses.add(None)  # of answers by other models, whose licences the rows do not name
    is_reward_model = training.objective is Objective.REWARD
    repos = sources["source_repo"].drop_nulls().unique().sort().to_list()
    upstream = [repo for repo in repos if _ON_THE_HUB.fullmatch(repo)]  # local ones are not
    return {
        **({"base_model": student.weights} if _is_on_the_hub(student) else {}),
        **license_fields(licenses, CARD),
        **({"datasets": upstream} if upstream else {}),
        "library_name": "transformers",
        "pipeline_tag": "text-classification" if is_reward_model else "text-generation",
        "tags": ["sysgen", "system-message", training.objective.value, "arxiv:2502.11330"],
    }
