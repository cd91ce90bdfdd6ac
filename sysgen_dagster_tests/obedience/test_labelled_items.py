"""Items that people have labelled, as judges are asked about them."""

from pathlib import Path

from sysgen_dagster.obedience.labelled_items import read_labelled_pairs, read_labelled_phrases
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


def test_a_judge_is_asked_about_the_labelled_phrases_that_rules_leave_open(tmp_path: Path) -> None:
    phrases = labelled_phrases(tmp_path)
    [first, *_] = asked = list(build_phrase_requests(phrases))

    assert phrases["label"].to_list() == ["obeyed", "not_obeyed", "obeyed"]
    assert phrases["conversation_id"].to_list() == ["phrase-0000", "phrase-0001", "phrase-0002"]
    assert len(asked) == 3
    assert "Glad you ask!" in str(first.messages[-1]["content"])


def test_without_the_file_there_are_no_labelled_phrases(tmp_path: Path) -> None:
    none = read_labelled_phrases(tmp_path / "phrases.jsonl")

    assert none.is_empty()
    assert not list(build_phrase_requests(none))


def test_the_labelled_phrases_beside_the_module_can_be_asked_about() -> None:
    phrases = read_labelled_phrases()

    assert set(phrases["label"]) <= {"obeyed", "not_obeyed"}
    assert len(list(build_phrase_requests(phrases))) == phrases.height
