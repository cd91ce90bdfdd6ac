"""How a server ended that did not start, by the status of its supervisor and by its log."""

from pathlib import Path

import pytest

from sysgen_dagster.inference.local.deaths import ServerKilledError, explain_death
from sysgen_dagster.inference.local.vllm import SAYS_KILLED


@pytest.mark.parametrize("status", [-9, -15, 129, 130, 134, 137, 139, 143])
def test_a_signal_is_a_kill_whether_it_hit_the_supervisor_or_the_server(
    tmp_path: Path, status: int
) -> None:
    (tmp_path / "log").write_text("loading weights")
    death = explain_death("a", status, tmp_path / "log", "")
    assert isinstance(death, ServerKilledError)
    assert "loading weights" in str(death)


@pytest.mark.parametrize("status", [0, 1, 2, 3, 64, 126, 127, 255])
def test_an_exit_with_an_error_is_no_kill(tmp_path: Path, status: int) -> None:
    (tmp_path / "log").write_text("unrecognized arguments: --quantisation")
    death = explain_death("a", status, tmp_path / "log", SAYS_KILLED)
    assert not isinstance(death, ServerKilledError)
    assert "unrecognized arguments" in str(death)


@pytest.mark.parametrize(
    ("processes", "was_killed"),
    [
        ("{'EngineCore_0': -9}", True),
        ("{'EngineCore_DP0': 1, 'EngineCore_DP1': -9}", True),
        ("{'EngineCore_0': 1}", False),
        ("{}", False),
    ],
)
def test_vllm_says_of_its_engine_whether_it_was_killed(
    tmp_path: Path, processes: str, was_killed: bool
) -> None:
    said = f"RuntimeError: Engine core initialization failed. Failed core proc(s): {processes}\n"
    (tmp_path / "log").write_text(said)
    death = explain_death("a", 1, tmp_path / "log", SAYS_KILLED)
    assert isinstance(death, ServerKilledError) == was_killed
