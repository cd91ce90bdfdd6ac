"""What is shown of engines while several backfills follow each other."""

from io import StringIO

import pytest
from rich.console import Console

from sysgen_dagster.commands.backfill import show_engine_log
from sysgen_dagster.defs.plumbing.resources import ENGINE_LOG


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ENGINE_LOG, "handlers", [])


def test_a_line_is_printed_once_and_where_it_was_asked_for_last() -> None:
    first, second = StringIO(), StringIO()
    for out in (first, second):
        show_engine_log(Console(file=out))
        ENGINE_LOG.info("an engine answers")
    assert first.getvalue() == second.getvalue() == "an engine answers\n"
