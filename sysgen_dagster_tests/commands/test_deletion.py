"""A deletion request, drilled: afterwards no byte of the deployment says the text any more."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.deletion import upstream_copies
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.review.decisions import (
    Choice,
    Decision,
    digest_of,
    journal_of,
    read_decisions,
)
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, kept

GOES, STAYS = "quexzivoft", "plombradek"
_ROWS = 4  # of each source
_TEXTS = {"input", "output", "value", "query", "response", "original_question", "question"}
_TEXTS |= {"answer", "instruction"}


def _marked(value: Any, mark: str, name: str = "") -> Any:
    """A row with this word in each of its texts."""
    if isinstance(value, dict):
        return {key: _marked(each, mark, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_marked(each, mark, name) for each in value]
    return f"{mark} {value} {mark}" if name in _TEXTS else value


def _write_sources(folder: Path) -> None:
    """A few rows of each source; the first two are told by words that nobody else says."""
    folder.mkdir()
    for file in EXAMPLE_ROWS.glob("*.jsonl"):
        rows = [json.loads(line) for line in file.read_text().splitlines()[:_ROWS]]
        marked = [_marked(row, mark) for row, mark in zip(rows, (GOES, STAYS), strict=False)]
        lines = [json.dumps(row, ensure_ascii=False) for row in (*marked, *rows[2:])]
        (folder / file.name).write_text("\n".join(lines) + "\n")


# A small deployment: two sources in a shard each, one model, two mixtures.
_MAKE = """
import sys
from pathlib import Path
from rich.console import Console
from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.backfill import run_everything
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.trial_catalog import local_catalog, one_shard_each
from sysgen_dagster.lanes.catalog import load_catalog
full = one_shard_each(local_catalog(load_catalog(FULL_CATALOG), Path(sys.argv[1])))
sources = {name: full.sources[name] for name in ("capybara", "metamath")}
mixtures = {name: full.mixtures[name] for name in ("sysgen", "clean")}
models = {"phi-4": full.models["phi-4"]}
changes = {"sources": sources, "models": models, "mixtures": mixtures, "trainings": {}}
few = full.model_copy(update=changes)
begin_deployment(few, Path(sys.argv[2]))
sys.exit(len(run_everything(Console(), few).errors))
"""
_SYSGEN = "from sysgen_dagster.cli import sysgen; sysgen()"


def _run(program: str, *arguments: object) -> str:
    """What a program prints in a process of its own."""
    own = {name: "" for name in os.environ if name.startswith("SYSGEN_")} | {"DAGSTER_HOME": ""}
    done = subprocess.run(
        [sys.executable, "-c", program, *(str(each) for each in arguments)],
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _contents(file: Path) -> Iterator[bytes]:
    """The bytes of a file, and what is compressed in it."""
    content = file.read_bytes()
    yield content
    if content[:4] == b"PAR1":
        yield pl.read_parquet(file, hive_partitioning=False).write_ndjson().encode()
    elif content[:2] == b"\x1f\x8b":
        yield gzip.decompress(content)
    elif zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def _files_that_say(word: str, folder: Path) -> set[str]:
    spoken = word.encode()
    return {
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and any(spoken in each.lower() for each in _contents(file))
    }


def _leave_what_the_catalogue_does_not_name(data: Path) -> None:
    """A shard of a former cut, a model and a recipe, each with all texts."""
    for stored in [*data.glob("*/capybara-000.parquet"), *data.glob("source/*/*-000.parquet")]:
        shutil.copy(stored, stored.with_name(f"{stored.stem[:-3]}007.parquet"))
    for folder in data.glob("*/model=phi-4"):
        shutil.copytree(folder, folder.with_name("model=removed"))
    shutil.copytree(data / "exports" / "clean", data / "exports" / "removed")


def _edit_an_answer_each(data: Path) -> None:
    """A reviewer has written an answer to a row of each word, and the training sets follow."""
    store = Store(data)
    for word in (GOES, STAYS):
        aligned = store.read(ALIGNED, Partition("phi-4", "capybara-000"))
        spoken = kept(aligned).filter(pl.col("new_answer").str.contains(word)).row(0, named=True)
        digest = digest_of(spoken["system_message"], spoken["new_answer"])
        row = ("phi-4", spoken["conversation_id"], digest, Choice.ACCEPTED, "ann")
        edited = Decision(*row, new_answer=f"A person wrote {word}.")
        journal_of(store).append(edited.now().record())
    _run(_SYSGEN, "review", "--data", data, "--apply")


def test_only_downloads_that_may_hold_the_conversations_are_removed(tmp_path: Path) -> None:
    catalog = load_catalog(FULL_CATALOG)
    files = {each.name: each.hub for each in catalog.upstream_files if each.hub}
    folders = {
        name: tmp_path / "hub" / f"datasets--{hub.repo.replace('/', '--')}"
        for name, hub in files.items()
    }
    unknown = tmp_path / "hub" / "datasets--somebody--chats"
    of_github = {tmp_path / "github" / each.folder for each in catalog.github_files}
    for folder in {*folders.values(), unknown, *of_github}:
        folder.mkdir(parents=True)

    assert {"capybara", "gsm8k", "multifacet", "calibration"} <= files.keys()
    gone = {*upstream_copies(tmp_path, catalog, ["capybara-003"])}
    assert gone == {folders["capybara"], unknown}
    gone = {*upstream_copies(tmp_path, catalog, ["multifaceted-003"])}
    dsp = next(each for each in of_github if each.parent.name == "Linear95--DSP")
    assert {folders["nectar"], dsp, unknown} <= gone
    assert gone.isdisjoint(of_github - {dsp})


@pytest.mark.slow
def test_after_an_exclusion_no_byte_of_the_deployment_holds_the_text(tmp_path: Path) -> None:
    sources, data, ids = tmp_path / "rows", tmp_path / "data", tmp_path / "ids.txt"
    _write_sources(sources)
    _run(_MAKE, sources, data)
    _edit_an_answer_each(data)
    (data / ".report.html.77.tmp").write_text(f"a killed writer left {GOES}")
    _leave_what_the_catalogue_does_not_name(data)
    rows = pl.concat(pl.read_parquet(each) for each in (data / "conversations").glob("*.parquet"))
    spoken = rows.filter(pl.col("question").str.contains(GOES))
    ids.write_text("\n".join(spoken["conversation_id"]))
    before = {word: _files_that_say(word, data) for word in (GOES, STAYS)}
    places = {each.partition("/")[0] for each in before[GOES]}
    assert {"conversations", "source", "exports", "ledger", "dagster_home", "downloads"} <= places
    assert {"review", "review_decisions"} <= places

    named = _run(_SYSGEN, "exclude", "--data", data, ids)
    assert ".report.html.77.tmp" in named
    _run(_SYSGEN, "exclude", "--data", data, ids, "--apply")

    assert _files_that_say(GOES, data) == set()
    stays = {each.partition("/")[0] for each in _files_that_say(STAYS, data)}
    assert {"conversations", "source", "exports", "aligned_responses", "review"} <= stays
    assert len(read_decisions(Store(data)).last) == 1
    kept = pl.concat(pl.read_parquet(each) for each in (data / "conversations").glob("*.parquet"))
    assert set(kept["conversation_id"]) == set(rows["conversation_id"])
    gone = kept.filter(drop_reason="excluded")
    assert set(gone["conversation_id"]) >= set(spoken["conversation_id"])
