"""From when the time of a request counts, and that it ends."""

import asyncio

import pytest

from sysgen_dagster.inference.server_queue import ServerQueue, within


def queue_with_answers(*times: float) -> ServerQueue:
    queue = ServerQueue()
    for now in times:
        queue.note_answer(now)
    return queue


def test_before_any_answer_the_time_counts_from_the_sending() -> None:
    assert ServerQueue().turn_of(sent_at=5, after=3) == 5


def test_every_answer_to_what_was_sent_before_moves_the_turn() -> None:
    queue = queue_with_answers(1, 2)
    # Three are in flight when it is sent, after two answers.
    turns = []
    for now in (10, 20, 30):
        queue.note_answer(now)
        turns.append(queue.turn_of(sent_at=5, after=2 + 3))
    assert turns == [10, 20, 30]


def test_answers_after_its_turn_change_nothing() -> None:
    queue = queue_with_answers(10, 20, 30, 40, 50)
    assert queue.turn_of(sent_at=5, after=3) == 30


def test_a_request_with_none_before_it_has_its_turn_at_once() -> None:
    queue = queue_with_answers(1, 2)
    assert queue.turn_of(sent_at=5, after=2) == 5
    queue.note_answer(10)
    assert queue.turn_of(sent_at=5, after=2) == 5


def test_what_was_answered_long_after_its_turn_does_not_need_all_answers_since() -> None:
    queue = queue_with_answers(*range(5000))
    assert 30 <= queue.turn_of(sent_at=5, after=30) < 5000 - 1000


def test_the_time_is_up_when_nothing_moved_on() -> None:
    async def main() -> None:
        began = asyncio.get_running_loop().time()
        async with within(0.01, lambda: began):
            await asyncio.get_running_loop().create_future()

    with pytest.raises(TimeoutError):
        asyncio.run(main())


def test_the_time_is_not_up_while_its_beginning_moves_on() -> None:
    asked = 0

    async def main() -> None:
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def since() -> float:
            nonlocal asked
            asked += 1
            if asked == 5:
                done.set_result(None)
            return loop.time()

        async with within(0.001, since):
            await done

    asyncio.run(main())
    assert asked == 5


def test_what_is_done_in_time_leaves_no_timer() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with within(0.01, lambda: began):
            pass
        await asyncio.sleep(0.03)

    asyncio.run(main())
