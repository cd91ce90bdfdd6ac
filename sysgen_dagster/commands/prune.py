"""`sysgen prune`: lists the files of a deployment that nothing needs any more, and removes them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from sysgen_dagster.commands.deployment import use_deployment, work_of
from sysgen_dagster.commands.left_over import remove
from sysgen_dagster.commands.printing import new_table
from sysgen_dagster.commands.removable import COSTS, Kind, Removal, removals
from sysgen_dagster.inference.ledger_upkeep import discard
from sysgen_dagster.lanes.catalog import load_catalog

# Files of these kinds cost something to get back, and under a wrong catalogue all of them would be
# removed. So they are removed only with `--gone`.
_GONE = (
    *(Kind.GONE_LEDGER, Kind.GONE_TABLE, Kind.GONE_STUDENT, Kind.GONE_ANSWERS),
    *(Kind.DOWNLOAD, Kind.CONVERSION),
)


def prune_files(console: Console, data: str, days: int, gone: bool, apply: bool) -> int:
    """Print the files that may be removed and, with `apply`, remove them.

    Args:
        console: Where they are printed.
        data: The deployment.
        days: Ledgers of stored partitions and server logs may go if they are older.
        gone: Whether files of what the catalogue does not name any more may go too.
        apply: Whether the files are removed.

    Returns:
        0, or 1 where a file was not removed because a run uses it.

    Raises:
        StoreError: There is no such deployment.
    """
    from sysgen_dagster.defs.plumbing.tables import TABLES

    store = use_deployment(data)
    work = work_of(store)
    found = removals(store, work, load_catalog(), TABLES.values(), days, datetime.now(UTC))
    kept = [] if gone else [each for each in found if each.kind in _GONE]
    going = [each for each in found if each not in kept]
    for each in going:
        console.print(f"{each.kind.value}: {each.path} ({each.bytes:,} bytes): {each.why}")
    _show_sums(console, going)
    if kept:
        size = sum(each.bytes for each in kept)
        console.print(
            f"{len(kept)} files ({size:,} bytes) of what the catalogue does not name stay; --gone "
            "removes them too. Look at `sysgen inventory` first: is it the right catalogue?"
        )
    if not apply:
        console.print("Nothing was removed; --apply does.")
        return 0
    in_use = [each for each in going if not _remove(each, work)]
    for each in in_use:
        console.print(f"stays, a run uses it: {each.path}")
    console.print(f"{len(going) - len(in_use)} removed.")
    return 1 if in_use else 0


def _show_sums(console: Console, going: Sequence[Removal]) -> None:
    table = new_table("What may go", ["what"], ["files", "bytes"], ["what it costs"])
    for kind in Kind:
        if sizes := [each.bytes for each in going if each.kind is kind]:
            table.add_row(kind.value, f"{len(sizes):,}", f"{sum(sizes):,}", COSTS[kind])
    console.print(table if going else "Nothing may go.")


def _remove(removal: Removal, work: Path) -> bool:
    """Whether the file was removed; a ledger to which a run may append stays."""
    if removal.kind in (Kind.LEDGER, Kind.GONE_LEDGER):
        lines = removal.kind is Kind.GONE_LEDGER and removal.path.suffix == ".jsonl"
        return discard(Path(str(removal.path)).with_suffix(".jsonl"), lines)
    of_hub = work / "downloads" / "hub"
    if of_hub in Path(str(removal.path)).parents:
        import huggingface_hub  # here, because most commands need none of it

        cached = huggingface_hub.scan_cache_dir(of_hub)
        cached.delete_revisions(removal.path.name).execute()
    elif isinstance(removal.path, Path):
        remove(removal.path)
    else:
        removal.path.unlink(missing_ok=True)
    return True
