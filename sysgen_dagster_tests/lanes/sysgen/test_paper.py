"""The paper's figures, against the sums and shares that the paper itself gives."""

import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.paper import (
    ALIGNMENT,
    COUNTS,
    PREFERENCES,
    REMOVED,
    SIMILARITY,
    SOURCES,
)
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES

CATALOG = load_catalog(FULL_CATALOG)


def test_the_sources_add_up_to_the_conversations_the_paper_starts_with() -> None:
    assert sum(source.conversations for source in SOURCES.values()) == 806_796


def test_the_catalogue_expects_as_many_conversations_of_each_source() -> None:
    assert CATALOG.sources.keys() == SOURCES.keys()
    assert {source.conversations for source in CATALOG.sources.values()} == {None}


@pytest.mark.parametrize("figures", [COUNTS, SIMILARITY, REMOVED, PREFERENCES, ALIGNMENT])
def test_there_are_figures_of_every_model_of_the_catalogue(figures: dict[str, object]) -> None:
    assert figures.keys() == CATALOG.models.keys()


def test_what_was_removed_is_a_share_of_each_tag_in_each_source() -> None:
    for sources in REMOVED.values():
        assert sources.keys() == CATALOG.sources.keys()
        for tags in sources.values():
            assert tuple(tags) == TAG_NAMES
            assert all(0 <= each.bad + each.none < 1 for each in tags.values())


def test_two_cells_stand_where_the_table_prints_them() -> None:
    assert REMOVED["phi-4"]["magicoder"]["Role"].bad == pytest.approx(0.0062)
    assert REMOVED["qwen2.5-14b"]["metamath"]["Tool"].none == pytest.approx(0.6318)
