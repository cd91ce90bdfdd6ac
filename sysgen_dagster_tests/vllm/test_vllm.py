"""A real `vllm serve` behind the real pipeline: what no simulated server can show.

The model is tiny and random, so its free texts are noise; under a grammar it writes tags that can
be read, and rows go through all phases. `make test-vllm` runs this.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest, Role, Sampling
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog, real_model
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.annotation import build_annotation_requests
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.lanes.sysgen.settings import Generator, Method
from sysgen_dagster.lanes.sysgen.verification import build_verdict_constraint, parse_verdicts
from sysgen_dagster.processes.state import running
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import read_shard
from sysgen_dagster.tables.table import kept

pytestmark = pytest.mark.vllm

ROOT = Path(__file__).parents[2]
REAL_ROWS = ROOT.parent / "shared" / "data"
ROWS = REAL_ROWS if REAL_ROWS.is_dir() else EXAMPLE_ROWS
SHARDS, LIMIT = 4, 3  # of each of the five sources: 20 partitions
SOURCES = ("capybara", "airoboros", "orca_math", "magicoder", "metamath")


def entry(weights: Path) -> Generator:
    """The catalogue's entry of a model, from a folder of weights."""
    [model] = real_model(str(weights), endpoint=None, api_key_env=None).values()
    return model


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
    entry = local_catalog(load_catalog(FULL_CATALOG), ROWS).sources[source]
    return kept(build_conversations(read_shard(entry, 0, folder), entry)).head(count)


def simple(number: int, text: str, seed: int = 0, max_tokens: int = 40) -> ChatRequest:
    messages = [
        {"role": Role.SYSTEM, "content": "You are a careful teacher."},
        {"role": Role.USER, "content": text},
    ]
    return ChatRequest(f"row-{number}", messages, Sampling(0.7, max_tokens), seed)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


# The whole pipeline


@pytest.fixture(scope="module")
def backfilled(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The data folder of a backfill of 20 partitions, and what it printed."""
    data = tmp_path_factory.mktemp("backfill")
    yield data, backfill(tiny, data)
    for name in running(data / "engines"):
        stop(data / "engines", name)


def backfill(tiny: Path, data: Path) -> str:
    ours = ("SYSGEN_SOURCE", "SYSGEN_CATALOG", "SYSGEN_DATA", "SYSGEN_ENGINE", "DAGSTER_")
    arguments = map(str, (ROWS, tiny, data, SHARDS, LIMIT))
    done = subprocess.run(
        [sys.executable, "-m", "sysgen_dagster_tests.vllm.backfill", *arguments],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith(ours)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout


def table(data: Path, name: str) -> pl.DataFrame:
    folder = data / name if name == "conversations" else data / name / "model=tiny"
    files = sorted(folder.glob("*.parquet"))
    return pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files])


def test_a_backfill_of_twenty_partitions_loads_the_model_once(
    backfilled: tuple[Path, str],
) -> None:
    data, printed = backfilled
    assert len(list((data / "aligned_responses" / "model=tiny").glob("*.parquet"))) == 20
    assert printed.count("starting vllm-tiny") == 1
    assert printed.count("answers after") == 1


def test_every_row_of_every_phase_is_accounted_for(backfilled: tuple[Path, str]) -> None:
    data, _ = backfilled
    for phase in PHASES:
        came, here = kept(table(data, phase.before.name)), table(data, phase.table.name)
        assert sorted(here["conversation_id"]) == sorted(came["conversation_id"])
    assert set(table(data, "aligned_responses")["source"]) <= set(SOURCES)


def test_repair_and_constrained_verdicts_bring_rows_of_a_random_model_to_the_end(
    backfilled: tuple[Path, str],
) -> None:
    data, _ = backfilled
    annotated = table(data, "annotated_system_messages")
    assert annotated["repaired"].sum() > 10
    verified = table(data, "verified_system_messages").filter(
        pl.col("finish_reason") == "stop"  # one that was cut has no verdict for its last tags
    )
    verdicts = verified.explode("verdicts")["verdicts"].struct.unnest()
    assert "Unreadable" not in set(verdicts["verdict"])
    assert verdicts["confidence"].is_between(0, 1).all()
    assert verdicts["confidence"].null_count() == 0
    answers = table(data, "aligned_responses")
    assert answers.height > 5
    assert set(answers["engine"]) == {"vllm"}


def test_a_second_backfill_sends_no_request_and_starts_no_server(
    backfilled: tuple[Path, str], tiny: Path
) -> None:
    data, _ = backfilled
    before = table(data, "aligned_responses")
    for name in running(data / "engines"):
        stop(data / "engines", name)
    printed = backfill(tiny, data)
    assert "starting vllm" not in printed
    counts = re.findall(r"([\d,]+) of ([\d,]+) answered \(([\d,]+) known from before", printed)
    assert len(counts) >= 60
    assert all(done == total == known for done, total, known in counts)
    assert table(data, "aligned_responses").equals(before)


# What only an engine does


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
            for process in _processes_named(b"EngineCore"):
                os.kill(process, signal.SIGKILL)
            return
        time.sleep(0.02)


def _processes_named(part: bytes) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and part in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended meanwhile
    return found


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


def test_the_method_of_the_backfill_is_not_the_papers() -> None:
    paper = load_catalog(FULL_CATALOG).method
    assert paper == Method(
        drop_rule=paper.drop_rule, unreadable_verdict=paper.unreadable_verdict
    ), "the defaults follow the paper"
