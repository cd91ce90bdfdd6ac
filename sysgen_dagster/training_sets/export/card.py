"""README.md and LICENSE.md of an export: front matter that the Hub reads, text that people read.

What is said of the rows (repositories, revisions, licences, engines, counts) is read off the rows
that were written. Text that comes from a catalogue is escaped: a title cannot end the front
matter, open a heading or a link, or break a table.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
import yaml

from sysgen_dagster.catalog.recipes import Recipe, Rejected, Training, Variant
from sysgen_dagster.training_sets.export.layout import Contents, configs, dataset_info
from sysgen_dagster.training_sets.export.markdown import Format, code, escape, markdown_table
from sysgen_dagster.training_sets.export.trainers import describe_snippets

_TEMPLATE = Path(__file__).with_name("card.md.j2")


# https://huggingface.co/docs/hub/repositories-licenses: those that a source or a model may have.
# Any other one is `other`, with a name and a link.
_HUB_LICENSES = frozenset(
    {
        *("apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "isc", "unlicense", "wtfpl"),
        *("gpl", "gpl-2.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "mpl-2.0", "zlib", "pddl", "gfdl"),
        *("cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nd-4.0"),
        *("cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0"),
        *("cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"),
        *("odc-by", "odbl", "c-uda", "cdla-sharing-1.0", "cdla-permissive-1.0"),
        *("cdla-permissive-2.0", "openrail", "gemma", "llama2", "llama3", "llama3.1"),
        *("llama3.2", "llama3.3"),
    }
)
# Below each of these numbers of rows lies one size category of the Hub.
_SIZES = [10**exponent for exponent in range(3, 13)]
_SIZE_NAMES = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")

# Whose texts are, by their authors' own account, the output of models of OpenAI.
_OF_OPENAI = frozenset(
    {
        "jondurbin/airoboros-3.1",
        "microsoft/orca-math-word-problems-200k",
        "ise-uiuc/Magicoder-Evol-Instruct-110K",
        "meta-math/MetaMathQA",
    }
)
# Columns of names, shown as code.
_NAMES = (
    *("source", "source_repo", "source_revision", "source_license"),
    *("model", "served_name", "model_revision", "model_license", "engine"),
)
_VARIANTS: Mapping[Variant, str] = {
    Variant.SYSGEN: "the generated system message, the question, the new answer",
    Variant.ORIGINAL_ANSWER: "the generated system message, the question, the original answer",
    Variant.COMMON_SYSTEM_MESSAGE: "one system message for all rows, the question, the original "
    "answer",
    Variant.NO_SYSTEM_MESSAGE: "the question and the original answer, without a system message",
    Variant.USER_ROLE: "the generated system message at the start of the user turn, for models "
    "without a system role, and the new answer",
}
_REJECTED: Mapping[Rejected, str] = {
    Rejected.ORIGINAL_ANSWER: "the original answer, which knows nothing of the system message",
    Rejected.OTHER_SYSTEM_MESSAGE: "the answer that another model gave under a system message of "
    "its own",
}
# Rows of these hold nothing that a model of the pipeline wrote; it only chose the conversations.
_WITHOUT_MODEL_TEXT = frozenset({Variant.COMMON_SYSTEM_MESSAGE, Variant.NO_SYSTEM_MESSAGE})


@dataclass(frozen=True, slots=True)
class Figure:
    """A table of the card.

    Attributes:
        formats: Of columns whose numbers are not to be shown as a count (whole numbers) or with
            one decimal.
    """

    title: str
    frame: pl.DataFrame
    formats: Mapping[str, Format] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the card says beside what the rows do.

    Attributes:
        titles: Of the sources, as the catalogue has them.
        prompts: Name of a prompt to its fingerprint.
        version: Of the package.
        languages: Two-letter codes of the questions' languages; none: not said.
        commands: Shell lines that make this export from the catalogue.
    """

    recipe: Recipe
    training: Training
    titles: Mapping[str, str]
    prompts: Mapping[str, str]
    version: str
    figures: Sequence[Figure] = ()
    languages: Sequence[str] = ("en",)
    commands: Sequence[str] = ()


def render_card(contents: Contents, facts: CardFacts) -> str:
    """README.md; the same contents and facts give the same text."""
    front = _as_yaml(_front_matter(contents, facts))
    body = _render(
        _TEMPLATE.read_text(encoding="utf-8"),
        contents=contents,
        facts=facts,
        variant=_VARIANTS[facts.recipe.variant],
        rejected=[(kind.value, _REJECTED[kind]) for kind in facts.recipe.rejected],
        recipe=_as_yaml(
            {contents.name: facts.recipe.model_dump(mode="json", exclude_defaults=True)}
        ),
        training=_as_yaml({"training": facts.training.model_dump(mode="json")}),
        prompts=pl.DataFrame(
            sorted(facts.prompts.items()), ["prompt", "fingerprint"], orient="row"
        ),
        counts=_counts(contents),
        configurations=contents.configurations(),
        sources=_with_titles(contents, facts),
        models=contents.models,
        simulated=_names(contents, "model", pl.col("engine") == "simulated"),
        of_openai=_names(contents, "source", pl.col("source_repo").is_in(_OF_OPENAI)),
        of_llama=_llamas(contents, facts),
        license=_license(contents, facts),
        strangers=_strangers(contents),
        trainers=describe_snippets(contents),
    )
    return f"---\n{front}---\n\n{body}"


