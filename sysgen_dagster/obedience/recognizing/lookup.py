"""Finds the subjects that a clause may be of by its words, before any pattern is tried.

Most clauses are of no subject. What one of them needs is looked for in each word once: words come
again and again, in phrases that do not.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from sysgen_dagster.obedience.recognizing.wording import Clause, Subject
from sysgen_dagster.obedience.rules import Recognized

_WORDS_REMEMBERED = 100_000
_SIGNS = ".!?;,:-*()"


class Lookup:
    """Subjects, in the order in which they are tried; a bit of a number stands for each."""

    def __init__(self, *subjects: Subject) -> None:
        """Nothing is known of any word yet."""
        self._subjects = subjects
        needs = [(1 << at, subject.needs) for at, subject in enumerate(subjects)]
        begins = [each for each in needs if each[1].pattern.startswith("^")]
        self._first = [(bit, pattern.search) for bit, pattern in begins]
        self._anywhere = [
            (bit, needed.search) for bit, needed in needs if (bit, needed) not in begins
        ]
        self._beside = [
            (1 << at, each.beside.search) for at, each in enumerate(subjects) if each.beside
        ]
        self._needs_none_beside = ~sum(bit for bit, _ in self._beside)
        self._of_word = lru_cache(_WORDS_REMEMBERED)(self._read_word)
        self._of_bits = lru_cache(_WORDS_REMEMBERED)(self._read_bits)

    def bits_of(self, subjects: Iterable[Subject]) -> int:
        """The bits that stand for these subjects."""
        return sum(1 << self._subjects.index(subject) for subject in subjects)

    def find(self, words: Iterable[str]) -> int:
        """The bits of the subjects that a clause of some of these words could be of."""
        of_word = self._of_word
        needed, beside = 0, self._needs_none_beside
        for word in words:
            anywhere, first, with_it = of_word(word)
            needed |= anywhere | first
            beside |= with_it
        return needed & beside

    def recognize(self, clause: Clause, among: int) -> Recognized | None:
        """What the first of these subjects that knows the clause says it asks; None if none."""
        words = clause.text.split()
        of_word = self._of_word
        needed, beside = of_word(words[0])[1] if words else 0, self._needs_none_beside
        for word in words:
            anywhere, _, with_it = of_word(word)
            needed |= anywhere
            beside |= with_it
        for subject in self._of_bits(needed & beside & among):
            if found := subject.recognize(clause):
                return found
        return None

    def _read_word(self, word: str) -> tuple[int, int, int]:
        """The subjects that need the word anywhere, at the beginning, and beside another one."""
        # In a phrase, signs may still stand around the words of a clause.
        bare = word.strip(_SIGNS)
        anywhere = sum(bit for bit, search in self._anywhere if search(word))
        first = sum(bit for bit, search in self._first if search(bare))
        beside = sum(bit for bit, search in self._beside if search(bare) or search(word))
        return anywhere, first, beside

    def _read_bits(self, bits: int) -> Sequence[Subject]:
        return tuple(subject for at, subject in enumerate(self._subjects) if bits >> at & 1)
