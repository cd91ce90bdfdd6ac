"""Which GPUs a server gets."""

import pytest

from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.local.gpus import devices, in_groups, suffix, visible


def test_each_server_gets_the_gpus_that_are_named_beside_each_other() -> None:
    assert in_groups([0, 1, 4, 5], 2) == [(0, 1), (4, 5)]
    assert in_groups([0, 1], 1) == [(0,), (1,)]


def test_a_gpu_that_is_named_twice_has_one_server() -> None:
    assert in_groups([0, 0], 1) == [(0,)]


def test_a_server_locks_each_of_its_gpus_and_is_named_after_them() -> None:
    assert devices((0, 3)) == ("gpu0", "gpu3")
    assert suffix((0, 3)) == "gpu0-3"


@pytest.mark.parametrize(
    ("shown", "seen"),
    [("", "0,2"), ("4,5,6", "4,6"), ("GPU-a, GPU-b, MIG-c", "GPU-a,MIG-c")],
    ids=["all", "numbers", "names"],
)
def test_gpus_are_counted_among_those_that_we_may_see(
    monkeypatch: pytest.MonkeyPatch, shown: str, seen: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    assert visible((0, 2)) == seen


def test_a_gpu_that_we_may_not_see_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    with pytest.raises(EngineError, match="CUDA_VISIBLE_DEVICES=4,5 shows no GPU 2"):
        visible((0, 2))
