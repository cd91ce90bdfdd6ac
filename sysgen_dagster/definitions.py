"""Entry point: every asset, check, job and resource of the code location."""

import os

import dagster as dg

from sysgen_dagster.defs.exports import EXPORTS
from sysgen_dagster.defs.judgements import JUDGEMENTS
from sysgen_dagster.defs.measures import CORPUS, QUALITY, STATISTICS, near_duplicate_questions
from sysgen_dagster.defs.operations.alerts import alerts
from sysgen_dagster.defs.operations.automation import (
    FOLLOWS,
    OUT_OF_DATE,
    SYSGEN_JOB,
    WITH_WHAT_IS_THERE,
    automated,
    fill_gaps,
    following,
    large_jobs,
    small_jobs,
)
from sysgen_dagster.defs.operations.forecast import forecast
from sysgen_dagster.defs.plumbing.asset_checks import ASSET_CHECKS
from sysgen_dagster.defs.plumbing.resources import InferenceResource, TablesResource
from sysgen_dagster.defs.report import paper_comparison, report
from sysgen_dagster.defs.sysgen_lane import PHASES, SOURCES, conversations
from sysgen_dagster.defs.training_sets import TRAINING, mixtures

_DATA = os.environ.get("SYSGEN_DATA", "data")
_WORK = os.environ.get("SYSGEN_WORK", "")

defs = dg.Definitions(
    assets=[
        *SOURCES,
        *automated([conversations], FOLLOWS),
        *PHASES,
        # The others are started by hand: judgements cost tokens, exports leave the machine, and a
        # forecast is of one moment.
        *following([*STATISTICS, *QUALITY, *CORPUS, *TRAINING]),
        *automated([paper_comparison, report], WITH_WHAT_IS_THERE),
        *JUDGEMENTS,
        forecast,
        mixtures,
        *EXPORTS,
        OUT_OF_DATE,
    ],
    asset_checks=ASSET_CHECKS,
    jobs=[SYSGEN_JOB],
    schedules=[fill_gaps],
    sensors=[
        alerts,
        small_jobs(
            [
                # Splits are made of like questions, in the same run.
                *(conversations, near_duplicate_questions, *STATISTICS, *QUALITY, *TRAINING),
                *(paper_comparison, report, OUT_OF_DATE),
            ]
        ),
        large_jobs([each for each in CORPUS if each is not near_duplicate_questions]),
    ],
    resources={
        "tables": TablesResource(root=_DATA, work=_WORK),
        "models": InferenceResource(
            root=_DATA, work=_WORK, engine=os.environ.get("SYSGEN_ENGINE", "")
        ),
    },
    # A process per step costs about 4 CPU seconds a step, and the engine is elsewhere anyway.
    executor=dg.in_process_executor,
)
