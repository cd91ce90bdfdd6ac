"""What a judge says of samples of a model's answers, beside the paper's Figures 3 and 5.

A judgement is an answer of a model like any other: through the same client, kept in a ledger. The
judge is the catalogue's, and a judge that wrote the answers itself is marked.
"""

import dagster as dg
import polars as pl

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES
from sysgen_dagster.defs.measures import sample_pairs
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.metadata import SIMULATED
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.resources import ModelSession
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.obedience import alignment_judgement, preference_judgement
from sysgen_dagster.obedience.alignment_judgement import (
    build_alignment_judgement_requests,
    build_judged_alignment,
)
from sysgen_dagster.obedience.preference_judgement import (
    build_judged_preferences,
    build_preference_requests,
)
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT, JUDGED_PREFERENCES
from sysgen_dagster.sources.tables import CONVERSATIONS


def pool_of_judges(catalog: Catalog) -> str:
    """What a run of judgements holds: the GPU, or the judge where it is served elsewhere.

    A pool belongs to an asset and not to its partitions, so where models judge themselves all of
    them must be served elsewhere.
    """
    judges = {catalog.judge_of(model).engine for model in catalog.models}
    return "judge" if judges == {Engine.ENDPOINT} else "gpu"


_POOL = pool_of_judges(CATALOG)


@table_asset(
    JUDGED_PREFERENCES,
    reads=[ALIGNED, CONVERSATIONS],
    kinds={"vllm"},
    pool=_POOL,
    code_version=preference_judgement.PROMPT.fingerprint,
    asks=True,
)
def judged_preferences(run: AssetRun) -> pl.DataFrame:
    """Which answer follows the question better, the new one or the original, in both orders."""
    judge = _ask_judge(run)
    rows = sample_pairs(run, CATALOG.judging.preference_rows, CATALOG.judging.seed)
    completions = judge.ask(build_preference_requests(rows), 2 * rows.height)
    judged = build_judged_preferences(rows, completions, judge.model.name, _is_generator(run))
    return _checked(run, judged)


@table_asset(
    JUDGED_ALIGNMENT,
    reads=[ALIGNED, CONVERSATIONS],
    kinds={"vllm"},
    pool=_POOL,
    code_version=alignment_judgement.PROMPT.fingerprint,
    asks=True,
)
def judged_alignment(run: AssetRun) -> pl.DataFrame:
    """Whether the new answer keeps to its system message: Aligned, Not aligned or Unknown."""
    judge = _ask_judge(run)
    rows = sample_pairs(run, CATALOG.judging.alignment_rows, CATALOG.judging.seed)
    completions = judge.ask(build_alignment_judgement_requests(rows), rows.height)
    judged = build_judged_alignment(rows, completions, judge.model.name, _is_generator(run))
    return _checked(run, judged)


def _ask_judge(run: AssetRun) -> ModelSession:
    """The judge of the model whose partition is made.

    Each judge has a ledger of its own, so that nothing is lost while another one is asked.
    """
    judge = CATALOG.judge_of(run.model.name)
    run.note(judge=judge.name, judge_is_generator=_is_generator(run))
    return run.open_session(judge, f"{judge.name}/{run.model.name}")


def _is_generator(run: AssetRun) -> bool:
    """Whether the judge wrote what it judges, be it under another name."""
    judge = CATALOG.judge_of(run.model.name)
    fields = ("served_name", "revision", "weights")
    return all(getattr(judge, field) == getattr(run.model, field) for field in fields)


def _checked(run: AssetRun, judged: pl.DataFrame) -> pl.DataFrame:
    """The judgements, unless the judge gave none at all: those of before are worth more then."""
    failures = [reason.value for reason in ENGINE_FAILURES]
    if judged.height and judged["drop_reason"].is_in(failures).sum() == judged.height:
        why = judged["failure"].drop_nulls().head(1).to_list()
        raise dg.Failure(
            f"{CATALOG.judge_of(run.model.name).name} judged nothing of {run.model.name}: "
            f"{' '.join(why)}. What was judged before stays as it is",
            allow_retries=False,
        )
    if "simulated" in judged["engine"]:
        run.note(simulated=SIMULATED)
    return judged


JUDGEMENTS = [judged_preferences, judged_alignment]
