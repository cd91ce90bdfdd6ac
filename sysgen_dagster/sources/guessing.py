"""Guesses what the columns of a file are for, from its first rows, and says so in a line.

`chat_columns` and `pair_columns` list what they may be for; here the rows are read by one candidate
after the other, exactly as the source would be read. The first by which at least half of the rows
can be used is taken.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from sysgen_dagster.catalog.sources import Columns, Exchanges, Shape
from sysgen_dagster.sources.candidates import (
    CHATS,
    QUESTIONS,
    REJECTED,
    Candidate,
    in_order,
)
from sysgen_dagster.sources.chat_columns import chats
from sysgen_dagster.sources.column_words import ShapeError, known_words
from sysgen_dagster.sources.heads import MOST_ROWS, read_head
from sysgen_dagster.sources.pair_columns import pairs, prompts, transcripts
from sysgen_dagster.sources.seen import Seen
from sysgen_dagster.sources.trying import Tried, exchanges_of, try_candidate
from sysgen_dagster.sources.what_is_seen import (
    advice_on_form,
    describe_guess,
    describe_rows,
    shown_names,
)

_LEAST_USABLE = 0.5  # share of the rows that a guess must be able to use
# Words of the user that name a field of turns where there is a chat, or else a column.
_OF_TURNS = frozenset({"role", "content", "question", "answer", "input"})
_OF_COLUMNS = frozenset({"text", "system", "reasoning", "question", "answer", "input"})
_MOST_TRIED = 40  # candidates
_ROWS_OF_OTHERS = 50  # by which it is seen whether another candidate fits, too


class Guess(NamedTuple):
    """What the columns of a file are for.

    Attributes:
        shape: For the catalogue.
        columns: Those that the shape uses, for the catalogue.
        exchanges: Of a chat every answered turn, because each is an answer to train on.
        rows_seen: Of how many rows.
        said: All this and what the rows are like, in one line.
    """

    shape: Shape
    columns: Columns
    exchanges: Exchanges
    rows_seen: int
    said: str


def guess_shape(
    name: str,
    file: Path,
    mapping: Mapping[str, str] = MappingProxyType({}),
    most_rows: int = MOST_ROWS,
) -> Guess:
    """What the columns of a file are for, from its first rows.

    Args:
        name: That of the source, for messages.
        file: A file, or a folder of files, as for `files.read_rows`.
        mapping: What the user says of the columns, by the words of `column_words`; the rest is
            guessed.
        most_rows: By how many rows.

    Raises:
        ShapeError: Nobody can tell, or the mapping does not fit the file.
        SourceError: The file cannot be read.
    """
    head = read_head(name, file, most_rows)
    seen = Seen(head.rows)
    asked = _asked(name, file, seen, mapping)
    few = seen.rows[:_ROWS_OF_OTHERS]
    found = islice(_candidates(seen, asked), _MOST_TRIED)
    ranked = [(each, try_candidate(each, few)) for each in found]
    ranked.sort(key=lambda each: _of_words(each[1]))
    tried: list[tuple[Candidate, Tried]] = []
    for candidate, _ in ranked:
        tried.append((candidate, try_candidate(candidate, seen.rows)))
        if _fits(tried[-1][1]):
            break
    # What the user says is done also where few rows fit, or none of the first ones.
    best = max(tried, key=lambda each: each[1].usable, default=None)
    if best is None or not (_fits(best[1]) or (mapping and _may_do(best[1], head.is_all))):
        what = f"{name}: it is not clear what the columns of {file} are for"
        raise ShapeError(f"{what}{describe_rows(seen, tried)}")
    taken, rows = best
    others = [each for each, of_few in ranked if each is not taken and _fits(of_few)]
    said = describe_guess(taken, rows, seen, head.is_all, others)
    return Guess(taken.shape, taken.columns, exchanges_of(taken.shape), rows.rows, said)


def _fits(tried: Tried) -> bool:
    return tried.usable >= max(1, _LEAST_USABLE * tried.rows)


def _may_do(tried: Tried, is_all: bool) -> bool:
    return bool(tried.usable) or not (is_all or tried.refused)


def _of_words(tried: Tried) -> int:
    """Of how many of both, questions and answers, most are single words: others come before."""
    return bool(tried.questions) + bool(tried.answers)


def _candidates(seen: Seen, asked: Mapping[str, str]) -> Iterator[Candidate]:
    """All that the columns may be for, the likeliest first.

    The order is the decision, where several fit: a chat before two texts, usual names before
    others, what was chosen and never what was rejected.
    """
    if "messages" in asked:
        yield from chats(seen, asked, asked["messages"])
    elif "text" in asked:
        yield from transcripts(seen, asked, asked["text"])
    elif asked.keys() & {"question", "answer", "input"}:
        yield from pairs(seen, asked)
    else:
        yield from prompts(seen, asked)
        asking, rejected = in_order(seen.lists, QUESTIONS), in_order(seen.columns, REJECTED)
        usual = in_order(seen.lists, CHATS)
        odd = [name for name in seen.lists if name not in {*usual, *asking, *rejected}]
        for name in usual + odd:
            yield from chats(seen, asked, name)
        yield from pairs(seen, asked)
        for name in asking:
            yield from chats(seen, asked, name)
        for name in seen.texts:
            if name not in rejected:
                yield from transcripts(seen, asked, name)


def _asked(name: str, file: Path, seen: Seen, mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping, checked against what the file has."""
    asked = known_words(mapping)
    chat = asked.get("messages")
    column = None if chat is None else seen.lists.get(chat)
    if chat is not None and column is None:
        raise ShapeError(
            f"{name}: --columns gives {chat!r} as 'messages', but in {file} it is no list of "
            f"turns; lists are {shown_names(list(seen.lists))}{advice_on_form(seen)}"
        )
    for word, given in asked.items():
        if column is not None and word in _OF_TURNS:
            what, there = f"field of {column.name!r}", list(column.fields)
        elif word in _OF_COLUMNS:
            what, there = "column", seen.columns
        else:
            continue
        if given not in there:
            raise ShapeError(
                f"{name}: {file} has no {what} {given!r}, which --columns gives as {word!r}; it "
                f"has {shown_names(there)}"
            )
    return asked
