"""`sysgen run`, from the words of the command line to the training set."""

import glob
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from sysgen_dagster.catalog.load import catalog_file
from sysgen_dagster.chat.prompts import own_folder
from sysgen_dagster.commands.deployment import catalog_of, enter_deployment, work_of
from sysgen_dagster.commands.printing import say
from sysgen_dagster.commands.results import print_results
from sysgen_dagster.commands.run.choices import MORE, preview_until_chosen
from sysgen_dagster.commands.run.going_on import Going
from sysgen_dagster.commands.run.model import ModelWish, find_model
from sysgen_dagster.commands.run.progress import RowsProgress
from sysgen_dagster.commands.run.rows_target import RowsTarget
from sysgen_dagster.commands.run.source import SourceWish, find_source_entry
from sysgen_dagster.commands.run.summary import print_fate, print_spent
from sysgen_dagster.commands.run.written_catalog import build_catalog, keep_or_write
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.sources.folders import files_of
from sysgen_dagster.storage.store import Store, StoreError, is_url

_MORE = "nothing that was answered is asked twice"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user says on the command line.

    Attributes:
        source: The source.
        model: The model.
        method: Settings of the method, such as ``repair=true``.
        rows: How many conversations are taken in all; None: all of them.
        kept: How many rows of the train split each training set is to have; None: as its recipe
            says.
        preview: How many rows are shown first; None: the usual number, and none where rows of these
            settings are made already.
        is_attended: Whether somebody is there to be asked.
        assume_yes: Whether all rows are made without asking.
    """

    source: SourceWish
    model: ModelWish
    method: Sequence[str] = ()
    rows: int | None = None
    kept: int | None = None
    preview: int | None = None
    is_attended: bool = False
    assume_yes: bool = False

    @property
    def given(self) -> set[str]:
        """The fields of the catalogue that the command line speaks of."""
        said = {
            "license": self.source.license,
            "columns": self.source.columns,
            "price": self.model.price,
            "api_key_env": self.model.api_key_env,
        }
        settings = {setting.partition("=")[0] for setting in self.method}
        return {name for name, value in said.items() if value} | settings


def make_training_set(console: Console, data: str, wish: Wish) -> int:
    """0 when rows were kept and no contract was broken, else 1.

    Raises:
        SysgenError: The source, the model, the folder or an option cannot be used.
    """
    started = time.monotonic()
    folder = _folder(data)
    file = catalog_of(folder)
    stored = load_catalog(file) if file.is_file() else None
    source, lines = find_source_entry(wish.source, folder, stored)
    for line in lines:
        say(console, f"Source: {line}")
    model = find_model(console, wish.model)
    wanted = build_catalog(source, model, wish.method)
    catalog, whose = keep_or_write(file, wanted, wish.given)
    store = enter_deployment(folder)
    known = _connect(console, catalog.models[model.name], folder)
    say(console, f"Catalogue: {whose}")
    shown = _only(catalog, source.name, model.name)
    if line := RowsTarget(catalog, store, model.name, wish.kept).line():
        say(console, line)
    first = _first_rows(console, shown, store, wish)
    decision = preview_until_chosen(
        console, store, shown, first, wish.is_attended, wish.assume_yes, wish.rows, known
    )
    if not decision.wants_all:
        return 1
    progress = RowsProgress(catalog.models[model.name].price, decision.paid)
    going = Going(console, catalog, store, source.name, model.name, wish.rows, progress, known)
    going.target = RowsTarget(catalog, store, model.name, wish.kept)
    is_whole = going.go()
    console.print()
    print_fate(console, catalog, store, model.name)
    print_spent(console, shown, store, progress, time.monotonic() - started)
    if not is_whole:
        say(console, f"It is not complete. Run the same command again to go on: {_MORE}.")
        return 1
    print_results(console, store, catalog)
    if not progress.kept:
        say(console, "No row was kept. The report shows the rows and why they were dropped.")
        return 1
    return 0


def _first_rows(console: Console, catalog: Catalog, store: Store, wish: Wish) -> int:
    """How many rows are shown before all others are made; says what differs from the usual."""
    if own := sorted(each.name for each in own_folder().glob("*.*")):
        say(console, f"Prompts: {', '.join(own)} in {own_folder()}, in the place of the shipped")
    if wish.preview is not None:
        return wish.preview
    if (wish.is_attended or wish.assume_yes) and has_begun(catalog, store):
        say(console, f"It goes on where it ended; --preview {MORE} shows rows first.")
        return 0
    return MORE


def has_begun(catalog: Catalog, store: Store) -> bool:
    """Whether rows were asked for after the last change of catalogue, prompts and source."""
    [source], [model] = catalog.sources.values(), catalog.models
    of_shards = f"{glob.escape(f'{model}|{source.name}')}-[0-9]*[jp]*"  # .jsonl, .parquet
    answers = (work_of(store) / "ledger" / ANNOTATED.name).glob(of_shards)
    made_of = [catalog_file(), *own_folder().glob("*")]
    if source.path is not None:
        made_of += files_of(source.name, source.path).paths
    changed = max(each.stat().st_mtime for each in made_of)
    return any(each.stat().st_mtime > changed for each in answers)


def _folder(data: str) -> Path:
    """Where the deployment is.

    Raises:
        StoreError: It is no folder for one.
    """
    if is_url(data):
        raise StoreError(
            f"{data} is a URL, and `sysgen run` keeps everything in one folder: name one with -o"
        )
    folder = Path(data).absolute()
    if folder.is_dir() and any(folder.iterdir()) and not catalog_of(folder).is_file():
        raise StoreError(f"{folder} is not empty and has no catalogue: name another one with -o")
    return folder


def _connect(console: Console, model: Generator, folder: Path) -> list[str]:
    """Start or find the model's servers, which run on, and say what they can do.

    Returns:
        What was said, as the runs of Dagster would say it again.
    """
    said: list[str] = []

    def tell(line: str) -> None:
        said.append(f"{model.name}: {line}")
        say(console, f"Model: {line}")

    if model.base_urls:
        say(console, f"Model: asking {model.base_urls[0]} what it can do")
    with Engines(folder / "engines", (model,)).connection(model, tell) as connection:
        connection.connect()
    return said


def _only(catalog: Catalog, source: str, model: str) -> Catalog:
    """The catalogue without other sources and models, which a user may have added to it."""
    sources, models = {source: catalog.sources[source]}, {model: catalog.models[model]}
    return catalog.model_copy(update={"sources": sources, "models": models})
