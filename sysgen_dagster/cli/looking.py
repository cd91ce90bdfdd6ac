"""Subcommands that show what is there and what is left; they ask no model."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from sysgen_dagster.cli.group import data_option, exits, page_port_option, stops, sysgen
from sysgen_dagster.commands.printing import open_console, open_plain_console
from sysgen_dagster.commands.ranges import PORT


@sysgen.command()
@data_option
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Where it listens. There is no login: let nobody else reach it.",
)
@click.option("-p", "--port", type=PORT, default=3000, show_default=True, help="Its port.")
@click.option(
    "--allow-host",
    "allowed",
    multiple=True,
    metavar="NAME[:PORT]",
    envvar="SYSGEN_ALLOW_HOSTS",
    show_envvar=True,
    help="A further name by which browsers reach it, as through a proxy; others are refused. May "
    "be repeated.",
)
@click.option(
    "--print-settings",
    is_flag=True,
    help="Start nothing: prepare the Dagster home, and "
    "print what your own sysgen-webserver and dagster-daemon need.",
)
@exits
def ui(**options: Any) -> None:
    """Open Dagster's UI on what is stored.

    The daemon, which runs backfills and schedules, is started with it. Pages of other sites in the
    same browser are refused.

    Its state stays in DAGSTER_HOME or, where that is not set, in the folder dagster_home of --data.
    """
    from sysgen_dagster.commands.ui import open_ui

    open_ui(**options)


@sysgen.command()
@data_option
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="Of the catalogue; all when left out. May be repeated.",
)
@exits
def forecast(data: str, models: tuple[str, ...]) -> int:
    """Say what is left to do and what it costs.

    For each model: requests, tokens, GPU hours and money, by phase and source.

    Before anything is made the figures are rough; after a pilot (`sysgen demo --limit`, or the
    setting `limit` of Phase 1 in the UI) they are what its rows took.
    """
    from sysgen_dagster.commands.forecast import show_forecasts

    return show_forecasts(open_console(24), data, models)


@sysgen.command()
@data_option
@click.option(
    "--serve",
    is_flag=True,
    help="Make nothing: show rows as a run stores them, on a page of this machine, until Ctrl-C.",
)
@page_port_option
@exits
def report(data: str, serve: bool, port: int | None) -> int:
    """Make the report from what is stored.

    It is one page that needs no network; its path is printed.
    """
    if serve:
        from sysgen_dagster.commands.live_report import serve_report

        return serve_report(open_console(), data, port or 0)
    if port is not None:
        raise click.UsageError("--port is of the page that --serve shows")
    from sysgen_dagster.commands.report import make_report

    return stops(lambda: make_report(open_console(), data))


@sysgen.command()
@data_option
@click.option(
    "--record",
    is_flag=True,
    help="Record it in Dagster's database instead, after that was lost or replaced.",
)
@exits
def inventory(data: str, record: bool) -> int:
    """List what is stored, and what is not whole.

    Files, rows and bytes of each table and model; then each file that is damaged, outdated, or of
    nothing in the catalogue.
    """
    from sysgen_dagster.commands.inventory import record_inventory, show_inventory

    return (record_inventory if record else show_inventory)(open_plain_console(), data)


@sysgen.group(invoke_without_command=True)
@data_option
@click.option("--recipe", metavar="RECIPE", help="Only rows of this mixture; all when left out.")
@page_port_option
@click.option("--reviewer", metavar="PERSON", help="Who decides; your login when left out.")
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
@click.option(
    "--apply", is_flag=True, help="Serve nothing: make the training sets again, as decided."
)
@click.pass_context
def review(context: click.Context, /, **options: Any) -> None:
    """Accept, reject or edit rows by keyboard.

    One row at a time on a page whose address is printed: question, system message with its
    verdicts, both answers. Rejected rows leave the training sets, edited texts go into them.

    `sysgen review bench` is about the second lane's bench.
    """
    if context.invoked_subcommand is None:
        _review(**options)
    given = map(context.get_parameter_source, options)
    if ParameterSource.COMMANDLINE in given:
        raise click.UsageError(f"options stand behind `{context.invoked_subcommand}`")


@exits
def _review(data: str, apply: bool, **options: Any) -> int:
    from sysgen_dagster.commands.review import apply_decisions, review_rows

    if apply:
        return stops(lambda: apply_decisions(open_console(), data))
    return review_rows(open_plain_console(), data, **options)


@review.command()
@data_option
@click.argument("sheets", nargs=-1, type=click.Path(path_type=Path), metavar="[SHEET]...")
@click.option(
    "--write",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write an empty sheet, a CSV file, instead.",
)
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Of the sheet that --write writes.",
)
@exits
def bench(data: str, sheets: tuple[Path, ...], file: Path | None, rows: int) -> int:
    """Have people score the second lane's bench, blind.

    --write makes a sheet for any spreadsheet: two answers to score by a rubric, without a word on
    which is the reference. Each SHEET is a filled one, called as who filled it; how far they agree
    with the judge is stored and printed.
    """
    if (file is None) is not bool(sheets):
        raise click.UsageError("give filled sheets, or --write FILE")
    from sysgen_dagster.commands.bench_sheets import read_bench_sheets, write_bench_sheet

    if file is not None:
        return write_bench_sheet(open_plain_console(), data, file, rows)
    return stops(lambda: read_bench_sheets(open_console(), data, sheets))


@sysgen.command()
@click.argument("suite", required=False, metavar="SUITE")
@data_option
@click.option(
    "--subject",
    "subjects",
    multiple=True,
    metavar="SUBJECT",
    help="One of the catalogue's; may be repeated. All of them when left out.",
)
@click.option("--list", "is_list", is_flag=True, help="List what is evaluated, and what is left.")
@click.option("--again", is_flag=True, help="Also those that are evaluated.")
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Of `sysbench`: score a graded answer sheet as the benchmark publishes them instead, "
    ".xlsx, or .parquet with the same columns. Needs no deployment.",
)
@exits
def evaluate(
    suite: str | None,
    data: str,
    subjects: tuple[str, ...],
    is_list: bool,
    again: bool,
    sheet: Path | None,
) -> int:
    """Evaluate models and students on a benchmark.

    SUITE is a benchmark, such as `multifacet`; --list names all of them, with the requests that
    each takes. Each score has its 95 % interval and its difference from the subject that it is
    compared with. What was asked before is not asked again.
    """
    if sheet is not None:
        if suite != "sysbench" or is_list or again or subjects:
            raise click.UsageError("--sheet is of `sysgen evaluate sysbench`, alone")
        from sysgen_dagster.commands.evaluate import score_sheet

        return score_sheet(open_console(), sheet)
    if is_list is (suite is not None):
        raise click.UsageError("give the name of a benchmark, or --list")
    from sysgen_dagster.commands import evaluations

    if suite is None:
        return evaluations.list_evaluations(open_console(), data)
    return stops(lambda: evaluations.evaluate(open_console(40), data, suite, subjects, again=again))
