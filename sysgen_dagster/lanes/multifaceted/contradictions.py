"""Preferences of one set that cannot be had together, where no reader would doubt it.

What the sets of a model say is seldom sure: concise and yet deep is a matter of skill. Sure are
four kinds, in English alone:

- who reads: a set has one level of background knowledge, and no text of it may address readers of
  the other end of the scale, or leave terms unexplained to readers who know little;
- how long the whole answer is: at most so much in one text, at least more in another;
- how it sounds: formal in one text, casual in another;
- what stands in it: something in one text that another wants none of, such as numbers.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations, product
from typing import Final

READERS: Final = "background_knowledge"  # the dimension that says who reads the answer

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
_TERMS = r"(?:jargon|terminology|abbreviations|(?:technical|specialist) (?:terms|vocabulary))"
_UNEXPLAINED = (
    rf"(?:unexplained {_TERMS}"
    rf"|{_TERMS} (?:\w+ ){{0,3}}without (?:\w+ ){{0,2}}(?:expla|defin)\w+)"
)
_SAYS = {
    True: re.compile(f"{_ADDRESSES}(?:{_LITTLE})\\b", re.IGNORECASE),
    False: re.compile(f"{_ADDRESSES}(?:{_MUCH})\\b|\\b{_UNEXPLAINED}", re.IGNORECASE),
}
_NOT = re.compile(r"\b(?:no|not|never|without|avoid\w*|neither|nor|than|instead of)\b|n't\b", re.I)
_BEFORE = 40  # characters before such words in which a negation turns them round


# Of the units in which answers are measured, the fewest and most words that one of them has.
_WORDS_OF = {
    "word": (1, 1),
    "line": (1, 25),
    "sentence": (2, 60),
    "paragraph": (10, 300),
    "page": (150, 800),
}
_NUMBERS = {
    **{
        "half a": 0.5,
        "a half": 0.5,
        "a": 1,
        "an": 1,
        "a single": 1,
        "one": 1,
        "two": 2,
        "three": 3,
    },
    **{"four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10},
    **{"a dozen": 12, "twenty": 20, "fifty": 50, "a hundred": 100, "a thousand": 1000},
}
_AMOUNT = (
    rf"(?P<number>\d{{1,6}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
    rf" (?:\w+ )?(?P<unit>{'|'.join(_WORDS_OF)})s?\b"
)
_AT_MOST = re.compile(
    r"\b(?:no longer than|no more than|not (?:be )?(?:longer|more) than|at (?:the )?most|up to"
    r"|not exceed(?:ing)?|limited to|fits? (?:on|in|into|within)|a maximum of|under|fewer than"
    rf"|less than) {_AMOUNT}",
    re.IGNORECASE,
)
_AT_LEAST = re.compile(
    r"\b(?:at least|no (?:less|fewer|shorter) than|not (?:be )?(?:less|shorter) than|a minimum of"
    rf"|more than|longer than|over) {_AMOUNT}",
    re.IGNORECASE,
)
# A limit behind these words is of a part of the answer.
_OF_A_PART = re.compile(
    r"\b(?:each|every|any|per|introduction|summary|conclusion|heading|title|example|definition"
    r"|explanation|sentences?|paragraphs?|steps?|points?|sections?|items?|part)\b",
    re.IGNORECASE,
)

_MANNER = r"(?:tone|style|language|register|voice|wording|manner|prose|way)"
_TOO = r"(?:(?:strictly|very|highly|fully|entirely|always|rather|quite|purely) )"


def _sounds(words: str) -> re.Pattern[str]:
    """Finds one of these words where it says how the answer sounds."""
    return re.compile(
        rf"\b(?:{words})(?:(?:,| and|, and) \w+)* {_MANNER}\b"
        rf"|\b(?:sounds?|stays?|keeps?|remains?|reads?|is|are|be) {_TOO}?(?:{words})\b"
        r"(?! (?!and\b|but\b|in\b|throughout\b)\w)"  # not "is formal logic"
        rf"|\A{_TOO}?(?:{words})(?:(?:,| and|, and) \w+)*\."  # as the preference
        rf"|{_TOO}(?:{words})\b",
        re.IGNORECASE,
    )


_FORMAL = _sounds("formal")
_CASUAL = _sounds("casual|informal|colloquial|joking|chatty|slangy")

# What an answer has or has not, as every reader sees it.
_THINGS = (
    *(
        "numbers?",
        "formulas?|formulae",
        "equations?",
        "code",
        "tables?",
        "lists?",
        "bullet points?",
    ),
    *("examples?", "headings?", "emojis?", "quot(?:es|ations?)", "links?", "diagrams?", "jokes?"),
    *("comparisons?", "metaphors?", "analog(?:y|ies)", "anecdotes?", _TERMS),
)
_WANTS = (
    r"\b(?:with|include[sd]?|including|contains?|gives?|shows?|uses?|using|has|have|adds?|lists?"
    r"|provid(?:es?|ing)|offers?|exact|detailed|concrete|many|several|plenty of|lots of|rich in)"
    r" (?:\w+ )?"
)
_WANTS_NONE = r"\b(?:no|without(?: any)?|free of|free from|avoid(?:s|ing)? (?:all|any)) "
_IN_ALL = r"\b(?= at all\b| whatsoever\b|\W*(?:$|[.,;:!?]))"
_REFUSES = re.compile(_WANTS_NONE, re.IGNORECASE)
_HAS = [
    (
        re.compile(rf"{_WANTS}(?:{each})\b", re.I),
        re.compile(rf"{_WANTS_NONE}(?:{each}){_IN_ALL}", re.I),
    )
    for each in _THINGS
]


def contradicts(preferences: Sequence[Mapping[str, str]]) -> bool:
    """Whether a set has texts that no answer can meet together.

    Args:
        preferences: The set, each with ``dimension``, ``subdimension``, ``preference`` and
            ``description``.
    """
    said = (f"{each['preference']}. {each['description']}" for each in preferences)
    texts = [" ".join(each.split()) for each in said]
    levels = [each["subdimension"] for each in preferences if each["dimension"] == READERS]
    ends = {_KNOWS_LITTLE[level] for level in levels if level in _KNOWS_LITTLE}
    ends |= {end for text in texts for end in _addressed(text)}
    return (
        len(ends) > 1
        or _lengths_are_opposed(texts)
        or _tones_are_opposed(texts)
        or any(_is_wanted_by_another(at, texts) for at in range(len(texts)))
    )


def _addressed(text: str) -> Iterator[bool]:
    """Whether readers that a text addresses know little; nothing where it may mean others."""
    return (knows_little for knows_little, says in _SAYS.items() if _says(says, text))


def _says(pattern: re.Pattern[str], text: str) -> bool:
    """Whether the pattern is found where nothing before it in its sentence turns it round."""
    return any(not _NOT.search(_before(match, text)[-_BEFORE:]) for match in pattern.finditer(text))


def _before(match: re.Match[str], text: str) -> str:
    """What stands before a match in its sentence."""
    return re.split(r"[.!?;] ", text[: match.start()])[-1]


def _lengths_are_opposed(texts: Sequence[str]) -> bool:
    """Whether one text asks for less than another one needs."""
    most = [
        [number * _WORDS_OF[unit][1] for number, unit in _limits(_AT_MOST, each)] for each in texts
    ]
    if not any(most):
        return False
    least = [
        [number * _WORDS_OF[unit][0] for number, unit in _limits(_AT_LEAST, each)] for each in texts
    ]
    limited = ((most[one], least[other]) for one, other in permutations(range(len(texts)), 2))
    return any(min(one) < max(other) for one, other in limited if one and other)


def _tones_are_opposed(texts: Sequence[str]) -> bool:
    formal = {at for at, each in enumerate(texts) if _says(_FORMAL, each)}
    casual = {at for at, each in enumerate(texts) if formal and _says(_CASUAL, each)}
    return any(one != other for one, other in product(formal, casual))


def _is_wanted_by_another(at: int, texts: Sequence[str]) -> bool:
    """Whether another text wants something of which this one wants none."""
    if not _REFUSES.search(texts[at]):  # most refuse nothing, and there are many things
        return False
    others = [each for other, each in enumerate(texts) if other != at]
    refused = [wants for wants, none in _HAS if none.search(texts[at])]
    return any(_says(wants, each) for wants in refused for each in others)


def _limits(pattern: re.Pattern[str], text: str) -> Iterator[tuple[float, str]]:
    for match in pattern.finditer(text):
        if not _OF_A_PART.search(_before(match, text)):
            number = match["number"].lower()
            yield _NUMBERS.get(number) or float(number), match["unit"].lower()
