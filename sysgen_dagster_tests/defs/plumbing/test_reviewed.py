"""The pairs that an export takes of the conversations of its mixture, as reviewers have decided."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.catalog.recipes import Obeyed, Recipe, Rejected
from sysgen_dagster.defs.exports import _read_rows
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.mixtures import build_mixture, select_candidates
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS
from sysgen_dagster_tests.training_sets.frames import chat, of

SOURCE, MODEL = next(iter(CATALOG.sources)), next(iter(CATALOG.models))
AT = Partition(MODEL, f"{SOURCE}-000")
BOTH = (Rejected.ORIGINAL_ANSWER, Rejected.FOLLOWED_USER)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def pair(kind: Rejected, **said: Any) -> dict[str, Any]:
    """A pair of the conversation ``c1``; what is not said is usual."""
    usual = {
        "conversation_id": "c1",
        "source": SOURCE,
        "model": MODEL,
        "split": "train",
        "rejected_is": kind.value,
        "prompt": chat(("system", "S"), ("user", "Q")),
        "chosen": chat(("assistant", "A'")),
        "rejected": chat(("assistant", "A")),
        "rejected_not_obeyed": 1,
        "tags": ["Role"],
        "flags": [],
        "phrases_obeyed": 1,
        "phrases_not_obeyed": 0,
        "phrases_unknown": 0,
    }
    return usual | said


def mixed(store: Store, recipe: Recipe, *pairs: dict[str, Any]) -> pl.DataFrame:
    """The mixture of these pairs, which are stored."""
    rows = of(PREFERENCE_PAIRS, *pairs)
    store.write(PREFERENCE_PAIRS, AT, rows)
    return build_mixture(
        select_candidates(rows.with_columns(shard=pl.lit(AT.shard)), recipe), recipe
    )


def exported(store: Store, recipe: Recipe, mixture: pl.DataFrame) -> list[str]:
    rows = pl.concat(_read_rows(store, "pairs", recipe, mixture, {}))
    return rows["rejected_is"].to_list()


@pytest.mark.parametrize(
    ("asked", "failing"),
    [
        pytest.param({"obeyed": Obeyed.ALL}, {"phrases_unknown": 3}, id="all obeyed"),
        pytest.param(
            {"obeyed": Obeyed.ALL},
            {"phrases_obeyed": None} | dict.fromkeys(("phrases_not_obeyed", "phrases_unknown")),
            id="nobody has looked",
        ),
        pytest.param({"obeyed": Obeyed.NONE_BROKEN}, {"phrases_not_obeyed": 1}, id="none broken"),
        pytest.param({"leave_out": ("repetitive",)}, {"flags": ["repetitive"]}, id="flags"),
        pytest.param({"least_tags": 1}, {"tags": []}, id="tags"),
        pytest.param({"rejected_breaks": True}, {"rejected_not_obeyed": 0}, id="rejected breaks"),
    ],
)
@pytest.mark.parametrize("passes", BOTH)
def test_a_pair_is_exported_for_itself_and_not_for_another_of_its_conversation(
    store: Store, asked: dict[str, Any], failing: dict[str, Any], passes: Rejected
) -> None:
    recipe = Recipe(rejected=BOTH, **asked)
    pairs = [pair(kind, **({} if kind is passes else failing)) for kind in BOTH]
    mixture = mixed(store, recipe, *pairs)

    assert mixture["conversation_id"].to_list() == ["c1"]
    assert exported(store, recipe, mixture) == [passes.value]


def test_pairs_that_do_not_meet_the_recipe_any_more_are_no_export(store: Store) -> None:
    mixture = mixed(store, Recipe(rejected=BOTH), pair(BOTH[0], phrases_unknown=1))

    with pytest.raises(StoreError, match="or they do not meet the recipe"):
        exported(store, Recipe(rejected=BOTH, obeyed=Obeyed.ALL), mixture)
