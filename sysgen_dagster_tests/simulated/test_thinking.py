"""Simulated models that think, in the wire forms of real ones."""

import pytest

from sysgen_dagster.inference.replies import read_message
from sysgen_dagster.simulated.thinking import FORMS, think

THOUGHT = think(None, 7)


@pytest.mark.parametrize("form", FORMS)
def test_what_each_family_sends_is_read_back(form: str) -> None:
    reply = read_message(FORMS[form].message(THOUGHT, "Four."))
    assert reply == ("Four.", THOUGHT)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "qwen3.6"])
def test_a_thought_that_reached_the_limit_leaves_no_text(form: str) -> None:
    assert read_message(FORMS[form].message(THOUGHT, None)) == ("", THOUGHT)


def test_a_request_can_switch_thinking_off() -> None:
    assert think({"enable_thinking": False}, 7) == ""
    assert think({"enable_thinking": True}, 7) == THOUGHT
    assert think(None, 8) != THOUGHT
