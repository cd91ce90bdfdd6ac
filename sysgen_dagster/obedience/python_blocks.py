r"""How many fenced Python blocks an answer holds, and how many of them parse.

A block is what CommonMark calls a fenced code block, marked as Python::

    ```python
    print("parses")
    ```

Fences may stand deeper than CommonMark allows, as they do in lists; one that is never closed (the
answer was cut) reaches to the end. Sessions lose their prompts and their output, notebooks their
``%magic`` and ``!command`` lines. Blocks are parsed by this interpreter's grammar and never run, so
Python 2 does not parse and a newer grammar may parse more.
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
# Real blocks are hundreds of lines at most (1,024 tokens an answer); the parser's stack is finite.
_LONGEST_BLOCK = 50_000


def count_python_blocks(texts: pl.Series) -> pl.DataFrame:
    """Fenced Python blocks of each text, one row per text, in their order.

    Returns:
        ``blocks`` and ``parsed``, null where the text is. Blocks of more than 50,000 characters
        count as not parsed.
    """
    marked = texts.str.contains(_MARKED)
    # The parser warns of odd escapes and of `is` with a literal; that is not our business.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts = [
            _count(text) if maybe else (None if text is None else (0, 0))
            for text, maybe in zip(texts, marked, strict=True)
        ]
    blocks, parsed = ([each and each[place] for each in counts] for place in (0, 1))
    schema = {"blocks": pl.UInt32, "parsed": pl.UInt32}
    return pl.DataFrame({"blocks": blocks, "parsed": parsed}, schema=schema)


def _count(text: str) -> tuple[int, int]:
    parses = [_parses(block) for block in _blocks(text)]
    return len(parses), sum(parses)


def _blocks(text: str) -> Iterator[str]:
    """The bodies of the Python fences, in their order."""
    opened, start, is_python = "", 0, False
    for fence in _FENCE.finditer(text):
        ticks, info = fence["ticks"], fence["info"]
        if not opened:
            if "`" not in info or ticks[0] == "~":  # else code within a line: ```x```
                opened, start, is_python = ticks, fence.end(), bool(_PYTHON.match(info))
        elif ticks.startswith(opened) and not info.strip():
            if is_python:
                yield text[start : fence.start()]
            opened = ""
    if opened and is_python:
        yield text[start:]


def _parses(block: str) -> bool:
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
    # Text that is no program: ValueError for NUL; the others for nesting beyond the parser's stack.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
