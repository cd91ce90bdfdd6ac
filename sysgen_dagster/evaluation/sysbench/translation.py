"""SysBench in English: each text is translated by a model, checked, and asked for again.

One request has one text, so that no form can hide half of it: the reply is the translation. Beside
it the model is shown the session's message, and of a turn what the user says. A text that fails
`back_check` is asked for again, with what was wrong; a session with a text that never passes is
dropped. A reference is needed for one kind of history only, so it is dropped alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from sysgen_dagster.chat.completions import CUT, add_completions
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest, Sampling, derive_seed
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.evaluation.sysbench.back_check import Fault, Found, find_faults
from sysgen_dagster.evaluation.sysbench.tables import (
    NOT_IN_THE_FILE,
    SYSBENCH_TRANSLATION,
    NotAsked,
)

PROMPT = load_prompt("translate_benchmark")
ATTEMPTS: Final = 3  # at one text
# The longest message of the benchmark has 3,917 characters, about as many tokens in English.
SAMPLING = Sampling(temperature=0.0, max_tokens=6144)
# A second attempt at 0 would mostly give the same.
_AGAIN = Sampling(temperature=0.5, max_tokens=6144)
_REFERENCE: Final = "an answer of the assistant"


@dataclass(frozen=True, slots=True)
class Piece:
    """One text that is translated.

    Attributes:
        name: Identifies it, such as ``7/message`` or ``7/2/constraint 1``.
        what: What it is, for the model.
        text: In Chinese.
        around: Texts that help to understand it, each with a name.
    """

    name: str
    what: str
    text: str
    around: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a piece.

    Attributes:
        text: The translation; None: there is none that passes.
        attempts: How often it was asked for.
        reason: Why the last one was not taken: a drop reason or a fault.
        faults: What was wrong with it, in sentences.
    """

    text: str | None
    attempts: int
    reason: str | None = None
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class Translating:
    """The texts of the items, and what became of each so far.

    Attributes:
        items: `SYSBENCH_ITEMS`.
        tried: By the name of the piece.
        model: Who translates; known from the first reply on.
        engine: What served it.
    """

    items: pl.DataFrame
    tried: dict[str, Tried] = field(default_factory=dict)
    model: str | None = None
    engine: str | None = None

    @property
    def open(self) -> list[Piece]:
        """The texts that have to be asked for, once more or for the first time."""
        return [
            piece
            for piece in _pieces(self.items)
            if (tried := self.tried.get(piece.name)) is None
            or (tried.text is None and tried.attempts < ATTEMPTS)
        ]

    def requests(self, pieces: Sequence[Piece]) -> Iterator[ChatRequest]:
        """One request for each piece."""
        for piece in pieces:
            before = self.tried.get(piece.name)
            attempt = before.attempts if before else 0
            around = [{"name": name, "content": text} for name, text in piece.around]
            messages = PROMPT.render(
                mark=separating_mark([piece.text, *(text for _, text in piece.around)]),
                around=around,
                what=piece.what,
                text=piece.text,
                faults=list(before.faults) if before else [],
            )
            seed = derive_seed(piece.name, SYSBENCH_TRANSLATION.name, attempt)
            yield ChatRequest(piece.name, messages, _AGAIN if attempt else SAMPLING, seed)

    def take(self, pieces: Sequence[Piece], completions: pl.DataFrame) -> None:
        """Check the replies to `requests`, and keep what passes."""
        asked = pl.DataFrame(
            {"request_id": [piece.name for piece in pieces]}, {"request_id": pl.String}
        )
        replied = add_completions(asked, completions, PROMPT, "request_id")
        for piece, reply in zip(pieces, replied.iter_rows(named=True), strict=True):
            before = self.tried.get(piece.name)
            attempts = 1 + (before.attempts if before else 0)
            self.tried[piece.name] = _check(piece, reply, attempts)
            self.model = self.model or reply["model"]
            self.engine = self.engine or reply["engine"]

    def build(self) -> pl.DataFrame:
        """`SYSBENCH_TRANSLATION`: one row per row of the items, in their order."""
        rows = [self._translate(row) for row in self.items.iter_rows(named=True)]
        table = pl.DataFrame(rows, schema=SYSBENCH_TRANSLATION.schema)
        is_lost = pl.col("faults").is_not_null().any().over("session")
        reason = pl.when(is_lost).then(pl.lit(NotAsked.NOT_TRANSLATED.value))
        return table.with_columns(drop_reason=reason)

    def _translate(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of items in English; a text that is still wrong is null."""
        tried = {
            piece.name.removeprefix(_of_turn(row)): self.tried[piece.name]
            for piece in _pieces_of_turn(row)
        }
        message = self.tried[_of_message(row)]
        reference = tried.pop("reference", None)
        checklist = [
            {**each, "content": tried[f"constraint {each['number']}"].text}
            for each in row["checklist"]
        ]
        parts = {"message": message, **tried}
        return {
            **row,
            "system_message": message.text,
            "prompt": tried["prompt"].text,
            "reference": reference and reference.text,
            "checklist": checklist,
            "attempts": max(each.attempts for each in parts.values()),
            "faults": _said(parts),
            "reference_fault": _said({"reference": reference}) if reference else NOT_IN_THE_FILE,
            "model": self.model,
            "engine": self.engine,
            "prompt_fingerprint": PROMPT.fingerprint,
        }


def _said(parts: Mapping[str, Tried]) -> str | None:
    """What is wrong with which part; None where nothing is."""
    wrong = {name: each for name, each in parts.items() if each.text is None}
    lines = (
        f"{name}: {each.reason}{': ' * bool(each.faults)}{', '.join(each.faults)}"
        for name, each in wrong.items()
    )
    return "; ".join(lines) or None


def _check(piece: Piece, reply: Mapping[str, Any], attempts: int) -> Tried:
    if reply["drop_reason"] is not None:
        return Tried(None, attempts, reply["drop_reason"])
    if reply["finish_reason"] == CUT:
        return Tried(None, attempts, NoAnswer.TRUNCATED.value)
    text = reply["text"].strip()
    marks = Found(Fault.SHOWS_MARKS, "it shows the lines that stand around the text")
    shows_marks = "[end of text" in text or "[text to translate" in text
    if found := [*[marks] * shows_marks, *find_faults(piece.text, text)]:
        said_of_all = tuple(dict.fromkeys(each.said for each in found))
        return Tried(None, attempts, found[0].fault.value, said_of_all)
    return Tried(text, attempts)


def _of_message(row: Mapping[str, Any]) -> str:
    return f"{row['session']}/message"


def _of_turn(row: Mapping[str, Any]) -> str:
    return f"{row['session']}/{row['turn']}/"


def _pieces(items: pl.DataFrame) -> Iterator[Piece]:
    """Every text once: the message of a session with its first turn."""
    for row in items.iter_rows(named=True):
        if row["turn"] == 1:
            yield Piece(_of_message(row), "the assistant's system message", row["system_message"])
        yield from _pieces_of_turn(row)


def _pieces_of_turn(row: Mapping[str, Any]) -> Iterator[Piece]:
    place = _of_turn(row)
    around = (("system message", row["system_message"]),)
    yield Piece(f"{place}prompt", "what a user says to the assistant", row["prompt"], around)
    asked = (*around, ("what the user says", row["prompt"]))
    for each in row["checklist"]:
        what = "a constraint that the assistant's answer is held to"
        yield Piece(f"{place}constraint {each['number']}", what, each["content"], asked)
    if row["reference"] is not None:
        yield Piece(f"{place}reference", _REFERENCE, row["reference"], asked)
