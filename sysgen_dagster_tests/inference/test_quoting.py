"""What a server said: bounded, on one line, and harmless where it is printed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.inference.quoting import MOST_QUOTED, end_of_log, quoted


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", ""),
        (b"out of memory\n", "out of memory"),
        (b'{\n  "error": "no"\n}', '{ "error": "no" }'),
        ("塩".encode(), "塩"),
        (b"\xff\xfeno", "\ufffd\ufffdno"),
        (b"\x1b]0;mine\x07no", "\\x1b]0;mine\\x07no"),
        ("\x1b[2Jno", "\\x1b[2Jno"),
    ],
)
def test_what_a_server_said_is_read_on_one_line(raw: bytes | str, said: str) -> None:
    assert quoted(raw) == said


def test_a_long_reply_is_cut_and_the_length_is_one_constant() -> None:
    assert quoted(b"a" * 5_000_000) == "a" * MOST_QUOTED
    assert quoted("塩".encode() * 5_000) == "塩" * MOST_QUOTED
    assert quoted(b"abc", 2) == "ab"


@given(st.one_of(st.binary(), st.text(st.characters(exclude_categories=[]))))
def test_whatever_is_said_is_printable_and_short(raw: bytes | str) -> None:
    said = quoted(raw)
    assert said.isprintable()
    assert len(said) <= MOST_QUOTED
    assert said.encode().decode() == said


def test_the_end_of_a_log_is_read_line_by_line(tmp_path: Path) -> None:
    log = tmp_path / "vllm.log"
    log.write_bytes(b"x" * 5_000 + b"\n\x1b[32mloading\x1b[0m\n\x1b]52;c;aGk=\x07no memory\xff\n")
    end = end_of_log(log)
    assert end.splitlines()[-2:] == ["loading", "\\x1b]52;c;aGk=\\x07no memory\ufffd"]
    assert len(end) < 2_100


def test_a_short_log_is_shown_whole(tmp_path: Path) -> None:
    log = tmp_path / "vllm.log"
    log.write_text("loading\ndone\n")
    assert end_of_log(log) == "loading\ndone"
