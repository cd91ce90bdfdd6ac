"""Items that are labelled, as judges are asked about them."""

from collections import Counter
from pathlib import Path

from sysgen_dagster.obedience.calibration import LEAST_ITEMS
from sysgen_dagster.obedience.labelled_items import (
    PHRASES,
    PHRASES_BY_RULES,
    read_labelled_pairs,
    read_labelled_phrases,
)
from sysgen_dagster.obedience.phrase_judgement import build_phrase_requests
from sysgen_dagster.obedience.preference_judgement import ORDERS
from sysgen_dagster_tests.obedience.labelled import labelled_phrases

PAIRS = read_labelled_pairs()


def test_the_labelled_pairs_are_those_of_llmbar() -> None:
    parts = dict(PAIRS.group_by("source").len().iter_rows())

    assert parts == {
        "llmbar/natural": 100,
        "llmbar/neighbor": 134,
        "llmbar/gptinst": 92,
        "llmbar/gptout": 47,
        "llmbar/manual": 46,
    }
    assert PAIRS["conversation_id"].is_unique().all()
    assert set(PAIRS["label"]) == set(ORDERS)


def test_a_judge_is_asked_about_all_labelled_phrases_those_that_rules_decide_apart(
    tmp_path: Path,
) -> None:
    phrases = labelled_phrases(tmp_path)
    [first, *_] = asked = list(build_phrase_requests(phrases))

    assert phrases["label"].to_list() == ["obeyed", "not_obeyed", "obeyed", "obeyed"]
    assert phrases["conversation_id"].to_list() == [f"phrase-000{n}" for n in range(4)]
    assert phrases["source"].to_list() == [PHRASES, PHRASES, PHRASES, PHRASES_BY_RULES]
    assert len(asked) == 4
    assert "Glad you ask!" in str(first.messages[-1]["content"])


def test_without_the_file_there_are_no_labelled_phrases(tmp_path: Path) -> None:
    none = read_labelled_phrases(tmp_path / "phrases.jsonl")

    assert none.is_empty()
    assert not list(build_phrase_requests(none))


def test_the_labelled_phrases_beside_the_module_are_enough_to_calibrate_a_judge() -> None:
    phrases = read_labelled_phrases()

    assert len(list(build_phrase_requests(phrases))) == phrases.height >= LEAST_ITEMS
    # Of each label enough are open that a judge's errors on what it judges are known to a tenth.
    still_open = Counter(phrases.filter(source=PHRASES)["label"])
    assert still_open.keys() == {"obeyed", "not_obeyed"}
    assert min(still_open.values()) >= 50
