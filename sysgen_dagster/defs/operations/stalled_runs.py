"""A message to the webhook for each run that has requests in flight and gets no answer.

What a run observes of its asset from time to time tells how many requests have an answer. It is
that number which must grow: log lines and observations go on while a server only takes requests.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import dagster as dg

from sysgen_dagster.defs.operations.alerts import WEBHOOK_URL, AlertError, link_to, send

STALLED_AFTER_MIN = "SYSGEN_STALLED_AFTER_MIN"
# Longer than an attempt at a request, which is ten minutes; after two of them the partition ends.
_DEFAULT_MIN = 15.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What was last seen of a run.

    Attributes:
        asset: What it makes.
        answered: Requests with an answer, of `requests`.
        is_asking: Whether it waits for answers, and not for a server or its device.
        since: When this was seen first, in seconds of Unix time.
        is_told: Whether a message about it was sent.
    """

    asset: str
    answered: int
    requests: int
    is_asking: bool
    since: float
    is_told: bool = False

    def same(self, other: "Seen | None") -> bool:
        """Whether no answer has come between the two, while answers were waited for."""
        if other is None or not (self.is_asking and other.is_asking):
            return False
        return (self.asset, self.answered) == (other.asset, other.answered)


@dg.sensor(
    name="stalled_runs",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,  # does nothing until the variable is set
    description=(
        f"Sends a message to the webhook of {WEBHOOK_URL} for each run that gets no answer for "
        f"{_DEFAULT_MIN:g} minutes, or {STALLED_AFTER_MIN}. Does nothing where the variable is not "
        "set."
    ),
)
def stalled_runs(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Send one message for each stall, and remember what was seen of each run.

    Raises:
        AlertError: The webhook did not take a message; it is sent again at the next tick. Or the
            variable for the time holds no number of minutes.
    """
    url = os.environ.get(WEBHOOK_URL)
    if not url:
        return dg.SensorResult(skip_reason=f"{WEBHOOK_URL} is not set")
    after_s = 60 * _after_min()
    before = {run: Seen(**seen) for run, seen in json.loads(context.cursor or "{}").items()}
    now, seen = time.time(), {}
    for run, current in _asking(context.instance, now):
        last = before.get(run.run_id)
        seen[run.run_id] = last if last is not None and current.same(last) else current
    stalled = [run for run, each in seen.items() if each.is_asking and now - each.since >= after_s]
    told: list[str] = []
    for run_id in (each for each in stalled if not seen[each].is_told):
        refused = send(url, _text(context.instance, run_id, seen[run_id], now))
        if refused and told:
            break  # an error would have the messages before this one sent again, too
        if refused:
            raise AlertError(f"the webhook of {WEBHOOK_URL} {refused}: run {run_id} is stalled")
        seen[run_id] = Seen(**asdict(seen[run_id]) | {"is_told": True})
        told.append(run_id)
    return dg.SensorResult(
        skip_reason=f"{len(stalled)} of {len(seen)} runs that ask a model have stalled",
        cursor=json.dumps({run_id: asdict(each) for run_id, each in seen.items()}),
    )


def _after_min() -> float:
    said = os.environ.get(STALLED_AFTER_MIN) or _DEFAULT_MIN
    try:
        after_min = float(said)
    except ValueError:
        after_min = 0.0
    if not 0 < after_min < float("inf"):
        raise AlertError(f"{STALLED_AFTER_MIN} is {said!r}: set it to a number of minutes, as 15")
    return after_min


def _asking(instance: dg.DagsterInstance, now: float) -> Iterator[tuple[dg.DagsterRun, Seen]]:
    """The runs that have observed how far their requests are."""
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        [*newest] = instance.get_records_for_run(
            run.run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION, limit=1, ascending=False
        ).records
        for record in newest:
            event = record.event_log_entry.get_dagster_event()
            observed = event.asset_observation_data.asset_observation
            figures = {name: value.value for name, value in observed.metadata.items()}
            if "engine/requests" in figures:
                yield run, _seen(observed.asset_key, figures, now)


def _seen(asset: dg.AssetKey, figures: Mapping[str, Any], now: float) -> Seen:
    answered, requests = figures["engine/answered"], figures["engine/requests"]
    # While its servers load, or wait for a device, none may be in flight.
    is_asking = figures["engine/in_flight_at_most"] > 0 and answered < requests
    return Seen(asset.to_user_string(), answered, requests, is_asking, now)


def _text(instance: dg.DagsterInstance, run_id: str, seen: Seen, now: float) -> str:
    run = instance.get_run_by_id(run_id)
    partition = run.tags.get("dagster/partition") if run else None
    where = f" ({partition})" if partition else ""
    minutes = (now - seen.since) / 60
    return (
        f"Stalled: {seen.asset}{where}: {seen.answered:,} of {seen.requests:,} requests are "
        f"answered, and none since {minutes:,.0f} min ago. Look at the model's server"
    ) + link_to(run_id)
