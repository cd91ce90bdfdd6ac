"""What an answer has to say: steps, and what explains them."""

import re
from collections.abc import Callable

from sysgen_dagster.obedience.rules import Rule, RuleKind
from sysgen_dagster.obedience.verifying.answers import FEW_SIGNS, Answer
from sysgen_dagster.obedience.verifying.lines import LineKind

_STEP = re.compile(
    rf"^{FEW_SIGNS}(?:step|stage|part) ?(?:\d+|one|two|three|four|five|six)\b",
    re.IGNORECASE | re.MULTILINE,
)
_SEQUENCE = re.compile(
    r"(?:^|[.!?:]\s+)\W{0,4}(?P<word>first(?:ly)?|second(?:ly)?|third(?:ly)?|next|then|after that"
    r"|now|finally|lastly)\b",
    re.IGNORECASE | re.MULTILINE,
)
# Words.
_LONGEST_NAME = 1
_FEWEST_STEPS, _FEWEST_IN_SEQUENCE = 2, 3
# A detailed explanation has more than one that is not said to be: sentences and words of prose.
_LEAST_OF_EXPLANATION = {1: (2, 20), 2: (4, 60)}
_MOST_OF_NO_EXPLANATION = 12
_DECLINES = re.compile(
    r"\b(?:sorry|apologi[sz]e|as an ai|language model|unable to|can(?:no|')t (?:provide|assist"
    r"|help|answer|discuss|give)|cannot (?:provide|assist|help|answer|discuss|describe|give)"
    r"|do(?:n't| not) have (?:personal|access|enough|any)|more (?:information|context)|not sure"
    r"|must respect)\b",
    re.IGNORECASE,
)
_FINISHED = re.compile(r"[.!?\u2026)\]}$*\"\u201d'`|]\s*$")


def has_steps(_rule: Rule, answer: Answer) -> bool | None:
    """Whether steps can be told apart: by numbers, or by the words that begin them."""
    numbered, _ = answer.count(LineKind.NUMBERED)
    items = [line.text for line in answer.lines if line.kind is LineKind.NUMBERED]
    if items and all(len(item.split()) <= _LONGEST_NAME for item in items):
        return None  # they may name things
    steps = numbered if numbered >= _FEWEST_STEPS else len(_STEP.findall(answer.outside_code))
    if steps >= _FEWEST_STEPS or _is_sequence(answer):
        return True if _FINISHED.search(answer.text) else None
    _, most = answer.sentences
    return False if len(answer.shown) == 1 and most <= 1 else None


def _is_sequence(answer: Answer) -> bool:
    words = {found["word"].lower() for found in _SEQUENCE.finditer(answer.prose)}
    return len(words) >= _FEWEST_IN_SEQUENCE


def has_explanation(rule: Rule, answer: Answer) -> bool | None:
    """Whether so much is said in sentences that it explains something."""
    sentences, words = _LEAST_OF_EXPLANATION[rule.least or 1]
    if answer.sentences[0] >= sentences and answer.words[0] >= words:
        return None if _DECLINES.search(answer.text) else True
    is_detailed = rule.least == 2
    return False if is_detailed and answer.words[1] <= _MOST_OF_NO_EXPLANATION else None


TESTS: dict[RuleKind, Callable[[Rule, Answer], bool | None]] = {
    RuleKind.STEPS: has_steps,
    RuleKind.EXPLANATION: has_explanation,
}
