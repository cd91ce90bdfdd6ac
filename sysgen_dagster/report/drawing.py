"""How a chart is drawn: without a browser, as SVG, for the page or to stand alone.

Needs the ``report`` extra (altair, and vl-convert, which draws). On the page a chart takes the
page's colours; alone it brings a light background with it.
"""

import base64
import re
from collections.abc import Mapping
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sysgen_dagster.errors import SysgenError


class ReportError(SysgenError):
    """The report cannot be made here; the message says what to install."""


class ModuleOfExtra:
    """A module of the ``report`` extra, imported when it is first used: it takes a second."""

    def __init__(self, name: str) -> None:
        """Nothing is imported yet."""
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        """What the module itself has under that name."""
        try:
            return getattr(import_module(self._name), attribute)
        except ModuleNotFoundError as error:
            message = "Charts need the extra: pip install 'sysgen-dagster[report]'"
            raise ReportError(message) from error


if TYPE_CHECKING:
    import altair as alt
    import vl_convert

    Chart = alt.LayerChart | alt.FacetChart
else:
    alt, vl_convert, Chart = ModuleOfExtra("altair"), ModuleOfExtra("vl_convert"), object


# Okabe and Ito's palette for every kind of colour vision, its pale colours made darker so that a
# bar stands out on white; one hue a model, in the order of the catalogue.
HUES = ("#0072b2", "#d55e00", "#009e73", "#b3578c", "#9a7400", "#6a5acd")


PAPER, INK, LINE, PALE = "#fcfcfb", "#33393f", "#dfe3e5", "#8f969d"


# On the page each colour is one of its own, light or dark; elsewhere the chart is a light card.
_PAGE_COLOURS = {
    **{hue: f"var(--chart-{number},{hue})" for number, hue in enumerate(HUES, 1)},
    PAPER: f"var(--paper,{PAPER})",
    INK: f"var(--chart-ink,{INK})",
    LINE: f"var(--chart-line,{LINE})",
    PALE: f"var(--chart-pale,{PALE})",
}


_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"


_CONFIG: Mapping[str, Any] = {
    "aria": False,
    "font": _FONT,
    "padding": 8,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "labelFontSize": 12,
        "labelLimit": 240,
        "titleColor": INK,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": LINE,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
    },
    "axisY": {"grid": False, "title": None},
    "header": {"labelColor": INK, "labelFontSize": 13, "labelFontWeight": 600, "title": None},
    "legend": {
        "labelColor": INK,
        "labelFontSize": 12,
        "title": None,
        "orient": "top",
        "offset": 8,
        "columnPadding": 26,
        "symbolType": "square",
        "symbolStrokeWidth": 0,
    },
    "text": {"color": INK, "fontSize": 11},
    "tick": {"opacity": 1},
}


def available() -> bool:
    """Whether the ``report`` extra is installed and can be imported."""
    try:
        import_module("altair")
        import_module("vl_convert")
    except ImportError:
        return False
    return True


def svg(chart: Chart, label: str, *, alone: bool = False) -> str:
    """The chart as an SVG text; the same chart gives the same text.

    Args:
        chart: Of `report.charts`.
        label: What the chart says, for those who cannot see it.
        alone: Not for the page but for an image of its own, which brings its background with it.

    Raises:
        ReportError: The ``report`` extra is not installed.
    """
    config = {**_CONFIG, "background": PAPER if alone else None}
    drawn = vl_convert.vegalite_to_svg({**chart.to_dict(), "config": config})
    text = _SUPERFLUOUS.sub("", drawn)
    head = f'<svg role="img" aria-label="{escape(label)}" font-family="{_FONT}" '
    text = text.replace("<svg ", head, 1)
    return text if alone else _COLOUR.sub(lambda found: _PAGE_COLOURS[found[0]], text)


def data_uri(svg_text: str) -> str:
    """The SVG text as an address that an image in Markdown or HTML can have."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg_text.encode()).decode()}"


_COLOUR = re.compile("|".join(_PAGE_COLOURS))


# What vl-convert writes and nobody sees: hidden labels, decimals after the second, names of groups,
# and the font at every single text.
_SUPERFLUOUS = re.compile(
    r"<path[^>]* display=\"none\"/>"
    r"|<text[^>]* opacity=\"0\">[^<]*</text>"
    r"|(?<=\d\.\d\d)\d+(?=[^<>]*>)"
    r"| (?:class|aria-hidden|aria-roledescription|pointer-events|font-family)=\"[^\"]*\""
    r"| role=\"graphics-[a-z]+\""
    r"| opacity=\"1\"",
)
