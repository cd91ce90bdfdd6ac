"""Says in words what the first rows of a file hold, and what their columns are taken for."""

from collections.abc import Mapping, Sequence
from reprlib import Repr
from typing import Any

from sysgen_dagster.chat.quoting import made_visible, on_one_line
from sysgen_dagster.sources.candidates import ANSWERS, QUESTIONS, REJECTED, Candidate, in_order
from sysgen_dagster.sources.column_words import as_option
from sysgen_dagster.sources.heads import MOST_ROWS
from sysgen_dagster.sources.seen import Seen
from sysgen_dagster.sources.trying import Tried

_MOST_OTHERS = 2  # other candidates that are named
_MOST_NAMES = 40  # of columns
_MOST_FIELDS = 6  # of a record
_SHOWN = 600  # characters of a row
_BRIEF = Repr()  # of a value
_BRIEF.maxlevel, _BRIEF.maxlist, _BRIEF.maxdict = 4, 3, 8
_BRIEF.maxstring = _BRIEF.maxother = 80


def describe_guess(
    candidate: Candidate, tried: Tried, seen: Seen, others: Sequence[Candidate]
) -> str:
    """What the columns are taken for and what the rows are like, in one line.

    Args:
        candidate: What the columns are taken for.
        tried: The rows, read by it.
        seen: The first rows.
        others: What fits as well.
    """
    parts = []
    if tried.several_turns:
        rows = f"each a row of its own ({tried.conversations:,} rows in all)"
        parts.append(f"{tried.several_turns:,} have several turns, {rows}")
    if tried.system_messages:
        parts.append(f"{tried.system_messages:,} begin with a system message")
    if unreadable := tried.rows - tried.usable:
        parts.append(f"{unreadable:,} cannot be read ({_reasons(tried)})")
    else:
        parts.append("all can be read")
    first = "the first " if tried.rows == MOST_ROWS else ""
    said = f"{candidate.told}; of {first}{tried.rows:,} rows {', '.join(parts)}"
    if rejected := in_order(seen.columns, REJECTED):
        said += f"; left out: {shown_names(rejected)}"
    if others:
        also = " or ".join(as_option(other.words) for other in others[:_MOST_OTHERS])
        said += f"; also possible: {also}"
    return on_one_line(said)


def describe_rows(seen: Seen, failed: Sequence[tuple[Candidate, Tried]]) -> str:
    """Why the columns are not clear, what the file has, and what the user could say of it.

    Args:
        seen: The first rows.
        failed: What the columns are not, with the rows read by it.
    """
    lines = [_why(failed), _columns(seen), _first_row(seen)]
    lines.append(f"Say what they are for, such as with {made_visible(_example(seen, failed))}")
    return "\n".join(lines)


def shown_names(names: Sequence[str]) -> str:
    """Names of columns, as they can be printed."""
    if not names:
        return "none"
    more = f", and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return on_one_line(", ".join(map(repr, names[:_MOST_NAMES]))) + more


def _reasons(tried: Tried) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in tried.unreadable.items())


def _why(failed: Sequence[tuple[Candidate, Tried]]) -> str:
    if not failed:
        return "."
    candidate, tried = max(failed, key=lambda each: each[1].usable)
    if candidate.unclear:
        speakers = shown_names(candidate.unclear[:_MOST_FIELDS])
        return on_one_line(f": {candidate.told} by {speakers}, and {tried.refused}.")
    can = f"{tried.usable:,} of {tried.rows:,} rows can be used ({_reasons(tried)})"
    return on_one_line(f"; taken as {candidate.told}: {tried.refused or can}.")


def _columns(seen: Seen) -> str:
    if not seen.columns:
        return "Its rows are no objects, so that it has no columns."
    kinds = [_kind(seen, column) for column in seen.columns[:_MOST_NAMES]]
    more = "" if len(seen.columns) <= _MOST_NAMES else f", and {len(seen.columns):,} in all"
    return on_one_line(f"Columns: {', '.join(kinds)}{more}")


def _kind(seen: Seen, column: str) -> str:
    if column not in seen.lists:
        return f"{column} (text)" if column in seen.texts else column
    fields = seen.lists[column].fields
    more = ", ..." if len(fields) > _MOST_FIELDS else ""
    return f"{column} (list of {', '.join(fields[:_MOST_FIELDS]) or 'texts'}{more})"


def _first_row(seen: Seen) -> str:
    row: Any = next((row for row in seen.rows if isinstance(row, Mapping)), seen.rows[0])
    if isinstance(row, Mapping):
        shown = ", ".join(f"{_BRIEF.repr(name)}: {_BRIEF.repr(of)}" for name, of in row.items())
    else:
        shown = _BRIEF.repr(row)
    shown = on_one_line(shown)
    return f"First row: {shown[:_SHOWN]}{'...' if shown[_SHOWN:] else ''}"


def _example(seen: Seen, failed: Sequence[tuple[Candidate, Tried]]) -> str:
    """An option that could be meant."""
    for candidate, _ in failed:
        if candidate.unclear:
            user, assistant = [*candidate.unclear, "NAME"][:2]
            return as_option({**candidate.words, "user": user, "assistant": assistant})
    best = max(failed, key=lambda each: each[1].usable, default=None)
    if best is not None and best[1].usable:
        return as_option(best[0].words)  # what the user says is done also where few rows fit
    texts = [column for column in seen.texts if seen.holds_sentences(column)]
    texts = [column for column in texts if column not in seen.lists]
    chats = [column for column in seen.lists.values() if len(column.fields) > 1]
    if len(texts) < 2 and chats:
        role, content, *_ = chats[0].fields
        return as_option({"messages": chats[0].name, "role": role, "content": content})
    texts = sorted(texts, key=lambda column: -_length(seen, column))
    question = next(iter([*in_order(texts, QUESTIONS), *texts]), "COLUMN")
    answers = (each for each in [*in_order(texts, ANSWERS), *texts] if each != question)
    return as_option({"question": question, "answer": next(answers, "COLUMN")})


def _length(seen: Seen, column: str) -> int:
    return sum(len(value) for value in seen.values(column) if isinstance(value, str))
