"""A deployment with rows of one model that went all the way, written without any run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog, one_shard_each
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.lanes.sysgen.tags import Phrase, Tag, render_tagged_message
from sysgen_dagster.review.desk import Desk
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.training_sets.frames import of

MODEL, SHARD = "phi-4", "capybara-000"
AT = Partition(MODEL, SHARD)
PHRASES = (Phrase(Tag.ROLE, "You are kind."), Phrase(Tag.TASK, "Answer."), Phrase(Tag.STYLE, "?"))


def catalog() -> Catalog:
    """One source in one shard, one model, one mixture."""
    full = one_shard_each(local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS))
    return full.model_copy(
        update={
            "sources": {"capybara": full.sources["capybara"]},
            "models": {MODEL: full.models[MODEL]},
            "mixtures": {"sysgen": full.mixtures["sysgen"]},
            "trainings": {},
        }
    )


def make_deployment(data: Path, rows: int) -> Store:
    """A folder that `sysgen` works on; the environment is left as it was."""
    with _same_environment():
        store = begin_deployment(catalog(), data)
    write_rows(store, *({} for _ in range(rows)))
    return store


@contextmanager
def _same_environment() -> Iterator[None]:
    import os

    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def write_rows(store: Store, *rows: dict[str, Any]) -> None:
    """Rows ``c0-0``, ``c1-0``, ... of all phases; what a row does not say is usual."""
    whole = [_row(number) | row for number, row in enumerate(rows)]
    for table in (CONVERSATIONS, ANNOTATED, FILTERED, VERIFIED, ALIGNED):
        named = [{name: row[name] for name in table.names if name in row} for row in whole]
        store.write(table, table.partition(AT), of(table, *named))


def _row(number: int) -> dict[str, Any]:
    return {
        "conversation_id": f"c{number}-0",
        "source": "capybara",
        "turn": 0,
        "history": [],
        "question": f"What is {number}?",
        "answer": f"The number {number} is what comes after the one before it.",
        "annotated_message": render_tagged_message(PHRASES),
        "repaired": False,
        "engine": "vllm",
        "phrases": [{"tag": each.tag.value, "text": each.text} for each in PHRASES[:2]],
        "tagged_message": render_tagged_message(PHRASES),
        "defects": [],
        "verdicts": [
            {"tag": each.tag.value, "verdict": verdict, "confidence": 0.9}
            for each, verdict in zip(PHRASES, ("Good", "Good", "Bad"), strict=True)
        ],
        "removed": [{"tag": "Style", "text": "?", "verdict": "Bad"}],
        "system_message": "You are kind. Answer.",
        "new_answer": f"Dear reader, the number {number} is what comes after the one before it.",
        "model": MODEL,
    }


def open_desk(store: Store, reviewer: str = "ann", **options: Any) -> Desk:
    return Desk(store, catalog(), reviewer, **options)


def decision(desk: Desk, number: int, choice: str = "accepted", **more: Any) -> dict[str, Any]:
    """What the page sends about a row."""
    row = desk.row((MODEL, f"c{number}-0"))
    sent = {"model": MODEL, "conversation_id": row["id"], "texts": row["texts"], "choice": choice}
    return {**sent, "system_message": None, "new_answer": None, "labels": {}, **more}
