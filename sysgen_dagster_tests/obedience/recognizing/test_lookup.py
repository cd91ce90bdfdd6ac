"""Finding the subjects of a clause by its words loses none that trying every one would find."""

import json
import re
from pathlib import Path

import pytest
import yaml

from sysgen_dagster import obedience
from sysgen_dagster.obedience import recognition
from sysgen_dagster.obedience.recognizing import tasks
from sysgen_dagster.obedience.recognizing.lookup import Lookup
from sysgen_dagster.obedience.recognizing.wording import Clause, form, has, subject
from sysgen_dagster.obedience.rules import Recognized, RuleKind

LABELLED = Path(obedience.__file__).with_name("labelled") / "phrases.jsonl"
TRICKY = Path(__file__).parents[1] / "tricky_phrases.yaml"

# Patterns that say whether a slower one is tried.
QUICK_LOOKS = ((recognition, "_MAY_END"), (tasks, "_OF_FORMULA"))


class _EverySubject(Lookup):
    """Tries every subject on every clause."""

    def find(self, _words: object) -> int:
        return -1

    def recognize(self, clause: Clause, among: int) -> Recognized | None:
        found = (each.recognize(clause) for each in self._read_bits(among))
        return next((each for each in found if each), None)


def test_every_phrase_is_read_as_if_all_patterns_were_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = LABELLED.read_text("utf-8").splitlines()
    tricky = yaml.safe_load(TRICKY.read_text("utf-8"))["phrases"]
    phrases = [json.loads(line)["phrase"] for line in lines] + [row["phrase"] for row in tricky]
    phrases += [f"**{phrase}**" for phrase in phrases] + [f"- ({phrase})" for phrase in phrases]
    read = recognition.recognize.__wrapped__
    found = [read(phrase) for phrase in phrases]
    every = _EverySubject(*recognition._LOOKUP._subjects)
    monkeypatch.setattr(recognition, "_LOOKUP", every)
    for module, name in QUICK_LOOKS:
        monkeypatch.setattr(module, name, re.compile(""))
    assert [read(phrase) for phrase in phrases] == found
    assert sum(bool(each.rules) for each in found) > len(found) / 3


BELLS = subject(r"^ring$", form("ring (?:the|all) bells?", has(RuleKind.LINES)), beside="bell")
FLAGS = subject("flag", form("(?:wave|hoist) a flag", has(RuleKind.WORDS)))
LOOKUP = Lookup(BELLS, FLAGS)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ring the bell", RuleKind.LINES),
        ("ring all bells", RuleKind.LINES),
        ("hoist a flag", RuleKind.WORDS),
        ("ring the changes", None),
        ("please ring the bell", None),
        ("the bell", None),
        ("", None),
    ],
)
def test_a_clause_is_read_by_the_subject_that_its_words_name(
    text: str, kind: RuleKind | None
) -> None:
    found = LOOKUP.recognize(Clause(text), -1)
    assert (found.rules[0].kind if found else None) == kind


def test_a_phrase_may_be_of_the_subjects_that_its_clauses_could_be_of() -> None:
    assert LOOKUP.find(["first", "hoist", "a", "flag,", "then", "(ring", "the", "bell)"]) == 0b11
    assert LOOKUP.find(["ring", "at", "noon"]) == 0
    assert LOOKUP.find(["a", "bell"]) == 0
    assert LOOKUP.bits_of([FLAGS]) == 0b10
    assert LOOKUP.recognize(Clause("hoist a flag"), LOOKUP.bits_of([BELLS])) is None
