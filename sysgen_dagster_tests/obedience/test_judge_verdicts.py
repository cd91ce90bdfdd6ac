"""What judges are shown and held to, how that is read, and shares with their intervals."""

import json
import re

import polars as pl
import pytest

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.obedience.alignment_judgement import (
    Alignment,
    build_alignment_judgement_requests,
    build_judged_alignment,
)
from sysgen_dagster.obedience.judge_verdicts import (
    add_interval,
    build_constraint,
    drop_system_turns,
)
from sysgen_dagster.obedience.preference_judgement import (
    build_judged_preferences,
    build_preference_requests,
)
from sysgen_dagster_tests.lanes.sysgen.frames import completions, replied
from sysgen_dagster_tests.obedience.judged_rows import rows

REASON = 'The message wants a list; the answer says "A is better, B is not aligned" and has none.'
FORMS = ("lines", "json")


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


def held_reply(form: str, verdict: str) -> str:
    """What a server writes that is held to a form, checked against that form."""
    words = [*Alignment, "A", "B", "tie"]
    held_to = build_constraint(words)
    if form == "lines":
        text = f"{REASON}\n\nVerdict: {verdict}"
        assert re.fullmatch(held_to.structured["regex"], text)
        return text
    assert held_to.schema is not None
    assert held_to.schema["required"] == ["reason", "verdict"]
    assert verdict in held_to.schema["properties"]["verdict"]["enum"]
    return json.dumps({"reason": REASON, "verdict": verdict})


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("verdict", Alignment)
def test_a_held_verdict_on_alignment_is_read(form: str, verdict: Alignment) -> None:
    replies = completions(replied("c0", held_reply(form, verdict)))

    assert build_judged_alignment(rows({}), replies, "phi-4", False)["verdict"].item() == verdict


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("verdict", "means"), [("A", "new"), ("B", "original"), ("tie", "tie")])
def test_a_held_verdict_on_a_pair_is_read(form: str, verdict: str, means: str) -> None:
    replies = completions(replied("c0#new", held_reply(form, verdict)))

    judged = build_judged_preferences(rows({}), replies, "phi-4", False).filter(shown_first="new")
    assert judged["verdict"].item() == means


def test_judges_say_why_first_and_are_asked_where_nothing_holds_them_to_a_form() -> None:
    of_pairs = build_constraint(["A", "B", "tie"])
    of_alignment = build_constraint(["Aligned", "Not aligned", "Unknown"])

    assert [each.constraint for each in build_preference_requests(rows({}))] == [of_pairs] * 2
    [asked] = build_alignment_judgement_requests(rows({}))
    assert asked.constraint == of_alignment
    assert not of_pairs.is_needed
    assert of_pairs.grammar == (
        'root ::= [^\\n]+ "\\n\\nVerdict: " verdict\nverdict ::= "A" | "B" | "tie"'
    )
