"""A program that works on the data of an older release, and prints what came of it as JSON.

    SYSGEN_DATA=... SYSGEN_CATALOG=... python -m sysgen_dagster_tests.compatibility.use_old_data

It is a process of its own because partitions are read from the catalogue when the definitions are
imported.
"""

import json
import sys
from pathlib import Path

import dagster as dg

from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.judgements import JUDGEMENTS
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.defs.report import paper_comparison, report
from sysgen_dagster.defs.sysgen_lane import PHASES
from sysgen_dagster.storage.inventory import inventory
from sysgen_dagster.storage.store import Store

MODEL, SHARD = "phi-4", "capybara-000"


def main(data: Path) -> None:
    """Print the states of the stored files, what was sent, and which runs succeeded."""
    stored = inventory(Store(data), CATALOG, TABLES.values())
    job = defs.resolve_implicit_global_asset_job_def()
    sent: dict[str, int] = {}
    succeeded: dict[str, bool] = {}
    runs = (
        ("phases", [phase.key for phase in PHASES], f"{MODEL}|{SHARD}"),
        ("judgements", [judgement.key for judgement in JUDGEMENTS], MODEL),
        ("report", [paper_comparison.key, report.key], None),
    )
    with dg.instance_for_test() as instance:
        for name, assets, partition in runs:
            result = job.execute_in_process(
                instance=instance,
                partition_key=partition,
                asset_selection=assets,
                raise_on_error=False,
            )
            succeeded[name] = result.success
            for event in result.get_asset_materialization_events():
                metadata = event.materialization.metadata
                if "engine/times_sent" in metadata:
                    sent[str(event.materialization.label)] = metadata["engine/times_sent"].value
    states = stored.select("table", "state", "detail", "path").to_dicts()
    print(json.dumps({"files": states, "sent": sent, "succeeded": succeeded}), file=sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
