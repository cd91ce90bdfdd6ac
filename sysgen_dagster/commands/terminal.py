"""Tables that `sysgen demo` prints: retention, tags, and one conversation in every phase."""

from collections.abc import Mapping

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sysgen_dagster.analysis.findings import COPIED_FROM_PROMPT, FINDINGS, summarize_findings
from sysgen_dagster.analysis.statistics import sum_counts
from sysgen_dagster.analysis.tables import QUALITY_COUNTS
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.commands.printing import add_lines, new_table
from sysgen_dagster.commands.run.rows import story_lines
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.counts import count_outcomes, summarize_retention, summarize_tags
from sysgen_dagster.lanes.sysgen.phases import LABELS, STEPS
from sysgen_dagster.lanes.sysgen.planted_faults import score_judge
from sysgen_dagster.lanes.sysgen.stories import Story, build_stories
from sysgen_dagster.lanes.sysgen.tables import (
    ALIGNED,
    ANNOTATED,
    PLANTED_FAULTS,
    RETENTION,
    TAG_COUNTS,
)
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, kept


def show_outcome(console: Console, catalog: Catalog, store: Store) -> None:
    """Print what became of every model's rows, then one conversation in every phase."""
    outcomes = {name: count_outcomes_of(catalog, store, name) for name in catalog.models}
    begun = {name: counts for name, counts in outcomes.items() if not counts.is_empty()}
    if begun:
        console.print(f"Settings of the method: {catalog.method.label}.", highlight=False)
        console.print(retention_table(catalog, begun))
    tagged = [name for name in catalog.models if store.holds(TAG_COUNTS, Partition(name))]
    if tagged:
        console.print(tag_table(catalog, store, tagged))
    for name in catalog.models:
        if store.holds(PLANTED_FAULTS, Partition(name)):
            score = score_judge(store.read(PLANTED_FAULTS, Partition(name)))
            console.print(f"{name} as judge of Phase 3 {score}.", highlight=False)
        if store.holds(QUALITY_COUNTS, Partition(name)):
            found = summarize_findings(store.read(QUALITY_COUNTS, Partition(name)))
            _print_copies(console, name, found)
    if all(model.engine is Engine.SIMULATED for model in catalog.models.values()):
        console.print(
            "The models are simulated: their texts are made up, their failure rates are set to the "
            "paper's. The figures show that the pipeline counts right, not that a model is good.",
            style="yellow",
        )
    if story := choose_story(catalog, store):
        console.print(Text(f"{story['id']} with {story['model']}", "bold"))
        console.print(story_lines(story, console.width))


def _print_copies(console: Console, model: str, found: pl.DataFrame) -> None:
    """Say how many messages are copied from the prompt, where those are more than expected."""
    copied, most = found.filter(finding=COPIED_FROM_PROMPT), FINDINGS[COPIED_FROM_PROMPT].most
    for rows, of_rows, share in copied.select("rows", "of_rows", "share").iter_rows():
        if share is not None and most is not None and share > most:
            console.print(
                f"{rows:,} of {of_rows:,} system messages by {model} are copied from the prompt "
                "and not written for their conversation: try the other preset of `method`, or "
                "another model.",
                style="red",
                highlight=False,
            )


def count_outcomes_of(catalog: Catalog, store: Store, model: str) -> pl.DataFrame:
    """`RETENTION` of all shards that the model began, those too that a broken contract stopped."""
    places = [Partition(model, each) for each in finished_shards(store, catalog, ANNOTATED, model)]
    return sum_counts(
        [
            RETENTION.empty(),
            *(
                count_outcomes(table, store.read(table, at, "source", "drop_reason"))
                for table in STEPS
                for at in places
                if store.holds(table, at)
            ),
        ]
    )


def retention_table(catalog: Catalog, outcomes: Mapping[str, pl.DataFrame]) -> Table:
    """One line per model and phase: rows in, kept, dropped by reason, beside Table 2.

    `outcomes` are `RETENTION` of each model that is shown.
    """
    table = new_table(
        "Conversations through the phases",
        words=("model", "phase"),
        numbers=("rows in", "kept", "share", "Table 2"),
        wrapped=("dropped by reason",),
    )
    for model, counts in outcomes.items():
        summary = summarize_retention(counts, catalog.models[model].published)
        rows = summary.select("table", "rows_in", "kept", "kept_share", "paper", "dropped").rows()
        add_lines(table, ((model, LABELS[phase], *cells) for phase, *cells in rows))
    table.caption = "share: of the conversations that phase 1 began with. Table 2: the paper's."
    table.caption_justify = "left"
    return table


def tag_table(catalog: Catalog, store: Store, models: list[str]) -> Table:
    """One line per model and tag: messages that hold it, beside Table 8."""
    table = new_table(
        "Messages that hold each tag",
        words=("model", "tag"),
        numbers=("after phase 2", "share", "Table 8", "after phase 3", "share"),
    )
    for model in models:
        counts = store.read(TAG_COUNTS, Partition(model))
        summary = summarize_tags(counts, catalog.models[model].published)
        shown = ("tag", "filtered", "filtered_share", "paper", "verified", "verified_share")
        add_lines(table, ((model, *cells) for cells in summary.select(shown).iter_rows()))
    return table


def choose_story(catalog: Catalog, store: Store) -> Story | None:
    """One conversation that was kept in all phases; None without one.

    One from which Phase 3 removed a phrase is preferred, and then the shortest question.
    """
    for model in reversed(list(catalog.models)):
        for shard in finished_shards(store, catalog, ALIGNED, model):
            rows = StoredEvidence(store, (shard,), model)
            ids = kept(rows.read(ALIGNED, "conversation_id", "drop_reason"))["conversation_id"]
            if stories := build_stories([rows], model, set(ids)):
                return min(stories, key=lambda it: (not it["removed"], len(it["question"])))
    return None
