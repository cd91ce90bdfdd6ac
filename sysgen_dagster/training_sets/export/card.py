"""README.md and LICENSE.md of an export: front matter that the Hub reads, text that people read.

Statements about the rows (repositories, revisions, licences, engines, counts) are read from the
rows that were written. Text that comes from a catalogue is escaped: a title cannot end the front
matter, open a heading or a link, or break a table.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import polars as pl
import yaml

from sysgen_dagster.catalog.recipes import Lane, Recipe, Rejected, Training, Variant
from sysgen_dagster.training_sets.export import layout
from sysgen_dagster.training_sets.export.layout import Contents
from sysgen_dagster.training_sets.export.templates import render_template
from sysgen_dagster.training_sets.export.trainers import describe_snippets
from sysgen_dagster.training_sets.reviewed import texts_of
from sysgen_dagster.training_sets.rows import WITHOUT_MODEL_TEXT

# https://huggingface.co/docs/hub/repositories-licenses: those that a source or a model may have.
# Any other licence is `other` for the Hub, with a name and a link.
_HUB_LICENSES = """
    apache-2.0 mit bsd bsd-2-clause bsd-3-clause isc unlicense wtfpl gpl gpl-2.0 gpl-3.0 lgpl-3.0
    agpl-3.0 mpl-2.0 zlib pddl gfdl cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nd-4.0
    cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 odc-by odbl c-uda cdla-sharing-1.0
    cdla-permissive-1.0 cdla-permissive-2.0 openrail gemma llama2 llama3 llama3.1 llama3.2 llama3.3
"""
# The numbers of rows between which the Hub's size categories lie, as the Hub writes them.
_SIZE_NAMES = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")
# Data sets whose authors say that the texts are output of OpenAI's models.
_WRITTEN_BY_OPENAI = (
    "jondurbin/airoboros-3.1",
    "microsoft/orca-math-word-problems-200k",
    "ise-uiuc/Magicoder-Evol-Instruct-110K",
    "meta-math/MetaMathQA",
)
_SHOWN_AS_CODE = (*layout.SOURCE_COLUMNS, *layout.MODEL_COLUMNS)
_VARIANTS: Mapping[Variant, str] = {
    Variant.SYSGEN: "the generated system message, the question, the new answer",
    Variant.ORIGINAL_ANSWER: "the generated system message, the question, the original answer",
    Variant.COMMON_SYSTEM_MESSAGE: "one system message for all rows, the question, the original "
    "answer",
    Variant.NO_SYSTEM_MESSAGE: "the question and the original answer, without a system message",
    Variant.EMPTY_SYSTEM_MESSAGE: "a system message that says nothing, the question and the "
    "original answer",
    Variant.USER_ROLE: "the generated system message at the start of the user turn, for models "
    "without a system role, and the new answer",
}
# Before their chats a chat template may put a system message of its own.
_BEGIN_WITH_USER = (Variant.NO_SYSTEM_MESSAGE, Variant.USER_ROLE)
# Of a model's own answers, in the second lane.
_OF_SIBLING = "the answer to the same instruction under another system message"
_REJECTED: Mapping[Rejected, str] = {
    Rejected.ORIGINAL_ANSWER: "the original answer, which was not written under the system message",
    Rejected.WORSE_ANSWER: "another answer that the model gave under the same system message, and "
    "which breaks a rule of it",
    Rejected.OTHER_SYSTEM_MESSAGE: "the answer that another model gave under a system message of "
    "its own",
    Rejected.FOLLOWED_USER: "an answer that does what a user asks for against the system message, "
    "as rules found, where the chosen one keeps to it",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A table of statistics on the card.

    Attributes:
        number_format: The format (of Python) of numbers that are not whole.
        said: What is to be known to read it, as Markdown of ours; empty: nothing.
    """

    title: str
    frame: pl.DataFrame
    number_format: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the card states that cannot be read from the rows.

    Attributes:
        recipe: The mixture's entry in the catalogue.
        training: How training rows were made.
        titles: Name of a source to its title in the catalogue.
        prompts: Name of a prompt to its fingerprint.
        version: Of this package.
        method: The label of the settings under which the rows were made; empty: not said.
        figures: Shown in this order.
        searched: Names of the benchmarks whose items were searched for; None: not known.
        languages: Two-letter codes of the questions' languages; none: the card has no such field.
        rejected: How many rows of the recipe's models and sources reviewers have rejected.
        decisions: Digest of the decisions of reviewers that the rows follow.
        missing: How many rows of the train split the recipe asks for that are not there.
    """

    recipe: Recipe
    training: Training
    titles: Mapping[str, str]
    prompts: Mapping[str, str]
    version: str
    method: str = ""
    figures: Sequence[Figure] = ()
    languages: Sequence[str] = ()
    searched: str | None = None
    rejected: int = 0
    decisions: str = "none"
    missing: int = 0


def render_card(contents: Contents, facts: CardFacts) -> str:
    """The text of README.md; the same contents and facts give the same text."""
    front = _front_matter(contents, facts)
    models, recipe = contents.models, facts.recipe
    is_simulated = pl.col("engine") == "simulated"
    is_llama = pl.col("model_license").str.starts_with("llama") & ~is_simulated
    catalog = {
        "mixtures": {contents.name: recipe.model_dump(mode="json", exclude_defaults=True)},
        "training": facts.training.model_dump(mode="json"),
    }
    body = render_template(
        "card.md.j2",
        names=_SHOWN_AS_CODE,
        contents=contents,
        facts=facts,
        variant=_VARIANTS[recipe.variant],
        title=front["pretty_name"],
        of_sets=_is_of_sets(recipe),
        rejected=[
            (kind.value, _OF_SIBLING if _is_of_sets(recipe) else _REJECTED[kind])
            for kind in recipe.rejected
        ],
        catalog=_as_yaml(catalog),
        prompts=pl.DataFrame(
            sorted(facts.prompts.items()), ["prompt", "fingerprint"], orient="row"
        ),
        counts=_counts(contents),
        configurations={
            name: files.rows(named=True) for name, files in contents.configurations().items()
        },
        sources=_add_titles(contents.sources, facts.titles),
        simulated=_names(models.filter(is_simulated)),
        of_openai=_names(contents.sources.filter(pl.col("source_repo").is_in(_WRITTEN_BY_OPENAI))),
        of_llama=_names(models.filter(is_llama)) if has_model_text(recipe) else [],
        license=front["license"],
        begins_with_user=recipe.variant in _BEGIN_WITH_USER and not contents.has_pairs,
        trained=contents.trained.value,
        new_answers=texts_of(recipe)[1],
        trainers=describe_snippets(contents, recipe),
    )
    return f"---\n{_as_yaml(front)}---\n\n{body}"


def render_licenses(contents: Contents, facts: CardFacts) -> str:
    """The text of LICENSE.md: which licence holds for which rows."""
    return render_template(
        "licenses.md.j2",
        names=_SHOWN_AS_CODE,
        contents=contents,
        sources=_add_titles(contents.sources, facts.titles),
        has_model_text=has_model_text(facts.recipe),
    )


def _as_yaml(value: Mapping[str, Any]) -> str:
    """In ASCII and without folded lines: no text in `value` can end a line or the front matter."""
    return yaml.safe_dump(value, sort_keys=False, width=math.inf, default_flow_style=None)


def _front_matter(contents: Contents, facts: CardFacts) -> dict[str, Any]:
    repos = contents.sources["source_repo"].drop_nulls().unique().sort().to_list()
    upstream = [repo for repo in repos if repo.count("/") == 1]  # on the Hub; others are not
    of_sets = _is_of_sets(facts.recipe)
    return {
        "pretty_name": f"{'Multifaceted' if of_sets else 'SysGen'}: {contents.name}",
        **_license_of(contents, facts.recipe),
        **({"language": list(facts.languages)} if facts.languages else {}),
        "task_categories": ["text-generation"],
        "size_categories": [size_category(contents.rows)],
        **({"source_datasets": upstream} if upstream else {}),
        "tags": [
            *(("multifaceted",) if of_sets else ("sysgen",)),
            *("synthetic", "system-message"),
            f"arxiv:{'2405.17977' if of_sets else '2502.11330'}",
            *(("preference", "dpo") if contents.has_pairs else ("sft",)),
        ],
        "configs": layout.build_configs(contents),
        "dataset_info": layout.build_dataset_info(contents),
    }


def _is_of_sets(recipe: Recipe) -> bool:
    """Whether the rows are of the second lane."""
    return recipe.lane is Lane.MULTIFACETED


def size_category(rows: int) -> str:
    """The Hub's name for so many rows: ``n<1K``, ``1K<n<10K``, ... ``n>1T``."""
    sizes = [10**exponent for exponent in range(3, 13)]
    between = [f"{low}<n<{high}" for low, high in pairwise(_SIZE_NAMES)]
    return ["n<1K", *between, "n>1T"][bisect_right(sizes, rows)]


