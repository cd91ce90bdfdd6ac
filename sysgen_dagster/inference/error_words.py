"""The words of a server in a reply that is an error: its messages and codes, not what we sent.

Servers repeat requests in their errors. So a row about rate limits must not be taken for one: only
the fields that hold messages and codes are read, and what stands in our messages too is no word of
the server.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from sysgen_dagster.inference.bodies import read_json

# Fields of the error objects of servers and gateways, in lower case. Not among them are those that
# repeat the request: `input`, `ctx`, `flagged_input`, `body`, `prompt`, `messages`.
_MESSAGES = frozenset(
    {
        *("message", "msg", "detail", "details", "description", "title", "raw", "cause"),
        *("error", "errors", "error_message", "error_msg", "errormessage", "error_description"),
        *("innererror", "inner_error", "metadata", "base_resp", "status_msg", "promptfeedback"),
    }
)
_CODES = frozenset({"code", "type", "status", "reason", "reasons", "error_type", "error_code"})
# Fields that say something by being there.
_TELLING = frozenset(
    {
        *("flagged_input", "content_filter_result", "content_filter_results", "contentfilter"),
        *("blockreason", "block_reason"),
    }
)
_WAIT = "retrydelay"  # Gemini's, such as "20s"
_READ = _MESSAGES | _CODES | {_WAIT}
_DEEPEST = 8
_LONGEST = 4_000  # characters of one message that are read
_MOST = 50  # messages and codes
_STATUSES, _DIGITS = range(400, 600), 3
_LINK = re.compile(r"https?://\S+")
_ESCAPED = re.compile(r"\\+.")
# Letters and digits in a row that a message shares with ours only if it repeats them; all of a
# shorter text.
_REPEATED = 30


@dataclass(frozen=True, slots=True)
class Words:
    """What a server says of an error.

    Attributes:
        messages: Sentences, without links.
        codes: Such as ``insufficient_quota``, one a line.
        asked: The texts of the request, which the server may repeat.
    """

    messages: str
    codes: str = ""
    asked: Sequence[str] = field(default=(), repr=False)

    def hold(self, pattern: re.Pattern[str]) -> bool:
        """Whether a code or a message of the server's own holds a pattern."""
        if pattern.search(self.codes):
            return True
        found = list(pattern.finditer(self.messages))
        if not found or not self.asked:
            return bool(found)
        asked = [_plain(text) for text in self.asked]
        return any(not self._is_repeated(each, asked) for each in found)

    def _is_repeated(self, found: re.Match[str], asked: Sequence[str]) -> bool:
        """Whether the words stand in a stretch of the message that is one of a text of ours."""
        start, end = found.span()
        before, after = _plain(self.messages[:start]), _plain(self.messages[end:])
        words = _plain(found[0])
        return any(
            _length_of_ending(before, text[: at.start()])
            + len(words)
            + _length_of_beginning(after, text[at.end() :])
            >= min(_REPEATED, len(text))
            for text in asked
            for at in re.finditer(re.escape(words), text)
        )


def read_words(raw: bytes, asked: Sequence[str] = ()) -> Words:
    """What the body of an error reply says, in whatever form."""
    try:
        return words_in(read_json(raw), asked)
    except ValueError:
        return Words(_shown(raw.decode(errors="replace")), asked=asked)


def words_in(body: object, asked: Sequence[str] = ()) -> Words:
    """What an error says that was read from JSON."""
    found = list(_walk(body, "message", 0))[:_MOST]
    messages = [_shown(text) for name, text in found if name not in _CODES]
    codes = [text[:_LONGEST] for name, text in found if name in _CODES]
    return Words("\n".join(messages), "\n".join(codes), asked)


@dataclass(frozen=True, slots=True)
class EmbeddedError:
    """An error in a reply with status 200, as gateways send it.

    Attributes:
        status: The one that it names; None where it names none.
        body: The error.
    """

    status: int | None
    body: object


def find_error(reply: object) -> EmbeddedError | None:
    """The error in a reply that was read from JSON; None where it holds none."""
    if isinstance(reply, list) and reply:
        reply = reply[0]
    if not isinstance(reply, Mapping):
        return None
    choices = reply.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    inside = choice.get("error") if isinstance(choice, Mapping) else None
    error = reply.get("error") or inside
    if not error and not choices and (_status_in(reply) or any(_walk(reply, "message", 0))):
        error = reply  # the fields of an error without one around them
    # Beside choices only an object is an error: servers write empty ones, and other marks.
    if not error or (choices and not isinstance(error, Mapping)):
        return None
    return EmbeddedError(_status_in(error) or _status_in(reply), {"error": error})


def _status_in(error: object) -> int | None:
    """The HTTP status that an error names as its code."""
    for name in ("code", "status", "status_code", "statusCode"):
        code = error.get(name) if isinstance(error, Mapping) else None
        if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) == _DIGITS:
            code = int(code)
        if isinstance(code, int) and code in _STATUSES:
            return code
    return None


def _walk(value: object, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """The texts in an error, each with the name of its field."""
    inside = _read_json(value) if isinstance(value, str) else value
    fields: list[tuple[str, object]] = []
    if inside is None or depth > _DEEPEST:
        if isinstance(value, str):
            yield name, f"retry in {value}" if name == _WAIT else value
    elif isinstance(inside, Mapping):
        fields = [(str(key).lower(), each) for key, each in inside.items()]
        yield from (("code", key) for key, _ in fields if key in _TELLING)
    elif isinstance(inside, list):
        fields = [(name, each) for each in inside]
    for key, each in fields:
        if key in _READ:
            yield from _walk(each, key, depth + 1)


def _read_json(text: str) -> Any:
    """The object or list that a text holds: gateways put the error behind theirs into a text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _shown(text: str) -> str:
    return _LINK.sub("", text[:_LONGEST])


def _plain(text: str) -> str:
    """Letters and digits alone, since servers quote and escape what they repeat."""
    return "".join(filter(str.isalnum, _ESCAPED.sub("", text))).lower()


def _length_of_beginning(one: str, other: str) -> int:
    """How many characters two texts begin with alike, as far as it matters."""
    signs = zip(one[:_REPEATED], other[:_REPEATED], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], signs))


def _length_of_ending(one: str, other: str) -> int:
    return _length_of_beginning(one[-_REPEATED:][::-1], other[-_REPEATED:][::-1])
