"""What a judge says of samples of a model's answers, beside the paper's Figures 3 and 5.

A judgement is an answer of a model like any other: through the same client, kept in a ledger. The
judge is the catalogue's, and a judge that wrote the answers itself is marked.
"""

from typing import Any

import dagster as dg
import polars as pl

from sysgen_dagster.catalog.catalog import Catalog, Engine
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES
from sysgen_dagster.defs.plumbing.failures import told_plainly
from sysgen_dagster.defs.plumbing.metadata import SIMULATED, column_metadata, progress_metadata
from sysgen_dagster.defs.plumbing.partitions import CATALOG, MODELS, every_partition
from sysgen_dagster.defs.plumbing.resources import InferenceResource, ModelSession, TablesResource
from sysgen_dagster.defs.plumbing.table_io import publish, sample_pairs
from sysgen_dagster.defs.sysgen_lane import aligned_responses, conversations
from sysgen_dagster.obedience import alignment_judgement, preference_judgement
from sysgen_dagster.tables.table import TABLES


def pool_of_judges(catalog: Catalog) -> str:
    """What a run of judgements holds: the GPU, or the judge where it is served elsewhere.

    A pool belongs to an asset and not to its partitions, so where models judge themselves all of
    them must be served elsewhere.
    """
    judges = {catalog.served[catalog.judge_of(model)].engine for model in catalog.models}
    return "judge" if judges == {Engine.ENDPOINT} else "gpu"


_POOL = pool_of_judges(CATALOG)


@dg.asset(
    deps=[aligned_responses, *every_partition(conversations)],
    partitions_def=MODELS,
    group_name="judgements",
    kinds={"vllm"},
    pool=_POOL,
    code_version=preference_judgement.PROMPT.fingerprint,
    metadata=column_metadata(TABLES["judged_preferences"]),
)
@told_plainly
def judged_preferences(
    context: dg.AssetExecutionContext, tables: TablesResource, models: InferenceResource
) -> dg.MaterializeResult[None]:
    """Which answer follows the question better, the new one or the original, in both orders."""
    judge = models.judge_of(context)
    rows = _sample(context, tables, CATALOG.judging.preference_rows)
    completions = judge.complete(
        preference_judgement.build_preference_requests(rows), 2 * rows.height
    )
    judged = preference_judgement.build_judged_preferences(
        rows, completions, judge.name, _is_generator(context, judge)
    )
    return _publish(context, tables, judge, judged)


@dg.asset(
    deps=[aligned_responses, *every_partition(conversations)],
    partitions_def=MODELS,
    group_name="judgements",
    kinds={"vllm"},
    pool=_POOL,
    code_version=alignment_judgement.PROMPT.fingerprint,
    metadata=column_metadata(TABLES["judged_alignment"]),
)
@told_plainly
def judged_alignment(
    context: dg.AssetExecutionContext, tables: TablesResource, models: InferenceResource
) -> dg.MaterializeResult[None]:
    """Whether the new answer keeps to its system message: Aligned, Not aligned or Unknown."""
    judge = models.judge_of(context)
    rows = _sample(context, tables, CATALOG.judging.alignment_rows)
    requests = alignment_judgement.build_alignment_judgement_requests(rows)
    completions = judge.complete(requests, rows.height)
    judged = alignment_judgement.build_judged_alignment(
        rows, completions, judge.name, _is_generator(context, judge)
    )
    return _publish(context, tables, judge, judged)


_FAILURES = [reason.value for reason in ENGINE_FAILURES]


def _sample(context: dg.AssetExecutionContext, tables: TablesResource, rows: int) -> pl.DataFrame:
    return sample_pairs(tables, context.partition_key, rows, CATALOG.judging.seed)


def _is_generator(context: dg.AssetExecutionContext, judge: ModelSession) -> bool:
    """Whether the judge wrote what it judges, be it under another name."""
    names = ("served_name", "revision", "weights")
    one, other = (CATALOG.served[name] for name in (judge.name, context.partition_key))
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _publish(
    context: dg.AssetExecutionContext,
    tables: TablesResource,
    judge: ModelSession,
    judged: pl.DataFrame,
) -> dg.MaterializeResult[None]:
    """Store the judgements, and only then let go of the ledger's lines."""
    if judged.height and judged["drop_reason"].is_in(_FAILURES).sum() == judged.height:
        why = judged["failure"].drop_nulls().head(1).to_list()
        raise dg.Failure(
            f"{judge.name} judged nothing of {context.partition_key}: {' '.join(why)}. What was "
            "judged before stays as it is",
            allow_retries=False,
        )
    result = publish(context, tables, judged)
    judge.settle()
    metadata: dict[str, Any] = {
        "judge": judge.name,
        "judge_is_generator": bool(judged["judge_is_generator"].any()),
        **(result.metadata or {}),
        **progress_metadata(judge.progress),
    }
    if "simulated" in judged["engine"]:
        metadata["simulated"] = SIMULATED
    return dg.MaterializeResult(metadata=metadata, data_version=result.data_version)


JUDGEMENTS = [judged_preferences, judged_alignment]
