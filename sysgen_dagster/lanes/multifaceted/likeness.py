"""How alike two descriptions are, as ROUGE-L: the authors' own measure of how varied theirs are."""

from collections.abc import Sequence

from rapidfuzz.distance import LCSseq

from sysgen_dagster.chat.words import list_words


def rouge_l(first: str, second: str) -> float:
    """The F-measure of ROUGE-L over words in lower case, in [0, 1]; the same either way round.

    Of English text without signs it is that of `rouge-score`, as `analysis.similarity` computes it.
    In scripts without blanks each character is a word. Texts without any word have nothing in
    common.
    """
    words = [list_words(text) for text in (first, second)]
    length = sum(map(len, words))
    return 2 * LCSseq.similarity(*words) / length if length else 0.0


def most_alike(text: str, others: Sequence[str]) -> float:
    """The highest ROUGE-L of a text with one of others; 0 where there is none."""
    return max((rouge_l(text, other) for other in others), default=0.0)
