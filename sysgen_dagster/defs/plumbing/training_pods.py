"""Trains in a pod of its own where the deployment names one, and not on the machine of the run.

The pod runs the same supervisor and the same program in the same folder, which is on a volume that
both mount. So locks and files say there what they say on one machine: who trains, who follows, how
far it is. What differs is how a training is started and ended, and that alone is here.
"""

import copy
import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster import PipesMessageReader
from dagster_pipes import PIPES_PROTOCOL_VERSION, PIPES_PROTOCOL_VERSION_FIELD

from sysgen_dagster.processes import supervisor
from sysgen_dagster.processes.state import read_state
from sysgen_dagster.processes.supervisor import Ending
from sysgen_dagster.students.arguments import TrainingError
from sysgen_dagster.students.launching import GRACE_S, HOME, LOG, program_command

POD = "SYSGEN_TRAIN_POD"  # the file with the pod's manifest
PYTHON = Path("python3")  # of the pod's image, which has the trainer
CODE = "code"  # in the folder of a training: what the pod runs, of the version of the run
_LABEL = "sysgen-training"
# Where the manifest has no activeDeadlineSeconds. Five epochs of a student of 14 billion weights
# take one GPU about eight days.
_LIMIT_S = 14 * 24 * 3600
_MARGIN_S = 60.0  # for the kubelet, beyond the time that a checkpoint takes
_LOOK_EVERY_S = 2.0
# A second pod on one folder ends before it has changed anything.
_TRAIN = """exec >>"$1" 2>&1 9<>"$2"
flock -n 9 || { echo "another pod trains in this folder" >&2; exit 75; }
: >"$2"
shift 2
exec "$@"
"""
_ASK = 'asked=$1 to=$2 log=$3; shift 3; printf %s "$asked" | "$@" >"$to" 2>>"$log"'


def find_pods(context: dg.AssetExecutionContext, folder: Path, gpus: int) -> "Pods | None":
    """The pods of a training; None where the deployment trains on the machine of the run.

    Args:
        context: Of the asset that trains.
        folder: Of the training.
        gpus: How many a pod gets.

    Raises:
        TrainingError: The manifest cannot be used, or dagster-k8s is not installed.
    """
    named = os.environ.get(POD)
    if not named:
        return None
    try:
        import dagster_k8s  # noqa: F401
    except ImportError as error:
        raise TrainingError(
            f"{POD} is set, and pods need the extra: pip install 'sysgen-dagster[kubernetes]'"
        ) from error
    try:
        manifest = yaml.safe_load(Path(named).read_text(encoding="utf-8"))
        meta, spec = manifest.get("metadata", {}), manifest["spec"]
        container = spec["containers"][0]
        mounts = [Path(each["mountPath"]) for each in container.get("volumeMounts", [])]
    except (OSError, yaml.YAMLError, LookupError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"{POD}={named} is no manifest of a pod ({error!r}): begin with "
            "deploy/kubernetes/training-pod.yaml"
        ) from error
    if not any(folder.is_relative_to(mount) for mount in mounts):
        raise TrainingError(
            f"the container of {named} mounts nothing at {folder} or above: give it the volume of "
            "the working folder at the same path as the runs have it"
        )
    limits = container.setdefault("resources", {}).setdefault("limits", {})
    limits["nvidia.com/gpu"] = gpus
    spec["terminationGracePeriodSeconds"] = int(GRACE_S + _MARGIN_S)
    spec.setdefault("activeDeadlineSeconds", _LIMIT_S)
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    labels = meta.get("labels", {}) | {_LABEL: digest}
    return Pods(context, folder, meta | {"labels": labels}, spec)


class _Nothing(PipesMessageReader):
    """The program knows no Dagster: what it says is in the folder, and nothing is in the pod's log.

    It is told in the program's name that it has said nothing, or Dagster would warn of that.
    """

    @contextmanager
    def read_messages(self, handler: Any) -> Iterator[dict[str, Any]]:
        for method in ("opened", "closed"):
            said = {PIPES_PROTOCOL_VERSION_FIELD: PIPES_PROTOCOL_VERSION, "method": method}
            handler.handle_message(said | {"params": {}})
        yield {}

    def no_messages_debug_text(self) -> str:
        return "Nothing is read."


