"""The whole path through the real lm-evaluation-harness, over a server that has no model.

Needs an environment with it, which `SYSGEN_LM_EVAL` names; see `make test-lm-eval`.
"""

import os
from pathlib import Path

import pytest

from sysgen_dagster.evaluation.leaderboard.harness import HARNESS
from sysgen_dagster.simulated.completions import find_logprob
from sysgen_dagster_tests.evaluation.leaderboard.deployment import (
    ARC,
    Deployment,
    write_tokenizer,
)

pytestmark = pytest.mark.skipif(HARNESS not in os.environ, reason=f"{HARNESS} names no environment")


def likelihood(context: str, continuation: str) -> float:
    """The sum that the server's probabilities give: each byte is a token."""
    text = (context + continuation).encode()
    start = len(context.encode())
    pairs = zip(text[start - 1 :], text[start:], strict=False)
    return sum(find_logprob("pupil", before, token) for before, token in pairs)


def test_likelihoods_are_the_server_s_and_a_gated_task_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    tokenizer = write_tokenizer(tmp_path / "tokenizer")
    place = Deployment(
        tmp_path / "data",
        Path(os.environ[HARNESS]),
        {"tasks": ["arc_challenge", "leaderboard_gpqa"]},
        {"engine": "simulated", "weights": str(tokenizer)},
    )
    code, said = place.make()
    assert code == 0, said

    rows = place.gradings()
    expected = []
    for row in ARC:
        context = f"Question: {row['question']}\nAnswer:"
        sums = [likelihood(context, f" {text}") for text in row["choices"]["text"]]
        expected.append(float(sums[0] == max(sums)))
    assert 0 < sum(expected) < len(expected)
    assert rows.filter(metric="acc")["value"].to_list() == expected
    [left_out] = rows.filter(task="leaderboard_gpqa").rows(named=True)
    assert left_out["drop_reason"] == "needs_token"
    arc = place.scores().filter(metric="arc_challenge", of="acc").row(0, named=True)
    assert (arc["score"], arc["items"]) == (sum(expected) / len(expected), len(expected))
    assert arc["protocol"].startswith("lm_eval 0.4.")
    assert set(rows.filter(task="arc_challenge")["engine"]) == {"simulated"}
