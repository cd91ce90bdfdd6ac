"""Nemotron-RL-SysBench-v1 from its file to scores, through Dagster and the simulated server."""

import json

import pytest

from sysgen_dagster.evaluation.nemotron_sysbench.tables import (
    NEMOTRON_SYSBENCH_ANSWERS,
    NEMOTRON_SYSBENCH_GRADINGS,
    NEMOTRON_SYSBENCH_ITEMS,
    NEMOTRON_SYSBENCH_SCORES,
)
from sysgen_dagster_tests.defs.evaluation.small_evaluations import Evaluations
from sysgen_dagster_tests.evaluation.nemotron_sysbench.small_rows import row, rule, usual

STEPS = [
    *(NEMOTRON_SYSBENCH_ANSWERS.name, NEMOTRON_SYSBENCH_GRADINGS.name),
    NEMOTRON_SYSBENCH_SCORES.name,
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Evaluations:
    """Ten rows, the last of which has nothing that can be verified."""
    deployment = Evaluations(tmp_path_factory.mktemp("nemotron"))
    rows = [*(usual(at) for at in range(9)), row(9, [rule(1, "no:such")], [])]
    lines = "".join(json.dumps(each) + "\n" for each in rows)
    (deployment.folder / "train.jsonl").write_text(lines)
    deployment.write({"nemotron_sysbench": {"path": "train.jsonl", "items": 10}})
    assert deployment.make((None, [NEMOTRON_SYSBENCH_ITEMS.name]), ("plain", STEPS)) == ["", ""]
    return deployment


def test_every_row_is_answered_or_dropped_and_every_check_graded(made: Evaluations) -> None:
    items, answers = (
        made.read(NEMOTRON_SYSBENCH_ITEMS),
        made.read(NEMOTRON_SYSBENCH_ANSWERS, "plain"),
    )
    gradings = made.read(NEMOTRON_SYSBENCH_GRADINGS, "plain")
    assert answers["item"].to_list() == items["item"].to_list() == [str(at) for at in range(10)]
    assert answers["drop_reason"].to_list() == [None] * 9 + ["no_check_left"]
    assert gradings.height == items["checks"].list.len().sum() == 36
    assert gradings["passed"].is_null().equals(gradings["drop_reason"].is_not_null())


def test_scores_of_rules_name_no_judge_and_have_a_floor(made: Evaluations) -> None:
    scores = made.read(NEMOTRON_SYSBENCH_SCORES, "plain")
    [rules] = scores.filter(metric="checks", of="rules").rows(named=True)
    assert (rules["judge"], rules["worth"], rules["floor"], rules["items"]) == (None, None, 0.0, 18)
    others = scores.filter(scores["of"] != "rules")
    assert set(others["judge"]) == {"hawk"}
    assert others["floor"].null_count() == others.height
    assert set(scores["protocol"]) == {"10 rows, rules as IFEval counts, temperature 0"}
