"""What the last sentence of a maths answer states."""

import pytest

from sysgen_dagster.obedience.closing_sentences import find_numbers, read_closing_sentence
from sysgen_dagster.obedience.quantities import Quantity


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Take 1,200 of 3 in 1/2 hour, not -4.", {"1200", "3", "1/2", "-4"}),
        ("From 8-12 at 50%.", {"8", "12", "50"}),
        ("Take 2,5 of 1.800,50 at 5 cents a km, or minus 7.", {"5/2", "3601/2", "5", "-7"}),
        ("Of 1,2,3 and 12 500.", {"12500"}),
        ("x2, H2O, v1.2.3, 10^5", set()),
    ],
)
def test_numbers_stand_alone(text: str, numbers: set[str]) -> None:
    assert find_numbers(text) == numbers


@pytest.mark.parametrize(
    ("after", "number"),
    [
        ("Nico read 19 pages on Wednesday.", "19"),
        ("She has 3 and 4.\n\nSo Nico read 20 pages.", "20"),
        ("In total, that is 1/3 of a mile.", "1/3"),
        ("Nico read 19 of 30 pages.", None),
        ("He read 19 pages. So 11 pages are left.", None),
        ("He read twice 10 pages.", None),
        ("How about 20 pages?", None),
        ("Nico read.", None),
        ("She has 3 and 4.\n\n20", "20"),
        ("So 2y = 20", None),
        ("So the members of {3, 19} are 20.", "20"),
        ("Nineteen pages are left, and 20 were read.", None),
        ("It is negative 19.", "-19"),
    ],
)
def test_one_number_that_cannot_be_a_step_is_read(after: str, number: str | None) -> None:
    found = read_closing_sentence(Quantity("19"), "#### 19", after)
    assert (found and found.form) == number
