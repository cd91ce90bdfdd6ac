"""The blind sheet: what it shows and hides, how it is read back, and what is no such sheet."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysgen_dagster.review.bench_sheets import (
    COLUMNS,
    FITS,
    RUBRICS_TO_SCORE,
    SCORE_A,
    SCORE_B,
    SCORES,
    BenchSheetError,
    Unfilled,
    list_rubrics,
    read_sheet,
    write_sheet,
)
from sysgen_dagster_tests.review.bench_frames import BENCH, REFERENCES, RUBRICS, fill

Row = dict[str, str]


def written(tmp_path: Path, rubrics: pl.DataFrame = RUBRICS, rows: int = 100) -> list[Row]:
    """The rows of a sheet, by heading."""
    file = tmp_path / "written.csv"
    write_sheet(file, rubrics, rows)
    return [*csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline=""))]


def save(file: Path, rows: list[Row], separator: str = ",", encoding: str = "utf-8-sig") -> Path:
    """The rows as a spreadsheet saves them."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*rows[0]], delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    file.write_bytes(text.getvalue().encode(encoding))
    return file


# What is written


def test_a_sheet_has_a_row_for_each_rubric_of_an_item_and_of_no_dropped_set(
    tmp_path: Path,
) -> None:
    rows = written(tmp_path)

    assert [*rows[0]] == [*COLUMNS]
    assert len({row["row"] for row in rows}) == len(rows) == 5 * 4
    assert {row["preference"] for row in rows} == {
        f"short and plain: Says {each} in few words."
        for each in ("style", "background_knowledge", "informativeness", "harmlessness")
    }
    assert rows[0]["levels"].splitlines()[0] == "1: It does so 1 times of 5."
    assert {row[name] for row in rows for name in (SCORE_A, SCORE_B, FITS)} == {""}


def test_a_larger_sheet_begins_with_the_smaller_one(tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    few, all_ = written(tmp_path / "few", rows=6), written(tmp_path)

    assert few == all_[:6]
    items = [row["row"].split("/")[0] for row in few]
    assert items != sorted(items)  # rubrics of all items are drawn, not the first items


def test_nothing_but_the_order_of_the_answers_depends_on_which_is_the_reference(
    tmp_path: Path,
) -> None:
    turned = BENCH.rename(
        {"reference_answer": "sibling_answer", "sibling_answer": "reference_answer"}
    ).select(BENCH.columns)
    (tmp_path / "turned").mkdir()
    rows = written(tmp_path)
    others = written(tmp_path / "turned", list_rubrics(turned, REFERENCES))

    for row, other in zip(rows, others, strict=True):
        swapped = row | {"answer A": row["answer B"], "answer B": row["answer A"]}
        assert other == swapped
    assert 0 < RUBRICS["a_is_reference"].sum() < RUBRICS.height


def test_a_text_that_a_spreadsheet_would_compute_is_shown_and_read_back(tmp_path: Path) -> None:
    listed = RUBRICS.with_columns(pl.lit("=1+1\n- so").alias("answer A"))
    rows = written(tmp_path, listed)

    assert rows[0]["answer A"] == "'=1+1\n- so"
    assert read_sheet(tmp_path / "written.csv", listed).height == len(rows)


def test_a_rubric_with_a_text_that_no_cell_holds_is_left_out(tmp_path: Path) -> None:
    is_first = pl.col("row") == RUBRICS["row"][0]
    long = RUBRICS.with_columns(
        pl.when(is_first).then(pl.lit("long " * 7_000)).otherwise("answer A").alias("answer A")
    )

    assert len(written(tmp_path, long)) == RUBRICS.height - 1


def test_a_filled_sheet_is_never_written_over(tmp_path: Path) -> None:
    written(tmp_path)

    with pytest.raises(BenchSheetError, match="exists, and may be filled"):
        written(tmp_path)


def test_a_bench_without_rubrics_has_no_sheet(tmp_path: Path) -> None:
    with pytest.raises(BenchSheetError, match="nothing is written"):
        write_sheet(tmp_path / "a.csv", pl.DataFrame(schema=RUBRICS_TO_SCORE), 10)
    assert not (tmp_path / "a.csv").exists()


# What is read


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_scores_are_those_of_the_reference_and_the_sibling_whichever_came_first(
    tmp_path: Path, separator: str, encoding: str
) -> None:
    rows = [fill(row, 5, 2) for row in reversed(written(tmp_path))]
    scores = read_sheet(save(tmp_path / "a.csv", rows, separator, encoding), RUBRICS)

    assert dict(scores.schema) == dict(SCORES)
    assert scores["row"].to_list() == [row["row"] for row in rows]
    assert set(scores.select("reference_score", "sibling_score", "fits").rows()) == {(5, 2, True)}
    assert scores["drop_reason"].null_count() == scores.height


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (("", "", ""), Unfilled.EMPTY),
        (("4", "", "yes"), Unfilled.HALF_FILLED),
        (("4", "2", ""), Unfilled.HALF_FILLED),
        (("6", "2", "yes"), Unfilled.UNREADABLE),
        (("4.5", "2", "yes"), Unfilled.UNREADABLE),
        (("four", "2", "yes"), Unfilled.UNREADABLE),
        (("4", "2", "maybe"), Unfilled.UNREADABLE),
        ((" 4.0", "2", " YES "), None),
    ],
)
def test_a_row_that_says_nothing_stays_with_its_reason(
    tmp_path: Path, cells: tuple[str, str, str], reason: str | None
) -> None:
    rows = [fill(row, 5, 2, "no") for row in written(tmp_path)]
    rows[3] |= dict(zip((SCORE_A, SCORE_B, FITS), cells, strict=True))
    scores = read_sheet(save(tmp_path / "a.csv", rows), RUBRICS)

    assert scores.height == len(rows)
    assert scores["drop_reason"][3] == reason
    assert scores["drop_reason"].null_count() == len(rows) - (reason is not None)
    assert (scores["fits"][3] is None) is (reason is not None)


