"""The page of the review in a Chromium of this machine: 100 rows by keyboard, and hostile rows."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sysgen_dagster.commands.pages import serving
from sysgen_dagster.commands.review import routes
from sysgen_dagster.obedience.tables import OBEDIENCE
from sysgen_dagster.review.decisions import read_decisions
from sysgen_dagster.storage.journal import Journal
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster_tests.commands.browser import needs_chromium, opened_chromium
from sysgen_dagster_tests.commands.test_review import commanded
from sysgen_dagster_tests.review.rows import AT, decision, make_deployment, open_desk, write_rows
from sysgen_dagster_tests.training_sets.frames import of

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = needs_chromium
ROWS_BY_KEYBOARD = 100


@pytest.mark.slow
def test_a_hundred_rows_are_decided_by_keyboard_in_well_under_ten_minutes(tmp_path: Path) -> None:
    store = make_deployment(tmp_path, rows=ROWS_BY_KEYBOARD + 5)
    with commanded(tmp_path) as (_, url), opened(url) as (page, faults):
        began = time.monotonic()
        for number in range(ROWS_BY_KEYBOARD):
            title = page.locator("#row:not([aria-busy]) #title").inner_text()
            press(page, number)
            expect(page.locator("#title")).not_to_have_text(title)
        took = time.monotonic() - began
        done = f"{ROWS_BY_KEYBOARD} of {ROWS_BY_KEYBOARD + 5} decided"
        expect(page.locator("#progress")).to_contain_text(done)
        assert faults == []
    print(f"{ROWS_BY_KEYBOARD} rows took {took:.1f} s")
    assert took < 120
    last = read_decisions(store).last.values()
    assert sum(each.choice == "rejected" for each in last) == 20
    assert sum(each.is_edited for each in last) == 20
    assert sum(bool(each.labels) for each in last) == 20


@contextmanager
def opened(url: str, **options: Any) -> Iterator[tuple[Any, list[str]]]:
    """The page in a browser, and what goes wrong in it."""
    with opened_chromium() as browser:
        page, faults = browser.new_page(**options), list[str]()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
        page.goto(url)
        expect(page.locator("#title")).to_be_visible()
        yield page, faults


def press_when_ready(page: Any, key: str) -> None:
    """Press a key once the page takes one: none counts while a decision is being stored."""
    expect(page.locator("#row:not([aria-busy])")).to_be_visible()
    page.keyboard.press(key)


def press(page: Any, number: int) -> None:
    """What a reviewer does about a row, in turn: accept, reject, edit, label and accept."""
    if number % 5 == 1:
        page.keyboard.press("r")
        return
    if number % 5 == 2:
        page.keyboard.press("m" if number % 2 else "e")
        page.keyboard.type("Please: ")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#said")).to_have_text("Saved, and accepted.")
    if number % 5 == 3:
        page.keyboard.press("ArrowDown")
        page.keyboard.press("b")
        expect(page.locator("#said")).to_have_text("Task: Bad.")
    press_when_ready(page, "a")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    write_rows(store, *({} for _ in range(5)))
    return store


@pytest.fixture
def page(store: Store) -> Iterator[Any]:
    write_rows(store, {"question": HOSTILE, "new_answer": HOSTILE, "system_message": HOSTILE})
    with serving(routes(open_desk(store))) as pages, opened(pages.url) as (page, faults):
        yield page
        assert faults == []


def test_what_the_answer_does_not_obey_is_shown_and_no_key_labels_it(store: Store) -> None:
    said = {"tag": "Role", "text": "You are kind.", "verdict": "not_obeyed", "by": "rules"}
    looked_at = [{"conversation_id": f"c{n}-0", "phrases": [said]} for n in range(5)]
    store.write(OBEDIENCE, AT, of(OBEDIENCE, *looked_at))
    with serving(routes(open_desk(store))) as pages, opened(pages.url) as (page, faults):
        obeys = page.locator("section", has_text="do what the message asks?").last
        expect(obeys).to_contain_text("You are kind.")
        expect(obeys).to_contain_text("not obeyed")
        for _ in range(5):
            page.keyboard.press("ArrowDown")
        assert obeys.locator("[aria-current]").count() == 0
        assert page.locator("#system_message [aria-current]").count() == 1
        assert faults == []


HOSTILE = (
    "<script>document.title='no'</script><img src=x onerror=alert(2)> \u202e \u200b <<Role>> &amp;"
)


def test_what_a_row_says_does_nothing_on_the_page(page: Any) -> None:
    assert page.title() == "Review"
    assert page.locator("main img, main script").count() == 0
    assert page.locator(".invisible").first.inner_text() in ("U+202E", "U+200B")
    assert "<script>document.title='no'</script>" in page.locator("main").inner_text()


def test_what_is_drawn_as_nothing_is_shown_unless_a_script_needs_it(store: Store) -> None:
    hidden = "\x08\x9b\xad\u200b\u200e\u2028\u202e\u2060\u2066\ufeff\U000e0041"
    write_rows(store, {"question": f"a{hidden}b \u200c \u200d", "new_answer": hidden})
    with serving(routes(open_desk(store))) as pages, opened(pages.url) as (page, _):
        shown = page.locator(".invisible").all_text_contents()
        assert shown == [f"U+{ord(sign):04X}" for sign in 2 * hidden]
        assert "\u200c \u200d" in page.locator("#row").text_content()


def test_undo_brings_back_what_another_reviewer_had_decided_meanwhile(
    page: Any, store: Store
) -> None:
    bob = open_desk(store, "bob")
    bob.decide(decision(bob, 0, new_answer="It is 0."))
    press_when_ready(page, "r")
    expect(page.locator("#said")).to_have_text("Rejected. It replaces what bob decided.")
    press_when_ready(page, "u")
    expect(page.locator("#said")).to_have_text("Undone.")
    [last] = read_decisions(store).last.values()
    assert (last.choice, last.new_answer) == ("accepted", "It is 0.")
    expect(page.locator("#new_answer")).to_contain_text("It is 0.")


def test_who_looks_at_a_page_whose_command_has_ended_is_told_so(store: Store) -> None:
    with opened_chromium() as browser:
        page = browser.new_page()
        with serving(routes(open_desk(store))) as pages:
            page.goto(pages.url)
            expect(page.locator("#title")).to_be_visible()
        press_when_ready(page, "a")
        expect(page.locator("#said")).to_contain_text("the command that serves this page has ended")
        with serving(routes(open_desk(store)), urlsplit(pages.url).port or 0):
            press_when_ready(page, "a")
            expect(page.locator("#said")).to_contain_text("the command was started anew")


def test_an_edit_is_cancelled_by_a_key_and_other_keys_only_write(page: Any, store: Store) -> None:
    press_when_ready(page, "e")
    page.keyboard.type("arm u")
    page.locator("button[data-do=accept]").click()
    expect(page.locator("#said")).to_have_text("Save or cancel first.")
    page.locator("textarea").press("Escape")
    assert page.locator("textarea").count() == 0
    assert read_decisions(store).made == 0
    press_when_ready(page, "m")
    page.locator("textarea").press("Control+Enter")
    expect(page.locator("#said")).to_have_text("Saved, and accepted.")
    [decision] = read_decisions(store).last.values()
    assert not decision.is_edited  # it was not changed: not a character of it


def test_undo_goes_back_to_the_row_and_to_what_was_decided_before(page: Any, store: Store) -> None:
    title = page.locator("#title").inner_text()
    for key, choice in (("r", "rejected"), ("u", "open")):
        press_when_ready(page, key)
        expect(page.locator("#row:not([aria-busy])")).to_be_visible()
        expect(page.locator("#said")).not_to_have_text("")
        page.wait_for_timeout(200)
        assert [each.choice for each in read_decisions(store).last.values()] == [choice]
    assert page.locator("#title").inner_text() == title


def test_a_decision_that_was_not_stored_is_said_and_the_row_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("its disk is full")

    with serving(routes(open_desk(store))) as pages, opened(pages.url) as (page, _):
        title = page.locator("#title").inner_text()
        with monkeypatch.context() as failing:
            failing.setattr(Journal, "append", fail)
            press_when_ready(page, "a")
            expect(page.locator("#said")).to_contain_text("its disk is full. Try again.")
        assert page.locator("#title").inner_text() == title
        expect(page.locator("#progress")).to_contain_text("0 of 5 decided")
        press_when_ready(page, "a")
        expect(page.locator("#progress")).to_contain_text("1 of 5 decided")


@pytest.mark.parametrize("width", [375, 1200])
def test_nothing_is_wider_than_the_window_and_everything_has_a_name(
    store: Store, width: int
) -> None:
    write_rows(store, {"question": "x" * 5_000, "new_answer": "y" * 5_000})
    size = {"viewport": {"width": width, "height": 740}}
    with serving(routes(open_desk(store))) as pages, opened(pages.url, **size) as (page, _):
        press_when_ready(page, "e")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for element in page.locator("button, input, select, textarea").all():
            name = element.evaluate(
                "e => e.ariaLabel || e.textContent || e.labels?.[0]?.textContent"
            )
            assert name
        assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
