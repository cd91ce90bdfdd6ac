"""`make real-rows`: the command on a simulated model, and the rows that a real model made."""

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.tables import PHRASES
from sysgen_dagster.obedience.by_rules import decide_by_rules
from sysgen_dagster.obedience.contradictions import compare_results
from sysgen_dagster_tests.inference.processes import CEILING_S
from sysgen_dagster_tests.simulated.running_server import Server, running

FOLDER = Path(__file__).parents[1] / "real_rows"
README = (FOLDER / "README.md").read_text()
MADE = FOLDER / "rows.jsonl"
MOST_BYTES = 2_000_000
WANTED, UPSTREAM_ROWS = 4, 6
KEY = re.compile(r'"key": "(\w+)"')
COLUMNS = {"orca_math": ("question", "answer"), "magicoder": ("instruction", "response")}
CATALOG = """
method: {{preset: best, answers: 3}}
sources:
{sources}
models:
  phi: {{engine: endpoint, base_urls: ["{url}"]}}
training: {{validation: 0, test: 0}}
mixtures:
  obeying: {{rows: {wanted}, obeyed: none_broken}}
"""
SOURCE = """  {source}:
    path: {source}.parquet
    shards: 2
    shape: {{kind: question_answer, question: {question}, answer: {answer}}}"""


class Run(NamedTuple):
    """What a command that was killed and run again has made.

    Attributes:
        folder: With the upstream rows and what was made of them.
        printed: By the second command.
        asked: Requests of Phases 1 and 3 that the model answered for the second command.
        answered: Answers to these in the ledgers when the first command was killed.
    """

    folder: Path
    printed: str
    asked: int
    answered: list[str]


def prepare(folder: Path, url: str) -> None:
    """Files of upstream rows and a catalogue."""
    (folder / "upstream").mkdir()
    entries = []
    for source, (question, answer) in COLUMNS.items():
        rows = pl.read_ndjson(EXAMPLE_ROWS / f"{source}.jsonl").head(UPSTREAM_ROWS)
        rows.write_parquet(folder / "upstream" / f"{source}.parquet")
        entries.append(SOURCE.format(source=source, question=question, answer=answer))
    text = CATALOG.format(sources="\n".join(entries), url=url, wanted=WANTED)
    (folder / "catalog.yaml").write_text(text)


