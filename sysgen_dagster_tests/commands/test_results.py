"""What a command ends with: rows of each export and the tokens used, beside the stored files."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from sysgen_dagster.commands.results import print_results, show_tokens, used_tokens
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.multifaceted.tables import GOLD_ANSWERS, JUDGED_PAIRS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.compatibility.old_data import unpack
from sysgen_dagster_tests.training_sets.export import exports

ASKED = ("annotated_system_messages", "verified_system_messages", "aligned_responses")
MADE = ("sysgen", "clean")
JUDGED = ("judged_preferences", "judged_alignment")
BOTH = CATALOG.model_copy(
    update={"models": {name: CATALOG.models[name] for name in ("llama-3.1-8b", "phi-4")}}
)

Show = Callable[[Console, Store, Catalog], None]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment of two models, of which one judges."""
    return unpack(tmp_path_factory.mktemp("made"))


def lines(show: Show, store: Store, catalog: Catalog = BOTH) -> list[list[str]]:
    """The cells of what is printed, by line."""
    printed = StringIO()
    show(Console(width=120, file=printed), store, catalog)
    return [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in printed.getvalue().splitlines()
        if line.startswith("│")
    ]


def stored_tokens(data: Path, tables: tuple[str, ...], model: str) -> tuple[int, int]:
    files = [file for each in tables for file in data.glob(f"{each}/**/*{model}*/*.parquet")]
    files += [file for each in tables for file in data.glob(f"{each}/{model}.parquet")]
    read = [pl.read_parquet(file, hive_partitioning=False) for file in files]
    sums = pl.concat([rows.select("prompt_tokens", "completion_tokens").sum() for rows in read])
    return sums.sum().cast(pl.Int64).row(0)


def test_every_training_set_is_told_with_its_rows_and_how_to_load_it_in_the_catalogue_s_order(
    tmp_path: Path,
) -> None:
    for name in ("clean", "sysgen"):
        exports.export(tmp_path / "exports" / name)
    store, console = Store(tmp_path), Console(file=(printed := StringIO()))
    print_results(console, store, CATALOG)
    cells = len(exports.SOURCES) * len(exports.MODELS)
    rows = ", ".join(
        f"{split} {cells * exports.SPLITS[split]}" for split in ("train", "validation", "test")
    )
    said = printed.getvalue().splitlines()
    at = [said.index(f"Training set {name}: {rows} rows in {store.export(name)}") for name in MADE]
    assert [said[line + 1] for line in at] == [
        f'  load_dataset("{store.export(name)}")' for name in MADE
    ]
    assert at == sorted(at)
    assert "The recipe preferences takes none of the rows, so there is no folder." in said
    assert f"Open it in Dagster: sysgen ui -o {tmp_path}" in said


def test_no_tokens_are_printed_where_nothing_was_made(tmp_path: Path) -> None:
    assert lines(show_tokens, Store(tmp_path)) == []


def test_the_tokens_of_a_model_are_those_of_its_stored_rows_and_of_what_it_judged(
    data: Path,
) -> None:
    by_llama = stored_tokens(data, ASKED, "llama-3.1-8b")
    of_phi, judged = (
        stored_tokens(data, ASKED, "phi-4"),
        [stored_tokens(data, JUDGED, model) for model in BOTH.models],
    )
    by_phi = tuple(map(sum, zip(of_phi, *judged, strict=True)))
    sums = used_tokens(Store(data), BOTH).drop("requests")
    assert sums.rows_by_key("model", unique=True) == {"llama-3.1-8b": by_llama, "phi-4": by_phi}
    assert by_llama < by_phi


def test_what_the_second_lane_asked_counts_by_the_model_that_was_asked(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for table, asked in ((GOLD_ANSWERS, "llama-3.1-8b"), (JUDGED_PAIRS, "phi-4")):
        took = {"model": asked, "attempts": 1, "prompt_tokens": 100, "completion_tokens": 20}
        rows = pl.DataFrame([took, took, {"model": None}], table.schema, orient="row")
        store.write(table, Partition("llama-3.1-8b", "multifaceted-000"), rows)
    of_each = (2, 200, 40)
    sums = used_tokens(store, BOTH).rows_by_key("model", unique=True)
    assert sums == {"llama-3.1-8b": of_each, "phi-4": of_each}


def test_each_model_has_a_line_and_the_last_is_the_sum(data: Path) -> None:
    shown = lines(show_tokens, Store(data))
    assert [line[0] for line in shown] == ["llama-3.1-8b", "phi-4", "all"]
    numbers = [[int(cell.replace(",", "")) for cell in line[1:]] for line in shown]
    assert numbers[-1] == [a + b for a, b in zip(*numbers[:-1], strict=True)]
