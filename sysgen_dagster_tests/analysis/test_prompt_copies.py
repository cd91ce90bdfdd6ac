"""Messages that are copied from the prompt which asked for them."""

import json
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.analysis.findings import FINDINGS
from sysgen_dagster.analysis.prompt_copies import measure_prompt_copies
from sysgen_dagster.lanes.sysgen.annotation import PROMPT
from sysgen_dagster.lanes.sysgen.filtering import filter_messages
from sysgen_dagster.lanes.sysgen.settings import DropRule
from sysgen_dagster.lanes.sysgen.tables import PHRASES

REAL_TEXTS = Path(__file__).parents[3] / "shared" / "data"
DEMONSTRATED = "Ask for the number on the frame before you look anything up"


def messages(*texts: list[str]) -> pl.Series:
    """Messages of such phrases."""
    rows = [[{"tag": "Task", "text": text} for text in each] for each in texts]
    return pl.Series("phrases", rows, dtype=PHRASES)


def measure(*texts: list[str]) -> list[tuple[float | None, int]]:
    return measure_prompt_copies(messages(*texts), PROMPT).rows()


def test_the_fixed_text_is_the_prompt_without_a_row() -> None:
    fixed = PROMPT.fixed_text
    assert DEMONSTRATED in fixed
    assert "Leave out a functionality the conversation gives no ground for." in fixed
    assert "{{" not in fixed


def test_a_phrase_of_a_demonstration_counts_whatever_its_case_and_signs() -> None:
    own = "Explain why the sky is blue."
    copied = f"{DEMONSTRATED.upper()} -- and never unlock a bicycle for a second person!"
    [(share, phrases)] = measure([own, copied])
    assert phrases == 1
    assert share == pytest.approx(17 / 19)  # two runs of five words of its own


def test_half_a_demonstration_is_a_share_and_no_whole_phrase() -> None:
    [(share, phrases)] = measure([f"{DEMONSTRATED} in the catalogue of the city library tonight"])
    assert phrases == 0
    assert share is not None
    assert 0.4 < share < 0.6


def test_phrases_of_fewer_than_five_words_are_anybody_s() -> None:
    assert measure(["Third"], ["Be calm, friendly and"], []) == [(None, 0)] * 3


def test_runs_do_not_reach_over_the_end_of_a_phrase() -> None:
    assert measure(["Ask for the", "number on the frame"]) == [(None, 0)]


def test_each_message_has_its_own_row_in_their_order() -> None:
    rows = measure(["Be calm, friendly and brief."], [], ["You teach the history of art."])
    assert rows == [(1.0, 1), (None, 0), (0.0, 0)]


@pytest.mark.skipif(not REAL_TEXTS.is_dir(), reason="no folder of real texts beside the checkout")
def test_of_real_messages_those_that_copied_a_demonstration_are_found_and_no_other() -> None:
    """Of a 1.5B model: under the prompt in one text it copied, with short turns it did not."""
    lines = (REAL_TEXTS / "real_completions.jsonl").read_text(encoding="utf-8").splitlines()
    written = [each for line in lines if (each := json.loads(line))["phase"] == 1]
    assert share_flagged(written, "v0") == (44, 44)
    assert share_flagged(written, "v1_turns") == (0, 45)


def share_flagged(written: list[dict[str, str]], prompt: str) -> tuple[int, int]:
    """How many of the messages with a phrase are found, of how many."""
    rows = [
        {"conversation_id": str(n), "source": "", "annotated_message": each["completion"]}
        for n, each in enumerate(written)
        if each["prompt"] == prompt
    ]
    filtered = filter_messages(pl.DataFrame(rows), DropRule.NO_PHRASE_LEFT)
    phrases = filtered.filter(pl.col("phrases").list.len() > 0)["phrases"]
    found = measure_prompt_copies(phrases, PROMPT).select(FINDINGS["copied_from_prompt"].found)
    return int(found.to_series().sum()), phrases.len()
