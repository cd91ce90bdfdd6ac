"""Lines that have the mark of a list or a heading by chance."""

import pytest

from sysgen_dagster.obedience.verifying.answers import Answer
from sysgen_dagster.obedience.verifying.lines import LineKind


def sure(text: str) -> list[LineKind]:
    marked = {LineKind.BULLET, LineKind.NUMBERED, LineKind.HEADING}
    return [line.kind for line in Answer(text).sure if line.kind in marked]


@pytest.mark.parametrize(
    "text",
    [
        "Be yourself.\n\n- Oscar Wilde",
        '"Be yourself."\n- Oscar Wilde\n\n"Stay hungry."\n- Steve Jobs',
        "The price is 5 euros.\n\n* Prices exclude tax.",
        "Subtract:\n  45\n- 12\n- 3\n= 30",
        "Add:\n5\n+ 7 more.",
        "It was\n19. Then came 20.",
        "def double(x):\n    return 2 * x\n\n# Example usage\nprint(double(4))",
        "# install it\npip install polars",
        "The rate fell.\n\n# of visitors: 50",
    ],
)
def test_a_mark_by_chance_makes_no_list_and_no_heading(text: str) -> None:
    assert sure(text) == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("- Rome\n- Oslo", [LineKind.BULLET] * 2),
        ("Here it is:\n\n- Rome", [LineKind.BULLET]),
        ("Cities are old.\n- Rome\n- Oslo", [LineKind.BULLET] * 2),
        ("1. Rome\n2. Oslo", [LineKind.NUMBERED] * 2),
        ("# Trees\nThey help.", [LineKind.HEADING]),
        ("# 10 Tips\n\nRest.", [LineKind.HEADING]),
    ],
)
def test_lists_and_headings_are_sure(text: str, kinds: list[LineKind]) -> None:
    assert sure(text) == kinds


@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_what_stands_in_a_fence_is_code(fence: str) -> None:
    answer = Answer(f"Run it:\n{fence}\nls\n{fence}\nDone.")
    assert (answer.code, answer.code_blocks) == ("ls", 1)


@pytest.mark.parametrize(
    ("begin", "end"), [("\\[", "\\]"), ("$$", "$$"), ("\\begin{align*}", "\\end{align*}")]
)
def test_a_set_formula_ends_with_its_own_mark(begin: str, end: str) -> None:
    kinds = [line.kind for line in Answer(f"{begin}\nx = {{4}}\n{end}.\nIt is 4.").lines]
    assert kinds == [LineKind.FORMULA] * 3 + [LineKind.TEXT]
    beside = [line.kind for line in Answer(f"{begin} x = 4 {end},\nso it is 4.").lines]
    assert beside == [LineKind.FORMULA, LineKind.TEXT]
