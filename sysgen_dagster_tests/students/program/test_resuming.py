import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.students.program.endings import RefusedError
from sysgen_dagster.students.program.resuming import (
    Progress,
    complete_state,
    find_done,
    find_last_state,
    find_noted,
    note_done,
    remove_other_states,
    require_identity,
)

IDENTITY: dict[str, Any] = {"seed": 1, "data.checksum": "a", "day": "05 Mar 2026", "lora": None}


def progress(step: int) -> Progress:
    return Progress(step, step * 100, step * 10, step * 1.5, 0.9)


def save(folder: Path, step: int, *, whole: bool) -> Path:
    """What the trainer writes, and what is written after it."""
    state = folder / "resume" / f"checkpoint-{step}"
    state.mkdir(parents=True)
    (state / "optimizer.pt").write_text(str(step))
    if whole:
        complete_state(folder, progress(step))
    return state


def test_the_same_training_goes_on(tmp_path: Path) -> None:
    require_identity(tmp_path, IDENTITY)
    require_identity(tmp_path, {**IDENTITY, "lora": None})
    assert find_noted(tmp_path, "day") == "05 Mar 2026"


def test_a_new_folder_has_nothing_noted(tmp_path: Path) -> None:
    assert find_noted(tmp_path, "day") is None
    assert find_last_state(tmp_path) is None
    assert find_done(tmp_path) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data.checksum": "b"}, "`data.checksum` was 'a' and is 'b'"),
        ({"seed": 2}, "`seed` was 1 and is 2"),
        ({"lora.rank": 8}, "`lora.rank` was None and is 8"),
    ],
)
def test_another_training_is_refused_with_what_differs(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    require_identity(tmp_path, IDENTITY)
    with pytest.raises(RefusedError) as refused:
        require_identity(tmp_path, IDENTITY | change)
    assert said in str(refused.value)
    require_identity(tmp_path, IDENTITY)


def test_only_a_whole_state_is_gone_on_from(tmp_path: Path) -> None:
    whole = save(tmp_path, 9, whole=True)
    save(tmp_path, 10, whole=False)  # killed while it was written
    assert find_last_state(tmp_path) == (whole, progress(9))


def test_the_last_state_is_the_one_of_the_most_steps(tmp_path: Path) -> None:
    for step in (9, 10, 100):
        save(tmp_path, step, whole=False)
        (tmp_path / f"resume/checkpoint-{step}/progress.json").write_text(
            json.dumps(asdict(progress(step)))
        )
    assert find_last_state(tmp_path) == (tmp_path / "resume/checkpoint-100", progress(100))


def test_older_states_go_when_a_new_one_is_whole(tmp_path: Path) -> None:
    save(tmp_path, 1, whole=True)
    save(tmp_path, 2, whole=True)
    assert [path.name for path in (tmp_path / "resume").iterdir()] == ["checkpoint-2"]


def test_what_a_kill_left_is_removed(tmp_path: Path) -> None:
    kept = save(tmp_path, 1, whole=True)
    save(tmp_path, 2, whole=False)
    remove_other_states(tmp_path, kept)
    assert list((tmp_path / "resume").iterdir()) == [kept]


def test_a_training_that_is_through_keeps_its_status_and_no_state(tmp_path: Path) -> None:
    require_identity(tmp_path, IDENTITY)
    save(tmp_path, 2, whole=True)
    note_done(tmp_path, {"state": "done", "step": 2})
    assert find_done(tmp_path) == {"state": "done", "step": 2}
    assert find_last_state(tmp_path) is None
