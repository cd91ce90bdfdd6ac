"""What judges are shown of the turns before, and shares with their intervals."""

import polars as pl
import pytest

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.obedience.judge_verdicts import (
    add_interval,
    drop_system_turns,
)


def test_upstream_system_messages_are_dropped_from_the_history() -> None:
    history: list[ChatMessage] = [
        {"role": Role.SYSTEM, "content": "Be brief."},
        {"role": Role.USER, "content": "Hi"},
        {"role": Role.ASSISTANT, "content": "Hello"},
    ]

    assert drop_system_turns(history) == history[1:]


def test_a_share_has_an_interval_where_there_is_a_share() -> None:
    summary = pl.DataFrame(
        {"win_rate": [0.5, None], "conversations": [100, 0]},
        schema={"win_rate": pl.Float64, "conversations": pl.UInt32},
    )
    low, high = add_interval(summary, "win_rate").rows()[0][2:]

    # With z = 1.96, so z^2 = 3.8416: (0.519208 -+ 0.099865) / 1.038416.
    assert (low, high) == pytest.approx((0.40383, 0.59617), abs=1e-5)
    assert add_interval(summary, "win_rate").rows()[1] == (None, 0, None, None)
