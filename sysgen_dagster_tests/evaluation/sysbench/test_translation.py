"""Texts in English: what is asked for, asked for again, and dropped."""

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.evaluation import History
from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.evaluation.sysbench.benchmark import SysBenchError, read_sessions
from sysgen_dagster.evaluation.sysbench.rounds import ROUNDS, build_answers, require_references
from sysgen_dagster.evaluation.sysbench.tables import SYSBENCH_ITEMS, SYSBENCH_TRANSLATION
from sysgen_dagster.evaluation.sysbench.translation import ATTEMPTS, Piece, Translating
from sysgen_dagster_tests.evaluation.sysbench.small_benchmark import session, write_benchmark
from sysgen_dagster_tests.lanes.sysgen.frames import completions, failed, replied

# What a translator says to a text, the how-often-th time; None: its server fails.
Translator = Callable[[Piece, int], str | None]


def good(piece: Piece, _: int = 0) -> str:
    """English that has the numbers and quoted strings of the text."""
    return f"In English {re.findall(r'[0-9]+|“[^”]+”', piece.text)}"


def bad(_: Piece, __: int) -> str:
    return "In English"


@pytest.fixture
def items(tmp_path: Path) -> pl.DataFrame:
    return read_sessions(write_benchmark(tmp_path / "bench.json", session(1), session(2)))


def translate(items: pl.DataFrame, translator: Translator) -> tuple[list[list[str]], pl.DataFrame]:
    """The pieces of each time of asking, and the table."""
    translating, asked = Translating(items), list[list[str]]()
    while pieces := translating.open:
        requests = [*translating.requests(pieces)]
        assert [each.request_id for each in requests] == [piece.name for piece in pieces]
        outcomes = [
            failed(piece.name, "timeout") if text is None else replied(piece.name, text)
            for piece in pieces
            for text in [translator(piece, len(asked))]
        ]
        translating.take(pieces, completions(*outcomes))
        asked.append([piece.name for piece in pieces])
    return asked, translating.build()


def test_every_text_of_the_items_is_asked_for_once_and_takes_the_place_of_its_original(
    items: pl.DataFrame,
) -> None:
    asked, table = translate(items, good)
    # A message, then for each turn a prompt, two constraints and a reference.
    assert [len(pieces) for pieces in asked] == [2 * (1 + 5 * 4)]
    assert table.schema == pl.Schema(SYSBENCH_TRANSLATION.schema)
    assert table.select("session", "turn", "aligned").equals(
        items.select("session", "turn", "aligned")
    )
    first = table.row(0, named=True)
    assert first["system_message"] == "In English ['1', '3', '“OK”']"
    assert first["checklist"][1] == {
        "number": 2,
        "type": "style",
        "content": "In English ['“OK”']",
    }
    assert table.select("faults", "reference_fault", "drop_reason").null_count().row(0) == (10,) * 3
    assert table["attempts"].to_list() == [1] * 10


def test_beside_a_text_of_a_turn_stand_the_message_and_what_the_user_says(
    items: pl.DataFrame,
) -> None:
    translating = Translating(items)
    requests = {each.request_id: each for each in translating.requests(translating.open)}
    shown = requests["1/2/constraint 1"].messages[-1]["content"]
    order = ["你是第1号店", "我想买雨伞、第2款怎么样。", "[text to translate, "]
    assert sorted(order, key=shown.index) == order
    assert "An earlier translation" not in shown
    assert "我想买" not in requests["1/message"].messages[-1]["content"]


def test_what_loses_a_number_is_asked_for_again_with_what_was_wrong(items: pl.DataFrame) -> None:
    translating = Translating(items)
    pieces = translating.open
    replies = [
        replied(each.name, "Hi" if each.name == "1/2/prompt" else good(each)) for each in pieces
    ]
    translating.take(pieces, completions(*replies))
    [left] = translating.open
    [request] = translating.requests([left])
    assert left.name == "1/2/prompt"
    assert "- the number 2 of the text is not in it" in request.messages[-1]["content"]
    assert request.sampling.temperature > 0  # at 0 it would say the same
    translating.take([left], completions(replied(left.name, "The second model")))
    table = translating.build()
    assert table["attempts"].to_list() == [1, 2, *[1] * 8]
    assert table["drop_reason"].null_count() == 10


