"""Finds the subjects that a clause may be of by its words, before any pattern is tried.

Most clauses are of no subject. What one of them needs is looked for in each word once: words come
again and again, in phrases that do not.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from sysgen_dagster.obedience.recognizing.wording import Clause, Subject, compiled
from sysgen_dagster.obedience.rules import Recognized

_WORDS_REMEMBERED = 100_000
_SIGNS = ".!?;,:-*()"


class _OfWords(dict[str, int]):
    """A number for each word, found when the word is first met.

    Looking a word up calls no function of ours, which would cost more than all else about it.
    """

    def __init__(self, read: Callable[[str], int]) -> None:
        """No word is met yet; ``read`` finds the number of one."""
        super().__init__()
        self._read = read

    def __missing__(self, word: str) -> int:
        """The number of a word that was not met before, or was forgotten."""
        if len(self) >= _WORDS_REMEMBERED:
            self.clear()
        self[word] = number = self._read(word)
        return number


class Lookup:
    """Subjects, in the order in which they are tried; a bit of a number stands for each."""

    def __init__(self, *subjects: Subject) -> None:
        """Nothing is known of any word yet."""
        self._subjects = subjects
        needs = [(1 << at, subject.needs) for at, subject in enumerate(subjects)]
        self._first = [each for each in needs if each[1].startswith("^")]
        self._anywhere = [each for each in needs if each not in self._first]
        self._beside = [(1 << at, each.beside) for at, each in enumerate(subjects) if each.beside]
        self._width = len(subjects)
        self._every = (1 << self._width) - 1
        # Those that need nothing beside.
        self._alone = self._every - sum(bit for bit, _ in self._beside)
        self._of_word = _OfWords(self._read_word)
        self._of_bare_word = lru_cache(_WORDS_REMEMBERED)(self._read_bare_word)
        self._of_bits = lru_cache(_WORDS_REMEMBERED)(self._read_bits)

    def bits_of(self, subjects: Iterable[Subject]) -> int:
        """The bits that stand for these subjects."""
        return sum(1 << self._subjects.index(subject) for subject in subjects)

    def find(self, words: Iterable[str]) -> int:
        """The bits of the subjects that a clause of some of these words could be of."""
        bits = self._of_any(words)
        needed, beside = bits | bits >> self._width, bits >> 2 * self._width | self._alone
        return needed & beside & self._every

    def recognize(self, clause: Clause, among: int) -> Recognized | None:
        """What the first of these subjects that knows the clause says it asks; None if none."""
        words = clause.text.split()
        bits = self._of_any(words)
        first = self._of_word[words[0]] >> self._width if words else 0
        bits = (bits | first) & (bits >> 2 * self._width | self._alone) & among & self._every
        for subject in self._of_bits(bits):
            if found := subject.recognize(clause):
                return found
        return None

    def _of_any(self, words: Iterable[str]) -> int:
        bits, of_word = 0, self._of_word
        for word in words:
            bits |= of_word[word]
        return bits

    def _read_word(self, word: str) -> int:
        # In a phrase, signs may still stand around the words of a clause.
        return self._of_bare_word(word.strip(_SIGNS))

    def _read_bare_word(self, word: str) -> int:
        """The bits of the subjects that need the word, in three fields from the lowest on.

        Anywhere, at the beginning, and beside another word.
        """
        fields = (self._anywhere, self._first, self._beside)
        anywhere, first, beside = (
            sum(bit for bit, needed in field if compiled(needed).search(word)) for field in fields
        )
        return anywhere | first << self._width | beside << 2 * self._width

    def _read_bits(self, bits: int) -> Sequence[Subject]:
        return tuple(subject for at, subject in enumerate(self._subjects) if bits >> at & 1)
