"""Subcommands that make rows."""

import sys
from pathlib import Path
from typing import Any

import click

from sysgen_dagster.cli.group import (
    data_option,
    exits,
    key_option,
    method_option,
    sources_option,
    stops,
    sysgen,
)
from sysgen_dagster.commands.printing import open_console, open_fluid_console
from sysgen_dagster.commands.ranges import PREVIEWED, ROWS, SHARE, STEPS
from sysgen_dagster.commands.signals import run_until_signal

_RUN = """Make a training set of your own rows.

SOURCE is a file (JSONL, JSON, Parquet, CSV), a folder of such files, or a data set on the Hub,
hf://OWNER/NAME.

\b
  sysgen run chats.jsonl --model http://127.0.0.1:8000/v1
  sysgen run hf://openai/gsm8k --config main --model simulated -o gsm8k

Some rows are made and shown first, with the price of all. The others follow when you say so, or
with --yes. Repeated, the command goes on where it ended: nothing is asked twice.
"""  # \b: click breaks no lines in the paragraph after it


@sysgen.command(help=_RUN)
@click.argument("source")
@data_option
@click.option(
    "--model",
    metavar="NAME_OR_URL",
    required=True,
    help="An OpenAI-compatible server's URL; a GGUF file, a folder of weights or a model on the "
    "Hub, which is served here; or `simulated`, to try it without a model.",
)
@click.option("--endpoint", metavar="URL", help="The server, where it has several models.")
@key_option
@click.option(
    "--price",
    metavar="IN,OUT[,CURRENCY]",
    help="Money for a million prompt and completion tokens; left out: as the server lists it.",
)
@click.option(
    "--columns",
    multiple=True,
    metavar="NAME=COLUMN",
    help="What the columns are, such as 'question=prompt answer=response'; left out: guessed.",
)
@click.option("--config", metavar="CONFIG", help="Configuration of a data set on the Hub.")
@click.option("--split", metavar="SPLIT", help="Split of a data set on the Hub.")
@click.option("--license", metavar="ID", help="The source's licence, such as apache-2.0.")
@method_option
@click.option("--rows", type=ROWS, metavar="N", help="Take so many conversations at most.")
@click.option(
    "--kept",
    type=ROWS,
    metavar="N",
    help="Take conversations until the train split has so many rows, or all are taken; left out: "
    "as the recipe of the catalogue says.",
)
@click.option(
    "--preview",
    type=PREVIEWED,
    metavar="N",
    help="Rows that are made and shown first, spread over those that are wanted; 0: none. Left "
    "out: 10, and none where the command goes on.",
)
@click.option("-y", "--yes", is_flag=True, help="Make all rows without asking.")
@exits
def run(source: str, data: str, **options: Any) -> int:
    """From a file to a training set."""
    from sysgen_dagster.commands.run.flow import Wish, make_training_set
    from sysgen_dagster.commands.run.model import ModelWish, read_price
    from sysgen_dagster.commands.run.source import SourceWish

    of_source = {name: options.pop(name) for name in ("columns", "config", "split", "license")}
    model = ModelWish(
        options.pop("model"),
        options.pop("endpoint"),
        options.pop("api_key_env"),
        read_price(options.pop("price")),
    )
    wish = Wish(
        SourceWish(source, **of_source),
        model,
        assume_yes=options.pop("yes"),
        is_attended=sys.stdin.isatty() and sys.stdout.isatty(),
        **options,
    )
    return stops(lambda: make_training_set(open_fluid_console(), data, wish))


@sysgen.command()
@data_option
@sources_option
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
@key_option
@click.option("--limit", type=ROWS, metavar="ROWS", help="Conversations taken of each shard.")
@method_option
@exits
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

    return stops(lambda: run_demo(open_console(), data, Trial(**trial), limit))


@sysgen.command()
@data_option
@sources_option
@click.option(
    "--share",
    type=SHARE,
    default=0.05,
    show_default=True,
    help="Of all requests that meet each kind of fault.",
)
@exits
def drill(data: str, sources: Path | None, share: float) -> int:
    """Prove that failing servers lose no row.

    Runs everything against a server that fails in every way, and counts where each row ends. It
    works in the folder `drill` of --data, and fails unless every row has an answer or a reason.
    """
    from sysgen_dagster.commands.drill import REASONS_WIDTH, run_drill

    return stops(lambda: run_drill(open_console(REASONS_WIDTH), data, sources, share))


@sysgen.command("train")
@click.argument("name", required=False, metavar="TRAINING")
@data_option
@click.option("--list", "is_list", is_flag=True, help="List the trainings and how far they are.")
@click.option(
    "--steps",
    type=STEPS,
    metavar="N",
    help="A trial: make so many steps, show how fast and in what memory, and keep nothing.",
)
@exits
def train(name: str | None, data: str, is_list: bool, steps: int | None) -> int:
    """Fine-tune a student on a training set.

    TRAINING is one of the catalogue, which says what is trained on what, and how. What was begun
    goes on where it ended. Ctrl-C ends it with a checkpoint.

    For another trainer than ours its file is written, and the command that is to be run.
    """
    if is_list is (name is not None):
        raise click.UsageError("give the name of a training, or --list")
    from sysgen_dagster.commands import train as commands

    if name is None:
        return commands.list_trainings(open_console(40), data)

    def abandon() -> None:
        from sysgen_dagster.commands.backfill import abandon_runs

        commands.end_training(data, name)
        abandon_runs()

    return run_until_signal(
        lambda: commands.train(open_fluid_console(), data, name, steps),
        abandon,
        "the training writes a checkpoint and ends, which can take minutes",
    )
