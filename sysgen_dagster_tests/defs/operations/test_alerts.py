"""What reaches the webhook: each failed run once, in plain words, and its URL nowhere."""

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dagster as dg
import pytest

from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.operations import alerts as module
from sysgen_dagster.defs.operations.alerts import UI_URL, WEBHOOK_URL, alerts
from sysgen_dagster.defs.plumbing.failures import errors_as_failures
from sysgen_dagster.inference.chat_api import EngineError

KEYS = [f"m|s-{index}" for index in range(6)]
PARTITIONS = dg.StaticPartitionsDefinition(KEYS)


@dg.asset(partitions_def=PARTITIONS)
@errors_as_failures
def answers() -> None:
    raise EngineError("model m: no server answers; start one")


class Severity(dg.Config):
    """How the check of `messages` fails."""

    severity: str = "WARN"


@dg.asset(
    partitions_def=PARTITIONS,
    check_specs=[dg.AssetCheckSpec("kept", asset="messages", blocking=True)],
)
def messages(config: Severity) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        check_results=[
            dg.AssetCheckResult(
                passed=False,
                check_name="kept",
                severity=dg.AssetCheckSeverity(config.severity),
                description="Not true: enough kept.",
                metadata={"found": 0.51200001, "wanted": "0.65 to 0.85"},
            )
        ]
    )


@dg.asset(partitions_def=PARTITIONS)
def loud() -> None:
    raise dg.Failure(f"<!channel>\n{'very ' * 400}loud")


@dataclass
class Webhook:
    """A server that answers as it is told to, and what it has taken."""

    url: str = ""
    answers: list[int] = field(default_factory=list)  # the next statuses, then 200; 0: none in time
    asked: int = 0
    texts: list[str] = field(default_factory=list)


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
                hook.texts.append(json.loads(body)["text"])
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
    """Ticks as the daemon's, with the cursor of the last one."""

    instance: dg.DagsterInstance
    cursor: str | None = None

    def tick(self) -> list[str]:
        """What Dagster shows at the tick: the error of each run whose message was not taken."""
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor) as context:
            result = alerts.evaluate_tick(context)
        self.cursor = result.cursor
        return [each.error.to_string() for each in result.dagster_run_reactions or [] if each.error]

    def materialize(
        self, *assets: dg.AssetsDefinition, key: str = KEYS[0], severity: str = "ERROR"
    ) -> str:
        """The id of the run."""
        ops = {"messages": {"config": {"severity": severity}}} if messages in assets else {}
        return dg.materialize(
            assets,
            instance=self.instance,
            partition_key=key,
            run_config={"ops": ops},
            raise_on_error=False,
        ).run_id


@pytest.fixture
def sensor() -> Iterator[Sensor]:
    """The sensor after its first tick, which tells nothing of what failed before it."""
    with dg.DagsterInstance.ephemeral() as instance:
        sensor = Sensor(instance)
        sensor.materialize(answers)
        sensor.tick()
        yield sensor


def test_the_code_location_has_the_sensor_and_it_is_on() -> None:
    found = defs.resolve_sensor_def("alerts")
    assert found.default_status is dg.DefaultSensorStatus.RUNNING


