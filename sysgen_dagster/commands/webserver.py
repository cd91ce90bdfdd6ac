"""`sysgen-webserver`: Dagster's webserver, with its own options, behind the guard."""

import sys
from collections.abc import Set
from functools import partial
from typing import Any

import click
from dagster_webserver import cli

from sysgen_dagster.commands.guard import Guard, GuardError, allowed_hosts


def run_webserver() -> None:
    """Do what ``dagster-webserver`` does, behind the guard."""
    try:
        named = allowed_hosts()
    except GuardError as error:
        sys.exit(str(error))
    webserver: Any = cli
    # Where its command finds what it serves. An attribute that a release renames is an error here.
    make_app = webserver.create_app_from_workspace_process_context
    webserver.create_app_from_workspace_process_context = partial(_guarded, named, make_app)
    webserver.main()


def _guarded(
    named: Set[str], make_app: Any, context: Any, path_prefix: str, *others: Any, **options: Any
) -> Guard:
    listens_on = click.get_current_context().params["host"]
    app = make_app(context, path_prefix, *others, **options)
    return Guard(app, listens_on, named, f"{path_prefix}/")
