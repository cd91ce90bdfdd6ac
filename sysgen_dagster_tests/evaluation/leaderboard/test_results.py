"""What the harness wrote, read: every item of every metric, and no half of a run."""

import json
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.evaluation.leaderboard.command import NO_ANSWER
from sysgen_dagster.evaluation.leaderboard.harness import HarnessError
from sysgen_dagster.evaluation.leaderboard.results import is_whole, left_out, read_results
from sysgen_dagster.evaluation.leaderboard.tables import Dropped
from sysgen_dagster.evaluation.leaderboard.tasks import TASKS


def sample(number: int, answer: Any = "words", **metrics: Any) -> dict[str, Any]:
    hashes = {"doc_hash": f"{number:064x}", "prompt_hash": "p"}
    return {"doc_id": number, **hashes, "filtered_resps": [answer], **metrics}


def write(folder: Path, stamp: str = "2026-01", **parts: list[dict[str, Any]]) -> Path:
    """Results of these parts, below a folder of the model, as the harness writes them."""
    out = folder / "org__phi"
    out.mkdir(parents=True, exist_ok=True)
    said = {
        "n-samples": {name: {"original": 100, "effective": len(s)} for name, s in parts.items()},
        "n-shot": dict.fromkeys(parts, 5),
        "versions": dict.fromkeys(parts, 0.1),
        "task_hashes": dict.fromkeys(parts, "h"),
        "chat_template_sha": "t",
    }
    (out / f"results_{stamp}.json").write_text(json.dumps(said))
    for name, samples in parts.items():
        lines = "".join(f"{json.dumps(each)}\n" for each in samples)
        (out / f"samples_{name}_{stamp}.jsonl").write_text(lines)
    return folder


def test_each_item_has_a_row_for_each_metric_with_how_it_was_run(tmp_path: Path) -> None:
    items = [sample(n, acc=float(n), acc_norm=1.0 - n) for n in range(2)]
    folder = write(tmp_path, arc_challenge=items)
    rows = read_results(
        *(TASKS["arc_challenge"], folder, ["arc_challenge"]),
        profile="zero_shot",
        versions="{}",
    )
    assert rows.select("item", "metric", "value").rows() == [
        ("arc_challenge/0-0000000000000000", "acc_norm", 1.0),
        ("arc_challenge/0-0000000000000000", "acc", 0.0),
        ("arc_challenge/1-0000000000000000", "acc_norm", 0.0),
        ("arc_challenge/1-0000000000000000", "acc", 1.0),
    ]
    said = rows.select("shots", "task_version", "task_hash", "template_hash", "profile").unique()
    assert said.rows() == [(5, "0.1", "h", "t", "zero_shot")]
    assert rows.select("items_of_task", "items_asked").unique().rows() == [(100, 2)]


def test_instructions_of_one_item_are_rows_of_their_own(tmp_path: Path) -> None:
    values = {
        "prompt_level_strict_acc": False,
        "inst_level_strict_acc": [True, False],
        "prompt_level_loose_acc": True,
        "inst_level_loose_acc": [True, True],
    }
    folder = write(tmp_path, ifeval=[sample(0, **values)])
    rows = read_results(TASKS["ifeval"], folder, ["ifeval"])
    strict = rows.filter(metric="inst_level_strict_acc")
    assert strict.select("number", "value").rows() == [(0, 1.0), (1, 0.0)]
    assert rows.height == 6


def test_an_item_that_the_server_did_not_answer_is_dropped_and_not_wrong(tmp_path: Path) -> None:
    values = dict.fromkeys(TASKS["ifeval"].metrics, 0.0)
    folder = write(tmp_path, ifeval=[sample(0, NO_ANSWER, **values), sample(1, **values)])
    rows = read_results(TASKS["ifeval"], folder, ["ifeval"]).filter(number=0)
    assert set(rows.filter(drop_reason=Dropped.NO_ANSWER.value)["value"]) == {None}
    assert rows["value"].to_list() == [None] * 4 + [0.0] * 4


def test_parts_of_a_task_are_told_apart(tmp_path: Path) -> None:
    parts = {f"mmlu_{name}": [sample(0, acc=1.0)] for name in ("anatomy", "virology")}
    rows = read_results(TASKS["mmlu"], write(tmp_path, **parts), sorted(parts))
    assert rows["part"].to_list() == ["mmlu_anatomy", "mmlu_virology"]
    assert rows["item"].n_unique() == 2
    assert set(rows["task"]) == {"mmlu"}


HALVES = {
    "nothing": lambda folder: [each.unlink() for each in folder.rglob("*.json*")],
    "no-items": lambda folder: next(folder.rglob("samples_*")).unlink(),
    "some-items": lambda folder: next(folder.rglob("samples_*")).write_text("{}\n"),
    "half-a-file": lambda folder: next(folder.rglob("results_*")).write_text('{"n-sam'),
    "items-of-another-run": lambda folder: next(folder.rglob("results_*")).rename(
        folder / "results_2027-01.json"
    ),
    "another-task": lambda folder: next(folder.rglob("results_*")).write_text('{"n-samples": {}}'),
}


@pytest.mark.parametrize("halve", HALVES.values(), ids=HALVES)
def test_a_run_that_was_killed_while_it_wrote_is_not_whole(halve: Any, tmp_path: Path) -> None:
    folder = write(tmp_path, mathqa=[sample(n, acc=1.0, acc_norm=1.0) for n in range(2)])
    assert is_whole(folder, ["mathqa"])
    halve(folder)
    assert not is_whole(folder, ["mathqa"])
    with pytest.raises(HarnessError, match="no whole results of mathqa"):
        read_results(TASKS["mathqa"], folder, ["mathqa"])


def test_the_newest_results_count(tmp_path: Path) -> None:
    write(tmp_path, "2026-01", mathqa=[sample(0, acc=0.0, acc_norm=0.0)])
    write(tmp_path, "2026-02", mathqa=[sample(0, acc=1.0, acc_norm=1.0)])
    assert set(read_results(TASKS["mathqa"], tmp_path, ["mathqa"])["value"]) == {1.0}


def test_a_task_that_is_left_out_is_a_row_that_says_why() -> None:
    [row] = left_out(TASKS["leaderboard_gpqa"], Dropped.NEEDS_TOKEN, "why").rows(named=True)
    assert (row["task"], row["part"], row["value"]) == ("leaderboard_gpqa", None, None)
    assert (row["metric"], row["drop_reason"], row["failure"]) == ("acc_norm", "needs_token", "why")
