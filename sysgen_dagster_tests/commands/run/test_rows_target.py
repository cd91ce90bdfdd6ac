"""How many conversations are taken until there are as many rows as are asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.commands.run.rows_target import RowsTarget, count_asked
from sysgen_dagster.defs.plumbing import candidates
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.commands.run.run_command import ending_servers, run, write_rows
from sysgen_dagster_tests.training_sets.frames import of


def target(tmp_path: Path, kept: int | None = None, **recipes: Recipe) -> RowsTarget:
    catalog = CATALOG.model_copy(update={"mixtures": recipes})
    return RowsTarget(catalog, Store(tmp_path), "phi", kept)


@pytest.mark.parametrize(
    ("recipes", "kept", "wanted"),
    [
        ({"a": Recipe()}, None, None),
        ({"a": Recipe(rows=5)}, None, {"a": 5}),
        ({"a": Recipe(rows=5), "b": Recipe()}, None, None),
        ({"a": Recipe(rows=5), "b": Recipe()}, 7, {"a": 7, "b": 7}),
    ],
)
def test_a_recipe_without_a_number_wants_all_rows(
    recipes: dict[str, Recipe], kept: int | None, wanted: dict[str, int] | None, tmp_path: Path
) -> None:
    found = target(tmp_path, kept, **recipes)

    assert found.wanted == wanted
    assert bool(found.line()) is (wanted is not None)


@pytest.fixture
def take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """How many conversations are taken, round for round, where such a share of them is kept."""

    def rounds(share: float, rows: int, most: int, before: int = 0) -> list[int]:
        wants = target(tmp_path, a=Recipe(rows=rows))
        taken = [0]

        def count(_: Any, recipe: Recipe) -> int:
            assert recipe.rows is None  # it counts all that there are
            return int(taken[-1] * share)

        monkeypatch.setattr(candidates, "count_taken", count)
        while (limit := wants.next_limit(taken[-1], most, before)) != taken[-1]:
            taken.append(limit)
        return taken[1:]

    return rounds


def test_as_many_are_taken_as_are_wanted_and_then_more_by_the_share_that_was_kept(
    take: Callable[..., list[int]],
) -> None:
    assert take(1.0, 100, 1_000) == [100]
    assert take(0.5, 100, 1_000) == [100, 200]
    assert take(0.0, 100, 1_000) == [100, 200, 400, 800, 1_000]


@pytest.mark.parametrize("share", [0.9, 0.37, 0.05, 0.004])
@pytest.mark.parametrize("rows", [1, 17, 400])
def test_it_ends_with_enough_rows_or_with_all_conversations(
    share: float, rows: int, take: Callable[..., list[int]]
) -> None:
    rounds = take(share, rows, 3_000)

    assert rounds == sorted(set(rounds))
    assert rounds[-1] == 3_000 or rows <= int(rounds[-1] * share)
    if rounds[-1] < 3_000:  # not many more than needed
        assert rounds[-1] <= 2 * rows / share + 2 / share


def test_what_an_earlier_run_has_taken_is_taken_again(take: Callable[..., list[int]]) -> None:
    assert take(0.5, 100, 1_000, before=230) == [230]
    assert take(0.5, 100, 1_000, before=150) == [150, 200]


def test_what_an_earlier_run_has_taken_is_what_was_asked_about(tmp_path: Path) -> None:
    store = Store(tmp_path)
    asked: list[dict[str, Any]] = [{}, {"drop_reason": "truncated"}]
    left = [{"drop_reason": "beyond_limit"}]
    for shard, rows in {"mine-000": asked, "mine-001": asked + left, "mine-x-000": asked}.items():
        store.write(ANNOTATED, Partition("phi", shard), of(ANNOTATED, *rows))

    assert count_asked(store, "phi", "mine") == 4
    assert count_asked(store, "qwen", "mine") == 0


@pytest.mark.slow
def test_a_run_ends_as_soon_as_there_are_enough_rows_and_goes_on_when_more_are_wanted(
    tmp_path: Path,
) -> None:
    rows, data = write_rows(tmp_path / "rows.jsonl", 40), tmp_path / "data"
    command = (rows, "--model", "simulated", "-o", data, "--preview", 0, "--yes")
    with ending_servers(data):
        code, said = run(*command, "--kept", 5)
        assert code == 0, said
        first = count_asked(Store(data), "simulated", "rows")
        assert 5 <= first < 40
        code, said = run(*command, "--kept", 15)
        assert code == 0, said
        assert first < count_asked(Store(data), "simulated", "rows") < 40
        code, said = run(*command, "--kept", 1_000)
        assert code == 0, said
        assert count_asked(Store(data), "simulated", "rows") == 40
