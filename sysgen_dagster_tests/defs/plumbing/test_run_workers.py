"""Whether the process of a run lives, asked of real processes that are really killed."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
import pytest

from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.run_workers import forget, is_dead, living
from sysgen_dagster_tests.dagster_internals import EngineEventData, instance_for_test
from sysgen_dagster_tests.inference.processes import CEILING_S

LOCAL = {".dagster/grpc_info": json.dumps({"host": "localhost", "socket": "of-a-code-server"})}
REMOTE = {".dagster/grpc_info": json.dumps({"host": "code.example", "port": 4000})}


@dg.job
def nothing() -> None:
    """Does nothing."""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with instance_for_test() as instance:
        yield instance


def started(instance: dg.DagsterInstance, **tags: str) -> dg.DagsterRun:
    return instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED, tags=tags)


@contextmanager
def working(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[None]:
    """A process works on a run until it is killed, at the end. Forked: Dagster loads in seconds."""
    works, says = os.pipe()
    worker = os.fork()
    if worker == 0:
        with suppress(BaseException), living(instance, run.run_id):
            os.write(says, b"works")
            time.sleep(CEILING_S)
        os._exit(1)
    try:
        os.close(says)
        assert os.read(works, 5) == b"works"
        yield
    finally:
        os.close(works)
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)


def begun_by(instance: dg.DagsterInstance, run: dg.DagsterRun, pid: int) -> None:
    """As Dagster notes it when the process of a run starts."""
    instance.report_engine_event("Started process", run, EngineEventData.in_process(pid))


def mark_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Path:
    return Path(instance.root_directory) / "workers" / run.run_id


def test_a_run_lives_as_long_as_its_process_however_that_ends(instance: dg.DagsterInstance) -> None:
    run = started(instance)
    with working(instance, run):
        assert not is_dead(instance, run)
    assert is_dead(instance, run)
    forget(instance, run.run_id)
    assert not is_dead(instance, run)


def test_a_process_that_ends_by_itself_leaves_nothing(instance: dg.DagsterInstance) -> None:
    run = started(instance)
    with living(instance, run.run_id):
        assert mark_of(instance, run).is_file()
    assert list(mark_of(instance, run).parent.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "boot", "dead"),
    [
        (None, None, True),
        (None, "before-the-machine-went-down", True),
        ("an-older-container", None, True),
        ("another-machine", "another-boot", False),
        ("another-machine", "", False),
        ("", "", False),
    ],
)
def test_nothing_is_said_of_the_runs_of_another_machine(
    instance: dg.DagsterInstance, host: str | None, boot: str | None, dead: bool
) -> None:
    run = started(instance)
    with working(instance, run):
        mark = mark_of(instance, run)
    here = json.loads(mark.read_text())
    there = {"host": host, "boot": boot}
    mark.write_text(json.dumps(here | {k: v for k, v in there.items() if v is not None}))
    assert is_dead(instance, run) == dead


def test_a_run_lives_although_its_machine_is_named_otherwise_now(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started(instance)
    with working(instance, run):
        monkeypatch.setattr("platform.node", lambda: "renamed")
        assert not is_dead(instance, run)


def test_a_run_that_was_killed_before_it_had_its_lock_is_known_by_its_process(
    instance: dg.DagsterInstance,
) -> None:
    run = started(instance, **LOCAL)
    gone = subprocess.Popen(["true"])
    gone.wait()
    begun_by(instance, run, gone.pid)
    assert is_dead(instance, run)


@pytest.mark.parametrize("left", [b"", b'{"host": "a', b"\0" * 60, b"\xff"])
def test_what_a_power_cut_left_of_the_file_of_a_run_is_no_obstacle(
    instance: dg.DagsterInstance, left: bytes
) -> None:
    unknown, run = started(instance), started(instance, **LOCAL)
    gone = subprocess.Popen(["true"])
    gone.wait()
    begun_by(instance, run, gone.pid)
    for each in (unknown, run):
        mark_of(instance, each).parent.mkdir(exist_ok=True)
        mark_of(instance, each).write_bytes(left)
    assert (is_dead(instance, unknown), is_dead(instance, run)) == (False, True)


def test_a_run_without_a_lock_whose_process_lives_is_left_alone(
    instance: dg.DagsterInstance,
) -> None:
    run = started(instance, **LOCAL)
    begun_by(instance, run, os.getpid())
    assert not is_dead(instance, run)


def test_another_program_with_the_number_of_the_process_is_not_taken_for_it(
    instance: dg.DagsterInstance,
) -> None:
    run = started(instance, **LOCAL)
    other = subprocess.Popen(["sleep", "60"])
    try:
        begun_by(instance, run, other.pid)
        assert is_dead(instance, run)
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("tags", [{}, REMOTE], ids=["by_another_launcher", "by_another_host"])
def test_the_number_of_a_process_says_nothing_where_it_may_be_one_of_another_machine(
    instance: dg.DagsterInstance, tags: dict[str, str]
) -> None:
    run = started(instance, **tags)
    gone = subprocess.Popen(["true"])
    gone.wait()
    begun_by(instance, run, gone.pid)
    assert not is_dead(instance, run)


def test_a_run_of_which_nothing_is_known_is_left_alone(instance: dg.DagsterInstance) -> None:
    assert not is_dead(instance, started(instance, **LOCAL))


def test_a_run_that_reads_or_makes_tables_is_seen_to_live(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    seen: list[tuple[bool, bool]] = []

    @dg.asset
    def table(context: dg.AssetExecutionContext, tables: TablesResource) -> None:
        run = context.run
        seen.append((mark_of(instance, run).is_file(), is_dead(instance, run)))

    resources = {"tables": TablesResource(root=str(tmp_path))}
    run = dg.materialize([table], instance=instance, resources=resources)
    assert seen == [(True, False)]
    assert not (Path(instance.root_directory) / "workers" / run.run_id).exists()