def render_licenses(contents: Contents, facts: CardFacts) -> str:
    """LICENSE.md: which licence holds for which rows."""
    return _render(
        _LICENSES,
        sources=_with_titles(contents, facts),
        models=contents.models,
        strangers=_strangers(contents),
        model_text=_holds_model_text(facts),
    )


_LICENSES = """\
# Licences

Every row has the licence of the data set it was made from (column `source_license`)\
{% if model_text %} and, for the
text that a model wrote, the terms of that model (column `model_license`){% endif %}.

{{ sources | table(names=names) }}
{% if model_text %}

{{ models | table(names=names) }}
{% endif %}
{% if strangers %}

Rejected answers of {{ strangers | map("code") | join(", ") }} have the terms of those models too.
{% endif %}
"""


class _Plain(yaml.SafeDumper):
    """Writes what is said twice twice: anchors are more YAML than every reader of cards knows."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _as_yaml(value: Mapping[str, Any]) -> str:
    """In ASCII, without folded lines: no sign of `value` can end a line or the front matter."""
    return yaml.dump(
        dict(value),
        Dumper=_Plain,
        sort_keys=False,
        width=math.inf,
        default_flow_style=None,
    )


def _front_matter(contents: Contents, facts: CardFacts) -> dict[str, Any]:
    preferences = contents.preferences
    repos = contents.sources["source_repo"].drop_nulls().unique().sort().to_list()
    return {
        "pretty_name": f"SysGen: {contents.name}",
        "license": _license(contents, facts),
        **_license_details(contents, facts),
        **({"language": list(facts.languages)} if facts.languages else {}),
        "task_categories": ["text-generation"],
        "size_categories": [size_category(contents.rows)],
        **({"source_datasets": upstream} if (upstream := [r for r in repos if "/" in r]) else {}),
        "tags": [
            *("sysgen", "synthetic", "system-message", "arxiv:2502.11330"),
            *(("preference", "dpo") if preferences else ("sft",)),
        ],
        "configs": configs(contents),
        "dataset_info": dataset_info(contents),
    }


def size_category(rows: int) -> str:
    """As the Hub names it: ``n<1K``, ``1K<n<10K``, ... ``n>1T``."""
    place = bisect_right(_SIZES, rows)
    if place == 0:
        return "n<1K"
    if place == len(_SIZES):
        return "n>1T"
    return f"{_SIZE_NAMES[place - 1]}<n<{_SIZE_NAMES[place]}"


def _licenses(contents: Contents, facts: CardFacts) -> list[str | None]:
    held = [contents.sources["source_license"]]
    if _holds_model_text(facts):
        held.append(contents.models["model_license"])
    return pl.concat(held).unique().sort().to_list()


def _holds_model_text(facts: CardFacts) -> bool:
    return bool(facts.recipe.rejected) or facts.recipe.variant not in _WITHOUT_MODEL_TEXT


def _license(contents: Contents, facts: CardFacts) -> str:
    """The one licence of all sources and models when the Hub knows it, else ``other``."""
    licenses = _licenses(contents, facts)
    one = licenses[0] if len(licenses) == 1 else None
    return one if one in _HUB_LICENSES and not _strangers(contents) else "other"


def _strangers(contents: Contents) -> list[str]:
    """Models that wrote rejected answers and nothing else: the rows do not hold their licences."""
    return sorted(set(contents.rejected_models) - set(contents.models["model"]))


def _license_details(contents: Contents, facts: CardFacts) -> dict[str, str]:
    if _license(contents, facts) != "other":
        return {}
    licenses = _licenses(contents, facts)
    one = re.sub(r"[^a-z0-9.]+", "-", (licenses[0] or "").lower()).strip("-")
    is_one = one and len(licenses) == 1 and not _strangers(contents)
    name = one if is_one else "mixed-see-license-file"
    return {"license_name": name, "license_link": "LICENSE.md"}


def _llamas(contents: Contents, facts: CardFacts) -> list[str]:
    of_llama = pl.col("model_license").str.starts_with("llama") & (pl.col("engine") != "simulated")
    return _names(contents, "model", of_llama) if _holds_model_text(facts) else []


def _names(contents: Contents, column: str, where: pl.Expr) -> list[str]:
    frame = contents.sources if column == "source" else contents.models
    return frame.filter(where)[column].unique().sort().to_list()


def _with_titles(contents: Contents, facts: CardFacts) -> pl.DataFrame:
    titles = [facts.titles.get(source) for source in contents.sources["source"]]
    title = pl.Series("title", titles, dtype=pl.String)
    return contents.sources.select("source", title, pl.exclude("source"))


def _counts(contents: Contents) -> pl.DataFrame:
    """Rows of every source and model, a column a split."""
    rows: dict[tuple[str, str], dict[str, int]] = {}
    for cell, files in contents.files.items():
        of_cell = rows.setdefault((cell.source, cell.model), dict.fromkeys(contents.splits, 0))
        of_cell[cell.split] += sum(file.rows for file in files)
    return pl.DataFrame(
        [{"source": source, "model": model, **of} for (source, model), of in rows.items()]
    )


def _render(template: str, **values: Any) -> str:
    environment = jinja2.Environment(
        autoescape=False,  # noqa: S701 - Markdown, not HTML: `text` and `code` escape for it
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(text=escape, code=code, table=markdown_table)
    return environment.from_string(template).render(names=_NAMES, **values)
