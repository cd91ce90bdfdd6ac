"""The part of the report on the second lane: counts, pictures, figures beside the paper's, rows.

The lane has a paper of its own, whose figures stand here: `Part.PAPER` is of the first lane's.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import polars as pl

from sysgen_dagster.lanes.multifaceted import counts
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
)
from sysgen_dagster.report.charts import draw_bars
from sysgen_dagster.report.page import Section, Table
from sysgen_dagster.report.pictures import Draw, draw_pictures
from sysgen_dagster.report.set_charts import draw_lengths, draw_subdimensions
from sysgen_dagster.report.view import Part
from sysgen_dagster.tables.table import kept
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS

_FIGURE = ",.6g"  # of figures that are whole but for a few
_Rows = Mapping[str, pl.DataFrame]  # by model


@dataclass(frozen=True, slots=True)
class SecondLane:
    """What is stored of the second lane.

    Attributes:
        models: By model that has finished a shard of some table: by table, its shards.
        selection: ``source`` and ``drop_reason`` of the selection; None where it is not stored.
        stories: `lanes.multifaceted.stories` of a few instructions.
        simulated: The models whose rows came from the simulated server.
    """

    models: Mapping[str, counts.Shards] = field(default_factory=dict)
    selection: pl.DataFrame | None = None
    stories: Sequence[Mapping[str, Any]] = ()
    simulated: Sequence[str] = ()


def build_headline(lane: SecondLane) -> Iterator[tuple[str, str]]:
    """Name and value of the figures at the top of the page."""
    for model, shards in lane.models.items():
        if GOLD_ANSWERS in shards:
            [sets] = counts.count_outcomes({PREFERENCE_SETS: shards[PREFERENCE_SETS]})["rows"]
            [rows] = counts.count_outcomes({GOLD_ANSWERS: shards[GOLD_ANSWERS]})["kept"]
            yield f"rows of the second lane by {model}", f"{rows:,} of {sets:,}"


def build_sections(lane: SecondLane) -> Iterator[Section]:
    """The sections of the part, as far as something is stored of each."""
    if lane.selection is not None:
        yield _section(
            "Which instructions are taken",
            "Of every source what its rows ask first, each text once, as many as the catalogue "
            "says; the others with the reason why not.",
            {"": counts.count_by_source(lane.selection)},
            "selection",
        )
    yield _section(
        "From instructions to pairs",
        "What each step kept of the rows that it was given, and why the others went. A set is one "
        "of several of its instruction; each pair is judged in both orders.",
        {model: counts.count_outcomes(shards) for model, shards in lane.models.items()},
        "steps",
        partial(draw_bars, y="step", x="kept_share", title="share of the step's rows that is kept"),
    )
    about = _of_each(lane, PREFERENCE_SETS, counts.count_subdimensions)
    messages = _of_each(lane, PREFERENCE_MESSAGES, counts.measure_messages)
    yield _beside_paper(lane, about, messages)
    yield _section(
        "What preferences are about",
        "The share of the kept sets with a preference in each subdimension. Which ones a set is "
        "about is drawn: they differ by chance, and by the sets that were dropped.",
        about,
        "subdimensions",
        draw_subdimensions,
        folded=True,
    )
    yield _section(
        "How long messages are",
        "Characters of the kept system messages. Dashed: the shortest and the longest one of the "
        "benchmark of Janus' paper.",
        {model: counts.count_lengths(rows) for model, rows in messages.items()},
        "message lengths",
        draw_lengths,
        folded=True,
    )
    yield _show_rows(lane)


def _show_rows(lane: SecondLane) -> Section:
    return Section(
        "Instructions, their messages and answers",
        "A few instructions with all of their preference sets: what is preferred, the message that "
        "asks for it, and the beginning of the answer under it.",
        rows=lane.stories,
        part=Part.SECOND_LANE,
    )


def _of_each(
    lane: SecondLane, table: Any, count: Callable[..., pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    """What is counted in the shards of a table, by model that has some."""
    return {model: count(shards[table]) for model, shards in lane.models.items() if table in shards}


def _beside_paper(lane: SecondLane, about: _Rows, messages: _Rows) -> Section:
    compared = {
        model: counts.compare_with_paper(
            shards[GOLD_ANSWERS], about[model], messages[model], _count_pairs(shards)
        )
        for model, shards in lane.models.items()
        if GOLD_ANSWERS in shards
    }
    return _section(
        "Beside the Multifaceted Collection",
        "What is stored, beside what Janus' paper (arXiv 2405.17977) and the cards of its data "
        "sets say. Its lengths are of the messages of its benchmark; nobody has judged its pairs.",
        compared,
        "figures",
        form=_FIGURE,
    )


def _count_pairs(shards: counts.Shards) -> int | None:
    stored = shards.get(MULTIFACETED_PAIRS)
    if stored is None:
        return None
    return sum(kept(shard.read(MULTIFACETED_PAIRS, "drop_reason")).height for shard in stored)


def _section(
    title: str,
    lead: str,
    of_models: _Rows,
    caption: str,
    draw: Draw | None = None,
    form: str = ".1%",
    folded: bool = False,
) -> Section:
    """A table of the rows of all models below each other; folded where a chart shows as much."""
    named = [
        rows.select(pl.lit(model).alias("model"), pl.all()) for model, rows in of_models.items()
    ]
    rows = pl.concat(named) if named else pl.DataFrame()
    charts = draw_pictures([draw] if draw else [], rows, list(of_models), title)
    shown = rows.drop("model") if "" in of_models else rows
    tables = [Table(shown, caption, form, folded and bool(charts))] if named else []
    return Section(title, lead, charts, tables, part=Part.SECOND_LANE)
