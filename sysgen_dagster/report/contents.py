"""The report put together: a section for each view, the headline figures, and the notices."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from sysgen_dagster.analysis.tables import SOURCE_LENGTHS
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.lanes.sysgen.planted_faults import score_judge
from sysgen_dagster.lanes.sysgen.stories import Story
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, PLANTED_FAULTS, RETENTION
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.obedience.tables import JUDGED_PREFERENCES
from sysgen_dagster.report import drawing
from sysgen_dagster.report.page import Report, Section, Table
from sysgen_dagster.report.view import Statistics, View, over_all_and_by_source
from sysgen_dagster.report.views import VIEWS
from sysgen_dagster.sources.tables import CONVERSATIONS

_MOST_ROWS = 16  # of a table that is open although a chart above it shows the same


def build_contents(
    made_at: datetime,
    models: Sequence[Statistics],
    sources: Statistics,
    simulated: Sequence[str],
    stories: Sequence[Story],
    notices: Sequence[str] = (),
    method: str = "",
) -> Report:
    """What the page shows of the stored tables; a section says which of its tables are missing.

    Args:
        made_at: When the report is made; printed.
        models: The statistics of each model that has finished a shard.
        sources: The statistics that belong to no model.
        simulated: The models whose rows came from the simulated server.
        stories: The rows of the browser, in their order.
        notices: What a reader must know before any figure, besides what this function finds.
        method: The label of the settings under which the rows are made; empty: not said.
    """
    return Report(
        title="System messages, and answers that keep to them",
        made_at=f"{made_at:%d %B %Y, %H:%M %Z}".strip(),
        summary=[*_headline(models, sources), *([("method", method)] if method else [])],
        notices=[*notices, *_notices(simulated, models)],
        sections=[_section(view, models, sources) for view in VIEWS],
        stories=stories,
        tags=TAG_NAMES,
        steps={
            CONVERSATIONS.name: "before Phase 1",
            **{phase.table.name: f"in Phase {phase.number}" for phase in PHASES},
        },
    )


def _headline(models: Sequence[Statistics], sources: Statistics) -> list[tuple[str, str]]:
    tiles = []
    if (lengths := sources.read(SOURCE_LENGTHS)) is not None:
        tiles.append(("conversations", f"{lengths['conversations'].sum():,}"))
        tiles.append(("sources", f"{lengths.height}"))
    for stats in models:
        if (retention := stats.read(RETENTION)) is not None:
            kept = retention.filter(table=ALIGNED.name, outcome="kept")["conversations"].sum()
            tiles.append((f"new answers by {stats.model}", f"{kept:,}"))
    return tiles


def _notices(simulated: Sequence[str], models: Sequence[Statistics]) -> list[str]:
    notices = []
    if simulated:
        notices.append(
            f"No model wrote these texts: they are made up ({', '.join(simulated)}: simulated) and "
            "fail as often as the paper's models did. The figures show that the pipeline counts "
            "right, not that a model is good."
        )
    for stats in models:
        notices += _notices_of_judges(stats, stats.model in simulated)
    if not drawing.available():
        notices.append("Charts are left out: pip install 'sysgen-dagster[report]' draws them.")
    if not models:
        notices.append("No model has finished a shard yet.")
    return notices


def _notices_of_judges(stats: Statistics, is_simulated: bool) -> list[str]:
    """What must be known of the model as Phase 3's judge, and of the judge of its answers."""
    notices = []
    planted, judged = stats.read(PLANTED_FAULTS), stats.read(JUDGED_PREFERENCES)
    if planted is not None and not (score := score_judge(planted)).is_useful:
        notices.append(f"{stats.model} as judge of Phase 3 {score}.")
    if judged is None:
        return notices
    if judged["judge_is_generator"].any():
        notices.append(
            f"{stats.model} judged its own answers; models favour their own, so its judgements "
            "may be too good."
        )
    if "simulated" in judged["engine"] and not is_simulated:
        notices.append(f"The judge of {stats.model} is simulated: its verdicts are made up.")
    return notices


def _section(view: View, models: Sequence[Statistics], sources: Statistics) -> Section:
    shown = models if view.is_by_model else [sources]
    read = [(stats.model, view.read(stats)) for stats in shown]
    summaries = [
        summary.select(pl.lit(model).alias("model"), pl.all()) if view.is_by_model else summary
        for model, summary in read
        if summary is not None
    ]
    missing = ", ".join(model or "the sources" for model, summary in read if summary is None)
    if not shown:
        missing = "every model"
    note = f"Missing or outdated for {missing}: materialize {view.table.name}." if missing else ""
    if not summaries:
        return Section(view.title, view.lead, note=note)
    rows = pl.concat(summaries)
    drawn = view.draw if drawing.available() and not rows.is_empty() else ()
    names = [stats.model for stats in models]
    charts = [drawing.svg(draw(rows, names), view.title) for draw in drawn]
    return Section(view.title, view.lead, charts, _tables(view, rows), note)


def _tables(view: View, rows: pl.DataFrame) -> list[Table]:
    """One table; or one over all sources and one by source, folded, where there are both."""
    over_all, by_source = over_all_and_by_source(rows)
    name, form = view.table.name, view.number_format
    is_folded = bool(view.draw) and over_all.height > _MOST_ROWS
    if by_source.is_empty():
        return [Table(over_all, name, form, is_folded)]
    return [
        Table(over_all, f"{name}, all sources", form, is_folded),
        Table(by_source, f"{name}, by source", form, folded=True),
    ]
