"""A suite is one benchmark with its tables."""

import polars as pl

from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.tables import ITEM_COLUMNS, SCORE_COLUMNS
from sysgen_dagster.tables.columns import TEXT
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Columns, Table, polars_schema


def table(name: str, columns: Columns | None = None, by: By = By.SUBJECT) -> Table:
    return Table(f"riddles_{name}", columns or {}, by, Group.EVALUATION)


def build_items(gradings: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(schema=polars_schema(ITEM_COLUMNS))


def test_its_tables_are_in_the_order_in_which_they_are_made() -> None:
    items, translated = table("items", by=By.NOTHING), table("translation", by=By.NOTHING)
    answers, gradings, scores = table("answers"), table("gradings"), table("scores", SCORE_COLUMNS)
    suite = Suite(
        *("riddles", "Riddles"),
        *(items, answers, gradings, scores),
        build_items,
        others=(translated,),
    )

    assert suite.tables == (items, translated, answers, gradings, scores)


def test_what_a_program_of_its_own_reads_and_asks_has_no_tables() -> None:
    gradings, scores = table("gradings"), table("scores", SCORE_COLUMNS)
    suite = Suite("riddles", "Riddles", None, None, gradings, scores, build_items)

    assert suite.tables == (gradings, scores)


def test_an_item_is_identified_by_the_columns_that_all_tables_begin_with() -> None:
    item, turn, other = (Column(TEXT, name) for name in ("item", "turn", "other"))
    items = table("items", {"item": item, "turn": turn, "prompt": other}, By.NOTHING)
    answers = table("answers", {"item": item, "turn": turn, "answer": other})
    gradings = table("gradings", {"item": item, "turn": turn, "value": other})
    suite = Suite(
        *("riddles", "Riddles"),
        *(items, answers, gradings, table("scores", SCORE_COLUMNS)),
        build_items,
    )

    assert suite.identity == ("item", "turn")
