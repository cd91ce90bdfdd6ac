"""The page as a reader uses it, in a Chromium of this machine where there is one."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES, parse_tagged_message
from sysgen_dagster.report.page import Chart, Report, Section, Table, render
from sysgen_dagster_tests.commands.browser import needs_chromium, opened_chromium

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = needs_chromium

HOSTILE = (
    "<script>alert(1)</script></script><!-- ]]> <img src=x onerror=alert(2)>"
    " \0 \u2028 \u202etxet desrever <<Role>> &amp; javascript:alert(3)"
)


def story(identity: str, model: str = "phi-4", **fields: Any) -> dict[str, Any]:
    return {
        "id": identity,
        "source": "capybara",
        "model": model,
        "engine": "simulated",
        "history": [],
        "question": f"What is {identity}?",
        "answer": "It is the first of them.",
        "annotated_message": "<<Task>>Answer.<</Task>><<Role>>You are kind.<</Role>>",
        "defects": [],
        "tagged_message": "<<Role>>You are kind.<</Role>>\n<<Task>>Answer.<</Task>>",
        "verdicts": [
            {"tag": tag, "verdict": "Good", "confidence": None} for tag in ("Role", "Task")
        ],
        "removed": [],
        "system_message": "You are kind. Answer.",
        "new_answer": "It is the last of them.",
        "stopped_at": None,
        "drop_reason": None,
        "measures": {},
        "flags": [],
        "judgements": [],
        "obedience": [],
        "rejected_answers": [],
        **fields,
    }


EVERY_TAG = "\n".join(f"<<{tag}>>About {tag}.<</{tag}>>" for tag in TAG_NAMES)
STORIES = [
    story("alpha"),
    story("alpha", "llama-3.1-8b", new_answer="It is ALPHA, in short."),
    story(
        "beta",
        source="metamath",
        annotated_message="Hello. <<Role>>You are kind.<</Role> <<Task>>Answer.<<Task>>"
        " <<Nose>>x<</Nose>>",
        defects=[{"kind": "broken_bracket", "text": "<<Role>>You are kind."}],
        tagged_message=None,
        verdicts=[],
        system_message=None,
        new_answer=None,
        stopped_at="filtered_system_messages",
        drop_reason="malformed_boundary",
    ),
    story(
        "gamma",
        history=[{"role": "user", "content": "An earlier turn."}],
        verdicts=[
            {"tag": "Role", "verdict": "Bad", "confidence": 0.934},
            {"tag": "Task", "verdict": "Good", "confidence": None},
        ],
        removed=[{"tag": "Role", "text": "You are kind.", "verdict": "Bad"}],
        system_message="Answer.",
        measures={"rouge1": 0.25, "final_answer_same": False, "question_language": "de"},
        flags=["final answer differs"],
        judgements=[
            {
                "question": "Does the answer obey?",
                "verdict": "Not aligned",
                "judge": "qwen",
                "text": "It does not.",
            }
        ],
    ),
    story("long", answer="a b " * 4000, new_answer="c d " * 4000),
    story(
        "delta",
        obedience=[
            {
                "tag": "Task",
                "text": "Answer.",
                "verdict": "not_obeyed",
                "by": "rules",
                "rule": "words",
            },
            {
                "tag": "Role",
                "text": "Be kind.",
                "verdict": "obeyed",
                "by": "owl (uncalibrated)",
                "rule": None,
            },
        ],
        rejected_answers=[{"answer": "It is not.", "reason": "breaks_rules"}],
    ),
    story("every tag", annotated_message=EVERY_TAG, tagged_message=EVERY_TAG),
    story(
        HOSTILE,
        **dict.fromkeys(("question", "answer", "new_answer", "system_message"), HOSTILE),
        annotated_message=f"<<Role>>{HOSTILE}<</Role>>",
        tagged_message=f"<<Role>>{HOSTILE}<</Role>>",
        original_system_message=HOSTILE,
        history=[{"role": HOSTILE, "content": HOSTILE}],
        defects=[{"kind": HOSTILE, "text": HOSTILE}],
        verdicts=[{"tag": HOSTILE, "verdict": HOSTILE, "confidence": None}],
        measures={HOSTILE: HOSTILE},
        flags=[HOSTILE],
        judgements=[{"question": HOSTILE, "verdict": HOSTILE, "judge": HOSTILE, "text": HOSTILE}],
    ),
    *(story(f"more-{number}", source="orca_math") for number in range(88)),
]


CHART = Chart(
    *(f'<svg width="{width}" height="9"><title>{width}</title></svg>' for width in (900, 330))
)


def table() -> Table:
    return Table(
        pl.DataFrame({f"column {number}": ["text", "text"] for number in range(30)}), "Wide"
    )


def report(stories: list[dict[str, Any]], kept_rows: int = 0) -> Report:
    return Report(
        "A report",
        "Made now",
        [("rows", "96"), ("models", "2")],
        ["The models are simulated."],
        [Section("Figures", "What they say.", [CHART], [table()])],
        stories,
        kept_rows=kept_rows,
        tags=TAG_NAMES,
        steps={"filtered_system_messages": "in Phase 2"},
    )


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(report(STORIES)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with opened_chromium() as browser:
        yield browser


Open = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, address: str) -> Iterator[Open]:
    """Opens the page; at the end nothing was complained of, asked for, or popped up."""
    contexts, said, asked = [], [], []

    def open_page(fragment: str = "", *, init: str = "", **options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        if init:
            page.add_init_script(init)
        page.goto(address + fragment)
        expect(page.get_by_text("which has not run")).to_have_count(0)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert {url.partition("#")[0] for url in asked} <= {address, "data:,"}


def found(page: Any) -> str:
    return str(page.locator("#found").text_content())


def chosen(page: Any) -> str:
    return str(page.locator("#story h3").text_content())


def rows(page: Any) -> int:
    return int(page.locator("#list .entry:not([hidden])").count())


def test_the_page_opens_on_the_first_row_and_asks_for_nothing(open_page: Open) -> None:
    page = open_page()
    assert page.title() == "A report"
    assert (found(page), chosen(page), rows(page)) == ("96 rows", "alpha", 96)
    assert page.locator("#state").count() == 0


def test_kept_rows_stand_at_the_top_with_their_differences_and_lead_to_the_whole(
    browser: Any, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(report(STORIES, kept_rows=2)), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    shown = page.locator("#kept-rows article")
    assert shown.count() == 2
    expect(shown.first.get_by_text("You are kind. Answer.")).to_be_visible()
    assert shown.first.locator(".answers ins").all_text_contents() == ["last"]
    assert shown.first.locator(".answers del").all_text_contents() == ["first"]
    shown.nth(1).get_by_role("link").click()
    expect(page.locator("#story .chip", has_text="llama-3.1-8b").first).to_be_visible()
    expect(page.locator("#story h3")).to_be_in_viewport()
    page.close()


@pytest.mark.parametrize(("width", "drawn"), [(390, 330), (1280, 900)])
def test_a_chart_is_redrawn_for_a_phone(open_page: Open, width: int, drawn: int) -> None:
    page = open_page(viewport={"width": width, "height": 844})
    visible = page.locator("figure.chart:visible svg")
    assert visible.count() == 1
    assert visible.get_attribute("width") == str(drawn)


FILTERED = (
    ({"source": "metamath"}, 1),
    ({"model": "llama-3.1-8b"}, 1),
    ({"outcome": "malformed_boundary"}, 1),
    ({"outcome": "kept"}, 95),
    ({"outcome": "kept", "source": "metamath"}, 0),
    ({"tag": "Role"}, 95),
    ({"verdict": "Bad"}, 1),
    ({"breaks": "Task"}, 1),
    ({"flag": "final answer differs"}, 1),
    ({"language": "de"}, 1),
)


def test_filters_narrow_the_list(open_page: Open) -> None:
    page = open_page()
    for choices, count in FILTERED:
        for name, value in choices.items():
            page.locator(f"select[name={name}]").select_option(value)
        assert found(page) == f"{count} of 96 rows", choices
        assert rows(page) == count, choices
        page.get_by_role("button", name="Clear the filters").click()
        expect(page.locator("#found")).to_have_text("96 rows")


def test_values_of_a_filter_are_in_order_and_counted(open_page: Open) -> None:
    page = open_page()
    options = page.locator("select[name=tag] option").all_text_contents()
    assert [option.partition(" ")[0] for option in options] == ["any", *TAG_NAMES]
    assert options[1:3] == ["Role (95)", "Content (1)"]
    sources = page.locator("select[name=source] option").all_text_contents()
    assert sources == ["any", "capybara (6)", "metamath (1)", "orca math (89)"]


def test_when_the_row_shown_is_filtered_out_the_first_found_is_shown(open_page: Open) -> None:
    page = open_page("#row=alpha|phi-4")
    page.locator("select[name=source]").select_option("metamath")
    assert chosen(page) == "beta"
    page.locator("select[name=source]").select_option("")
    assert chosen(page) == "beta"


SEARCHED = (("what is BETA", 1), ("in short", 1), ("kind.<</role> <<", 1), ("zzz", 0), ("a b ", 1))


def test_the_search_reads_every_text_in_any_case(open_page: Open) -> None:
    page = open_page()
    for words, count in SEARCHED:
        page.get_by_label("Search").fill(words)
        assert (found(page), rows(page)) == (f"{count} of 96 rows", count)


def test_arrow_keys_move_through_the_rows_found(open_page: Open) -> None:
    page = open_page("#model=phi-4")
    page.get_by_role("radio").first.focus()
    for expected in ("beta", "gamma", "long"):
        page.keyboard.press("ArrowDown")
        assert chosen(page) == expected
    page.keyboard.press("ArrowUp")
    assert chosen(page) == "gamma"
    assert page.url.endswith("#row=gamma%7Cphi-4&model=phi-4")


def test_the_list_is_one_stop_of_the_tab_key(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Clear the filters").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "radio"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "previous"


def test_buttons_lead_to_the_rows_before_and_after(open_page: Open) -> None:
    page = open_page("#source=capybara&row=gamma|phi-4")
    page.get_by_role("button", name="Next").click()
    assert chosen(page) == "long"
    page.get_by_role("button", name="Previous").click()
    page.get_by_role("button", name="Previous").click()
    assert page.url.endswith("#row=alpha%7Cllama-3.1-8b&source=capybara")
    page.get_by_role("button", name="Previous").click()
    page.get_by_role("button", name="Previous").click()
    assert page.url.endswith("#row=alpha%7Cphi-4&source=capybara")


def test_a_row_chosen_by_its_address_is_in_view_in_the_list_and_on_the_page(
    open_page: Open,
) -> None:
    page = open_page("#row=more-70|phi-4")
    assert chosen(page) == "more-70"
    expect(page.locator("#list .entry:has(:checked)")).to_be_in_viewport()
    expect(page.locator("#story h3")).to_be_in_viewport()


def test_differences_of_the_answers_are_marked(open_page: Open) -> None:
    page = open_page()
    assert page.locator(".answers del").all_text_contents() == ["first"]
    assert page.locator(".answers ins").all_text_contents() == ["last"]
    assert page.locator(".answers .text").all_text_contents() == [
        "It is the first of them.",
        "It is the last of them.",
    ]
    ground = "mark => getComputedStyle(mark).backgroundColor"
    marks = page.get_by_label("mark differences")
    assert page.locator(".answers ins").evaluate(ground) != "rgba(0, 0, 0, 0)"
    marks.uncheck()
    page.get_by_role("button", name="Next").click()
    assert page.locator(".answers ins").first.evaluate(ground) == "rgba(0, 0, 0, 0)"


ANSWERS = (
    ("Yes", "Yes", [], []),
    ("Yes", "No", ["Yes"], ["No"]),
    ("a b c d e", "a b x d e", ["c"], ["x"]),  # two words and an end of the text are a run
    ("a b c d e f g", "x b c y e f g", ["a b c d"], ["x b c y"]),  # two words are none
    ("One two three four.", "Four? One two  three", ["four."], ["Four?"]),
)


def test_words_in_no_common_run_of_three_are_marked(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    stories = [story(f"{at}", answer=a, new_answer=b) for at, (a, b, *_) in enumerate(ANSWERS)]
    path.write_text(render(report(stories)), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    for answer, new_answer, old, fresh in ANSWERS:
        assert page.locator(".answers .text").all_text_contents() == [answer, new_answer]
        assert page.locator(".answers del").all_text_contents() == old, answer
        assert page.locator(".answers ins").all_text_contents() == fresh, new_answer
        page.get_by_role("button", name="Next").click()
    page.close()


def test_answers_of_any_length_are_compared(open_page: Open) -> None:
    page = open_page("#row=long|phi-4")
    assert page.locator(".answers del").text_content() == "a b " * 4000


def test_what_phase_2_leaves_out_is_marked_and_explained(open_page: Open) -> None:
    page = open_page("#row=beta|phi-4")
    assert page.locator(".tagged .phrase").all_text_contents() == ["<<Task>>Answer.<<Task>>"]
    lost = "".join(page.locator(".tagged .lost").all_text_contents())
    assert lost == "Hello. <<Role>>You are kind.<</Role><<Nose>>x<</Nose>>"
    assert "broken bracket" in page.locator(".defects").text_content()
    assert page.get_by_text("Left out in Phase 2: 1").is_visible()
    assert page.locator(".defects").is_visible()
    assert page.get_by_text("dropped in Phase 2: malformed boundary").is_visible()


PIECES = [
    *("<<Role>>", "<</Role>>", "<<Task>>", "<</Task>>", "<<Role >>", "<<//Role>>", "<<Role>"),
    *("<</Role", "<<Nose>>", "<</Nose>>", "<<48/2=24>>", "text", " ", "\n", "\u6a19", "<"),
]


def test_the_page_finds_the_phrases_that_phase_2_finds(browser: Any, tmp_path: Path) -> None:
    chance = random.Random(0)
    messages = ["".join(chance.choices(PIECES, k=chance.randint(2, 9))) for _ in range(80)]
    stories = [story(f"row {at}", annotated_message=text) for at, text in enumerate(messages)]
    path = tmp_path / "report.html"
    path.write_text(render(report(stories)), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    for message in messages:
        shown = page.locator(".tagged .phrase").all_text_contents()
        parsed = [parse_tagged_message(text).phrases for text in shown]
        assert parsed == [(phrase,) for phrase in parse_tagged_message(message).phrases], message
        assert page.locator(".tagged").text_content() == message
        page.get_by_role("button", name="Next").click()
    page.close()


def test_every_tag_has_a_colour_of_its_own(open_page: Open) -> None:
    page = open_page("#row=every tag|phi-4")
    ground = "tags => tags.map((tag) => getComputedStyle(tag).backgroundColor)"
    assert page.locator(".phrases .tag").all_text_contents() == list(TAG_NAMES)
    colours = page.locator(".phrases .tag").evaluate_all(ground)
    assert len(set(colours)) == len(TAG_NAMES)
    assert page.locator(".tagged .phrase").evaluate_all(ground) == colours


def test_a_removed_phrase_is_struck_through_beside_its_verdict(open_page: Open) -> None:
    page = open_page("#row=gamma|phi-4")
    assert page.locator(".phrases s").all_text_contents() == ["You are kind."]
    assert page.locator(".phrases .chip").all_text_contents() == ["Bad 93 %", "Good"]
    assert page.locator(".final").text_content() == "Answer."
    assert page.locator(".judgements").text_content().startswith("Does the answer obey?")
    assert page.locator(".measures").text_content() == (
        "rouge10.250final answer sameno" + "question languagede"
    )


def test_a_row_can_be_looked_at_under_another_model(open_page: Open) -> None:
    page = open_page("#row=alpha|phi-4&source=capybara")
    page.locator(".others a", has_text="llama-3.1-8b").click()
    expect(page.locator(".answers")).to_contain_text("ALPHA")
    assert found(page) == "6 of 96 rows"
    assert page.url.endswith("#row=alpha%7Cllama-3.1-8b&source=capybara")


def test_row_and_filters_are_in_the_address(open_page: Open) -> None:
    page = open_page()
    page.locator("select[name=outcome]").select_option("kept")
    page.get_by_label("Search").fill("is gamma")
    assert found(page) == "1 of 96 rows"
    address = page.url.partition("#")[2]
    assert address == "row=gamma%7Cphi-4&q=is+gamma&outcome=kept"
    for same in (address, "row=gamma|phi-4&q=is%20gamma&outcome=kept"):
        again = open_page(f"#{same}")
        assert (chosen(again), found(again)) == ("gamma", "1 of 96 rows")
        assert again.get_by_label("Search").input_value() == "is gamma"


def test_the_link_to_a_row_names_the_row_alone(open_page: Open) -> None:
    page = open_page("#row=gamma|phi-4&outcome=kept")
    link = page.get_by_role("link", name="Link to this row")
    assert link.get_attribute("href") == "#row=gamma%7Cphi-4"


def test_a_link_to_a_row_that_is_not_shown_says_so(open_page: Open) -> None:
    page = open_page("#row=nobody|phi-4")
    text = page.locator("#story").text_content()
    assert text == "This report does not show the row nobody|phi-4."
    page.get_by_role("button", name="Next").click()
    assert page.url.endswith("#row=alpha%7Cphi-4")


def test_a_link_to_a_section_leaves_the_filters_alone(open_page: Open) -> None:
    page = open_page("#outcome=kept")
    page.get_by_role("navigation", name="Contents").get_by_role("link", name="Figures").click()
    assert found(page) == "95 of 96 rows"


def test_whatever_a_row_says_stays_text(open_page: Open) -> None:
    page = open_page()
    page.locator("select[name=flag]").select_option(HOSTILE)
    assert page.locator("body script").count() == 2  # the packed rows and the page's own
    assert page.locator("main img").count() == 0
    assert "<script>alert(1)</script>" in chosen(page)
    assert "U+202E" in page.locator("#story .invisible").all_text_contents()
    assert "\u202e" not in page.locator("#story").text_content()
    isolated = page.locator("#story .text").evaluate_all(
        "all => all.every((each) => getComputedStyle(each).unicodeBidi === 'plaintext')"
    )
    assert isolated


def test_the_page_s_policy_stops_a_script_that_is_not_its_own(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    page.evaluate(
        "() => { const made = document.createElement('script');"
        "made.textContent = 'window.ran = true'; document.body.append(made) }"
    )
    assert page.evaluate("window.ran") is None
    page.close()


def test_colours_follow_the_system(open_page: Open) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light, dark = open_page(color_scheme="light"), open_page(color_scheme="dark")
    assert light.evaluate(background) == "rgb(252, 252, 251)"
    assert dark.evaluate(background) == "rgb(20, 23, 26)"


def test_paper_shows_the_figures_and_the_chosen_row_in_dark_ink(open_page: Open) -> None:
    page = open_page("#row=gamma|phi-4", color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    for printed in ("caption", "#story h3"):
        assert page.locator(printed).is_visible()
    for left_out in ("#list", "#filters", ".contents", ".bar"):
        assert page.locator(left_out).is_hidden()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 35)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(open_page: Open, scheme: str) -> None:
    for identity in ("gamma", "every tag"):
        page = open_page(f"#row={identity}|phi-4", color_scheme=scheme)
        least = page.evaluate(LEAST_CONTRAST)
        assert least["ratio"] >= 4.5, least


# The lowest contrast (WCAG 2.2, 1.4.3) of any text with the first solid colour under it.
LEAST_CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (rgb) => rgb.slice(0, 3)
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  let least = { ratio: 99 };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest('script, :disabled')) continue;
    const pair = [rgba(getComputedStyle(element).color), ground(element)].map(light).sort();
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    const { data } = walker.currentNode;
    if (ratio < least.ratio) least = { ratio, data, of: element.className };
  }
  return least;
}"""


