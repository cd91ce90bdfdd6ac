"""Runs models that are of no use through a deployment of their own, and prints what was said.

A program, since a process has one catalogue. Its argument is the folder of the deployment.
"""

import io
import json
import sys
from pathlib import Path

from rich.console import Console

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.commands import trial_catalog
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.simulated.profiles import USELESS

SHARD = "capybara-000"
# All rows of a shard; of a single row, another model of the same kind.
ONE_ROW = "writes-prose-once"


def main(data: Path) -> None:
    """Print what each model's runs came to, and what the terminal shows in the end."""
    full = trial_catalog.local_catalog(load_catalog(FULL_CATALOG), trial_catalog.EXAMPLE_ROWS)
    [sound] = trial_catalog.real_model("Org/Sound", None, None).values()
    profiles = {name: name for name in USELESS} | {ONE_ROW: "writes-prose"}
    models = {
        name: sound.model_copy(
            update={
                "name": name,
                "served_name": f"Org/{name}",
                "engine": Engine.SIMULATED,
                "simulated_profile": profile,
            }
        )
        for name, profile in profiles.items()
    }
    catalog = trial_catalog.with_models(full, models)
    store = begin_deployment(catalog, data)
    from sysgen_dagster.commands.backfill import Runs, run_partitions
    from sysgen_dagster.commands.terminal import show_outcome
    from sysgen_dagster.defs.measures import quality_counts, retention, row_quality
    from sysgen_dagster.defs.planted_faults import planted_faults
    from sysgen_dagster.defs.plumbing.partitions import SOURCE_TABLES, asset_key
    from sysgen_dagster.defs.sysgen_lane import PHASES
    from sysgen_dagster.sources.tables import CONVERSATIONS

    console = Console(file=io.StringIO(), width=160)
    source = [asset_key(SOURCE_TABLES["capybara"])]
    of_shards = [each.key for each in (*PHASES, row_quality)]
    of_models = [each.key for each in (retention, quality_counts, planted_faults)]
    run_partitions(console, [("source", source, SHARD)])
    run_partitions(console, [("conversations", [asset_key(CONVERSATIONS)], SHARD)])
    outcomes: dict[str, Runs] = {}
    for name in models:
        limit = 1 if name == ONE_ROW else None
        work = [(name, of_shards, f"{name}|{SHARD}"), (name, of_models, name)]
        outcomes[name] = run_partitions(console, work, limit)
    said = {
        name: {
            "errors": runs.errors,
            "broken": runs.broken,
            "warned": runs.warned,
            "explained": runs.explained,
            "summary": runs.summary(),
        }
        for name, runs in outcomes.items()
    }
    shown = Console(file=io.StringIO(), width=160)
    show_outcome(shown, catalog, store)
    printed = shown.file.getvalue()  # type: ignore[attr-defined]
    print(json.dumps({"models": said, "printed": printed}), file=sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
