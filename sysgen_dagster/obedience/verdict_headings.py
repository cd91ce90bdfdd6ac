"""Whether what stands before or above a claim announces a verdict, or makes it something else.

"Overall: A" is a verdict. "Runner-up: A" and "Another judge's verdict: A" are none, and nobody can
list all such words; so those that announce one are known (`verdict_words.yaml`), and no others.
"""

import re
from typing import Final

from sysgen_dagster.obedience.verdict_clauses import any_of

_KNOWN: Final = any_of(
    *("labels", "weak_labels", "before_label", "conclusive", "lead", "nouns", "headings")
)
_HEADING: Final = re.compile(rf"(?:{_KNOWN}(?!\w)[\s']*){{1,8}}$")
# Signs between a heading and a claim.
_HEADS: Final = frozenset(
    {":", "(", "):", ") :", "-", "--", "->", "=>", "\u2013", "\u2014", "\u2192"}
)
_ENDS_SENTENCE: Final = frozenset(".!?\u3002")
_LONGEST_ABOVE: Final = 3  # words of a line that is a heading


def heads_another(words: str, sign: str) -> bool:
    """Whether a claim behind these words, in lower case, and this sign is of something else.

    A line above it is a heading if it is short and no sentence; its sign is the end of the line.
    """
    if sign == "\n" and (words[-1] in _ENDS_SENTENCE or len(words.split()) > _LONGEST_ABOVE):
        return False
    return (sign == "\n" or sign in _HEADS) and not _HEADING.match(words)
