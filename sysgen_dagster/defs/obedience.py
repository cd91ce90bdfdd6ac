"""Whether answers do what each phrase of their system message asks, and how often that is so.

Rules look at every row. What they leave open goes to the judge of the catalogue, of as many rows as
`judging.obedience` says; where that is 0, no model is asked.
"""

from itertools import chain

import polars as pl

from sysgen_dagster.analysis.obedience_counts import READ, count_obedience
from sysgen_dagster.analysis.sampling import draw_stratified_sample
from sysgen_dagster.analysis.statistics import sum_counts
from sysgen_dagster.analysis.tables import OBEDIENCE_COUNTS
from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.catalog.operations import EVERY_ROW
from sysgen_dagster.defs.judgements import (
    open_judge,
    pool_of_judges,
    require_replies,
    take_turns,
)
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.contracts import require_contracts
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.refusals import may_refuse
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, VERIFIED
from sysgen_dagster.obedience import phrase_judgement
from sysgen_dagster.obedience.by_rules import decide_by_rules
from sysgen_dagster.obedience.several_judges import combine_judges
from sysgen_dagster.obedience.tables import OBEDIENCE
from sysgen_dagster.sources.tables import CONVERSATIONS

ASKS = CATALOG.judging.obedience != 0


def judge_stands_aside(catalog: Catalog) -> bool:
    """Whether the judges of phrases wait until the phases are done."""
    judges = chain.from_iterable(map(catalog.judges_of, catalog.models))
    return catalog.judging.obedience != 0 and take_turns(catalog, judges)


JUDGE_STANDS_ASIDE = judge_stands_aside(CATALOG)


@table_asset(
    OBEDIENCE,
    reads=[ALIGNED, VERIFIED, CONVERSATIONS],
    kinds={"vllm" if ASKS else "polars", "parquet"},
    pool=pool_of_judges(CATALOG) if ASKS else None,
    code_version=phrase_judgement.PROMPT.fingerprint if ASKS else None,
    asks=ASKS,
)
def obedience(run: AssetRun) -> pl.DataFrame:
    """Of each phrase of every final system message, whether the new answer does what it asks.

    Obeyed, not obeyed or unknown, with who decided: rules, or judges by their names. Of several
    judges more than half have to say the same.
    """
    decided = _decide_by_rules(run)
    if not ASKS:
        return phrase_judgement.build_obedience(decided)
    sampled = _sample(decided, str(run.at.shard))
    asked = sampled.filter(phrase_judgement.is_left_to_judge())
    histories = run.evidence().read(CONVERSATIONS, "conversation_id", "history")
    asked = asked.join(histories, on="conversation_id", maintain_order="left", validate="1:1")
    tables = {}
    for judge in CATALOG.judges_of(run.model.name):
        session, is_generator = open_judge(run, judge)
        completions = session.ask(phrase_judgement.build_phrase_requests(asked), asked.height)
        require_replies(run, completions, judge.name)
        tables[judge.name] = phrase_judgement.build_obedience(
            decided, completions, judge.name, is_generator
        )
    if len(tables) > 1:
        return combine_judges(decided["phrases"], tables)
    return next(iter(tables.values()))


def _decide_by_rules(run: AssetRun) -> pl.DataFrame:
    """The answered rows of the partition, with what rules say of phrases and of the answer."""
    phrases = run.evidence().read(VERIFIED, "conversation_id", "phrases")
    questions = run.evidence().read(CONVERSATIONS, "conversation_id", "question")
    rows = run.read_kept(ALIGNED)
    for told in (phrases, questions):
        rows = rows.join(
            told, on="conversation_id", how="left", maintain_order="left", validate="1:1"
        )
    answers = phrase_judgement.list_answers(rows)
    return rows.with_columns(
        phrases=decide_by_rules(rows["phrases"], answers),
        may_decline=may_refuse(pl.col("new_answer"), pl.col("question")),
    )


def _sample(rows: pl.DataFrame, shard: str) -> pl.DataFrame:
    """The rows of a shard whose open phrases are judged.

    A number of rows of each source is spread over its shards, the first of which take what is over.
    So a shard need not know which rows the others have.
    """
    wanted = CATALOG.judging.obedience
    if wanted == EVERY_ROW:
        return rows
    source, at = split_shard(shard)
    each, over = divmod(int(wanted), CATALOG.sources[source].shards)
    return draw_stratified_sample(rows, each + (at < over), CATALOG.judging.seed)


@table_asset(OBEDIENCE_COUNTS, reads=[OBEDIENCE], kinds={"polars"})
def obedience_counts(run: AssetRun) -> pl.DataFrame:
    """How many phrases of each tag are obeyed in each source, and who says so."""
    parts = list(run.all_shards(OBEDIENCE).by_shard())
    for part in parts:
        require_contracts(part, OBEDIENCE)  # the phases may have made a shard again since
    return sum_counts(count_obedience(part.read(OBEDIENCE, *READ)) for part in parts)
