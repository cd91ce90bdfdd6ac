"""Phase 1 as an asset, at a server that refuses one row or all: red, or green without that row."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from aiohttp import web

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES, asset_key
from sysgen_dagster.inference.connection import ModelConnection
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.defs.step_errors import errors_of
from sysgen_dagster_tests.inference import said_by_servers as said
from sysgen_dagster_tests.inference.odd_servers import completion, listing, serving
from sysgen_dagster_tests.inference.said_by_servers import Reply

MODEL, SHARD = "qwen2.5-14b", "capybara-000"
KEY, HERE = f"{MODEL}|{SHARD}", Partition(MODEL, SHARD)
STORE = Store(Path(os.environ["SYSGEN_DATA"]))
LEDGER = STORE.root / "ledger" / ANNOTATED.name
JOB = defs.resolve_implicit_global_asset_job_def()

# What the server replies to the n-th question about a row, if it refuses it.
Refuses = Callable[[int], Reply | None]


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance of its own, and the conversations of the shard."""
    with dg.DagsterInstance.ephemeral() as instance:
        source = SOURCE_TABLES[CATALOG.source_of(SHARD).name]
        for asset in (asset_key(source), asset_key(CONVERSATIONS)):
            assert make(instance, SHARD, asset).success
        yield instance


@pytest.fixture(autouse=True)
def _nothing_is_left(instance: dg.DagsterInstance) -> Iterator[None]:
    yield
    STORE.path(ANNOTATED, HERE).unlink(missing_ok=True)
    for path in LEDGER.glob(f"{KEY}.*"):
        path.unlink()


def make(instance: dg.DagsterInstance, key: str, asset: dg.AssetKey) -> dg.ExecuteInProcessResult:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return JOB.execute_in_process(
        run_config=quiet,
        instance=instance,
        partition_key=key,
        asset_selection=[asset],
        raise_on_error=False,
    )


@pytest.fixture
def annotate(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Refuses], dg.ExecuteInProcessResult]:
    """Runs Phase 1 of the shard at a server that answers every simple chat of the probe."""
    connection = Engines.connection

    def run(refuses: Refuses) -> dg.ExecuteInProcessResult:
        asked = 0

        async def reply(request: web.Request) -> web.Response:
            nonlocal asked
            if request.method == "GET":
                body = listing(CATALOG.models[MODEL].served_name)
                return web.Response(body=body, content_type="application/json")
            if "Reply with the word yes." in (text := await request.text()):
                return web.json_response(completion("Yes."))
            asked += 1
            assert json.loads(text)["messages"]
            refusal = refuses(asked)
            if refusal is None:
                return web.json_response(completion("<<Role>>You are kind.<</Role>>"))
            status, said_by_it = refusal
            return web.Response(status=status, text=said_by_it)

        def at_the_server(
            self: Engines, model: Model, report: Callable[[str], None]
        ) -> AbstractContextManager[ModelConnection]:
            entry = {"engine": Engine.ENDPOINT, "base_urls": (url,), "has_system_role": True}
            return connection(Engines(self.folder), model.model_copy(update=entry), report)

        with serving(reply) as url:
            monkeypatch.setattr(Engines, "connection", at_the_server)
            return make(instance, KEY, asset_key(ANNOTATED))

    return run


def annotated() -> pl.DataFrame:
    return STORE.read(ANNOTATED, HERE)


def broken(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    return {
        each.check_name: each.description
        for each in result.get_asset_check_evaluations()
        if not each.passed and each.severity is dg.AssetCheckSeverity.ERROR
    }


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(said.ACCOUNT["openrouter-credits"], id="402"),
        pytest.param((200, said.ACCOUNT["openrouter-credits"][1]), id="200-with-402"),
        pytest.param(said.ACCOUNT["openai-quota"], id="429-quota"),
        pytest.param((403, "not for you"), id="403"),
        pytest.param((400, said.openai("no such field")), id="400"),
    ],
)
def test_an_account_that_is_refused_fails_its_partition_and_nothing_is_remembered(
    annotate: Callable[[Refuses], dg.ExecuteInProcessResult], reply: Reply
) -> None:
    counts: list[int] = []
    failed = annotate(lambda number: counts.append(number) or reply)  # type: ignore[func-returns-value]
    assert not failed.success
    assert (
        json.loads(reply[1])["error"]["message"] in errors_of(failed)
        if reply[1][0] == "{"
        else (reply[1] in errors_of(failed))
    )
    assert len(counts) < 20
    assert not STORE.path(ANNOTATED, HERE).exists()

    mended = annotate(lambda _: None)
    assert mended.success, errors_of(mended)
    assert annotated()["drop_reason"].null_count() == annotated().height > 20


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (said.FILTERED["in-plain-words"], "filtered_by_server"),
        ((403, "not for you"), "refused_by_server"),
        (said.TOO_LONG["anthropic"], "too_long"),
    ],
)
def test_one_row_that_is_refused_is_dropped_with_its_reason_and_the_run_is_green(
    annotate: Callable[[Refuses], dg.ExecuteInProcessResult], reply: Reply, reason: str
) -> None:
    result = annotate(lambda number: reply if number == 7 else None)
    assert result.success, errors_of(result)
    assert broken(result) == {}
    [dropped] = annotated().drop_nulls("drop_reason").to_dicts()
    assert dropped["drop_reason"] == reason
    assert dropped["failure"].startswith(f"{reply[0]}: ")


@pytest.mark.parametrize(
    ("reply", "check"),
    [
        pytest.param(said.FILTERED["azure"], "keeps_most", id="filtered"),
        pytest.param(said.TOO_LONG["tgi"], "keeps_most", id="too-long"),
        pytest.param((400, "no such field"), "engine_answered", id="refused"),
    ],
)
def test_a_high_share_of_refusals_of_any_kind_breaks_a_contract(
    annotate: Callable[[Refuses], dg.ExecuteInProcessResult], reply: Reply, check: str
) -> None:
    result = annotate(lambda number: None if number % 5 == 1 else reply)
    assert check in broken(result)
    assert not result.success
    assert f"the server said `{reply[0]}: " in str(broken(result)[check])


@pytest.mark.parametrize("name", ["filtered", "too-long"])
def test_a_partition_of_which_every_row_is_refused_is_never_green(
    annotate: Callable[[Refuses], dg.ExecuteInProcessResult], name: str
) -> None:
    reply = said.FILTERED["azure"] if name == "filtered" else said.TOO_LONG["tgi"]
    result = annotate(lambda _: reply)
    assert not result.success
    assert "keeps_most" in broken(result)
