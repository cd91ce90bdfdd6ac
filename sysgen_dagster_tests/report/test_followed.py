"""What the live page follows in a deployment."""

from sysgen_dagster.report.followed import list_followed
from sysgen_dagster_tests.report.stored_shards import catalog


def test_phases_come_first_and_steps_of_the_second_lane_up_to_its_pairs_after_them() -> None:
    assert [(each.title, each.asks) for each in list_followed(catalog())] == [
        ("Phase 1, annotated", True),
        ("Phase 2, filtered", False),
        ("Phase 3, verified", True),
        ("Phase 4, aligned", True),
        ("Second lane, preference sets", True),
        ("Second lane, preference messages", True),
        ("Second lane, gold answers", True),
        ("Second lane, judged pairs", True),
        ("Second lane, preference pairs", False),
    ]


def test_without_the_lane_only_phases_are_followed() -> None:
    alone = catalog().model_copy(update={"multifaceted": None})
    assert len(list_followed(alone)) == 4
