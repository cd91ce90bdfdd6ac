"""The report put together: what is shown of what, in which order, and the notices before it.

The order is that of a reader who has just made a training set: the set itself, rows of it, what
was dropped, how good the rest is, what it cost, and last how all that compares with the paper.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import polars as pl

from sysgen_dagster.analysis.obedience_counts import rate_obeyed
from sysgen_dagster.analysis.tables import OBEDIENCE_COUNTS, SOURCE_LENGTHS
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.lanes.sysgen.planted_faults import score_judge
from sysgen_dagster.lanes.sysgen.stories import Story
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, PLANTED_FAULTS, RETENTION
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.obedience.calibration import Kind
from sysgen_dagster.obedience.tables import (
    JUDGE_CALIBRATION,
    JUDGED_ALIGNMENT,
    JUDGED_PREFERENCES,
)
from sysgen_dagster.obedience.worth import mark_judges, say_who_wrote
from sysgen_dagster.report import drawing
from sysgen_dagster.report.costs import build_costs
from sysgen_dagster.report.kept_rows import KEPT_ROWS, begin_with_kept, is_kept
from sysgen_dagster.report.page import Report, Section, Table
from sysgen_dagster.report.pictures import draw_pictures
from sysgen_dagster.report.score_summaries import find_notices
from sysgen_dagster.report.second_lane import SecondLane, build_headline, build_sections
from sysgen_dagster.report.summaries import summarize_drops
from sysgen_dagster.report.training_set import TrainingSet
from sysgen_dagster.report.view import (
    Part,
    Statistics,
    View,
    beside_paper,
    over_all_and_by_source,
    with_titles,
    without_paper,
)
from sysgen_dagster.report.views import VIEWS
from sysgen_dagster.sources.tables import CONVERSATIONS

# The tables that say of each verdict whether the judge also wrote what it judged.
_JUDGED = (JUDGED_PREFERENCES, JUDGED_ALIGNMENT, OBEDIENCE_COUNTS)
_MOST_ROWS = 16  # of a table that is open although a chart above it shows the same

# By table, when a row that it drops is dropped.
METHOD_STEPS = {
    CONVERSATIONS.name: "before Phase 1",
    **{phase.table.name: f"in Phase {phase.number}" for phase in PHASES},
}


def build_contents(
    made_at: datetime,
    models: Sequence[Statistics],
    sources: Statistics,
    simulated: Sequence[str],
    stories: Sequence[Story],
    notices: Sequence[str] = (),
    method: str = "",
    training_sets: Sequence[TrainingSet] = (),
    costs: pl.DataFrame | None = None,
    second_lane: SecondLane | None = None,
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
        training_sets: What is exported.
        costs: `analysis.costs.COSTS` after a column ``model``, where that is known.
        second_lane: What is stored of it; None where the deployment does not have it.
    """
    lane = second_lane or SecondLane()
    return Report(
        title="System messages, and answers that keep to them",
        made_at=f"{made_at:%d %B %Y, %H:%M %Z}".strip(),
        summary=[
            *_headline(models, sources),
            *build_headline(lane),
            *([("method", method)] if method else []),
        ],
        notices=[
            *notices,
            *_notices([*dict.fromkeys((*simulated, *lane.simulated))], models, lane),
        ],
        training_sets=training_sets,
        notices_of={
            Part.QUALITY.value: [
                notice
                for stats in models
                for notice in _notices_of_judges(stats, stats.model in simulated)
            ],
            Part.STUDENTS.value: find_notices(sources),
        },
        sections=[*_of_ours(models, sources, costs, lane), *_beside_paper(models, sources)],
        stories=begin_with_kept(stories),
        kept_rows=min(KEPT_ROWS, sum(map(is_kept, stories))),
        tags=TAG_NAMES,
        steps=METHOD_STEPS,
    )


def _headline(models: Sequence[Statistics], sources: Statistics) -> list[tuple[str, str]]:
    tiles = []
    for stats in models:
        if (retention := stats.read(RETENTION)) is not None:
            kept = retention.filter(table=ALIGNED.name, outcome="kept")["conversations"].sum()
            tiles.append((f"rows kept of {stats.model}", f"{kept:,} of {_asked(retention):,}"))
        tiles += _obeyed(stats)
    if (lengths := sources.read(SOURCE_LENGTHS)) is not None:
        tiles.append(("conversations in the sources", f"{lengths['conversations'].sum():,}"))
        if lengths.height > 1:
            tiles.append(("sources", f"{lengths.height}"))
    return tiles


def _obeyed(stats: Statistics) -> list[tuple[str, str]]:
    """How many of the decided phrases are obeyed, and who decided; nothing where nobody did."""
    counts = stats.read(OBEDIENCE_COUNTS)
    if counts is None or not (rate := rate_obeyed(counts)).whole:
        return []
    judges = mark_judges(counts["by"].unique(), Kind.PHRASE, stats.read(JUDGE_CALIBRATION))
    who = " and ".join(["rules", *judges.values()])
    if counts["judge_is_generator"].any():
        who += say_who_wrote([*judges])
    return [(f"phrases that {stats.model} obeys, of those decided by {who}", f"{rate.share:.1%}")]


def _asked(retention: pl.DataFrame) -> int:
    """How many conversations Phase 1 began with."""
    begun = retention.filter(pl.col("outcome") != NoAnswer.BEYOND_LIMIT.value, table=ANNOTATED.name)
    return int(begun["conversations"].sum())


