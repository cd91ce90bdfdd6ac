"""Reads a reply that comes as a stream of events, which some gateways send though nobody asked."""

import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

_BEGINNINGS = ("data:", "event:", "id:", "retry:", ":")
_LAST = "[DONE]"


def is_event_stream(text: str) -> bool:
    """Whether a body is such a stream, or begins with the comments that keep one alive."""
    return text.lstrip().startswith(_BEGINNINGS)


def join_events(text: str) -> Any:
    """The one reply in a stream: an error, a whole reply, or the pieces of a chat completion.

    Raises:
        ValueError: It holds none, or ends before the completion does.
    """
    pieces = _Pieces()
    try:
        for value in _read_events(text):
            if not _is_piece(value):
                return value
            pieces.add(value)
    except (TypeError, AttributeError, LookupError, RecursionError):
        raise ValueError("events that are no chat completion") from None
    return pieces.joined()


def _is_piece(value: Mapping[str, Any]) -> bool:
    choices = value.get("choices")
    is_part = not choices or "message" not in choices[0]
    return is_part and "choices" in value and not value.get("error")


def _read_events(text: str) -> Iterator[Any]:
    """One at a time: a small stream may hold millions."""
    data = ""
    for line in chain(io.StringIO(text, newline=None), "\n"):
        if line.startswith("data:"):
            data += line.removeprefix("data:")
        elif line.strip() and not line.startswith(_BEGINNINGS):  # a whole reply behind comments
            data += line
        elif not line.strip():
            if data.strip() not in ("", _LAST):
                yield json.loads(data, strict=False)
            data = ""


@dataclass(slots=True)
class _Pieces:
    """Those of the first answer of a chat completion, by field of its message."""

    texts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    logprobs: list[Any] = field(default_factory=list)
    finish: Any = None
    usage: Any = None

    def add(self, value: Mapping[str, Any]) -> None:
        self.usage = value.get("usage") or self.usage
        for choice in value["choices"] or ():
            if choice.get("index"):  # another answer to the same request
                continue
            for name, piece in (choice.get("delta") or {}).items():
                if isinstance(piece, str) and name != "role":
                    self.texts[name].append(piece)
            self.logprobs += (choice.get("logprobs") or {}).get("content") or []
            self.finish = choice.get("finish_reason") or self.finish

    def joined(self) -> dict[str, Any]:
        if self.finish is None:
            raise ValueError("events of a chat completion without its end")
        message = {name: "".join(pieces) for name, pieces in self.texts.items()}
        logprobs = {"content": self.logprobs}
        choice = {"message": message, "finish_reason": self.finish, "logprobs": logprobs}
        return {"choices": [choice], "usage": self.usage}
