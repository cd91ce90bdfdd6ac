"""Entry point: every asset, check, job and resource of the code location."""

import os

import dagster as dg

from sysgen_dagster.defs.bench_reviews import REVIEWED_BENCH
from sysgen_dagster.defs.conflicts import CONFLICTS
from sysgen_dagster.defs.evaluation.comparisons import COMPARISONS
from sysgen_dagster.defs.evaluation.contamination import CONTAMINATION_CHECKS
from sysgen_dagster.defs.evaluation.suites import EVALUATIONS
from sysgen_dagster.defs.export_checks import EXPORT_CHECKS
from sysgen_dagster.defs.exports import EXPORTS
from sysgen_dagster.defs.judgements import JUDGEMENTS
from sysgen_dagster.defs.measures import CORPUS, QUALITY, STATISTICS, near_duplicate_questions
from sysgen_dagster.defs.mixture_checks import MIXTURE_CHECKS
from sysgen_dagster.defs.multifaceted_bench import BENCH, BENCH_JOB
from sysgen_dagster.defs.multifaceted_lane import MULTIFACETED, STEPS, instructions, selection
from sysgen_dagster.defs.multifaceted_training import JUDGED, MULTIFACETED_TRAINING
from sysgen_dagster.defs.obedience import ASKS, obedience, obedience_counts
from sysgen_dagster.defs.operations import automation
from sysgen_dagster.defs.operations.alerts import alerts
from sysgen_dagster.defs.operations.dead_runs import dead_runs
from sysgen_dagster.defs.operations.filling_multifaceted import (
    MULTIFACETED_JOB,
    fill_multifaceted,
)
from sysgen_dagster.defs.operations.forecast import forecast
from sysgen_dagster.defs.operations.stalled_runs import stalled_runs
from sysgen_dagster.defs.planted_faults import planted_faults
from sysgen_dagster.defs.plumbing.asset_checks import ASSET_CHECKS
from sysgen_dagster.defs.plumbing.event_log import keep_engines
from sysgen_dagster.defs.plumbing.resources import DATA, WORK, InferenceResource, tables_here
from sysgen_dagster.defs.report import paper_comparison, report
from sysgen_dagster.defs.review import review_decisions
from sysgen_dagster.defs.student_cards import student_cards
from sysgen_dagster.defs.student_checks import trained_students_checks
from sysgen_dagster.defs.students import trained_students
from sysgen_dagster.defs.sysgen_lane import PHASES, SOURCES, conversations
from sysgen_dagster.defs.training_sets import TRAINING, mixtures

# Where rules alone decide it is made like a measure, else with the phases, which ask a model, too.
_OBEYED = [*([] if ASKS else [obedience]), obedience_counts]
# Assets that take a minute at most: their runs leave the queue before all others.
_SMALL = [
    # `splits` reads near_duplicate_questions: both are made in one run.
    *(conversations, near_duplicate_questions, *STATISTICS, *QUALITY, *TRAINING, *_OBEYED),
    *(paper_comparison, report, automation.OUT_OF_DATE),
    *([instructions, *MULTIFACETED_TRAINING] if MULTIFACETED else []),
]
# Nothing of the second lane where the catalogue does not ask for it.
_MULTIFACETED = [selection, *automation.automated([instructions], automation.FOLLOWS), *STEPS]
_MULTIFACETED += automation.automated(MULTIFACETED_TRAINING, automation.FOLLOWS)

keep_engines()
defs = dg.Definitions(
    assets=[
        *SOURCES,
        *automation.automated([conversations], automation.FOLLOWS),
        *PHASES,
        *(_MULTIFACETED if MULTIFACETED else []),
        *automation.following([*STATISTICS, *QUALITY, *CORPUS, *TRAINING, *_OBEYED]),
        *automation.automated([paper_comparison, report], automation.WITH_WHAT_IS_THERE),
        # These are made by hand only: judgements, the bench and conflict turns cost tokens, exports
        # leave the machine, trainings and evaluations take GPU-hours, and a forecast holds for one
        # moment. Decisions are made by people.
        *([obedience] if ASKS else []),
        *JUDGEMENTS,
        *JUDGED,
        *BENCH,
        *CONFLICTS,
        planted_faults,
        forecast,
        review_decisions,
        *REVIEWED_BENCH,
        mixtures,
        *EXPORTS,
        trained_students,
        *EVALUATIONS,
        *COMPARISONS,
        student_cards,
        automation.OUT_OF_DATE,
    ],
    asset_checks=[
        *(*ASSET_CHECKS, *MIXTURE_CHECKS, *EXPORT_CHECKS, *CONTAMINATION_CHECKS),
        trained_students_checks,
    ],
    jobs=[
        automation.SYSGEN_JOB,
        *([MULTIFACETED_JOB] if MULTIFACETED else []),
        *([BENCH_JOB] if BENCH else []),
    ],
    schedules=[automation.fill_gaps, *([fill_multifaceted] if MULTIFACETED else [])],
    sensors=[
        alerts,
        stalled_runs,
        dead_runs,
        dg.AutomationConditionSensorDefinition(
            "small_jobs",
            target=_SMALL,
            run_tags=automation.SMALL,
            description=(
                "Conversations follow their source; row measures, statistics, training rows and "
                "the report follow the phases, before the phases' next partitions start."
            ),
        ),
        dg.AutomationConditionSensorDefinition(
            "large_jobs",
            target=[asset for asset in CORPUS if asset not in _SMALL],
            description=(
                "How varied messages are, which ones nearly repeat another, and which rows hold "
                "benchmark items: looked at again when those rows have changed."
            ),
        ),
    ],
    resources={
        "tables": tables_here(),
        "models": InferenceResource(
            root=DATA, work=WORK, engine=os.environ.get("SYSGEN_ENGINE", "")
        ),
    },
    # A process for each step would cost about 4 CPU seconds a step; models run in other processes.
    executor=dg.in_process_executor,
)
