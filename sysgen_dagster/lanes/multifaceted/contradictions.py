"""Preferences of one set that cannot be had together, where no reader would doubt it.

What the sets of a model say is seldom sure: concise and yet deep is a matter of skill. Sure is who
the answer is written for: a set has one level of background knowledge, and a text of the same set
that addresses readers of the other end of the scale speaks against it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

READERS = "background_knowledge"  # the dimension that says who reads the answer

# By subdimension, whether its readers know little or much. Between the two nothing is sure.
_KNOWS_LITTLE: Mapping[str, bool] = {
    "basic": True,
    "novice": True,
    "advanced": False,
    "expert": False,
}
_ALONE = r"(?=\W*(?:$|[.,;!?]| who))"  # nothing follows that would make it part of a longer name
_LITTLE = (
    r"(?:complete |total |absolute )?"
    r"(?:beginners|novices|newcomers|laypersons|laypeople|laymen)"
    rf"|an? (?:complete |total |absolute )?(?:beginner|novice|newcomer|layperson){_ALONE}"
    r"|(?:no|little) (?:prior |previous |background )(?:knowledge|experience)"
)
_MUCH = (
    r"(?:seasoned |experienced |fellow )?(?:experts|specialists|professionals|practitioners)"
    rf"|an? (?:seasoned |experienced |fellow )?(?:expert|specialist|practitioner){_ALONE}"
    r"|(?:expert|advanced|specialist|professional)(?:-level)? (?:readers|audiences?|knowledge)"
)
# The words before a reader by which a text is one for that reader. "Ask for experts" is not.
_ADDRESSES = (
    r"\b(?:aimed at|addressed to|tailored to"
    r"|(?:suited|suitable|meant|written|intended|phrased|pitched) for"
    r"|assum(?:e|es|ing)(?: that)?(?: the)?(?: reader| user| audience)?s?(?: is| are| has| have)?"
    r"|(?:reader|user|audience|asker)s? (?:is|are|has|have)"
    r"|explain(?:s|ed|ing)? (?:it |this |everything |the \w+ )?(?:to|for)) "
)
_SAYS = {
    True: re.compile(f"{_ADDRESSES}(?:{_LITTLE})\\b", re.IGNORECASE),
    False: re.compile(f"{_ADDRESSES}(?:{_MUCH})\\b", re.IGNORECASE),
}
_NOT = re.compile(r"\b(?:no|not|never|without|avoid\w*|neither|nor|than|instead of)\b|n't\b", re.I)
_BEFORE = 40  # characters before such words in which a negation turns them round


def contradicts(preferences: Sequence[Mapping[str, str]]) -> bool:
    """Whether the texts of a set address readers of both ends of the scale.

    Args:
        preferences: The set, each with ``dimension``, ``subdimension``, ``preference`` and
            ``description``.
    """
    levels = [each["subdimension"] for each in preferences if each["dimension"] == READERS]
    ends = {_KNOWS_LITTLE[level] for level in levels if level in _KNOWS_LITTLE}
    texts = [f"{each['preference']}. {each['description']}" for each in preferences]
    ends |= {end for text in texts for end in _addressed(text)}
    return len(ends) > 1


def _addressed(text: str) -> Iterator[bool]:
    """Whether readers that a text addresses know little; nothing where it may mean others."""
    on_one_line = " ".join(text.split())
    for knows_little, says in _SAYS.items():
        for match in says.finditer(on_one_line):
            before = on_one_line[max(0, match.start() - _BEFORE) : match.start()]
            if not _NOT.search(before):
                yield knows_little
