"""Whether a model can judge: its verdicts as Phase 3's judge on messages with planted faults."""

import dagster as dg
import polars as pl

from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.metadata import SIMULATED
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.lanes.sysgen import planted_faults as planted
from sysgen_dagster.lanes.sysgen.phases import VERIFICATION
from sysgen_dagster.lanes.sysgen.tables import PLANTED_FAULTS


@table_asset(
    PLANTED_FAULTS,
    reads=(),
    kinds={"vllm"},
    pool="gpu",
    code_version=f"{planted.FINGERPRINT} {VERIFICATION.code_version(CATALOG.method)}",
    asks=True,
)
def planted_faults(run: AssetRun) -> pl.DataFrame:
    """What the judge of Phase 3 says of tags that are wrong on purpose, and of right ones.

    About fifty short requests a model. A judge that finds no fault removes nothing in Phase 3.
    """
    messages = planted.read_planted_messages()
    session = run.open_session(run.model)
    requests = planted.build_planted_requests(messages, CATALOG.method)
    rows = planted.build_planted_faults(messages, session.ask(requests, messages.height))
    failures = [reason.value for reason in ENGINE_FAILURES]
    if rows["drop_reason"].is_in(failures).sum() == rows.height:
        why = " ".join(rows["failure"].drop_nulls().head(1))
        raise dg.Failure(f"{run.model.name} judged nothing: {why}", allow_retries=False)
    if "simulated" in rows["engine"]:
        run.note(simulated=SIMULATED)
    return rows
