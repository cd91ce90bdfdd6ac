"""A judge's verdicts on samples of a model's answers, beside the paper's Figures 3 and 5.

The judge is asked through the same client as the models of the phases, and its replies are kept in
a ledger. The catalogue says which model judges; where it wrote the answers itself, the rows say so.
"""

from collections.abc import Callable, Iterable
from itertools import chain

import dagster as dg
import polars as pl

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.chat.prompts import Prompt
from sysgen_dagster.defs.measures import sample_pairs
from sysgen_dagster.defs.plumbing.assets import Make, table_asset
from sysgen_dagster.defs.plumbing.excluded import excluded_ids
from sysgen_dagster.defs.plumbing.metadata import SIMULATED, markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.resources import ModelSession
from sysgen_dagster.defs.plumbing.reviewed import decided_rows
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.obedience import (
    alignment_judgement,
    calibration,
    labelled_items,
    phrase_judgement,
    preference_judgement,
)
from sysgen_dagster.obedience.tables import (
    JUDGE_CALIBRATION,
    JUDGED_ALIGNMENT,
    JUDGED_PREFERENCES,
)
from sysgen_dagster.review.decisions import Choice, read_decisions
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.tables.table import Partition, Table

_LOCAL = {Engine.VLLM, Engine.LLAMA_CPP}


def pool_of_judges(catalog: Catalog) -> str:
    """The Dagster pool of the judgements: `judge` where all judges are endpoints, else `gpu`.

    A pool belongs to an asset and not to its partitions, so one judge on this machine's GPU puts
    the judgements of all models into its pool.
    """
    judges = chain.from_iterable(map(catalog.every_judge_of, catalog.models))
    return "judge" if {judge.engine for judge in judges} == {Engine.ENDPOINT} else "gpu"


def take_turns(catalog: Catalog, judges: Iterable[Model]) -> bool:
    """Whether judges may need the GPU of models that they judge.

    A judge that is another model on this machine would take the model's place for each shard anew.
    """
    local = {judge.name for judge in judges if judge.engine in _LOCAL}
    here = {model.name for model in catalog.models.values() if model.engine in _LOCAL}
    return bool(local and here) and local != here


def _judgement(table: Table, prompt: Prompt) -> Callable[[Make[pl.DataFrame]], dg.AssetsDefinition]:
    """Declares the asset of one table of judgements."""
    return table_asset(
        table,
        reads=[ALIGNED, CONVERSATIONS],
        kinds={"vllm"},
        pool=pool_of_judges(CATALOG),
        code_version=prompt.fingerprint,
        asks=True,
    )


@_judgement(JUDGED_PREFERENCES, preference_judgement.PROMPT)
def judged_preferences(run: AssetRun) -> pl.DataFrame:
    """Which answer follows the question better, the new one or the original, in both orders."""
    return _judge(
        run,
        CATALOG.judging.preference_rows,
        preference_judgement.build_preference_requests,
        preference_judgement.build_judged_preferences,
        requests_per_row=len(preference_judgement.ORDERS),
    )


@_judgement(JUDGED_ALIGNMENT, alignment_judgement.PROMPT)
def judged_alignment(run: AssetRun) -> pl.DataFrame:
    """Whether the new answer keeps to its system message: Aligned, Not aligned or Unknown."""
    return _judge(
        run,
        CATALOG.judging.alignment_rows,
        alignment_judgement.build_alignment_judgement_requests,
        alignment_judgement.build_judged_alignment,
    )


def _judge(
    run: AssetRun,
    per_source: int,
    build_requests: Callable[[pl.DataFrame], Iterable[ChatRequest]],
    build_judged: Callable[[pl.DataFrame, pl.DataFrame, str, bool], pl.DataFrame],
    requests_per_row: int = 1,
) -> pl.DataFrame:
    """The judgements of a sample of the partition's model.

    Raises:
        dg.Failure: The judge gave no verdict at all; the table stored before is not replaced.
    """
    session, is_generator = open_judge(run, CATALOG.judge_of(run.model.name))
    rows = sample_pairs(run, per_source, CATALOG.judging.seed)
    completions = session.ask(build_requests(rows), requests_per_row * rows.height)
    require_replies(run, completions, session.model.name)
    return build_judged(rows, completions, session.model.name, is_generator)


def open_judge(run: AssetRun, judge: Model) -> tuple[ModelSession, bool]:
    """A session with a judge of the partition's model, and whether the two are the same."""
    is_generator = judge.is_same_as(run.model)
    others = [session.model.name for session in run.sessions]
    run.note(judge=", ".join([*others, judge.name]), judge_is_generator=is_generator)
    # Each judge has a ledger of its own, so its replies are kept while another judge is asked.
    return run.open_session(judge, f"{judge.name}/{run.at.key}"), is_generator


