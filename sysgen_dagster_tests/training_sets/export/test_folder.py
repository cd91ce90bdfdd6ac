import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.tables.columns import MESSAGES
from sysgen_dagster.tables.table import Table, TableError
from sysgen_dagster.training_sets.export.folder import write_folder
from sysgen_dagster.training_sets.export.layout import ExportError
from sysgen_dagster.training_sets.exported_rows import exported_table
from sysgen_dagster_tests.training_sets.export.exports import (
    FACTS,
    MODELS,
    PAIR_FACTS,
    SOURCES,
    SPLITS,
    export,
    frame,
    frames,
    row,
)

_LOADER = Path(__file__).with_name("load_export.py")
_HOSTILE = {
    "script": "<script>alert(1)</script>",
    "front matter": "---\nlicense: mit\n---\n",
    "yaml": 'a: [1, {b: "c"}] # & * ! | > %',
    "nul": "a\x00b",
    "emoji": "\N{FAMILY}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET}",
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u202e abc",
    "line ends": "a\r\nb\u2028c\x85d\x0be",
    "latex": r"\frac{1}{2} $x_i$ <<48/2=24>>",
    "empty": "",
    "long": "\u4e2d" * 400_000,
}


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _load(folder: Path, home: Path) -> Any:
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    done = subprocess.run(
        [sys.executable, str(_LOADER), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no warning
    return json.loads(done.stdout)


def _plain_types(table: Table) -> str:
    """The table's types as every reader of Parquet knows them, and as Arrow writes them."""
    plain = {"String": "string", "UInt32": "uint32", "List(String)": "list<item: string>"}
    plain[str(MESSAGES)] = "list<item: struct<role: string, content: string>>"
    marked = exported_table(FACTS.recipe).schema["messages"]
    plain[str(marked)] = "list<item: struct<role: string, content: string, train: bool>>"
    lines = [f"{name}: {plain[str(dtype)]}" for name, dtype in table.schema.items()]
    return "\n".join(lines)


@pytest.mark.parametrize("pairs", [False, True], ids=["rows", "pairs"])
def test_datasets_loads_every_configuration_offline_and_without_a_warning(
    tmp_path: Path, pairs: bool
) -> None:
    export(tmp_path / "small", pairs=pairs)
    found = _load(tmp_path / "small", tmp_path / "home")
    single = {f"{source}--{model}" for source in SOURCES for model in MODELS}
    assert set(found) == {"default", *MODELS, *single}
    table = exported_table((PAIR_FACTS if pairs else FACTS).recipe)
    types = _plain_types(table)
    for name, splits in found.items():
        cells = 4 if name == "default" else 2 if name in MODELS else 1
        for split, count in SPLITS.items():
            rows = cells * count
            assert splits[split] == {
                "rows": rows,
                "streamed": rows,
                "types": types,
                "features": True,
            }


def test_hostile_text_is_read_back_as_it_was(tmp_path: Path) -> None:
    rows = [
        row(
            *("capybara", "phi-4", "train", number),
            conversation_id=name,
            messages=[{"role": "user", "content": text}, {"role": "assistant", "content": text}],
        )
        for number, (name, text) in enumerate(_HOSTILE.items())
    ]
    folder = tmp_path / "hostile"
    write_folder(folder, "hostile", [frame(rows)], FACTS)
    (path,) = folder.glob("data/*/*.parquet")
    assert pl.read_parquet(path).equals(frame(rows))
    found = _load(folder, tmp_path / "home")
    assert found["default"]["train"]["streamed"] == len(_HOSTILE)


def test_a_title_cannot_break_the_card(tmp_path: Path) -> None:
    for number, text in enumerate(_HOSTILE.values()):
        facts = replace(FACTS, titles={"capybara": text[:200]}, prompts={text[:50]: text[:50]})
        write_folder(
            tmp_path / f"{number}",
            "small",
            [frame([row("capybara", "phi-4", "train", 0, source_repo=text[:200])])],
            facts,
        )
    hostile = tmp_path / "0"  # one of them through `datasets`, which is slow to start
    assert _load(hostile, tmp_path / "home")["default"]["train"]["rows"] == 1


def test_the_same_rows_give_the_same_bytes_however_they_are_cut(tmp_path: Path) -> None:
    write_folder(tmp_path / "one", "small", frames(size=1), FACTS)
    write_folder(tmp_path / "two", "small", frames(size=3), FACTS)
    assert _files(tmp_path / "one") == _files(tmp_path / "two")


def test_the_rows_of_a_frame_go_to_the_files_of_their_source_model_and_split(
    tmp_path: Path,
) -> None:
    write_folder(tmp_path / "one", "small", [pl.concat(frames())], FACTS)
    write_folder(tmp_path / "two", "small", frames(), FACTS)
    assert _files(tmp_path / "one") == _files(tmp_path / "two")


def test_nothing_of_an_older_export_stays(tmp_path: Path) -> None:
    target = tmp_path / "small"
    export(target)
    fewer = write_folder(target, "small", [frame([row("metamath", "phi-4", "train", 1)])], FACTS)
    assert [path for path in _files(target) if path.startswith("data/")] == [
        "data/metamath--phi-4/train-00000-of-00001.parquet"
    ]
    assert fewer.rows == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [".small.lock", "small"]


def test_an_error_leaves_the_old_export(tmp_path: Path) -> None:
    def broken() -> Iterator[pl.DataFrame]:
        yield next(frames())
        raise RuntimeError("no more")

    export(tmp_path / "small")
    before = _files(tmp_path / "small")
    with pytest.raises(RuntimeError, match="no more"):
        write_folder(tmp_path / "small", "small", broken(), FACTS)
    assert _files(tmp_path / "small") == before


def test_files_are_cut_at_the_limit_and_their_names_say_how_many_there_are(tmp_path: Path) -> None:
    rows = [row("capybara", "phi-4", "train", number) for number in range(7)]
    written = write_folder(
        tmp_path / "small", "small", [frame(rows)], FACTS, file_bytes=1, group_rows=2
    )
    folder, paths = tmp_path / "small", written.files["path"].to_list()
    assert paths == [
        f"data/capybara--phi-4/train-{index:05d}-of-00004.parquet" for index in range(4)
    ]
    assert written.files["rows"].to_list() == [2, 2, 2, 1]
    assert written.files["bytes"].to_list() == [(folder / path).stat().st_size for path in paths]
    read = pl.concat([pl.read_parquet(folder / path) for path in paths])
    assert read.equals(frame(rows))


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(0, 9), min_size=1, max_size=6), group=st.integers(1, 7))
def test_row_groups_hold_all_rows_in_order_however_they_are_cut(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], group: int
) -> None:
    rows = [row("capybara", "phi-4", "train", number) for number in range(sum(sizes))]
    if not rows:
        return
    cut = [frame(rows[sum(sizes[:i]) : sum(sizes[: i + 1])]) for i in range(len(sizes))]
    target = tmp_path_factory.mktemp("groups") / "small"
    write_folder(target, "small", cut, FACTS, group_rows=group)
    (path,) = target.glob("data/*/*.parquet")
    metadata = pq.ParquetFile(path).metadata
    groups = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
    assert set(groups[:-1]) <= {group}
    assert pl.read_parquet(path).equals(frame(rows))
    shutil.rmtree(target)