def test_a_text_that_never_passes_takes_its_whole_session_out_with_what_was_wrong(
    items: pl.DataFrame,
) -> None:
    def translator(piece: Piece, times: int) -> str:
        return bad(piece, times) if piece.name == "1/3/constraint 1" else good(piece)

    asked, table = translate(items, translator)
    assert [len(pieces) for pieces in asked] == [42, *[1] * (ATTEMPTS - 1)]
    assert table["drop_reason"].to_list() == ["not_translated"] * 5 + [None] * 5
    assert table["faults"].drop_nulls().to_list() == [
        "constraint 1: number_lost: the number 3 of the text is not in it"
    ]
    assert table["attempts"].max() == ATTEMPTS


def test_a_message_that_never_passes_is_a_fault_of_each_of_its_turns(items: pl.DataFrame) -> None:
    def translator(piece: Piece, times: int) -> str | None:
        return None if piece.name == "2/message" else good(piece)

    _, table = translate(items, translator)
    assert table["faults"].to_list() == [None] * 5 + ["message: timeout"] * 5
    assert table["system_message"].null_count() == 5


def test_a_reference_is_dropped_alone(items: pl.DataFrame) -> None:
    def translator(piece: Piece, times: int) -> str:
        return bad(piece, times) if piece.name == "1/1/reference" else good(piece)

    _, table = translate(items, translator)
    assert table["drop_reason"].null_count() == 10
    assert table["reference"].is_null().to_list() == [True, *[False] * 9]
    assert str(table["reference_fault"][0]).startswith("reference: number_lost")


def test_a_reference_that_the_file_lacks_is_not_asked_for(items: pl.DataFrame) -> None:
    none = items.with_columns(reference=pl.lit(None, SYSBENCH_ITEMS.schema["reference"]))
    asked, table = translate(none, good)
    assert not [name for pieces in asked for name in pieces if "reference" in name]
    assert set(table["reference_fault"]) == {"not_in_the_file"}


@pytest.mark.parametrize(
    ("text", "finish", "fault"),
    [
        ("", "stop", "empty_completion"),
        ("Shop 1, 3 sentences, “OK”", "length", "truncated"),
        ("你是第1号店的店员、只卖雨伞、3句、“OK”", "stop", "not_translated"),
        ("[end of text to translate, 0] 1 3 “OK”", "stop", "shows_marks"),
    ],
)
def test_each_way_to_fail_has_its_reason(
    items: pl.DataFrame, text: str, finish: str, fault: str
) -> None:
    translating = Translating(items.head(1))
    [message] = [piece for piece in translating.open if piece.name == "1/message"]
    translating.take([message], completions(replied(message.name, text, finish)))
    assert translating.tried[message.name].reason == fault


@pytest.mark.parametrize("fails", ["2/2/reference", "2/2/prompt"])
def test_a_translation_that_fails_stops_its_session_and_no_other_one(
    items: pl.DataFrame, fails: str
) -> None:
    """Only what the file lacks is a fault of the file."""
    _, table = translate(items, lambda piece, at: (bad if piece.name == fails else good)(piece, at))
    require_references(table)
    answers = build_answers(table, pl.DataFrame(schema=COMPLETIONS), History.REFERENCE)
    asked = answers.filter(pl.col("asked").is_not_null()).select("session", "turn").rows()

    is_reference = fails.endswith("reference")
    assert asked == [*(("1", turn) for turn in ROUNDS), *[("2", 1), ("2", 2)] * is_reference]
    said = answers.filter(session="2", turn=5)["drop_reason"].to_list()
    assert said == ["earlier_turn_failed" if is_reference else "not_translated"]


def test_a_reference_that_the_file_lacks_is_said_of_its_translation_too(
    items: pl.DataFrame,
) -> None:
    first = pl.when(pl.col("turn") < 3).then("reference")
    _, table = translate(items.with_columns(reference=first), good)
    with pytest.raises(SysBenchError, match=r"turn 3 of session 1 .* nor have 3 others"):
        require_references(table)