def _notices(simulated: Sequence[str], models: Sequence[Statistics], lane: SecondLane) -> list[str]:
    notices = []
    if simulated:
        notices.append(
            f"No model wrote these texts: they are made up ({', '.join(simulated)}: simulated) and "
            "fail as often as real models did. The figures show that the pipeline counts right, "
            "not that a model is good."
        )
    if not drawing.available():
        notices.append("Charts are left out: pip install 'sysgen-dagster[report]' draws them.")
    if not models and not lane.models:
        notices.append("No model has finished a shard yet.")
    return notices


def _notices_of_judges(stats: Statistics, is_simulated: bool) -> list[str]:
    """What must be known of the model as Phase 3's judge, and of the judge of its answers."""
    notices = []
    planted = stats.read(PLANTED_FAULTS)
    if planted is not None and not (score := score_judge(planted)).is_useful:
        notices.append(f"{stats.model} as judge of Phase 3 {score}.")
    stored = [table for each in _JUDGED if (table := stats.read(each)) is not None]
    if any(table["judge_is_generator"].any() for table in stored):
        notices.append(
            f"{stats.model} judged its own answers; models favour their own, so its judgements "
            "may be too good."
        )
    engines = [table["engine"] for table in stored if "engine" in table.columns]
    if any("simulated" in each for each in engines) and not is_simulated:
        notices.append(f"The judge of {stats.model} is simulated: its verdicts are made up.")
    return notices


def _of_ours(
    models: Sequence[Statistics],
    sources: Statistics,
    costs: pl.DataFrame | None,
    lane: SecondLane,
) -> Iterator[Section]:
    """The sections with figures of ours, and last one that names those of which there are none."""
    parts = [part for part in Part if part is not Part.PAPER]
    sections = [each for part in parts for each in _sections(part, models, sources, costs, lane)]
    yield from (section for section in sections if section.tables or section.rows)
    # Who evaluates no students need not be told of it.
    named = [each for each in sections if each.part is not Part.STUDENTS]
    missing = [
        (section.title, section.note) for section in named if section.note and not section.tables
    ]
    if missing:
        yield Section(
            "Not looked at yet",
            "Each is an asset in the UI, which `sysgen ui` opens; the report shows what is there.",
            tables=[Table(pl.DataFrame(missing, ["figures", "what to do"], orient="row"), "")],
        )


def _sections(
    part: Part,
    models: Sequence[Statistics],
    sources: Statistics,
    costs: pl.DataFrame | None,
    lane: SecondLane,
) -> Iterator[Section]:
    """The sections of a part with figures of ours alone."""
    if part is Part.COST and costs is not None and not costs.is_empty():
        yield build_costs(costs)
    if part is Part.SECOND_LANE:
        yield from build_sections(lane)
    if part is Part.DROPPED and not (drops := _drops(models)).is_empty():
        yield Section(
            "Reasons",
            "Every row that did not get through, by the phase that dropped it.",
            tables=[Table(drops, "dropped rows")],
            part=part,
        )
    yield from (_section(view, models, sources) for view in VIEWS if view.part is part)


def _drops(models: Sequence[Statistics]) -> pl.DataFrame:
    """`summarize_drops` of each model; the model is named where there are several."""
    stored = [(stats.model, stats.read(RETENTION)) for stats in models]
    found = [
        with_titles(summarize_drops(outcomes)).select(pl.lit(model).alias("model"), pl.all())
        for model, outcomes in stored
        if outcomes is not None
    ]
    drops = pl.concat(found) if found else pl.DataFrame()
    return drops if len(found) != 1 else drops.drop("model")


def _section(view: View, models: Sequence[Statistics], sources: Statistics) -> Section:
    """What is stored of a view, without the paper's figures."""
    shown = models if view.is_by_model else [sources]
    read = [(stats.model, view.read(stats)) for stats in shown]
    missing = ", ".join(model or "the sources" for model, summary in read if summary is None)
    if not shown:
        missing = "every model"
    note = f"Missing or outdated for {missing}: materialize {view.table.name}." if missing else ""
    rows = _rows_of(view, read)
    if rows is None:
        return Section(view.title, view.lead, note=note, part=view.part)
    ours = without_paper(rows.filter(view.of_ours))
    charts = draw_pictures(view.draw, ours, _names(models), view.title)
    return Section(view.title, view.lead, charts, _tables(view, ours), note, view.part)


def _beside_paper(models: Sequence[Statistics], sources: Statistics) -> Iterator[Section]:
    """A section for each table of the paper that has a figure of one of these models or sources."""
    for view in sorted(VIEWS, key=lambda each: each.part is not Part.PAPER):
        shown = models if view.is_by_model else [sources]
        rows = _rows_of(view, [(stats.model, view.read(stats)) for stats in shown])
        if rows is None or not (view.published_in or view.part is Part.PAPER):
            continue
        known = rows if view.part is Part.PAPER else beside_paper(rows)
        if known.is_empty():
            continue
        title = f"{view.published_in}: {view.title}" if view.published_in else view.title
        text = view.on_paper or (view.lead if view.part is Part.PAPER else "")
        charts = draw_pictures(view.draw, known, _names(models), title)
        yield Section(title, text, charts, _tables(view, known), part=Part.PAPER)


def _rows_of(view: View, read: Sequence[tuple[str, pl.DataFrame | None]]) -> pl.DataFrame | None:
    """The short tables of all models below each other; None where there is none."""
    summaries = [
        summary.select(pl.lit(model).alias("model"), pl.all()) if view.is_by_model else summary
        for model, summary in read
        if summary is not None
    ]
    # Of one model a share may be corrected, and of another one not.
    return with_titles(pl.concat(summaries, how="diagonal")) if summaries else None


def _names(models: Sequence[Statistics]) -> list[str]:
    return [stats.model for stats in models]


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
