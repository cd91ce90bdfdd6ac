"""The lane's part of the catalogue: its settings, and what is expected of a model."""

from pathlib import Path

import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.paper import COUNTS
from sysgen_dagster.lanes.sysgen.settings import (
    Demonstrations,
    DropRule,
    Method,
    Preset,
    UnreadableVerdict,
)
from sysgen_dagster_tests.catalog.small import (
    PAPER,
    SMALL,
    Change,
    Wrong,
    assert_wrong,
    fault_of,
    write,
)

WRONG_ENTRIES: dict[str, Wrong] = {
    "share-above-one": (
        [("models.small.bounds.filtered", [0.5, 85])],
        "models.small.bounds.filtered.1",
        "less than or equal to 1",
    ),
    "bounds-the-wrong-way-round": (
        [("models.small.bounds.filtered", [0.9, 0.1])],
        "models.small.bounds.filtered",
        "the lower bound comes first",
    ),
    "distance-of-more-than-everything": (
        [("models.small.bounds.aligned", 85)],
        "models.small.bounds.aligned",
        "less than or equal to 1",
    ),
    "bounds-in-words": (
        [("models.small.bounds.aligned", "most")],
        "models.small.bounds.aligned",
        "(found: most)",
    ),
    "unknown-drop-rule": (
        [("method.drop_rule", "strict")],
        "method.drop_rule",
        "'malformed_boundary' or 'no_phrase_left'",
    ),
    "unknown-preset": ([("method.preset", "good")], "method.preset", "'paper' or 'best'"),
    "preset-that-is-no-word": ([("method.preset", [1])], "method.preset", "'paper' or 'best'"),
    "unknown-demonstrations": (
        [("method.demonstrations", "none")],
        "method.demonstrations",
        "'in_one_text' or 'as_turns'",
    ),
    "no-answer-at-all": ([("method.answers", 0)], "method.answers", "greater than 0 (found: 0)"),
    "too-many-answers": (
        [("method.answers", 17)],
        "method.answers",
        "less than or equal to 16 (found: 17)",
    ),
    "unknown-contradiction": (
        [("method.contradiction", "fix")],
        "method.contradiction",
        "'allow', 'drop' or 'keep_original'",
    ),
    "no-sample-at-all": (
        [("method.samples", 0)],
        "method.samples",
        "greater than 0 (found: 0)",
    ),
    "distance-of-filtered-from-no-figure": (
        [("models.small.bounds.filtered", 0.1)],
        "models.small.bounds",
        "`bounds.filtered` is a distance from the paper's share, and the paper has no figures for "
        "this model: give [lowest, highest] instead",
    ),
    "distance-of-aligned-from-no-figure": (
        [("models.small.bounds.aligned", 0)],
        "models.small.bounds",
        "`bounds.aligned` is a distance from the paper's share, and the paper has no figures for "
        "this model: give [lowest, highest] instead",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_ENTRIES.values(), ids=WRONG_ENTRIES.keys())
def test_a_wrong_entry_is_one_error_that_names_the_file_the_entry_and_the_field(
    tmp_path: Path, wrong: Wrong
) -> None:
    assert_wrong(tmp_path, wrong)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        pytest.param(
            [("models.small.paper", {**PAPER, "tags": {"Rolle": 5}})],
            "models.small.paper",
            id="paper-counts-of-a-misspelled-tag",
        ),
        pytest.param(
            [("models.small.bounds.filtered", [0.9, 0.1])],
            "models.small.bounds",
            id="bounds-the-wrong-way-round",
        ),
    ],
)
def test_a_wrong_entry_that_would_only_fail_in_a_run_is_found_here(
    tmp_path: Path, changes: list[Change], place: str
) -> None:
    assert fault_of(write(tmp_path, *changes))[1].startswith(f"  {place}")


