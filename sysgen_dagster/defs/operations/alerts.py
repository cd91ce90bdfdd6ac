"""A message to a webhook for each run that failed, with the contracts that it found broken.

Only failed runs are looked at: a broken contract, which is a check that blocks, fails its run. The
message is a ``text``, as Slack, Mattermost and Discord (with ``/slack`` after its URL) take it.
"""

import json
import os
import textwrap
from collections.abc import Iterator
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import dagster as dg

from sysgen_dagster.defs.plumbing.failures import is_broken_contract, root_cause
from sysgen_dagster.errors import SysgenError

WEBHOOK_URL = "SYSGEN_WEBHOOK_URL"  # a secret: anybody who has the URL can post
UI_URL = "SYSGEN_UI_URL"
_LINES, _LINE_CHARS = 4, 400  # Discord takes 2,000 characters, the others more


class AlertError(SysgenError):
    """The webhook did not take a message."""


@dg.run_failure_sensor(
    name="alerts",
    monitor_all_code_locations=True,  # runs that a `sysgen` command started name no location
    default_status=dg.DefaultSensorStatus.RUNNING,  # does nothing until the variable is set
    description=(
        f"Sends a message to the webhook of {WEBHOOK_URL} for each run that failed. Does nothing "
        "where the variable is not set."
    ),
)
def alerts(context: dg.RunFailureSensorContext) -> None:
    """Send the message about one run.

    Raises:
        AlertError: The webhook did not take it. Dagster shows that at the tick, and goes on.
    """
    url = os.environ.get(WEBHOOK_URL)
    refused = send(url, text_of(context)) if url else None
    if refused:  # raised outside of any `except`: an error in the background would show the URL
        raise AlertError(
            f"the webhook of {WEBHOOK_URL} {refused}: look at run {context.dagster_run.run_id} in "
            "the UI, its message is not sent again"
        )


class _NoRedirects(HTTPRedirectHandler):
    """Makes a redirect an error: following it would send the message to another host."""

    def redirect_request(self, *_: object) -> None:
        """No request."""


def send(url: str, text: str, within_s: float = 10) -> str | None:
    """Why the webhook did not take a text, in words that do not repeat its URL; None if it did.

    Dagster gives a tick 60 s, in which it looks at five runs.
    """
    if not url.startswith(("https://", "http://")):
        return "is no http:// or https:// URL"
    body, headers = json.dumps({"text": text}).encode(), {"Content-Type": "application/json"}
    try:
        request = Request(url, body, headers)  # noqa: S310 - no file:, as was just seen
        build_opener(_NoRedirects).open(request, timeout=within_s).close()
    except HTTPError as error:
        return f"answered {error.code}"
    except TimeoutError:
        return f"did not answer in {within_s:g} s"
    except (OSError, HTTPException, ValueError) as error:  # ValueError: an impossible port
        return f"cannot be reached ({type(error).__name__})"
    return None


def text_of(context: dg.RunFailureSensorContext) -> str:
    """The message about a failed run: a line for each broken contract and each failed step."""
    run = context.dagster_run
    where = f" ({context.partition_key})" if context.partition_key else ""
    died = f"Failed: {run.job_name}{where}: {context.failure_event.message}"  # where no step failed
    lines = [*_reasons(context, where)][:_LINES] or [died]
    short = [textwrap.shorten(line, _LINE_CHARS, placeholder=" ...") for line in lines]
    again = " (the run is tried again)" if run.tags.get("dagster/will_retry") == "true" else ""
    # Slack would take <!channel> in a message for a call to everyone.
    return (
        "\n".join(short).translate(str.maketrans("<>", "\u2039\u203a"))
        + again
        + link_to(run.run_id)
    )


def link_to(run_id: str) -> str:
    """Where a run is seen in the UI, with a space before it; empty where that is not known."""
    ui = os.environ.get(UI_URL, "").rstrip("/")
    return f" {ui}/runs/{run_id}" if ui else ""


def _reasons(context: dg.RunFailureSensorContext, where: str) -> Iterator[str]:
    run_id, kind = context.dagster_run.run_id, dg.DagsterEventType.ASSET_CHECK_EVALUATION
    for entry in context.instance.all_logs(run_id, of_type=kind):
        check = entry.get_dagster_event().asset_check_evaluation_data
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR:
            name, shown = f"{check.asset_key.to_user_string()}: {check.check_name}", check.metadata
            figures = (
                f" Found {shown['found'].value:g}, wanted {shown['wanted'].value}."
                if "found" in shown
                else ""  # the rows could not be read
            )
            yield f"Contract broken: {name}{where}: {check.description}{figures}"
    for event in context.get_step_failure_events():
        # A step that a broken contract stopped is left out: the contract has its own line.
        if not is_broken_contract(event):
            yield f"Failed: {event.step_key}{where}: {root_cause(event)}"
