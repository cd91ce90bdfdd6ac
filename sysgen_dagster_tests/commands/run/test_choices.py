"""The preview from its first row to the user's choice, on the simulated model."""

import re
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from rich.console import Console

from sysgen_dagster.chat.prompts import forget_prompts
from sysgen_dagster.commands.run import choices
from sysgen_dagster.commands.run.choices import Decision, preview_until_chosen
from sysgen_dagster.commands.run.preview import Preview
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.stopping import STOP, StoppedError
from sysgen_dagster.lanes.sysgen.phases import ALIGNMENT, Phase
from sysgen_dagster_tests.commands.run.small_deployments import (
    ASKED,
    MODEL,
    SOURCE,
    SmallDeployment,
    plain_console,
    turns_row,
)
from sysgen_dagster_tests.simulated.running_server import running

ROWS = [
    turns_row("Tell me " + "all " * 40 + "about rivers.", "They flow."),
    *(turns_row(f"Why is {n} plus {n} an even number?", f"It is {2 * n}.") for n in range(12)),
    turns_row("Is anybody there?", " "),
]
PREVIEW = f"{MODEL}|{SOURCE}-preview"
RHYME = "Let it rhyme."

Press = Callable[[str], list[tuple[str, str]]]


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    return SmallDeployment(tmp_path_factory.mktemp("mine"), ROWS)


@pytest.fixture(autouse=True)
def _prompts_as_shipped(mine: SmallDeployment) -> Iterator[None]:
    forget_prompts()
    yield
    for file in (mine.folder / "prompts").glob("*"):
        file.unlink()
    forget_prompts()


@pytest.fixture
def press(monkeypatch: pytest.MonkeyPatch) -> Press:
    """Presses these keys one after the other; returns what was offered each time, filled later."""

    def prepare(keys: str) -> list[tuple[str, str]]:
        offered: list[tuple[str, str]] = []
        left = iter(keys)

        def ask(_: Console, of: Mapping[str, str], at_end: str) -> str:
            key = next(left, at_end)
            assert key in of
            offered.append((key, " ".join(of.values())))
            return key

        monkeypatch.setattr(choices, "ask_for_key", ask)
        return offered

    return prepare


@pytest.fixture
def edit_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """An editor that adds lines to the prompt's first message, other ones each time."""

    def prepare(*lines: str) -> None:
        program, count = tmp_path / "editor.py", tmp_path / "count"
        count.write_text("0")
        program.write_text(
            "import pathlib, sys\n"
            f"count = pathlib.Path({str(count)!r})\n"
            "number = int(count.read_text())\n"
            "count.write_text(str(number + 1))\n"
            "paths = map(pathlib.Path, sys.argv[1:])\n"
            "path = next(path for path in paths if 'system' in path.name)\n"
            f"path.write_text(path.read_text() + {list(lines)!r}[number] + chr(10))\n"
        )
        monkeypatch.setenv("VISUAL", shlex.join([sys.executable, str(program)]))

    return prepare


def look(
    mine: SmallDeployment,
    first: int,
    is_attended: bool = True,
    assume_yes: bool = False,
    limit: int | None = None,
) -> tuple[Decision, str]:
    """The decision, and what was printed."""
    console = plain_console(120)
    with mine.entered() as catalog:
        decision = preview_until_chosen(
            console, mine.store, catalog, first, is_attended, assume_yes, limit
        )
    return decision, console.export_text()


@pytest.mark.parametrize(
    ("first", "is_attended", "assume_yes", "wants_all"),
    [
        (14, False, True, True),
        (14, True, True, True),
        (14, False, False, False),
        (0, False, True, True),
        (0, False, False, False),
    ],
)
def test_without_a_key_the_options_decide(
    mine: SmallDeployment, first: int, is_attended: bool, assume_yes: bool, wants_all: bool
) -> None:
    decision, said = look(mine, first, is_attended, assume_yes)
    assert decision.wants_all is wants_all
    assert decision.shown == first
    assert ("Add --yes" in said) == (not wants_all)


