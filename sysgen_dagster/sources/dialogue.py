"""Makes a dialogue of turns, in which user and assistant take turns, and cuts it into exchanges.

Templates of chat models refuse two turns of one role in a row and an assistant that speaks first,
so what cannot be trained on is decided here, before any model is asked::

    [assistant: Hello] [user: One] [user: more] [assistant: So]  becomes  [user: One, more] [So]
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.chat.reasoning import join_reasoning
from sysgen_dagster.chat.visible import is_blank
from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.sources.shapes import TOOL_ROLES, Turn

# What the history of one conversation and the system message of its row may hold together. With
# `exchanges: each` every exchange repeats them, so that without a bound a row would take the square
# of its size. More characters fit the context of hardly any model.
MOST_TURNS = 200
MOST_CHARACTERS = 200_000


class Exchange(NamedTuple):
    """A question with its answer, and the turns of its dialogue up to the question."""

    position: int  # in its upstream row, from 0
    question: Turn | None
    answer: Turn | None = None
    reason: Unusable | None = None  # it depends on a turn that is none of user or assistant

    @property
    def begins(self) -> int:
        """How many turns of the dialogue stand before the question."""
        return 2 * self.position


class Dialogue:
    """The turns of one upstream row, without those of the system, as a dialogue.

    Turns of one role in a row are joined, a blank line between them; what an assistant says before
    anybody has asked is left out. A turn of a tool or of somebody unknown is no part of it either;
    every turn after one depends on it.

    Attributes:
        turns: A user's and an assistant's by turns; the first is a user's.
        left_out: How many turns are not in `turns`: an assistant's before any question, a tool's,
            and those of somebody unknown.
        reason: Why none of the row can be used; None: it can.
    """

    def __init__(self, turns: Iterable[Turn]) -> None:
        """Of the turns of a row, in their order."""
        self.left_out = 0
        self.reason: Unusable | None = None
        self._first_dependent: tuple[int, Unusable] | None = None
        groups: list[list[Turn]] = []  # of turns of one role in a row
        for turn in turns:
            self._add(turn, groups)
        self.turns = [_join(group) for group in groups]

    def _add(self, turn: Turn, groups: list[list[Turn]]) -> None:
        if turn.role is None:
            self.reason = Unusable.MALFORMED_ROW
        elif turn.role not in (Role.USER, Role.ASSISTANT):
            self.left_out += 1
            if self._first_dependent is None:
                is_tool = turn.role in TOOL_ROLES
                why = Unusable.TOOL_TURN if is_tool else Unusable.UNKNOWN_ROLE
                self._first_dependent = len(groups), why
        elif groups and groups[-1][0].role == turn.role:
            groups[-1].append(turn)
            if self._first_dependent is not None and self._first_dependent[0] == len(groups):
                self._first_dependent = len(groups) - 1, self._first_dependent[1]
        elif not groups and turn.role == Role.ASSISTANT:
            self.left_out += 1
        else:
            groups.append([turn])

    def exchanges(self) -> list[Exchange]:
        """Every question with its answer, None if there is none; at least one exchange."""
        first, why = self._first_dependent or (len(self.turns), None)
        found = []
        for at in range(0, len(self.turns), 2):
            question, *answer = self.turns[at : at + 2]
            reason = why if at + len(answer) >= first else None
            found.append(Exchange(at // 2, question, answer[0] if answer else None, reason))
        return found or [Exchange(0, None, None, why)]

    def dependent_after(self, exchange: Exchange) -> int:
        """How many turns of the row come after an exchange and depend on a turn of nobody's."""
        if self._first_dependent is None:
            return 0
        first = max(self._first_dependent[0], exchange.begins + 2)
        return sum(1 + turn.joined for turn in self.turns[first:])


def _join(group: Sequence[Turn]) -> Turn:
    first, *more = group
    if not more:
        return first
    shown = [turn.text for turn in group if turn.text and not is_blank(turn.text)]
    return Turn(
        first.role,
        "\n\n".join(shown) if shown else first.text,
        join_reasoning(turn.reasoning for turn in group),
        len(more),
    )


class History(NamedTuple):
    """The turns before a question, as they are stored.

    Attributes:
        messages: The turns; none of them if they are too many or too long.
        system: The system message of the row; None: it has none, or history and it are too long.
        reasoning: What was thought before each; None where nothing was.
        joined: How many turns of the row are joined in them.
        reason: Why they cannot be used; None: they can.
    """

    messages: list[ChatMessage]
    system: str | None = None
    reasoning: list[str | None] | None = None
    joined: int = 0
    reason: Unusable | None = None


class Histories:
    """The histories of a row's exchanges, all of them beginnings of the same list of turns."""

    def __init__(self, turns: Sequence[Turn], system: str | None, shows_system: bool) -> None:
        """Of a row with the message `system`, with which every history begins if it is shown."""
        self._system = system
        self._opening = 1 if shows_system and not is_blank(system) else 0
        self._turns = [Turn(Role.SYSTEM, system), *turns] if self._opening else turns

    def before(self, exchange: Exchange) -> History:
        """The history of one exchange."""
        end = self._opening + exchange.begins
        if end == 0 and self._system is None:
            return _NO_HISTORY
        if end > MOST_TURNS or self._characters[end] > MOST_CHARACTERS:
            return History([], joined=self._joined[end], reason=Unusable.HISTORY_TOO_LONG)
        turns = self._turns[:end]
        thoughts = [turn.reasoning for turn in turns]
        return History(
            [ChatMessage(role=Role(turn.role or ""), content=turn.text or "") for turn in turns],
            self._system,
            thoughts if any(thoughts) else None,
            self._joined[end],
            Unusable.EMPTY_TURN if self._first_blank < end else None,
        )

    @cached_property
    def _characters(self) -> list[int]:
        """How many the first so many turns have, with the system message, shown or not."""
        lengths = (len(turn.text or "") + len(turn.reasoning or "") for turn in self._turns)
        unseen = "" if self._opening else self._system or ""
        return list(accumulate(lengths, initial=len(unseen)))

    @cached_property
    def _joined(self) -> list[int]:
        """How many turns are joined in the first so many."""
        return list(accumulate((turn.joined for turn in self._turns), initial=0))

    @cached_property
    def _first_blank(self) -> int:
        blank = (at for at, turn in enumerate(self._turns) if is_blank(turn.text))
        return next(blank, len(self._turns))


_NO_HISTORY = History([])
