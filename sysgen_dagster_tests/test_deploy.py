"""What stands in deploy/: that it is valid, that its parts fit one another and the package."""

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from dagster import DagsterInstance

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.inference.local import vllm as vllm_server_module
from sysgen_dagster.inference.local.vllm import vllm_servers
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster_tests.dagster_internals import (
    JobPythonOrigin,
    LaunchRunContext,
    ModuleCodePointer,
    RepositoryPythonOrigin,
    create_run_for_test,
    instance_for_test,
)

ROOT = Path(__file__).parents[1]
KUBERNETES = ROOT / "deploy" / "kubernetes"
VLLM = KUBERNETES / "vllm"
MODELS = {"llama-3.1-8b": "llama-3-1-8b", "qwen2.5-14b": "qwen2-5-14b", "phi-4": "phi-4"}
VALUES: dict[str, Any] = yaml.safe_load((KUBERNETES / "values.yaml").read_text())
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
KUBERNETES_VERSION = "1.32"


def documents(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


def of_kind(kind: str, manifests: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = (manifest for manifest in manifests if manifest["kind"] == kind)
    return found


def settings() -> dict[str, str]:
    return of_kind("ConfigMap", documents((KUBERNETES / "settings.yaml").read_text()))["data"]


def rendered(model: str) -> list[dict[str, Any]]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("there is no kubectl: install it to render deploy/kubernetes/vllm")
    command = [kubectl, "kustomize", str(VLLM / MODELS[model])]
    return documents(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_every_model_of_the_catalogue_has_its_pods() -> None:
    assert set(MODELS) == set(load_catalog(FULL_CATALOG).models)
    assert {each.name for each in VLLM.iterdir()} == {*MODELS.values(), "base"}


@pytest.mark.parametrize("path", ["settings.yaml", "training-pod.yaml", "vllm/base/vllm.yaml"])
def test_a_plain_manifest_is_valid(path: str) -> None:
    for manifest in documents((KUBERNETES / path).read_text()):
        kubernetes_validate.validate(manifest, KUBERNETES_VERSION, strict=True)


def test_a_manifest_with_a_misspelt_field_is_not() -> None:
    pods = of_kind("StatefulSet", documents((VLLM / "base" / "vllm.yaml").read_text()))
    pods["spec"]["replica"] = 2

    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(pods, KUBERNETES_VERSION, strict=True)


@pytest.mark.parametrize("model", MODELS)
def test_the_pods_of_a_model_are_valid_and_its_own(model: str) -> None:
    manifests = rendered(model)

    for manifest in manifests:
        kubernetes_validate.validate(manifest, KUBERNETES_VERSION, strict=True)
    own = {"app": "vllm", "model": MODELS[model]}
    pods = of_kind("StatefulSet", manifests)["spec"]
    assert pods["template"]["metadata"]["labels"] == own
    assert pods["selector"]["matchLabels"] == own
    assert of_kind("Service", manifests)["spec"]["selector"] == own
    assert of_kind("PodDisruptionBudget", manifests)["spec"]["selector"]["matchLabels"] == own
    policy = of_kind("NetworkPolicy", manifests)["spec"]
    assert policy["podSelector"]["matchLabels"] == own
    # Runs carry no label of a model: each asks all of them.
    (let_in,) = policy["ingress"][0]["from"]
    assert let_in == {
        "podSelector": {"matchExpressions": [{"key": "sysgen-client", "operator": "Exists"}]}
    }


@pytest.mark.parametrize("model", MODELS)
def test_the_catalogue_names_each_replica_at_its_own_address(model: str) -> None:
    manifests = rendered(model)
    pods = of_kind("StatefulSet", manifests)
    service = of_kind("Service", manifests)

    assert pods["spec"]["serviceName"] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    port = service["spec"]["ports"][0]["port"]
    urls = [
        f"http://{pods['metadata']['name']}-{index}.{service['metadata']['name']}:{port}/v1"
        for index in range(pods["spec"]["replicas"])
    ]
    named = yaml.safe_load((KUBERNETES / "catalog.yaml").read_text())["models"][model]
    assert named["base_urls"] == urls


def flags(arguments: list[str]) -> set[str]:
    """Each flag with its value, without where it listens."""
    joined = re.sub(r"(--[a-z-]+) (?!--)", r"\1=", " ".join(arguments)).split(" ")
    return {each for each in joined if not each.startswith(("--host", "--port"))}


@pytest.mark.parametrize("model", MODELS)
def test_a_pod_serves_with_the_flags_of_one_machine(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vllm_server_module, "has_gpu", lambda: True)
    entry = load_catalog(FULL_CATALOG).models[model]
    [here] = vllm_servers(entry)

    overlay = yaml.safe_load((VLLM / MODELS[model] / "kustomization.yaml").read_text())
    literals = dict(
        literal.split("=", 1) for literal in overlay["configMapGenerator"][0]["literals"]
    )
    pods = of_kind("StatefulSet", documents((VLLM / "base" / "vllm.yaml").read_text()))
    (container,) = pods["spec"]["template"]["spec"]["containers"]
    there = [
        re.sub(r"\$\((\w+)\)", lambda name: literals[name[1]], each) for each in container["args"]
    ]

    assert flags(there) == flags(here.command[2:])
    environment = {each["name"]: each["value"] for each in container["env"]}
    assert environment["VLLM_NO_USAGE_STATS"] == here.environment["VLLM_NO_USAGE_STATS"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1


def merge(changes: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(KUBERNETES / "merge-catalog"), str(FULL_CATALOG), str(changes)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_the_merged_catalogue_asks_the_pods_and_is_the_old_one_else(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_text(merge(KUBERNETES / "catalog.yaml").stdout)

    catalog, before = load_catalog(path), load_catalog(FULL_CATALOG)
    assert catalog.sources == before.sources
    for name, model in catalog.models.items():
        assert model.engine is Engine.ENDPOINT
        assert model.api_key_env == "VLLM_API_KEY"
        asked = {"engine": Engine.ENDPOINT, "api_key_env": model.api_key_env}
        changed = asked | {"base_urls": model.base_urls}
        assert model == before.models[name].model_copy(update=changed)


def test_a_catalogue_that_could_not_be_used_is_not_printed(tmp_path: Path) -> None:
    changes = tmp_path / "changes.yaml"
    changes.write_text("models: {phi-4: {engine: endpoint}}")

    result = merge(changes)

    assert result.returncode == 1
    assert result.stdout == ""
    assert "phi-4" in result.stderr
    assert "base_urls" in result.stderr


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def test_limits_and_retries_are_those_of_one_machine() -> None:
    here = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    daemon = VALUES["dagsterDaemon"]

    def there(values: dict[str, Any]) -> dict[str, Any]:
        return {snake(name): value for name, value in values.items()}

    assert there(VALUES["concurrency"]["pools"]) == here["concurrency"]["pools"]
    assert there(VALUES["concurrency"]["runs"]) == here["concurrency"]["runs"]
    queue = daemon["runCoordinator"]["config"]["queuedRunCoordinator"]
    assert there(queue) == here.get("run_queue", {})
    assert there(daemon["runRetries"]) == here["run_retries"]
    assert there(daemon["backfills"]) == here["backfills"]
    # But that a node may have to be added before a run starts.
    waits = {"start_timeout_seconds": daemon["runMonitoring"]["startTimeoutSeconds"]}
    assert there(daemon["runMonitoring"]) == here["run_monitoring"] | waits


class Recorded(BaseHTTPRequestHandler):
    """Takes what is created, as the API of a cluster would."""

    created: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.created.append(json.loads(body))
        self.send_response(201)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """The way to a cluster's API, and what was created there."""
    created: list[dict[str, Any]] = []
    handler = type("Handler", (Recorded,), {"created": created})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        access = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": url}}],
            "users": [{"name": "here", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
        }
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(access))
        yield path, created
        server.shutdown()


def launcher(kubeconfig: Path) -> dict[str, Any]:
    """The launcher as the chart writes it into dagster.yaml, but for a cluster from outside."""
    values = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
    run = {snake(name): value for name, value in values["runK8sConfig"].items()}
    config = {snake(name): value for name, value in values.items()} | {"run_k8s_config": run}
    fixed = {
        "load_incluster_config": False,
        "kubeconfig_file": str(kubeconfig),
        "job_namespace": "sysgen",
        "service_account_name": "sysgen-dagster",
        "dagster_home": "/opt/dagster/dagster_home",
        "instance_config_map": "sysgen-dagster-instance",
        "postgres_password_secret": VALUES["global"]["postgresqlSecretName"],
    }
    return {"module": "dagster_k8s", "class": "K8sRunLauncher", "config": config | fixed}


def launch_a_run(instance: DagsterInstance) -> None:
    """A run of the code location, which the chart tells what its runs take over."""
    (code,) = VALUES["dagster-user-deployments"]["deployments"]
    context = {
        "image_pull_policy": code["image"]["pullPolicy"],
        "env_config_maps": [each["name"] for each in code["envConfigMaps"]],
        "env_secrets": [each["name"] for each in code["envSecrets"]],
        "volumes": code["volumes"],
        "volume_mounts": code["volumeMounts"],
        "resources": code["resources"],
        "namespace": "sysgen",
        "run_k8s_config": {"pod_spec_config": {"security_context": code["podSecurityContext"]}},
    }
    location = RepositoryPythonOrigin(
        executable_path="python",
        code_pointer=ModuleCodePointer("sysgen_dagster.definitions", "defs", None),
        container_image=f"{code['image']['repository']}:{code['image']['tag']}",
        entry_point=["dagster"],
        container_context={"k8s": context},
    )
    run = create_run_for_test(
        instance, job_name="sysgen", job_code_origin=JobPythonOrigin("sysgen", location)
    )
    instance.run_launcher.launch_run(LaunchRunContext(run, None))


def test_a_run_gets_a_pod_with_all_that_it_needs(
    cluster: tuple[Path, list[dict[str, Any]]],
) -> None:
    kubeconfig, created = cluster
    with instance_for_test(overrides={"run_launcher": launcher(kubeconfig)}) as instance:
        launch_a_run(instance)

    (job,) = created
    kubernetes_validate.validate(job, KUBERNETES_VERSION, strict=True)
    pod = job["spec"]["template"]
    assert pod["metadata"]["labels"]["sysgen-client"] == "true"  # vLLM's policy lets it in
    (container,) = pod["spec"]["containers"]
    assert container["image"] == "registry.example.com/sysgen-dagster:0.1.0"
    assert container["args"][:3] == ["dagster", "api", "execute_run"]
    sources = [next(iter(each.values()))["name"] for each in container["envFrom"]]
    assert sources == ["sysgen-settings", "sysgen-secrets"]
    mounted = {each["mountPath"] for each in container["volumeMounts"]}
    assert settings()["SYSGEN_WORK"] in mounted
    assert str(Path(settings()["SYSGEN_CATALOG"]).parent) in mounted
    assert "/tmp" in mounted  # the root is read-only
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"]
    assert container["resources"]["limits"] == {"memory": "2Gi"}


def test_the_pod_that_trains_shares_the_working_folder_and_the_user_with_runs() -> None:
    (code,) = VALUES["dagster-user-deployments"]["deployments"]
    spec = yaml.safe_load((KUBERNETES / "training-pod.yaml").read_text())["spec"]
    (container,) = spec["containers"]
    assert container["volumeMounts"][0] == code["volumeMounts"][0]
    assert container["volumeMounts"][0]["mountPath"] == settings()["SYSGEN_WORK"]
    assert spec["volumes"][0] == code["volumes"][0]
    for who in ("runAsUser", "runAsGroup", "fsGroup"):
        assert spec["securityContext"][who] == code["podSecurityContext"][who]


def test_no_secret_stands_in_the_values_and_nothing_is_exposed() -> None:
    assert "postgresqlPassword" not in VALUES["postgresql"]
    assert not VALUES["generatePostgresqlPasswordSecret"]
    assert VALUES["dagsterWebserver"]["service"]["type"] == "ClusterIP"
    assert not VALUES["ingress"]["enabled"]
    assert (
        VALUES["dagsterWebserver"]["readinessProbe"]["httpGet"]["port"]
        == (VALUES["dagsterWebserver"]["service"]["port"])
    )


def test_the_webserver_of_the_chart_stands_behind_the_guard_and_its_probe_passes() -> None:
    assert "RUN ln -sf sysgen-webserver /opt/sysgen/bin/dagster-webserver\n" in DOCKERFILE
    asked = VALUES["dagsterWebserver"]["readinessProbe"]["httpGet"]
    assert asked["httpHeaders"] == [{"name": "Host", "value": "localhost"}]


def test_the_image_is_what_the_chart_expects() -> None:
    (code,) = VALUES["dagster-user-deployments"]["deployments"]
    user = code["podSecurityContext"]["runAsUser"]
    assert f"USER {user}:{code['podSecurityContext']['runAsGroup']}\n" in DOCKERFILE
    (command,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    started = ["dagster", "code-server", "start", "-h", "0.0.0.0", "-p", str(code["port"])]
    assert json.loads(command) == [*started, *code["codeServerArgs"]]
    assert f"EXPOSE {code['port']}\n" in DOCKERFILE
    assert f"SYSGEN_WORK={settings()['SYSGEN_WORK']}\n" in DOCKERFILE
    assert "DAGSTER_HOME=/opt/dagster/dagster_home " in DOCKERFILE  # where the chart mounts it


def test_all_that_the_image_copies_is_there_and_sent_to_the_builder() -> None:
    sent = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }

    assert {source.split("/")[0] for source in copied} == sent
    for source in copied:
        assert (ROOT / source).exists()


def test_the_image_holds_what_runs_need_and_no_engine() -> None:
    lock = (ROOT / "locks" / "image.txt").read_text()
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))

    assert {"dagster-k8s", "dagster-postgres", "dagster-webserver", "psycopg2-binary"} <= locked
    assert not locked & {"torch", "vllm", "transformers", "triton", "pytest", "playwright"}
