"""How far the rows are, while partitions are made: on a terminal a live line, else one at times."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text

from sysgen_dagster.catalog.models import Price
from sysgen_dagster.inference.progress import Progress, speed, time_left
from sysgen_dagster.lanes.sysgen.phases import LABELS, PHASES

_ASKED = [phase.table.name for phase in PHASES if phase.asks]
_BAR = 30  # columns


@dataclass(slots=True)
class RowsProgress:
    """What has become of the conversations of a source so far.

    A conversation is done with when every phase that asks a model has answered it, or when it was
    dropped. Requests are counted by `inference.progress.Progress`, one of which is made for each
    partition; they go on counting while they are looked at.

    Attributes:
        price: What a million tokens cost, if that is known.
        paid: Tokens in and out that this run has paid for before.
        conversations: That Phase 1 takes, of all shards.
        kept: Conversations that went through all phases, of finished shards.
        dropped: Conversations that did not.
    """

    price: Price | None = None
    paid: tuple[int, int] = (0, 0)
    conversations: int = 0
    kept: int = 0
    dropped: int = 0
    stage: str = ""
    clock: Callable[[], float] = time.monotonic
    _shard: int = 0
    _asking: str = ""
    _now: Progress | None = None
    _all: list[Progress] = field(default_factory=list)
    _began: float | None = None

    def begin_shard(self, name: str, conversations: int) -> None:
        """So many conversations of a shard go through the phases now."""
        self.stage, self._shard, self._asking, self._now = name, conversations, "", None

    def take(self, table: str, progress: Progress) -> None:
        """A model is asked for rows of a table from now on: for `resources.ASKING`."""
        self._began = self._began or self.clock()
        self._asking, self._now = table, progress
        if not any(each is progress for each in self._all):
            self._all.append(progress)

    def end_shard(self, kept: int, dropped: int) -> None:
        """The shard is done."""
        self.kept, self.dropped = self.kept + kept, self.dropped + dropped
        self.begin_shard("", 0)

    @property
    def tokens(self) -> tuple[int, int]:
        """Of prompts and of answers, that this run has paid for."""
        asked = list(self._all)
        prompt = self.paid[0] + sum(it.prompt_tokens for it in asked)
        return prompt, self.paid[1] + sum(it.completion_tokens for it in asked)

    def cost_of(self, prompt: int, completion: int) -> str:
        """What so many tokens cost, for people; empty where that is not known."""
        if self.price is None:
            return ""
        return f"{self.price.money(prompt, completion):,.2f} {self.price.currency}"

    @property
    def steps(self) -> float:
        """Answers that need not be waited for any more; each conversation has three in all."""
        return len(_ASKED) * (self.kept + self.dropped) + self._steps_of_shard()

    @property
    def share(self) -> float:
        """The part that is done, from 0 to 1."""
        return self.steps / (len(_ASKED) * self.conversations) if self.conversations else 0.0

    def _steps_of_shard(self) -> float:
        if self._now is None or self._asking not in _ASKED:
            return 0.0
        before, rows = _ASKED.index(self._asking), self._going_on()
        gone = (self._shard - rows) * (len(_ASKED) - before)
        answered = rows * self._now.done / max(self._now.total, 1)
        return before * self._shard + gone + answered

    def _going_on(self) -> int:
        """Rows of the shard that the phase which is asking has got."""
        if self._now is None or self._asking == _ASKED[0]:
            return self._shard
        return min(self._shard, self._now.total)

    def line(self) -> str:
        """All of it, for people."""
        return " · ".join(self.lines())

    def lines(self) -> tuple[str, str]:
        """The same in two lines: how fast it goes, and what has become of the rows so far."""
        cost = self.cost_of(*self.tokens)
        spent = f"{sum(self.tokens):,} tokens{cost and f', {cost}'}" if any(self.tokens) else ""
        going = [f"{self.share:4.0%}", *self._phase(), *self._speed()]
        return " · ".join(going), " · ".join(filter(None, [spent, self._fate()]))

    def _phase(self) -> list[str]:
        if self._now is None:
            return [self.stage] if self.stage else []
        done = min(self._now.done, self._now.total)
        said = f"phase {LABELS[self._asking]}" if self._asking in LABELS else self._asking
        return [f"{said} {done:,} of {self._now.total:,}"]

    def _speed(self) -> list[str]:
        answers = sum(each.done - each.from_ledger for each in list(self._all))
        if self._now is None or self._began is None or not answers:
            return []
        rate = answers / max(self.clock() - self._began, 1e-9)
        left = len(_ASKED) * self.conversations - self.steps
        return [f"{speed(rate)}, {time_left(left / rate)}"]

    def _fate(self) -> str:
        kept, dropped = self.kept, self.dropped
        if self._now is not None:
            dropped += self._shard - self._going_on()
            if self._asking == _ASKED[-1]:
                kept += self._now.done - self._now.failed
                dropped += self._now.failed
        return f"kept {kept:,}, dropped {dropped:,}"


@contextmanager
def showing(
    console: Console, rows: RowsProgress, first_s: float = 5.0, every_s: float = 15.0
) -> Iterator[None]:
    """Has the progress shown until the context ends.

    Args:
        console: A terminal gets a line that changes, anything else a new line from time to time.
        rows: The progress.
        first_s: Seconds until the first of those lines.
        every_s: Seconds between two of them.
    """
    if console.is_terminal:
        with Live(
            get_renderable=lambda: _drawn(rows, console.width), console=console, transient=True
        ):
            yield
        return
    ended = threading.Event()

    def tell() -> None:
        wait_s = first_s
        while not ended.wait(wait_s):
            wait_s = every_s
            console.print(rows.line(), soft_wrap=True, markup=False, highlight=False)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def _drawn(rows: RowsProgress, width: int) -> RenderableType:
    going, so_far = (Text(line, no_wrap=True, overflow="ellipsis") for line in rows.lines())
    if width < 3 * _BAR:  # the words say more than a bar
        return Group(going, so_far)
    grid = Grid.grid(padding=(0, 1))
    grid.add_row(ProgressBar(total=1.0, completed=rows.share, width=_BAR), going)
    grid.add_row("", so_far)
    return grid
