"""Settings of what runs beside the lanes: defaults, and values that are refused."""

from pathlib import Path

import pytest

from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster_tests.catalog.small import Wrong, assert_wrong, write

WRONG_ENTRIES: dict[str, Wrong] = {
    "fewer-rows-than-none": (
        [("judging.preference_rows", -1)],
        "judging.preference_rows",
        "greater than or equal to 0 (found: -1)",
    ),
    "a-judge-twice": (
        [("judging.judges", ["small", "small"])],
        "judging.judges",
        "a judge is named twice: name each once",
    ),
    "phrases-of-fewer-rows-than-none": (
        [("judging.obedience", -1)],
        "judging.obedience",
        "greater than or equal to 0 (found: -1)",
    ),
    "phrases-of-every-row": (
        [("judging.obedience", "every")],
        "judging.obedience",
        "must be 'all' or a whole number (found: every)",
    ),
    "no-partition-a-tick": (
        [("filling.partitions_a_tick", 0)],
        "filling.partitions_a_tick",
        "greater than 0 (found: 0)",
    ),
    "metric-of-no-rows": (
        [("learned_similarity.rows", 0)],
        "learned_similarity.rows",
        "greater than 0 (found: 0)",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_ENTRIES.values(), ids=WRONG_ENTRIES.keys())
def test_a_wrong_entry_is_one_error_that_names_the_file_the_entry_and_the_field(
    tmp_path: Path, wrong: Wrong
) -> None:
    assert_wrong(tmp_path, wrong)


def test_a_catalogue_of_before_that_has_settings_of_alerts_loads_as_one_without(
    tmp_path: Path,
) -> None:
    without = load_catalog(write(tmp_path))
    with_settings = load_catalog(write(tmp_path, ("alerts.silent_minutes", 60)))

    assert with_settings.model_dump() == without.model_dump()
    assert "alerts" not in without.model_dump()


# What is given of `judging`; how many pairs, how many answers, and of how many rows the phrases are
# judged then.
JUDGED = {
    "nothing": ({}, (0, 0, 0)),
    "nobody": ({"judge": None}, (0, 0, 0)),
    "a-seed": ({"seed": 3}, (0, 0, 0)),
    "a-judge": ({"judge": "small"}, (200, 20, "all")),
    "rows": ({"preference_rows": 7}, (7, 0, 0)),
    "nobody-and-rows": ({"judge": None, "alignment_rows": 7}, (0, 7, 0)),
    "a-judge-of-no-pairs": ({"judge": "small", "preference_rows": 0}, (0, 20, "all")),
    "a-sample-of-phrases": ({"judge": "small", "obedience": 50}, (200, 20, 50)),
    "phrases-by-nobody-else": ({"obedience": "all"}, (0, 0, "all")),
    "rules-alone": ({"obedience": 0}, (0, 0, 0)),
    "a-judge-of-no-phrases": ({"judge": "small", "obedience": 0}, (200, 20, 0)),
}


@pytest.mark.parametrize(("given", "rows"), JUDGED.values(), ids=JUDGED)
def test_rows_are_judged_where_a_judge_is_named_or_rows_are_asked_for(
    tmp_path: Path, given: dict[str, object], rows: tuple[int, int, int | str]
) -> None:
    judging = load_catalog(write(tmp_path, ("judging", given))).judging

    assert (judging.preference_rows, judging.alignment_rows, judging.obedience) == rows
    assert type(judging).model_validate(judging.model_dump()) == judging


def test_a_catalogue_that_says_nothing_of_operations_judges_nothing_and_only_names_changes(
    tmp_path: Path,
) -> None:
    catalog = load_catalog(write(tmp_path))

    assert (catalog.judging.preference_rows, catalog.judging.alignment_rows) == (0, 0)
    assert catalog.learned_similarity.bertscore_weights is None
    assert not catalog.filling.refill_changed
