"""What the second lane needs of a model, and what it has needed."""

import polars as pl
import pytest

from sysgen_dagster.analysis.expected_sets import (
    ANSWER,
    COLUMNS,
    GRADING,
    MESSAGE,
    RUBRIC,
    SET,
    expect_bench,
    expect_sets,
    measure_bench,
    measure_sets,
)
from sysgen_dagster.analysis.expected_work import REASONED_VERDICT, measure_texts
from sysgen_dagster.analysis.forecast import build_forecast, summarize_forecast
from sysgen_dagster.analysis.measured_work import WORK
from sysgen_dagster.lanes.multifaceted import steps
from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_RUBRICS
from sysgen_dagster.lanes.multifaceted.selection import build_selection
from sysgen_dagster.lanes.multifaceted.tables import JUDGED_PAIRS, LANE, PREFERENCE_SETS
from sysgen_dagster.lanes.sysgen.settings import Generator, Method
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster_tests.lanes.multifaceted.frames import instructions
from sysgen_dagster_tests.lanes.multifaceted.instructions import settings

ASKED = instructions(*(f"{'x' * 398}{number:02d}" for number in range(12)))
SELECTION = build_selection(
    ASKED.drop("position").with_columns(source=pl.lit("chats")), settings(instructions=10)
)
NAMES = [table.name for table in steps.ASKED]


def _rows(**columns: list[object]) -> pl.DataFrame:
    given = {"attempts": 1, "prompt_tokens": 100, "completion_tokens": 10, "drop_reason": None}
    count = len(columns["conversation_id"])
    filled = {name: [value] * count for name, value in given.items()}
    schema = {name: PREFERENCE_SETS.schema[name] for name in (*COLUMNS, "attempt")}
    frame = pl.DataFrame({**filled, **columns})
    return frame.cast({name: schema[name] for name in frame.columns})


def test_an_instruction_needs_a_request_a_step_for_each_of_its_sets() -> None:
    work = expect_sets(SELECTION, settings())

    assert work["phase"].to_list() == NAMES
    assert work["conversations"].to_list() == [10] * 4
    assert work["requests"].to_list() == [3.0, 3.0, 3.0, 6.0]  # pairs are judged in both orders
    written = [3 * SET, 3 * MESSAGE, 3 * ANSWER, 6 * REASONED_VERDICT]
    assert work["completion_tokens"].to_list() == written
    assert work["prompt_tokens"][2] == 3 * (MESSAGE + 100)
    assert set(work["source"]) == {LANE}


def test_what_was_asked_for_again_counts_each_time() -> None:
    sets = _rows(conversation_id=["a-0#0", "a-0#1", "b-0#0"], attempt=[0, 1, 0])
    [done] = measure_sets(NAMES[0], sets, sets).rows(named=True)

    assert (done["conversations"], done["requests"]) == (2, 4)
    assert (done["prompt_tokens"], done["completion_tokens"]) == (400, 40)


def test_what_the_engine_failed_on_and_a_pilot_left_out_is_not_done() -> None:
    sets = _rows(
        conversation_id=["a-0#0", "a-0#1", "b-0#0"],
        attempt=[0, 0, None],
        attempts=[1, 5, None],
        drop_reason=[None, "timeout", "beyond_limit"],
    )
    [done] = measure_sets(NAMES[0], sets, sets).rows(named=True)

    assert (done["conversations"], done["requests"]) == (1, 1)


def test_the_forecast_has_the_lane_after_the_sources_and_measures_it() -> None:
    conversations = pl.DataFrame(
        {"conversation_id": ["mine-0-0"], "source": ["mine"], "question": ["Why?"], "answer": ["S"]}
    )
    filled = pl.concat([CONVERSATIONS.empty(), conversations], how="diagonal_relaxed")
    texts = measure_texts(filled.with_columns(history=pl.lit([], CONVERSATIONS.schema["history"])))
    model = Generator.model_validate({"name": "m", "engine": "simulated"})
    sets = _rows(conversation_id=[f"{n}-0#{s}" for n in range(4) for s in range(3)])
    done = measure_sets(NAMES[0], sets, sets)
    beside = expect_sets(SELECTION, settings())
    table = build_forecast(texts, done, model, Method(), beside=beside)

    lane = table.filter(source=LANE)
    assert table["source"].to_list()[-4:] == [LANE] * 4
    assert lane["phase"].to_list() == NAMES
    assert lane["conversations"].to_list() == [6, 10, 10, 10]
    assert lane["requests"].to_list() == [18.0, 30.0, 30.0, 60.0]
    assert lane["basis"][0] == "measured on 4 rows"
    assert lane["basis"][1].startswith("rough")
    without = build_forecast(texts, pl.DataFrame(schema=WORK), model, Method())
    assert LANE not in set(without["source"])
    assert summarize_forecast(table).height > summarize_forecast(without).height


def test_the_only_answer_to_an_instruction_has_nothing_to_be_compared_with() -> None:
    work = expect_sets(SELECTION, settings(sets=1))

    assert work["requests"].to_list() == [1.0, 1.0, 1.0, 0.0]


def test_pairs_cost_what_their_judge_costs() -> None:
    hour = {"prompt_tokens_per_gpu_s": 1, "completion_tokens_per_gpu_s": 1, "source": "x"}
    model = Generator.model_validate({"name": "m", "engine": "simulated"})
    judge = Generator.model_validate({"name": "j", "engine": "simulated", "rates": hour})
    texts = pl.DataFrame({"source": ["a"], "conversations": [0]}).with_columns(
        pl.lit(0.0).alias(name) for name in ("history", "question", "answer")
    )
    done, beside = pl.DataFrame(schema=WORK), expect_sets(SELECTION, settings())
    asked = {JUDGED_PAIRS.name: [judge]}
    table = build_forecast(texts, done, model, Method(), beside=beside, asked=asked)

    hours = dict(table.filter(source=LANE).select("phase", "gpu_hours").iter_rows())
    assert [name for name, each in hours.items() if each is not None] == [JUDGED_PAIRS.name]


@pytest.mark.parametrize("name", NAMES)
def test_no_instructions_need_nothing(name: str) -> None:
    work = expect_sets(SELECTION.clear(), settings()).filter(phase=name)

    assert work["conversations"].to_list() == [0]


def test_a_held_out_instruction_needs_a_rubric_and_two_gradings_for_each_preference() -> None:
    section = settings(instructions=5, bench={"instructions": 4})
    selection = build_selection(
        ASKED.drop("position").with_columns(source=pl.lit("chats")), section
    )
    work = expect_bench(selection, section)

    assert work["phase"].to_list() == [
        "multifaceted/bench_references",
        "multifaceted/bench_rubrics",
    ]
    assert work["conversations"].to_list() == [4, 4]
    assert work["requests"].to_list() == [9.0, 36.0]
    assert work["completion_tokens"].to_list() == [
        3 * (SET + MESSAGE + ANSWER),
        12 * (RUBRIC + 2 * GRADING),
    ]


def test_a_bench_that_is_stored_is_done() -> None:
    rows = _rows(conversation_id=["a-0#0", "a-0#1", "b-0#0"], attempts=[1, 2, None])
    [done] = measure_bench(BENCH_RUBRICS.name, 2, rows).rows(named=True)

    assert (done["conversations"], done["requests"], done["prompt_tokens"]) == (2, 2, 200)