def require_replies(run: AssetRun, completions: pl.DataFrame, model: str) -> None:
    """Do nothing where a model was asked nothing or replied at all; note that it is simulated.

    Raises:
        dg.Failure: Each request failed in the engine; the table stored before is not replaced.
    """
    failed = completions["failed_because"].is_in([reason.value for reason in ENGINE_FAILURES])
    if completions.height and failed.sum() == completions.height:
        why = " ".join(completions["failure"].drop_nulls().head(1))
        raise dg.Failure(
            f"{model} replied to nothing of {run.at.key}: {why}. What is stored stays as it is",
            allow_retries=False,
        )
    if "simulated" in completions["engine"]:
        run.note(simulated=SIMULATED)


@table_asset(
    JUDGE_CALIBRATION,
    reads=[ALIGNED, CONVERSATIONS],
    kinds={"vllm"},
    pool=pool_of_judges(CATALOG),
    code_version=f"{labelled_items.FINGERPRINT} {preference_judgement.PROMPT.fingerprint} "
    f"{alignment_judgement.PROMPT.fingerprint} {phrase_judgement.PROMPT.fingerprint}",
    asks=True,
)
def judge_calibration(run: AssetRun) -> pl.DataFrame:
    """What judges say of items that are labelled already, and so whether they may be believed.

    LLMBar's 419 pairs in both orders, where preferences are judged; the rows that reviewers have
    accepted or rejected, where alignment is; labelled phrases, where phrases are. Nothing is asked
    where nothing is judged, nor of a model that judges itself because the catalogue names no judge:
    in a trial of a few rows that would be most of the cost.
    """
    model = run.model.name
    is_named = bool(CATALOG.judging.judge or CATALOG.judging.judges)
    judges = CATALOG.every_judge_of(model) if is_named else []
    rows = pl.concat([JUDGE_CALIBRATION.empty(), *(_calibrate(run, judge) for judge in judges)])
    found = calibration.calibrate(rows)
    run.note(
        calibration=markdown(found.drop("table")),
        **{
            "/".join(["table", row["judge"], row["labelled_set"] or row["kind"]]): row["table"]
            for row in found.to_dicts()
        },
    )
    return rows


def _calibrate(run: AssetRun, judge: Model) -> pl.DataFrame:
    """What one judge says of labelled items of the kinds that it judges."""
    session, is_generator = open_judge(run, judge)
    settings, model = CATALOG.judging, run.model.name
    of_samples = judge == CATALOG.judge_of(model)
    of_phrases = settings.obedience != 0 and judge in CATALOG.judges_of(model)
    pairs = labelled_items.read_labelled_pairs()
    pairs = pairs if of_samples and settings.preference_rows else pairs.clear()
    phrases = labelled_items.read_labelled_phrases()
    phrases = phrases if of_phrases else phrases.clear()
    reviewed = _reviewed_rows(run) if of_samples else labelled_items.NO_REVIEWED
    requests = chain(
        preference_judgement.build_preference_requests(pairs),
        alignment_judgement.build_alignment_judgement_requests(reviewed),
        phrase_judgement.build_phrase_requests(phrases),
    )
    asked = len(preference_judgement.ORDERS) * pairs.height + reviewed.height + phrases.height
    completions = session.ask(requests, asked)
    require_replies(run, completions, judge.name)
    return calibration.build_judge_calibration(
        pairs, reviewed, phrases, completions, judge.name, is_generator
    )


def _reviewed_rows(run: AssetRun) -> pl.DataFrame:
    """The rows of the model that a reviewer accepted or rejected as they are, with their label.

    Columns as `measures.sample_pairs` has them, and ``label``; none where alignment is not judged.
    """
    model, parts = run.model.name, []
    decisions = read_decisions(run.store).without(excluded_ids(run.store))
    is_wanted = bool(CATALOG.judging.alignment_rows and decisions.of(model))
    for shard in finished_shards(run.store, CATALOG, ALIGNED, model) if is_wanted else ():
        decided = decided_rows(run.store, decisions, Partition(model, shard)).filter(
            pl.all_horizontal(pl.col("system_message", "new_answer").is_null())
        )
        evidence = StoredEvidence(run.store, (shard,), model)
        labels = decided.select(
            "conversation_id",
            system_message="shown_message",
            new_answer="shown_answer",
            label=pl.col("choice").replace_strict(_LABELS),
        )
        texts = ("conversation_id", "source", "question", "history")
        parts.append(labels.join(evidence.read(CONVERSATIONS, *texts), on="conversation_id"))
    return pl.concat([labelled_items.NO_REVIEWED, *parts], how="diagonal")


_LABELS = {
    Choice.ACCEPTED.value: alignment_judgement.Alignment.ALIGNED.value,
    Choice.REJECTED.value: alignment_judgement.Alignment.NOT_ALIGNED.value,
}
JUDGEMENTS = [judged_preferences, judged_alignment, judge_calibration]
