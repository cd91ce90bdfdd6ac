"""How far judges agree with labels, against figures that are known."""

import polars as pl
import pytest

from sysgen_dagster.review.agreement import AGREEMENT, FEWEST, agreement
from sysgen_dagster.review.tables import LABELS

SCHEMA = {"model": pl.String(), "labels": LABELS}


def labelled(*pairs: tuple[str, str, int], tag: str = "Role") -> pl.DataFrame:
    """Rows of one model with a label each: (verdict, label, how many)."""
    rows = [
        {"model": "phi-4", "labels": [{"tag": tag, "verdict": verdict, "label": label}]}
        for verdict, label, times in pairs
        for _ in range(times)
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def over_all(rows: pl.DataFrame) -> dict[str, float]:
    return agreement(rows).row(0, named=True)


def test_kappa_is_cohen_s() -> None:
    # The table that introductions to kappa use: 0.70 agree, 0.50 by chance.
    rows = labelled(
        ("Good", "Good", 20), ("Good", "Bad", 5), ("Bad", "Good", 10), ("Bad", "Bad", 15)
    )
    found = over_all(rows)
    assert found["agreement"] == pytest.approx(0.70)
    assert found["kappa"] == pytest.approx(0.40)
    assert found["kappa_low"] < 0.40 < found["kappa_high"]
    assert found["labels"] == 50


def test_kappa_of_three_words() -> None:
    # 0.78 agree; (34 * 30 + 9 * 16 + 7 * 4) / 50 ** 2 do by chance.
    same = (("Good", "Good", 30), ("Bad", "Bad", 9))
    rows = labelled(*same, ("Good", "None", 4), ("None", "Bad", 7))
    assert over_all(rows)["kappa"] == pytest.approx((0.78 - 0.4768) / (1 - 0.4768))


def test_an_interval_does_not_shrink_to_a_point_where_all_agree() -> None:
    found = over_all(labelled(("Good", "Good", 25), ("Bad", "Bad", 25)))
    assert found["kappa"] == 1
    assert found["kappa_low"] == pytest.approx(0.857, abs=0.01)


def test_who_never_disagrees_by_chance_gives_no_kappa() -> None:
    found = over_all(labelled(("Good", "Good", 50)))
    assert found["agreement"] == 1
    assert found["kappa"] is None


def test_too_few_labels_are_said_and_give_no_kappa() -> None:
    found = over_all(labelled(("Good", "Good", 3), ("Bad", "Good", 1)))
    assert found["agreement"] == 0.75
    assert found["kappa"] is None
    assert found["enough"] == f"too few: 4 of {FEWEST}"


def test_each_tag_stands_by_itself_below_all_of_them() -> None:
    rows = pl.concat([labelled(("Good", "Good", 40)), labelled(("Good", "Bad", 2), tag="Task")])
    found = agreement(rows).select("tag", "labels", "enough").rows()
    assert found == [("all", 42, "yes"), ("Role", 40, "yes"), ("Task", 2, "too few: 2 of 30")]


@pytest.mark.parametrize("verdict", ["Unreadable", "", None])
def test_a_phrase_without_a_readable_verdict_is_no_disagreement(verdict: str) -> None:
    assert agreement(labelled((verdict, "Good", 5))).is_empty()


def test_without_labels_there_is_nothing_and_the_columns_stay() -> None:
    nothing = agreement(pl.DataFrame([{"model": "phi-4", "labels": []}], schema=SCHEMA))
    assert nothing.is_empty()
    assert nothing.schema == AGREEMENT
