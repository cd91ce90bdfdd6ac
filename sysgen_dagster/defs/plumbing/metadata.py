"""What the UI shows of a table: columns, counts, drops, and a few rows as Markdown.

The UI shows entries in the order in which they are given, and Markdown at once only up to
`SHOWN_AT_ONCE` characters: longer Markdown is a link that opens it.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from upath import UPath

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.lanes.sysgen.reasons import explain_reason
from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster.report import drawing
from sysgen_dagster.report.view import (
    NAMED_BY,
    View,
    over_all_and_by_source,
    with_titles,
    without_empty_paper,
)
from sysgen_dagster.tables.checks import NO_FIGURE, Check, Evidence
from sysgen_dagster.tables.rates import count_drops, kept_rate
from sysgen_dagster.tables.table import Columns
from sysgen_dagster.training_sets.tables import PHRASE_COUNTS

SIMULATED = "No model wrote this: text made up by the simulated models."
SAMPLE_ROWS = 5  # of a table, shown in the UI
STORY_ROWS = 3  # of a phase, each from the question to what the phase made of it
SHOWN_AT_ONCE = 1_000
CELL_CHARS = 160
# What is shown of a story, by the names of its texts, and how many characters of each.
_STORY_TEXTS = {
    "Question": ("question", 170),
    "Message": ("system_message", 240),
    "Tagged message": ("tagged_message", 240),
    "As the model wrote it": ("annotated_message", 240),
    "Original answer": ("answer", 170),
    "New answer": ("new_answer", 240),
    "Not obeyed": ("not_obeyed", 150),
}
# A text that is shown instead of another one, which is what it was made of.
_SUPERSEDES = {
    "Tagged message": "As the model wrote it",
    "Message": "Tagged message",
    "Not obeyed": "Original answer",  # both answers and the phrase would be too long
}
# Names of the phases in metadata keys: the UI prints a longer key over the value beside it.
_SHORT = {phase.table.name: f"phase {phase.number}" for phase in PHASES}


def column_metadata(columns: Columns) -> dict[str, Any]:
    """Definition metadata: the columns with types and descriptions."""
    described = [
        dg.TableColumn(name, str(column.dtype), column.description)
        for name, column in columns.items()
    ]
    return {"dagster/column_schema": dg.TableSchema(described)}


def outcome_metadata(frame: pl.DataFrame | pl.LazyFrame) -> dict[str, Any]:
    """What became of a partition's rows: first what was kept and dropped, and why."""
    rows = frame.lazy()
    columns = rows.collect_schema()
    metadata: dict[str, Any] = {}
    if "drop_reason" in columns:
        whole = rows.select("drop_reason").collect()
        # A limit of the run left these out, which says nothing of the rows.
        outcomes = whole.filter(pl.col("drop_reason").ne_missing(NoAnswer.BEYOND_LIMIT.value))
        rate = kept_rate(outcomes)
        drops = count_drops(outcomes)
        metadata["kept"] = rate.part
        metadata["dropped"] = rate.whole - rate.part
        if rate.whole:
            metadata["kept_share"] = rate.share
        if drops:
            reasons = pl.DataFrame([*drops.items()], ["reason", "conversations"], orient="row")
            metadata["dropped_because"] = markdown(reasons)
        if outcomes.height < whole.height:
            metadata["beyond_the_limit"] = whole.height - outcomes.height
    if "engine" in columns and "simulated" in rows.select("engine").collect()["engine"]:
        metadata["simulated"] = SIMULATED
    if PHRASE_COUNTS.keys() <= set(columns):
        metadata |= _phrase_totals(rows)
    return metadata