def start(folder: Path, *further: str, data: str = "data") -> subprocess.Popen[str]:
    """The command on a folder that is prepared."""
    options = {
        "--sources": folder / "upstream",
        "--data": folder / data,
        "--to": folder / "rows.jsonl",
        "--catalog": folder / "catalog.yaml",
    }
    words = [str(word) for pair in options.items() for word in pair]
    own = ("SYSGEN_", "DAGSTER_")
    return subprocess.Popen(
        [sys.executable, str(FOLDER / "make_rows.py"), *words, *further],
        env={name: value for name, value in os.environ.items() if not name.startswith(own)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def answers_in(folder: Path) -> list[str]:
    """The keys of the answers of Phases 1 and 3 in the ledgers."""
    keys = []
    for file in (folder / "data" / "ledger").glob("[av]*_system_messages/*"):
        if file.suffix == ".jsonl":
            keys += KEY.findall(file.read_text())
        elif file.suffix == ".parquet":
            keys += pl.read_parquet(file)["key"].to_list()
    return keys


def asked_of(server: Server) -> int:
    """How many requests of Phases 1 and 3 it has answered; what is asked to try it is not among."""
    by_phase = server.get("/stats")["by_phase"]
    return sum(by_phase.get(phase, 0) for phase in "13")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The command, killed while the first shard is in its second round of requests."""
    folder = tmp_path_factory.mktemp("real_rows")
    with running("--latency-ms", "200") as server:
        prepare(folder, f"{server.url}/v1")
        first = start(folder)
        deadline = time.monotonic() + CEILING_S
        while not list((folder / "data").glob("ledger/verified*/*")):
            assert first.poll() is None, first.stdout and first.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        answered, before = answers_in(folder), asked_of(server)
        second = start(folder)
        printed, _ = second.communicate(timeout=CEILING_S)
        assert second.returncode == 0, printed
        yield Run(folder, printed, asked_of(server) - before, answered)


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def require_kept(rows: list[dict[str, Any]]) -> None:
    """Each obeys as far as rules tell, and contradicts nothing; none is there twice."""
    assert len({row["conversation_id"] for row in rows}) == len(rows)
    phrases = [
        [{name: each[name] for name in ("tag", "text")} for each in row["phrases"]] for row in rows
    ]
    answers = pl.Series([[row["new_answer"]] for row in rows], dtype=pl.List(pl.String))
    decided = decide_by_rules(pl.Series(phrases, dtype=PHRASES), answers)
    broken = {
        row["conversation_id"]
        for row, verdicts in zip(rows, decided, strict=True)
        if any(each["verdict"] == "not_obeyed" for each in verdicts)
    }
    assert not broken
    results = compare_results(
        *(pl.Series([row[name] for row in rows]) for name in ("original_answer", "new_answer"))
    )
    named = zip((row["conversation_id"] for row in rows), results["result"], strict=True)
    assert not {identity for identity, result in named if result == "contradicts"}


def test_every_source_of_the_catalogue_has_its_cut_and_who_carries_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    cuts = importlib.import_module("cut_rows").CUTS
    assert load_catalog(FOLDER / "catalog.yaml").sources.keys() == cuts.keys()
    assert all(
        f"@{carrier.partition('@')[2]}" in README
        for cut in cuts.values()
        for carrier in cut.carriers
    )


def test_a_command_that_was_killed_asks_nothing_twice(made: Run) -> None:
    assert made.answered
    assert "The process of a run is gone" in made.printed
    assert len(answers_in(made.folder)) - len(made.answered) == made.asked


def test_shards_are_made_in_turn_until_the_mixture_has_its_rows(made: Run) -> None:
    assert len(lines_of(made.folder / "rows.jsonl")) == WANTED
    begun = [line.rpartition(" ")[2] for line in made.printed.splitlines() if "next is" in line]
    assert begun == ["orca_math-000", "magicoder-000", "orca_math-001"][: len(begun)]
    assert 2 <= len(begun) < 2 * len(COLUMNS)


def test_a_row_has_what_it_came_from(made: Run) -> None:
    for row in lines_of(made.folder / "rows.jsonl"):
        question, answer = COLUMNS[row["source"]]
        upstream = pl.read_parquet(made.folder / "upstream" / row["upstream"]["file"])
        [came_from] = upstream[row["upstream"]["row"]].to_dicts()
        assert (row["question"], row["original_answer"]) == (came_from[question], came_from[answer])
        assert all(phrase["text"] in row["system_message"] for phrase in row["phrases"])
        assert row["answers"] == 1 + len(row["rejected_answers"])
        assert row["upstream"]["carriers"]
        assert row["model"]["name"] == "phi"
        assert all(asked["seed"] is not None for asked in row["asked"].values())


def test_its_rows_obey_and_do_not_contradict(made: Run) -> None:
    require_kept(lines_of(made.folder / "rows.jsonl"))


def test_rows_that_younger_rules_find_broken_are_replaced_and_the_others_stay(made: Run) -> None:
    file = made.folder / "rows.jsonl"
    before = lines_of(file)
    # The shards of another source come first.
    [lost, *_] = (row for row in before if row["source"] == "magicoder")
    others = [row for row in before if row is not lost]
    lost["phrases"][0] |= {"tag": "Format", "text": "Answer in exactly 90 sentences"}
    file.write_text("".join(f"{json.dumps(row)}\n" for row in before))
    for printed in ("4 of 4 rows", "nothing to replace"):
        command = start(made.folder, "--replace", data="replaced")
        out, _ = command.communicate(timeout=CEILING_S)
        assert command.returncode == 0, out
        assert printed in out
    *kept, new = lines_of(file)
    assert kept == others
    assert new["source"] == lost["source"]
    assert new["upstream"] not in [row["upstream"] for row in before]
    require_kept([*kept, new])


@pytest.mark.skipif(not MADE.is_file(), reason="`make real-rows` has not made real_rows/rows.jsonl")
def test_the_page_says_how_few_phrases_were_decided() -> None:
    rows = lines_of(MADE)
    verdicts = [[phrase["verdict"] for phrase in row["phrases"]] for row in rows]
    counted = Counter(verdict for of in verdicts for verdict in of)
    obeying = sum(all(verdict == "obeyed" for verdict in of) for of in verdicts)
    unknown = counted.pop("unknown")
    said = " ".join(README.split())

    assert (
        f"of {counted.total() + unknown} phrases rules decide {counted.total()}, and {unknown} are "
        f"unknown; in {obeying} of the {len(rows)} rows"
    ) in said


@pytest.mark.skipif(not MADE.is_file(), reason="`make real-rows` has not made real_rows/rows.jsonl")
def test_the_rows_of_a_real_model_are_whole() -> None:
    assert MADE.stat().st_size < MOST_BYTES
    rows = lines_of(MADE)
    require_kept(rows)
    assert len(rows) == 200
    assert {row["model"]["engine"] for row in rows} == {"llama_cpp"}
    assert all(row["upstream"]["license"] for row in rows)
    assert min(Counter(row["source"] for row in rows).values()) >= 5
