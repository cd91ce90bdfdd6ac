"""What an answer says around what it was asked for: before it, after it, and over it."""

import re

# A sentence that speaks to the user about the answer.
FRAME = re.compile(
    r"[^\w\n]{0,5}(?:sure|certainly|of course|absolutely|okay|ok|got it|no problem|hello|hi|hey"
    r"|dear|great question|thanks?|thank you|here(?:'s| is| are| you go)|below (?:is|are)|i hope"
    r"|hope|i(?:'d| would) (?:be|love|like)|i(?:'ll| will| can) (?:help|try|do|write)"
    r"|i(?:'m| am) (?:happy|glad|sorry|here)|let me|please|feel free|enjoy|good luck|regards"
    r"|(?:best|kind|warm) (?:regards|wishes)|sincerely|yours|do you (?:want|need|have)"
    r"|(?:would|shall|should|can|could|may) (?:you|i)\b|if you(?:'d| would| have| need| want"
    r"| like)|you(?:'re| are) welcome|is there anything|what (?:do|would) you (?:think|like))\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?:\u2026])[\"'\u201d)*_]*\s+|\n+")
# What somebody says, or a text is called.
SPOKEN = re.compile(
    '"[^"\n]{1,300}"|\u201c[^\u201d\n]{1,300}\u201d|\u201e[^\u201c\n]{1,300}\u201c'
    "|\xab[^\xbb\n]{1,300}\xbb|(?<!\\w)['\u2018][^'\u2019\n]{1,300}['\u2019](?!\\w)"
)
# A line that names who asks, or the question that follows: "**Q: ...**", "Problem 2: ...".
_LABEL = re.compile(
    r"[^\w\n]{0,5}(?:(?:q|question|problem|exercise|riddle|task)(?: ?\d+)?[.:)]"
    r"|(?-i:[A-Z])\w*(?: (?-i:[A-Z])\w*)?(?: ?\d+)?:)",
    re.IGNORECASE,
)


def sentences_told(prose: str) -> list[str]:
    """The sentences that tell what was asked for."""
    every = (sentence.strip() for sentence in _SENTENCE.split(prose))
    return [sentence for sentence in every if sentence and not FRAME.match(sentence)]


def is_labelled(line: str) -> bool:
    """Whether a line says at its beginning who speaks, or what it is."""
    return bool(_LABEL.match(line))
