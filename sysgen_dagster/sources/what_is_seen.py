"""Says in words what the first rows of a file hold, and what their columns are taken for."""

import json
from collections.abc import Mapping, Sequence
from reprlib import Repr
from typing import Any

from sysgen_dagster.chat.quoting import made_visible, on_one_line
from sysgen_dagster.sources.candidates import (
    ANSWERS,
    HISTORIES,
    INPUTS,
    QUESTIONS,
    REJECTED,
    WRAPPERS,
    Candidate,
    in_order,
    shown,
)
from sysgen_dagster.sources.chat_columns import spoken_fields
from sysgen_dagster.sources.column_words import as_option
from sysgen_dagster.sources.seen import Seen
from sysgen_dagster.sources.trying import Tried

_LEFT_OUT = (*REJECTED, *HISTORIES)  # what is named first of the columns that are left out
_MOST_OTHERS = 2  # other candidates that are named
_MOST_NAMES = 40  # of columns
_MOST_FIELDS = 6  # of a record
_MOST_LEFT_OUT = 6  # columns that are named
_LISTS_OF_PYTHON = ("[{'", "['", "{'", "array([")
_AS_LINES = "as lines of JSON, by `to_json(FILE, orient='records', lines=True)` of pandas"
_SHOWN = 600  # characters of a row
_BRIEF = Repr()  # of a value
_BRIEF.maxlevel, _BRIEF.maxlist, _BRIEF.maxdict = 4, 3, 8
_BRIEF.maxstring = _BRIEF.maxother = 80


def describe_guess(
    candidate: Candidate, tried: Tried, seen: Seen, is_all: bool, others: Sequence[Candidate]
) -> str:
    """What the columns are taken for and what the rows are like, in one line.

    Args:
        candidate: What the columns are taken for.
        tried: The rows, read by it.
        seen: The first rows.
        is_all: Whether there are no others.
        others: What fits as well.
    """
    parts = []
    if several := tried.several_turns:
        without = f", {tried.dropped:,} of them without an answer" if tried.dropped else ""
        rows = f"each a row of its own ({tried.conversations:,} rows in all{without})"
        parts.append(f"{several:,} {'has' if several == 1 else 'have'} several turns, {rows}")
    if begin := tried.system_messages:
        parts.append(f"{begin:,} {'begins' if begin == 1 else 'begin'} with a system message")
    if unreadable := tried.rows - tried.usable:
        parts.append(f"{unreadable:,} cannot be read ({_reasons(tried)})")
    else:
        parts.append("all can be read")
    parts += [
        f"the {what} are mostly single words ({', '.join(map(shown, words))})"
        for what, words in (("questions", tried.questions), ("answers", tried.answers))
        if words
    ]
    rows = f"{'' if is_all else 'the first '}{tried.rows:,} {'row' if tried.rows == 1 else 'rows'}"
    said = f"{candidate.told}; of {rows} {', '.join(parts)}"
    telling = dict.fromkeys([*in_order(seen.columns, _LEFT_OUT), *seen.columns])
    left_out = [c for c in telling if c not in candidate.columns and not seen.is_empty(c)]
    if left_out:
        said += f"; left out: {shown_names(left_out, _MOST_LEFT_OUT)}"
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
    advice = advice_on_form(seen) or _advice(seen, failed)
    return "\n".join([_why(failed), _columns(seen), _first_row(seen), advice.removeprefix("; ")])


def advice_on_form(seen: Seen) -> str:
    """What to do with rows that were written in another form than is read; usually nothing."""
    for column in seen.texts:
        if all(str(value).lstrip().startswith(_LISTS_OF_PYTHON) for value in seen.values(column)):
            return (
                f"; {shown(column)} holds lists as Python prints them, as a CSV of pandas does: "
                f"write the rows {_AS_LINES}"
            )
    if len(seen.rows) != 1 or not isinstance(row := seen.rows[0], Mapping):
        return ""
    if len(row) > 1 and all(isinstance(value, (Mapping, list)) for value in row.values()):
        return f"; its only row holds whole columns, it seems: write the rows {_AS_LINES}"
    if held := in_order(seen.lists, WRAPPERS):
        jq = made_visible(f"jq -c '.[{json.dumps(held[0])}][]' FILE > rows.jsonl")
        return f"; if its rows are those in {shown(held[0])}, write these: {jq}"
    return ""


def _advice(seen: Seen, failed: Sequence[tuple[Candidate, Tried]]) -> str:
    """What the user could say, or that saying it helps nothing."""
    words = _example(seen, failed)
    useless = (each.words for each, rows in failed if not (rows.usable or rows.refused))
    if any(words.items() <= of_no_use.items() for of_no_use in useless):
        return "No row has an answer to train on there; give other rows, or name other columns"
    return f"Say what they are for, such as with {made_visible(as_option(words))}"


def shown_names(names: Sequence[str], most: int = _MOST_NAMES) -> str:
    """Names of columns, as they can be printed."""
    if not names:
        return "none"
    more = f", and {len(names) - most:,} more" if len(names) > most else ""
    return on_one_line(", ".join(map(repr, names[:most]))) + more


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
        kind = "text" if column in seen.texts else "empty" if seen.is_empty(column) else ""
        return f"{column} ({kind})" if kind else column
    fields = seen.lists[column].fields
    more = ", ..." if len(fields) > _MOST_FIELDS else ""
    return f"{column} (list of {', '.join(fields[:_MOST_FIELDS]) or 'texts'}{more})"


def _first_row(seen: Seen) -> str:
    row: Any = next((row for row in seen.rows if isinstance(row, Mapping)), seen.rows[0])
    if isinstance(row, Mapping):
        brief = ", ".join(f"{_BRIEF.repr(name)}: {_BRIEF.repr(of)}" for name, of in row.items())
    else:
        brief = _BRIEF.repr(row)
    brief = on_one_line(brief)
    return f"First row: {brief[:_SHOWN]}{'...' if brief[_SHOWN:] else ''}"


def _example(seen: Seen, failed: Sequence[tuple[Candidate, Tried]]) -> Mapping[str, str]:
    """Words for `--columns` that could be meant."""
    for candidate, _ in failed:
        if candidate.unclear:
            user, assistant = [*candidate.unclear, "NAME"][:2]
            return {**candidate.words, "user": user, "assistant": assistant}
    best = max(failed, key=lambda each: each[1].usable, default=None)
    if best is not None and best[1].usable:
        return best[0].words  # what the user says is done also where few rows fit
    texts = [column for column in seen.texts if seen.holds_sentences(column)]
    texts = sorted(set(texts) - seen.lists.keys(), key=lambda column: -_length(seen, column))
    longest = sorted(texts[:2], key=seen.columns.index)  # a question stands before its answer
    named = [column for column in seen.columns if column not in seen.lists]
    asking = [*in_order(named, QUESTIONS), *in_order(seen.lists, QUESTIONS)]
    chats = [column for column in seen.lists.values() if len(column.fields) > 1]
    if len(texts) < 2 and chats and not asking:
        role, content = spoken_fields(chats[0], {}) or chats[0].fields[:2]
        return {"messages": chats[0].name, "role": role, "content": content}
    question = next(iter([*asking, *longest]), "COLUMN")
    about = in_order(texts, INPUTS)  # is the question's, never the answer
    answering = [*in_order(named, ANSWERS), *(each for each in texts if each not in about)]
    answers = (each for each in answering if each != question)
    return {"question": question, "answer": next(answers, "COLUMN")}


def _length(seen: Seen, column: str) -> int:
    return sum(len(value) for value in seen.values(column) if isinstance(value, str))
