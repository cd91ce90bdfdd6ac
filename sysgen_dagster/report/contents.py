"""The report put together: a section for each view, the headline figures, and what must be said."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from sysgen_dagster.analysis.tables import SOURCE_LENGTHS
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.lanes.sysgen.stories import Story
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, RETENTION
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.obedience.tables import JUDGED_PREFERENCES
from sysgen_dagster.report import drawing
from sysgen_dagster.report.page import Report, Section, Table
from sysgen_dagster.report.summaries import Statistics
from sysgen_dagster.report.views import VIEWS, View, over_all_and_by_source
from sysgen_dagster.sources.tables import CONVERSATIONS

_TITLE = "System messages, and answers that keep to them"


def build_contents(
    made_at: datetime,
    models: Sequence[Statistics],
    sources: Statistics,
    engines: Mapping[str, Sequence[str]],
    stories: Sequence[Story],
    notices: Sequence[str] = (),
) -> Report:
    """What the page shows of what is made; a statistic that is not says so in its section.

    Args:
        made_at: Now, to be printed.
        models: The statistics of each model that has finished a shard.
        sources: The statistics of no model.
        engines: By model, what served it, as stored in its rows.
        stories: The rows of the browser, arranged.
        notices: What else must be known before any figure is read.
    """
    return Report(
        title=_TITLE,
        made_at=f"{made_at:%d %B %Y, %H:%M %Z}".strip(),
        summary=_headline(models, sources),
        notices=[*notices, *_notices(engines, models)],
        sections=[_section(view, models if view.of_a_model else [sources]) for view in VIEWS],
        stories=stories,
        tags=TAG_NAMES,
        steps={
            CONVERSATIONS.name: "before Phase 1",
            **{phase.table.name: f"in Phase {phase.number}" for phase in PHASES},
        },
    )


def _headline(models: Sequence[Statistics], sources: Statistics) -> list[tuple[str, str]]:
    lengths = sources.read(SOURCE_LENGTHS)
    tiles = []
    if lengths is not None:
        tiles += [
            ("conversations", f"{lengths['conversations'].sum():,}"),
            ("sources", f"{lengths.height}"),
        ]
    for made in models:
        retention = made.read(RETENTION)
        if retention is not None:
            kept = retention.filter(table=ALIGNED.name, outcome="kept")
            tiles.append((f"new answers by {made.model}", f"{kept['conversations'].sum():,}"))
    return tiles


def _notices(engines: Mapping[str, Sequence[str]], models: Sequence[Statistics]) -> list[str]:
    notices = []
    simulated = [model for model, kinds in engines.items() if "simulated" in kinds]
    if simulated:
        notices.append(
            f"No model wrote these texts: they are made up ({', '.join(simulated)}: simulated) and "
            "fail as often as the paper's models did. The figures show that the pipeline counts "
            "right, not that a model is good."
        )
    for made in models:
        judged = made.read(JUDGED_PREFERENCES)
        if judged is None or judged.is_empty():
            continue
        if judged["judge_is_generator"].any():
            notices.append(
                f"{made.model} judged its own answers: take its judgements for what they are."
            )
        if "simulated" in judged["engine"] and made.model not in simulated:
            notices.append(f"The judge of {made.model} is simulated: its verdicts are made up.")
    if not drawing.available():
        notices.append("Charts are left out: pip install 'sysgen-dagster[report]' draws them.")
    if not models:
        notices.append("No model has finished a shard yet.")
    return notices


def _section(view: View, made: Sequence[Statistics]) -> Section:
    read = {each.model: view.read(each) for each in made}
    summaries = {model: summary for model, summary in read.items() if summary is not None}
    missing = [model or "the sources" for model in read if model not in summaries]
    note = (
        f"Missing or outdated for {', '.join(missing)}: materialize {view.table.name}."
        if missing
        else ""
    )
    if not summaries:
        return Section(view.title, view.lead, note=note or f"Materialize {view.table.name}.")
    together = pl.concat(
        summary.select(pl.lit(model).alias("model"), pl.all()) if view.of_a_model else summary
        for model, summary in summaries.items()
    )
    names = [each.model for each in made]
    drawn = view.draw if drawing.available() and not together.is_empty() else ()
    pictures = [drawing.svg(draw(together, names), view.title) for draw in drawn]
    return Section(view.title, view.lead, pictures, _tables(view, together), note)


_MOST_ROWS = 16  # of a table that a chart above it stands for


def _table(view: View, rows: pl.DataFrame, caption: str) -> Table:
    folded = bool(view.draw) and rows.height > _MOST_ROWS
    return Table(rows, caption, view.formats, folded)


def _tables(view: View, rows: pl.DataFrame) -> list[Table]:
    """One table; or that over all sources, and the others folded, where there are both."""
    short, by_source = over_all_and_by_source(rows)
    if by_source.is_empty():
        return [_table(view, rows, view.table.name)]
    return [
        _table(view, short, f"{view.table.name}, all sources"),
        Table(by_source, f"{view.table.name}, by source", view.formats, folded=True),
    ]
