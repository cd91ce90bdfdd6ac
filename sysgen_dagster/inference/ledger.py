"""What a model has already answered, kept by partition of a phase.

While a partition is made, every outcome is appended as a JSON line before it counts, so that a run
that is killed loses only the requests in flight. When the partition is stored, the lines are sealed
into one small Parquet file; a later run of the same partition sends only requests that are not in
it. A request is known by its content: model, messages, sampling, constraint and seed.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any, Self

import polars as pl

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.errors import SysgenError

# An outcome by its key, with the number of requests of the largest run that looked it up.
_SEALED = {"key": pl.String(), "outcome": pl.String(), "largest_run": pl.UInt32()}
_ROWS_PER_GROUP = 2_000
_TOO_LONG = f'"failed_because": "{NoAnswer.TOO_LONG}"'  # within a text its quotes are escaped


class LedgerError(SysgenError):
    """A sealed ledger cannot be read; the message names the file and the fix."""

    def __init__(self, path: Path, error: Exception) -> None:
        """Name the file."""
        super().__init__(
            f"{path}, the ledger of a stored partition, cannot be read ({error}): remove it, and "
            "the partition's requests are sent again when it is materialized"
        )


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


_FIELDS = tuple(field.name for field in fields(Outcome))


def request_key(answers_as: Sequence[str | None], request: ChatRequest) -> str:
    """32 hex digits that differ when anything differs that the answer depends on.

    Args:
        answers_as: Engine, model and revision; see `ModelIdentity`.
        request: Everything of it counts but its id.
    """
    sampling = request.sampling
    texts = [message["content"].encode("utf-8", "surrogatepass") for message in request.messages]
    # The lengths say where each text ends among the bytes that are hashed after them.
    lengths = [
        (message["role"], len(text)) for message, text in zip(request.messages, texts, strict=True)
    ]
    numbers = [sampling.temperature, sampling.max_tokens, request.seed]
    if sampling.top_p != 1.0:  # keys of version 0.1, which sent no top_p, stay as they are
        numbers.append(sampling.top_p)
    held_to = request.constraint.structured if request.constraint else {}
    shape = [answers_as, numbers, held_to, request.choices, lengths]
    digest = hashlib.blake2b(json.dumps(shape).encode(), digest_size=16)
    for text in texts:
        digest.update(text)
    return digest.hexdigest()


class Ledger:
    """The outcomes of one partition of one phase, as a context manager around an open file.

    Two runs of the same partition may append at once: a line is one write to a file in append
    mode, and no run seals a file to which another one may append. A line that was cut off by a kill
    is left out when the file is read again.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is read or written before the ledger is entered.

        Args:
            path: Of the lines; the sealed file lies beside it with the suffix ``.parquet``.
        """
        self.path = path
        self.sealed = path.with_suffix(".parquet")
        self._known: dict[str, str] = {}  # outcomes as JSON, parsed when they are looked up
        self._looked_up: set[str] = set()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """The ledger with what earlier runs left, ready to be appended to.

        Raises:
            LedgerError: The sealed file cannot be read.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = _open_locked(self.path, fcntl.LOCK_SH)
        try:
            known = pl.concat([_read_sealed(self.sealed), _read_lines(self.path)])
        except LedgerError:
            file.close()
            raise
        self._known = dict(known.select("key", "outcome").iter_rows())
        self._file = file
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; what was appended is on the disk."""
        self.sync()
        if self._file is not None:
            self._file.close()
            self._file = None

    def get(self, key: str) -> Outcome | None:
        """The outcome that an earlier run got for a request."""
        self._looked_up.add(key)
        known = self._known.get(key)
        return None if known is None else _read_outcome(known, self.sealed)

    def append(self, key: str, outcome: Outcome) -> None:
        """Write an outcome down; it survives a kill of this process from here on."""
        assert self._file is not None
        # Not `asdict`, which copies deeply and takes twice as long as the rest.
        line = json.dumps({"key": key, **{name: getattr(outcome, name) for name in _FIELDS}})
        self._file.write(f"\n{line}\n".encode())

    def sync(self) -> None:
        """Bring what was appended to the disk, so that it survives a loss of power too."""
        if self._file is not None:
            os.fsync(self._file.fileno())

    def seal(self) -> None:
        """Keep what this run looked up in one small file; the partition is stored now.

        Outcomes that a run of more than twice as many requests looked up are kept too, since this
        run was a pilot then. So the file holds less than twice what the largest run looked up.
        Requests that did not fit the context are not kept: another setting of the engine may have
        room for them.

        Nothing happens while another run may append to the lines: it seals them when it ends.
        """
        assert self._file is None
        try:
            lock = _open_locked(self.path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        with lock:
            self._replace_sealed()
            self.path.unlink()

    def _replace_sealed(self) -> None:
        lines, key = _read_lines(self.path), pl.col("key")
        looked_up = key.is_in(list(self._looked_up))
        # Lines that this run did not look up are those of a run that did not reach its end.
        of_unfinished_run = lines.filter(~looked_up)["key"].unique()
        run = (
            pl.when(looked_up)
            .then(len(self._looked_up))
            .when(key.is_in(of_unfinished_run.to_list()))
            .then(of_unfinished_run.len())
        )
        largest_run = pl.max_horizontal(pl.col("largest_run").max().over("key"), run)
        sealed = (
            pl.concat([_read_sealed(self.sealed), lines])
            .with_columns(largest_run=largest_run.cast(pl.UInt32))
            .unique("key", keep="last", maintain_order=True)
            .filter(looked_up | (pl.col("largest_run") > 2 * len(self._looked_up)))
            .filter(~pl.col("outcome").str.contains(_TOO_LONG, literal=True))
        )
        beside = self.sealed.with_suffix(".tmp")
        sealed.write_parquet(beside, compression="zstd", row_group_size=_ROWS_PER_GROUP)
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        beside.replace(self.sealed)


def discard(path: Path, lines: bool = True) -> bool:
    """Whether the ledger was removed; one to which a run may append stays.

    Args:
        path: Of the lines.
        lines: Whether to remove a ledger with lines that no run has sealed.
    """
    try:
        lock = _open_locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    with lock:
        if path.stat().st_size and not lines:
            return False
        path.with_suffix(".parquet").unlink(missing_ok=True)
        path.unlink()
    return True


def _open_locked(path: Path, kind: int) -> IO[bytes]:
    """The file of the lines, to be appended to; not one that was sealed and removed meanwhile."""
    while True:
        file = path.open("ab", buffering=0)
        try:
            fcntl.flock(file, kind)
            if os.fstat(file.fileno()).st_nlink:
                return file
        except BlockingIOError:
            file.close()
            raise
        file.close()


def _read_sealed(path: Path) -> pl.DataFrame:
    """`_SEALED`, one row an outcome."""
    if not path.is_file():
        return pl.DataFrame(schema=_SEALED)
    try:
        return pl.read_parquet(path, schema=_SEALED)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise LedgerError(path, error) from error


def _read_lines(path: Path) -> pl.DataFrame:
    """`_SEALED`, one row a line that can be read; no run has looked them up yet."""
    with path.open("rb") as file:
        records = filter(None, map(_parse, file))
        rows = [(record.pop("key"), json.dumps(record), 0) for record in records]
    return pl.DataFrame(rows, schema=_SEALED, orient="row")


def _parse(line: bytes) -> dict[str, Any] | None:
    """The record of a line; None for a blank line and for one that a kill cut off."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_whole = isinstance(record, dict) and isinstance(record.get("key"), str)
    return record if is_whole and _is_outcome(record) else None


def _is_outcome(record: Mapping[str, Any]) -> bool:
    """Whether there is a text or a reason; other fields may be missing or of another version."""
    return record.get("text") is not None or record.get("failed_because") is not None


def _read_outcome(written: str, path: Path) -> Outcome:
    try:
        # Another version of this package may have written other fields.
        record = {name: value for name, value in json.loads(written).items() if name in _FIELDS}
        if not _is_outcome(record):
            raise ValueError("an entry holds no outcome")
        return Outcome(**{**record, "choices": tuple(map(tuple, record.get("choices", ())))})
    except (ValueError, TypeError, AttributeError) as error:
        raise LedgerError(path, error) from error