def test_a_phone_shows_every_row_without_sideways_scrolling(open_page: Open) -> None:
    page = open_page(viewport={"width": 390, "height": 844})
    assert page.locator(".scroll").evaluate("box => box.scrollWidth > box.clientWidth")
    for shown in STORIES[:6]:
        key = f"{shown['id']}|{shown['model']}"
        page.evaluate("(key) => { location.hash = `row=${encodeURIComponent(key)}` }", key)
        expect(page.locator("#story")).to_contain_text(shown["question"][:20])
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_on_a_phone_a_row_opens_below_the_list_and_leads_back(open_page: Open) -> None:
    page = open_page(viewport={"width": 390, "height": 844})
    page.locator(".entry").nth(3).click()
    assert chosen(page) == "gamma"
    expect(page.locator("#story h3")).to_be_in_viewport()
    page.get_by_role("link", name="Back to the list").click()
    expect(page.get_by_role("heading", name="Rows")).to_be_in_viewport()
    page.get_by_role("button", name="Next").click()
    assert chosen(page) == "long"


def test_a_browser_that_cannot_unpack_the_rows_says_so(open_page: Open) -> None:
    page = open_page(init="delete globalThis.DecompressionStream")
    assert page.locator("#state").text_content() == (
        "The rows cannot be read: DecompressionStream is not defined."
        " The file may be cut short, or the browser older than 2024."
    )
    assert page.locator("#browser").is_hidden()
