"""The second lane's training rows and preference pairs, which mixtures take as those of the first.

A judge is asked about every pair in both orders, through the client and the ledger of the first
lane's judgements.
"""

import dagster as dg
import polars as pl

from sysgen_dagster.defs.judgements import (
    open_judge,
    pool_of_judges,
    require_replies,
    take_turns,
)
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.lanes.multifaceted import pair_judgement
from sysgen_dagster.lanes.multifaceted.siblings import choose_rejected
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    JUDGED_PAIRS,
    PREFERENCE_SETS,
)
from sysgen_dagster.training_sets.multifaceted import Written, build_pairs, build_rows
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS, MULTIFACETED_ROWS

_WRITTEN = (GOLD_ANSWERS, PREFERENCE_SETS, INSTRUCTIONS)
# Rows of older versions have no flags, and would count as clean.
_VERSION = f"flagged {CATALOG.training.model_dump_json(include={'validation', 'test', 'seed'})}"


@table_asset(
    JUDGED_PAIRS,
    reads=(GOLD_ANSWERS,),
    kinds={"vllm", "parquet"},
    pool=pool_of_judges(CATALOG),
    code_version=pair_judgement.PROMPT.fingerprint,
    asks=True,
)
def judged_pairs(run: AssetRun) -> pl.DataFrame:
    """Whether a judge prefers an answer under its message to that of a sibling, in both orders.

    The sibling is an answer to another message of the same instruction, about as long.
    """
    session, is_generator = open_judge(run, CATALOG.judge_of(run.model.name))
    candidates = choose_rejected(run.read_kept(GOLD_ANSWERS)).drop_nulls("rejected_set")
    requests = pair_judgement.build_requests(candidates)
    completions = session.ask(requests, len(pair_judgement.ORDERS) * candidates.height)
    require_replies(run, completions, session.model.name)
    return pair_judgement.build_judged_pairs(
        candidates, completions, session.model.name, is_generator
    )


@table_asset(MULTIFACETED_ROWS, reads=_WRITTEN, kinds={"polars", "parquet"}, code_version=_VERSION)
def multifaceted_rows(run: AssetRun) -> pl.DataFrame:
    """Chats to train on: a message made of preferences, the instruction, the answer under it."""
    return build_rows(_read_written(run), CATALOG.training)


@table_asset(
    MULTIFACETED_PAIRS,
    reads=(JUDGED_PAIRS, *_WRITTEN),
    kinds={"polars", "parquet"},
    code_version=_VERSION,
)
def multifaceted_pairs(run: AssetRun) -> pl.DataFrame:
    """Pairs for DPO, ORPO and reward models: an answer, and that to another message, rejected.

    A row without a pair says why: no other answer about as long, or the judge does not prefer this
    one whichever stands first.
    """
    judged = run.store.read(JUDGED_PAIRS, run.at)
    pairs = build_pairs(_read_written(run), judged, CATALOG.training)
    shares = pairs.group_by(pl.col("drop_reason").fill_null("a pair")).agg(answers=pl.len())
    share = pl.col("answers") / pl.col("answers").sum()
    run.note(pairs=markdown(shares.with_columns(share=share).sort("answers", descending=True)))
    return pairs


def _read_written(run: AssetRun) -> Written:
    """What the lane has stored of the partition."""
    assert CATALOG.multifaceted is not None  # without it there is no partition
    sources = [
        (name, source.title or name, source.repository or "local", source.license)
        for name, source in CATALOG.multifaceted.sources.items()
    ]
    columns = ("source", "main_source", "source_repo", "source_license")
    return Written(
        run.read_kept(GOLD_ANSWERS),
        run.store.read(PREFERENCE_SETS, run.at, "conversation_id", "preference_set"),
        run.store.read(INSTRUCTIONS, run.at),
        pl.DataFrame(sources, dict.fromkeys(columns, pl.String()), orient="row"),
        run.model.license,
    )


# What is made of a partition once its answers are written.
AFTER_ANSWERS = [judged_pairs, multifaceted_rows, multifaceted_pairs]
# Whether its judges wait until a model has written all answers.
JUDGES_STAND_ASIDE = take_turns(CATALOG, map(CATALOG.judge_of, CATALOG.models))
# Of a deployment whose catalogue does not have the lane's section: nothing.
_OF_LANE = [multifaceted_rows, multifaceted_pairs]
JUDGED: list[dg.AssetsDefinition] = [judged_pairs] if CATALOG.multifaceted else []
MULTIFACETED_TRAINING: list[dg.AssetsDefinition] = _OF_LANE if CATALOG.multifaceted else []
