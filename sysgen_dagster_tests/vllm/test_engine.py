"""What only a real `vllm serve` does: it is killed, its context is full, its seeds hold.

The model is tiny and random, so its texts are noise. `make test-vllm` runs this.
"""

import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest, Role, Sampling
from sysgen_dagster.commands.trial_catalog import local_catalog
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.annotation import build_annotation_requests
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.lanes.sysgen.verification import build_verdict_constraint, parse_verdicts
from sysgen_dagster.processes.state import running
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import read_shard
from sysgen_dagster.tables.table import kept
from sysgen_dagster_tests.vllm.served import ROWS, entry, group_of

pytestmark = pytest.mark.vllm


def ask(
    model: Generator,
    servers: Path,
    requests: Sequence[ChatRequest],
    ledger: Ledger,
    said: list[str] | None = None,
) -> tuple[pl.DataFrame, Progress]:
    """What a phase gets from a model, and what it cost; `said` takes what the engine reports."""
    progress = Progress(total=len(requests))
    report = print if said is None else said.append
    engines = Engines(servers, engine=Engine.VLLM)
    with engines.connection(model, report) as connection, ledger:
        return complete(connection, iter(requests), progress, ledger, lambda _: None), progress


def conversations(source: str, count: int, folder: Path) -> pl.DataFrame:
    """The first conversations of a source's real rows."""
    rows = local_catalog(load_catalog(FULL_CATALOG), ROWS).sources[source]
    return kept(build_conversations(read_shard(rows, 0, folder), rows)).head(count)


def simple(number: int, text: str, seed: int = 0, max_tokens: int = 40) -> ChatRequest:
    messages = [
        {"role": Role.SYSTEM, "content": "You are a careful teacher."},
        {"role": Role.USER, "content": text},
    ]
    return ChatRequest(f"row-{number}", messages, Sampling(0.7, max_tokens), seed)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


def test_an_engine_that_is_killed_in_the_middle_is_started_again_and_no_row_is_lost(
    tiny: Path, servers: Path, ledger: Ledger, tmp_path: Path
) -> None:
    requests = list(build_annotation_requests(conversations("orca_math", 150, tmp_path)))
    said: list[str] = []
    killer = threading.Thread(target=_kill_engine_core, args=(servers, ledger.path, 30))
    killer.start()
    rows, progress = ask(entry(tiny), servers, requests, ledger, said)
    killer.join()
    assert rows["request_id"].n_unique() == rows.height == len(requests)
    assert rows["failed_because"].null_count() == rows.height
    assert sum("starting vllm-tiny" in line for line in said) == 2
    assert any("answers again" in line for line in said)
    assert progress.sent <= 2 * len(requests)

    again, none_sent = ask(entry(tiny), servers, requests, ledger)
    assert none_sent.sent == 0
    assert again.sort("request_id").equals(rows.sort("request_id"))


def _kill_engine_core(servers: Path, lines: Path, after: int) -> None:
    """Kill the process that computes, once so many answers are in the ledger."""
    give_up = time.monotonic() + 400
    while time.monotonic() < give_up:
        if lines.is_file() and lines.read_bytes().count(b'"key"') >= after:
            engines = [
                each for name in running(servers) for each in group_of(servers, name).items()
            ]
            for process, line in engines:
                if "EngineCore" in line:
                    os.kill(process, signal.SIGKILL)
            return
        time.sleep(0.02)


def test_a_long_answer_is_shortened_in_the_middle_and_a_long_question_is_too_long(
    tiny: Path, servers: Path, ledger: Ledger, tmp_path: Path
) -> None:
    row = conversations("orca_math", 1, tmp_path)
    long = "Each of the numbers is checked twice, and the result is written down. " * 700
    rows = pl.concat(
        [
            row.with_columns(conversation_id=pl.lit("answer"), answer=pl.lit(long)),
            row.with_columns(conversation_id=pl.lit("question"), question=pl.lit(long)),
        ]
    )
    requests = list(build_annotation_requests(rows))
    answers, _ = ask(entry(tiny), servers, requests, ledger)
    by_id = {each["request_id"]: each for each in answers.iter_rows(named=True)}
    shortened = by_id["answer"]
    assert shortened["failed_because"] is None
    assert 0 < shortened["characters_left_out"] < len(long) - 400
    room = 8192 - requests[0].sampling.max_tokens
    assert 0.7 * room < shortened["prompt_tokens"] <= room
    assert by_id["question"]["failed_because"] == NoAnswer.TOO_LONG
    assert by_id["question"]["attempts"] == 0
    assert "do not fit a context of 8,192" in by_id["question"]["failure"]


def test_a_seed_gives_the_same_text_again_and_another_seed_another(
    tiny: Path, servers: Path, tmp_path: Path
) -> None:
    requests = [simple(n, "Why is the sea salty?", seed=n % 2) for n in range(4)]
    rows, _ = ask(entry(tiny), servers, requests, Ledger(tmp_path / "a.jsonl"))
    even, odd, even_again, odd_again = rows.sort("request_id")["text"]
    assert (even, odd) == (even_again, odd_again)
    assert even != odd


def test_verdicts_under_a_constraint_come_with_their_probabilities(
    tiny: Path, servers: Path, ledger: Ledger
) -> None:
    words = ("Good", "Bad", "None")
    constraint = build_verdict_constraint(["Role", "Task"])
    asked = simple(0, "Judge.", max_tokens=200)
    request = replace(asked, seed=7, constraint=constraint, choices=words)
    rows, _ = ask(entry(tiny), servers, [request], ledger)
    [row] = rows.to_dicts()
    assert len(parse_verdicts(row["text"])) == 2
    for start in (row["text"].index(": ") + 2, row["text"].rindex(": ") + 2):
        shares = [each["probability"] for each in row["choices"] if each["start"] == start]
        assert sum(shares) == pytest.approx(1)


def test_a_template_without_a_system_role_gets_the_message_in_the_user_turn(
    roleless: Path, servers: Path, ledger: Ledger
) -> None:
    said: list[str] = []
    rows, _ = ask(entry(roleless), servers, [simple(0, "Why?")], ledger, said)
    [row] = rows.to_dicts()
    assert row["failed_because"] is None
    assert row["system_message_folded"]
    assert any("ending vllm-tiny, which is not in use" in line for line in said)
    assert any("shows no system message" in line for line in said)


def test_a_model_that_is_not_there_is_one_clear_error(servers: Path, ledger: Ledger) -> None:
    from sysgen_dagster.inference.chat_api import EngineError

    with pytest.raises(EngineError, match=r"at-all did not start") as error:
        ask(entry(Path("/nowhere/at-all")), servers, [simple(0, "Why?")], ledger)
    assert "Ways to get an engine" in str(error.value)
