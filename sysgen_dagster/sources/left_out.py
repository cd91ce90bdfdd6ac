"""What a catalogue may leave out of a source on this machine, taken from its file.

Done whenever a catalogue is loaded, which every run does: it looks at the head of a file, and only
where the catalogue does not say.
"""

from pathlib import Path
from typing import Any

from sysgen_dagster.catalog import plain_yaml
from sysgen_dagster.catalog.references import Misnamed, entries_of
from sysgen_dagster.catalog.sources import QuestionAnswer, Source
from sysgen_dagster.sources.column_words import ShapeError
from sysgen_dagster.sources.guessing import guess_shape
from sysgen_dagster.sources.heads import shards_of
from sysgen_dagster.sources.recognition import SourceError

_ROWS_SEEN = 200  # of a file: a few hundredths of a second
_EXAMPLES = (
    "`shape: {kind: question_answer, question: COLUMN, answer: COLUMN}`, or "
    "`{kind: messages, column: COLUMN}`"
)
_FETCHED = ("hub", "github")
# What a source has whose shape could not be told, so that its other faults are found as well.
_SOME_SHAPE = QuestionAnswer(kind="question_answer", question="question", answer="answer")


def complete_sources(values: Any) -> list[Misnamed]:
    """Fill in what the document of a catalogue leaves out, and say where that cannot be done.

    A source with a `path` gets ``shape``, ``columns`` and ``exchanges`` as its rows suggest, and
    ``shards`` by its size.

    Args:
        values: Of the document; they are changed.
    """
    faults = [_complete(place, entry) for place, entry in entries_of(values, "sources")]
    return [fault for fault in faults if fault is not None]


def _complete(place: plain_yaml.Path, entry: dict[str, Any]) -> Misnamed | None:
    """Fill in one source; what is wrong where it cannot be filled in."""
    for empty in [each for each in Source.model_fields if entry.get(each, each) is None]:
        del entry[empty]  # nothing is said: as if left out
    name, field, what = str(place[-1]), "path", ""
    try:
        _fill_in(name, entry)
    except ShapeError as error:
        field, what = "shape", f"{error}; here as {_EXAMPLES}"
    except SourceError as error:
        what = str(error)
    if not what and "shape" not in entry and not entry.keys().isdisjoint(_FETCHED):
        field = "shape"
        what = f"is taken from a file of this machine alone: give it, such as {_EXAMPLES}"
    if "columns" not in entry:
        entry.setdefault("shape", _SOME_SHAPE)
    return Misnamed((*place, field), "", what.removeprefix(f"{name}: ")) if what else None


def _fill_in(name: str, entry: dict[str, Any]) -> None:
    """Take from the files of a source what is left out.

    Raises:
        ShapeError: Nobody can tell what its columns are for.
        SourceError: A file is needed and cannot be read.
    """
    wants_shape = "shape" not in entry
    wants_shards = "shards" not in entry and entry.get("rows") is None
    if not (wants_shape or wants_shards) or not isinstance(entry.get("path"), str):
        return
    path = Path(entry["path"])
    try:
        if wants_shape:
            guess = guess_shape(name, path, most_rows=_ROWS_SEEN)
            entry["shape"] = guess.shape
            entry.setdefault("columns", dict(guess.columns))
            entry.setdefault("exchanges", guess.exchanges.value)
        if wants_shards:
            entry["shards"] = shards_of(name, path)
    except OSError as error:  # such as of a name that is too long
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
