"""Previewed rows: what is asked about them, and that the assets find every answer."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.commands.run.choices import preview_until_chosen
from sysgen_dagster.commands.run.preview import choose_conversations
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import kept
from sysgen_dagster_tests.commands.run.small_deployments import (
    ASKED,
    KEY,
    MAKE_ALL,
    MODEL,
    SHARD,
    SOURCE,
    SmallDeployment,
    plain_console,
    turns_row,
)

ROWS = [
    *(turns_row(f"How much is {n} plus {n + 1}?", f"It is {2 * n + 1}.") for n in range(9)),
    turns_row("Name a river.", "The Rhine.", "And another one?", "The Elbe."),
    turns_row("Are you there?", " "),
]
PREVIEW = f"{MODEL}|{SOURCE}-preview"


@pytest.mark.parametrize(
    "method",
    [
        pytest.param({"preset": "best"}, id="best"),
        pytest.param({"samples": 2, "repair": True}, id="several", marks=pytest.mark.slow),
    ],
)
def test_the_assets_ask_nothing_again_that_the_preview_has_asked(
    tmp_path: Path, method: Mapping[str, Any]
) -> None:
    # Settings of the model change what is asked, and so what it is known by.
    phase_4 = {"temperature": 0.1, "max_tokens": 300}
    model = {"request": {"top_p": 0.9, "phases": {ALIGNED.name: phase_4}}}
    mine = SmallDeployment(tmp_path / "mine", ROWS, method, model, exchanges="last")
    console = plain_console()
    with mine.entered() as catalog:
        decision = preview_until_chosen(console, mine.store, catalog, 6, False, False)
    before = {table: mine.asked(table, PREVIEW) for table in ASKED}

    mine.make(*MAKE_ALL)

    assert decision.shown == 6
    for table, previewed in before.items():
        assert previewed
        assert not previewed.keys() & mine.asked(table, KEY).keys()
        assert mine.asked(table, PREVIEW) == previewed
    # The same answers stand in the table, for all that was previewed and kept.
    shown = console.export_text()
    answers = mine.read(ALIGNED)
    shown_and_kept = answers.filter(
        pl.col("conversation_id").is_in(list(before[ASKED[2]].values()))
    )
    assert shown_and_kept.height == len(before[ASKED[2]])
    for message in shown_and_kept["system_message"]:
        assert message[:30] in shown


@pytest.mark.slow
def test_where_all_answers_are_written_anew_the_assets_ask_no_turn_again(tmp_path: Path) -> None:
    questions = ("Name a river.", "And another one?", "Which one is longer?")
    rows = [
        turns_row(*(text for q in questions[: 1 + n % 3] for text in (f"{n}: {q}", f"No. {n}.")))
        for n in range(6)
    ]
    method = {"preset": "best", "answers": 2}
    mine = SmallDeployment(tmp_path / "mine", rows, method, exchanges="whole")
    console = plain_console()
    with mine.entered() as catalog:
        preview_until_chosen(console, mine.store, catalog, 3, False, False)
    before = mine.asked(ALIGNED.name, PREVIEW)

    mine.make(*MAKE_ALL)

    assert before
    assert not before.keys() & mine.asked(ALIGNED.name, KEY).keys()
    answers = kept(mine.read(ALIGNED)).join(
        mine.read(CONVERSATIONS, SHARD).select("conversation_id", "history"), on="conversation_id"
    )
    assert sorted(map(len, answers["history"])) == [0, 0, 2, 2, 4, 4]
    for row in answers.iter_rows(named=True):
        for old, new in zip(row["history"], row["new_history"] or [], strict=True):
            assert old["role"] == new["role"]
            assert (old["content"] == new["content"]) == (old["role"] == "user")


def test_a_row_of_several_exchanges_gives_one_and_stands_for_all_of_them() -> None:
    rows = build(*[turns_row(*(f"{n}-{m}" for m in range(8))) for n in range(40)])
    chosen = choose_conversations(rows, [0] * 40)

    assert [each.number for each in chosen] == list(range(1, 41))
    assert {each.of for each in chosen} == {4}
    taken = [each.exchange for each in chosen]
    assert {9, 10, 11} >= {taken.count(n) for n in (1, 2, 3, 4)}
    assert [each.conversation["turn"].item() + 1 for each in chosen] == taken


def build(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """The conversations of some rows of chats."""
    source = Source.model_validate(
        {
            "name": SOURCE,
            "title": "Mine",
            "license": "mit",
            "path": "rows.jsonl",
            "columns": {"messages": ["role", "content"]},
            "shape": {"kind": "messages", "column": "messages"},
            "exchanges": "each",
            "shards": 1,
        }
    )
    frame = pl.DataFrame(
        {
            "messages": [row["messages"] for row in rows],
            "source_row": range(len(rows)),
            "occurrence": 0,
            "source_revision": "local:0",
            "unusable": None,
            "excluded_ids": None,
        },
        schema_overrides={"excluded_ids": pl.List(pl.String), "unusable": pl.String},
    )
    return build_conversations(frame, source)


@pytest.mark.slow
def test_an_excluded_conversation_leaves_the_answers_of_the_preview_too(tmp_path: Path) -> None:
    mine = SmallDeployment(tmp_path / "mine", ROWS)
    with mine.entered() as catalog:
        preview_until_chosen(plain_console(), mine.store, catalog, 5, False, False)
    gone, *others = sorted(set(mine.asked(ASKED[0], PREVIEW).values()))
    listed = tmp_path / "gone.txt"
    listed.write_text(f"{gone}\n")

    done = subprocess.run(
        [str(Path(sys.executable).with_name("sysgen")), "exclude", str(listed), "--apply"],
        env={**os.environ, **mine.environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert set(mine.asked(ASKED[0], PREVIEW).values()) == set(others)
    with mine.entered() as catalog:
        console = plain_console()
        preview_until_chosen(console, mine.store, catalog, 5, False, False)
    assert "dropped before Phase 1: it is on the list of excluded" in console.export_text()
