"""What a demo with a real model says before it starts, and how it finds the model."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG, CatalogError
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.commands import real_model as module
from sysgen_dagster.commands.demo import Trial
from sysgen_dagster.commands.real_model import RealModel, find_real_model
from sysgen_dagster.inference.local.gguf import GgufError
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.processes.state import running
from sysgen_dagster_tests.inference.local.gguf_files import QWEN, write_gguf

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SYSGEN = Path(sys.executable).with_name("sysgen")


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_gpu", lambda: False)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A Hub with the repositories that the test puts into it: files with sizes, and a licence."""
    repos: dict[str, Any] = {}

    class Api:
        def model_info(self, repo: str, files_metadata: bool) -> SimpleNamespace:
            if repo not in repos:
                raise OSError("Connection refused")
            files, license_ = repos[repo]
            siblings = [SimpleNamespace(rfilename=name, size=size) for name, size in files.items()]
            card = SimpleNamespace(license=license_) if license_ else None
            return SimpleNamespace(sha=COMMIT, siblings=siblings, card_data=card)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    return repos


def said(model: RealModel) -> str:
    return "\n".join(model.describe())


# On this machine


def test_a_gguf_file_says_its_name_quantisation_size_and_licence(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "tiny.Q4_K_M.gguf", size=20_000_000)
    model = find_real_model(str(file))
    assert said(model).splitlines() == [
        "Model: Qwen2.5 Tiny Instruct, Q4_K_M",
        "Licence: apache-2.0",
        f"Download: nothing, 0.02 GB lie at {file}",
        f"Engine: llama.cpp on the CPU, {len(os.sched_getaffinity(0))} cores",
    ]
    [(key, entry)] = model.entry().items()
    assert key == "tiny.q4_k_m"
    assert (entry.engine, entry.weights) == (Engine.LLAMA_CPP, str(file))


def test_a_licence_that_the_file_does_not_state_is_not_made_up(tmp_path: Path) -> None:
    said_of = {key: value for key, value in QWEN.items() if key != "general.license"}
    model = find_real_model(str(write_gguf(tmp_path / "tiny.gguf", said_of)))
    assert "Licence: not stated with the weights: ask their publisher" in said(model)
    [entry] = model.entry().values()
    assert entry.license == "unknown"


def test_a_folder_with_a_gguf_file_is_served_by_llama_cpp_and_one_of_safetensors_by_vllm(
    tmp_path: Path,
) -> None:
    write_gguf(tmp_path / "one" / "tiny.gguf")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "model.safetensors").write_bytes(b"0" * 100)
    assert find_real_model(str(tmp_path / "one")).engine is Engine.LLAMA_CPP
    other = find_real_model(str(tmp_path / "other"))
    assert (other.engine, other.size_bytes) == (Engine.VLLM, 100)


def test_what_is_no_model_is_refused_with_what_could_be_meant(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "page.gguf").write_text("<html>")
    with pytest.raises(GgufError, match="must hold the GGUF file of one model, and holds none"):
        find_real_model(str(tmp_path / "empty"))
    with pytest.raises(GgufError, match=r"page\.gguf is no GGUF file"):
        find_real_model(str(tmp_path / "page.gguf"))
    for name in (str(tmp_path / "gone.gguf"), "./gone", "gone.gguf", "just-a-word"):
        with pytest.raises(
            CatalogError, match=r"there is no such file or folder\. Name a GGUF file"
        ):
            find_real_model(name)


# On the Hub


def test_a_model_on_the_hub_says_what_is_downloaded_and_is_pinned(hub: dict[str, Any]) -> None:
    hub["org/tiny"] = ({"a.safetensors": 2_000_000_000, "README.md": 9}, "mit")
    model = find_real_model("org/tiny")
    assert "Licence: mit" in said(model)
    assert f"Download: 2.00 GB from org/tiny at {COMMIT[:10]}, unless they are there" in said(model)
    [entry] = model.entry().values()
    assert (entry.engine, entry.served_name, entry.revision) == (Engine.VLLM, "org/tiny", COMMIT)
    assert entry.weights is None
    assert model.fetched() is model


