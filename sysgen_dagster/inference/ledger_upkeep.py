"""What is done with ledgers from outside a run: removing one, and removing answers from all."""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from sysgen_dagster.inference.ledger_files import (
    Entry,
    open_locked,
    read_lines,
    read_sealed,
    write_sealed,
)
from sysgen_dagster.inference.other_ledgers import SEALED, list_ledgers

_AFTER_CONVERSATION = "#"  # in the name of a request, where one conversation has several


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of answers that had to go.

    Attributes:
        removed: How many are gone.
        in_use: Ledgers that a run has, which may still hold some: forget again when it ended.
    """

    removed: int
    in_use: tuple[Path, ...]


def find_conversations(folder: Path) -> dict[str, set[str]]:
    """Each conversation of which a ledger says something, with the shards of these ledgers.

    Raises:
        LedgerError: A sealed ledger cannot be read.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for path in list_ledgers(folder):
        shards = {_shard_of(path)} - {""}
        for entry in (*read_lines(path)[0], *read_sealed(path.with_suffix(SEALED))):
            if entry.request_id is not None:
                found[_conversation_of(entry.request_id)] |= shards
    return dict(found)


def _shard_of(path: Path) -> str:
    """The shard that a ledger is of; empty where it is of no shard."""
    return path.stem.partition("|")[2]


def _conversation_of(request_id: str) -> str:
    return request_id.partition(_AFTER_CONVERSATION)[0]


def forget(folder: Path, conversations: Collection[str], shards: Collection[str]) -> Forgotten:
    """Remove every outcome of these conversations, and what killed runs left, from all ledgers.

    Versions before the names sealed outcomes of which nobody can tell whose they are. They go too,
    from the ledgers of `shards` and from those that are of no shard: their requests are sent again.
    So does what is damaged, which may hold anything.

    Args:
        folder: Of the ledgers of all phases.
        conversations: Their ids.
        shards: Where these conversations are or were.

    Raises:
        LedgerError: A sealed ledger cannot be read, so that nobody can tell what is in it.
    """
    removed, in_use = 0, []
    gone = frozenset(conversations)
    for path in list_ledgers(folder):
        shard = _shard_of(path)
        takes_unnamed = not shard or shard in shards

        def goes(entry: Entry, takes_unnamed: bool = takes_unnamed) -> bool:
            if entry.request_id is None or not entry.is_whole:
                return takes_unnamed or not entry.is_whole
            return _conversation_of(entry.request_id) in gone

        try:
            removed += _remove_entries(path, goes)
        except BlockingIOError:
            in_use.append(path)
    return Forgotten(removed, tuple(in_use))


def _remove_entries(path: Path, goes: Callable[[Entry], bool]) -> int:
    """How many were removed."""
    sealed = path.with_suffix(SEALED)
    had_lines = path.exists()
    with open_locked(path):
        sealed.with_suffix(".tmp").unlink(missing_ok=True)
        lines, damaged = read_lines(path)
        entries = [*read_sealed(sealed), *lines]
        staying = {entry.key: entry for entry in entries if not goes(entry)}
        removed = sum(map(goes, entries))
        if removed or damaged:
            write_sealed(sealed, staying.values())
            path.unlink()
        elif not had_lines:
            path.unlink()
    return removed


def discard(path: Path, lines: bool = True) -> bool:
    """Whether the ledger was removed; one that a run has stays.

    Args:
        path: Of the lines.
        lines: Whether to remove a ledger with lines that no run has sealed.
    """
    try:
        lock = open_locked(path)
    except BlockingIOError:
        return False
    with lock:
        if path.stat().st_size and not lines:
            return False
        path.with_suffix(SEALED).unlink(missing_ok=True)
        path.unlink()
    return True
