"""The catalogue with the open models of 2026: it loads, and vLLM can be called for each."""

from pathlib import Path

import pytest

from sysgen_dagster.catalog import load
from sysgen_dagster.inference.local import vllm
from sysgen_dagster.inference.local.vllm import precision_flags, vllm_servers
from sysgen_dagster.lanes.catalog import Catalog, load_catalog

FILE = Path(load.__file__).with_name("models-2026.yaml")
# The first five open text models by what was generated with them.
SERVED = {
    "google/gemma-4-31B-it": ("gemma4", 1),
    "Qwen/Qwen3.5-397B-A17B-FP8": ("qwen3", 8),
    "openai/gpt-oss-120b": ("openai_gptoss", 1),
    "Qwen/Qwen3.5-122B-A10B": ("qwen3", 4),
    "google/gemma-4-26B-A4B-it": ("gemma4", 1),
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(FILE)


def test_it_is_a_whole_catalogue_with_one_entry_for_each_model(catalog: Catalog) -> None:
    assert [model.served_name for model in catalog.models.values()] == list(SERVED)
    assert list(catalog.mixtures) == ["sysgen"]


def test_each_model_names_its_licence_and_leaves_its_commit_to_the_first_use(
    catalog: Catalog,
) -> None:
    assert {model.license for model in catalog.models.values()} == {"apache-2.0"}
    assert {model.revision for model in catalog.models.values()} == {None}


def test_each_is_one_server_on_its_gpus_that_keeps_thoughts_apart(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vllm, "has_gpu", lambda: True)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for model in catalog.models.values():
        parser, gpus = SERVED[model.served_name]
        [server] = vllm_servers(model)
        assert f"--reasoning-parser {parser}" in " ".join(server.command)
        assert len(server.devices) == gpus


def test_weights_that_are_published_in_four_bits_are_named_so(catalog: Catalog) -> None:
    assert precision_flags(catalog.models["gpt-oss-120b"]) == {"quantization": "mxfp4"}


def test_what_is_not_verified_says_so() -> None:
    assert "NOT VERIFIED" in FILE.read_text()
