"""No secret ends in anything that the pipeline makes, prints or starts.

Secrets are planted in the environment, a model is asked through an endpoint that demands one of
them and repeats it in its faults, and then all that was made is decoded and searched.
"""

import base64
import gzip
import io
import json
import os
import re
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
from aiohttp import web

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.inference.local.vllm import vllm_servers
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.processes.state import running
from sysgen_dagster.simulated.app import Settings, SimulatedModel
from sysgen_dagster_tests.inference.odd_servers import serving

ROOT = Path(__file__).parents[1]
KEY = "MODEL_KEY"  # the variable that `api_key_env` names
PLANTED = {name: secrets.token_hex(16) for name in (KEY, "HF_TOKEN", "OPENAI_API_KEY")} | {
    "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16),
    "SYSGEN_WEBHOOK_URL": f"http://127.0.0.1:9/{secrets.token_hex(16)}",
}
WRONG_KEY = secrets.token_hex(16)


def leaks(text: str) -> set[str]:
    """The variables whose value stands in a text, be it in half; the wrong key is one of them."""
    values = {**PLANTED, "the wrong key": WRONG_KEY}
    halves = {name: (value[-32:-16], value[-16:]) for name, value in values.items()}
    return {name for name, parts in halves.items() if any(part in text for part in parts)}


def decoded(path: Path) -> str:
    """All that a file says, whatever packs it."""
    raw = path.read_bytes()
    if raw.startswith(b"PAR1"):
        return pl.read_parquet(path, hive_partitioning=False).write_json()
    if raw.startswith(b"SQLite format 3"):
        # Not the bytes: a long text is spread over pages.
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return "\n".join(database.iterdump())
    text = raw.decode("utf-8", "replace")
    packed = re.findall(r"H4sI[A-Za-z0-9+/=]+", text)  # gzip in base 64: the rows of the report
    rows = [gzip.decompress(base64.b64decode(each)).decode() for each in packed]
    return "\n".join([text, *rows])


def found_under(folder: Path) -> dict[str, set[str]]:
    """What leaked, by file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): found for path in files if (found := leaks(decoded(path)))}


@dataclass
class Guarded:
    """A simulated model that wants a key for chats and repeats whatever key it was sent."""

    model: SimulatedModel = field(
        default_factory=lambda: SimulatedModel(Settings(models={"phi": "phi-4"}))
    )
    statuses: list[int] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/models"):
            return await self.model.models(request)
        raw = await request.read()
        is_chat = request.path.endswith("/chat/completions")
        if not is_chat or json.loads(raw).get("max_tokens") == 1:  # what is asked beforehand
            return await (self.model.chat_completions if is_chat else self.model.tokenize)(request)
        fault = self._fault(request.headers["Authorization"])
        self.statuses.append(fault or 200)
        if fault is None:
            return await self.model.chat_completions(request)
        said = f"Refused. Your headers: {dict(request.headers)}"
        return web.json_response({"error": {"message": said}}, status=fault)

    def _fault(self, sent: str) -> int | None:
        if sent != f"Bearer {PLANTED[KEY]}":
            return 401
        return {3: 400, 5: 500}.get(len(self.statuses))


# What `sysgen demo --endpoint ... --api-key-env ...` does, on one shard.
MAIN_JOB = f"""
import sys
from pathlib import Path
from rich.console import Console
from sysgen_dagster.commands.backfill import run_everything
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.terminal import show_outcome
from sysgen_dagster.commands.trial_catalog import (
    EXAMPLE_ROWS,
    local_catalog,
    real_model,
    with_models,
)
from sysgen_dagster.lanes.catalog import load_catalog

