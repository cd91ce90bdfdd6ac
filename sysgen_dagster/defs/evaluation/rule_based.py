"""S-IFEval, IFEval and Tensor Trust: items, what subjects answer, what rules say, the scores."""

import dagster as dg
import polars as pl

from sysgen_dagster.catalog.evaluation import Bench
from sysgen_dagster.defs.evaluation.asking import open_subject, pool_of_subjects
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.contracts import evidence_for_checks, require_contracts
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.evaluation.rule_based import grading
from sysgen_dagster.evaluation.rule_based.files import find_files, read_files
from sysgen_dagster.evaluation.rule_based.items import build_item_table
from sysgen_dagster.evaluation.rule_based.scores import count_left_out, describe_protocol
from sysgen_dagster.evaluation.rule_based.suites import BENCHES, RuleBench
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.tables.rates import count_drops
from sysgen_dagster.tables.table import Partition, Table


def _declare(bench: RuleBench) -> list[dg.AssetsDefinition]:
    """The four assets of one benchmark."""
    settings: Bench = getattr(CATALOG.evaluation, bench.name)
    return [
        _declare_items(bench, settings),
        _declare_answers(bench),
        _declare_gradings(bench),
        _declare_scores(bench),
    ]


def _declare_items(bench: RuleBench, settings: Bench) -> dg.AssetsDefinition:
    table, *_ = bench.tables

    def items(run: AssetRun) -> pl.DataFrame:
        files = find_files(settings, run.tables.working_folder() / "downloads", run.store)
        every = bench.read_items(bench.name, read_files(settings, files))
        wanted = build_item_table(every, settings.items, settings.seed, table)
        run.note(
            license=settings.license,
            left_out=markdown(count_left_out(wanted)),
            items_left_out=wanted["drop_reason"].count(),
        )
        return wanted

    return table_asset(
        table,
        reads=[],
        kinds={"polars"},
        code_version=settings.model_dump_json(),
        description=(
            f"The items of {bench.title} that are asked, with their constraints. A constraint that "
            "no rule can verify here is left out before anything is asked, and counted."
        ),
    )(items)


def _declare_answers(bench: RuleBench) -> dg.AssetsDefinition:
    items, table, *_ = bench.tables

    def answers(run: AssetRun) -> pl.DataFrame:
        asked = run.store.read(items, Partition())
        requests = list(grading.build_requests(asked, table, bench.sampling))
        completions = open_subject(run).ask(requests, len(requests))
        return grading.build_answers(asked, completions, table)

    return table_asset(
        table,
        reads=[items],
        kinds={"vllm"},
        pool=pool_of_subjects(),
        asks=True,
        description=f"What the subject answers to each item of {bench.title}.",
    )(answers)


def _declare_gradings(bench: RuleBench) -> dg.AssetsDefinition:
    items, answers, table, _ = bench.tables

    def gradings(run: AssetRun) -> pl.DataFrame:
        _require_contracts(run, answers)
        asked = run.store.read(items, Partition())
        graded = grading.grade(asked, run.store.read(answers, run.at), table, bench.keeps)
        reasons = {f"dropped/{reason}": times for reason, times in count_drops(graded).items()}
        run.note(constraints=graded.height, **reasons)
        return graded

    return table_asset(
        table,
        reads=[items, answers],
        kinds={"polars"},
        description=f"Whether each answer keeps each constraint of its item of {bench.title}.",
    )(gradings)


def _declare_scores(bench: RuleBench) -> dg.AssetsDefinition:
    items, answers, gradings, table = bench.tables

    def scores(run: AssetRun) -> pl.DataFrame:
        _require_contracts(run, gradings)
        asked = run.store.read(items, Partition())
        answered = run.store.read(answers, run.at)
        return score_items(
            bench.build_items(run.store.read(gradings, run.at)),
            subject=run.subject.name,
            protocol=describe_protocol(bench.title, asked, answered, run.subject.message_in),
            floor=bench.build_items(grading.grade_yes(asked, gradings, bench.keeps)),
        )

    return table_asset(
        table,
        reads=[items, answers, gradings],
        kinds={"polars"},
        description=(
            f"Scores of {bench.title} with intervals by item, each beside the score of a server "
            'that always says "yes".'
        ),
    )(scores)


def _require_contracts(run: AssetRun, table: Table) -> None:
    """Raise `dg.Failure` where a table does not fit the items any more, as they have changed."""
    require_contracts(evidence_for_checks(run.store, table, run.at), table)


RULE_BASED = [asset for bench in BENCHES for asset in _declare(bench)]
