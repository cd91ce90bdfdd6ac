"""All phases of twenty real rows through a real model, as `sysgen demo --real` runs them.

Looks at the text that came out, not only at whether rows arrive. `make test-real` runs this with
the model that SYSGEN_REAL_MODEL names, a GGUF file or a folder of weights.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.chat.languages import detect_languages
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.lanes.sysgen.tags import Tag
from sysgen_dagster.obedience.final_answers import find_final_answers
from sysgen_dagster.processes.state import running
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import By, Table, kept
from sysgen_dagster_tests.real.rows import NOT_ENGLISH, ROWS_OF_EACH, SOURCES, write_rows

ROOT = Path(__file__).parents[2]
REAL_ROWS = ROOT.parent / "shared" / "data"
PROMPTS = sorted((ROOT / "prompts").glob("phase1_*"))
MODEL = os.environ.get("SYSGEN_REAL_MODEL", "")
SYSGEN = Path(sys.executable).with_name("sysgen")
ROWS = ROWS_OF_EACH * len(SOURCES)
LEAST_WELL_FORMED = 16
RUN = 5  # words in a row that two texts rarely share by chance
MARK = re.compile(r"<</?[A-Za-z]+>>")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not MODEL, reason="SYSGEN_REAL_MODEL names no model: a GGUF file or folder"),
    pytest.mark.skipif(not REAL_ROWS.is_dir(), reason="no folder of real rows beside the checkout"),
]


def demo(rows: Path, data: Path) -> str:
    """What `sysgen demo` prints."""
    engine = ("SYSGEN_LLAMA_SERVER", "SYSGEN_VLLM")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in engine or not name.startswith(("SYSGEN_", "DAGSTER_"))
    }
    options = ["--real", MODEL, "--sources", rows, "--limit", str(ROWS_OF_EACH), "--data", data]
    done = subprocess.run(
        [SYSGEN, "demo", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout


def end_servers(data: Path) -> None:
    for name in running(data / "engines"):
        stop(data / "engines", name)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, str]]:
    """The rows, the data folder of the demo, and what it printed."""
    folder = tmp_path_factory.mktemp("real")
    rows, data = write_rows(REAL_ROWS, folder / "rows"), folder / "data"
    try:
        yield rows, data, demo(rows, data)
    finally:
        end_servers(data)


@pytest.fixture(scope="module")
def data(made: tuple[Path, Path, str]) -> Path:
    return made[1]


def table(data: Path, which: Table) -> pl.DataFrame:
    folder = data / which.name
    if which.by is By.MODEL_SHARD:
        [folder] = folder.glob("model=*")
    files = sorted(folder.glob("*.parquet"))
    return pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files])


def asked(data: Path) -> pl.DataFrame:
    """Phase 1 without the rows beyond the limit."""
    return table(data, ANNOTATED).filter(pl.col("attempts").is_not_null())


def runs_of_words(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", MARK.sub(" ", text).lower())
    return {tuple(words[start : start + RUN]) for start in range(len(words) - RUN + 1)}


def test_it_says_first_what_the_model_is_and_what_it_takes(made: tuple[Path, Path, str]) -> None:
    lines = made[2].splitlines()
    assert [line.partition(":")[0] for line in lines[:4]] == [
        *("Model", "Licence", "Download", "Engine")
    ]


def test_every_row_of_every_phase_is_accounted_for(data: Path) -> None:
    assert asked(data).height == ROWS
    for phase in PHASES[1:]:
        came, here = kept(table(data, phase.before)), table(data, phase.table)
        assert sorted(here["conversation_id"]) == sorted(came["conversation_id"])


def test_most_messages_are_well_formed(data: Path) -> None:
    filtered = table(data, FILTERED)
    dropped = filtered.filter(pl.col("drop_reason").is_not_null())["conversation_id"]
    texts = table(data, ANNOTATED).filter(pl.col("conversation_id").is_in(dropped.implode()))
    well_formed = kept(filtered).height
    assert well_formed >= LEAST_WELL_FORMED, texts["annotated_message"].to_list()


def test_no_message_is_copied_from_the_prompt(data: Path) -> None:
    prompt = runs_of_words("\n".join(path.read_text() for path in PROMPTS))
    copied = {}
    for text in table(data, ANNOTATED)["annotated_message"].drop_nulls():
        runs = runs_of_words(text)
        if runs and len(runs & prompt) / len(runs) >= 0.5:
            copied[text] = len(runs & prompt) / len(runs)
    assert copied == {}


def test_rows_that_are_not_in_english_keep_their_language(data: Path) -> None:
    """Most of those that get an answer: what a small model writes differs from CPU to CPU."""
    questions = {question: language for language, (question, _) in NOT_ENGLISH.items()}
    rows = table(data, CONVERSATIONS).filter(pl.col("question").is_in(list(questions)))
    assert rows.height == len(NOT_ENGLISH)
    answered = rows.join(kept(table(data, ALIGNED)), on="conversation_id")
    lost = {}
    for row in answered.iter_rows(named=True):
        texts = pl.Series([row["system_message"], row["new_answer"]])
        languages = detect_languages(texts).to_list()
        if questions[row["question"]] not in languages:
            lost[row["question"]] = (languages, row["system_message"], row["new_answer"])
    assert answered.height > 2 * len(lost), lost


def test_no_content_phrase_holds_the_final_answer(data: Path) -> None:
    rows = table(data, CONVERSATIONS).join(kept(table(data, VERIFIED)), on="conversation_id")
    rows = rows.with_columns(final=find_final_answers(rows["answer"]))
    leaked = []
    for row in rows.filter(pl.col("final").str.len_chars() > 1).iter_rows(named=True):
        content = " ".join(each["text"] for each in row["phrases"] if each["tag"] == Tag.CONTENT)
        is_there = re.search(rf"(?<![\w.]){re.escape(row['final'])}(?![\w])", content)
        if is_there and row["final"] not in row["question"]:
            leaked.append((row["final"], content))
    assert leaked == []


def test_a_second_demo_sends_no_request_and_starts_no_server(
    made: tuple[Path, Path, str],
) -> None:
    rows, data, first = made
    before = table(data, ALIGNED)
    end_servers(data)
    printed = demo(rows, data)
    assert "starting " in first
    assert not re.search(r"starting (llama|vllm)-", printed)
    line = r"([\d,]+) of ([\d,]+) answered \(([\d,]+) known from before"
    counts = re.findall(line, " ".join(printed.split()))
    assert counts
    assert all(done == total == known for done, total, known in counts)
    assert table(data, ALIGNED).equals(before)
