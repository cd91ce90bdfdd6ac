"""What is printed while partitions are made one after the other."""

import logging

from rich.console import Console

from sysgen_dagster.commands.backfill import EngineLines


def test_what_an_engine_says_again_is_printed_once() -> None:
    console = Console(record=True, width=100)
    lines = EngineLines(console)
    for said in ("phi: context of 8,192 tokens", "1 of 2", "phi: context of 8,192 tokens"):
        lines.emit(logging.LogRecord("engines", logging.INFO, "", 0, said, None, None))
    assert console.export_text().splitlines() == ["phi: context of 8,192 tokens", "1 of 2"]
