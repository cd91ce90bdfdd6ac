"""Messages to a webhook: steps that failed, checks that did not pass, runs that are stuck.

The sensor `alerts` reads what has ended since its last tick and sends at most one message a tick:
a ``text`` for people, as Slack, Mattermost and Discord (with ``/slack`` after its URL) take it, and
beside it the same as ``alerts`` for programs. What is the same of many runs is one alert with a
count. The cursor moves only when the webhook has taken the message: one that is down loses nothing,
and the failed tick shows in the UI. Dagster's own failure sensors move on when the sending fails.
"""

import asyncio
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import accumulate
from typing import Literal, get_args

import aiohttp
import dagster as dg
from pydantic import BaseModel, ConfigDict

from sysgen_dagster.defs.plumbing.failures import root_cause
from sysgen_dagster.defs.plumbing.partitions import CATALOG

WEBHOOK_URL = "SYSGEN_WEBHOOK_URL"  # a secret: whoever has it can post
UI_URL = "SYSGEN_UI_URL"
_RUNS_A_TICK = 200
_TIMEOUT_S = 10  # a tick has 60
# On Postgres an event can become visible after one with a higher id; by then both are.
_SETTLED_S = 5
_LONGEST_TEXT = 1_900  # Discord takes 2,000 characters, the others more
_LONGEST_MESSAGE = 300
_PARTITIONS_NAMED = 5

_End = Literal[
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_CANCELED,
]
_ENDS: tuple[_End, ...] = get_args(_End)
_CONTRACT_STOPS = "DagsterAssetCheckFailedError"  # a step's error when a blocking check fails
_LAUNCHING = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.CANCELING,
]
_IN_PROGRESS = [dg.DagsterRunStatus.STARTED, *_LAUNCHING]


class AlertError(Exception):
    """The webhook did not take a message."""


class Kind(StrEnum):
    """What an alert is about."""

    RUN_FAILED = "run_failed"
    CONTRACT_BROKEN = "contract_broken"  # a check that blocks
    EXPECTATION_MISSED = "expectation_missed"  # a check that warns
    RUN_STUCK = "run_stuck"


_WORDS = {
    Kind.RUN_FAILED: "Failed",
    Kind.CONTRACT_BROKEN: "Contract broken",
    Kind.EXPECTATION_MISSED: "Warning",
    Kind.RUN_STUCK: "Stuck",
}


class Alert(BaseModel):
    """What happened to one subject, once or in several runs; run and message are the first's."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    subject: str  # the step, "asset: check", or the job
    job: str
    run_id: str
    message: str
    partitions: tuple[str, ...] = ()  # the first few
    count: int = 1
    url: str | None = None

    @property
    def key(self) -> str:
        """Alerts of one key are told together."""
        of_one_run = self.kind is Kind.RUN_STUCK
        return f"{self.kind}/{self.run_id if of_one_run else self.subject}"

    def and_another(self, other: "Alert") -> "Alert":
        """This alert, which the other has happened to as well."""
        partitions = tuple(dict.fromkeys(self.partitions + other.partitions))[:_PARTITIONS_NAMED]
        return self.model_copy(update={"count": self.count + other.count, "partitions": partitions})

    def _where(self) -> str:
        """In how many runs and for which partitions, in brackets; nothing for one run of none."""
        named = ", ".join(self.partitions)
        if self.count == 1:
            return f" ({named})" if named else ""
        more = ", ..." if len(self.partitions) == _PARTITIONS_NAMED < self.count else ""
        return f" ({self.count} times: {named}{more})" if named else f" ({self.count} times)"

    def line(self) -> str:
        """The alert as one line of text."""
        # Slack would take <!channel> in a message for a call to everyone.
        said = " ".join(self.message.split()).translate(str.maketrans("<>", "\u2039\u203a"))
        if len(said) > _LONGEST_MESSAGE:
            said = f"{said[:_LONGEST_MESSAGE]}…"
        address = f" {self.url}" if self.url else ""
        return f"{_WORDS[self.kind]}: {self.subject}{self._where()}: {said}{address}"


class _Cursor(BaseModel):
    """How far the sensor has read, and what it has told."""

    after: int  # the last event that was read
    stuck: list[str] = []  # unfinished runs that were told as stuck
    waiting: dict[str, Alert] = {}  # by key: seen, not told yet
    told: dict[str, float] = {}  # by key: when


def _now() -> float:
    return datetime.now(UTC).timestamp()


@dg.sensor(
    name="alerts",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,  # the variable is the switch
    description=(
        f"Tells the webhook of {WEBHOOK_URL} of steps that failed, checks that did not pass and "
        "runs that are stuck. Does nothing where the variable is not set."
    ),
)
def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Sends what is new; a webhook that does not take it fails the tick, which is repeated."""
    url = os.environ.get(WEBHOOK_URL, "")
    if not url:
        context.update_cursor("")  # what happens meanwhile is not told later
        return dg.SkipReason(f"{WEBHOOK_URL} is not set: nothing is sent")
    if not context.cursor:
        start = _Cursor(after=_last_end(context.instance))
        return _done(start, "runs that end from now on are told")
    cursor = _Cursor.model_validate_json(context.cursor)
    _read(context.instance, cursor)
    due = _take_due(cursor)
    if not due:
        return _done(cursor, "nothing to tell")
    send(url, due)
    return _done(cursor, f"told: {', '.join(alert.key for alert in due)}")