def test_what_a_spreadsheet_does_to_texts_is_no_change(tmp_path: Path) -> None:
    rows = [fill(row, 5, 2) for row in written(tmp_path)]
    rows[0]["levels"] = rows[0]["levels"].replace("\n", "\r\n")
    rows[1]["answer A"] = f" {rows[1]['answer A']}\u200b"
    extra = dict.fromkeys(rows[0], "") | {"": ""}
    noted = [row | {"": "a note of mine"} for row in rows]

    assert read_sheet(save(tmp_path / "a.csv", [*noted, extra]), RUBRICS).height == len(rows)


def changed(**cells: str) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [rows[0], {**rows[1], **cells}, *rows[2:]]


FAULTS: dict[str, tuple[Callable[[list[Row]], list[Row]], str]] = {
    "answer": (changed(**{"answer B": "Mine."}), "row 2 below the heading: `answer B` is not"),
    "criterion": (changed(criterion="Is it short?"), "`criterion` is not what was written"),
    "another bench": (changed(row="f00/1"), "f00/1 names no rubric of this bench"),
    "no name": (changed(row=""), "an empty cell names no rubric"),
    "twice": (lambda rows: [*rows, rows[0]], "stands there twice"),
    "a column less": (
        lambda rows: [{k: v for k, v in row.items() if k != FITS} for row in rows],
        f"lacks the columns {FITS}",
    ),
    "only a heading": (lambda rows: [dict.fromkeys(rows[0], "")], "no rows below its heading"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_changed_or_foreign_sheet_is_one_error_with_its_place(tmp_path: Path, name: str) -> None:
    change, said = FAULTS[name]
    rows = change([fill(row, 5, 2) for row in written(tmp_path)])

    with pytest.raises(BenchSheetError) as caught:
        read_sheet(save(tmp_path / "lea.csv", rows), RUBRICS)
    assert said in str(caught.value)
    assert "lea.csv" in str(caught.value)


def test_a_file_that_is_no_csv_in_utf_8_is_one_error(tmp_path: Path) -> None:
    rows = [row | {"answer A": "Käse"} for row in written(tmp_path)]
    latin = save(tmp_path / "latin.csv", rows, encoding="latin-1")
    (tmp_path / "empty.csv").write_text("")

    for file, said in (
        (latin, "save it as CSV in UTF-8"),
        (tmp_path / "gone.csv", "cannot be read: No such file"),
        (tmp_path / "empty.csv", "no sheet of `sysgen review bench`"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(BenchSheetError, match=said):
            read_sheet(file, RUBRICS)


_HEADED = st.text(max_size=200).map(lambda text: "\n".join([",".join(COLUMNS), text]).encode())


@settings(max_examples=40)
@given(st.one_of(st.binary(max_size=200), _HEADED))
def test_any_other_file_is_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(content)

    with pytest.raises(BenchSheetError, match=r"any\.csv"):
        read_sheet(file, RUBRICS)


@settings(max_examples=10)
@given(st.lists(st.tuples(*[st.text(max_size=6)] * 3), min_size=20, max_size=20))
def test_whatever_is_filled_in_is_a_score_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory, filled: list[tuple[str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("filled")
    rows = [
        row | dict(zip((SCORE_A, SCORE_B, FITS), cells, strict=True))
        for row, cells in zip(written(folder), filled, strict=True)
    ]
    scores = read_sheet(save(folder / "a.csv", rows), RUBRICS)

    is_scored = pl.all_horizontal(pl.col("reference_score", "sibling_score", "fits").is_not_null())
    assert scores.height == 20
    assert scores.filter(is_scored == pl.col("drop_reason").is_not_null()).is_empty()
