"""A source that is cut anew, or whose rows are in another order, costs no request."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import polars as pl
import pytest
import yaml

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen import alignment, attempts, filtering, verification
from sysgen_dagster.lanes.sysgen.settings import Method
from sysgen_dagster.processes.state import running
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import read_shard
from sysgen_dagster.tables.table import kept

ROOT = Path(__file__).parents[2]
CATALOG = local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS)
# With several attempts, their judgements and repairs: all of them have the same names.
METHODS = {"paper": CATALOG.method, "samples": Method(samples=2, repair=True)}


class Deployment:
    """The phases over one source, as the assets run them, without Dagster."""

    def __init__(self, folder: Path, method: Method) -> None:
        self.folder, self.method = folder, method
        self.engines = Engines(folder / "engines", (CATALOG.models["phi-4"],), Engine.SIMULATED)
        self.progress = Progress()
        self.answers: dict[str, str] = {}

    def run(self, source: Source) -> int:
        """How many requests were sent to take all shards of a source through the phases."""
        self.progress = Progress()
        for number in range(source.shards):
            rows = read_shard(source, number, self.folder)
            self._run_phases(kept(build_conversations(rows, source)), f"phi-4|{number}")
        assert self.progress.done == self.progress.total > 50
        return self.progress.sent

    def _run_phases(self, rows: pl.DataFrame, name: str) -> None:
        model: Model = CATALOG.models["phi-4"]
        ledgers: dict[str, Ledger] = {}

        def ask_for(table: str) -> attempts.Ask:
            ledger = ledgers[table] = Ledger(self.folder / "ledger" / table / f"{name}.jsonl")

            def ask(requests: Iterator[ChatRequest], total: int) -> pl.DataFrame:
                self.progress.total += total
                with ledger, self.engines.connection(model, print) as connection:
                    return complete(connection, requests, self.progress, ledger, lambda _: None)

            return ask

        annotated = attempts.annotate(rows, ask_for("annotated"), self.method)
        filtered = filtering.filter_messages(kept(annotated), self.method.drop_rule)
        judge = verification.build_verification_requests(kept(filtered), self.method)
        verified = verification.build_verified_messages(
            kept(filtered),
            ask_for("verified")(judge, kept(filtered).height),
            self.method.unreadable_verdict,
        )
        inputs = alignment.build_alignment_inputs(kept(verified), rows)
        requests = alignment.build_alignment_requests(inputs)
        aligned = alignment.build_aligned_responses(
            inputs, ask_for("aligned")(requests, inputs.height)
        )
        for identity, answer in kept(aligned).select("conversation_id", "new_answer").iter_rows():
            assert self.answers.setdefault(identity, answer) == answer
        for ledger in ledgers.values():
            ledger.seal()


@pytest.fixture(params=METHODS)
def deployment(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Deployment]:
    yield Deployment(tmp_path, METHODS[request.param])
    for name in running(tmp_path / "engines"):
        stop(tmp_path / "engines", name)


def source(path: Path, shards: int) -> Source:
    """Capybara, some rows of which are there twice."""
    return CATALOG.sources["capybara"].model_copy(update={"path": path, "shards": shards})


@pytest.fixture
def rows() -> list[str]:
    example = CATALOG.sources["capybara"].path
    assert example is not None
    lines = example.read_text().splitlines()
    return [*lines, *lines[:4]]


def put(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_rows_that_were_paid_for_are_not_asked_about_again(
    deployment: Deployment, rows: list[str], tmp_path: Path
) -> None:
    file = put(tmp_path / "rows.jsonl", rows)
    shuffled = put(tmp_path / "shuffled.jsonl", Random(1).sample(rows, len(rows)))
    assert deployment.run(source(file, 2)) > 50
    again = {
        "cut into three": deployment.run(source(file, 3)),
        "in another order": deployment.run(source(shuffled, 3)),
        "cut into two": deployment.run(source(file, 2)),
        "in another order, cut into two": deployment.run(source(shuffled, 2)),
    }
    assert again == dict.fromkeys(again, 0)


def test_only_new_rows_are_asked_about(
    deployment: Deployment, rows: list[str], tmp_path: Path
) -> None:
    first = deployment.run(source(put(tmp_path / "some.jsonl", rows[:-6]), 2))
    whole = put(tmp_path / "whole.jsonl", rows[::-1])
    assert 0 < deployment.run(source(whole, 3)) < first
    assert deployment.run(source(whole, 2)) == 0


@pytest.mark.slow
def test_the_assets_send_nothing_after_another_cut(rows: list[str], tmp_path: Path) -> None:
    catalog = CATALOG.model_dump(mode="json")
    file, data = tmp_path / "catalog.yaml", tmp_path / "data"
    ours = ("SYSGEN_", "DAGSTER_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    environment |= {"SYSGEN_DATA": str(data), "SYSGEN_CATALOG": str(file)}
    shuffled = Random(1).sample(rows, len(rows))
    sent = []
    for lines, shards in ((rows, 2), (rows, 3), (shuffled, 2)):
        path = str(put(tmp_path / "rows.jsonl", lines))
        catalog["sources"]["capybara"] |= {"path": path, "shards": shards}
        file.write_text(yaml.safe_dump(catalog, sort_keys=False))
        done = subprocess.run(
            [sys.executable, "-m", "sysgen_dagster_tests.defs.phases_of_all_shards"],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        sent.append(json.loads(done.stdout.splitlines()[-1]))
    for name in running(data / "engines"):
        stop(data / "engines", name)
    assert sent[0]["times_sent"] > 50
    assert {each["requests"] for each in sent} == {sent[0]["requests"]}
    assert [each["times_sent"] for each in sent[1:]] == [0, 0]