def test_the_manifest_declares_every_file_but_itself_and_no_time(tmp_path: Path) -> None:
    written = export(tmp_path / "small")
    stored = json.loads((tmp_path / "small" / "manifest.json").read_text(encoding="utf-8"))
    declared = {file["path"]: file for file in stored["files"]}
    found = _files(tmp_path / "small")
    assert declared.keys() == found.keys() - {"manifest.json"}
    assert all(declared[path]["bytes"] == len(found[path]) for path in declared)
    assert sum(file.get("rows", 0) for file in stored["files"]) == stored["rows"] == written.rows
    assert not {"time", "date", "created", "made_at"} & stored.keys()


_ROW = row("capybara", "phi-4", "train", 0)
_TEST_ROW = row("capybara", "phi-4", "test", 0)


@pytest.mark.parametrize(
    ("given_frames", "error", "message"),
    [
        pytest.param([], ExportError, "no rows", id="no frames"),
        pytest.param([frame([])], ExportError, "no rows", id="empty frames"),
        pytest.param(
            [frame([_ROW]), frame([_TEST_ROW]), frame([_ROW])],
            ExportError,
            "capybara, phi-4, train do not follow each other",
            id="a cell twice",
        ),
        pytest.param(
            [frame([{**_ROW, "split": "dev"}])],
            ExportError,
            "must be one of train, validation, test",
            id="unknown split",
        ),
        pytest.param([frame([_ROW]).drop("flags")], TableError, "flags", id="no column"),
        pytest.param([frame([_ROW], pairs=True)], TableError, "variant", id="pairs for rows"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_nothing_is_left(
    tmp_path: Path, given_frames: list[pl.DataFrame], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        write_folder(tmp_path / "small", "small", given_frames, FACTS)
    assert [path.name for path in tmp_path.iterdir()] == [".small.lock"]


def test_a_folder_that_is_no_export_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    (target / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"\(no manifest\.json\): empty it"):
        export(target)
    assert _files(target) == {"thesis.txt": b"mine"}
