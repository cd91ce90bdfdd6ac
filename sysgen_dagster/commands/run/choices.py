"""The preview of `sysgen run`: rows, the price of all, and what the user wants then."""

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from sysgen_dagster.catalog.sources import Exchanges, Source
from sysgen_dagster.chat.prompts import PromptError
from sysgen_dagster.commands.deployment import work_of
from sysgen_dagster.commands.printing import say
from sysgen_dagster.commands.run.answers import Answers, answering
from sysgen_dagster.commands.run.browser import BrowserPage
from sysgen_dagster.commands.run.comparison import print_comparison
from sysgen_dagster.commands.run.judges_price import describe_judges
from sysgen_dagster.commands.run.keys import ask_for_key
from sysgen_dagster.commands.run.preview import (
    Chosen,
    Pace,
    Preview,
    Previewed,
    choose_conversations,
)
from sysgen_dagster.commands.run.price import Whole, describe_price
from sysgen_dagster.commands.run.prompts import Draft, draft_of
from sysgen_dagster.commands.run.rows import print_row, story_lines
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.lanes.sysgen.stories import Story
from sysgen_dagster.obedience.tables import JUDGE_CALIBRATION
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.spread import Spread, read_spread
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition

MORE = 10  # rows that are shown first, and that one key adds
TELL_EVERY_S = 15.0  # without a terminal
_ENOUGH = 5  # rows after which it means something that none was kept


class Decision(NamedTuple):
    """Whether all rows are to be made, what came of the previewed ones, and the tokens paid."""

    wants_all: bool
    kept: int
    shown: int
    paid: tuple[int, int] = (0, 0)


def preview_until_chosen(
    console: Console,
    store: Store,
    catalog: Catalog,
    first: int,
    is_attended: bool,
    assume_yes: bool,
    limit: int | None = None,
    said: Sequence[str] = (),
) -> Decision:
    """Show some rows and the price of all, until the user wants all of them or none.

    The environment points at the deployment. Definitions of Dagster that were loaded before do not
    know of a prompt that is edited here.

    Args:
        console: Where it is shown.
        store: Of the deployment.
        catalog: Of the deployment; its first source and its first model are shown.
        first: How many rows are shown before anything is asked; 0: none.
        is_attended: Whether somebody can press a key.
        assume_yes: Whether all are wanted without a question, unless no row was kept.
        limit: How many conversations are wanted; None: all.
        said: Lines about the model's servers that the user knows.

    Raises:
        EngineError: The model cannot be reached; the ledgers keep what was answered.
        SourceError: The source cannot be read.
        StoppedError: The user has ended the command.
    """
    look = _Look(console, store, catalog, limit, {*said})
    if first:
        look.show_more(first)
    if assume_yes or not is_attended:
        return look.decide_alone(assume_yes)
    return look.ask()


