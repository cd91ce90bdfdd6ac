"""Reads a reply that comes as a stream of events, which some gateways send though nobody asked."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

_BEGINNINGS = ("data:", "event:", "id:", "retry:", ":")
_LINE_END = re.compile(r"\r\n|\n|\r")
_LAST = "[DONE]"


def is_event_stream(text: str) -> bool:
    """Whether a body is such a stream, or begins with the comments that keep one alive."""
    return text.lstrip().startswith(_BEGINNINGS)


def join_events(text: str) -> Any:
    """The one reply in a stream: an error, a whole reply, or the pieces of a chat completion.

    Raises:
        ValueError: It holds none, or ends before the completion does.
    """
    try:
        values = list(_read_events(text))
        if not values:
            raise ValueError("events without data")
        whole = [each for each in values if not _is_piece(each)]
        return whole[0] if whole else _join(values)
    except (TypeError, AttributeError, LookupError, RecursionError):
        raise ValueError("events that are no chat completion") from None


def _is_piece(value: Mapping[str, Any]) -> bool:
    choices = value.get("choices")
    is_part = not choices or "message" not in choices[0]
    return is_part and "choices" in value and not value.get("error")


def _read_events(text: str) -> Iterable[Any]:
    lines: list[str] = []
    for line in [*_LINE_END.split(text), ""]:
        if line.startswith("data:"):
            lines.append(line.removeprefix("data:").strip())
        elif line and not line.startswith(_BEGINNINGS):  # a whole reply behind comments
            lines.append(line)
        elif not line and lines:
            data, lines = "\n".join(lines), []
            if data != _LAST:
                yield json.loads(data, strict=False)


def _join(values: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    texts: dict[str, list[str]] = defaultdict(list)
    logprobs: list[Any] = []
    finish = usage = None
    for value in values:
        usage = value.get("usage") or usage
        for choice in value["choices"] or ():
            if choice.get("index"):  # another answer to the same request
                continue
            for name, piece in (choice.get("delta") or {}).items():
                if isinstance(piece, str) and name != "role":
                    texts[name].append(piece)
            logprobs += (choice.get("logprobs") or {}).get("content") or []
            finish = choice.get("finish_reason") or finish
    if finish is None:
        raise ValueError("events of a chat completion without its end")
    message = {name: "".join(pieces) for name, pieces in texts.items()}
    choice = {"message": message, "finish_reason": finish, "logprobs": {"content": logprobs}}
    return {"choices": [choice], "usage": usage}
