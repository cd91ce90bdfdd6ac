"""What reaches the webhook: each failure once, nothing lost while it is down, its URL nowhere."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._utils.error import serializable_error_info_from_exc_info

from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.operations import alerts as module
from sysgen_dagster.defs.operations.alerts import (
    UI_URL,
    WEBHOOK_URL,
    Alert,
    AlertError,
    Kind,
    alerts,
    text_of,
)
from sysgen_dagster.defs.plumbing.failures import told_plainly
from sysgen_dagster.inference.chat_api import EngineError

MINUTE = 60
KEYS = [f"m|s-{index}" for index in range(6)]


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(KEYS))
@told_plainly
def answers() -> None:
    raise EngineError("model m: no server answers; start one")


class _Told(dg.Config):
    severity: str = "WARN"


@dg.asset(
    partitions_def=dg.StaticPartitionsDefinition(KEYS),
    check_specs=[dg.AssetCheckSpec("kept", asset="messages", blocking=True)],
)
def messages(config: _Told) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        check_results=[
            dg.AssetCheckResult(
                passed=config.severity == "none",
                check_name="kept",
                severity=dg.AssetCheckSeverity(config.severity),
                description="Not true: enough kept.",
                metadata={"found": 0.51234, "wanted": "0.65 to 0.85"},
            )
        ]
    )


@dataclass
class Webhook:
    """A server that answers as it is told to, and what it has taken."""

    url: str = ""
    answers: list[int] = field(default_factory=list)  # the next statuses, then 200; 0: none in time
    asked: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.taken]


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.asked += 1
            status = hook.answers.pop(0) if hook.answers else 200
            if status == 0:
                time.sleep(1)
                return
            if status == 200:
                hook.taken.append(json.loads(body))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(self.path.encode())  # as some do: the address comes back

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hook.url = f"http://127.0.0.1:{server.server_port}/hooks/planted-secret"
    monkeypatch.setenv(WEBHOOK_URL, hook.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield hook
    server.shutdown()
    server.server_close()


@dataclass
class Sensor:
    """Ticks as the daemon's: a new context each, the cursor of the last good one."""

    instance: dg.DagsterInstance
    ahead: float = 10  # seconds: what has just happened is settled
    cursor: str | None = None

    def tick(self) -> str:
        """Why the tick asked for no run."""
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor) as context:
            result = alerts(context)
            self.cursor = context.cursor
        if isinstance(result, dg.SkipReason):
            return result.skip_message or ""
        assert isinstance(result, dg.SensorResult)
        assert result.skip_reason is not None
        self.cursor = result.cursor
        return result.skip_reason.skip_message or ""

    def materialize(self, asset: dg.AssetsDefinition, key: str, severity: str = "WARN") -> str:
        """The run."""
        ops = {"messages": {"config": {"severity": severity}}} if asset is messages else {}
        return dg.materialize(
            [asset],
            instance=self.instance,
            partition_key=key,
            run_config={"ops": ops},
            raise_on_error=False,
        ).run_id

    def create_run(self, status: dg.DagsterRunStatus, **tags: str) -> dg.DagsterRun:
        job = defs.resolve_job_def("sysgen")
        repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("sysgen"), "sysgen")
        origin = RemoteJobOrigin(repository, "sysgen")  # a queued run must have one
        return self.instance.create_run_for_job(
            job, status=status, tags=tags, remote_job_origin=origin
        )


@pytest.fixture
def sensor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sensor]:
    with dg.instance_for_test() as instance:
        sensor = Sensor(instance)
        monkeypatch.setattr(module, "_now", lambda: time.time() + sensor.ahead)
        yield sensor


@pytest.fixture
def started(webhook: Webhook, sensor: Sensor) -> Sensor:
    """A sensor whose first tick is behind it."""
    assert sensor.tick() == "runs that end from now on are told"
    return sensor


def test_the_code_location_has_the_sensor_and_the_variable_is_its_switch(
    sensor: Sensor,
) -> None:
    found = defs.resolve_sensor_def("alerts")
    assert found.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.tick() == f"{WEBHOOK_URL} is not set: nothing is sent"


def test_what_failed_before_the_first_tick_is_not_told(webhook: Webhook, sensor: Sensor) -> None:
    sensor.materialize(answers, KEYS[0])
    assert sensor.tick() == "runs that end from now on are told"
    assert sensor.tick() == "nothing to tell"
    assert webhook.taken == []


