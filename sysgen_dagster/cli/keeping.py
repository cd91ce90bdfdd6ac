"""Subcommands that keep a deployment in order."""

from pathlib import Path

import click

from sysgen_dagster.cli.group import data_option, exits, stops, sysgen
from sysgen_dagster.commands.printing import open_plain_console
from sysgen_dagster.commands.ranges import DAYS


@sysgen.command()
@data_option
@click.argument("ids", type=click.Path(path_type=Path), metavar="IDS_FILE")
@click.option("--apply", is_flag=True, help="Remove the texts from all that is printed otherwise.")
@exits
def exclude(data: str, ids: Path, apply: bool) -> int:
    """Leave conversations out, as their owners ask.

    IDS_FILE holds conversation ids, one a line; # begins a note. What holds the texts is printed.
    """
    from sysgen_dagster.commands.exclude import exclude_conversations

    return stops(lambda: exclude_conversations(open_plain_console(), data, ids, apply))


@sysgen.command()
@data_option
@click.option("--stop", is_flag=True, help="End them. One that is in use is ended, too.")
@exits
def engines(data: str, stop: bool) -> int:
    """List or end the model servers on this machine.

    They end by themselves when nobody has used them for a while.
    """
    from sysgen_dagster.commands.engines import show_engines

    return show_engines(open_plain_console(), data, stop)


@sysgen.command()
@data_option
@click.option(
    "--days",
    type=DAYS,
    default=90,
    show_default=True,
    help="Age of the ledgers and server logs that may go.",
)
@click.option("--gone", is_flag=True, help="Also what the catalogue does not name any more.")
@click.option("--apply", is_flag=True, help="Remove it; without this nothing is removed.")
@exits
def prune(data: str, days: int, gone: bool, apply: bool) -> int:
    """Remove what nothing needs any more.

    Names it, with what its removal costs; removes it with --apply.
    """
    from sysgen_dagster.commands.prune import prune_files

    return prune_files(open_plain_console(), data, days, gone, apply)
