"""Takes some rows of a source through all four phases, each on its own, before any asset is made.

The functions of the phases are those of the assets. The shortest row goes first and alone, so that
something is seen soon on a slow server too; the others follow together.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import polars as pl

from sysgen_dagster.commands.run.answers import Answers, Spent
from sysgen_dagster.inference.stopping import STOP, StoppedError
from sysgen_dagster.lanes.sysgen import attempts, filtering, verification
from sysgen_dagster.lanes.sysgen.answers import answer
from sysgen_dagster.lanes.sysgen.phases import (
    ALIGNMENT,
    ANNOTATION,
    FILTERING,
    PHASES,
    VERIFICATION,
    Phase,
)
from sysgen_dagster.lanes.sysgen.settings import Method
from sysgen_dagster.lanes.sysgen.stories import Story, build_stories
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import Table, kept

_LOOK_EVERY_S = 0.2
# Where the first row took longer, few requests are in flight: a server that works on one at a time
# would let the others wait until their time is over.
_SLOW_S, _ON_A_SLOW_SERVER, _AT_ONCE = 20.0, 4, 32
_STEP = math.sqrt(2)  # with which the exchanges are drawn; rows are spread with another number

# Told of each row that is begun, as its number, and of the phase that it is in; None: it has ended.
Watch = Callable[[int, Phase | None], None]
# Told of each row after each phase, as far as it has come.
Tell = Callable[[Story], None]


@dataclass(frozen=True, slots=True)
class Chosen:
    """One conversation that is to be shown.

    Attributes:
        number: Its place in the preview, from 1.
        conversation: `sources.tables.CONVERSATIONS`, one row.
        exchange: Which conversation of its row in the source it is, from 1.
        of: How many conversations that row has.
        characters: Of all texts of that row.
    """

    number: int
    conversation: pl.DataFrame
    exchange: int
    of: int
    characters: int

    @property
    def identity(self) -> str:
        """Its ``conversation_id``."""
        return str(self.conversation["conversation_id"].item())


@dataclass(frozen=True, slots=True)
class Previewed:
    """A conversation after the phases.

    Attributes:
        story: As the report shows it; its ``drop_reason`` is null where it was kept.
        spent: What asking about it took.
        seconds: From its beginning to its end.
        failure: What the server said of the last request, where it gave no text.
    """

    chosen: Chosen
    story: Story
    spent: Spent
    seconds: float
    failure: str | None = None

    @property
    def is_kept(self) -> bool:
        """Whether it came through all phases."""
        return self.story["drop_reason"] is None


@dataclass(slots=True)
class Pace:
    """How fast rows were answered; what the ledger knew took no time and counts nothing.

    Attributes:
        seconds: In which they were.
        completion_tokens: That were written in this time.
        at_once: Rows that were under way together.
    """

    seconds: float = 0.0
    completion_tokens: int = 0
    at_once: int = 0


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one conversation in every table; a `tables.checks.Evidence`."""

    tables: Mapping[Table, pl.DataFrame]
    model: str | None

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        return self.tables.get(table, table.empty()).select(columns)


def choose_conversations(
    conversations: pl.DataFrame,
    characters: Sequence[int],
    first: int = 1,
    limit: int | None = None,
) -> list[Chosen]:
    """One conversation of each row of a source, in the order of the rows.

    Which one of a row's conversations is taken does not depend on what is in them, so that the
    chosen ones stand for all.

    Args:
        conversations: `sources.tables.CONVERSATIONS` of whole rows.
        characters: Of each row.
        first: The number of the first one.
        limit: How many conversations are wanted, the first ones of each row; None: all.
    """
    if limit is not None:
        conversations = conversations.group_by("source_row", maintain_order=True).head(limit)
    groups = [group for _, group in conversations.group_by("source_row", maintain_order=True)]
    chosen = []
    for number, (group, length) in enumerate(zip(groups, characters, strict=True), start=first):
        at = int(number * _STEP % 1.0 * group.height)
        chosen.append(Chosen(number, group.slice(at, 1), at + 1, group.height, length))
    return chosen


def take_through_phases(
    chosen: Chosen,
    answers: Answers,
    method: Method,
    watch: Watch,
    tell: Tell,
    *,
    whole: bool = False,
) -> Previewed:
    """One conversation after Phases 1 to 4, or after the one that drops it.

    Raises:
        EngineError: No server answers, or it went away; the ledgers keep what was answered.
        StoppedError: The user has ended the command.
    """
    began, spent, name = time.monotonic(), Spent(), answers.model.name
    tables: dict[Table, pl.DataFrame] = {CONVERSATIONS: chosen.conversation}
    try:
        for phase in PHASES:
            if (rows := kept(tables[phase.before])).is_empty():
                break
            STOP.check()
            watch(chosen.number, phase)
            ask = answers.asking_for(phase.table, spent)
            if phase == ALIGNMENT:
                made = answer(rows, chosen.conversation, ask, method, whole=whole)
            else:
                made = _make(phase, rows, ask, method)
            tables[phase.table] = made
            tell(_build_story(chosen, tables, name, phase.table))
    finally:
        watch(chosen.number, None)
    story = _build_story(chosen, tables, name)
    last = tables[next(reversed(tables))]
    failure = last["failure"].item() if "failure" in last.columns else None
    return Previewed(chosen, story, spent, time.monotonic() - began, failure)


