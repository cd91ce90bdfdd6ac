"""In which message a constraint of IFEval is stated.

S-IFEval has most constraints in the system message and leaves some in the user turn, and does not
say which. A constraint is looked for by its arguments, or by words that it is stated with.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.evaluation.rule_based.tables import StandsIn

_CAPITALS = r"capital|upper.?case|all.?caps|lower.?case"
# By the second part of an instruction's id. Those of `_ARGUMENTS` are looked for by arguments.
_WORDS: Mapping[str, str] = {
    "no_comma": r"comma",
    "number_highlighted_sections": r"highlight|italic|bold|\*\w[^*]*\*",
    "number_words": r"words?\b",
    "number_placeholders": r"placeholder|brackets|\[\w+\]",
    "repeat_prompt": r"repeat|request|as it is|word for word",
    "title": r"title|<<|angular",
    "english_lowercase": _CAPITALS,
    "english_capital": _CAPITALS,
    "capital_word_frequency": _CAPITALS,
    "number_bullet_lists": r"bullet|^\s*\*",
    "multiple_sections": r"section|paragraph|\b[a-z]+ (?:1|x)\b",
    "quotation": r"quot",
    "json_format": r"json",
    "number_paragraphs": r"paragraph|section|part|\*\*\*",
    "two_responses": r"asterisk|\*{6}|two (?:different|responses|versions)",
    "response_language": r"language|\b(?:only|entirely|in) [A-Z]\w+",
    "letter_frequency": r"letters?\b|\b(?:sign|mark|time)s?\b",
    "number_sentences": r"sentences?\b",
    "postscript": r"p\.\s?p?\.?\s?s|post.?script",
    "nth_paragraph_first_word": r"paragraph",
    "constrained_response": r"my answer is",
    "end_checker": r"\b(?:end|ending|finish|last|conclude)",
}
_ARGUMENTS: Mapping[str, str] = {
    "existence": "keywords",
    "frequency": "keyword",
    "forbidden_words": "forbidden_words",
}


def find_place(
    messages: Sequence[ChatMessage], constraint: str, arguments: Mapping[str, Any]
) -> StandsIn:
    """The message that states a constraint, as far as its words or its arguments show it.

    Of two that do it is the system message: a user turn often has a word that it says to avoid.
    """
    for role, place in ((Role.SYSTEM, StandsIn.SYSTEM), (Role.USER, StandsIn.USER)):
        texts = (message["content"] for message in messages if message["role"] == role)
        if any(_is_stated(text, constraint, arguments) for text in texts):
            return place
    return StandsIn.UNKNOWN


def _is_stated(text: str, constraint: str, arguments: Mapping[str, Any]) -> bool:
    _, _, name = constraint.partition(":")
    if name in _ARGUMENTS:
        wanted = arguments.get(_ARGUMENTS[name])
        words = wanted if isinstance(wanted, list) else [wanted]
        return bool(words) and all(
            isinstance(word, str) and word.lower() in text.lower() for word in words
        )
    words_of = _WORDS.get(name)
    return bool(words_of and re.search(words_of, text, re.IGNORECASE | re.MULTILINE))
