"""What a model has already answered, kept by partition of a phase and known to all of them.

While a partition is made, every outcome is appended as a line before it counts, so that a run that
is killed loses only the requests in flight. When the partition is stored, the lines are sealed into
one small Parquet file; a later run sends only requests that are in no ledger of the phase. A
request is known by its content: model, messages, sampling, constraint and seed. How the files are
written belongs in `ledger_files`, what is done with many ledgers at once in `ledger_upkeep`.
"""

import json
import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import NoneType
from typing import IO, Any, Self

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.inference.ledger_files import (
    Entry,
    format_line,
    open_locked,
    read_lines,
    read_sealed,
    write_sealed,
)
from sysgen_dagster.inference.other_ledgers import SEALED, OtherLedgers
from sysgen_dagster.inference.request_keys import Asked
from sysgen_dagster.inference.stopping import STOP

_LOG = logging.getLogger(__name__)
_TOO_LONG = f'"failed_because": "{NoAnswer.TOO_LONG}"'  # within a text its quotes are escaped
_LOOK_AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request: a text, or why there is none.

    Attributes:
        cached_tokens: Tokens of the prompt that the server had in its prefix cache.
        attempts: How often the request was sent.
        failed_because: A drop reason.
        failure: What the server or the connection answered.
        system_message_folded: Whether it was sent at the start of the user turn.
        characters_left_out: Of the field that was shortened so that the request fits.
        choices: Start, word and probability of each wanted word at each place that holds one.
        reasoning: What the model thought before its text.
        reasoning_tokens: Of `completion_tokens`.
        request_fields: What was sent beside the messages and the limit, as JSON.
    """

    text: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    attempts: int = 0
    failed_because: str | None = None
    failure: str | None = None
    system_message_folded: bool = False
    characters_left_out: int = 0
    choices: Sequence[tuple[int, str, float]] = ()
    reasoning: str | None = None
    reasoning_tokens: int | None = None
    request_fields: str | None = None


# Of each field the types that it may have in JSON.
_IN_JSON: dict[Any, tuple[type, ...]] = {
    str | None: (str, NoneType),
    int | None: (int, NoneType),
    int: (int,),
    bool: (bool,),
    Sequence[tuple[int, str, float]]: (list,),
}
_TYPES = {field.name: _IN_JSON[field.type] for field in fields(Outcome)}
_DEFAULTS = {field.name: field.default for field in fields(Outcome)}  # what is so is not written


class Ledger:
    """The outcomes of one partition of one phase, as a context manager around an open file.

    One run at a time has it; another one of the same partition waits and then finds everything
    known. A line is one write to a file in append mode.
    """

    def __init__(
        self,
        path: Path,
        *,
        among: Path | None = None,
        run: str = "another run",
        report: Callable[[str], object] = _LOG.warning,
    ) -> None:
        """Nothing is read or written before the ledger is entered.

        Args:
            path: Of the lines; the sealed file lies beside it with the suffix ``.parquet``.
            among: The folder of all ledgers of the phase; None: that of this one.
            run: Who asks, as other runs are told that wait for this one.
            report: Takes a line when it has to wait, and about what cannot be read.
        """
        self.path = path
        self.sealed = path.with_suffix(SEALED)
        self._among = among or path.parent
        self._holder = path.with_suffix(".held_by")
        self._run, self._report = run, report
        self._known: dict[str, Entry] = {}
        self._asked: dict[str, Asked] = {}
        self._unreadable = 0
        self._others: OtherLedgers
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """The ledger with what earlier runs left, ready to be appended to.

        Raises:
            LedgerError: The sealed file cannot be read.
            StoppedError: The user has ended the command while it waited for another run.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self._wait_for_lock()
        try:
            lines, damaged = read_lines(self.path)
            sealed = read_sealed(self.sealed)
        except BaseException:
            file.close()
            raise
        self._known = {entry.key: entry for entry in (*sealed, *lines)}
        self._unreadable = damaged
        self._others = OtherLedgers(self._among, self.path, self._report)
        self._holder.write_text(f"{self._run} (process {os.getpid()} on {socket.gethostname()})")
        self._file = file
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; what was appended is on the disk."""
        self.sync()
        if self._unreadable:
            self._report(
                f"{self._unreadable:,} entries of {self.path} or {self.sealed.name} were cut off "
                "or damaged: their requests count as never sent"
            )
        if self._file is not None:
            self._holder.unlink(missing_ok=True)
            self._file.close()
            self._file = None

    def _wait_for_lock(self) -> IO[bytes]:
        waits_for = None
        while True:
            try:
                return open_locked(self.path)
            except BlockingIOError:
                if (holder := self._read_holder()) != waits_for:
                    waits_for = holder
                    self._report(f"waits for {holder}, which makes the same partition")
            STOP.check()
            time.sleep(_LOOK_AGAIN_S)

    def _read_holder(self) -> str:
        try:
            return self._holder.read_text() or "another run"
        except FileNotFoundError:
            return "another run"

    @property
    def has_others(self) -> bool:
        """Whether there are other ledgers, so that it pays to look up many requests at once."""
        return bool(self._others.paths)

    def find(self, asked: Sequence[Asked]) -> list[Outcome | None]:
        """The outcomes that earlier runs got for these requests, also in other partitions.

        Those that are not here are looked up in the other ledgers, each of which is read once.
        """
        found, missing = [], set()
        for each in asked:
            self._asked[each.key] = each
            found.append(self._read_own(each.key))
            if found[-1] is None:
                missing.add(each.key)
        if not (missing and self.has_others):
            return found
        others = self._others.find(missing)
        return [
            own or (_read_outcome(others[each.key].outcome) if each.key in others else None)
            for each, own in zip(asked, found, strict=True)
        ]

    def _read_own(self, key: str) -> Outcome | None:
        entry = self._known.get(key)
        if entry is None:
            return None
        outcome = _read_outcome(entry.outcome) if entry.is_whole else None
        if outcome is None:
            del self._known[key]
            self._unreadable += 1
        return outcome

    def append(self, asked: Asked, outcome: Outcome) -> None:
        """Write an outcome down; it survives a kill of this process from here on."""
        assert self._file is not None
        # Not `asdict`, which copies deeply and takes twice as long as the rest.
        written = json.dumps(
            {
                name: value
                for name, default in _DEFAULTS.items()
                if (value := getattr(outcome, name)) != default
            }
        )
        self._file.write(format_line(*asked, written))

    def sync(self) -> None:
        """Bring what was appended to the disk, so that it survives a loss of power too."""
        if self._file is not None:
            os.fsync(self._file.fileno())

    def seal(self) -> None:
        """Turn the lines into one small file; the partition is stored now.

        What went before an answer of this run goes: an entry of a request that this run asked
        under the same name and seed, but with other content. Everything else stays, also what this
        run did not ask for: it may have been a pilot, or the rows are in another partition now.
        Requests that did not fit the context are not kept: another setting of the engine may have
        room for them.

        Nothing happens while another run has the ledger: it seals the lines when it ends; nor where
        there are no lines, as nothing was asked.
        """
        assert self._file is None
        if not self.path.is_file():
            return
        try:
            lock = open_locked(self.path)
        except BlockingIOError:
            return
        with lock:
            lines, _ = read_lines(self.path)
            sealed = read_sealed(self.sealed)
            kept = self._kept({entry.key: entry for entry in (*sealed, *lines)}.values())
            if kept == sealed and sealed:
                os.utime(self.sealed)  # its age is that of its last use
            else:
                write_sealed(self.sealed, kept)
            self.path.unlink()

    def _kept(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those that stay, each with its checksum and, where this run asked for it, its name."""
        answered = {asked[1:] for asked in self._asked.values()}
        kept = []
        for entry in entries:
            asked, name = self._asked.get(entry.key), (entry.request_id, entry.seed)
            is_superseded = asked is None and entry.request_id is not None and name in answered
            if is_superseded or _TOO_LONG in entry.outcome:
                continue
            if entry.checksum is None:
                request_id, seed = name if asked is None else asked[1:]
                entry = entry._replace(request_id=request_id, seed=seed).signed()
            kept.append(entry)
        return kept


def _read_outcome(written: str) -> Outcome | None:
    """What is written in an entry; None where it holds neither a text nor a reason.

    Another version may have written other fields, or the same ones with values of another type:
    these count as missing.
    """
    try:
        record: dict[str, Any] = json.loads(written)
        known: dict[str, Any] = {
            name: value
            for name, value in record.items()
            if name in _TYPES and isinstance(value, _TYPES[name])
        }
    except (ValueError, AttributeError, RecursionError):
        return None
    if known.get("text") is None and known.get("failed_because") is None:
        return None
    if "choices" in known:
        known["choices"] = tuple(map(tuple, filter(_is_choice, known["choices"])))
    return Outcome(**known)


def _is_choice(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 3:
        return False
    start, word, probability = value
    return isinstance(start, int) and isinstance(word, str) and isinstance(probability, float | int)
