"""How far the rows are: a share that only grows, the tokens, what is left, what was dropped."""

import io
import time
from dataclasses import dataclass

import pytest
from rich.console import Console

from sysgen_dagster.commands.run.model import read_price
from sysgen_dagster.commands.run.progress import RowsProgress, showing
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster_tests.commands.run.small_deployments import plain_console

ANNOTATED, VERIFIED, ALIGNED = (
    "annotated_system_messages",
    "verified_system_messages",
    "aligned_responses",
)
ANSWER = Outcome(text="x", prompt_tokens=100, completion_tokens=10, attempts=1)
FAILURE = Outcome(failed_because="server_error", attempts=3)


@dataclass
class Clock:
    """A time that the test says."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def asking(rows: RowsProgress, table: str, total: int) -> Progress:
    progress = Progress(total=total)
    rows.take(table, progress)
    return progress


def answer(progress: Progress, number: int, *, known: bool = False) -> None:
    for _ in range(number):
        progress.count(ANSWER, is_known=known)


def test_a_whole_shard_is_followed_from_its_first_answer_to_its_last() -> None:
    clock = Clock()
    rows = RowsProgress(read_price("10,100,EUR"), conversations=20, clock=clock)
    rows.begin_shard("mine-000", 10)
    assert rows.line() == "  0% · mine-000 · kept 0, dropped 0"
    first = asking(rows, ANNOTATED, 10)
    clock.now = 10
    answer(first, 5)
    assert rows.line() == (
        "  8% · phase 1 annotated 5 of 10 · 30.0 requests/min, 110 s left · "
        "550 tokens, 0.01 EUR · kept 0, dropped 0"
    )
    answer(first, 5)
    second = asking(rows, VERIFIED, 8)  # Phase 2 has dropped two
    assert rows.line().endswith("kept 0, dropped 2")
    answer(second, 8)
    third = asking(rows, ALIGNED, 8)
    answer(third, 7)
    third.count(FAILURE)
    assert rows.line().startswith(" 50% · phase 4 aligned 8 of 8")
    assert rows.line().endswith("kept 7, dropped 3")
    rows.end_shard(7, 3)
    assert rows.share == 0.5
    assert rows.line().endswith("kept 7, dropped 3")


def test_the_share_never_falls_and_ends_at_one() -> None:
    rows = RowsProgress(conversations=12)
    seen = [rows.share]
    for shard in range(3):
        rows.begin_shard(f"mine-{shard}", 4)
        for table, total in ((ANNOTATED, 4), (VERIFIED, 3), (ALIGNED, 3)):
            progress = asking(rows, table, total)
            for _ in range(total):
                answer(progress, 1)
                seen.append(rows.share)
        rows.end_shard(3, 1)
        seen.append(rows.share)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)


def test_what_was_known_costs_nothing_and_makes_no_rate() -> None:
    clock = Clock()
    rows = RowsProgress(conversations=10, clock=clock)
    rows.begin_shard("mine-000", 10)
    progress = asking(rows, ANNOTATED, 10)
    clock.now = 1
    answer(progress, 4, known=True)
    assert "requests" not in rows.line()
    assert "tokens" not in rows.line()
    answer(progress, 1)
    assert "1.0 requests/s, 25 s left" in rows.line()
    assert rows.tokens == (100, 10)


def test_several_attempts_at_a_row_are_one_step() -> None:
    rows = RowsProgress(conversations=4)
    rows.begin_shard("mine-000", 4)
    progress = asking(rows, ANNOTATED, 4)
    answer(progress, 4)
    progress.total += 4  # a second sample of each
    rows.take(ANNOTATED, progress)
    answer(progress, 4)
    assert rows.share == pytest.approx(1 / 3)
    assert rows.tokens == (800, 80)


def test_judges_are_named_and_move_no_share() -> None:
    rows = RowsProgress(conversations=4)
    rows.begin_shard("mine-000", 4)
    rows.end_shard(4, 0)
    asking(rows, "judged_alignment", 2)
    assert rows.line().startswith("100% · judged_alignment 0 of 2")


def test_without_a_terminal_there_is_a_line_at_times_and_no_more_after_the_end() -> None:
    console, rows = plain_console(), RowsProgress(conversations=4, stage="reading mine-000")
    with showing(console, rows, first_s=0.02, every_s=0.02):
        time.sleep(0.2)
    lines = console.export_text(clear=False).splitlines()
    time.sleep(0.05)
    assert console.export_text().splitlines() == lines
    assert 2 <= len(lines) <= 12
    assert set(lines) == {"  0% · reading mine-000 · kept 0, dropped 0"}


@pytest.mark.parametrize("width", [40, 100])
def test_on_a_terminal_the_line_is_drawn_and_gone_in_the_end(width: int) -> None:
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=width)
    with showing(console, RowsProgress(conversations=4, stage="reading mine-000")):
        time.sleep(0.3)
    assert "reading mine-000" in drawn.getvalue()
    assert drawn.getvalue().endswith("\x1b[2K")
