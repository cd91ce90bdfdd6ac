r"""Counts the fenced Python blocks of answers, and how many of them parse.

A block is a fenced code block as defined by CommonMark whose info string says Python::

    ```python
    print("parses")
    ```

Unlike in CommonMark a fence may be indented deeply, as in nested lists. A fence that is never
closed, because the answer was cut, reaches to the end. Before parsing, the prompts and output of
interactive sessions and the ``%magic`` and ``!command`` lines of notebooks are removed. Blocks are
parsed with the grammar of the running interpreter, so Python 2 does not parse, and are never run.
"""

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator

import polars as pl

_MARKED = r"(?i)(?:```|~~~)[ \t]*\{?\.?(?:python|py)"
_FENCE = re.compile(r"^[ \t>]{0,20}(?P<ticks>`{3,}|~{3,})(?P<info>[^\n]{0,200})", re.MULTILINE)
_PYTHON = re.compile(r"\s*\{?\.?(?:python(?:[23](?:\.\d+)?)?|py3?|ipython3?|pycon)\b", re.I)
_PROMPT = re.compile(r"^[ \t]*>>>(?: |$)", re.MULTILINE)
_SESSION_LINE = re.compile(r"^[ \t]*(?:>>>|\.\.\.)(?: |$)(.*)$", re.MULTILINE)
_NOTEBOOK_LINE = re.compile(r"^([ \t]*)[%!]{1,2}[A-Za-z].*$", re.MULTILINE)
# Commands and messages that are marked as Python, and are none.
_OF_A_SHELL = re.compile(
    r"\s*(?:\$ |%?pip3? install|python3? [\w./-]+\.py|conda install|Traceback \(most recent)"
)
# Characters. Answers of 1,024 tokens have far shorter blocks; parsing very long ones could exhaust
# the parser's stack.
_LONGEST_BLOCK = 50_000


def count_python_blocks(texts: pl.Series) -> pl.DataFrame:
    """The number of fenced Python blocks of each text, one row per text, in their order.

    Returns:
        ``blocks``, and ``blocks_parsed``, the number of them that parse; both are null for a null
        text. Blocks of more than 50,000 characters count as not parsed.
    """
    may_have_blocks = texts.str.contains(_MARKED)
    # The parser warns of odd escapes and of `is` with a literal, which do not matter here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts = [
            (None, None) if text is None else _count(text) if maybe else (0, 0)
            for text, maybe in zip(texts, may_have_blocks, strict=True)
        ]
    return pl.DataFrame(counts, {"blocks": pl.UInt32, "blocks_parsed": pl.UInt32}, orient="row")


def _count(text: str) -> tuple[int, int]:
    parsed = [parses(block) for block in _find_blocks(text) if not _OF_A_SHELL.match(block)]
    return len(parsed), sum(parsed)


def _find_blocks(text: str) -> Iterator[str]:
    """The contents of the Python blocks, in their order."""
    opened, start, is_python = "", 0, False
    for fence in _FENCE.finditer(text):
        ticks, info = fence["ticks"], fence["info"]
        if not opened:
            if "`" not in info or ticks[0] == "~":  # ```x``` on one line is inline code
                opened, start, is_python = ticks, fence.end(), bool(_PYTHON.match(info))
        elif ticks.startswith(opened) and not info.strip():
            if is_python:
                yield text[start : fence.start()]
            opened = ""
    if opened and is_python:
        yield text[start:]


def parses(block: str) -> bool:
    """Whether a block is Python by the grammar of the running interpreter."""
    if len(block) > _LONGEST_BLOCK:
        return False
    code = textwrap.dedent(block.replace("\r\n", "\n"))
    if _PROMPT.search(code):
        code = "\n".join(_SESSION_LINE.findall(code))
    return _is_grammatical(code) or (
        bool(_NOTEBOOK_LINE.search(code)) and _is_grammatical(_NOTEBOOK_LINE.sub(r"\1pass", code))
    )


def _is_grammatical(code: str) -> bool:
    try:
        ast.parse(code)
    # ValueError: the text contains NUL. RecursionError, MemoryError: it is nested too deeply.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
