"""`sysgen report`: the report, made from the stored tables without the UI."""

from rich.console import Console

from sysgen_dagster.commands.backfill import run_partitions
from sysgen_dagster.commands.deployment import use_dagster_home, use_deployment


def make_report(console: Console, data: str) -> int:
    """0 and the path of the page is printed; 1 where it could not be made.

    Raises:
        DagsterHomeError: Dagster's state cannot be kept where it should be.
        StoreError: There is no such deployment.
    """
    store = use_deployment(data)
    use_dagster_home(store)
    from sysgen_dagster.defs.report import paper_comparison, report

    runs = run_partitions(console, [("report", [paper_comparison.key, report.key], None)])
    if runs.errors:
        console.print("\n".join(runs.errors), markup=False)
        return 1
    console.print(str(store.report), soft_wrap=True, markup=False, highlight=False)
    return 0