def _build_story(
    chosen: Chosen, tables: Mapping[Table, pl.DataFrame], model: str, upto: Table = ALIGNED
) -> Story:
    [story] = build_stories([_Rows(tables, model)], model, [chosen.identity], upto=upto)
    return story


def _make(phase: Phase, rows: pl.DataFrame, ask: attempts.Ask, method: Method) -> pl.DataFrame:
    """The rows after a phase before the last."""
    if phase == ANNOTATION:
        return attempts.annotate(rows, ask, method)
    if phase == FILTERING:
        return filtering.filter_messages(rows, method.drop_rule, method.mend)
    assert phase == VERIFICATION
    verdicts = ask(verification.build_verification_requests(rows, method), rows.height)
    return verification.build_verified_messages(rows, verdicts, method.unreadable_verdict)


@dataclass(slots=True)
class Preview:
    """Rows on their way through the phases.

    Attributes:
        whole: Whether all answers of a conversation are written anew.
        under_way: The phase and the beginning of each row that is in one, by its number.
        pace: How fast they were answered so far.
        begun: The row that is alone under way, after the last phase that it came through.
    """

    answers: Answers
    method: Method
    whole: bool = False
    pace: Pace = field(default_factory=Pace)
    under_way: dict[int, tuple[Phase, float]] = field(default_factory=dict)
    begun: Story | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_ended: bool = False

    def run(
        self, chosen: Sequence[Chosen], look: Callable[[], None] = lambda: None
    ) -> Iterator[Previewed]:
        """The rows as they are finished.

        Args:
            chosen: The rows.
            look: Called several times a second.

        Raises:
            EngineError: No server answers, or it went away; the ledgers keep what was answered.
            StoppedError: The user has ended the command.
        """
        asked_about = sorted(filter(_is_asked_about, chosen), key=lambda each: each.characters)
        yield from self._together([each for each in chosen if not _is_asked_about(each)], 1, look)
        yield from self._together(asked_about[:1], 1, look)
        at_once = _ON_A_SLOW_SERVER if self.pace.seconds > _SLOW_S else _AT_ONCE
        yield from self._together(asked_about[1:], at_once, look)

    def watch(self, number: int, phase: Phase | None) -> None:
        """Note which phase a row is in now.

        Raises:
            StoppedError: The user has ended the command, or another row has met an error.
        """
        if self._is_ended and phase is not None:
            raise StoppedError("another row could not be asked about")
        with self._lock:
            _, began = self.under_way.pop(number, (phase, time.monotonic()))
            if phase is not None:
                self.under_way[number] = (phase, began)
            else:
                self.begun = None

    def _note(self, story: Story) -> None:
        with self._lock:
            self.begun = story if len(self.under_way) == 1 else None

    def describe(self) -> list[str]:
        """Which rows are in which phase now, and for how long."""
        now = time.monotonic()
        with self._lock:
            return [
                f"row {number}: Phase {phase.number}, {now - began:.0f} s"
                for number, (phase, began) in sorted(self.under_way.items())
            ]

    def _together(
        self, chosen: Sequence[Chosen], at_once: int, look: Callable[[], None]
    ) -> Iterator[Previewed]:
        """The rows as they are finished, so many of them at once."""
        began, written = time.monotonic(), 0
        pool = ThreadPoolExecutor(at_once)
        waiting = {pool.submit(self._take, each) for each in chosen}
        try:
            while waiting:
                done, waiting = wait(waiting, _LOOK_EVERY_S, return_when=FIRST_COMPLETED)
                look()
                for row in sorted(map(Future.result, done), key=lambda row: row.chosen.number):
                    written += row.spent.paid[1]
                    yield row
        finally:
            self._is_ended = bool(waiting)
            pool.shutdown(cancel_futures=True)
        if written:
            self.pace = Pace(time.monotonic() - began, written, min(at_once, len(chosen)))

    def _take(self, chosen: Chosen) -> Previewed:
        return take_through_phases(
            chosen, self.answers, self.method, self.watch, self._note, whole=self.whole
        )


def _is_asked_about(chosen: Chosen) -> bool:
    """Whether a model is asked about it: it was not dropped where conversations are made."""
    return not kept(chosen.conversation).is_empty()
