"""A cluster of one node: it records what its API is asked, and runs pods as processes here."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml


@dataclass
class Pod:
    """A pod and the process that its container is; none while it is pending."""

    body: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None
    deleted: bool = False

    def shown(self) -> dict[str, Any]:
        """As the API shows it."""
        code = self.process.poll() if self.process else None
        if self.process is None:
            return self.body | {"status": {"phase": "Pending"}}
        running = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
        state = running if code is None else {"terminated": {"exitCode": abs(code)}}
        container = self.body["spec"]["containers"][0]
        status = {
            **{"name": container["name"], "image": container["image"], "imageID": "x"},
            **{"ready": code is None, "restartCount": 0, "state": state},
        }
        phase = "Running" if code is None else "Failed" if code else "Succeeded"
        return self.body | {"status": {"phase": phase, "containerStatuses": [status]}}

    @property
    def labels(self) -> set[str]:
        """As selectors name them."""
        return {"=".join(each) for each in self.body["metadata"]["labels"].items()}

    @property
    def is_gone(self) -> bool:
        """Whether it was deleted, and its grace is over."""
        return self.deleted and (self.process is None or self.process.poll() is not None)


@dataclass
class Cluster:
    """What it has, and how it behaves.

    Attributes:
        path: Where `python3` of the image is.
        has_room: Whether pods are started; else they are pending.
        refuses: The status with which it refuses to create a pod.
        seen: How often a pod that it has was asked for.
    """

    path: str
    has_room: bool = True
    refuses: int = 0
    seen: int = 0
    pods: list[Pod] = field(default_factory=list)

    @property
    def created(self) -> list[dict[str, Any]]:
        """What was asked for."""
        return [pod.body for pod in self.pods]

    def create(self, body: dict[str, Any]) -> None:
        """Take a pod, and start it where there is room."""
        pod = Pod(body)
        if self.has_room:
            container = body["spec"]["containers"][0]
            added = {each["name"]: each.get("value", "") for each in container.get("env", [])}
            own = {name: os.environ[name] for name in os.environ if name.startswith("SYSGEN_TEST")}
            environment = own | added | {"PATH": f"{self.path}:{os.environ['PATH']}"}
            # A container's first process leads a session.
            pod.process = subprocess.Popen(
                container["command"], env=environment, start_new_session=True
            )
        self.pods.append(pod)

    def delete(self, name: str) -> None:
        """As the kubelet: SIGTERM, and SIGKILL after the grace, which no test waits for."""
        for pod in self.pods:
            if pod.body["metadata"]["name"] == name:
                pod.deleted = True
                if pod.process and pod.process.poll() is None:
                    pod.process.send_signal(signal.SIGTERM)

    def lose(self) -> None:
        """What a lost node does, or `kubectl delete --force`."""
        for pod in self.pods:
            pod.deleted = True
            if pod.process and pod.process.poll() is None:
                os.killpg(pod.process.pid, signal.SIGKILL)
                pod.process.wait()

    def living(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        """Those that a selector names."""
        label = query.get("labelSelector", [""])[0]
        name = query.get("fieldSelector", [""])[0].removeprefix("metadata.name=")
        return [
            pod.shown()
            for pod in self.pods
            if not pod.is_gone
            and (not name or pod.body["metadata"]["name"] == name)
            and (
                not label or label in {"=".join(e) for e in pod.body["metadata"]["labels"].items()}
            )
        ]


class _Api(BaseHTTPRequestHandler):
    cluster: Cluster

    def do_GET(self) -> None:
        items = self.cluster.living(parse_qs(urlsplit(self.path).query))
        self.cluster.seen += bool(items)
        self._say(200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.cluster.refuses:
            self._say(self.cluster.refuses, {"kind": "Status", "message": "pods are forbidden"})
            return
        self.cluster.create(body)
        self._say(201, body)

    def do_DELETE(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.cluster.delete(urlsplit(self.path).path.rpartition("/")[2])
        self._say(200, {"kind": "Pod", "apiVersion": "v1"})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving(cluster: Cluster, kubeconfig: Path) -> Iterator[None]:
    """Serve the API of a cluster, and write the way to it."""
    handler = type("Api", (_Api,), {"cluster": cluster})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        access = {
            **{"apiVersion": "v1", "kind": "Config", "current-context": "here"},
            "clusters": [
                {"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
            ],
            "users": [{"name": "here", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
        }
        kubeconfig.write_text(yaml.safe_dump(access))
        yield
        server.shutdown()
