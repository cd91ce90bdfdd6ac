"""The groups of the lineage page."""

from sysgen_dagster.tables.groups import Group


def test_the_groups_are_sorted_by_name_in_the_order_of_their_declaration() -> None:
    assert sorted(Group) == list(Group)
