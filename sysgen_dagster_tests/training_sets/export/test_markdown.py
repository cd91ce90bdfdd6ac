"""Text in Markdown shows as it is and breaks out of nothing."""

import polars as pl
import pytest

from sysgen_dagster.training_sets.export.markdown import code, escape, markdown_table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", r"\<script\>alert(1)\</script\>"),
        ("a | b", r"a \| b"),
        ("# h\n\n- x", "# h - x"),
        ("[x](javascript:y)", r"\[x\](javascript:y)"),
        ("a\u202eb\x00c", "a b c"),
        ("&lt;", r"\&lt;"),
    ],
)
def test_text_is_shown_as_it_is(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_code_stays_code() -> None:
    assert code("a`b|c\nd") == r"`a'b\|c d`"
    assert code("") == "\N{EN DASH}"


def test_cells_are_shown_by_their_kind() -> None:
    table = markdown_table(
        pl.DataFrame(
            {"n": [1234], "x": [0.5], "b": [True], "l": [["a", "b"]], "nan": [float("nan")]}
        )
    )
    assert table.split("\n")[2] == "| 1,234 | 0.5 | yes | a, b | \N{EN DASH} |"
