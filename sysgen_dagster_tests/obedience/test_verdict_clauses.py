"""Which verdict one clause claims, and what it does to a claim before it."""

import pytest

from sysgen_dagster.obedience.verdict_clauses import ALIGNMENTS, PREFERENCES, Clause, words


@pytest.mark.parametrize(
    ("clause", "reading"),
    [
        ("a", Clause("A")),
        ("response b is clearly better", Clause("B")),
        ("b is worse", Clause("A")),
        ("overall", Clause(None, is_conclusive=True)),
        ("so it's a tie", Clause("tie", is_conclusive=True)),
        ("although b is better", Clause(None)),
        ("not b", Clause(None, denies="B")),
        ("b isn't better", Clause(None, denies="B")),
        ("maybe b", Clause(None, spoils=True)),
        ("a if you like it short", Clause(None, spoils=True)),
        ("actually b is better", Clause("B", takes_back=True)),
        ("no", Clause(None, takes_back=True)),
        ("if brevity matters", Clause(None, takes_back=True)),
        ("the sum is right", Clause(None)),
        ("a bit of both", Clause(None)),
    ],
)
def test_a_clause_claims_takes_back_denies_or_does_nothing(clause: str, reading: Clause) -> None:
    assert PREFERENCES.read(clause, begins_sentence=False) == reading


def test_a_condition_that_begins_a_sentence_is_of_another_case() -> None:
    assert PREFERENCES.read("if brevity matters", begins_sentence=True) == Clause(None)


@pytest.mark.parametrize("kind", ["aligned", "not_aligned", "unknown", "tie"])
def test_every_word_of_a_verdict_claims_it(kind: str) -> None:
    vocabulary, name = (PREFERENCES, kind) if kind == "tie" else (ALIGNMENTS, kind.upper())
    unread = [
        word for word in words(kind) if vocabulary.read(word, begins_sentence=True).claims != name
    ]
    assert unread == []
