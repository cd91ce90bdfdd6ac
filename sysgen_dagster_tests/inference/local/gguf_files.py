"""GGUF files with a head and no weights."""

import struct
from pathlib import Path

_STRING, _ARRAY, _UINT32 = 8, 9, 4
QWEN: dict[str, str | int | list[str]] = {
    "general.architecture": "qwen2",
    "general.name": "Qwen2.5 Tiny Instruct",
    "general.tags": ["chat", "text-generation"],
    "general.license": "apache-2.0",
    "qwen2.context_length": 32768,
    "general.file_type": 15,
    "tokenizer.ggml.tokens": ["a", "b", "c"],
}


def write_gguf(path: Path, said: dict[str, str | int | list[str]] = QWEN, size: int = 0) -> Path:
    """A file that says this of its model, filled up to a size."""
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(said))
    for key, value in said.items():
        head += _text(key) + _value(value)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head.ljust(size, b"\0"))
    return path


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: str | int | list[str]) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _text(value)
    if isinstance(value, int):
        return struct.pack("<II", _UINT32, value)
    texts = b"".join(map(_text, value))
    return struct.pack("<IIQ", _ARRAY, _STRING, len(value)) + texts