def test_as_many_rows_come_out_as_went_in_and_the_dropped_ones_have_a_reason(
    mine: SmallDeployment,
) -> None:
    decision, said = look(mine, 14, False)
    titles = [line for line in said.splitlines() if line.startswith("Row ")]
    assert len(titles) == decision.shown == 14
    assert sum("  kept  " in line for line in titles) == decision.kept
    dropped = [line for line in titles if "  dropped " in line]
    assert len(dropped) == 14 - decision.kept > 0
    assert all(": " in line for line in dropped)
    # What needs no model comes at once, then the shortest of the others, alone.
    assert "dropped before Phase 1: its answer is empty" in titles[0]
    assert f"kept {decision.kept} of 14 previewed" in said
    assert "all 14 rows, as these 14 tell" in said


@pytest.mark.parametrize(("limit", "shown"), [(1, 1), (3, 3), (6, 6)])
def test_only_rows_that_are_wanted_are_shown_and_priced(
    mine: SmallDeployment, limit: int, shown: int
) -> None:
    decision, said = look(mine, 14, False, limit=limit)
    assert decision.shown == shown
    places = [int(place) for place in re.findall(r"mine row (\d+)", said)]
    assert sorted(places) == list(range(limit))
    assert f"{limit} conversations, as these {shown} tell" in said


def test_without_a_terminal_it_is_said_at_times_what_is_going_on(
    mine: SmallDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Preview):
        def watch(self, number: int, phase: object) -> None:
            Preview.watch(self, number, phase)  # type: ignore[arg-type]
            time.sleep(0.3)

    monkeypatch.setattr(choices, "Preview", Slow)
    monkeypatch.setattr(choices, "TELL_EVERY_S", 0.5)
    _, said = look(mine, 2, False)
    assert said.splitlines()[0] == "Reading mine."
    assert "Asking phi: 2 rows" in said.splitlines()[1]
    lines = [line for line in said.splitlines() if re.match(r"row \d+: Phase \d, \d+ s", line)]
    assert 1 <= len(lines) <= 12


