"""The few kept rows that a report shows first."""

from typing import Any

from sysgen_dagster.report.kept_rows import KEPT_ROWS, REJECTED, begin_with_kept


def story(identity: str, source: str = "a", **fields: Any) -> dict[str, Any]:
    texts = {"question": "q", "answer": "a", "new_answer": "b"}
    return {"id": identity, "source": source, "drop_reason": None, "flags": [], **texts, **fields}


def ids(stories: list[dict[str, Any]]) -> str:
    return "".join(each["id"] for each in begin_with_kept(stories))


def test_kept_rows_come_first_and_none_is_lost() -> None:
    rows = [story("1", drop_reason="refused"), story("2"), story("3", drop_reason="cut")]
    assert ids(rows) == "213"


def test_they_are_of_different_sources() -> None:
    rows = [*(story(str(number)) for number in range(4)), story("b", "b"), story("c", "c")]
    assert ids(rows) == "0bc123"


def test_a_row_that_something_speaks_against_or_that_is_long_comes_later() -> None:
    rows = [story("1", answer="long " * 5_000), story("2", flags=["differs"]), story("3")]
    assert ids(rows) == "321"


def test_where_no_row_was_kept_the_order_stays() -> None:
    rows = [story(str(number), drop_reason="refused") for number in range(KEPT_ROWS + 2)]
    assert ids(rows) == "01234"


def test_a_row_that_a_reviewer_rejected_is_no_kept_one() -> None:
    rows = [*(story(str(at), flags=[REJECTED]) for at in range(KEPT_ROWS)), story("k")]
    assert ids(rows) == "k012"
