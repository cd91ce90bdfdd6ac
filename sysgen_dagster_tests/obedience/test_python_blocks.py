"""Fenced Python blocks, and whether they parse."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.obedience.python_blocks import count_python_blocks

LINES = st.lists(
    st.sampled_from(
        ("```python", "```", "````", "~~~py", "~~~", "```js", "  ```py3", "x = 1", "(", ">>> x")
    )
    | st.text(max_size=5),
    max_size=20,
).map("\n".join)


def counts(text: str | None) -> tuple[int | None, int | None]:
    return count_python_blocks(pl.Series([text], dtype=pl.String)).row(0)


@pytest.mark.parametrize(
    "info", ["python", "Python", "py", "python3", "python3.11", " python title=a", "{.python}"]
)
def test_a_block_marked_as_python_counts(info: str) -> None:
    assert counts(f"Here:\n```{info}\nprint(1)\n```\nDone.") == (1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "print(1)",
        "```\nprint(1)\n```",
        "```javascript\nlet x = 1;\n```",
        "```pytb\nTraceback\n```",
        "In a line: ```python x = 1```",
        "````markdown\n```python\nx = 1\n```\n````",
    ],
)
def test_other_blocks_and_code_without_a_fence_do_not_count(text: str) -> None:
    assert counts(text) == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "    indented = 1\n    more = 2",
        ">>> x = 1\n>>> x\n1\n>>> if x:\n...     x\n...\n1",
        "%matplotlib inline\n!pip install polars\nimport polars",
        'pattern = "\\d"\n1 is 1',
        "x = 1\r\ny = 2",
        "...",
    ],
    ids=["empty", "indented", "session", "notebook", "warnings", "windows", "ellipsis"],
)
def test_what_python_can_read_parses(body: str) -> None:
    assert counts(f"```python\n{body}\n```") == (1, 1)


@pytest.mark.parametrize(
    "body",
    [
        'print "Python 2"',
        "def f():\n",
        "x = (1,",
        "a\0b",
        "(" * 40_000,
        "-" * 40_000 + "1",
        "a" + ".b" * 20_000,
        "x = 1\n" * 10_000,
    ],
    ids=["python2", "no body", "cut", "NUL", "brackets", "signs", "attributes", "too long"],
)
def test_what_python_cannot_read_counts_but_does_not_parse(body: str) -> None:
    assert counts(f"```python\n{body}\n```") == (1, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. Step\n\n   ```python\n   x = 1\n   ```\n", (1, 1)),
        ("~~~python\nx = 1\n```\n~~~", (1, 0)),
        ("```python\nx = 1\n```\n```python\nx = (\n```", (2, 1)),
        ("```python\nx = 1\n", (1, 1)),
        ("```js\nlet x\n```\n```py\nx = 1", (1, 1)),
        ("````python\ns = '''\n```\n'''\n````", (1, 1)),
    ],
    ids=["list", "tildes", "two", "unclosed", "after another", "longer fence"],
)
def test_fences_close_as_in_commonmark(text: str, expected: tuple[int, int]) -> None:
    assert counts(text) == expected


def test_code_is_not_run() -> None:
    assert counts("```python\nraise SystemExit\n```") == (1, 1)


def test_no_text_has_no_count() -> None:
    assert counts(None) == (None, None)


@given(LINES)
def test_no_more_blocks_parse_than_there_are(text: str) -> None:
    blocks, parsed = counts(text)
    assert blocks is not None
    assert parsed is not None
    assert 0 <= parsed <= blocks
