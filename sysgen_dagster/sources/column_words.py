"""The words of ``--columns``, by which a user says what the columns of a file are for.

Such as::

    question=prompt answer=response              columns of texts
    messages=chat role=speaker content=text      a column of records, and fields of these
    user=customer assistant=agent                who speaks in them
"""

import shlex
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from sysgen_dagster.sources.recognition import SourceError

# Each word, and what it names.
WORDS: Final = MappingProxyType(
    {
        "question": "column: what is asked",
        "answer": "column: the answer",
        "input": "column: what the question is about; it follows the question",
        "reasoning": "column: what was thought before the answer",
        "system": "column: the system message of the row",
        "messages": "column: a chat, as a list",
        "role": "field of a list's records: who speaks",
        "content": "field of a list's records: what is said",
        "text": "column: a chat as one text, in which marks say who speaks",
        "user": "who asks: a name, or a mark such as '### Human:'; several with a comma between",
        "assistant": "who answers, likewise",
    }
)
# What other tools call the same, where a file's own words are the nearest.
SYNONYMS: Final = MappingProxyType(
    {
        "instruction": "question",
        "prompt": "question",
        "output": "answer",
        "completion": "answer",
        "response": "answer",
        "conversations": "messages",
        "system_prompt": "system",
    }
)


class ShapeError(SourceError):
    """Nobody can tell what the columns of a file are for; the message shows what to say of them."""


def parse_columns(texts: Iterable[str]) -> dict[str, str]:
    """What each word of ``--columns`` names.

    Args:
        texts: ``word=NAME`` each, or several of these with blanks between; a name with blanks
            stands in quotes.

    Raises:
        ShapeError: A part has no ``=``, or a word stands twice.
    """
    said: dict[str, str] = {}
    for text in texts:
        try:
            parts = shlex.split(text)
        except ValueError as error:
            raise ShapeError(f"--columns: {text!r}: {error}; close the quotes") from error
        for part in parts:
            word, equals, name = part.partition("=")
            if not (word and equals and name):
                raise ShapeError(f"--columns: {part!r} is no WORD=NAME, such as question=prompt")
            if word in said:
                raise ShapeError(f"--columns: {word!r} stands twice; give it once")
            said[word] = name
    return said


def known_words(mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping by the words of `WORDS`.

    Raises:
        ShapeError: A word is none, or two say the same.
    """
    known: dict[str, str] = {}
    for said, name in mapping.items():
        word = SYNONYMS.get(said, said)
        if word not in WORDS:
            raise ShapeError(f"--columns: {said!r} is none of the words {', '.join(WORDS)}")
        if word in known:
            raise ShapeError(f"--columns: {word!r} is given twice, once as {said!r}; leave one out")
        known[word] = name
    return known


def as_option(mapping: Mapping[str, str]) -> str:
    """The option that says a mapping, as it is typed in a shell."""
    words = " ".join(f"{word}={_in_quotes(name)}" for word, name in mapping.items())
    return f"--columns {shlex.quote(words)}"


def _in_quotes(name: str) -> str:
    """The name as `parse_columns` reads it, in quotes where it needs them."""
    if shlex.quote(name) == name:
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
