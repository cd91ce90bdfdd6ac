"""What a GGUF file says of itself."""

import os
from pathlib import Path

import pytest

from sysgen_dagster.inference.local.gguf import GgufError, GgufModel, parts_of, read_gguf
from sysgen_dagster_tests.inference.local.gguf_files import QWEN, write_gguf


def test_name_licence_quantisation_and_context_are_read(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "tiny.gguf", size=5_000)
    assert read_gguf(file) == GgufModel(
        "Qwen2.5 Tiny Instruct", "apache-2.0", "Q4_K_M", 32768, 5_000
    )


def test_what_stands_after_the_vocabulary_is_read_too(tmp_path: Path) -> None:
    last = {**QWEN, "general.file_type": 8}
    said = {key: last[key] for key in sorted(last, key=lambda key: key == "general.file_type")}
    assert read_gguf(write_gguf(tmp_path / "tiny.gguf", said)).quantisation == "Q5_0"


def test_a_file_that_says_little_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    model = read_gguf(write_gguf(tmp_path / "tiny.gguf", {"general.architecture": "llama"}))
    assert (model.name, model.license, model.quantisation, model.context_tokens) == (
        *("", "", ""),
        None,
    )


def test_a_quantisation_that_we_do_not_know_is_shown_by_its_number(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "tiny.gguf", {**QWEN, "general.file_type": 999})
    assert read_gguf(file).quantisation == "type 999"


def test_the_parts_of_a_model_are_counted_together(tmp_path: Path) -> None:
    first = write_gguf(tmp_path / "big-00001-of-00002.gguf", size=3_000)
    second = write_gguf(tmp_path / "big-00002-of-00002.gguf", {}, size=2_000)
    assert parts_of(first) == [first, second]
    assert read_gguf(first).size_bytes == 5_000


@pytest.mark.parametrize(
    "content",
    [b"", b"GGUF", b"PK\x03\x04 a zip", b"GGUF\x63\0\0\0" + bytes(16), b"<!doctype html>"],
    ids=["empty", "cut", "zip", "other_version", "web_page"],
)
def test_what_is_no_gguf_file_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(content)
    with pytest.raises(GgufError, match=r"tiny\.gguf is no GGUF file, or a damaged one"):
        read_gguf(file)


def test_every_cut_of_the_head_is_an_error_and_never_a_wrong_word(tmp_path: Path) -> None:
    whole = write_gguf(tmp_path / "tiny.gguf").read_bytes()
    cut = tmp_path / "cut.gguf"
    for length in range(len(whole)):
        cut.write_bytes(whole[:length])
        with pytest.raises(GgufError):
            read_gguf(cut)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(GgufError, match="cannot be read: No such file"):
        read_gguf(tmp_path / "gone.gguf")


REAL = os.environ.get("SYSGEN_REAL_MODEL", "")


@pytest.mark.skipif(not REAL.endswith(".gguf"), reason="SYSGEN_REAL_MODEL names no GGUF file")
def test_a_real_file_says_what_it_is() -> None:
    model = read_gguf(Path(REAL))
    assert model.name
    assert model.quantisation
    assert model.context_tokens
