"""Ids of rows by what stands in them."""

from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.tables.content_ids import number_items


@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.text(max_size=2))))
def test_each_row_has_an_id_of_its_own(rows: list[dict[str, str]]) -> None:
    assert len(set(number_items(rows))) == len(rows)


def test_an_id_is_of_the_content_and_not_of_the_order_of_rows_or_fields() -> None:
    one, other = {"a": "x", "b": ["y"]}, {"a": "z", "b": []}

    assert number_items([one, other]) == number_items([other, {"b": ["y"], "a": "x"}])[::-1]
