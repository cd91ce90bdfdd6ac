from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="run by `make test-train`")
pytestmark = [pytest.mark.trl, pytest.mark.filterwarnings("ignore")]

import torch  # noqa: E402

from sysgen_dagster.students.program.weights import FirstWeights  # noqa: E402


def model() -> Any:
    torch.manual_seed(0)
    return torch.nn.ModuleDict(
        {"large": torch.nn.Linear(100, 300, bias=False), "small": torch.nn.Linear(10, 10)}
    )


def test_weights_that_nobody_touched_have_not_changed() -> None:
    untouched = model()
    assert FirstWeights.take(untouched).compute_changed(untouched) == 0.0


def test_each_tensor_counts_by_its_size() -> None:
    touched = model()
    first = FirstWeights.take(touched)
    with torch.no_grad():
        touched["large"].weight += 1e-6
    assert first.compute_changed(touched) == pytest.approx(30_000 / 30_110, rel=1e-3)


def test_a_part_of_a_tensor_is_that_part() -> None:
    touched = model()
    first = FirstWeights.take(touched)
    with torch.no_grad():
        touched["large"].weight[:150] += 1e-3
    assert first.compute_changed(touched) == pytest.approx(0.5, abs=0.01)


def test_what_is_not_trained_does_not_count() -> None:
    touched = model()
    touched["large"].weight.requires_grad = False
    first = FirstWeights.take(touched)
    with torch.no_grad():
        for parameter in touched["small"].parameters():
            parameter += 1.0
    assert first.compute_changed(touched) == 1.0


@pytest.mark.parametrize(("dtype", "moves"), [(torch.float32, True), (torch.bfloat16, False)])
def test_steps_of_one_millionth_move_weights_in_float32_and_not_in_bfloat16(
    dtype: torch.dtype, moves: bool
) -> None:
    trained = torch.nn.Linear(200, 200, bias=False, dtype=dtype)
    torch.nn.init.normal_(trained.weight, std=0.02)
    first = FirstWeights.take(trained)
    optimiser = torch.optim.AdamW(trained.parameters(), lr=1e-6, weight_decay=0.0)
    for _ in range(10):
        trained.weight.grad = torch.randn_like(trained.weight)
        optimiser.step()
    assert (first.compute_changed(trained) > 0.5) is moves


def test_the_sample_outlives_the_process(tmp_path: Path) -> None:
    touched = model()
    FirstWeights.take(touched).save(tmp_path / "first.pt")
    with torch.no_grad():
        touched["large"].weight += 1e-6
    assert FirstWeights.load(tmp_path / "first.pt").compute_changed(touched) > 0.9
    assert [path.name for path in tmp_path.iterdir()] == ["first.pt"]
