"""The command ``sysgen``: its subcommands and their options.

What a subcommand does is in a module of `commands`, which is imported when the subcommand runs: the
import takes a second, and `--help` should not.
"""

import functools
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from sysgen_dagster.commands.printing import message_of, open_console, open_plain_console
from sysgen_dagster.commands.ranges import DAYS, PORT, ROWS, SHARE
from sysgen_dagster.commands.signals import run_until_signal
from sysgen_dagster.errors import SysgenError

_Command = Callable[..., Any]


class _Group(click.Group):
    """A group that lists its subcommands in the order in which they are written here."""

    def list_commands(self, _: click.Context) -> list[str]:
        """Names of the subcommands."""
        return list(self.commands)


def _exits(command: _Command) -> _Command:
    """A subcommand that ends with the number it returns, or with what is wrong, in one message."""

    @functools.wraps(command)
    def run(**options: Any) -> None:
        try:
            sys.exit(command(**options))
        except (SysgenError, OSError) as error:
            if (message := message_of(error)) is None:
                raise
            raise click.ClickException(message) from None

    return run


def _stops(work: Callable[[], int]) -> int:
    """Work that makes partitions, until a signal ends it."""

    def abandon() -> None:
        from sysgen_dagster.commands.backfill import abandon_runs

        abandon_runs()

    return run_until_signal(work, abandon)


_data = click.option(
    "-o",
    "--data",
    metavar="DIR",
    envvar="SYSGEN_DATA",
    default="data",
    show_default=True,
    show_envvar=True,
    help="Where everything of a deployment is stored: a folder, or s3://BUCKET/PREFIX.",
)
_sources = click.option(
    "--sources",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder with NAME.parquet, .jsonl or .json for each source; left out: example rows.",
)


@click.group(
    cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(version("sysgen-dagster"), prog_name="sysgen")
def sysgen() -> None:
    r"""Give each row of a fine-tuning data set a system message and an answer that obeys it.

    \b
    Begin with
      sysgen demo     runs everything on example rows, without a model, in about three minutes
      sysgen ui       opens Dagster's UI on what was made
    """


@sysgen.command()
@_data
@_sources
@click.option(
    "--real",
    metavar="MODEL",
    help="A short demo of real text: a GGUF file, a folder of weights, or a model on the Hub. Says "
    "first what it downloads, how large it is and under which licence; a few rows of each source.",
)
@click.option(
    "--model",
    metavar="NAME",
    help="All rows with a real model: on the Hub, a folder of weights, or as the server says.",
)
@click.option(
    "--endpoint",
    metavar="URL",
    help="An OpenAI-compatible server that serves --model; left out, vLLM is started here.",
)
@click.option("--api-key-env", metavar="VARIABLE", help="The variable that holds its API key.")
@click.option("--limit", type=ROWS, metavar="ROWS", help="Conversations taken of each shard.")
@click.option(
    "--method",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the method, such as repair=true; may be repeated.",
)
@_exits
def demo(data: str, limit: int | None, **trial: Any) -> int:
    """Run the main job from end to end.

    All sources and phases, then the analyses, the training sets and the report.

    Without --real or --model the answers are made up: that shows how it works, at no cost. What was
    answered before is not asked again when the command is repeated.
    """
    if trial["real"] and (trial["model"] or trial["endpoint"]):
        raise click.UsageError("--real starts its own server: leave out --model and --endpoint")
    if trial["endpoint"] and not trial["model"]:
        raise click.UsageError("--endpoint needs --model: which of its models is to be asked?")
    from sysgen_dagster.commands.demo import Trial, run_demo

    return _stops(lambda: run_demo(open_console(), data, Trial(**trial), limit))


@sysgen.command()
@_data
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
@_exits
def ui(**options: Any) -> None:
    """Open Dagster's UI on what is stored.

    The daemon, which runs backfills and schedules, is started with it. Pages of other sites in the
    same browser are refused.

    Its state stays in DAGSTER_HOME or, where that is not set, in the folder dagster_home of --data.
    """
    from sysgen_dagster.commands.ui import open_ui

    open_ui(**options)


@sysgen.command()
@_data
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="Of the catalogue; all when left out. May be repeated.",
)
@_exits
def forecast(data: str, models: tuple[str, ...]) -> int:
    """Say what is left to do and what it costs.

    For each model: requests, tokens, GPU hours and money, by phase and source.

    Before anything is made the figures are rough; after a pilot (`sysgen demo --limit`, or the
    setting `limit` of Phase 1 in the UI) they are what its rows took.
    """
    from sysgen_dagster.commands.forecast import show_forecasts

    return show_forecasts(open_console(24), data, models)


@sysgen.command()
@_data
@_exits
def report(data: str) -> int:
    """Make the report from what is stored.

    It is one page that needs no network; its path is printed.
    """
    from sysgen_dagster.commands.report import make_report

    return _stops(lambda: make_report(open_console(), data))


@sysgen.command()
@_data
@click.argument("ids", type=click.Path(path_type=Path), metavar="IDS_FILE")
@click.option("--apply", is_flag=True, help="Remove the texts from all that is printed otherwise.")
@_exits
def exclude(data: str, ids: Path, apply: bool) -> int:
    """Leave conversations out, as their owners ask.

    IDS_FILE holds conversation ids, one a line; # begins a note. What holds the texts is printed.
    """
    from sysgen_dagster.commands.exclude import exclude_conversations

    return _stops(lambda: exclude_conversations(open_plain_console(), data, ids, apply))


@sysgen.command()
@_data
@click.option("--stop", is_flag=True, help="End them. One that is in use is ended, too.")
@_exits
def engines(data: str, stop: bool) -> int:
    """List or end the model servers on this machine.

    They end by themselves when nobody has used them for a while.
    """
    from sysgen_dagster.commands.engines import show_engines

    return show_engines(open_plain_console(), data, stop)


@sysgen.command()
@_data
@_sources
@click.option(
    "--share",
    type=SHARE,
    default=0.05,
    show_default=True,
    help="Of all requests that meet each kind of fault.",
)
@_exits
def drill(data: str, sources: Path | None, share: float) -> int:
    """Prove that failing servers lose no row.

    Runs everything against a server that fails in every way, and counts where each row ends. It
    works in the folder `drill` of --data, and fails unless every row has an answer or a reason.
    """
    from sysgen_dagster.commands.drill import REASONS_WIDTH, run_drill

    return _stops(lambda: run_drill(open_console(REASONS_WIDTH), data, sources, share))


@sysgen.command()
@_data
@click.option(
    "--record",
    is_flag=True,
    help="Record it in Dagster's database instead, after that was lost or replaced.",
)
@_exits
def inventory(data: str, record: bool) -> int:
    """List what is stored, and what is not whole.

    Files, rows and bytes of each table and model; then each file that is damaged, outdated, or of
    nothing in the catalogue.
    """
    from sysgen_dagster.commands.inventory import record_inventory, show_inventory

    return (record_inventory if record else show_inventory)(open_plain_console(), data)


@sysgen.command()
@_data
@click.option(
    "--days",
    type=DAYS,
    default=90,
    show_default=True,
    help="Age of the ledgers and server logs that may go.",
)
@click.option("--gone", is_flag=True, help="Also what the catalogue does not name any more.")
@click.option("--apply", is_flag=True, help="Remove it; without this nothing is removed.")
@_exits
def prune(data: str, days: int, gone: bool, apply: bool) -> int:
    """Remove what nothing needs any more.

    Names it, with what its removal costs; removes it with --apply.
    """
    from sysgen_dagster.commands.prune import prune_files

    return prune_files(open_plain_console(), data, days, gone, apply)
