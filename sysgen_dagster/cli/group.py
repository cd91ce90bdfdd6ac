"""The group of subcommands, and what their declarations share: options, errors, signals."""

import functools
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from sysgen_dagster.commands.printing import message_of
from sysgen_dagster.commands.ranges import PORT
from sysgen_dagster.commands.signals import run_until_signal
from sysgen_dagster.errors import SysgenError

Command = Callable[..., Any]


# The modules that declare subcommands, in the order of the list of `--help`, each under a heading.
SECTIONS = {"making": "Make rows", "looking": "Look", "keeping": "Keep order"}


class _Group(click.Group):
    """A group that lists its subcommands under a heading for each module that declares some."""

    def list_commands(self, _: click.Context) -> list[str]:
        """Names of the subcommands, in the order in which their modules hold them."""
        return sorted(self.commands, key=lambda name: list(SECTIONS).index(self._section(name)))

    def _section(self, name: str) -> str:
        return self.commands[name].callback.__module__.rpartition(".")[2]

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of subcommands."""
        width = formatter.width - max(map(len, self.commands)) - 6
        for section, heading in SECTIONS.items():
            names = [name for name in self.list_commands(context) if self._section(name) == section]
            with formatter.section(heading):
                formatter.write_dl(
                    [(name, self.commands[name].get_short_help_str(width)) for name in names],
                    col_max=max(map(len, self.commands)),
                )


def exits(command: Command) -> Command:
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


def stops(work: Callable[[], int]) -> int:
    """Work that makes partitions, until a signal ends it."""

    def abandon() -> None:
        from sysgen_dagster.commands.backfill import abandon_runs

        abandon_runs()

    return run_until_signal(work, abandon)


data_option = click.option(
    "-o",
    "--data",
    metavar="DIR",
    envvar="SYSGEN_DATA",
    default="data",
    show_default=True,
    show_envvar=True,
    help="Where everything of a deployment is stored: a folder, or s3://BUCKET/PREFIX.",
)
sources_option = click.option(
    "--sources",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder with NAME.parquet, .jsonl or .json for each source; left out: example rows.",
)


key_option = click.option(
    "--api-key-env", metavar="VARIABLE", help="The variable that holds the server's API key."
)
method_option = click.option(
    "--method",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the method, such as repair=true; may be repeated.",
)
page_port_option = click.option(
    "-p", "--port", type=PORT, help="Of the page; one that is free when left out."
)


_HELP = """Give each row of a fine-tuning data set a system message and an answer that obeys it.

\b
Begin with
  sysgen run FILE --model URL   makes a training set of your own rows, some of them to look at first
  sysgen demo     runs everything on example rows, without a model, in about three minutes
  sysgen ui       opens Dagster's UI on what was made
"""  # \b: click breaks no lines in the paragraph after it


@click.group(
    cls=_Group,
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(version("sysgen-dagster"), prog_name="sysgen")
def sysgen() -> None:
    """Do nothing: the subcommands do everything."""
