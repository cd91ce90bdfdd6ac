"""Which partitions are needed for as many rows as the recipes ask for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.catalog.recipes import Lane, Recipe
from sysgen_dagster.defs.operations import wanting
from sysgen_dagster.defs.operations.wanting import Need, find_needed
from sysgen_dagster.defs.plumbing import candidates
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.tables import TRAINING_ROWS
from sysgen_dagster_tests.training_sets.frames import of

MODEL, OTHER, *_ = CATALOG.models
SOURCE, ELSEWHERE, *_ = CATALOG.sources
MADE, NEXT = (Partition(MODEL, f"{SOURCE}-{index:03d}") for index in (0, 1))
OF_OTHER, OF_ELSEWHERE = Partition(OTHER, NEXT.shard), Partition(MODEL, f"{ELSEWHERE}-000")
KEYS = [str(at.key) for at in (NEXT, OF_OTHER, OF_ELSEWHERE)]
Needed = Callable[[Mapping[str, Recipe]], Need]


def rows(at: Partition, number: int, **fields: Any) -> pl.DataFrame:
    usual = {"variant": "sysgen", "split": "train", "source": SOURCE, "model": at.model}
    usual |= {"tags": ["Role"], "flags": [], "phrases_not_obeyed": 0, "phrases_unknown": 0}
    made = ({"conversation_id": f"{at.key}-{n}", **usual, **fields} for n in range(number))
    return of(TRAINING_ROWS, *made)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Of one shard ten rows of the train split are made and three of the test split."""
    store = Store(tmp_path)
    in_test = rows(MADE, 3, split="test").with_columns(
        conversation_id="t" + pl.col("conversation_id")
    )
    store.write(TRAINING_ROWS, MADE, pl.concat([rows(MADE, 10), in_test]))
    store.write(ALIGNED, MADE, of(ALIGNED, *[{"conversation_id": str(n)} for n in range(13)]))
    return store


@pytest.fixture
def needed(store: Store, monkeypatch: pytest.MonkeyPatch) -> Needed:
    def find(recipes: Mapping[str, Recipe]) -> Need:
        catalog = CATALOG.model_copy(update={"mixtures": recipes})
        for module in (wanting, candidates):
            monkeypatch.setattr(module, "CATALOG", catalog)
        return find_needed(store, KEYS)

    return find


@pytest.mark.parametrize(
    ("recipe", "keys"),
    [
        pytest.param({}, KEYS, id="all rows are wanted"),
        pytest.param({"rows": 11}, KEYS, id="one row is missing"),
        pytest.param({"rows": 10}, [], id="no row is missing"),
        pytest.param({"rows": 9}, [], id="there are more than enough"),
        pytest.param({"rows": 11, "models": (MODEL,)}, [KEYS[0], KEYS[2]], id="of one model"),
        pytest.param({"rows": 11, "sources": (SOURCE,)}, KEYS[:2], id="of one source"),
        pytest.param({"rows": 1, "sources": (ELSEWHERE,)}, KEYS[2:], id="of another source"),
        pytest.param({"rows": 10, "least_tags": 2}, KEYS, id="filters leave rows out"),
        pytest.param({"rows": 10, "rows_of": {SOURCE: 4}}, KEYS, id="a source gives fewer"),
        pytest.param({"sources": (SOURCE,)}, KEYS[:2], id="all rows of one source"),
    ],
)
def test_partitions_are_needed_until_a_recipe_has_its_rows(
    recipe: dict[str, Any], keys: list[str], needed: Needed
) -> None:
    found = needed({"mine": Recipe(**recipe)})

    assert found.keys == set(keys)
    assert found.has_all == ([] if keys else ["mine"])


@pytest.mark.parametrize(("not_obeyed", "is_needed"), [(0, False), (1, True), (None, True)])
def test_rows_that_do_not_obey_do_not_count_where_obeying_ones_are_asked_for(
    not_obeyed: int | None, is_needed: bool, store: Store, needed: Needed
) -> None:
    store.write(TRAINING_ROWS, MADE, rows(MADE, 10, phrases_not_obeyed=not_obeyed))

    found = needed({"mine": Recipe.model_validate({"rows": 10, "obeyed": "all"})})
    assert bool(found.keys) is is_needed


def test_one_recipe_that_needs_more_is_enough(needed: Needed) -> None:
    recipes = {"has": Recipe(rows=10), "lacks": Recipe(rows=11, sources=(SOURCE,))}
    found = needed(recipes)

    assert found.keys == set(KEYS[:2])
    assert found.said == ["recipes that have their rows: has"]


@pytest.mark.parametrize(("answered", "waits"), [(4, False), (5, True)])
def test_nothing_is_asked_for_while_answered_rows_that_may_be_enough_are_not_counted(
    answered: int, waits: bool, store: Store, needed: Needed
) -> None:
    uncounted = Partition(MODEL, f"{SOURCE}-002")
    ids = [{"conversation_id": str(number)} for number in range(answered)]
    store.write(ALIGNED, uncounted, of(ALIGNED, *ids, {"drop_reason": "refused"}))
    found = needed({"mine": Recipe(rows=15)})

    assert (found.keys == set()) is waits
    assert any("the recipe mine may have its rows once training_rows" in s for s in found.said) is (
        waits
    )


def test_a_recipe_of_the_second_lane_needs_no_partition_of_the_first(needed: Needed) -> None:
    assert needed({"sets": Recipe(lane=Lane.MULTIFACETED)}).keys == frozenset()