GGUFS = {"tiny-Q4_K_M.gguf": 1_000_000_000, "tiny-Q8_0.gguf": 2_000_000_000}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("org/tiny-GGUF", "tiny-Q4_K_M.gguf"),
        ("org/tiny-GGUF:Q8_0", "tiny-Q8_0.gguf"),
        ("org/tiny-GGUF:q8_0", "tiny-Q8_0.gguf"),
    ],
)
def test_of_several_quantisations_the_named_one_is_fetched_or_the_usual_one(
    hub: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, file: str
) -> None:
    hub["org/tiny-GGUF"] = (GGUFS, None)
    fetched: list[tuple[str, ...]] = []

    def download(repo: str, name: str, revision: str) -> str:
        fetched.append((repo, name, revision))
        return str(tmp_path / name)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    model = find_real_model(name)
    assert model.engine is Engine.LLAMA_CPP
    assert (model.size_bytes, model.hub_file) == (GGUFS[file], file)
    assert fetched == []  # it is said first
    [entry] = model.fetched().entry().values()
    assert fetched == [("org/tiny-GGUF", file, COMMIT)]
    assert (entry.weights, entry.revision) == (str(tmp_path / file), COMMIT)


def test_a_quantisation_that_is_not_there_names_those_that_are(hub: dict[str, Any]) -> None:
    hub["org/tiny-GGUF"] = (GGUFS, None)
    with pytest.raises(CatalogError, match=r"IQ1_S names none .*tiny-Q4_K_M\.gguf, tiny-Q8_0"):
        find_real_model("org/tiny-GGUF:IQ1_S")


def test_a_hub_that_does_not_answer_says_what_else_to_do(hub: dict[str, Any]) -> None:
    with pytest.raises(CatalogError) as error:
        find_real_model("org/nowhere")
    words = str(error.value)
    assert words.startswith("org/nowhere: the Hub did not give it (OSError: Connection")
    assert "HF_ENDPOINT to a mirror, or fetch the weights elsewhere and name the file" in words


# The trial


def test_the_trial_is_one_shard_of_each_source_by_this_model_alone(tmp_path: Path) -> None:
    real = find_real_model(str(write_gguf(tmp_path / "tiny.gguf")))
    catalog = Trial().catalog(real.entry())
    assert {source.shards for source in catalog.sources.values()} == {1}
    assert list(catalog.models) == ["tiny"]
    assert catalog.judging.preference_rows == catalog.judging.alignment_rows == 0
    assert catalog.multifaceted is None
    assert catalog.sources.keys() == load_catalog(FULL_CATALOG).sources.keys()


def demo(*arguments: str, **environment: str) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SYSGEN_", "DAGSTER_"))}
    done = subprocess.run(
        [SYSGEN, "demo", *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


def test_it_is_said_what_it_takes_before_a_missing_engine_is(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "tiny.gguf")
    printed = demo("--real", str(file), "-o", str(tmp_path / "d"), SYSGEN_LLAMA_SERVER="/none")
    assert printed.startswith("1\nModel: Qwen2.5 Tiny Instruct, Q4_K_M\nLicence: apache-2.0\n")
    assert "SYSGEN_LLAMA_SERVER=/none is no command" in printed
    assert not (tmp_path / "d").exists()


@pytest.mark.slow
def test_a_demo_with_a_stand_in_for_the_engine_ends_with_every_row(tmp_path: Path) -> None:
    server = tmp_path / "llama-server"
    server.write_text(
        "#!/bin/sh\n"
        'for port; do [ "$before" = --alias ] && name=$port; before=$port; done\n'
        f"exec {sys.executable} -m sysgen_dagster.simulated.server "
        '--model "$name=phi-4" --port "$port"\n'
    )
    server.chmod(0o755)
    data, file = tmp_path / "demo", write_gguf(tmp_path / "tiny.gguf")
    try:
        printed = demo("--real", str(file), "-o", str(data), SYSGEN_LLAMA_SERVER=str(server))
    finally:
        for name in running(data / "engines"):
            stop(data / "engines", name)
    assert printed.startswith("0\n"), printed[-3000:]
    assert "3 of 3 answered" in printed
    assert len(list((data / "aligned_responses" / "model=tiny").glob("*.parquet"))) == 5
