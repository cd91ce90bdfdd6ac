"""Tables that `sysgen demo` prints: retention, tags, and one conversation in every phase."""

import math

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.commands.printing import new_table
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.counts import summarize_retention, summarize_tags
from sysgen_dagster.lanes.sysgen.phases import LABELS
from sysgen_dagster.lanes.sysgen.stories import Story, build_stories
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, RETENTION, TAG_COUNTS
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, kept

_LONGEST_TEXT = 700  # characters of a text that are printed


def show_outcome(console: Console, catalog: Catalog, store: Store) -> None:
    """Print the tables of every model that has statistics, then one conversation in every phase."""
    models = [name for name in catalog.models if store.holds(RETENTION, Partition(name))]
    if models:
        console.print(f"Settings of the method: {catalog.method.label}.", highlight=False)
        console.print(retention_table(catalog, store, models))
        console.print(tag_table(catalog, store, models))
    if all(model.engine is Engine.SIMULATED for model in catalog.models.values()):
        console.print(
            "The models are simulated: their texts are made up, their failure rates are set to the "
            "paper's. The figures show that the pipeline counts right, not that a model is good.",
            style="yellow",
        )
    if panel := conversation_panel(catalog, store):
        console.print(panel)


def retention_table(catalog: Catalog, store: Store, models: list[str]) -> Table:
    """One line per model and phase: rows in, kept, dropped by reason, beside Table 2."""
    table = new_table(
        "Conversations through the phases",
        words=("model", "phase"),
        numbers=("rows in", "kept", "share", "Table 2"),
        wrapped=("dropped by reason",),
    )
    for model in models:
        counts = store.read(RETENTION, Partition(model))
        for row in summarize_retention(counts, catalog.models[model].published).iter_rows(
            named=True
        ):
            table.add_row(
                model,
                LABELS[row["table"]],
                f"{row['rows_in']:,}",
                f"{row['kept']:,}",
                _percent(row["kept_share"]),
                _percent(row["paper"]),
                row["dropped"],
                end_section=row["table"] == ALIGNED.name,
            )
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
        for row in summarize_tags(counts, catalog.models[model].published).iter_rows(named=True):
            table.add_row(
                model,
                row["tag"],
                f"{row['filtered']:,}",
                _percent(row["filtered_share"]),
                _percent(row["paper"]),
                f"{row['verified']:,}",
                _percent(row["verified_share"]),
                end_section=row["tag"] == TAG_NAMES[-1],
            )
    return table


def conversation_panel(catalog: Catalog, store: Store) -> Panel | None:
    """One conversation that was kept in all phases; None without one.

    One from which Phase 3 removed a phrase is preferred, and then the shortest question.
    """
    for model in reversed(list(catalog.models)):
        for shard in finished_shards(store, catalog, ALIGNED, model):
            rows = StoredEvidence(store, (shard,), model)
            ids = kept(rows.read(ALIGNED, "conversation_id", "drop_reason"))["conversation_id"]
            if stories := build_stories([rows], model, set(ids)):
                return _panel(min(stories, key=lambda it: (not it["removed"], len(it["question"]))))
    return None


def _panel(story: Story) -> Panel:
    verdicts = "   ".join(f"{each['tag']}: {each['verdict']}" for each in story["verdicts"])
    removed = "; ".join(f"{each['tag']} ({each['verdict']})" for each in story["removed"])
    parts = {
        "Question": story["question"],
        "Original answer": story["answer"],
        "Phase 1, as the model wrote it": story["annotated_message"],
        "Phase 2, well-formed tags in canonical order": story["tagged_message"],
        "Phase 3, verdicts": f"{verdicts}\nremoved: {removed or 'nothing'}",
        "Phase 4, the system message": story["system_message"],
        "Phase 4, the new answer": story["new_answer"],
    }
    lines = [
        Group(Text(title, style="bold"), Text(f"{_cut(text)}\n")) for title, text in parts.items()
    ]
    return Panel(Group(*lines), title=f"{story['id']} with {story['model']}", title_align="left")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} ..."


def _percent(share: float | None) -> str:
    return "" if share is None or math.isnan(share) else f"{share:.1%}"
