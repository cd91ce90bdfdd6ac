"""Charts to SVG, without a browser; and the colours, fonts and axes that all charts share.

What a chart shows is decided in `charts`. Needs the ``report`` extra: altair, and vl-convert, which
draws.
"""

import base64
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from sysgen_dagster.errors import SysgenError


class ReportError(SysgenError):
    """A chart cannot be drawn here; the message says what to install."""


class ModuleOfExtra:
    """A module of the ``report`` extra that is imported at its first use: that takes a second."""

    def __init__(self, name: str) -> None:
        """Remember the name; import nothing."""
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        """The attribute of the module itself.

        Raises:
            ReportError: The extra is not installed.
        """
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
    vl_convert, Chart = ModuleOfExtra("vl_convert"), object

# One hue for each model, in the order of the catalogue: the palette of Okabe and Ito, which people
# of every kind of colour vision can tell apart, with its pale colours darkened for a white ground.
HUES = ("#0072b2", "#d55e00", "#009e73", "#b3578c", "#9a7400", "#6a5acd")
PAPER, INK, LINE, PALE = "#fcfcfb", "#33393f", "#dfe3e5", "#8f969d"

# On the page a colour of a chart is a variable of the style sheet, which has a light and a dark
# value of each.
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
        "labelSeparation": 12,  # the page's font may be wider than the one that is measured
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
    """Whether the ``report`` extra is installed."""
    return all(find_spec(module) for module in ("altair", "vl_convert"))


def svg(chart: Chart, label: str, *, alone: bool = False) -> str:
    """The chart as an SVG text; the same chart gives the same text.

    Args:
        chart: What a function of `charts` returns.
        label: What the chart shows, for screen readers.
        alone: Whether the SVG is an image of its own, with a light background and fixed colours,
            instead of a part of the page, in the colours of the page.

    Raises:
        ReportError: The ``report`` extra is not installed.
    """
    config = {**_CONFIG, "background": PAPER if alone else None}
    # To hold it to the schema first takes twice the time; vl-convert refuses what is wrong.
    specification = {**chart.to_dict(validate=False), "config": config}
    text = _SUPERFLUOUS.sub("", _draw(json.dumps(specification)))
    head = f'<svg role="img" aria-label="{escape(label)}" font-family="{_FONT}" '
    text = text.replace("<svg ", head, 1)
    return text if alone else _COLOUR.sub(lambda found: _PAGE_COLOURS[found[0]], text)


# A live report shows most of its charts unchanged every few seconds. A value that is no finite
# number (the loss of a training that went wrong) is a gap in the chart.
@lru_cache(maxsize=256)
def _draw(specification: str) -> str:
    return vl_convert.vegalite_to_svg(json.loads(specification, parse_constant=lambda _: None))


def data_uri(svg_text: str) -> str:
    """The SVG text as a URL for an image in Markdown or HTML."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg_text.encode()).decode()}"


_COLOUR = re.compile("|".join(_PAGE_COLOURS))
# Parts of vl-convert's SVG that change nothing to see: hidden labels, decimals after the second,
# names of groups, and the font, which stands once at the top instead of at every text.
_SUPERFLUOUS = re.compile(
    r"<path[^>]* display=\"none\"/>"
    r"|<text[^>]* opacity=\"0\">[^<]*</text>"
    r"|(?<=\d\.\d\d)\d+(?=[^<>]*>)"
    r"| (?:class|aria-hidden|aria-roledescription|pointer-events|font-family)=\"[^\"]*\""
    r"| role=\"graphics-[a-z]+\""
    r"| opacity=\"1\"",
)
