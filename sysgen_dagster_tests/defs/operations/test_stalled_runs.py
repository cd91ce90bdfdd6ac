"""An alert for a run that gets no answers, whatever it logs; none for one that waits its turn."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.operations.alerts import UI_URL, WEBHOOK_URL
from sysgen_dagster.defs.operations.stalled_runs import STALLED_AFTER_MIN, stalled_runs
from sysgen_dagster.defs.plumbing.metadata import progress_metadata
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.resources import ModelSession
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster_tests.dagster_internals import AssetObservationData
from sysgen_dagster_tests.defs.operations.test_alerts import Webhook, webhook

__all__ = ["webhook"]  # a fixture
ASSET = dg.AssetKey("annotated_system_messages")
KEY = "m|s-0"


class Run:
    """A run as its worker reports it, on a clock of the test's."""

    def __init__(self, instance: dg.DagsterInstance, requests: int = 8_000) -> None:
        self.instance = instance
        job = defs.resolve_job_def("sysgen")
        tags = {"dagster/partition": KEY}
        self.run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
        self.progress = Progress(total=requests, at_once=32)

    def observe(self, answered: int, at_once: int = 32, asset: dg.AssetKey = ASSET) -> None:
        """What the run says of itself every half minute, whether it got answers or not."""
        self.progress.done, self.progress.at_once = answered, at_once
        metadata = progress_metadata(self.progress)
        observed = dg.AssetObservation(asset, partition=KEY, metadata=metadata)
        event = dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.ASSET_OBSERVATION.value,
            job_name=self.run.job_name,
            event_specific_data=AssetObservationData(observed),
        )
        self.instance.report_dagster_event(event, self.run.run_id)


class Clock:
    """The sensor, once a minute."""

    def __init__(self, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        self.instance, self.now = instance, 1_800_000_000.0
        self.cursor: str | None = None
        monkeypatch.setattr(time, "time", lambda: self.now)

    def minute(self, *runs: Run, answered: int | None = None, at_once: int = 32) -> None:
        for run in runs:
            run.observe(run.progress.done if answered is None else answered, at_once)
        self.tick()
        self.now += 60

    def tick(self) -> None:
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor) as context:
            result = stalled_runs.evaluate_tick(context)
        self.cursor = result.cursor


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Clock(instance, monkeypatch)


def test_the_code_location_has_the_sensor_and_it_is_on() -> None:
    found = defs.resolve_sensor_def("stalled_runs")
    assert found.default_status is dg.DefaultSensorStatus.RUNNING


def test_a_run_that_says_much_and_gets_no_answer_is_one_message(
    clock: Clock, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(UI_URL, "http://ui:3000")
    run = Run(clock.instance)
    for _ in range(15):
        clock.minute(run, answered=1_234)
    assert webhook.texts == []
    for _ in range(60):
        clock.minute(run)
    assert webhook.texts == [
        "Stalled: annotated_system_messages (m|s-0): 1,234 of 8,000 requests are answered, and "
        f"none since 15 min ago. Look at the model's server http://ui:3000/runs/{run.run.run_id}"
    ]


def test_a_run_that_says_nothing_more_is_one_message(clock: Clock, webhook: Webhook) -> None:
    run = Run(clock.instance)
    clock.minute(run, answered=1)
    for _ in range(60):
        clock.minute()
    assert len(webhook.texts) == 1


def test_a_slow_run_that_gets_an_answer_now_and_then_is_none(
    clock: Clock, webhook: Webhook
) -> None:
    run = Run(clock.instance)
    for minute in range(100):
        clock.minute(run, answered=minute // 14)
    assert webhook.texts == []


def test_a_second_stall_of_a_run_is_a_second_message(clock: Clock, webhook: Webhook) -> None:
    run = Run(clock.instance)
    for answered in [10] * 20 + [11] * 20:
        clock.minute(run, answered=answered)
    assert [text.partition(" of ")[0].rpartition(" ")[2] for text in webhook.texts] == ["10", "11"]


def test_a_run_that_waits_for_a_server_or_its_device_is_none(
    clock: Clock, webhook: Webhook
) -> None:
    run = Run(clock.instance)
    for _ in range(60):
        clock.minute(run, at_once=0)
    for _ in range(14):  # its time begins when the server is there
        clock.minute(run)
    assert webhook.texts == []
    clock.minute(run)
    clock.minute(run)
    assert len(webhook.texts) == 1


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED])
def test_a_run_that_has_ended_is_none(
    clock: Clock, webhook: Webhook, status: dg.DagsterRunStatus
) -> None:
    run = Run(clock.instance)
    clock.minute(run, answered=5)
    report = {
        dg.DagsterRunStatus.FAILURE: clock.instance.report_run_failed,
        dg.DagsterRunStatus.CANCELED: clock.instance.report_run_canceled,
    }[status]
    report(run.run)
    for _ in range(30):
        clock.minute()
    assert webhook.texts == []
    assert json.loads(clock.cursor or "") == {}