def _license_of(contents: Contents, recipe: Recipe) -> dict[str, str]:
    licenses = {*contents.sources["source_license"]}
    if has_model_text(recipe):
        licenses |= {*contents.models["model_license"]}
    if contents.only_rejected_models:
        licenses.add(None)  # theirs, which the rows do not name
    return license_fields(licenses, "LICENSE.md")


def license_fields(licenses: Collection[str | None], link: str) -> dict[str, str]:
    """The front matter of what is under these licences: the only one, where the Hub knows it.

    Args:
        licenses: Names; None: one that is not known.
        link: The file that says more.
    """
    only = (next(iter(licenses)) or "") if len(licenses) == 1 else ""
    if only in _HUB_LICENSES.split():
        return {"license": only}
    name = re.sub(r"[^a-z0-9.]+", "-", only.lower()).strip("-")
    return {
        "license": "other",
        "license_name": name or "mixed-see-license-file",
        "license_link": link,
    }


def has_model_text(recipe: Recipe) -> bool:
    """Whether the rows of a recipe hold text that a model wrote."""
    return bool(recipe.rejected) or recipe.variant not in WITHOUT_MODEL_TEXT


def _names(rows: pl.DataFrame) -> list[str]:
    """The different names in the first column of `Contents.sources` or `Contents.models`."""
    return rows.to_series().unique(maintain_order=True).to_list()


def _add_titles(sources: pl.DataFrame, titles: Mapping[str, str]) -> pl.DataFrame:
    title = pl.Series("title", [titles.get(name) for name in sources["source"]], pl.String)
    return sources.select("source", title, pl.exclude("source"))


def _counts(contents: Contents) -> pl.DataFrame:
    """One row per source and model: ``source``, ``model``, and the rows in each split."""
    return (
        contents.files.pivot(
            "split", index=["source", "model"], values="rows", aggregate_function="sum"
        )
        .select("source", "model", *contents.splits)
        .fill_null(0)
    )