def _done(cursor: _Cursor, said: str) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=said, cursor=cursor.model_dump_json(exclude_defaults=True))


def send(url: str, due: Sequence[Alert]) -> None:
    """Post the alerts as one message.

    Raises:
        AlertError: The webhook did not take it. The error does not name the URL, nor what the
            webhook said, which may repeat it.
    """
    message = {
        "text": text_of(due),
        "alerts": [alert.model_dump(mode="json", exclude_none=True) for alert in due],
    }
    refused = asyncio.run(_refusal(url, message))
    if refused:  # outside of any `except`: an error in the background would show the URL
        raise AlertError(f"the webhook of {WEBHOOK_URL} {refused}; the message is sent again")


async def _refusal(url: str, message: object) -> str | None:
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            # Not followed: it would hand the message to whoever is named there.
            session.post(url, json=message, allow_redirects=False) as response,
        ):
            return None if response.ok and response.status < 300 else f"answered {response.status}"
    except TimeoutError:
        return f"did not answer in {_TIMEOUT_S} s"
    except (aiohttp.ClientError, ValueError) as error:  # ValueError: what is no URL
        return f"cannot be reached ({type(error).__name__})"


def text_of(due: Iterable[Alert]) -> str:
    """The alerts as text, a line each."""
    return "\n".join(alert.line() for alert in due)


def _fitting(due: Sequence[Alert]) -> Sequence[Alert]:
    """The first of them, as many as a chat takes in one message."""
    lengths = accumulate(len(alert.line()) + 1 for alert in due)
    return due[: max(1, sum(length <= _LONGEST_TEXT for length in lengths))]


def _take_due(cursor: _Cursor) -> list[Alert]:
    """What is told now: not what was told of the same subject a short while ago."""
    now, settings = _now(), CATALOG.alerts
    pause = {
        Kind.RUN_FAILED: 60 * settings.again_minutes,
        Kind.CONTRACT_BROKEN: 60 * settings.again_minutes,
        Kind.EXPECTATION_MISSED: 60 * settings.warnings_again_minutes,
        Kind.RUN_STUCK: 0,  # once anyway
    }
    longest = max(pause.values())
    cursor.told = {key: at for key, at in cursor.told.items() if now - at < longest}
    due = [
        alert
        for key, alert in cursor.waiting.items()
        if now - cursor.told.get(key, 0) >= pause[alert.kind]
    ]
    order = list(_WORDS)
    told = _fitting(sorted(due, key=lambda alert: order.index(alert.kind)))
    for alert in told:  # the others wait for the next tick
        del cursor.waiting[alert.key]
        cursor.told[alert.key] = now
    return list(told)


def _read(instance: dg.DagsterInstance, cursor: _Cursor) -> None:
    """Add what has happened since the cursor to what waits to be told, and move the cursor."""
    for record in _ended(instance, cursor.after):
        _add(cursor, _alerts_of(instance, record))
        cursor.after = record.storage_id
    cursor.stuck = [run_id for run_id in cursor.stuck if _is_unfinished(instance, run_id)]
    stuck = [alert for alert in _stuck(instance) if alert.run_id not in cursor.stuck]
    cursor.stuck += [alert.run_id for alert in stuck]
    _add(cursor, stuck)


def _add(cursor: _Cursor, found: Iterable[Alert]) -> None:
    for alert in found:
        before = cursor.waiting.get(alert.key)
        cursor.waiting[alert.key] = before.and_another(alert) if before else alert


def _last_end(instance: dg.DagsterInstance) -> int:
    """The id of the last event that ended a run."""
    ends = [instance.fetch_run_status_changes(kind, limit=1).records for kind in _ENDS]
    return max((record.storage_id for records in ends for record in records), default=0)


