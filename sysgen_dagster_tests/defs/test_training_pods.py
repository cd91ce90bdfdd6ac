"""Students that are trained in pods of a cluster, which is recorded; a pod is a process here."""

import fcntl
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import kubernetes_validate
import pytest
import yaml

from sysgen_dagster.defs.plumbing.training_pods import Pods, find_pods
from sysgen_dagster.processes.supervisor import Ending
from sysgen_dagster.students.arguments import TrainingError
from sysgen_dagster_tests.defs.cluster import Cluster, serving
from sysgen_dagster_tests.defs.student_deployment import Deployment
from sysgen_dagster_tests.inference.processes import Descendants, wait_until
from sysgen_dagster_tests.students.trainings import ONLY_THE_TRAINING, losses, uninterrupted

SHIPPED = Path(__file__).parents[2] / "deploy" / "kubernetes" / "training-pod.yaml"
NO_CONTEXT: Any = None


def write_manifest(place: Path, mounted: Path, **changes: Any) -> Path:
    """The shipped one, with the working folder of a test."""
    manifest = yaml.safe_load(SHIPPED.read_text())
    manifest["spec"]["containers"][0]["volumeMounts"][0]["mountPath"] = str(mounted)
    manifest["spec"] |= changes
    place.write_text(yaml.safe_dump(manifest))
    return place


def is_free(users: IO[str]) -> bool:
    """Whether no run follows the training."""
    try:
        fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(users, fcntl.LOCK_UN)
    return True


@pytest.fixture
def deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, descendants: Descendants
) -> Iterator[Deployment]:
    it = Deployment(tmp_path / "data", monkeypatch)
    it.build()
    monkeypatch.delenv("SYSGEN_TRAIN")  # the trainer is in the image of the pod alone
    monkeypatch.setenv("SYSGEN_TRAIN_POD", str(write_manifest(tmp_path / "pod.yaml", it.data)))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    yield it
    for run in it.runs:
        run.kill()


@pytest.fixture
def cluster(tmp_path: Path, deployment: Deployment) -> Iterator[Cluster]:
    """Its image has one program, `python3`: Python, with the trainer."""
    image = tmp_path / "image"
    image.mkdir()
    python = f'case $1 in *.py) exec {sys.executable} "$@";; esac\n'
    python += f'exec {deployment.data / "python"} "$@"\n'
    (image / "python3").write_text(f"#!/bin/sh\n{python}")
    (image / "python3").chmod(0o755)
    it = Cluster(str(image))
    with serving(it, tmp_path / "kubeconfig"):
        yield it
        it.lose()


def test_a_training_in_a_pod_is_one_like_any_other(
    deployment: Deployment, cluster: Cluster
) -> None:
    deployment.behave(step_s=0.2)
    said = deployment.make()

    assert (said["errors"], said["broken"]) == ([], [])
    assert losses(deployment.folder()) == uninterrupted()
    assert said["observed"][-1]["step"] == 10
    assert float(said["metadata"]["gpu_hours"]) >= 0
    assert json.loads((deployment.folder() / "arguments.json").read_text())["devices"] == "cuda"
    trained, asked = cluster.created
    for pod in (trained, asked):
        whole = pod | {"apiVersion": "v1", "kind": "Pod"}  # the API adds what its address says
        kubernetes_validate.validate(whole, "1.32", strict=True)
        assert pod["spec"]["terminationGracePeriodSeconds"] > 1800
        assert pod["spec"]["activeDeadlineSeconds"] == 1209600
        [container] = pod["spec"]["containers"]
        assert container["resources"]["limits"] == {"nvidia.com/gpu": "1"}
        assert container["image"] == "registry.example.com/sysgen-train:0.1.0"
    assert (deployment.folder() / "answer.txt").read_text() == "Paris.\n"
    assert cluster.living({}) == []


def test_a_cancelled_run_deletes_its_pod_which_writes_a_checkpoint_on_all_gpus(
    deployment: Deployment, cluster: Cluster, descendants: Descendants
) -> None:
    catalog = yaml.safe_load((deployment.data / "catalog.yaml").read_text())
    catalog["trainings"]["first"] |= {"gpus": [0, 1], "batch": 8}
    (deployment.data / "catalog.yaml").write_text(yaml.safe_dump(catalog))
    deployment.behave(launches=2, waits_after=5, save_s=1.0)
    run = deployment.begin()
    deployment.wait_for_step(5)
    run.process.send_signal(signal.SIGTERM)
    run.process.wait(60)

    assert cluster.living({}) == []
    assert descendants(ONLY_THE_TRAINING) == []
    assert json.loads((deployment.folder() / "resume" / "resume.json").read_text())["step"] == 5
    deployment.behave(launches=2)
    assert deployment.make()["errors"] == []
    assert losses(deployment.folder()) == uninterrupted()
    limits = [pod["spec"]["containers"][0]["resources"]["limits"] for pod in cluster.created]
    assert limits == [{"nvidia.com/gpu": "2"}] * 3


