"""The tables of the bench: what a row is known by is in each of them."""

from sysgen_dagster.evaluation.multifacet.tables import (
    MULTIFACET_ANSWERS,
    MULTIFACET_CALIBRATION,
    MULTIFACET_GRADINGS,
    MULTIFACET_ITEMS,
)


def test_every_row_is_of_an_item() -> None:
    for table in (
        MULTIFACET_ITEMS,
        MULTIFACET_ANSWERS,
        MULTIFACET_GRADINGS,
        MULTIFACET_CALIBRATION,
    ):
        assert table.names[0] == "item"


def test_gradings_say_who_graded_what_and_how_often_it_was_asked() -> None:
    wanted = {"rubric", "judge_sees_message", "judge", "judge_is_generator", "round", "engine"}
    assert wanted <= {*MULTIFACET_GRADINGS.names}