def test_the_first_row_goes_alone_and_is_the_shortest(
    mine: SmallDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    together: list[list[int]] = []
    watch = Preview.watch

    def note(preview: Preview, number: int, phase: object) -> None:
        watch(preview, number, phase)  # type: ignore[arg-type]
        together.append(sorted(preview.under_way))

    monkeypatch.setattr(Preview, "watch", note)
    look(mine, 13, False)
    begun = [each for each in together if each]
    first = begun[0]
    assert begun[:4] == [first] * 4
    assert len(first) == 1
    assert max(map(len, begun)) > 1


def test_ten_more_are_other_rows_and_the_price_is_told_again(
    mine: SmallDeployment, press: Press
) -> None:
    offered = press("nnna")
    decision, said = look(mine, 3)
    assert decision.wants_all
    assert decision.shown == 14
    numbers = [int(line.split()[1]) for line in said.splitlines() if line.startswith("Row ")]
    assert sorted(numbers) == list(range(1, 15))
    places = [line.split("row ")[1].split()[0] for line in said.splitlines() if "Row " in line]
    assert len(set(places)) == 14
    assert [f"of {count} previewed" in said for count in (3, 13, 14)] == [True] * 3
    assert said.count(" previewed (") == 3
    assert "There are no more rows." in said
    assert [key for key, _ in offered] == ["n", "n", "n", "a"]


def test_a_prompt_that_is_kept_is_asked_for_the_same_rows_and_what_both_made_is_shown(
    mine: SmallDeployment, press: Press, edit_with: Callable[..., None]
) -> None:
    press("eka")
    edit_with(RHYME)
    before = mine.asked(ASKED[0], PREVIEW).keys()
    decision, said = look(mine, 4)

    after = mine.asked(ASKED[0], PREVIEW)
    assert before <= after.keys()  # the answers to the old prompt stay
    names = [after[key] for key in after.keys() - before]
    assert len(names) >= 4
    assert said.count("new: kept") + said.count("new: dropped") == 4
    assert said.count("old: kept") + said.count("old: dropped") == 4
    assert "tokens out" in said
    assert [file.name for file in (mine.folder / "prompts").iterdir()] == [
        "phase1_annotate_as_turns.system.md"
    ]
    assert decision.wants_all


def test_going_back_to_the_old_prompt_asks_nothing_again(
    mine: SmallDeployment, press: Press, edit_with: Callable[..., None]
) -> None:
    offered = press("eoq")
    edit_with(RHYME)
    look(mine, 4)
    asked = mine.asked(ASKED[0], PREVIEW)

    assert [key for key, _ in offered] == ["e", "o", "q"]
    assert not list((mine.folder / "prompts").iterdir())
    look(mine, 4, False)
    assert mine.asked(ASKED[0], PREVIEW) == asked


def test_a_wrong_template_says_what_is_wrong_and_can_be_edited_again_or_undone(
    mine: SmallDeployment, press: Press, edit_with: Callable[..., None]
) -> None:
    offered = press("eeuq")
    edit_with("{{ nobody }}", "{% if %}")
    _, said = look(mine, 2)
    assert "uses ['nobody']" in " ".join(said.split())
    assert said.count("phase1_annotate_as_turns.system.md") >= 2
    assert [key for key, _ in offered] == ["e", "e", "u", "q"]
    assert not list((mine.folder / "prompts").iterdir())


def test_a_prompt_that_was_not_changed_is_said_to_be_so_and_asked_with_no_more(
    mine: SmallDeployment, press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    press("eq")
    monkeypatch.setenv("VISUAL", "true")
    _, said = look(mine, 2)
    assert "The prompt is as it was." in said
    assert "old:" not in said


def test_rows_of_which_none_is_kept_are_not_paid_for_unasked(tmp_path: Path) -> None:
    empty = [turns_row("Is anybody there?", " ") for _ in range(9)]
    mine = SmallDeployment(tmp_path / "mine", empty)
    decision, said = look(mine, 9, False, assume_yes=True)
    assert decision == Decision(False, 0, 9)
    assert "None of 9 rows was kept" in said
    assert not (mine.folder / "engines" / "simulated.json").exists()


@pytest.mark.slow
def test_a_server_that_cannot_be_reached_ends_the_preview_with_its_name(tmp_path: Path) -> None:
    gone = {"engine": "endpoint", "base_urls": ["http://127.0.0.1:9/v1"]}
    mine = SmallDeployment(tmp_path / "mine", ROWS, model=gone)
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:9"):
        look(mine, 3, False)


def test_a_server_that_goes_away_in_the_preview_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away(Preview):
        def watch(self, number: int, phase: Phase | None) -> None:
            if phase == ALIGNMENT:
                server.process.kill()
                server.process.wait()
            Preview.watch(self, number, phase)

    monkeypatch.setattr(choices, "Preview", Away)
    console = plain_console(120)

    def stop_when_it_is_said() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and "any more" not in printed(console):
            time.sleep(0.1)
        STOP.ask()

    watcher = threading.Thread(target=stop_when_it_is_said)
    with running() as server:
        at = {"engine": "endpoint", "base_urls": [f"{server.url}/v1"], "served_name": "phi"}
        mine = SmallDeployment(tmp_path / "mine", ROWS, model=at)
        watcher.start()
        try:
            with mine.entered() as catalog, pytest.raises(StoppedError):
                preview_until_chosen(console, mine.store, catalog, 3, False, False)
        finally:
            watcher.join()
            STOP.is_asked = False
    assert f"nothing answers at {server.url}/v1 any more; waiting for it" in printed(console)


def printed(console: Console) -> str:
    return console.export_text(clear=False)


def test_a_signal_ends_the_preview_soon(
    mine: SmallDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Preview):
        def watch(self, number: int, phase: object) -> None:
            time.sleep(0.3)
            Preview.watch(self, number, phase)  # type: ignore[arg-type]

    monkeypatch.setattr(choices, "Preview", Slow)
    timer = threading.Timer(0.8, STOP.ask)
    timer.start()
    began = time.monotonic()
    try:
        with pytest.raises(StoppedError):
            look(mine, 14, False)
        assert time.monotonic() - began < 8
    finally:
        timer.join()
        STOP.is_asked = False


def test_the_rows_can_be_looked_at_in_a_browser_before_the_choice(
    mine: SmallDeployment, press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    press("bba")
    decision, said = look(mine, 1)
    assert decision.wants_all
    addresses = [line for line in said.splitlines() if "http://127.0.0.1:" in line]
    assert len(addresses) == 2
    assert len(set(addresses)) == 1
