"""Takes every shard of one source through the phases of one model, and prints what was sent.

    SYSGEN_DATA=... SYSGEN_CATALOG=... python -m sysgen_dagster_tests.defs.phases_of_all_shards

A program, since partitions are read from the catalogue when the definitions are imported.
"""

import json

import dagster as dg

from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES, asset_key
from sysgen_dagster.defs.sysgen_lane import PHASES
from sysgen_dagster.sources.tables import CONVERSATIONS

MODEL, SOURCE = "phi-4", "capybara"


def main() -> None:
    """Print the requests and the attempts of all phases of all shards."""
    job = defs.resolve_implicit_global_asset_job_def()
    counted = {"requests": 0, "times_sent": 0}
    shards = CATALOG.shards(SOURCE)
    of_model = [phase.key for phase in PHASES]
    work = [
        *(([asset_key(SOURCE_TABLES[SOURCE])], shard) for shard in shards),
        *(([asset_key(CONVERSATIONS)], shard) for shard in shards),
        *((of_model, f"{MODEL}|{shard}") for shard in shards),
    ]
    with dg.instance_for_test() as instance:
        for assets, partition in work:
            result = job.execute_in_process(
                instance=instance,
                partition_key=partition,
                asset_selection=assets,
            )
            for event in result.get_asset_materialization_events():
                metadata = event.materialization.metadata
                for name in counted:
                    if f"engine/{name}" in metadata:
                        counted[name] += int(str(metadata[f"engine/{name}"].value))
    print(json.dumps(counted))


if __name__ == "__main__":
    main()
