"""The arithmetic of `performance/gpu.py`, which waits for a machine with a GPU."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "performance" / "gpu.py"


@pytest.fixture(scope="module")
def gpu() -> ModuleType:
    """The script as a module; it stands in no package."""
    found = importlib.util.spec_from_file_location("gpu_script", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules["gpu_script"] = module
    found.loader.exec_module(module)
    return module


def phase(name: str, rate: float, ratio: float = 1.0) -> dict[str, Any]:
    """What `engine_throughput.py` writes of a phase: two rounds of each client."""
    ours = {"client": "sysgen-dagster", "requests": 100, "seconds": 100 / rate}
    theirs = {"client": "vllm bench serve", "requests": 100, "seconds": 100 / rate * ratio}
    rounds = [ours, theirs, theirs, ours]
    return {"phase": name, "rounds": rounds, "ratio": ratio, "hit": 0.97, "shared_tokens": 2_124}


@pytest.fixture
def figures() -> dict[str, Any]:
    phases = [phase("Phase 1", 20), phase("Phase 3", 40, 0.985), phase("Phase 4", 10)]
    return {"machine": {"gpu": "NVIDIA H200"}, "phases": phases}


def test_gpu_hours_are_rows_by_rate_for_each_phase(gpu: ModuleType, figures: Any) -> None:
    total = gpu.bill(figures, gpus=1, price=2.5, rows=720_000)
    assert total.gpu_hours == pytest.approx({"Phase 1": 10, "Phase 3": 5, "Phase 4": 20})
    assert total.hours == pytest.approx(35)
    assert total.money == pytest.approx(87.5)
    assert total.money_per_thousand_rows == pytest.approx(87.5 / 720)


def test_a_server_over_two_gpus_takes_twice_the_gpu_hours(gpu: ModuleType, figures: Any) -> None:
    one, two = (gpu.bill(figures, gpus, 2.5, 720_000) for gpus in (1, 2))
    assert two.money == pytest.approx(2 * one.money)


def test_every_figure_that_is_asked_for_is_printed(gpu: ModuleType, figures: Any) -> None:
    said = gpu.lines(figures, gpu.bill(figures, 1, 2.5, 720_000), "USD")
    assert said[0] == "NVIDIA H200"
    assert said[2] == (
        "Phase 3: 40.0 requests/s, 98.5% of vllm bench; 97.0% of the shared 2,124 tokens from the "
        "cache; 5.0 GPU-hours"
    )
    assert said[-1] == (
        "720,000 rows: 35.0 GPU-hours, 87.50 USD at 2.50 an hour, 0.122 for 1,000 rows"
    )


def test_without_a_gpu_the_figures_say_so(gpu: ModuleType, figures: Any) -> None:
    said = gpu.lines({**figures, "machine": {}}, gpu.bill(figures, 1, 2.5, 10), "USD")
    assert said[0].startswith("NO GPU")


def test_a_shape_is_a_config_that_names_its_layers(gpu: ModuleType, tmp_path: Path) -> None:
    for shape, sizes in gpu.SHAPES.items():
        config = json.loads((gpu.write_shape(shape, tmp_path) / "config.json").read_text())
        assert config["num_hidden_layers"] == sizes["num_hidden_layers"]
        assert config["hidden_size"] % config["num_attention_heads"] == 0


def test_random_weights_need_a_tokenizer(
    gpu: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        gpu.parsed(["--shape", "8b", "--price", "2"])
    assert "--shape needs --tokenizer" in capsys.readouterr().err
    assert gpu.parsed(["--model", "folder", "--price", "2"]).rows == 806_796