@dataclass(frozen=True, slots=True)
class Pods:
    """Where a training runs, as `supervised` is for this machine.

    Attributes:
        context: Of the asset that trains.
        folder: Of the training.
        meta: The metadata of its pods.
        spec: What its pods are, but for what they run.
    """

    context: dg.AssetExecutionContext
    folder: Path
    meta: Mapping[str, Any]
    spec: Mapping[str, Any]

    @property
    def command(self) -> Callable[..., list[str]]:
        """`program_command`, in a pod."""
        return partial(program_command, PYTHON, home=self.folder / CODE)

    def start(
        self,
        folder: Path,
        name: str,
        command: Sequence[str],
        record: Mapping[str, Any],
        *,
        log: Path,
        ending: Ending,
        environment: Mapping[str, str],
    ) -> "PodProcess":
        """Start a command in a pod, under the supervisor that it would have here."""
        home, state = folder / CODE, folder / f"{name}.json"
        shutil.rmtree(home, ignore_errors=True)
        students = HOME
        shutil.copytree(students / "program", home / "program")
        shutil.copy(supervisor.__file__, home)
        log.touch()
        words = [str(PYTHON), str(home / "supervisor.py"), str(state), "9", json.dumps(record)]
        words += [json.dumps(asdict(ending)), *command]
        process = PodProcess(self, ["sh", "-c", _TRAIN, "sh", str(log), str(state), *words], log)
        threading.Thread(target=process.run, args=[environment], daemon=True).start()
        return process

    def stop(self, folder: Path, name: str, within_s: float) -> None:
        """Delete the pods of the training, which end with a checkpoint, and wait for that."""
        deadline = time.monotonic() + within_s + _MARGIN_S
        self._delete()
        while time.monotonic() < deadline and (self.living() or read_state(folder, name)):
            time.sleep(_LOOK_EVERY_S)

    def ask(self, checkpoint: Path, prompt: str, answer: Path) -> None:
        """Ask a checkpoint a question in a pod; what it answers is in a file, empty where nothing.

        Args:
            checkpoint: Its folder.
            prompt: A user's message.
            answer: The file.
        """
        answer.write_text("")
        words = self.command("program.answer", str(checkpoint))
        asked = ["sh", "-c", _ASK, "sh", prompt, str(answer), str(self.folder / LOG), *words]
        PodProcess(self, asked, self.folder / LOG).run({})
        self._delete()

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run a command in a pod until it has ended; the pod is left to `stop`."""
        from dagster_k8s import PipesK8sClient

        spec = copy.deepcopy(dict(self.spec))
        spec["containers"][0]["command"] = [*command]
        PipesK8sClient(message_reader=_Nothing(), poll_interval=_LOOK_EVERY_S).run(
            context=self.context,
            namespace=self._namespace(),
            env=environment,
            base_pod_meta=self.meta,
            base_pod_spec=spec,
            pod_wait_timeout=spec["activeDeadlineSeconds"] + GRACE_S + _MARGIN_S,
            # A cluster that does not answer for a moment ends no training.
            delete_pod_on_completion=False,
        )

    def living(self) -> list[str]:
        """The names of the pods of this training that the cluster has."""
        selector = f"{_LABEL}={self.meta['labels'][_LABEL]}"
        found = _api().list_namespaced_pod(self._namespace(), label_selector=selector)
        return [pod.metadata.name for pod in found.items]

    def _delete(self) -> None:
        for pod in self.living():
            _api().delete_namespaced_pod(pod, self._namespace())

    def _namespace(self) -> str:
        from dagster_k8s.utils import detect_current_namespace

        return self.meta.get("namespace") or detect_current_namespace(None) or "default"


@dataclass(slots=True)
class PodProcess:
    """A command in a pod, as `subprocess.Popen` is one on this machine."""

    pods: Pods
    command: list[str]
    log: Path
    code: int | None = None
    _was_seen: bool = False

    def run(self, environment: Mapping[str, str]) -> None:
        """Run it to its end; why it could not is in the log."""
        try:
            self.pods.run(self.command, environment)
            self.code = 0
        except Exception as error:  # whatever it is, the run is told by the log
            with self.log.open("a") as log:
                log.write(f"The pod: {error}\n")
            self.code = 1

    def poll(self) -> int | None:
        """Its exit status, 1 where it is not known; None while the cluster has its pod.

        Dagster's client waits a day for a pod that was deleted before it ran.
        """
        if self.code is None:
            is_there = bool(self.pods.living())
            if self._was_seen and not is_there:
                return 1
            self._was_seen = is_there
        return self.code

    def wait(self) -> int:
        """Its exit status, after `poll` has said that it has ended."""
        return self.poll() or 0


def _api() -> Any:
    """The cluster's API, which the pod of a run finds by itself."""
    import kubernetes  # type: ignore[import-untyped]

    kubernetes.config.load_config()
    return kubernetes.client.CoreV1Api()