def story_metadata(stories: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Single rows, each as Markdown that the UI shows at once."""
    return {f"row_{number}": _story(story) for number, story in enumerate(stories, 1)}


def _story(story: Mapping[str, Any]) -> dg.MarkdownMetadataValue:
    """A row from the question to the new answer, or as far as it came; its texts stay text."""
    told = {**story, "not_obeyed": _not_obeyed(story)}
    texts = {title: told[name] for title, (name, _) in _STORY_TEXTS.items() if told[name]}
    for title, what_it_was_before in _SUPERSEDES.items():
        if title in texts:
            texts.pop(what_it_was_before, None)
    most = {title: most for title, (_, most) in _STORY_TEXTS.items()}
    if story["drop_reason"]:
        texts["Dropped"], most["Dropped"] = explain_reason(story["drop_reason"]), CELL_CHARS
    return texts_below_each_other(texts, most)


def texts_below_each_other(
    texts: Mapping[str, str], most: Mapping[str, int]
) -> dg.MarkdownMetadataValue:
    """Texts after their titles, of each the first so many characters, few enough for the UI."""
    for part in (1.0, 0.6, 0.2):  # escapes make a text longer, at most four times
        lines = [
            f"**{name}** {inert(text, int(part * most[name]))}" for name, text in texts.items()
        ]
        if len(text := "\n\n".join(lines)) < SHOWN_AT_ONCE:
            break
    return dg.MetadataValue.md(text)


def _not_obeyed(story: Mapping[str, Any]) -> str:
    """The phrases of the message that the new answer does not obey, each with who says so."""
    broken = [each for each in story.get("obedience", ()) if each["verdict"] == Verdict.NOT_OBEYED]
    return "; ".join(f"{each['text']} (by {each['by']})" for each in broken)


def verdicts_metadata(phrases: pl.Series) -> dict[str, Any]:
    """How many phrases are obeyed, and who says so, given ``phrases`` of ``obedience``."""
    found = phrases.explode().drop_nulls().struct.unnest()
    verdicts = [(pl.col("verdict") == each.value).sum().alias(each.value) for each in Verdict]
    counted = found.group_by("by").agg(verdicts).sort("by", nulls_last=True)
    return {"phrases": markdown(counted.with_columns(pl.col("by").fill_null("nobody")))}


def _phrase_totals(rows: pl.LazyFrame) -> dict[str, int]:
    """How many phrases the answers of conversations obey; nothing where no row says."""
    once = rows.select("conversation_id", *PHRASE_COUNTS).unique("conversation_id").collect()
    if once.select(pl.all_horizontal(pl.col(*PHRASE_COUNTS).is_null().all())).item():
        return {}
    return {
        **{name: int(once[name].sum()) for name in PHRASE_COUNTS},
        "answers_not_obeying": once.filter(pl.col("phrases_not_obeyed") > 0).height,
    }


def file_metadata(frame: pl.DataFrame | pl.LazyFrame, path: Path | UPath) -> dict[str, Any]:
    """Where a partition is stored, and how large it is."""
    return {
        "dagster/partition_row_count": frame.lazy().select(pl.len()).collect().item(),
        "file": dg.MetadataValue.path(str(path)),
        "size_bytes": path.stat().st_size,
    }


def sample_metadata(frame: pl.DataFrame | pl.LazyFrame) -> dict[str, Any]:
    """The first rows of a table whose rows are no stories."""
    return {"sample": markdown(frame.lazy().head(SAMPLE_ROWS).collect())}


def check_metadata(checks: Iterable[Check], evidence: Evidence) -> dict[str, Any]:
    """The partition's checks as one table, those that do not hold first.

    The UI shows the results of asset checks on the checks' own page only.
    """
    rows = [
        {
            "check": check.name,
            "holds": "yes" if finding.passed else "NO" if check.is_broken_by(finding) else "warns",
            "found": finding.figure,
            "wanted": finding.wanted,
            "paper": "" if finding.paper == NO_FIGURE else finding.paper,
        }
        for check in checks
        for finding in [check.evaluate(evidence)]
    ]
    if not rows:
        return {}
    table = pl.DataFrame(rows).sort(pl.col("holds") == "yes", maintain_order=True)
    return {"checks": markdown(table if any(table["paper"]) else table.drop("paper"))}


def progress_metadata(progress: Progress) -> dict[str, Any]:
    """The requests of a partition so far: counts, rates and tokens, each a number to be plotted."""
    return {
        f"engine/{name}": value if isinstance(value, int) else round(value, 1 if value >= 1 else 4)
        for name, value in progress.figures().items()
        if math.isfinite(value)
    }


def summary_metadata(view: View, summary: pl.DataFrame, model: str) -> dict[str, Any]:
    """A summary as a table, its chart, and each of its numbers under a name, for the UI to plot.

    If the summary has rows over all sources, the table and the numbers are of these, and the rows
    of single sources are in a second table.
    """
    short, by_source = over_all_and_by_source(without_empty_paper(summary))
    words = [name for name in NAMED_BY if name in short.columns]
    numbers = [name for name, dtype in short.schema.items() if dtype.is_numeric()]
    figures = {
        "/".join(["figures", *(_SHORT.get(row[word], str(row[word])) for word in words), name]): (
            _six_digits(row[name])
        )
        for row in short.filter(view.plotted).iter_rows(named=True)
        for name in numbers
        if row[name] is not None and math.isfinite(row[name]) and not name.endswith("paper")
    }
    return {
        "summary": markdown(with_titles(short)),
        **({} if by_source.is_empty() else {"by_source": markdown(with_titles(by_source))}),
        **_chart_metadata(view, summary, model),
        **figures,
    }


def _six_digits(number: float) -> float:
    return number if isinstance(number, int) else float(f"{number:.6g}")


def _chart_metadata(view: View, summary: pl.DataFrame, model: str) -> dict[str, Any]:
    if not view.draw:
        return {}
    by_model = summary.with_columns(model=pl.lit(model)) if view.is_by_model else summary
    return chart_metadata(view.draw[0], by_model, [model] if model else [], view.title)


def chart_metadata(
    draw: Callable[..., drawing.Chart | None],
    rows: pl.DataFrame,
    models: Sequence[str],
    title: str,
) -> dict[str, Any]:
    """The chart of a short table; nothing where there is nothing to draw.

    Args:
        draw: As those of `report.charts`.
        rows: What it draws.
        models: The names of all models in it.
        title: What the chart shows.
    """
    if rows.is_empty():
        return {}
    if not drawing.available():
        return {"chart": "not drawn: pip install 'sysgen-dagster[report]'"}
    chart = draw(rows, models)
    if chart is None:
        return {}
    picture = drawing.data_uri(drawing.svg(chart, title, alone=True))
    return {"chart": dg.MetadataValue.md(f"![{title}]({picture})")}


def markdown(frame: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """A frame as a Markdown table; what is in the cells stays text."""
    cells = (map(_cell, row) for row in frame.iter_rows())
    lines = [_row(frame.columns), _row(["---"] * frame.width), *map(_row, cells)]
    return dg.MetadataValue.md("\n".join(lines))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


# Characters to which Markdown or HTML gives a meaning.
_ESCAPES = str.maketrans({char: f"\\{char}" for char in "\\|`*_[$"} | {"<": "&lt;", ">": "&gt;"})


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return inert(_text(value), CELL_CHARS)


def inert(text: str, most: int) -> str:
    """The beginning of a text as one line to which neither Markdown nor HTML gives a meaning."""
    line = " ".join(text.split())
    cut = line if len(line) <= most else f"{line[:most]} ..."
    return cut.translate(_ESCAPES)


def _text(value: object) -> str:
    """Plain text of a value; records as ``Role: You are ...``, lists with semicolons."""
    if isinstance(value, Mapping):
        return ": ".join(_text(each) for each in value.values() if each is not None)
    return "; ".join(map(_text, value)) if isinstance(value, list) else str(value)
