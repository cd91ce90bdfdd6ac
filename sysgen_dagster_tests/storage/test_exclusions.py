"""The list of exclusions: what must not be used is never forgotten because a bit has flipped."""

import random

import pytest

from sysgen_dagster.storage.exclusions import (
    ENCODING,
    parse_exclusions,
    render_exclusions,
)
from sysgen_dagster.tables.digests import DamagedFileError

IDS = {f"capybara-{number:016x}-0" for number in range(0, 2**40, 2**34)}


def test_what_is_rendered_is_parsed() -> None:
    assert parse_exclusions(render_exclusions(IDS)) == IDS
    assert parse_exclusions(render_exclusions([])) == frozenset()


def test_the_list_of_an_older_version_is_parsed() -> None:
    assert parse_exclusions("a-0\nb-1\n\n") == {"a-0", "b-1"}


def test_no_flipped_bit_changes_the_list() -> None:
    whole = render_exclusions(IDS).encode()
    beginning, everywhere = range(100 * 8), range(len(whole) * 8)
    for bit in {*beginning, *random.Random(2).choices(everywhere, k=300)}:
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DamagedFileError):
            parse_exclusions(content.decode(**ENCODING))


@pytest.mark.parametrize("length", [0, 1, 40, 61, 62, 200])
def test_a_list_that_is_cut_short_is_damaged(length: int) -> None:
    with pytest.raises(DamagedFileError):
        parse_exclusions(render_exclusions(IDS)[:length])
