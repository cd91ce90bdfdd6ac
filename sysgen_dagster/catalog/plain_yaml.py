"""YAML of which no reader takes a value for another: text, numbers, true, false, null.

``010`` is 8 to one YAML reader and 10 to another, ``no`` is a text or false, ``1:30`` is 90, and of
a field that is given twice the last one wins without a word. All of that is a fault here, with its
line; whoever means a text writes it in quotes. What is read is bounded in size and depth.
"""

import math
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[Hashable, ...]

MOST_BYTES = 1_000_000  # of a file; the shipped catalogue has 10,000
_MOST_VALUES = 100_000  # with those that aliases repeat
_DEEPEST = 50  # entries within entries; a catalogue has six
LONGEST_NUMBER = 18  # digits: what every program holds exactly

_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# What YAML readers disagree about, or take for something that nobody writes into a catalogue.
_AMBIGUOUS = {
    "an octal number to some": r"[-+]?0[0-9_]+(\.[0-9_]*)?|[-+]?0o[0-7_]*",
    "a number in another base to some": r"[-+]?0[xXbB][0-9a-fA-F_]*",
    "a number to some": r"[-+]?[0-9.][0-9]*_[0-9_.]*([eE][-+]?[0-9]+)?",
    "a number of minutes or hours to some": r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?",
    "no number to reckon with": r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    "a date to some": r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?",
    "true or false to some": r"(?i:yes|no|on|off)",
    "a sign of YAML": r"=|<<",
}
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_PLAIN_TAGS = {f"tag:yaml.org,2002:{tag}" for tag in ("str", "seq", "map")}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place of a document."""

    path: Path
    line: int
    what: str
    found: str = ""  # the text there, which may be a secret


@dataclass(slots=True)
class Document:
    """A document as values, with the line of each entry and field, and everything wrong with it."""

    values: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line_of(self, path: Path) -> int:
        """The line of a field, or of the nearest entry around it that the document has; else 0."""
        around = (path[:length] for length in range(len(path), 0, -1))
        return next((self.lines[each] for each in around if each in self.lines), 0)


class _Loader(yaml.SafeLoader):
    """Reads every plain scalar as text; `_read_scalar` says what it stands for."""

    yaml_implicit_resolvers: dict[str, Any] = {}


def read_document(text: bytes) -> Document:
    """The one document of a file; values at faulty places are left out.

    Raises:
        yaml.YAMLError: It is not YAML, or has more than one document.
    """
    if len(text) > MOST_BYTES:
        raise yaml.YAMLError(f"it is larger than {MOST_BYTES:,} bytes")
    try:
        node = yaml.compose(text, _Loader)
    except RecursionError:
        raise yaml.YAMLError(f"its entries are nested deeper than {_DEEPEST} levels") from None
    reader = _Reader()
    if node is not None:
        reader.document.values = reader.read(node, ())
    return reader.document


def read_plain(text: str) -> Any:
    """The value of a plain scalar, as it would be in a catalogue; a text where it is ambiguous."""
    value, fault = _read_scalar(text)
    return text if fault else value


def _read_scalar(text: str) -> tuple[Any, str]:
    """What a plain scalar stands for, and what is wrong with it."""
    word = text.lower()
    if word in _WORDS and text in (word, word.title(), word.upper()):
        return _WORDS[word], ""
    for meaning, pattern in _AMBIGUOUS.items():
        if re.fullmatch(pattern, text):
            return None, f"is {meaning}: write a text in quotes, a plain number, or true or false"
    if re.fullmatch(_DECIMAL, text):
        if len(re.sub(r"\D", "", text)) > LONGEST_NUMBER:
            return None, f"has more than {LONGEST_NUMBER} digits: write a text in quotes"
        if not math.isfinite(float(text)):
            return None, "is larger than any number that can be reckoned with"
        return (int if re.fullmatch(_WHOLE, text) else float)(text), ""
    return text, ""


class _Reader:
    """Turns the nodes of one document into values."""

    def __init__(self) -> None:
        self.document = Document()
        self._left = _MOST_VALUES
        self._open: list[yaml.Node] = []  # the entries around the one that is read

    def read(self, node: yaml.Node, path: Path) -> Any:
        """The value of a node; a fault is noted and leaves None."""
        self._left -= 1
        self.document.lines.setdefault(path, node.start_mark.line + 1)
        if fault := self._why_not_to_read(node):
            return self._note(node, path, fault)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        self._open.append(node)
        value: Any = None
        if isinstance(node, yaml.SequenceNode):
            value = [self.read(each, (*path, at)) for at, each in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            value = {
                name: self.read(each, (*path, name)) for name, each in self._fields(node, path)
            }
        self._open.pop()
        return value

    def _why_not_to_read(self, node: yaml.Node) -> str:
        if node in self._open:
            return "is an alias that refers to itself"
        if len(self._open) >= _DEEPEST:
            return f"is nested deeper than {_DEEPEST} levels"
        if self._left < 0:  # a few lines of aliases of aliases can stand for billions of values
            return f"is one of more than {_MOST_VALUES:,} values, with those that aliases repeat"
        is_plain = node.tag in _PLAIN_TAGS
        return "" if is_plain else f"has the tag {node.tag[:40]}, which a catalogue does not read"

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        if _NO_TEXT.search(node.value):
            return self._note(node, path, "holds a character that no text has, such as \\0")
        if node.style is not None:  # in quotes, or a block of text
            return node.value
        value, fault = _read_scalar(node.value)
        return self._note(node, path, fault, node.value) if fault else value

    def _fields(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, yaml.Node]]:
        """The fields of an entry, then those that it takes over from others by ``<<``."""
        own: set[str] = set()
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == "<<" and key.style is None:
                if merged:
                    self._note(key, (*path, "<<"), "is given twice: merge a list, as in [*a, *b]")
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            elif (name := self._name(key, path)) is not None:
                if name in own:
                    self._note(key, (*path, name), "is given twice: leave one of them out")
                    continue
                own.add(name)
                self.document.lines[(*path, name)] = key.start_mark.line + 1
                yield name, value
        yield from self._taken_over(merged, own, path)

    def _taken_over(
        self, merged: list[yaml.Node], own: set[str], path: Path
    ) -> Iterator[tuple[str, yaml.Node]]:
        taken: set[str] = set()
        for each in merged:
            self._left -= 1 + len(each.value)
            if not isinstance(each, yaml.MappingNode):
                self._note(each, (*path, "<<"), "merges what is no entry with fields")
            elif fault := self._why_not_to_read(each):
                self._note(each, (*path, "<<"), fault)
            else:
                self._open.append(each)
                for name, value in self._fields(each, path):
                    if name in taken:
                        self._note(value, (*path, name), "is given by two merged entries")
                    elif name not in own:
                        yield name, value
                    taken.add(name)
                self._open.pop()

    def _name(self, key: yaml.Node, path: Path) -> str | None:
        """The name of a field; None where it is no text."""
        is_scalar = isinstance(key, yaml.ScalarNode) and key.tag in _PLAIN_TAGS
        if not isinstance(key, yaml.ScalarNode) or not is_scalar or _NO_TEXT.search(key.value):
            self._note(key, path, "has a field whose name is no text")
            return None
        if key.style is None and not isinstance(_read_scalar(key.value)[0], str):
            what = f"is no name of a field: write '{key.value[:40]}' in quotes if it is one"
            self._note(key, (*path, key.value), what)
            return None
        return str(key.value)

    def _note(self, node: yaml.Node, path: Path, what: str, found: str = "") -> None:
        faults = self.document.faults
        if self._left >= 0 or not faults or faults[-1].what != what:  # once is enough for a bomb
            faults.append(Fault(path, node.start_mark.line + 1, what, found))