def test_a_failed_run_is_told_once_in_plain_words(
    started: Sensor, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(UI_URL, "http://ui:3000/")
    run = started.materialize(answers, KEYS[0])
    assert started.tick() == "told: run_failed/answers"
    assert webhook.taken == [
        {
            "text": "Failed: answers (m|s-0): model m: no server answers; start one "
            f"http://ui:3000/runs/{run}",
            "alerts": [
                {
                    "kind": "run_failed",
                    "subject": "answers",
                    "job": "__ephemeral_asset_job__",
                    "run_id": run,
                    "message": "model m: no server answers; start one",
                    "partitions": ["m|s-0"],
                    "count": 1,
                    "url": f"http://ui:3000/runs/{run}",
                }
            ],
        }
    ]
    assert started.tick() == "nothing to tell"


def test_a_run_that_succeeds_and_one_that_is_canceled_are_not_told(
    started: Sensor, webhook: Webhook
) -> None:
    started.materialize(messages, KEYS[0], "WARN")
    started.instance.report_run_canceled(started.create_run(dg.DagsterRunStatus.STARTED))
    started.tick()
    assert webhook.texts == [
        "Warning: messages: kept (m|s-0): Not true: enough kept; found 0.512; wanted 0.65 to 0.85"
    ]


def test_a_broken_contract_is_told_as_the_contract_and_not_as_the_step_it_stopped(
    started: Sensor, webhook: Webhook
) -> None:
    run = started.materialize(messages, KEYS[1], "ERROR")
    assert started.instance.get_run_by_id(run).status is dg.DagsterRunStatus.FAILURE
    started.tick()
    [message] = webhook.taken
    assert [alert["kind"] for alert in message["alerts"]] == ["contract_broken"]
    assert message["text"].startswith("Contract broken: messages: kept (m|s-1): Not true")


def test_a_run_whose_process_was_killed_is_told_with_what_dagster_knows(
    started: Sensor, webhook: Webhook
) -> None:
    run = started.create_run(dg.DagsterRunStatus.STARTED, **{"dagster/will_retry": "true"})
    started.instance.report_run_failed(run, "the worker has vanished")
    started.tick()
    assert webhook.texts == ["Failed: sysgen: the worker has vanished (the run is tried again)"]


def test_a_backfill_whose_runs_fail_alike_is_one_message_a_quarter_of_an_hour(
    started: Sensor, webhook: Webhook
) -> None:
    for key in KEYS[:2]:
        started.materialize(answers, key)
    started.tick()
    for key in KEYS[2:]:
        started.materialize(answers, key)
        assert started.tick() == "nothing to tell"
    started.ahead += 15 * MINUTE
    started.tick()
    assert [text.partition("): ")[0] for text in webhook.texts] == [
        "Failed: answers (2 times: m|s-0, m|s-1",
        "Failed: answers (4 times: m|s-2, m|s-3, m|s-4, m|s-5",
    ]


def test_the_same_warning_waits_for_half_a_day_and_another_subject_does_not(
    started: Sensor, webhook: Webhook
) -> None:
    started.materialize(messages, KEYS[0], "WARN")
    started.tick()
    started.ahead += 60 * MINUTE
    started.materialize(messages, KEYS[1], "WARN")
    started.materialize(answers, KEYS[1])
    started.tick()
    started.ahead += 12 * 60 * MINUTE
    started.tick()
    assert [text.partition(" (")[0] for text in webhook.texts] == [
        "Warning: messages: kept",
        "Failed: answers",
        "Warning: messages: kept",
    ]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (500, "answered 500"),
        (404, "answered 404"),
        (302, "answered 302"),
        (0, "did not answer in 0.3 s"),
    ],
)
def test_while_the_webhook_is_down_ticks_fail_nothing_is_lost_and_its_url_is_not_shown(
    answer: int,
    told: str,
    started: Sensor,
    webhook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.3)
    caplog.set_level("DEBUG")
    webhook.answers = [answer, answer]
    started.materialize(answers, KEYS[0])
    for _ in range(2):
        with pytest.raises(AlertError, match=told):
            started.tick()
        started.materialize(messages, KEYS[0], "WARN")
    started.tick()
    started.tick()
    [message] = webhook.taken
    assert {alert["kind"]: alert["count"] for alert in message["alerts"]} == {
        "run_failed": 1,
        "expectation_missed": 2,
    }
    assert webhook.asked == 3
    assert "planted-secret" not in caplog.text


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:9/planted-secret", "cannot be reached"),
        ("http://127.0.0.1:99999/planted-secret", "cannot be reached"),
        ("hooks.example/planted-secret", "cannot be reached"),
    ],
)
def test_the_error_that_dagster_stores_does_not_hold_the_url(
    url: str, told: str, started: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WEBHOOK_URL, url)
    started.materialize(answers, KEYS[0])
    try:
        started.tick()
    except AlertError:
        stored = serializable_error_info_from_exc_info(sys.exc_info()).to_string()
    assert told in stored
    assert "planted-secret" not in stored
    assert "planted-secret" not in (started.cursor or "")


