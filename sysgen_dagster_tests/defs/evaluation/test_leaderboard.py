"""Leaderboard tasks of a subject as assets, with a program in place of the real harness."""

from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.defs.evaluation.leaderboard import for_likelihoods
from sysgen_dagster.inference.local.vllm import vllm_servers
from sysgen_dagster_tests.evaluation.leaderboard.deployment import Deployment
from sysgen_dagster_tests.evaluation.leaderboard.fake_harness import asked, write_harness
from sysgen_dagster_tests.simulated.running_server import running

ARC = [f"arc_challenge/{number}" for number in range(12)]


def place(tmp_path: Path, settings: dict[str, Any], **subject: Any) -> Deployment:
    harness = write_harness(tmp_path / "harness")
    served = subject or {"engine": "simulated", "weights": "org/pupil"}
    return Deployment(tmp_path / "data", harness, settings, served)


@pytest.mark.slow
def test_what_was_answered_is_not_asked_again_and_another_limit_is_another_run(
    tmp_path: Path,
) -> None:
    here = place(tmp_path, {"tasks": ["arc_challenge"]})
    write_harness(tmp_path / "harness", dies_after=5)
    code, said = here.make()
    assert code == 1
    assert "the server went away" in said
    assert "Materialize this partition again to go on" in said

    write_harness(tmp_path / "harness")
    code, said = here.make()
    assert code == 0, said
    assert asked(tmp_path / "harness") == ARC
    [command, *_] = (here.data / "leaderboard" / "pupil").iterdir()
    assert command.name.startswith("arc_challenge-")

    here.leaderboard["limit"] = 2
    code, said = here.make()
    assert code == 0, said
    assert asked(tmp_path / "harness") == [*ARC, *ARC[:2]]


def test_a_limited_run_and_a_task_that_is_left_out_say_so(tmp_path: Path) -> None:
    here = place(tmp_path, {"tasks": ["arc_challenge", "ifeval"], "limit": 2})
    write_harness(tmp_path / "harness", faults={"ifeval": "Resource punkt_tab not found"})
    code, said = here.make()
    assert code == 0, said
    assert asked(tmp_path / "harness") == ARC[:2]
    assert "Not true: No task was left out, and none was run on some" in said
    [left_out, norm, acc] = here.scores().rows(named=True)
    assert (left_out["metric"], left_out["score"], left_out["dropped"]) == ("ifeval", None, 1)
    assert "ifeval is left out: its scoring fails (Resource punkt_tab not found)" in said
    assert (norm["of"], norm["score"], acc["of"], acc["score"]) == ("acc_norm", 1.0, "acc", 0.5)
    assert "limited: 2 of 12 items" in acc["protocol"]


def test_a_server_that_would_score_as_guessing_does_is_refused_before_anything_is_asked(
    tmp_path: Path,
) -> None:
    with running("--no-prompt-logprobs") as server:
        urls = [f"{server.url}/v1"]
        here = place(
            *(tmp_path, {"tasks": ["arc_challenge"]}),
            engine="endpoint",
            served_name="phi",
            base_urls=urls,
        )
        code, said = here.make()
    assert code == 1
    assert f"{urls[0]} does not say how likely the tokens of a prompt are" in said
    assert asked(tmp_path / "harness") == []


@pytest.mark.parametrize("flags", [{}, {"enable_prefix_caching": True}, {"max-num-seqs": 8}])
def test_a_vllm_that_scores_prompts_keeps_no_beginnings_of_them(
    flags: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model(name="phi", vllm=flags, gpus=(0, 1), engine=Engine.VLLM)
    copy = for_likelihoods(model)
    [server] = vllm_servers(copy)
    assert "--no-enable-prefix-caching" in server.command
    assert "--enable-prefix-caching" not in server.command
    assert server.name != vllm_servers(model)[0].name  # both may be there, not both run
    assert copy.gpus == (0,)  # the harness asks one server
    assert copy.served_name == model.served_name


@pytest.mark.parametrize("engine", [Engine.ENDPOINT, Engine.SIMULATED])
def test_other_servers_are_taken_as_they_are(engine: Engine) -> None:
    model = Model(name="phi", engine=engine, base_urls=("http://127.0.0.1:1/v1",))
    assert for_likelihoods(model) is model