data, url = Path(sys.argv[1]), sys.argv[2]
catalog = local_catalog(load_catalog(), EXAMPLE_ROWS)
catalog = with_models(catalog, real_model("phi", url, "{KEY}"))
source = catalog.sources["metamath"].model_copy(update={{"shards": 1}})
small = {{"sources": {{"metamath": source}}, "mixtures": {{"sysgen": catalog.mixtures["sysgen"]}}}}
catalog = catalog.model_copy(update=small)
store = begin_deployment(catalog, data)
runs = run_everything(Console(), catalog, 8)
show_outcome(Console(), catalog, store)
print(runs.summary(), runs.errors)
sys.exit(bool(runs.errors))
"""


@dataclass
class Made:
    """What a pipeline left, and what it said while it ran."""

    data: Path
    statuses: list[int]
    job: subprocess.CompletedProcess[str]
    refused: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """The main job on one source, with the key; then one partition again, with a wrong one."""
    data, guarded = tmp_path_factory.mktemp("secrets"), Guarded()
    with serving(guarded.answer) as url:
        job = _run("-c", MAIN_JOB, str(data), url)
        settled = {
            "DAGSTER_HOME": str(data / "dagster_home"),
            "SYSGEN_DATA": str(data),
            "SYSGEN_CATALOG": str(data / "catalog.yaml"),
        }
        # An answer that was given is not asked for again.
        (data / "ledger" / "annotated_system_messages" / "phi|metamath-000.parquet").unlink()
        refused = _run(
            *("-m", "dagster", "asset", "materialize", "-m", "sysgen_dagster.definitions"),
            *("--select", "annotated_system_messages", "--partition", "phi|metamath-000"),
            **settled,
            **{KEY: WRONG_KEY},
        )
        yield Made(data, guarded.statuses, job, refused)


def _run(*arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    ours = ("SYSGEN_", "DAGSTER_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**environment, **PLANTED, **changed},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_pipeline_went_through_with_the_key_and_met_every_fault(made: Made) -> None:
    assert made.job.returncode == 0, made.job.stdout + made.job.stderr
    assert made.refused.returncode != 0
    assert set(made.statuses) == {200, 400, 401, 500}
    assert (made.data / "report.html").is_file() or list(made.data.rglob("*.html"))


def test_what_the_server_said_is_kept_without_the_key(made: Made) -> None:
    kept = "\n".join(decoded(path) for path in made.data.rglob("*") if path.is_file())

    assert "Refused. Your headers: {" in kept
    assert "Bearer ***" in kept
    assert "Bearer ***" in made.refused.stdout + made.refused.stderr


def test_no_file_that_was_made_holds_a_secret(made: Made) -> None:
    kinds = {path.suffix for path in made.data.rglob("*") if path.is_file()}

    assert kinds >= {".parquet", ".db", ".html", ".yaml", ".md", ".out", ".err"}
    assert found_under(made.data) == {}


def test_nothing_that_was_printed_holds_a_secret(made: Made) -> None:
    said = [made.job.stdout, made.job.stderr, made.refused.stdout, made.refused.stderr]

    assert leaks("\n".join(said)) == set()


def test_the_search_finds_a_secret_however_it_is_packed(tmp_path: Path) -> None:
    secret = PLANTED[KEY]
    pl.DataFrame({"failure": [f"x {secret}"] * 50}).write_parquet(tmp_path / "a.parquet")
    with closing(sqlite3.connect(tmp_path / "b.db")) as database:
        database.execute("CREATE TABLE events (event TEXT)")
        database.execute("INSERT INTO events VALUES (?)", ["x" * 4000 + secret + "x" * 9000])
        database.commit()
    packed = base64.b64encode(gzip.compress(secret.encode())).decode()
    (tmp_path / "c.html").write_text(f"<script>{packed}</script>")
    (tmp_path / "d.txt").write_text(f"cut off: {secret[:20]}")
    (tmp_path / "e.txt").write_text("nothing")

    assert [Path(path).name for path in sorted(found_under(tmp_path))] == [
        *("a.parquet", "b.db", "c.html", "d.txt")
    ]


def command_lines() -> str:
    """Of every process of this machine."""
    lines = io.StringIO()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.write(path.read_text(errors="replace").replace("\0", " ") + "\n")
        except OSError:  # it has ended
            continue
    return lines.getvalue()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment")
def test_a_server_that_is_started_shows_no_secret_on_its_command_line_nor_in_its_log(
    tmp_path: Path,
) -> None:
    model = local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS).models["phi-4"]
    try:
        with Engines(tmp_path).connection(model, print) as connection:
            connection.connect()
            shown = command_lines()
    finally:
        for name in running(tmp_path):
            stop(tmp_path, name)

    assert "sysgen_dagster.simulated.server" in shown
    assert leaks(shown) == set()
    assert found_under(tmp_path) == {}


@pytest.mark.usefixtures("environment")
def test_vllm_gets_no_secret_on_its_command_line() -> None:
    [server] = vllm_servers(load_catalog(FULL_CATALOG).models["phi-4"])

    assert leaks(" ".join([*server.command, *server.environment.values()])) == set()


def test_the_password_of_a_postgres_that_is_not_there_is_not_printed(tmp_path: Path) -> None:
    url = f"postgresql://sysgen:{PLANTED[KEY]}@127.0.0.1:9/runs"
    asked = _run(
        *("-c", "from sysgen_dagster.cli import sysgen; sysgen()", "demo"),
        *("--data", str(tmp_path / "data")),
        SYSGEN_POSTGRES_URL=url,
    )

    assert asked.returncode == 1
    assert "SYSGEN_POSTGRES_URL" in asked.stderr
    assert leaks(asked.stdout + asked.stderr) == set()
    assert found_under(tmp_path) == {}
