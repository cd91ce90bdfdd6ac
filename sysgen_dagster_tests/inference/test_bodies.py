"""Bodies of replies: counted while they come, unpacked in bounds, read as leniently as can be."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from sysgen_dagster.inference.bodies import BadBodyError, Body, most_reply_bytes, read_json

KIB = 1024


def raw_deflate(plain: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(plain) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "utf-8": bytes,  # no encoding of a body, and yet it is said
    "gzip": gzip.compress,
    "GZIP": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    " deflate ": raw_deflate,
}


def read(body: Body, raw: bytes, step: int = 10**9) -> bytes:
    for at in range(0, len(raw), step):
        body.add(raw[at : at + step])
    return bytes(body.content)


@pytest.mark.parametrize("step", [1, 7, 10**9])
@pytest.mark.parametrize("encoding", PACKERS)
def test_a_body_is_unpacked_however_it_comes(encoding: str, step: int) -> None:
    plain = json.dumps({"content": "Because. " * 300}).encode()
    assert read(Body(10 * KIB, encoding), PACKERS[encoding](plain), step) == plain


def test_a_gzip_body_of_several_parts_is_read_whole() -> None:
    packed = gzip.compress(b"Be") + gzip.compress(b"") + gzip.compress(b"cause.")
    assert read(Body(KIB, "gzip"), packed) == b"Because."


@pytest.mark.parametrize("encoding", PACKERS)
def test_bytes_are_bounded_after_they_are_unpacked(encoding: str) -> None:
    body = Body(100 * KIB, encoding)
    with pytest.raises(BadBodyError, match="longer than 102,400 bytes"):
        read(body, PACKERS[encoding](b" " * 50_000_000), step=64 * KIB)
    assert bytes(body.content) == b" " * 100 * KIB


def test_bytes_that_unpack_to_nothing_are_counted_too() -> None:
    with pytest.raises(BadBodyError, match="longer than 10,240 bytes"):
        read(Body(10 * KIB, "gzip"), gzip.compress(b"") * 1000, step=KIB)


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "br, gzip"])
def test_what_was_not_asked_for_is_named(encoding: str) -> None:
    with pytest.raises(BadBodyError, match=f"compressed as {encoding}, which was not asked for"):
        Body(KIB, encoding).add(b"\x1b\x00\x00")


@pytest.mark.parametrize(
    ("encoding", "raw"), [("gzip", b'{"choices": []}'), ("deflate", b"x\x00\x00\x00")]
)
def test_a_body_that_is_not_compressed_as_it_says_is_a_bad_one(encoding: str, raw: bytes) -> None:
    with pytest.raises(BadBodyError, match=f"says that it is compressed as {encoding}"):
        Body(KIB, encoding).add(raw)


@pytest.mark.parametrize("tokens", [16, 512, 4096, 32_768])
def test_an_answer_of_the_longest_tokens_has_room(tokens: int) -> None:
    longest = " " * 128
    text = {"content": longest * tokens, "reasoning": "\x00" * 4 * tokens}
    assert len(json.dumps(text)) < most_reply_bytes(tokens)
    top = {"token": " river", "logprob": -12.345678901234567, "bytes": list(b" river")}
    logprobs = [top | {"top_logprobs": [top] * 8}] * min(tokens, 4096)
    assert len(json.dumps([text, logprobs])) < most_reply_bytes(tokens, with_logprobs=True)


def test_twenty_megabytes_are_no_answer_of_512_tokens() -> None:
    assert most_reply_bytes(512, with_logprobs=True) < 20_000_000 / 4


# JSON

TEXTS = {
    "plain": (b'{"a": "Because."}', "Because."),
    "cut_character": (b'{"a": "caf\xc3"}', "caf\ufffd"),
    "latin_1": (b'{"a": "caf\xe9."}', "caf\ufffd."),
    "line_break": (b'{"a": "one\ntwo\ttabs"}', "one\ntwo\ttabs"),
    "control_characters": (b'{"a": "\x01\x1b[31m"}', "\x01\x1b[31m"),
    "null_character": (b'{"a": "x\x00y"}', "x\x00y"),
    "byte_order_mark": (b'\xef\xbb\xbf{"a": "Because."}', "Because."),
    "utf_16": ('{"a": "Because."}'.encode("utf-16"), "Because."),
    "utf_16_without_mark": ('{"a": "Because."}'.encode("utf-16-le"), "Because."),
    "utf_32": ('{"a": "Because."}'.encode("utf-32"), "Because."),
    "lone_surrogate": (rb'{"a": "\ud800"}', "\ud800"),
    "surrogate_bytes": (b'{"a": "\xed\xa0\x80"}', "\ufffd" * 3),
    "same_key_twice": (b'{"a": "no", "a": "yes"}', "yes"),
    "blanks": (b'\n\n  \r\n{"a": "Because."}\n\n', "Because."),
}


@pytest.mark.parametrize("name", TEXTS)
def test_one_odd_byte_costs_no_answer(name: str) -> None:
    raw, text = TEXTS[name]
    assert read_json(raw) == {"a": text}


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (b"9" * 5_000, float("inf")),
        (b"-" + b"9" * 5_000, -float("inf")),
        (b"Infinity", float("inf")),
        (b"1e999", float("inf")),
        (b"9" * 100, int("9" * 100)),
        (b"0." + b"1" * 5_000, 1 / 9),
    ],
    ids=["digits", "negative_digits", "infinity", "exponent", "some_digits", "fraction"],
)
def test_a_number_is_read_whatever_its_length(number: bytes, value: Any) -> None:
    assert read_json(b'{"a": ' + number + b"}") == {"a": value}


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"<html>", b"{", b'{"a": "', b"nul", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf"),
        *(b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000),
        *(b'data: {"choices": []}\n\n', b'{"a": 1}{"a": 2}', b"9" * 5_000 + b"x"),
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_what_is_no_json_is_one_kind_of_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(raw)
