"""Fails runs whose process is gone, so that their pools are free and their partitions are gaps.

Dagster does so where its launcher can ask for the health of a run, as on Kubernetes. Of the default
launcher it finds a killed process only while the code server that had started it lives: after the
machine went down, nobody would.
"""

from collections.abc import Iterator

import dagster as dg

from sysgen_dagster.defs.plumbing.run_workers import forget, is_dead

_BEGUN = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_WHY = (
    "The process of this run is gone: it was killed, or its machine went down. What its models "
    "answered is kept; the run is tried again, or its partition is a gap that `fill_gaps` fills."
)


def end_dead_runs(instance: dg.DagsterInstance) -> Iterator[str]:
    """Fail each run of this machine whose process is gone; one that was to be ended is canceled.

    Yields:
        What was done with each, once it is done.
    """
    if instance.run_launcher.supports_check_run_worker_health:
        return
    for seen in instance.get_runs(dg.RunsFilter(statuses=_BEGUN)):
        if not is_dead(instance, seen):
            continue
        # Again: it may have ended by itself since. Now that it is dead, it does nothing any more.
        run = instance.get_run_by_id(seen.run_id)
        if run is not None and run.status in _BEGUN:
            is_wanted = run.status is dg.DagsterRunStatus.CANCELING
            report = instance.report_run_canceled if is_wanted else instance.report_run_failed
            report(run, _WHY)
            partition = run.tags.get("dagster/partition", "")
            yield f"{'canceled' if is_wanted else 'failed'} {run.run_id} {partition}".rstrip()
        forget(instance, seen.run_id)


@dg.sensor(
    name="dead_runs",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Fails runs whose process is gone because it was killed or the machine went down: their "
        "pools are free again and their partitions are gaps. Runs of other machines are left alone."
    ),
)
def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Starts nothing; says what it ended."""
    ended = list(end_dead_runs(context.instance))
    return dg.SkipReason("; ".join(ended) or "every run that was begun here lives")