def test_a_run_whose_answers_are_all_there_may_take_its_time(
    clock: Clock, webhook: Webhook
) -> None:
    run = Run(clock.instance, requests=10)
    for _ in range(60):
        clock.minute(run, answered=10)
    assert webhook.texts == []


def test_runs_that_observe_nothing_of_requests_are_none(clock: Clock, webhook: Webhook) -> None:
    Run(clock.instance)
    for _ in range(60):
        clock.minute()
    assert webhook.texts == []


def test_each_of_two_runs_has_its_own_time(clock: Clock, webhook: Webhook) -> None:
    stalled, going_on = Run(clock.instance), Run(clock.instance)
    for minute in range(30):
        going_on.observe(minute)
        clock.minute(stalled, answered=7)
    assert len(webhook.texts) == 1
    assert " 7 of " in webhook.texts[0]


def test_a_message_that_the_webhook_did_not_take_is_sent_again(
    clock: Clock, webhook: Webhook
) -> None:
    run = Run(clock.instance)
    for _ in range(15):
        clock.minute(run, answered=3)
    webhook.answers[:] = [500]
    with pytest.raises(Exception, match="answered 500") as error:
        clock.minute(run)
    assert "planted-secret" not in str(error.value)
    clock.minute(run)
    clock.minute(run)
    assert len(webhook.texts) == 1


def test_a_message_that_was_taken_is_not_sent_again_because_another_one_was_not(
    clock: Clock, webhook: Webhook
) -> None:
    runs = [Run(clock.instance), Run(clock.instance)]
    for _ in range(15):
        clock.minute(*runs, answered=3)
    webhook.answers[:] = [200, 429]
    for _ in range(5):
        clock.minute(*runs)
    assert (webhook.asked, len(webhook.texts)) == (3, 2)  # the one that was refused came again


@pytest.mark.parametrize("said", ["15m", "0", "-3", "nan", "inf", "a quarter"])
def test_what_is_no_number_of_minutes_is_said(
    clock: Clock, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv(STALLED_AFTER_MIN, said)
    with pytest.raises(Exception, match=f"{STALLED_AFTER_MIN} is '{said}'"):
        clock.minute(Run(clock.instance))
    assert webhook.asked == 0


def test_how_long_is_too_long_can_be_said(
    clock: Clock, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STALLED_AFTER_MIN, "3")
    run = Run(clock.instance)
    for _ in range(4):
        clock.minute(run, answered=3)
    assert len(webhook.texts) == 1


def test_without_a_webhook_nothing_is_done(
    clock: Clock, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(WEBHOOK_URL)
    run = Run(clock.instance)
    for _ in range(30):
        clock.minute(run, answered=3)
    assert webhook.asked == 0


def observe(clock: Clock, folder: Path, shows: Callable[[ModelSession], None]) -> None:
    """Run an asset whose session with a model shows its progress."""

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition([KEY]))
    def answers(context: dg.AssetExecutionContext) -> None:
        entry = next(iter(CATALOG.models.values()))
        engines, ledger = Engines(folder), Ledger(folder / "ledger.jsonl")
        shows(ModelSession(entry, engines, ledger, context, "", observe_every_s=-1))

    dg.materialize([answers], instance=clock.instance, partition_key=KEY)


def test_what_a_run_really_observes_is_understood(
    clock: Clock, webhook: Webhook, tmp_path: Path
) -> None:
    def shows(session: ModelSession) -> None:
        for _ in range(17):
            session._show(Progress(total=20, done=7, at_once=4))
            clock.minute()

    observe(clock, tmp_path, shows)
    assert len(webhook.texts) == 1
    assert webhook.texts[0].startswith(f"Stalled: answers ({KEY}): 7 of 20 requests are answered")


def test_that_the_last_answer_has_come_is_observed_at_once(
    clock: Clock, webhook: Webhook, tmp_path: Path
) -> None:
    """What follows it may take long, and is no stall."""

    def shows(session: ModelSession) -> None:
        session._show(Progress(total=20, done=7, at_once=4))
        session.observe_every_s = 600
        session._show(Progress(total=20, done=20, at_once=4))
        for _ in range(30):
            clock.minute()

    observe(clock, tmp_path, shows)
    assert webhook.texts == []
