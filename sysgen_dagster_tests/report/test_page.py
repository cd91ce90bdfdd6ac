"""The page: what stands in it, what it may do, and that nothing in a row can break out of it."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.report.page import Chart, Report, Section, Table, render
from sysgen_dagster.report.training_set import TrainingSet

HOSTILE = "</script><script>alert(1)</script><!-- ]]> \0 \u2028 \u202e & \" ' {{ 7 * 7 }}"


def make_report(
    sections: Sequence[Section] = (), stories: Sequence[Mapping[str, Any]] = (), text: str = "text"
) -> Report:
    return Report(text, text, [(text, text)], [text], sections, stories)


class Reader(HTMLParser):
    """Every element with its attributes and the text right in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[list[str]] = [[]]
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        texts: list[str] = []
        self.elements.append((tag, dict(attrs), texts))
        if tag not in {"meta", "link", "br", "input"}:
            self._open.append(texts)

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].append(data)

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [
            (attributes, "".join(text)) for name, attributes, text in self.elements if name == tag
        ]


def stories_in(page: str) -> Any:
    scripts = Reader(page).all("script")
    [packed] = [text for attributes, text in scripts if attributes.get("id") == "stories"]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def cells(frame: pl.DataFrame, number_format: str = ",.1f") -> list[str]:
    page = render(make_report([Section("A", "", tables=[Table(frame, "B", number_format)])]))
    return [text for _, text in Reader(page).all("td")]


@pytest.mark.parametrize(
    ("number_format", "value", "shown"),
    [
        (".1%", 0.12345, "12.3%"),
        (".1%", 0.0, "0.0%"),
        (",.1f", 1423.28, "1,423.3"),
        (".2f", 1.349, "1.35"),
        (".2f", 806796, "806,796"),
        (".2f", "as it is", "as it is"),
        (".2f", None, "\u2013"),
    ],
)
def test_a_value_is_shown_in_its_format(number_format: str, value: Any, shown: str) -> None:
    assert cells(pl.DataFrame({"a": [value]}), number_format) == [shown]


def test_numbers_stand_right_and_the_paper_s_apart() -> None:
    frame = pl.DataFrame({"tag": ["Role"], "share": [0.5], "paper": [0.5], "share_paper": [None]})
    page = Reader(render(make_report([Section("A", "", tables=[Table(frame, "B")])])))
    kinds = [attributes.get("class") for attributes, _ in page.all("td")]
    assert kinds == [None, "number", "number paper", "paper none"]
    assert [text for _, text in page.all("th")] == ["tag", "share", "paper", "share paper"]


def test_a_name_that_goes_on_is_shown_faintly() -> None:
    frame = pl.DataFrame({"model": ["a", "a", "b"], "tag": ["Role", "Role", "Role"]})
    page = Reader(render(make_report([Section("A", "", tables=[Table(frame, "B")])])))
    assert [attributes.get("class") for attributes, _ in page.all("td")] == [
        *(None, None),
        *("again", None),
        *(None, None),
    ]


@pytest.mark.parametrize("frame", [pl.DataFrame(), pl.DataFrame(schema={"a": pl.String})])
def test_a_table_without_rows_says_so(frame: pl.DataFrame) -> None:
    assert cells(frame) == ["no rows"]


def test_every_section_is_in_the_contents_once() -> None:
    sections = [Section(title, "") for title in ("Tags held", "Beside the paper, at a glance")]
    page = Reader(render(make_report(sections, [{"id": "1", "source": "a", "model": "b"}])))
    ids = [attributes["id"] for attributes, _ in (*page.all("h3"), *page.all("h2"))]
    links = [attributes.get("href") for attributes, _ in page.all("a")][1 : len(ids) + 1]
    assert ids == ["tags-held", "beside-the-paper-at-a-glance", "rows"]
    assert links == [f"#{anchor}" for anchor in ids]


def test_without_stories_there_is_no_browser_of_rows_and_no_script() -> None:
    page = render(make_report())
    assert 'id="rows"' not in page
    assert Reader(page).all("script") == []


