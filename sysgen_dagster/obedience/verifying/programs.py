"""Whether an answer has the program that was asked for, as far as its text shows."""

import re
import warnings
from collections.abc import Callable

from sysgen_dagster.obedience.python_blocks import parses
from sysgen_dagster.obedience.recognizing.programs import LANGUAGES, OF_CODE, WORDS_TOO
from sysgen_dagster.obedience.rules import Rule, RuleKind
from sysgen_dagster.obedience.verifying.answers import Answer
from sysgen_dagster.obedience.verifying.whole import has_code

_BLOCK = re.compile(r"^[ \t]*```(?P<info>[^\n`]*)\n(?P<code>.*?)^[ \t]*```", re.S | re.M)
_PYTHON = frozenset(LANGUAGES["python"].split())
_FUNCTION = re.compile(
    r"\bdef \w+|\bfunction\b|=>|\bfn \w+|\bfunc\b|\bfun \w+|\blambda\b|\bsub \w+|<-\s*function"
    r"|\b\w+\s+\w+\s*\([^()\n]*\)\s*\{"
)
# What code has that is one of these.
_THINGS = {
    "function": _FUNCTION,
    "method": _FUNCTION,
    "class": re.compile(r"\b(?:class|struct) \w+"),
    "loop": re.compile(r"\b(?:for|while|foreach|forEach|loop|until)\b"),
    "query": re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|MATCH|WITH)\b", re.I),
}
# Parts that are left for somebody else to write.
_STUB = re.compile(
    r"\bTODO\b|your (?:code|logic|implementation)(?: goes)? here|add your|implement(?:ation)? "
    r"(?:goes )?here|rest of (?:the|your) code|^[ \t]*(?:\.\.\.|pass)[ \t]*$|NotImplemented",
    re.I | re.M,
)
_FEWEST_CHARACTERS = 15


def is_program(rule: Rule, answer: Answer) -> bool | None:
    """Whether there is code of the kind, in the language, with the names that it is to use.

    That there is none breaks only what can be nothing else than code.
    """
    has_any = has_code(rule, answer)
    blocks = [(found["info"].strip().lower(), found["code"]) for found in _blocks(answer)]
    marks = {word[1:] for word in rule.words if word.startswith("=")}
    things, languages = marks & set(_THINGS), marks & set(LANGUAGES)
    if rule.is_forbidden:
        [language] = languages
        return False if _is_in(LANGUAGES[language].split(), blocks) else has_any is False or None
    if not has_any or not blocks:
        is_of_code = bool(things & OF_CODE or languages - WORDS_TOO)
        return False if has_any is False and is_of_code else None
    code = "\n".join(text for _, text in blocks)
    if not all(_THINGS[thing].search(code) for thing in things):
        return _has_no_function(things, blocks)
    if languages and not _is_in(LANGUAGES[languages.pop()].split(), blocks):
        return None
    if len(code.strip()) < _FEWEST_CHARACTERS or _STUB.search(code) or not _all_parse(blocks):
        return None
    names = [word[1:].strip("()") for word in rule.words if word.startswith("'")]
    is_named = all(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", code) for name in names)
    return True if is_named else None


def _blocks(answer: Answer) -> list[re.Match[str]]:
    return [found for found in _BLOCK.finditer(answer.text + "\n") if found["code"].strip()]


def _has_no_function(things: set[str], blocks: list[tuple[str, str]]) -> bool | None:
    """False where all code is Python that parses and none of it defines a function."""
    is_python = all(info in _PYTHON and _parses(text) for info, text in blocks)
    return False if is_python and "function" in things else None


def _is_in(names: list[str], blocks: list[tuple[str, str]]) -> bool:
    return any(info in names for info, _ in blocks)


def _all_parse(blocks: list[tuple[str, str]]) -> bool:
    return all(_parses(text) for info, text in blocks if info in _PYTHON)


def _parses(text: str) -> bool:
    # The parser warns of odd escapes, which do not matter here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return parses(text)


TESTS: dict[RuleKind, Callable[[Rule, Answer], bool | None]] = {RuleKind.PROGRAM: is_program}
