"""A checkpoint is made a GGUF file once, by llama.cpp's script and the trainer's Python."""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.local.checkpoints import ServedCheckpoint
from sysgen_dagster.inference.local.conversion import (
    as_gguf,
    find_converter,
    gguf_place,
    require_conversion,
)
from sysgen_dagster_tests.inference.local.trained import Converter, write_checkpoint


@pytest.fixture(autouse=True)
def without_llama_cpp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    for name in ("SYSGEN_LLAMA_SERVER", "SYSGEN_LLAMA_CONVERT"):
        monkeypatch.delenv(name, raising=False)


PYTHON = Path(sys.executable)


@pytest.fixture
def converter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Converter:
    script = Converter(tmp_path / "llama.cpp" / "convert_hf_to_gguf.py", PYTHON).write()
    monkeypatch.setenv("SYSGEN_LLAMA_CONVERT", str(script.path))
    return script


@pytest.fixture
def checkpoint(tmp_path: Path) -> ServedCheckpoint:
    return write_checkpoint(tmp_path / "students" / "made" / "checkpoints" / "epoch-3")


def make(checkpoint: ServedCheckpoint, report: list[str] | None = None) -> Path:
    return as_gguf(checkpoint, PYTHON, (report if report is not None else []).append)


# Where the script is


def test_the_script_lies_beside_the_server_also_where_that_is_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_converter() is None
    server = tmp_path / "llama" / "bin" / "llama-server"
    server.parent.mkdir(parents=True)
    server.write_text("#!/bin/sh\n")
    server.chmod(0o755)
    monkeypatch.setenv("SYSGEN_LLAMA_SERVER", str(server))
    assert find_converter() is None
    script = Converter(tmp_path / "llama" / "share" / "llama.cpp" / "convert_hf_to_gguf.py").write()
    assert find_converter() == script.path
    linked = tmp_path / "elsewhere" / "llama-server"
    linked.parent.mkdir()
    linked.symlink_to(server)
    monkeypatch.setenv("SYSGEN_LLAMA_SERVER", str(linked))
    assert find_converter() == script.path


def test_a_variable_that_names_the_script_goes_first(converter: Converter) -> None:
    assert find_converter() == converter.path


# What it makes


def test_the_file_lies_with_the_training_in_sixteen_bits(
    checkpoint: ServedCheckpoint, converter: Converter
) -> None:
    report: list[str] = []
    file = make(checkpoint, report)
    assert file == gguf_place(checkpoint)
    assert file.parent == checkpoint.folder.parents[1] / "gguf"
    made = json.loads(file.read_text())
    assert (made["weights"], made["kind"]) == ("1", "f16")
    assert report == [f"making {file.name} of epoch-3 of the training made, for llama.cpp"]


def test_it_is_made_once_for_each_checkpoint(
    checkpoint: ServedCheckpoint, converter: Converter
) -> None:
    files = [make(each) for each in (checkpoint, checkpoint)]
    assert converter.times == 1
    changed = write_checkpoint(checkpoint.folder, weights="2")
    other = make(changed)
    assert json.loads(other.read_text())["weights"] == "2"
    assert converter.times == 2
    assert files[0] == files[1] != other


def test_what_the_epoch_was_before_goes_and_other_epochs_stay(
    checkpoint: ServedCheckpoint, converter: Converter
) -> None:
    old = make(checkpoint)
    second = make(write_checkpoint(checkpoint.folder.with_name("epoch-30"), weights="30"))
    new = make(write_checkpoint(checkpoint.folder, weights="2"))
    assert sorted(new.parent.glob("*.gguf")) == sorted([second, new])
    assert not old.exists()


def test_two_runs_at_once_make_one_file(checkpoint: ServedCheckpoint, converter: Converter) -> None:
    converter.write(fault="import time; time.sleep(0.3)")
    reports: list[str] = []
    ready = threading.Barrier(2)

    def run() -> Path:
        ready.wait()
        return make(checkpoint, reports)

    with ThreadPoolExecutor(2) as pool:
        files = {each.result() for each in [pool.submit(run) for _ in range(2)]}
    assert len(files) == converter.times == 1
    assert any(line.startswith("waiting: another run") for line in reports)


def test_the_script_gets_no_secret_and_none_of_our_packages(
    checkpoint: ServedCheckpoint, converter: Converter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("PYTHONPATH", "/ours")
    environment = json.loads(make(checkpoint).read_text())["environment"]
    assert {"OPENAI_API_KEY", "PYTHONPATH"}.isdisjoint(environment)
    assert "HF_HUB_OFFLINE" in environment


# What goes wrong


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("raise SystemExit('no such architecture')", id="fails"),
        pytest.param("print('no such architecture'); raise SystemExit(0)", id="makes-nothing"),
        pytest.param(
            "Path(file).write_text('half'); print('no such architecture', flush=True); "
            "os.kill(os.getpid(), 9)",
            id="is-killed",
        ),
    ],
)
def test_a_script_that_makes_no_file_is_quoted_and_asked_again(
    checkpoint: ServedCheckpoint, converter: Converter, fault: str
) -> None:
    converter.write(fault)
    with pytest.raises(EngineError, match="no GGUF file of epoch-3 of the training made") as error:
        make(checkpoint)
    assert "no such architecture" in str(error.value)
    assert not gguf_place(checkpoint).exists()
    converter.write()
    assert make(checkpoint).is_file()


def test_a_missing_script_is_named_with_how_it_is_had(checkpoint: ServedCheckpoint) -> None:
    with pytest.raises(EngineError, match=r"install-llama-cpp \.venv-llama"):
        require_conversion(checkpoint, PYTHON)


def test_a_script_that_is_named_and_not_there_is_named(
    checkpoint: ServedCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSGEN_LLAMA_CONVERT", "/no/such/script")
    with pytest.raises(EngineError, match="SYSGEN_LLAMA_CONVERT=/no/such/script is no file"):
        make(checkpoint)


def test_without_the_trainer_s_python_its_variable_is_named(
    checkpoint: ServedCheckpoint, converter: Converter
) -> None:
    with pytest.raises(EngineError, match="name it in SYSGEN_TRAIN"):
        require_conversion(checkpoint, None)


def test_what_is_made_already_needs_neither(
    checkpoint: ServedCheckpoint, converter: Converter, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make(checkpoint)
    monkeypatch.delenv("SYSGEN_LLAMA_CONVERT")
    require_conversion(checkpoint, None)
    assert as_gguf(checkpoint, None, print) == file
