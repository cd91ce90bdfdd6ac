"""Drawings that are small, stable and in our colours."""

import base64
import re
import sys

import polars as pl
import pytest

from sysgen_dagster.report import charts, drawing
from sysgen_dagster_tests.report.chart_frames import DRAW, FRAMES, MODELS


@pytest.mark.parametrize("name", FRAMES)
def test_the_drawing_is_small_stable_and_has_no_style_of_its_own(name: str) -> None:
    chart = DRAW[name](FRAMES[name], MODELS)
    drawn = drawing.svg(chart, "a <label> & more")
    assert drawn == drawing.svg(DRAW[name](FRAMES[name], MODELS), "a <label> & more")
    assert len(drawing.data_uri(drawing.svg(chart, name, alone=True))) < 50_000
    assert 'aria-label="a &lt;label&gt; &amp; more"' in drawn
    assert not re.search(r"(?<!-)style=|<style|<script|url\(|clip-path", drawn)


@pytest.mark.parametrize("name", FRAMES)
def test_on_the_page_every_colour_is_the_page_s(name: str) -> None:
    drawn = drawing.svg(DRAW[name](FRAMES[name], MODELS), name)
    colours = set(re.findall(r'(?:fill|stroke)="([^"]*)"', drawn)) - {"none", "transparent"}
    assert colours
    assert all(colour.startswith("var(--") for colour in colours), colours


def test_alone_a_chart_brings_its_background() -> None:
    drawn = drawing.svg(DRAW["tags"](FRAMES["tags"], MODELS), "tags", alone=True)
    assert "var(" not in drawn
    assert '<rect width="' in drawn
    assert f'fill="{drawing.PAPER}"' in drawn


def test_a_data_uri_holds_the_drawing() -> None:
    head, _, body = drawing.data_uri("<svg>\u6a19</svg>").partition(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(body).decode() == "<svg>\u6a19</svg>"


def test_a_name_with_marks_of_html_stays_a_name() -> None:
    frame = pl.DataFrame({"model": ["<b>&"], "finding": ["</svg><script>"], "share": [0.5]})
    chart = charts.draw_bars(frame, ["<b>&"], y="finding", x="share", title="share of rows")
    drawn = drawing.svg(chart, "findings")
    assert "<script>" not in drawn
    assert "<b>" not in drawn


def test_without_the_extra_a_chart_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawing.available()
    missing = drawing.ModuleOfExtra("no_such_module_of_ours")
    monkeypatch.setattr(charts, "alt", missing)
    monkeypatch.setitem(sys.modules, "altair", None)  # which makes its import an ImportError
    assert not drawing.available()
    with pytest.raises(drawing.ReportError, match=r"pip install 'sysgen-dagster\[report\]'"):
        DRAW["bars"](FRAMES["bars"], MODELS)


def test_a_module_of_the_extra_is_imported_when_it_is_first_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    module = drawing.ModuleOfExtra("colorsys")
    assert "colorsys" not in sys.modules
    assert module.rgb_to_hsv(0, 0, 0) == (0, 0, 0)
    with pytest.raises(AttributeError, match="no_such_function"):
        module.no_such_function  # noqa: B018
