"""One row as the page shows it."""

import json
from pathlib import Path
from typing import Any

from sysgen_dagster.review.decisions import LONGEST_TEXT
from sysgen_dagster.storage.store import Store
from sysgen_dagster_tests.review.rows import MODEL, open_desk, write_rows


def shown(tmp_path: Path, **row: Any) -> dict[str, Any]:
    store = Store(tmp_path)
    write_rows(store, row)
    return open_desk(store).row((MODEL, "c0-0"))


def test_a_row_of_the_longest_texts_is_small_enough_to_send_and_not_edited(tmp_path: Path) -> None:
    long = "word " * LONGEST_TEXT
    turns = [{"role": "user", "content": long}] * 100
    texts = dict.fromkeys(("question", "answer", "system_message", "new_answer"), long)
    row = shown(tmp_path, history=turns, **texts)
    assert not row["may_edit"]
    assert len(json.dumps(row)) < 3_000_000