@dataclass(slots=True)
class _Look:
    """A look at the rows of a deployment.

    Attributes:
        said: Lines about the model's servers that the user knows.
        rows: What was shown so far, the last time for each row.
        page: The same rows for a browser.
        spread: The rows that were read last, and figures of all.
        paid: Tokens in and out that were paid for.
    """

    console: Console
    store: Store
    catalog: Catalog
    limit: int | None
    said: set[str]
    rows: list[Previewed] = field(default_factory=list)
    spread: Spread | None = None
    paid: tuple[int, int] = (0, 0)
    pace: Pace = field(default_factory=Pace)
    page: BrowserPage = field(init=False)

    def __post_init__(self) -> None:
        self.page = BrowserPage(self.store, self.catalog)

    @property
    def source(self) -> Source:
        return next(iter(self.catalog.sources.values()))

    @property
    def model(self) -> Generator:
        return next(iter(self.catalog.models.values()))

    @property
    def kept(self) -> int:
        return sum(row.is_kept for row in self.rows)

    def show_more(self, count: int) -> None:
        """Show the next rows, and the price of all."""
        chosen = self._choose(len(self.rows), count)
        if not chosen:
            self._say("There are no more rows.")
            return
        for row in self._previewed(chosen):
            print_row(self.console, row, self.source.name)
            self.rows.append(row)
            self.page.add(row)
        self._show_price()

    def decide_alone(self, assume_yes: bool) -> Decision:
        """What is done where nobody is asked."""
        if assume_yes and len(self.rows) >= _ENOUGH and not self.kept:
            self._say(
                f"None of {len(self.rows)} rows was kept, so the others are not paid for. Look at "
                "the reasons above, then change the prompt or the model; --preview 0 goes on all "
                "the same."
            )
            return self._decide(wants_all=False)
        if not assume_yes:
            self._say("Nothing else was asked. Add --yes to make all rows.")
        return self._decide(wants_all=assume_yes)

    def ask(self) -> Decision:
        """What the user decides in the end."""
        while True:
            edit = {"e": "[e]dit the prompt and compare"} if self.rows else {}
            choices = {"a": "[a]ll rows", "n": f"[n]ext {MORE}", **edit}
            choices |= {"b": "[b]rowser", "q": "[q]uit"}
            key = ask_for_key(self.console, choices, at_end="q")
            if key in "aq":
                return self._decide(wants_all=key == "a")
            if key == "n":
                self.show_more(MORE)
            elif key == "b":
                self._say(f"Until the command ends: {self.page.open()}")
            else:
                self._edit()

    def _decide(self, wants_all: bool) -> Decision:
        return Decision(wants_all, self.kept, len(self.rows), self.paid)

    def _choose(self, first: int, count: int) -> list[Chosen]:
        with self._live() as show:
            show(f"Reading {self.source.name}.", None)
            cache = work_of(self.store) / "downloads"
            self.spread = read_spread(self.source, first, count, cache, self.store, self.limit)
        conversations = build_conversations(self.spread.rows, self.source, self.store.excluded())
        return choose_conversations(conversations, self.spread.characters, first + 1, self.limit)

    def _previewed(self, chosen: Sequence[Chosen]) -> Iterator[Previewed]:
        with self._live() as show, self._answers() as answers:
            show(f"Asking {self.model.name}: {len(chosen):,} rows, the shortest one first.", None)
            whole = self.source.exchanges is Exchanges.WHOLE
            preview = Preview(answers, self.catalog.method, whole)
            for row in preview.run(
                chosen, lambda: show("  ".join(preview.describe()), preview.begun)
            ):
                self.paid = (self.paid[0] + row.spent.paid[0], self.paid[1] + row.spent.paid[1])
                yield row
            self.pace = preview.pace if preview.pace.completion_tokens else self.pace

    @contextmanager
    def _answers(self) -> Iterator[Answers]:
        # Here, because partitions are read from the catalogue when this is imported.
        from sysgen_dagster.defs.plumbing.resources import InferenceResource

        work, engine = (os.environ.get(name, "") for name in ("SYSGEN_WORK", "SYSGEN_ENGINE"))
        engines = InferenceResource(root=str(self.store.root), work=work, engine=engine).engines()
        folder, source = work_of(self.store) / "ledger", self.source.name
        with answering(engines, self.model, folder, source, self._tell) as answers:
            yield answers

    def _show_price(self) -> None:
        assert self.spread is not None
        read = self.spread
        whole = Whole(read.wanted, read.mean_characters, read.wanted < read.total)
        for line in describe_price(self.rows, whole, self.model, self.pace, self.limit):
            self._say(line)
        of_judges = describe_judges(
            *(self.rows, whole, self.catalog, self.model, self.limit),
            is_calibrated=self.store.holds(JUDGE_CALIBRATION, Partition(self.model.name)),
        )
        for line in of_judges:
            self._say(line)

    def _edit(self) -> None:
        """Edit the prompt, ask about the same rows again, and keep the new prompt or the old."""
        draft = draft_of(self.catalog.method)
        is_kept = False
        try:
            if self._is_edited(draft):
                is_kept = self._compare(draft)
        finally:
            if not is_kept:
                draft.take_back()

    def _is_edited(self, draft: Draft) -> bool:
        """Whether there is another prompt that can be used."""
        while True:
            try:
                draft.edit()
                if draft.is_changed():
                    return True
                self._say("The prompt is as it was.")
                return False
            except PromptError as error:
                self.console.print(Text(str(error), "red"))
            choices = {"e": "[e]dit again", "u": "[u]ndo"}
            if ask_for_key(self.console, choices, at_end="u") == "u":
                return False

    def _compare(self, draft: Draft) -> bool:
        """Whether the new prompt is kept, after a look at the same rows with both."""
        old = sorted(self.rows, key=lambda row: row.chosen.number)
        new = sorted(
            self._previewed([row.chosen for row in old]), key=lambda row: row.chosen.number
        )
        print_comparison(self.console, old, new)
        choices = {"k": "[k]eep the new prompt", "o": "back to the [o]ld one"}
        if ask_for_key(self.console, choices, at_end="o") == "o":
            return False
        self._say(f"All rows are asked with the new prompt: {', '.join(draft.keep())}")
        self.rows = new
        for row in new:
            self.page.add(row)
        self._show_price()
        return True

    def _tell(self, line: str) -> None:
        """Say what happens to a server, once."""
        if (named := f"{self.model.name}: {line}") not in self.said:
            self.said.add(named)
            say(self.console, f"Model: {line}")

    def _say(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)

    @contextmanager
    def _live(self) -> Iterator[Callable[[str, Story | None], None]]:
        """Takes what is going on, and a row as far as it is: the bottom of a terminal shows both.

        Elsewhere there is a line at times.
        """
        if self.console.is_terminal:
            with Live(console=self.console, transient=True, refresh_per_second=5) as live:

                def draw(line: str, begun: Story | None) -> None:
                    row = [] if begun is None else [story_lines(begun, self.console.width)]
                    said = Text(line, "dim", no_wrap=True, overflow="ellipsis")
                    live.update(Group(*row, said))

                yield draw
            return
        told = -math.inf

        def tell(line: str, _: Story | None) -> None:
            nonlocal told
            if line and time.monotonic() - told >= TELL_EVERY_S:
                self._say(line)
                told = time.monotonic()

        yield tell
