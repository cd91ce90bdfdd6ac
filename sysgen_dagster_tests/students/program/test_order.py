import random
from collections.abc import Sequence

import pytest

pytest.importorskip("torch", reason="run by `make test-train`")
pytestmark = [pytest.mark.trl, pytest.mark.filterwarnings("ignore")]

from sysgen_dagster.students.program.order import Batches, LengthOrder  # noqa: E402

LENGTHS = [random.Random(number).randint(5, 4000) for number in range(1001)]


def order(seed: int = 1, processes: int = 1, lengths: Sequence[int] = LENGTHS) -> LengthOrder:
    batches = Batches(len(lengths), 4 * processes, 2, processes)
    return LengthOrder(lengths, batches, seed)


@pytest.mark.parametrize("rows", [1, 3, 4, 5, 200, 201, 1001])
def test_an_epoch_has_each_row_once(rows: int) -> None:
    assert sorted(order(lengths=LENGTHS[:rows])) == list(range(rows))


def test_the_order_is_of_the_seed_and_the_epoch_alone() -> None:
    first, again = order(), order()
    again.set_epoch(1)
    assert list(first) == order().order_of(0)
    assert list(again) == first.order_of(1)
    assert first.order_of(0) != first.order_of(1)
    assert first.order_of(0) != order(seed=2).order_of(0)


@pytest.mark.parametrize("processes", [1, 8])
def test_rows_that_are_taken_at_once_have_about_one_length(processes: int) -> None:
    positions, size = order(processes=processes).order_of(0), 4 * processes
    groups = [positions[at : at + size] for at in range(0, len(positions), size)]
    padded = sum(max(LENGTHS[at] for at in group) * len(group) for group in groups)
    assert padded < 1.15 * sum(LENGTHS)
    shuffled = random.Random(0).sample(positions, len(positions))
    groups = [shuffled[at : at + size] for at in range(0, len(shuffled), size)]
    assert sum(max(LENGTHS[at] for at in group) * len(group) for group in groups) > 1.5 * sum(
        LENGTHS
    )


def test_long_rows_are_not_at_one_end_of_an_epoch() -> None:
    positions = order().order_of(0)
    halves = positions[: len(positions) // 2], positions[len(positions) // 2 :]
    first, second = (sum(LENGTHS[at] for at in half) / len(half) for half in halves)
    assert 0.8 < first / second < 1.25


@pytest.mark.parametrize(
    ("rows", "steps"), [(1, 1), (4, 1), (8, 1), (9, 2), (16, 2), (17, 3), (1001, 126)]
)
def test_the_last_step_of_an_epoch_may_have_fewer_rows(rows: int, steps: int) -> None:
    batches = Batches(rows, 4, 2, 1)
    assert batches.steps_per_epoch == steps
    assert batches.count_steps(3, None) == 3 * steps
    assert batches.count_steps(3, 2) == min(2, 3 * steps)


def test_tokens_are_those_of_the_rows_that_the_steps_take() -> None:
    lengths = list(range(1, 18))  # 3 steps of 8, 8 and 1 rows
    of_few = order(lengths=lengths)
    assert of_few.count(lengths, 3) == sum(lengths)
    assert of_few.count(lengths, 6) == 2 * sum(lengths)
    assert of_few.count(lengths, 1) == sum(lengths[at] for at in of_few.order_of(0)[:8])
    second = sum(lengths[at] for at in of_few.order_of(1)[:8])
    assert of_few.count(lengths, 4) == sum(lengths) + second


def test_several_devices_take_equally_many_rows() -> None:
    lengths = list(range(1, 14))  # 13 rows, 8 at once: the first three again
    of_two = order(processes=2, lengths=lengths)
    again = sum(lengths[at] for at in of_two.order_of(0)[:3])
    assert of_two.count(lengths, 1) == sum(lengths) + again