def test_a_failed_run_is_one_message_in_plain_words(
    sensor: Sensor, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(UI_URL, "http://ui:3000/")
    run = sensor.materialize(answers)
    for _ in range(2):
        assert sensor.tick() == []
    assert webhook.texts == [
        f"Failed: answers (m|s-0): model m: no server answers; start one http://ui:3000/runs/{run}"
    ]


def test_each_failed_run_has_its_own_message(sensor: Sensor, webhook: Webhook) -> None:
    for key in KEYS:
        sensor.materialize(answers, key=key)
    for _ in range(2):  # Dagster looks at five runs a tick
        sensor.tick()
    assert [text.partition(": model")[0] for text in webhook.texts] == [
        f"Failed: answers ({key})" for key in KEYS
    ]


def test_a_broken_contract_is_told_with_its_figures_and_not_as_the_step_that_it_stopped(
    sensor: Sensor, webhook: Webhook
) -> None:
    sensor.materialize(messages)
    sensor.tick()
    assert webhook.texts == [
        "Contract broken: messages: kept (m|s-0): Not true: enough kept. Found 0.512, wanted 0.65 "
        "to 0.85."
    ]


def test_what_failed_in_one_run_is_one_message_of_several_lines(
    sensor: Sensor, webhook: Webhook
) -> None:
    sensor.materialize(answers, messages)
    sensor.tick()
    [text] = webhook.texts
    assert [line.partition(" (")[0] for line in text.splitlines()] == [
        "Contract broken: messages: kept",
        "Failed: answers",
    ]


def test_a_warning_and_a_run_that_is_canceled_are_not_told(
    sensor: Sensor, webhook: Webhook
) -> None:
    sensor.materialize(messages, severity="WARN")
    job = defs.resolve_job_def("sysgen")
    run = sensor.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    sensor.instance.report_run_canceled(run)
    assert sensor.tick() == []
    assert webhook.texts == []


def test_a_warning_is_not_told_with_what_failed_in_its_run(
    sensor: Sensor, webhook: Webhook
) -> None:
    sensor.materialize(answers, messages, severity="WARN")
    sensor.tick()
    [text] = webhook.texts
    assert text == "Failed: answers (m|s-0): model m: no server answers; start one"


def test_a_run_whose_process_was_killed_is_told_with_what_dagster_knows(
    sensor: Sensor, webhook: Webhook
) -> None:
    job, tags = defs.resolve_job_def("sysgen"), {"dagster/will_retry": "true"}
    run = sensor.instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
    sensor.instance.report_run_failed(run, "the worker has vanished")
    sensor.tick()
    assert webhook.texts == ["Failed: sysgen: the worker has vanished (the run is tried again)"]


def test_a_text_calls_nobody_and_is_short(sensor: Sensor, webhook: Webhook) -> None:
    sensor.materialize(loud)
    sensor.tick()
    [text] = webhook.texts
    assert text.startswith("Failed: loud (m|s-0): \u2039!channel\u203a very very")
    assert text.endswith(" ...")
    assert len(text) <= 400


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (500, "answered 500"),
        (404, "answered 404"),
        (302, "answered 302"),
    ],
)
def test_a_message_that_the_webhook_does_not_take_fails_the_tick_and_the_next_ones_are_sent(
    answer: int, told: str, sensor: Sensor, webhook: Webhook
) -> None:
    webhook.answers = [answer]
    run = sensor.materialize(answers, key=KEYS[0])
    sensor.materialize(answers, key=KEYS[1])
    [error] = sensor.tick()
    assert f"{told}: look at run {run} in the UI" in error
    assert sensor.instance.get_run_by_id(run) is not None
    assert webhook.asked == 2
    assert [text.partition(": model")[0] for text in webhook.texts] == [
        f"Failed: answers ({KEYS[1]})"
    ]


def test_a_webhook_that_does_not_answer_is_not_waited_for(webhook: Webhook) -> None:
    webhook.answers = [0]
    refused = module.send(os.environ[module.WEBHOOK_URL], "Failed: answers", within_s=0.3)
    assert refused == "did not answer in 0.3 s"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/planted-secret",
        "http://127.0.0.1:99999/planted-secret",
        "hooks.example/planted-secret",
        "file://{folder}/planted-secret",  # which is there
        None,  # that of the webhook, which answers 500
    ],
)
def test_nothing_that_dagster_stores_or_logs_holds_the_url(
    url: str | None,
    sensor: Sensor,
    webhook: Webhook,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    webhook.answers = [500]
    (tmp_path / "planted-secret").touch()
    monkeypatch.setenv(WEBHOOK_URL, (url or webhook.url).format(folder=tmp_path))
    sensor.materialize(answers)
    [error] = sensor.tick()
    assert "SYSGEN_WEBHOOK_URL" in error
    for shown in (error, str(sensor.cursor), caplog.text, *capfd.readouterr()):
        assert "planted-secret" not in shown


def test_what_fails_while_there_is_no_webhook_is_not_told_later(
    sensor: Sensor, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(WEBHOOK_URL)
    sensor.materialize(answers)
    assert sensor.tick() == []
    monkeypatch.setenv(WEBHOOK_URL, webhook.url)
    assert sensor.tick() == []
    assert webhook.texts == []


def test_the_cursor_of_an_older_release_begins_anew(sensor: Sensor, webhook: Webhook) -> None:
    sensor.cursor = '{"after":1,"told":{"run_failed/answers":1.0}}'
    sensor.tick()
    sensor.materialize(answers)
    sensor.tick()
    assert len(webhook.texts) == 1
