"""What a GGUF file says of itself: the model, its licence, how its weights are quantised.

Only the head of the file is read, with nothing of it executed. The format: a magic word, a version,
two counts, then keys with typed values (https://github.com/ggml-org/ggml, docs/gguf.md).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sysgen_dagster.errors import SysgenError

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
# By the number of a value's type, as `struct` writes it; 8 is text and 9 a list.
_NUMBERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_TEXT, _LIST = 8, 9
_MOST_BYTES = 64 << 20  # of one text; a longer one is a damaged file
# llama.cpp's `enum llama_ftype`; a file with another number says so.
_QUANTISATIONS = {
    **{0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K"},
    **{11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S"},
    **{17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS"},
    **{23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S"},
    **{29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0"},
    **{38: "MXFP4", 39: "NVFP4", 40: "Q1_0", 41: "Q2_0"},
}


class GgufError(SysgenError):
    """A file is no GGUF file that can be read."""


@dataclass(frozen=True, slots=True)
class GgufModel:
    """A model in a GGUF file, in the words of the file; empty where it says nothing.

    Attributes:
        name: Of the model.
        license: Its identifier, such as ``apache-2.0``.
        quantisation: Such as ``Q4_K_M``.
        context_tokens: As it was trained; None where the file says nothing.
        size_bytes: Of all its files.
    """

    name: str
    license: str
    quantisation: str
    context_tokens: int | None
    size_bytes: int


def read_gguf(file: Path) -> GgufModel:
    """What a GGUF file says of its model.

    Raises:
        GgufError: It is none, or is damaged.
    """
    try:
        with file.open("rb") as stream:
            said = _read_head(stream)
        size = sum(part.stat().st_size for part in parts_of(file))
    except OSError as error:
        raise GgufError(f"{file} cannot be read: {error.strerror}") from error
    except (struct.error, ValueError, KeyError) as error:
        raise GgufError(f"{file} is no GGUF file, or a damaged one: fetch it again") from error
    number = said.get("general.file_type")
    context = said.get(f"{said.get('general.architecture')}.context_length")
    return GgufModel(
        name=str(said.get("general.name", "")),
        license=str(said.get("general.license", "")),
        quantisation="" if number is None else _QUANTISATIONS.get(number, f"type {number}"),
        context_tokens=context,
        size_bytes=size,
    )


def parts_of(file: Path) -> list[Path]:
    """All files of a model of which this is the first, such as ``...-00001-of-00003.gguf``."""
    stem, first, count = file.stem.rpartition("-00001-of-")
    if not first:
        return [file]
    return [
        file.with_name(f"{stem}-{number:05}-of-{count}.gguf") for number in range(1, int(count) + 1)
    ]


def _read_head(stream: IO[bytes]) -> Mapping[str, Any]:
    """The keys of a file with their values, but for lists, which hold the vocabulary."""
    if stream.read(4) != _MAGIC or _number(stream, "I") not in _VERSIONS:
        raise ValueError("no GGUF file")
    _number(stream, "Q")  # how many tensors follow
    said = {}
    for _ in range(_number(stream, "Q")):
        key, kind = _text(stream), _number(stream, "I")
        if kind == _LIST:
            _skip_list(stream)
        else:
            said[key] = _text(stream) if kind == _TEXT else _number(stream, _NUMBERS[kind])
    return said


def _skip_list(stream: IO[bytes]) -> None:
    kind, count = _number(stream, "I"), _number(stream, "Q")
    if kind == _LIST:
        for _ in range(count):
            _skip_list(stream)
    elif kind == _TEXT:
        for _ in range(count):
            _text(stream)
    else:
        stream.seek(count * struct.calcsize(f"<{_NUMBERS[kind]}"), 1)


def _number(stream: IO[bytes], form: str) -> Any:
    (value,) = struct.unpack(f"<{form}", stream.read(struct.calcsize(f"<{form}")))
    return value


def _text(stream: IO[bytes]) -> str:
    length = _number(stream, "Q")
    if length > _MOST_BYTES:
        raise ValueError("a text longer than any")
    text = stream.read(length)
    if len(text) < length:
        raise ValueError("the file ends in a text")
    return text.decode(errors="replace")