def test_a_killed_run_leaves_its_pod_to_the_next_one(
    deployment: Deployment, cluster: Cluster, descendants: Descendants
) -> None:
    deployment.behave(waits_after=5)
    run = deployment.begin()
    deployment.wait_for_step(5)
    [process] = descendants(ONLY_THE_TRAINING)
    run.kill()
    users = deployment.folder() / "process.users"
    before = users.read_text()
    second = deployment.begin()
    wait_until(lambda: users.read_text() not in ("", before))
    assert descendants(ONLY_THE_TRAINING) == [process]
    (deployment.folder() / "go").touch()

    said = json.loads(second.url)
    assert (said["errors"], said["broken"]) == ([], [])
    assert len(cluster.created) == 2  # one trained, one was asked
    assert cluster.living({}) == []


@pytest.mark.slow
def test_a_pod_that_is_lost_ends_the_step_and_the_next_run_resumes(
    deployment: Deployment, cluster: Cluster
) -> None:
    deployment.behave(waits_after=5)
    run = deployment.begin()
    deployment.wait_for_step(5)
    cluster.lose()
    with (deployment.folder() / "process.users").open() as users:
        wait_until(lambda: is_free(users))  # the step has ended, and would be tried again later
    run.kill()
    deployment.behave()
    assert deployment.make()["errors"] == []
    assert losses(deployment.folder()) == uninterrupted()


def test_a_pod_that_is_deleted_before_it_ran_ends_the_step(
    deployment: Deployment, cluster: Cluster
) -> None:
    cluster.has_room = False
    run = deployment.begin()
    wait_until(lambda: cluster.seen > 2)
    cluster.lose()
    assert "ended before it began" in str(json.loads(run.url)["errors"])


def test_what_the_cluster_refuses_is_the_error(deployment: Deployment, cluster: Cluster) -> None:
    cluster.refuses = 403
    [error] = deployment.make()["errors"]
    assert "pods are forbidden" in error


def test_a_second_pod_in_a_folder_ends_and_changes_nothing(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    script: list[list[str]] = []
    monkeypatch.setattr(Pods, "run", lambda _, command, __: script.append(command))
    pods = Pods(NO_CONTEXT, tmp_path, {}, {})
    log, state = tmp_path / "log.txt", tmp_path / "process.json"
    pods.start(tmp_path, "process", ["true"], {}, log=log, ending=Ending(1.0), environment={})
    wait_until(lambda: bool(script))
    with state.open("w") as held:
        held.write("{}")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        assert subprocess.run(script[0], check=False).returncode == 75
    assert state.read_text() == "{}"
    assert "another pod trains in this folder" in log.read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no manifest of a pod"),
        ("[1", "no manifest of a pod"),
        ("kind: Pod", "no manifest of a pod"),
        ("just words", "no manifest of a pod"),
        ("spec: {containers: []}", "no manifest of a pod"),
        ("spec: {containers: [{image: x}]}", "mounts nothing at"),
        ("spec: {containers: [{volumeMounts: [{mountPath: /elsewhere}]}]}", "same path"),
    ],
)
def test_a_manifest_that_cannot_train_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, said: str
) -> None:
    file = tmp_path / "pod.yaml"
    if text is not None:
        file.write_text(text)
    monkeypatch.setenv("SYSGEN_TRAIN_POD", str(file))
    with pytest.raises(TrainingError, match=f"{file}.*{said}"):
        find_pods(NO_CONTEXT, tmp_path / "first", 1)


def test_without_dagster_k8s_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSGEN_TRAIN_POD", str(write_manifest(tmp_path / "pod.yaml", tmp_path)))
    monkeypatch.setitem(sys.modules, "dagster_k8s", None)
    with pytest.raises(TrainingError, match=r"sysgen-dagster\[kubernetes\]"):
        find_pods(NO_CONTEXT, tmp_path / "first", 1)


def test_the_time_limit_is_the_manifests_or_two_weeks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_manifest(tmp_path / "pod.yaml", tmp_path, activeDeadlineSeconds=60)
    monkeypatch.setenv("SYSGEN_TRAIN_POD", str(file))
    pods = find_pods(NO_CONTEXT, tmp_path / "first", 8)
    assert pods is not None
    assert pods.spec["activeDeadlineSeconds"] == 60
    assert pods.spec["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": 8}
    manifest = yaml.safe_load(file.read_text())
    del manifest["spec"]["activeDeadlineSeconds"]
    file.write_text(yaml.safe_dump(manifest))
    pods = find_pods(NO_CONTEXT, tmp_path / "first", 8)
    assert pods is not None
    assert pods.spec["activeDeadlineSeconds"] == 14 * 24 * 3600