def test_more_failures_than_a_tick_reads_are_told_by_the_next_ticks(
    started: Sensor, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RUNS_A_TICK", 2)
    for key in KEYS[:5]:
        started.materialize(answers, key)
    for _ in range(4):
        started.tick()
        started.ahead += 15 * MINUTE
    assert [message["alerts"][0]["count"] for message in webhook.taken] == [2, 2, 1]


def test_what_has_just_been_written_waits_for_what_may_still_be_written_before_it(
    started: Sensor, webhook: Webhook
) -> None:
    started.ahead = 0
    started.materialize(answers, KEYS[0])
    assert started.tick() == "nothing to tell"
    started.ahead = 10
    assert started.tick() == "told: run_failed/answers"


def test_a_run_that_was_deleted_meanwhile_is_left_out(started: Sensor, webhook: Webhook) -> None:
    started.instance.delete_run(started.materialize(answers, KEYS[0]))
    assert started.tick() == "nothing to tell"


def test_a_run_that_says_nothing_for_an_hour_is_told_once(
    started: Sensor, webhook: Webhook
) -> None:
    run = started.create_run(dg.DagsterRunStatus.STARTED, **{"dagster/partition": KEYS[0]})
    started.instance.report_engine_event("alive", run)
    started.ahead = 59 * MINUTE
    assert started.tick() == "nothing to tell"
    started.ahead = 61 * MINUTE
    started.tick()
    assert webhook.texts == ["Stuck: sysgen (m|s-0): the run has said nothing for 61 minutes"]
    for _ in range(2):
        started.ahead += 60 * MINUTE
        assert started.tick() == "nothing to tell"


def test_a_run_that_does_not_start_is_told_once(started: Sensor, webhook: Webhook) -> None:
    started.create_run(dg.DagsterRunStatus.STARTING)
    started.ahead = 31 * MINUTE
    started.tick()
    started.tick()
    assert webhook.texts == [
        "Stuck: sysgen: the run is STARTING for 31 minutes, and nothing runs before it"
    ]


def test_a_queue_is_stuck_only_where_nothing_runs(started: Sensor, webhook: Webhook) -> None:
    for key in KEYS:
        started.create_run(dg.DagsterRunStatus.QUEUED, **{"dagster/partition": key})
    running = started.create_run(dg.DagsterRunStatus.STARTED)
    started.instance.report_engine_event("alive", running)
    started.ahead = 45 * MINUTE
    assert started.tick() == "nothing to tell"
    started.instance.report_run_canceled(running)
    started.tick()
    started.tick()
    assert webhook.texts == [
        "Stuck: sysgen (m|s-0): the run is QUEUED for 45 minutes, and nothing runs before it"
    ]


def _loud(number: int) -> Alert:
    return Alert(
        kind=Kind.RUN_FAILED,
        subject=f"step {number}",
        job="sysgen",
        run_id="1",
        message=f"<!channel>\n{'x' * 400}",
    )


def test_a_text_calls_nobody() -> None:
    assert "<!channel>" not in text_of([_loud(0)])


def test_what_does_not_fit_a_chat_s_message_comes_with_the_next(
    started: Sensor, webhook: Webhook
) -> None:
    waiting = {alert.key: alert for alert in map(_loud, range(20))}
    cursor = module._Cursor.model_validate_json(started.cursor or "")
    started.cursor = cursor.model_copy(update={"waiting": waiting}).model_dump_json()
    while started.tick() != "nothing to tell":
        pass
    assert all(len(text) < 2_000 for text in webhook.texts)
    told = [alert["subject"] for message in webhook.taken for alert in message["alerts"]]
    assert sorted(told) == sorted(alert.subject for alert in waiting.values())
    assert len("\n".join(webhook.texts).splitlines()) == 20


def test_what_happens_while_nobody_is_to_be_told_is_not_told_later(
    started: Sensor, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(WEBHOOK_URL)
    started.materialize(answers, KEYS[0])
    started.tick()
    monkeypatch.setenv(WEBHOOK_URL, webhook.url)
    assert started.tick() == "runs that end from now on are told"
    assert started.tick() == "nothing to tell"
