"""A program that makes one partition of `trained_students`, and prints as JSON what came of it.

    SYSGEN_DATA=... SYSGEN_CATALOG=... DAGSTER_HOME=... python -m ...train_students TRAINING

It is a process of its own so that it can be killed, and because partitions are read from the
catalogue when the definitions are imported.
"""

import json
import sys

import dagster as dg

from sysgen_dagster.defs.plumbing.failures import root_cause
from sysgen_dagster.defs.plumbing.resources import tables_here
from sysgen_dagster.defs.student_checks import trained_students_checks
from sysgen_dagster.defs.students import trained_students

KEY = dg.AssetKey("trained_students")
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def main(training: str) -> None:
    """Print the errors, the metadata, the observations and the checks of the run."""
    defs = dg.Definitions(
        [trained_students],
        asset_checks=[trained_students_checks],
        resources={"tables": tables_here()},
        executor=dg.in_process_executor,
    )
    job = defs.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance, partition_key=training, raise_on_error=False, run_config=_QUIET
        )
        made = result.get_asset_materialization_events()
        noted = made[0].materialization.metadata if made else {}
        observed = [event.asset_observation_data for event in result.get_asset_observation_events()]
        said = {
            "errors": [root_cause(event) for event in result.get_step_failure_events()],
            "metadata": {name: str(value.value) for name, value in noted.items()},
            "observed": [
                {name: value.value for name, value in each.asset_observation.metadata.items()}
                for each in observed
            ],
            "broken": [
                f"{each.check_name}: {each.description}"
                for each in result.get_asset_check_evaluations()
                if not each.passed
            ],
        }
    print("url:", json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1])