def _ended(instance: dg.DagsterInstance, after: int) -> Iterator[dg.EventLogRecord]:
    """The next events that ended a run, in the order of their ids."""
    ends = [
        record
        for kind in _ENDS
        for record in instance.fetch_run_status_changes(
            dg.RunStatusChangeRecordsFilter(kind, after_storage_id=after),
            limit=_RUNS_A_TICK,
            ascending=True,
        ).records
    ]
    for record in sorted(ends, key=lambda record: record.storage_id)[:_RUNS_A_TICK]:
        if _now() - record.timestamp < _SETTLED_S:
            return
        yield record


def _alerts_of(instance: dg.DagsterInstance, end: dg.EventLogRecord) -> Iterator[Alert]:
    """The checks that did not pass in a run, and why it failed."""
    run = instance.get_run_by_id(end.run_id)
    if run is None:
        return  # deleted since
    kinds = {dg.DagsterEventType.ASSET_CHECK_EVALUATION, dg.DagsterEventType.STEP_FAILURE}
    events = [entry.get_dagster_event() for entry in instance.all_logs(run.run_id, of_type=kinds)]
    found = [alert for event in events for alert in _alert_of(run, event)]
    yield from found
    failed = end.event_log_entry.get_dagster_event()
    if failed.event_type is dg.DagsterEventType.RUN_FAILURE and not any(
        alert.kind in {Kind.RUN_FAILED, Kind.CONTRACT_BROKEN} for alert in found
    ):
        yield _alert(run, Kind.RUN_FAILED, run.job_name, failed.message or "no reason was recorded")


def _alert_of(run: dg.DagsterRun, event: dg.DagsterEvent) -> Iterator[Alert]:
    if event.event_type is dg.DagsterEventType.STEP_FAILURE:
        error = event.step_failure_data.error
        # A contract that stops its run is told as the contract.
        if error is None or error.cls_name != _CONTRACT_STOPS:
            yield _alert(run, Kind.RUN_FAILED, str(event.step_key), root_cause(event))
        return
    check = event.asset_check_evaluation_data
    if not check.passed:
        broken = check.severity is dg.AssetCheckSeverity.ERROR
        kind = Kind.CONTRACT_BROKEN if broken else Kind.EXPECTATION_MISSED
        subject = f"{check.asset_key.to_user_string()}: {check.check_name}"
        yield _alert(run, kind, subject, _finding(check), check.partition)


def _finding(check: dg.AssetCheckEvaluation) -> str:
    """What was not true, with its figure and what was wanted where the check gives them."""
    said = [(check.description or "did not pass").rstrip(".")]
    for name in ("found", "wanted"):
        value = check.metadata[name].value if name in check.metadata else None
        if value is not None:
            said.append(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}")
    return "; ".join(said)


def _stuck(instance: dg.DagsterInstance) -> Iterator[Alert]:
    """Runs that say nothing for long, and runs that wait for long with nothing before them."""
    settings, now = CATALOG.alerts, _now()
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        [*last] = instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
        minutes = (now - last[0].timestamp) / 60 if last else 0.0
        if minutes >= settings.silent_minutes:
            message = f"the run has said nothing for {minutes:.0f} minutes"
            yield _alert(run, Kind.RUN_STUCK, run.job_name, message)
    for record in _held_up(instance):
        minutes = (now - record.update_timestamp.timestamp()) / 60
        if minutes >= settings.waiting_minutes:
            status = record.dagster_run.status.value
            message = f"the run is {status} for {minutes:.0f} minutes, and nothing runs before it"
            yield _alert(record.dagster_run, Kind.RUN_STUCK, record.dagster_run.job_name, message)


def _held_up(instance: dg.DagsterInstance) -> Sequence[dg.RunRecord]:
    """Runs that should be starting; of the queue only its head, and only where nothing runs."""
    launching = instance.get_run_records(dg.RunsFilter(statuses=_LAUNCHING))
    if instance.get_runs(dg.RunsFilter(statuses=_IN_PROGRESS), limit=1):
        return launching
    queued = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
    return instance.get_run_records(queued, limit=1, ascending=True)


def _is_unfinished(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is not None and not run.is_finished


def _alert(
    run: dg.DagsterRun, kind: Kind, subject: str, message: str, partition: str | None = None
) -> Alert:
    partition = partition or run.tags.get("dagster/partition")
    ui = os.environ.get(UI_URL, "").rstrip("/")
    retried = run.tags.get("dagster/will_retry") == "true" and kind is Kind.RUN_FAILED
    return Alert(
        kind=kind,
        subject=subject,
        job=run.job_name,
        run_id=run.run_id,
        message=f"{message} (the run is tried again)" if retried else message,
        partitions=(partition,) if partition else (),
        url=f"{ui}/runs/{run.run_id}" if ui else None,
    )
