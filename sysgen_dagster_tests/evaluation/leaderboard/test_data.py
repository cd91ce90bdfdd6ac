"""Where the rows of a task come from."""

import hashlib
from pathlib import Path

import pytest

from sysgen_dagster.catalog.places import HubFile
from sysgen_dagster.catalog.sources import Benchmark
from sysgen_dagster.evaluation.leaderboard.data import find_data
from sysgen_dagster.evaluation.leaderboard.task_files import Data
from sysgen_dagster.evaluation.leaderboard.tasks import TASKS
from sysgen_dagster.sources import hub
from sysgen_dagster.sources.hub import OnHub
from sysgen_dagster.storage.store import Store


def found(task: str, tmp_path: Path, **benchmarks: Benchmark) -> Data:
    folders = tmp_path / "harness", tmp_path / "downloads"
    return find_data(TASKS[task], benchmarks, *folders, Store(tmp_path))


def test_a_file_of_the_catalogue_is_used_and_known_by_its_checksum(tmp_path: Path) -> None:
    file = tmp_path / "arc.jsonl"
    file.write_text("{}\n")
    benchmark = Benchmark(name="arc_challenge", path=file, text=["question"])
    data = found("arc_challenge", tmp_path, arc_challenge=benchmark)
    assert data == Data(hashlib.sha256(b"{}\n").hexdigest(), (file,))


def test_every_file_of_a_folder_is_used_and_part_of_the_version(tmp_path: Path) -> None:
    folder = tmp_path / "hellaswag"
    folder.mkdir()
    files = [folder / f"validation-{at}-of-2.jsonl" for at in range(2)]
    benchmark = Benchmark(name="hellaswag", path=folder, text=["ctx"])
    versions = set()
    for last in ("{}\n", '{"ind": 1}\n'):
        files[0].write_text("{}\n")
        files[1].write_text(last)
        data = found("hellaswag", tmp_path, hellaswag=benchmark)
        assert data.files == (*files,)
        versions.add(data.version)
    assert len(versions) == 2


def test_what_needs_more_than_that_file_is_read_at_its_commit(tmp_path: Path) -> None:
    """MMLU-Pro takes its examples from another split than the one that the catalogue pins."""
    pin = HubFile(repo="TIGER-Lab/MMLU-Pro", file="test.parquet", revision="b" * 40)
    benchmark = Benchmark(name="mmlu_pro", hub=pin, text=["question"])
    assert found("leaderboard_mmlu_pro", tmp_path, mmlu_pro=benchmark) == Data("b" * 40)


def test_a_commit_that_nobody_names_is_looked_up_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def look_up(name: str, repo: str, revision: str | None) -> OnHub:
        asked.append((name, repo, revision))
        return OnHub(str(len(asked)) * 40, None, ())

    monkeypatch.setattr(hub, "look_up", look_up)
    assert [found("mathqa", tmp_path) for _ in range(2)] == [Data("1" * 40)] * 2
    assert found("leaderboard_bbh", tmp_path) == Data("2" * 40)
    assert asked == [
        ("mathqa", "regisss/math_qa", None),
        ("leaderboard_bbh", "SaylorTwift/bbh", None),
    ]