def test_a_small_catalogue_is_read_with_the_usual_settings(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path))
    model = catalog.models["small"]

    assert catalog.method.drop_rule is DropRule.NO_PHRASE_LEFT
    assert catalog.method.unreadable_verdict is UnreadableVerdict.KEEP
    assert (catalog.method.samples, catalog.method.repair) == (1, False)
    assert not catalog.method.constrain_verdicts
    assert not catalog.method.verdict_confidence
    assert (model.paper, model.published) == (None, None)
    assert (model.filtered_bounds, model.aligned_bounds) == ((0.5, 1.0), (0.5, 1.0))


def test_the_fields_of_a_catalogue_without_a_preset_are_the_paper_s(tmp_path: Path) -> None:
    method = load_catalog(write(tmp_path, ("method", {}))).method

    assert method == Method(preset=Preset.PAPER)
    assert (method.demonstrations, method.mend) == (Demonstrations.IN_ONE_TEXT, False)
    assert method.drop_rule is DropRule.MALFORMED_BOUNDARY


def test_the_shipped_catalogue_is_for_the_comparison_with_the_paper() -> None:
    assert load_catalog(FULL_CATALOG).method.label == "paper"


def test_a_catalogue_takes_a_preset_and_changes_it_by_field(tmp_path: Path) -> None:
    given = {"preset": "best", "samples": 2, "mend": False}
    method = load_catalog(write(tmp_path, ("method", given))).method

    assert method.demonstrations is Demonstrations.AS_TURNS
    assert method.changes == {"mend": False, "samples": 2}
    assert method.label == "best, mend=false, samples=2"


LABELS = {
    "paper": (Method(), "paper"),
    "best": (Method(preset=Preset.BEST), "best"),
    "given-as-the-preset-has-it": (Method(preset=Preset.BEST, mend=True), "best"),
    "changed": (
        Method(drop_rule=DropRule.NO_PHRASE_LEFT, repair=True),
        "paper, drop_rule=no_phrase_left, repair=true",
    ),
}


@pytest.mark.parametrize(("method", "label"), LABELS.values(), ids=LABELS.keys())
def test_settings_have_one_printable_form(method: Method, label: str) -> None:
    assert method.label == label


def test_another_preset_leaves_the_fields_that_were_changed() -> None:
    method = Method(samples=3).changed({"preset": "best"})

    assert method == Method(preset=Preset.BEST, samples=3)
    assert method.changed({"samples": 1, "preset": "paper"}) == Method()


def test_a_catalogue_may_say_what_another_paper_reports(tmp_path: Path) -> None:
    model = load_catalog(write(tmp_path, ("models.small.paper", PAPER))).models["small"]

    assert model.published
    assert (model.published.filtered_share, model.published.aligned_share) == (0.9, 0.8)
    assert model.published.tag_share("Role") == 5 / 9


@pytest.mark.parametrize("name", COUNTS)
def test_a_model_that_the_paper_knows_has_its_figures_by_name(tmp_path: Path, name: str) -> None:
    entry = SMALL["models"]["small"]
    model = load_catalog(write(tmp_path, ("models", {name: entry}))).models[name]

    assert model.paper is None
    assert model.published is COUNTS[name]


def test_a_distance_is_from_the_paper_s_share_and_no_bound_is_beyond_nothing_or_all(
    tmp_path: Path,
) -> None:
    bounds = {"filtered": 0.05, "aligned": 0.9, "tag_share_within": 0.1}
    known = {**SMALL["models"]["small"], "bounds": bounds}
    catalog = load_catalog(
        write(tmp_path, ("models", {"phi-4": known, "ours": {**known, "paper": PAPER}}))
    )
    phi, ours = catalog.models["phi-4"], catalog.models["ours"]

    assert phi.filtered_bounds == (pytest.approx(774_613 / 806_796 - 0.05), 1.0)
    assert phi.aligned_bounds == (pytest.approx(773_878 / 806_796 - 0.9), 1.0)
    assert ours.filtered_bounds == pytest.approx((0.85, 0.95))
    assert ours.aligned_bounds == (0.0, 1.0)


def test_contradictions_are_kept_as_in_the_paper_and_dropped_by_the_best_preset() -> None:
    assert Method().contradiction == "allow"
    assert Method(preset=Preset.BEST).contradiction == "drop"
    assert {Method(preset=preset).answers for preset in Preset} == {1}
