"""S-IFEval, IFEval and Tensor Trust as assets, from their files to scores of two subjects.

One process makes everything, because partitions are read from the catalogue when the definitions
are imported; the tests look at what came of it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from sysgen_dagster.commands.dagster_home import write_settings
from sysgen_dagster.evaluation.rule_based.suites import BENCHES
from sysgen_dagster.evaluation.tables import NOT_VERIFIABLE
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.evaluation.rule_based.rows import (
    BENCH_OF,
    attack_rows,
    instruction_row,
    instruction_rows,
    write_jsonl,
)

SUBJECTS = {"owl": {"model": "owl"}, "owl-user": {"model": "owl", "message_in": "user"}}
ITEMS = 24
CATALOG: Mapping[str, Any] = {
    "sources": {
        "chats": {
            "path": "chats.jsonl",
            "shards": 1,
            "shape": {"kind": "question_answer", "question": "q", "answer": "a"},
        }
    },
    "models": {"owl": {"engine": "simulated"}},
    "subjects": SUBJECTS,
    "evaluation": {
        "s_ifeval": {"path": "s_ifeval.jsonl", "items": ITEMS},
        "ifeval": {"path": "ifeval.jsonl"},
        "tensor_trust": {"path": "tensor_trust"},
    },
}
AFTER_ITEMS = ("answers", "gradings", "scores")
# `owl` is evaluated by all three, `owl-user` by one.
RUNS: list[tuple[str | None, list[str]]] = [
    (None, [f"{bench.name}_items" for bench in BENCHES]),
    ("owl", [f"{bench.name}_{what}" for bench in BENCHES for what in AFTER_ITEMS]),
    ("owl-user", [f"s_ifeval_{what}" for what in AFTER_ITEMS]),
]
# Its answers are none to the items that there are.
REFUSED = ("owl-user", ["tensor_trust_gradings"])


@dataclass(frozen=True)
class Made:
    """What came of the runs, in their order: the errors of each, and its checks."""

    data: Path
    said: list[tuple[list[str], list[str]]]

    def read(self, table: str, subject: str | None = None) -> pl.DataFrame:
        name, _, what = table.rpartition("_")
        declared = getattr(BENCH_OF[name].tables, what)
        return Store(self.data).read(declared, Partition(subject=subject))


def write_rows(data: Path) -> None:
    odd = instruction_row(
        99, ["stylistic:tone", "punctuation:no_comma"], [{}, {}], "Be kind, use no commas."
    )
    never = instruction_row(98, ["stylistic:tone"], [{}], "Be kind.")
    write_jsonl(data / "chats.jsonl", [{"q": "a", "a": "b"}])
    write_jsonl(data / "s_ifeval.jsonl", instruction_rows(40))
    write_jsonl(data / "ifeval.jsonl", [*instruction_rows(5), odd, never])
    for attack in ("extraction", "hijacking", "helpful"):
        rows = [row for name, row in attack_rows(6) if name == attack]
        write_jsonl(data / "tensor_trust" / f"{attack}.jsonl", rows)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    data = tmp_path_factory.mktemp("evaluated")
    write_rows(data)
    (data / "catalog.yaml").write_text(yaml.safe_dump(dict(CATALOG)), encoding="utf-8")
    write_settings(data / "dagster_home")
    answers = BENCH_OF["tensor_trust"].tables.answers
    Store(data).write(answers, Partition(subject="owl-user"), answers.empty())
    environment = {
        **os.environ,
        "SYSGEN_DATA": str(data),
        "SYSGEN_CATALOG": str(data / "catalog.yaml"),
        "DAGSTER_HOME": str(data / "dagster_home"),
    }
    command = [sys.executable, "-W", "ignore", "-m", "sysgen_dagster_tests.defs.make_partitions"]
    done = subprocess.run(
        [*command, json.dumps([*RUNS, REFUSED])],
        **{"env": environment, "capture_output": True, "text": True, "check": False},
    )
    assert done.returncode == 0, done.stderr
    *said, _gaps = map(json.loads, done.stdout.splitlines())
    return Made(data, [(errors, checks) for errors, checks in said])


def test_every_asset_is_made_and_every_contract_holds(made: Made) -> None:
    runs = made.said[: len(RUNS)]
    contracts = [check for _, checks in runs for check in checks if "materialize it" in check]

    assert [errors for errors, _ in runs] == [[]] * len(RUNS)
    assert contracts
    assert all(check.startswith("True") for check in contracts)


def test_as_many_items_are_asked_as_the_catalogue_wants(made: Made) -> None:
    items = made.read("s_ifeval_items")

    assert items.height == ITEMS
    assert made.read("s_ifeval_answers", "owl")["item"].equals(items["item"])


def test_items_wanted_are_those_graded_dropped_or_left_out(made: Made) -> None:
    wanted = made.read("ifeval_items")
    graded = made.read("ifeval_gradings", "owl")
    answers = made.read("ifeval_answers", "owl")

    assert wanted.filter(pl.col("drop_reason") == NOT_VERIFIABLE)["item"].to_list() == ["98"]
    assert set(answers["item"]) == set(wanted["item"]) - {"98"}
    assert graded.height == wanted["constraints"].list.len().sum()
    assert graded.filter(pl.col("drop_reason") == NOT_VERIFIABLE).select(
        "item", "number"
    ).rows() == [
        ("99", 1),
        ("98", 1),
    ]


def test_a_constraint_without_a_rule_warns_with_its_items(made: Made) -> None:
    _, checks = made.said[0]

    [warned] = [check for check in checks if not check.startswith("True")]
    assert warned.startswith("Not true: Each constraint can be verified here; those that cannot")


@pytest.mark.parametrize("bench", [bench.name for bench in BENCHES])
def test_every_score_stands_beside_that_of_a_server_that_says_yes(made: Made, bench: str) -> None:
    scores = made.read(f"{bench}_scores", "owl").filter(pl.col("items") > 0)

    assert scores.select("score", "floor").null_count().row(0) == (0, 0)
    assert {"prompt_strict", "instruction_loose", "helpfulness"} & set(scores["metric"])
    assert set(scores["subject"]) == {"owl"}
    assert scores["judge"].null_count() == scores.height


def test_scores_are_the_means_of_the_gradings(made: Made) -> None:
    gradings = made.read("s_ifeval_gradings", "owl")
    scores = made.read("s_ifeval_scores", "owl")
    total = scores.filter(metric="instruction_loose", of="total").row(0, named=True)

    assert total["score"] == gradings["loose"].mean()
    assert total["items"] + total["dropped"] == gradings.height


def test_the_three_scores_of_tensor_trust_are_always_together(made: Made) -> None:
    scores = made.read("tensor_trust_scores", "owl").filter(of="total")

    assert dict(scores.select("metric", "items").rows()) == {
        "extraction_robustness": 6,
        "hijacking_robustness": 6,
        "helpfulness": 6,
    }


def test_a_subject_may_see_the_message_in_the_user_turn(made: Made) -> None:
    """It is asked otherwise, of the same items, and its protocol says so."""
    answers = [made.read("s_ifeval_answers", subject) for subject in SUBJECTS]
    protocols = [
        made.read("s_ifeval_scores", subject)["protocol"].unique().to_list() for subject in SUBJECTS
    ]

    assert answers[0]["item"].equals(answers[1]["item"])
    assert answers[0]["messages"].equals(answers[1]["messages"])
    assert ["system message in: system" in said for [said] in protocols] == [True, False]
    assert ["system message in: user" in said for [said] in protocols] == [False, True]


def test_answers_to_other_items_are_refused_and_not_graded(made: Made) -> None:
    [*_, (errors, _)] = made.said

    contract = "every_item_is_answered_or_dropped"
    assert f"tensor_trust_answers breaks a contract for owl-user, {contract}" in errors[0]
    assert "materialize the answers again" in errors[0]
