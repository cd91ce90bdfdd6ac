"""Loading packages and weights: whatever does not load is a reason in the metric's rows."""

import importlib
import importlib.util
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.analysis.learned_similarity import measure_learned_similarity
from sysgen_dagster.catalog.operations import LearnedSimilarity
from sysgen_dagster_tests.analysis.small_models import PAIRS, bertscore_of, only, sentences

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
@pytest.mark.parametrize(
    ("metric", "install"),
    [
        ("bertscore", "pip install 'sysgen-dagster[bertscore]'"),
        (
            "bleurt",
            "in an environment of its own, pip install "
            "bleurt-pytorch==0.0.1 'transformers>=4.56,<5' 'torch>=2.6'",
        ),
    ],
)
def test_without_torch_the_reason_names_what_to_install(metric: str, install: str) -> None:
    settings = LearnedSimilarity(bertscore_weights="/a/folder", bleurt_weights="/a/folder")
    row = only(measure_learned_similarity(PAIRS, settings), metric)
    assert row["how"] == f"torch is not installed: {install}"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ImportError("cannot import name 'x'\nfrom y"), "torch cannot be imported: cannot import"),
        (ModuleNotFoundError("No module named 'z'", name="z"), "torch cannot be imported: No mod"),
        (OSError("libcudart.so: no such file"), "torch cannot be imported: libcudart.so"),
    ],
)
def test_a_package_that_does_not_import_is_named_as_the_reason(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr(importlib, "import_module", fail)
    how = only(bertscore_of(PAIRS, Path("/a/folder")), "bertscore")["how"]
    assert how.startswith(reason)
    assert how.endswith(": pip install 'sysgen-dagster[bertscore]'")
    assert "\n" not in how


def test_the_order_and_company_of_the_pairs_change_nothing(bert: Path) -> None:
    texts = sentences(20, 60)
    pairs = pl.DataFrame({"source": texts, "answer": texts, "new_answer": texts[::-1]}).unique(
        "source", keep="first", maintain_order=True
    )
    whole = bertscore_of(pairs, bert)
    alone = pl.concat(bertscore_of(part, bert) for part in pairs.iter_slices(1)).sort("source")
    assert whole["source"].to_list() == alone["source"].to_list()
    assert whole["mean"].to_list() == pytest.approx(alone["mean"].to_list(), abs=1e-5)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("missing folder", "cannot be loaded"),
        ("no config.json", "cannot be loaded"),
        ("broken config.json", "cannot be loaded"),
        ("no weights", "cannot be loaded"),
        ("broken weights", "cannot be loaded"),
        ("fewer words", "cannot be loaded"),
        ("a layer too few", "lacks 16 tensors, such as encoder.layer.2"),
    ],
)
def test_a_broken_folder_is_a_reason(bert: Path, tmp_path: Path, damage: str, reason: str) -> None:
    folder = tmp_path / "weights"
    for file in bert.iterdir():
        folder.mkdir(exist_ok=True)
        (folder / file.name).write_bytes(file.read_bytes())
    _damage(folder, damage)
    row = only(bertscore_of(PAIRS, folder), "bertscore")
    assert not row["computed"]
    assert row["how"].startswith(f"{folder} {reason}"), row["how"]


def _damage(folder: Path, damage: str) -> None:
    config, weights = folder / "config.json", folder / "model.safetensors"
    match damage:
        case "missing folder":
            folder.rename(folder.with_name("elsewhere"))
        case "no config.json":
            config.unlink()
        case "broken config.json":
            config.write_text("{")
        case "no weights":
            weights.unlink()
        case "broken weights":
            weights.write_bytes(weights.read_bytes()[:1000])
        case "fewer words":
            config.write_text(config.read_text().replace('"vocab_size": 25', '"vocab_size": 20'))
        case "a layer too few":
            from safetensors.torch import load_file, save_file

            kept = {name: t for name, t in load_file(weights).items() if "layer.2." not in name}
            save_file(kept, weights, metadata={"format": "pt"})
