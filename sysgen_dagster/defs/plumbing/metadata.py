"""What the UI shows of a table: columns, counts, drops, and a few rows as Markdown."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from upath import UPath

from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.report import drawing
from sysgen_dagster.report.view import NAMED_BY, View, over_all_and_by_source
from sysgen_dagster.tables.checks import NO_FIGURE, Check, Evidence
from sysgen_dagster.tables.rates import count_drops, kept_rate
from sysgen_dagster.tables.table import Columns

SIMULATED = "No model wrote this: text made up by the simulated models."
SAMPLE_ROWS = 5  # of a table, shown in the UI
_CELL_CHARS = 160
# Names of the phases in metadata keys: the UI prints a longer key over the value beside it.
_SHORT = {phase.table.name: f"phase {phase.number}" for phase in PHASES}


def column_metadata(columns: Columns) -> dict[str, Any]:
    """Definition metadata: the columns with types and descriptions."""
    described = [
        dg.TableColumn(name, str(column.dtype), column.description)
        for name, column in columns.items()
    ]
    return {"dagster/column_schema": dg.TableSchema(described)}


def table_metadata(frame: pl.DataFrame | pl.LazyFrame, path: Path | UPath) -> dict[str, Any]:
    """Materialization metadata of one partition."""
    rows = frame.lazy()
    columns = rows.collect_schema()
    height = rows.select(pl.len()).collect().item()
    metadata: dict[str, Any] = {"dagster/partition_row_count": height}
    if "drop_reason" in columns:
        outcomes = rows.select("drop_reason").collect()
        rate = kept_rate(outcomes)
        drops = count_drops(outcomes)
        metadata["kept"] = rate.part
        metadata["dropped"] = rate.whole - rate.part
        if rate.whole:
            metadata["kept_share"] = rate.share
        if drops:
            reasons = pl.DataFrame([*drops.items()], ["reason", "conversations"], orient="row")
            metadata["dropped_because"] = markdown(reasons)
    if "engine" in columns and "simulated" in rows.select("engine").collect()["engine"]:
        metadata["simulated"] = SIMULATED
    metadata["sample"] = markdown(rows.head(SAMPLE_ROWS).collect())
    metadata["file"] = dg.MetadataValue.path(str(path))
    metadata["size_bytes"] = path.stat().st_size
    return metadata


def check_metadata(checks: Iterable[Check], evidence: Evidence) -> dict[str, Any]:
    """The partition's checks as one table, for the page of the partition itself.

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
    return {"checks": markdown(pl.DataFrame(rows))} if rows else {}


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
    short, by_source = over_all_and_by_source(summary)
    words = [name for name in NAMED_BY if name in short.columns]
    numbers = [name for name, dtype in short.schema.items() if dtype.is_numeric()]
    figures = {
        "/".join(["figures", *(_SHORT.get(row[word], str(row[word])) for word in words), name]): (
            _six_digits(row[name])
        )
        for row in short.iter_rows(named=True)
        for name in numbers
        if row[name] is not None and math.isfinite(row[name]) and not name.endswith("paper")
    }
    return {
        "summary": markdown(short),
        **({} if by_source.is_empty() else {"by_source": markdown(by_source)}),
        **_chart_metadata(view, summary, model),
        **figures,
    }


def _six_digits(number: float) -> float:
    return number if isinstance(number, int) else float(f"{number:.6g}")


def _chart_metadata(view: View, summary: pl.DataFrame, model: str) -> dict[str, Any]:
    if not view.draw or summary.is_empty():
        return {}
    if not drawing.available():
        return {"chart": "not drawn: pip install 'sysgen-dagster[report]'"}
    by_model = summary.with_columns(model=pl.lit(model)) if view.is_by_model else summary
    chart = view.draw[0](by_model, [model] if model else [])
    picture = drawing.data_uri(drawing.svg(chart, view.title, alone=True))
    return {"chart": dg.MetadataValue.md(f"![{view.title}]({picture})")}


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
    text = " ".join(_text(value).split())
    cut = text if len(text) <= _CELL_CHARS else f"{text[:_CELL_CHARS]} ..."
    return cut.translate(_ESCAPES)


def _text(value: object) -> str:
    """Plain text of a value; records as ``Role: You are ...``, lists with semicolons."""
    if isinstance(value, Mapping):
        return ": ".join(_text(each) for each in value.values() if each is not None)
    return "; ".join(map(_text, value)) if isinstance(value, list) else str(value)
