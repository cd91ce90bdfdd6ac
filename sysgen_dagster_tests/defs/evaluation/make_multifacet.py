"""A program that makes tables of Multifaceted-Bench, and prints as JSON what came of each.

    SYSGEN_DATA=... SYSGEN_CATALOG=... DAGSTER_HOME=... python -m ...make_multifacet \
        multifacet_items multifacet_answers:owl ...

It is a process of its own so that it can be killed, and because subjects are partitions, which are
read from the catalogue when the definitions are imported.
"""

import json
import sys
from typing import Any

import dagster as dg

from sysgen_dagster.defs.evaluation.multifacet import MULTIFACET
from sysgen_dagster.defs.plumbing.asset_checks import ASSET_CHECKS
from sysgen_dagster.defs.plumbing.failures import root_cause
from sysgen_dagster.defs.plumbing.resources import DATA, InferenceResource, tables_here

_MADE = {asset.key for asset in MULTIFACET}
DEFS = dg.Definitions(
    MULTIFACET,
    asset_checks=[
        check for check in ASSET_CHECKS if {key.asset_key for key in check.check_keys} <= _MADE
    ],
    resources={"tables": tables_here(), "models": InferenceResource(root=DATA)},
    executor=dg.in_process_executor,
)
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def make(instance: dg.DagsterInstance, name: str, subject: str | None) -> dict[str, Any]:
    """The errors, the metadata and the checks of the run of one asset."""
    result = DEFS.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        partition_key=subject,
        asset_selection=[dg.AssetKey(name)],
        raise_on_error=False,
        run_config=_QUIET,
    )
    made = result.get_asset_materialization_events()
    noted = made[0].materialization.metadata if made else {}
    return {
        "errors": [root_cause(event) for event in result.get_step_failure_events()],
        "metadata": {key: str(value.value) for key, value in noted.items()},
        "checks": {each.check_name: each.passed for each in result.get_asset_check_evaluations()},
    }


def main(wanted: list[str]) -> None:
    """Print what came of each of the assets; of one with subjects the subject stands behind it."""
    with dg.DagsterInstance.get() as instance:
        said = []
        for each in wanted:
            name, _, subject = each.partition(":")
            said.append(make(instance, name, subject or None))
    print("url:", json.dumps(said), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
