"""Prints one previewed row: what went in, what each phase made of it, and what came out.

Everything that a model or a file wrote is printed inert. What colours say, words and marks say too:
not every terminal has them, not everybody sees them, and no copied text keeps them.
"""

import re
from collections import Counter
from collections.abc import Iterator

from rich.console import Console, Group
from rich.table import Table as Grid
from rich.text import Text

from sysgen_dagster.chat.quoting import made_visible, on_one_line
from sysgen_dagster.commands.run.differences import MARKS, Side, find_differences
from sysgen_dagster.commands.run.preview import Previewed
from sysgen_dagster.lanes.sysgen import verification
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.lanes.sysgen.reasons import explain_defect, explain_reason
from sysgen_dagster.lanes.sysgen.stories import Story
from sysgen_dagster.lanes.sysgen.tags import MENDS, parse_tagged_message
from sysgen_dagster.obedience.rules import Verdict

_LABEL = 12  # columns of the names on the left
_LINES, _FEW_LINES = 8, 4  # of one text that are shown
_STYLES = {Side.BOTH: "", Side.OLD: "red strike", Side.NEW: "green"}
_GOOD, _BAD, _QUIET = "green", "red", "dim"
_EMPTY_LINES = re.compile(r"\n(?:[ \t]*\n)+")
_NUMBERS = {phase.table.name: phase.number for phase in PHASES}

Line = tuple[str, Text]


def story_lines(story: Story, width: int) -> Grid:
    """A row's texts and what each phase made of them, for a terminal of so many columns."""
    grid = Grid.grid(padding=(0, 1), pad_edge=False)
    grid.add_column(width=_LABEL, no_wrap=True, style=_QUIET)
    grid.add_column(width=max(width - _LABEL - 1, 20), overflow="fold")
    room = max(width - _LABEL - 1, 20)
    for label, text in _lines(story, room):
        grid.add_row(label, text)
    return grid


def print_row(console: Console, row: Previewed, source: str) -> None:
    """Print a row of a source."""
    console.print(Group(_title(row, source), story_lines(row.story, console.width), Text()))


def outcome_of(row: Previewed) -> Text:
    """Whether a row was kept; else which phase dropped it and why."""
    story = row.story
    if row.is_kept:
        return Text("kept", _GOOD)
    number = _NUMBERS.get(story["stopped_at"])
    where = f"by Phase {number}" if number else "before Phase 1"
    why = explain_reason(story["drop_reason"])
    said = f" ({on_one_line(row.failure)[:300]})" if row.failure else ""
    return Text(f"dropped {where}: {why}{said}", _BAD)


def _title(row: Previewed, source: str) -> Text:
    chosen, spent = row.chosen, row.spent
    place = f"{source} row {chosen.conversation['source_row'].item():,}"
    if chosen.of > 1:
        place += f", exchange {chosen.exchange} of {chosen.of}"
    took = [f"{spent.prompt_tokens:,} tokens in, {spent.completion_tokens:,} out"]
    if spent.thought_tokens:
        took.append(f"{spent.thought_tokens:,} of them thoughts")
    if spent.requests:
        took.append("known from before" if spent.known else f"{row.seconds:.0f} s")
    title = Text(f"Row {chosen.number}", "bold").append(f"  {place}  ", "not bold")
    title.append(outcome_of(row))
    return title.append(f"  {', '.join(took)}", _QUIET) if spent.requests else title


def _lines(story: Story, room: int) -> Iterator[Line]:
    if turns := len(story["history"]):
        yield "before", Text(f"{turns} turns", _QUIET)
    yield "question", cut_text(story["question"], room, _FEW_LINES)
    yield from _message_lines(story, room)
    if story["system_message"]:
        yield "message", cut_text(story["system_message"], room, _LINES)
    yield from _answer_lines(story, room)
    yield from _obedience_lines(story, room)


def _message_lines(story: Story, room: int) -> Iterator[Line]:
    """The phrases with their verdicts, then what Phase 2 left out."""
    verdicts = {each["tag"]: each["verdict"] for each in story["verdicts"]}
    removed = {(each["tag"], each["text"]) for each in story["removed"]}
    if story["tagged_message"]:
        for phrase in parse_tagged_message(story["tagged_message"]).phrases:
            tag, text = phrase.tag.value, phrase.text
            line = cut_text(text, room, 2)
            if verdict := verdicts.get(tag):
                line.append(f"  {verdict}", _GOOD if verdict == verification.Verdict.GOOD else _BAD)
            if (tag, text) in removed:
                line.append(", removed by Phase 3", _BAD)
            yield tag, line
    elif story["annotated_message"]:
        yield "as written", cut_text(story["annotated_message"], room, _LINES)
    for defect in story["defects"]:
        is_mended = defect["kind"] in MENDS
        line = cut_text(defect["text"], room, 1).append(
            f"  {explain_defect(defect['kind'])}", _QUIET if is_mended else _BAD
        )
        yield "mended" if is_mended else "left out", line


def _answer_lines(story: Story, room: int) -> Iterator[Line]:
    old, new = story["answer"], story["new_answer"]
    pieces = find_differences(old, new) if old and new else None
    if pieces is None:
        yield "original", cut_text(old, room, _LINES if new else _FEW_LINES)
        if new:
            yield "new answer", cut_text(new, room, _LINES)
        return
    if all(side is Side.BOTH for side, _ in pieces):
        yield "new answer", Text("the same as the original one")
        return
    text = Text()
    for side, piece in pieces:
        text.append(MARKS[side].format(_inert(piece)), _STYLES[side])
    yield "both answers", _first_lines(text, room, 2 * _LINES)


def _obedience_lines(story: Story, room: int) -> Iterator[Line]:
    """How many phrases of its message the answer obeys, and each that it does not."""
    verdicts = Counter(phrase["verdict"] for phrase in story["obedience"])
    if not verdicts:
        return
    said = f"{verdicts[Verdict.OBEYED]} of {verdicts.total()} phrases"
    if unknown := verdicts[Verdict.UNKNOWN]:
        said += f", {unknown} undecided"
    yield "obeys", Text(said, _BAD if verdicts[Verdict.NOT_OBEYED] else _GOOD)
    for phrase in story["obedience"]:
        if phrase["verdict"] == Verdict.NOT_OBEYED:
            yield "not obeyed", cut_text(phrase["text"], room, 2).append(f"  {phrase['by']}", _BAD)
    if rejected := story["rejected_answers"]:
        reasons = dict.fromkeys(explain_reason(each["reason"]) for each in rejected)
        said = f"{len(rejected)} written under the message: {'; '.join(reasons)}"
        yield "not chosen", Text(on_one_line(said), _QUIET)


def cut_text(text: str | None, room: int, lines: int) -> Text:
    """The beginning of a text without its empty lines, as many lines of the terminal as given."""
    whole = text or ""
    return _first_lines(Text(_inert(whole[: room * lines + 1])), room, lines, whole)


def _first_lines(text: Text, room: int, lines: int, whole: str = "") -> Text:
    wrapped = text.wrap(_MEASURING, room, overflow="fold")
    if len(wrapped) <= lines and len(whole) <= room * lines + 1:
        return text
    shown = Text("\n").join(wrapped[:lines])
    return shown.append(f" ... ({len(whole):,} characters)" if whole else " ...", _QUIET)


_MEASURING = Console(width=80)


def _inert(text: str) -> str:
    """The lines of the text that are not empty, with nothing in it that a terminal obeys."""
    lines = _EMPTY_LINES.sub("\n", text).split("\n")
    return "\n".join(made_visible(line.expandtabs(4)) for line in lines)