def test_the_policy_names_the_style_and_the_script_and_nothing_else() -> None:
    page = Reader(render(make_report(stories=[{"id": "1", "source": "a", "model": "b"}])))
    [policy] = [
        attributes["content"]
        for attributes, _ in page.all("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    [(_, style)] = page.all("style")
    [script] = [text for attributes, text in page.all("script") if attributes["type"] == "module"]
    digests = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (style, script)
    ]
    assert policy == (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'"
    )
    assert not any("style" in attributes for _, attributes, _ in page.elements)


def test_the_page_names_no_other_place() -> None:
    chart = Chart(*['<svg xmlns="http://www.w3.org/2000/svg"></svg>'] * 2)
    page = render(make_report([Section("A", "", [chart])], [{"id": "1"}]))
    assert set(re.findall(r"https?://[^\s\"']+", page)) == {"http://www.w3.org/2000/svg"}


def test_a_chart_goes_in_as_it_is_and_every_other_text_as_text() -> None:
    chart = '<svg role="img"><path d="M0,0"/></svg>'
    frame = pl.DataFrame({HOSTILE: [HOSTILE]})
    drawn = Chart(chart, chart)
    section = Section(HOSTILE, HOSTILE, [drawn], [Table(frame, HOSTILE)], HOSTILE, HOSTILE)
    page = render(make_report([section], [{"id": HOSTILE}], HOSTILE))
    assert chart in page
    assert "<script>alert" not in page
    assert "49" not in "".join(text for _, text in Reader(page).all("td"))
    assert len(Reader(page).all("script")) == 2


def test_the_same_report_gives_the_same_bytes() -> None:
    report = make_report([Section("A", "b")], [{"id": HOSTILE, "source": "a", "model": "b"}])
    assert render(report) == render(report)


@given(st.lists(st.dictionaries(st.text(), st.text() | st.none() | st.booleans())))
def test_stories_come_out_as_they_went_in(stories: list[dict[str, Any]]) -> None:
    stories = [{"id": "1"}, *stories]
    page = render(make_report(stories=stories))
    assert stories_in(page) == stories


def test_the_words_of_the_method_come_out_as_they_went_in() -> None:
    steps = {HOSTILE: HOSTILE, "aligned_responses": "in Phase 4"}
    stories = [{"id": "1"}]
    page = render(Report("A", "now", [], [], [], stories, tags=["Role", HOSTILE], steps=steps))
    [words] = [attributes["data-words"] for attributes, _ in Reader(page).all("main")]
    assert json.loads(words or "") == {"tags": ["Role", HOSTILE], "steps": steps}
    assert "<script>alert" not in page


def test_instructions_of_a_section_come_out_as_they_went_in_and_need_no_stories() -> None:
    rows = [{"id": HOSTILE, "question": HOSTILE, "sets": []}]
    page = render(make_report([Section("A", "", rows=rows)]))

    packed, script = Reader(page).all("script")

    assert json.loads(gzip.decompress(base64.b64decode(packed[1]))) == rows
    assert script[0]["type"] == "module"
    assert "alert(1)" not in page


def test_a_number_that_json_has_no_word_for_is_an_error() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        render(make_report(stories=[{"id": "1", "measures": {"rouge1": float("nan")}}]))


def test_a_training_set_is_shown_with_what_is_needed_to_load_it() -> None:
    made = TrainingSet(
        "mine",
        "/data/exports/mine",
        [("train", 1204), ("test", 12)],
        ["chats: apache-2.0", HOSTILE],
        [HOSTILE],
    )
    page = render(Report("A", "now", [], [], [], [], training_sets=[made]))
    reader = Reader(page)
    assert [text for _, text in reader.all("pre")] == [
        "from datasets import load_dataset\nrows = load_dataset('/data/exports/mine')"
    ]
    assert "<b>1,204</b> train" in page
    assert "<script>alert" not in page
    assert [text for _, text in reader.all("li")][1:] == [HOSTILE]


def test_the_paper_is_the_last_part_of_the_page() -> None:
    sections = [
        Section("Kept", "", part="What was dropped, and why"),
        Section("Table 2", "", part="Beside the paper"),
    ]
    made = TrainingSet("mine", "/data", [("train", 1)])
    stories = [{"id": "1", "source": "a", "model": "b"}]
    page = render(Report("A", "now", [], [], sections, stories, training_sets=[made], kept_rows=1))
    assert re.findall(r'<h2 id="([^"]*)"', page) == [
        *("training-sets", "before-and-after", "what-was-dropped-and-why"),
        *("rows", "beside-the-paper"),
    ]
