"""A program that makes partitions of a deployment, and prints what came of each run as JSON.

    SYSGEN_DATA=... SYSGEN_CATALOG=... DAGSTER_HOME=... python -m ...make_partitions RUNS

RUNS is JSON: a list of [PARTITION or null, [ASSET, ...]]. It is a process of its own because
partitions are read from the catalogue when the definitions are imported.
"""

import json
import sys
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.operations.automation import fill_gaps
from sysgen_dagster.defs.plumbing.failures import root_cause

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def main(runs: list[tuple[str | None, list[str]]]) -> None:
    """Print for each run its error, its rows or its findings; then what `fill_gaps` would do."""
    job = defs.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        for partition, assets in runs:
            result = job.execute_in_process(
                instance=instance,
                partition_key=partition,
                asset_selection=[dg.AssetKey(asset.split("/")) for asset in assets],
                raise_on_error=False,
                run_config=_QUIET,
            )
            failures = result.get_step_failure_events()
            checks = [each.description for each in result.get_asset_check_evaluations()]
            print(json.dumps([[root_cause(event) for event in failures], checks]))
        context = dg.build_schedule_context(instance, scheduled_execution_time=datetime.now(UTC))
        said: Any = fill_gaps(context)
        print(json.dumps([str(each) for each in said]))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
