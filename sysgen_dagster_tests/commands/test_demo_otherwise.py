"""`sysgen demo` with a server of the user's, and with settings beyond the paper."""

from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster_tests.commands.demos import demo, kept_shares, table_of
from sysgen_dagster_tests.simulated import running_server

pytestmark = pytest.mark.slow


def test_an_endpoint_that_a_newcomer_has_runs_the_whole_job(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    with running_server.running("--model", "Org/Some-Model:7b=phi-4") as server:
        result = demo(
            data, "--endpoint", server.url, "--model", "Org/Some-Model:7b", "--limit", "3"
        )
        sent = server.get("/stats")["requests"]
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "0 broken contracts" in result.stdout
    assert "3 of 3 answered" in result.stdout
    assert "The models are simulated" not in result.stdout
    rows = table_of(data, "annotated_system_messages", "some-model-7b")
    asked = rows.filter(pl.col("attempts").is_not_null())
    assert asked.height == 5 * 3
    sets = table_of(data, "multifaceted/preference_sets", "some-model-7b")
    assert sets.filter(pl.col("attempts").is_not_null()).height == 3 * 3
    assert set(asked["engine"]) == {"endpoint"}
    assert sent > 60


def test_the_options_beyond_the_paper_keep_more_rows_of_the_model_that_lost_most(
    tmp_path: Path,
) -> None:
    data = tmp_path / "demo"
    options = ("samples=2", "repair=true", "constrain_verdicts=true", "verdict_confidence=true")
    result = demo(data, *(each for option in options for each in ("--method", option)))
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert kept_shares(data, "filtered_system_messages")["llama-3.1-8b"] > 0.98
    annotated = table_of(data, "annotated_system_messages", "llama-3.1-8b")
    assert annotated["repaired"].any()
    reasons = annotated.explode("rejected", empty_as_null=False)["rejected"].struct.field("reason")
    assert {"malformed_boundary", "judged_lower"} <= set(reasons)
    verdicts = (
        table_of(data, "verified_system_messages", "llama-3.1-8b")
        .explode("verdicts", empty_as_null=False)["verdicts"]
        .struct.unnest()
    )
    assert set(verdicts["verdict"]) <= {"Good", "Bad", "None"}
    assert verdicts["confidence"].is_between(0, 1).all()
