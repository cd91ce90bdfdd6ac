"""A backfill of one model over all partitions, as a process of its own: the catalogue is read once.

    python -m sysgen_dagster_tests.vllm.backfill SOURCES MODEL DATA SHARDS LIMIT

Prints what the engine says and what became of the runs.
"""

import sys
from pathlib import Path

from rich.console import Console

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.backfill import run_everything
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.trial_catalog import (
    local_catalog,
    real_model,
    with_method,
    with_models,
)
from sysgen_dagster.lanes.catalog import load_catalog

METHOD = ("repair=true", "constrain_verdicts=true", "verdict_confidence=true")


def main(sources: Path, model: str, data: Path, shards: int, limit: int) -> int:
    """0 when every run succeeded."""
    catalog = local_catalog(load_catalog(FULL_CATALOG), sources)
    sliced = {
        name: source.model_copy(update={"shards": shards})
        for name, source in catalog.sources.items()
    }
    models = real_model(model, endpoint=None, api_key_env=None)
    catalog = with_models(catalog.model_copy(update={"sources": sliced}), models)
    catalog = with_method(catalog, METHOD)
    # What does not fit a tiny context is not kept in a ledger, and the judge sees two long answers.
    nobody = dict.fromkeys(("preference_rows", "alignment_rows", "obedience"), 0)
    judging = catalog.judging.model_copy(update=nobody)
    catalog = catalog.model_copy(update={"judging": judging})
    begin_deployment(catalog, data)
    runs = run_everything(Console(width=200, highlight=False), catalog, limit)
    print(runs.summary())
    return 1 if runs.errors else 0


if __name__ == "__main__":
    _sources, _model, _data, _shards, _limit = sys.argv[1:]
    sys.exit(main(Path(_sources), _model, Path(_data), int(_shards), int(_limit)))
