"""How a partition's model is asked: which settings make its rows others, and which do not."""

from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.defs.plumbing import asked
from sysgen_dagster.defs.plumbing.asked import asked_tags, settings_name
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.lanes.multifaceted.steps import STEPS
from sysgen_dagster.tables.table import By, Partition

NAME, OTHER = "phi-4", "qwen2.5-14b"
ASKED_FOR = [
    *("annotated_system_messages", "verified_system_messages", "aligned_responses"),
    *("planted_faults", "judge_calibration", "judged_preferences", "judged_alignment"),
    *("obedience", "multifaceted/judged_pairs"),
    *(step.table.name for step in STEPS),
]

ASKED_AS_OTHERS = ("planted_faults", "judge_calibration")


def _tags(table: str, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> object:
    """What is noted with a partition of the model with these fields of its entry."""
    model = CATALOG.models[NAME].model_dump() | {"name": NAME} | changes
    entry = type(CATALOG.models[NAME]).model_validate(model)
    catalog = CATALOG.model_copy(update={"models": {**CATALOG.models, NAME: entry}})
    monkeypatch.setattr(asked, "CATALOG", catalog)
    shard = "capybara-000" if TABLES[table].by is By.MODEL_SHARD else None
    identify = Engines(Path(), tuple(catalog.served.values()), None).identify
    return asked_tags(TABLES[table], Partition(NAME, shard), identify)


OTHERWISE: dict[str, dict[str, Any]] = {
    "temperature": {"request": {"temperature": 0.3}},
    "top_p": {"request": {"top_p": 0.8}},
    "repetition_penalty": {"request": {"repetition_penalty": 1.03}},
    "top_k": {"request": {"top_k": 5}},
    "min_p": {"request": {"min_p": 0.1}},
    "reasoning_tokens": {"request": {"reasoning_tokens": 100}},
    "chat_template_kwargs": {"request": {"chat_template_kwargs": {"enable_thinking": False}}},
    "extra_body": {"request": {"extra_body": {"reasoning_effort": "low"}}},
    "leave_out": {"request": {"leave_out": ["seed"]}},
    "served_name": {"served_name": "org/other"},
    "revision": {"revision": "0" * 40},
    "weights": {"weights": "/models/other"},
    "engine": {"engine": Engine.VLLM},
    "precision": {"engine": Engine.VLLM, "precision": "fp8"},
}


@pytest.mark.parametrize("changes", OTHERWISE.values(), ids=OTHERWISE)
@pytest.mark.parametrize("table", ASKED_FOR)
def test_another_setting_of_the_model_is_another_way_to_ask(
    table: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _tags(table, monkeypatch, **changes) != _tags(table, monkeypatch) != {}


@pytest.mark.parametrize("field", ["max_tokens", "temperature", "top_p", "repetition_penalty"])
@pytest.mark.parametrize("table", [name for name in ASKED_FOR if name not in ASKED_AS_OTHERS])
def test_the_settings_of_one_phase_are_those_of_its_table_alone(
    table: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"request": {"phases": {table: {field: 1 if field == "max_tokens" else 0.25}}}}
    changed = {
        each
        for each in ASKED_FOR
        if _tags(each, monkeypatch, **changes) != _tags(each, monkeypatch)
    }

    tests = {
        "verified_system_messages": {"planted_faults"},
        "judged_preferences": {"judge_calibration"},
    }
    also = tests.get(table, set())
    assert changed == {table} | also


SAME: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the-phase-s-own": ({}, {"request": {"phases": {"aligned_responses": {"max_tokens": None}}}}),
    "for-one-phase-or-all": (
        {"request": {"temperature": 0.3}},
        {"request": {"temperature": 1, "phases": {"aligned_responses": {"temperature": 0.3}}}},
    ),
    "default-written-out": ({}, {"request": {"min_p": 0, "leave_out": [], "top_k": None}}),
    "top-p-of-all": ({}, {"request": {"top_p": 1}}),
    "no-penalty-for-repetition": ({}, {"request": {"repetition_penalty": 1}}),
    "order-of-fields": (
        {"request": {"extra_body": {"a": 1, "b": {"c": 2, "d": 3}}}},
        {"request": {"extra_body": {"b": {"d": 3, "c": 2}, "a": 1}}},
    ),
    "order-of-what-is-left-out": (
        {"request": {"leave_out": ["seed", "top_p"]}},
        {"request": {"leave_out": ["top_p", "seed", "seed"]}},
    ),
    "what-is-said-of-it": ({}, {"license": "other", "attempt_s": 30, "gpus": [1]}),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_equal_settings_that_are_written_otherwise_are_the_same_way_to_ask(
    one: dict[str, Any], other: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = "aligned_responses"
    assert _tags(tables, monkeypatch, **one) == _tags(tables, monkeypatch, **other)


def test_another_judge_or_another_sample_is_another_judgement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table, at = TABLES["judged_preferences"], Partition(NAME)
    identify = Engines(Path(), tuple(CATALOG.served.values()), None).identify
    found = [asked_tags(table, at, identify)]
    for changes in ({"judge": OTHER}, {"preference_rows": 7}, {"seed": 7}):
        judging = CATALOG.judging.model_copy(update=changes)
        monkeypatch.setattr(asked, "CATALOG", CATALOG.model_copy(update={"judging": judging}))
        found.append(asked_tags(table, at, identify))

    assert len({str(tags) for tags in found}) == 4


@pytest.mark.parametrize(
    "changes", [{"judge": OTHER}, {"obedience": 7}, {"obedience": 7, "seed": 7}], ids=str
)
def test_another_judge_or_sample_of_phrases_is_another_obedience(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    before = _obedience_tags(monkeypatch)

    assert _obedience_tags(monkeypatch, **changes) not in ({}, before)


def test_where_rules_alone_look_at_phrases_no_judge_is_noted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _obedience_tags(monkeypatch, obedience=0) == {}


def _obedience_tags(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> object:
    judging = CATALOG.judging.model_copy(update=changes)
    monkeypatch.setattr(asked, "CATALOG", CATALOG.model_copy(update={"judging": judging}))
    identify = Engines(Path(), tuple(CATALOG.served.values()), None).identify
    return asked_tags(TABLES["obedience"], Partition(NAME, "capybara-000"), identify)


@pytest.mark.parametrize("table", [name for name in TABLES if name not in ASKED_FOR])
def test_of_rows_that_no_model_is_asked_for_nothing_is_noted(table: str) -> None:
    def identify(_: Model) -> Any:
        raise AssertionError("no model is asked")

    assert asked_tags(TABLES[table], Partition(NAME, "capybara-000"), identify) == {}


def test_planted_faults_are_asked_as_the_phase_that_they_test() -> None:
    assert settings_name("planted_faults") == "verified_system_messages"
    assert settings_name("aligned_responses") == "aligned_responses"


@pytest.mark.parametrize("table", ["multifacet_calibration", "sysbench_translation"])
def test_what_an_evaluation_has_for_all_subjects_is_known_by_who_was_asked(
    table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels graded by one judge say nothing of another one."""
    identify = Engines(Path(), tuple(CATALOG.served.values()), None).identify
    found = []
    for name in (None, NAME, OTHER):
        sysbench = CATALOG.evaluation.sysbench.model_copy(update={"translator": name})
        evaluation = CATALOG.evaluation.model_copy(update={"judge": name, "sysbench": sysbench})
        monkeypatch.setattr(asked, "CATALOG", CATALOG.model_copy(update={"evaluation": evaluation}))
        found.append(asked_tags(TABLES[table], Partition(), identify))

    assert found[0] == {}
    assert len({str(tags) for tags in found}) == 3
