"""The pairs that an export takes of the conversations of its mixture, as reviewers have decided."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.catalog.recipes import Obeyed, Recipe, Rejected, Reviewed
from sysgen_dagster.defs.exports import _read_rows
from sysgen_dagster.defs.plumbing.candidates import narrow, read_in_form
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.reviewed import _without_edited_away
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.mixtures import build_mixture, select_candidates
from sysgen_dagster.training_sets.reviewed import DECIDED
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


def decisions(*decided: dict[str, Any]) -> dict[Partition, pl.DataFrame]:
    """What was decided of rows that were shown as ``S`` and ``A'``."""
    usual = {
        "model": MODEL,
        "conversation_id": "c1",
        "choice": "accepted",
        "shown_message": "S",
        "shown_answer": "A'",
    }
    return {AT: pl.DataFrame([usual | each for each in decided], schema=DECIDED)}


def exported_as_decided(
    store: Store, recipe: Recipe, mixture: pl.DataFrame, said: dict[Partition, pl.DataFrame]
) -> list[tuple[str, str | None]]:
    parts = [PREFERENCE_PAIRS.empty().with_columns(reviewed=pl.lit(None, pl.String))]
    parts += [
        part.select(parts[0].columns) for part in _read_rows(store, "pairs", recipe, mixture, said)
    ]
    return pl.concat(parts).select("rejected_is", "reviewed").rows()


OF_CONFLICT = {"chosen": chat(("assistant", "kept to"))}


@pytest.mark.parametrize(
    ("edit", "left", "ended"),
    [
        pytest.param({}, ["original_answer", "followed_user"], 0, id="accepted as it was"),
        pytest.param({"system_message": "S2"}, ["original_answer"], 1, id="the message"),
        pytest.param({"new_answer": "B"}, ["original_answer"], 1, id="the answer"),
        pytest.param({"new_answer": "A"}, [], 2, id="the answer, to what is rejected"),
        pytest.param({"new_answer": " A\n"}, [], 2, id="the answer, to that and blanks"),
    ],
)
@pytest.mark.parametrize("kinds", [BOTH, BOTH[1:]])
def test_pairs_that_an_edit_ends_are_counted_and_their_conversations_leave_the_mixture(
    store: Store,
    edit: dict[str, str],
    left: list[str],
    ended: int,
    kinds: tuple[Rejected, ...],
) -> None:
    recipe = Recipe(rejected=kinds)
    mixture = mixed(store, recipe, pair(BOTH[0]), pair(BOTH[1], **OF_CONFLICT))
    said = decisions(edit)
    still, edited_away = _without_edited_away(store, recipe, mixture, said)
    left = [kind for kind in left if kind in kinds]

    assert [kind for kind, _ in exported_as_decided(store, recipe, still, said)] == left
    assert still.height == bool(left)
    assert edited_away == len(kinds) - len(left)
    assert len(kinds) < 2 or edited_away == ended


def test_a_pair_whose_chosen_answer_nobody_was_shown_is_not_reviewed(store: Store) -> None:
    recipe = Recipe(rejected=BOTH)
    mixture = mixed(store, recipe, pair(BOTH[0]), pair(BOTH[1], **OF_CONFLICT))

    assert exported_as_decided(store, recipe, mixture, decisions({})) == [
        ("original_answer", "accepted"),
        ("followed_user", None),
    ]


def test_a_recipe_of_accepted_pairs_exports_those_that_a_reviewer_saw(store: Store) -> None:
    recipe = Recipe(rejected=BOTH, reviewed=Reviewed.ACCEPTED)
    mixture = mixed(store, recipe, pair(BOTH[0]), pair(BOTH[1], **OF_CONFLICT))

    assert exported_as_decided(store, recipe, mixture, decisions({})) == [
        ("original_answer", "accepted")
    ]
    assert read_in_form(store, recipe, AT, {}).height == 2
    assert [
        each.height
        for each in narrow(
            read_in_form(store, recipe, AT, {}), recipe, frozenset(), decisions({})[AT]
        )
    ] == [2, 2, 2, 1, 1, 1]
