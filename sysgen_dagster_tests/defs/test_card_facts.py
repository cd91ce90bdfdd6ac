"""How far the answers of an export obey, as its card shows it."""

from pathlib import Path

import pytest

from sysgen_dagster.analysis.tables import ROW_QUALITY
from sysgen_dagster.catalog.recipes import Recipe, Rejected, Variant
from sysgen_dagster.defs.card_facts import build_facts
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.obedience.phrase_judgement import build_obedience
from sysgen_dagster.obedience.tables import JUDGE_CALIBRATION, OBEDIENCE
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.export.card import Figure
from sysgen_dagster.training_sets.tables import MIXTURES
from sysgen_dagster_tests.obedience.judged_rows import labelled
from sysgen_dagster_tests.obedience.phrase_rows import phrase, rows
from sysgen_dagster_tests.training_sets.frames import of

HERE = Partition("phi-4", "capybara-000")
LIST, KIND = phrase("As a list.", "obeyed", "Format"), phrase("Be kind.")
NO_LIST = phrase("As a list.", "not_obeyed", "Format")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Obedience of three rows, of which a mixture has the first two."""
    store = Store(tmp_path)
    looked_at = rows([LIST, KIND], [NO_LIST], [NO_LIST, NO_LIST], source="capybara")
    store.write(OBEDIENCE, HERE, build_obedience(looked_at))
    quality = of(ROW_QUALITY, {"conversation_id": "c0", "question_language": "en"})
    store.write(ROW_QUALITY, HERE, quality)
    return store


def figures(store: Store, recipe: Recipe) -> list[Figure]:
    taken = {"source": "capybara", "model": "phi-4", "shard": "capybara-000", "split": "train"}
    mixture = of(MIXTURES, *({**taken, "conversation_id": name} for name in ("c0", "c1")))
    return list(build_facts(store, recipe, mixture, {}).figures)


@pytest.mark.parametrize(
    "recipe",
    [Recipe(), Recipe(variant=Variant.USER_ROLE), Recipe(rejected=(Rejected.ORIGINAL_ANSWER,))],
)
def test_a_card_shows_by_source_and_tag_how_far_the_new_answers_of_its_rows_obey(
    store: Store, recipe: Recipe
) -> None:
    [figure] = figures(store, recipe)
    assert "in the rows of this export" in figure.title
    assert "decided" in figure.said
    shown = figure.frame.filter(source="capybara").sort("tag")
    assert shown.select("tag", "phrases", "obeyed", "unknown").rows() == [
        ("Format", 2, 0.5, 0.0),
        ("Style", 1, None, 1.0),
    ]
    assert set(figure.frame["source"]) == {"all", "capybara"}


@pytest.mark.parametrize(
    "variant",
    [
        Variant.ORIGINAL_ANSWER,
        Variant.COMMON_SYSTEM_MESSAGE,
        Variant.NO_SYSTEM_MESSAGE,
        Variant.EMPTY_SYSTEM_MESSAGE,
    ],
)
def test_rows_without_new_answers_show_no_obedience(store: Store, variant: Variant) -> None:
    assert figures(store, Recipe(variant=variant)) == []


def test_a_card_says_who_judged_and_that_nothing_bears_the_judge_out(store: Store) -> None:
    by_a_judge = {**KIND, "verdict": "obeyed", "by": "owl"}
    store.write(OBEDIENCE, HERE, build_obedience(rows([by_a_judge, LIST], source="capybara")))
    [figure] = figures(store, Recipe())
    assert set(figure.frame["judge"]) == {"owl (uncalibrated: 0 of 200 labelled items)"}
    store.write(JUDGE_CALIBRATION, Partition("phi-4"), labelled("phrase", "owl"))
    [figure] = figures(store, Recipe())
    assert set(figure.frame["judge"]) == {"owl (calibrated)"}


def test_a_card_shows_how_many_answers_of_its_rows_contradict_the_original(store: Store) -> None:
    results = {"c0": "same", "c1": "contradicts", "c2": "contradicts"}
    aligned = [
        {"conversation_id": name, "source": "capybara", "result_kind": "final_answer"}
        | {"result": result, "first_result": "contradicts", "is_original": False}
        for name, result in results.items()
    ]
    store.write(ALIGNED, HERE, of(ALIGNED, *aligned))
    _, figure = figures(store, Recipe())
    assert "in the rows of this export" in figure.title
    shown = figure.frame.filter(source="capybara")
    counted = shown.select("checked", "contradicted_at_first", "contradicts", "same")
    assert counted.rows() == [(2, 2, 1, 1)]
    assert figures(store, Recipe(variant=Variant.ORIGINAL_ANSWER)) == []


def test_rows_that_nobody_has_looked_at_show_no_obedience(store: Store) -> None:
    store.write(OBEDIENCE, HERE, build_obedience(rows([LIST])).clear())
    assert figures(store, Recipe()) == []
    store.path(OBEDIENCE, HERE).unlink()
    assert figures(store, Recipe()) == []


def test_languages_are_those_of_the_questions(store: Store) -> None:
    taken = of(MIXTURES, {"conversation_id": "c0", "model": "phi-4", "shard": "capybara-000"})
    assert build_facts(store, Recipe(), taken, {"benchmarks": "GSM8K"}).languages == ["en"]
