"""`sysgen_dagster` as its user runs it: a Dagster run that makes Phase 1's table of one partition.

Prompts rendered, requests sent, every answer in the ledger, the table stored as Parquet, the checks
and the events of the run in Dagster's instance. Sources and conversations are made by `prepare`,
outside of what is measured. It finds out by itself how many requests it may have in flight, from 32
on, here with a limit. After a kill the same run is started again.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl
from asking import MODEL, Answer, Trial, run
from rows import SOURCE, local_source, row_of

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.trial_catalog import real_model, with_models
from sysgen_dagster.inference.client import complete
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition

_SHARD, _MODEL = f"{SOURCE}-000", MODEL  # partition keys


def prepare(trial: Trial) -> None:
    """A catalogue of one source in one shard and one endpoint, and its conversations."""
    source = local_source((trial.rows.parent / "source.parquet").absolute())
    full = load_catalog(FULL_CATALOG).model_copy(
        update={"sources": {SOURCE: source}, "benchmarks": {}}
    )
    catalog = with_models(full, real_model(MODEL, trial.url, None))
    assert list(catalog.shards(SOURCE)) == [_SHARD]
    assert list(catalog.models) == [_MODEL]
    begin_deployment(catalog, _data(trial))
    _materialize(f"source/{SOURCE}", _SHARD)
    _materialize(CONVERSATIONS.name, _SHARD)


def _data(trial: Trial) -> Path:
    return trial.folder.absolute() / "data"


def _materialize(asset: str, partition: str) -> None:
    """One run of one asset, as `backfill` does it."""
    import dagster as dg

    from sysgen_dagster.definitions import defs

    job = defs.resolve_implicit_global_asset_job_def()
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.get() as instance:
        job.execute_in_process(
            run_config=quiet,
            instance=instance,
            partition_key=partition,
            asset_selection=[dg.AssetKey(asset.split("/"))],
        )


def ask(trial: Trial) -> None:
    """Make the table of Phase 1."""
    data = _data(trial)
    os.environ |= {
        "DAGSTER_HOME": str(data / "dagster_home"),
        "SYSGEN_DATA": str(data),
        "SYSGEN_CATALOG": str(data / "catalog.yaml"),
    }
    from sysgen_dagster.defs.plumbing import resources  # reads the catalogue when it is imported

    vars(resources)["complete"] = partial(complete, most_in_flight=trial.in_flight)
    _materialize(ANNOTATED.name, f"{_MODEL}|{_SHARD}")


def answers(trial: Trial) -> Iterator[Answer]:
    """The stored table, with the rows that the questions begin with."""
    store = Store(_data(trial))
    here = Partition(_MODEL, _SHARD)
    questions, table = store.path(CONVERSATIONS, here), store.path(ANNOTATED, here)
    asked = pl.read_parquet(str(questions), columns=["conversation_id", "question"])
    kept = pl.read_parquet(str(table)).join(asked, on="conversation_id")
    columns = ("question", "annotated_message", "drop_reason")
    for question, text, reason in kept.select(columns).iter_rows():
        yield Answer(row_of(question), text, reason)


if __name__ == "__main__":
    run(ask, answers, prepare)
