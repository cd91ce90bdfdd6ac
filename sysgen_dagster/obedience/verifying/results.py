"""How an answer closes what it says: with a result, a sentence, a summary."""

import re
from collections.abc import Callable, Sequence

from sysgen_dagster.obedience.recognizing.wording import fold, squeeze_formula
from sysgen_dagster.obedience.rules import Rule, RuleKind
from sysgen_dagster.obedience.verifying.answers import Answer
from sysgen_dagster.obedience.verifying.edges import CLOSERS, FEWEST_WORDS, OPENERS
from sysgen_dagster.obedience.verifying.lines import Line, LineKind

_FAREWELL = re.compile(
    r"\b(?:let me know|feel free|i hope|hope this helps|happy to help|don't hesitate|do not"
    r" hesitate"
    r"|reach out|good luck|you're welcome)\b",
    re.IGNORECASE,
)
_SUMMING = re.compile(
    r"(?:in (?:summary|conclusion|short|brief|essence|closing)|to (?:summari[sz]e|sum up"
    r"|conclude|recap)"
    r"|overall|all in all|summing up|(?:the |a )?(?:summary|conclusion|key (?:points"
    r"|takeaways))\b)",
    re.IGNORECASE,
)
_SUMMARY_HEADING = re.compile(
    r"^\W*(?:\d+[.)]\s*)?(?:(?:final |brief |overall |quick |short )?(?:summary|conclusions?"
    r"|recap|key (?:points|takeaways)|takeaways?"
    r"|in summary|final thoughts)(?: (?:of|and) [a-z ]+)?)\W*$",
    re.IGNORECASE,
)
_CONCLUDING = re.compile(
    r"^\W*(?:in all|altogether|therefore|thus|so|hence|in total|consequently|as a result|the"
    r" (?:final )?(?:answer|result|solution|total|value)"
    r"|final answer|answer|result|in conclusion)\b",
    re.IGNORECASE,
)
# A value as a text sets it, after words and signs that only lead to it: "is about $5".
_LEADING = (
    r"(?:[\s*_`~(\[{$\u20ac\u00a3\u20b9+\u2248\u00b1-]|\\(?:\(|\[|approx|,|\$|boxed|text(?:bf)?)"
    r"|(?:about|approximately|roughly|exactly|only|just|equal to|given by|thus|simply|actually"
    r"|Rs\.?|a total of|[a-zA-Z] ?=)(?![\w])){0,12}"
)
_A_VALUE = (
    r"(?:\d[\d,.]*+|\\[dt]?frac|\\sqrt|\\pi|(?:(?<=[$(\[])|(?<=[$(\[] ))[-\\\w^{}() +*/]{1,80}"
    r"(?:\$|\\\)|\\\]))"
)
# A number of such things is no result, nor is a part of a comparison.
_NO_VALUE = (
    r"(?!\s*(?:more|less|fewer|times|as|of (?:the|these|those)|things?|steps?|ways?|parts?|cases?"
    r"|kinds?|types?|factors?|methods?|options?|possibilit\w+|unknowns?)\b|\s*:)"
)
_STATED = re.compile(
    r"(?:\b(?:is|are|was|were|equals?)\b|=|\u2248|\\approx|(?<=[\w*]):)\**"
    rf"{_LEADING}{_A_VALUE}{_NO_VALUE}"
)
_BOXED = re.compile(
    r"\\boxed\{(?!\\text\{\s*(?:unknown|unclear|cannot|can't|not|insufficient|impossible)\b)"
    r"[^{}]{0,40}[\w\\]",
    re.IGNORECASE,
)
_SHOULD = re.compile(r"\b(?:should|must)\b", re.IGNORECASE)
# After "therefore" a number is the result too if it is what somebody has, or what there is.
_HAS_VALUE = re.compile(
    rf"\b(?:has|have|had|costs?|left|earn(?:s|ed)?|pa(?:ys|id)|spen(?:ds|t)|takes?|took|made|makes?"
    rf"|sold|bought|gets?|got|weighs?|read|ate|eats)\b{_LEADING}{_A_VALUE}{_NO_VALUE}"
)
_VALUE = re.compile(r"\d|\\frac|\\sqrt|\\pi|\$[^$\n]+\$|\\\(|\\\[")
_OF_RESULT = re.compile(
    r"\b(?:answer|result|solution|total|in total|altogether|number|value|sum|difference|distance"
    r"|probability|area|volume|cost|amount|average|mean|product|ratio)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d[\d,.]*")
_EQUALS = re.compile(
    r"(?:=|\\approx|\u2248)\s*(?:\\?\$|\u20ac"
    r"|\u00a3)?\s*(?:\\boxed\{)?(\d[\d,.]*+)(?!\s*(?:[-+*/=^(]|\\(?:times|cdot|div|frac)))"
)
# What is said where there is no result, or not yet one.
_NO_RESULT = re.compile(
    r"\b(?:can ?not|can't|could|unable|unknown|unclear|undetermined|insufficient|impossible|missing"
    r"|not (?:enough|given|known|stated|specified|possible|clear|sure)|n't (?:know|given|enough)"
    r"|given in|please|let's|let us|if|should|must|depend(?:s|ing)?|begin|start|next|we can|you can"
    r"|assum\w+|(?:with|where|when|for) [a-z] ?=|more information|what|start(?:s|ed)?"
    r"|initial(?:ly)?|original(?:ly)?|at first|last (?:year|month|week|time)|remember)(?!\w)"
    r"|^(?:to|first|add|multiply|divide|subtract)\b|:\W*$",
    re.IGNORECASE,
)
_CLOSING_CHARS = 800
# Of the words of a task; answers leave some out, or use others for them.
_MOST_OF = 0.6


def ends_with_sentence(_rule: Rule, answer: Answer) -> bool | None:
    """Whether the last thing is a sentence."""
    kind = answer.last_line.kind
    if kind in {LineKind.CODE, LineKind.TABLE}:
        return False
    is_sentence = kind is LineKind.TEXT and answer.last_sentence.endswith((".", "!"))
    return True if is_sentence and len(answer.last_sentence.split()) >= FEWEST_WORDS else None


def ends_with_result(_rule: Rule, answer: Answer) -> bool | None:
    """Whether the last sentence states a value as the result."""
    last = answer.last_line
    if last.kind in {LineKind.CODE, LineKind.TABLE}:
        return None
    if _is_afterword(answer):
        return False
    if last.kind is LineKind.FORMULA:
        of_formula = [line for line in answer.last_paragraph if line.kind is LineKind.FORMULA]
        return True if _BOXED.search("\n".join(line.text for line in of_formula)) else None
    sentence = fold(answer.last_sentence)[-_CLOSING_CHARS:]
    if _BOXED.search(sentence):
        return True
    concludes = bool(_CONCLUDING.match(sentence))
    # "So she should save $20" after "150 - 130 = 20" tells no condition.
    repeats = _repeats_result(sentence, answer)
    told = _SHOULD.sub(" ", sentence) if concludes and repeats else sentence
    if _NO_RESULT.search(told) or not _VALUE.search(sentence):
        return None
    states = bool(_STATED.search(sentence) or _HAS_VALUE.search(sentence))
    is_result = states and (concludes or bool(_OF_RESULT.search(sentence)))
    return True if is_result or repeats else None


def ends_with_result_sentence(rule: Rule, answer: Answer) -> bool | None:
    """Whether the last thing is a sentence, and it states a value as the result."""
    if _concludes_in_code(answer):
        return None
    if ends_with_sentence(rule, answer) is False:
        return False
    states = ends_with_result(rule, answer)
    if not states:
        return states
    is_sentence = ends_with_sentence(rule, answer)
    return True if is_sentence else None


def ends_with_summary(rule: Rule, answer: Answer) -> bool | None:
    """Whether the last paragraph, or the last sentence, says that it sums up."""
    if _concludes_in_code(answer):
        return None
    if answer.last_line.kind is LineKind.CODE or _is_afterword(answer):
        return False
    if "result" in rule.words and ends_with_result_sentence(rule, answer):
        return True
    if "sentence" in rule.words:
        return True if _SUMMING.match(answer.last_sentence.lstrip(OPENERS)) else None
    paragraph = answer.last_paragraph
    if paragraph and _SUMMING.match(paragraph[0].text.lstrip(OPENERS)):
        return True
    return True if _last_heading_sums_up(answer) else None


def _concludes_in_code(answer: Answer) -> bool:
    """Whether a concluding sentence ends in the last code: "So the query is:"."""
    if answer.last_line.kind is not LineKind.CODE:
        return False
    before = [line for line in answer.shown if line.kind is not LineKind.CODE]
    return bool(before and before[-1].text.endswith(":") and _CONCLUDING.match(before[-1].text))


def _repeats_result(sentence: str, answer: Answer) -> bool:
    """Whether a sentence holds the result of the last equation."""
    results = _EQUALS.findall(answer.text[-_CLOSING_CHARS:])
    return bool(results) and results[-1].rstrip(".,") in {
        number.rstrip(".,") for number in _NUMBER.findall(sentence)
    }


def _is_afterword(answer: Answer) -> bool:
    """Whether the answer ends by speaking to the user, after what it had to say."""
    last = answer.last_sentence
    is_question = last.rstrip(CLOSERS).endswith("?") and answer.last_line.kind is LineKind.TEXT
    return is_question or bool(_FAREWELL.search(last))


def _last_heading_sums_up(answer: Answer) -> bool:
    heads = [line for line in answer.lines if _is_head(line)]
    return (
        bool(heads)
        and bool(_SUMMARY_HEADING.match(heads[-1].text))
        and heads[-1] is not (answer.last_line)
    )


def _is_head(line: Line) -> bool:
    return line.kind is LineKind.HEADING or (
        line.kind in {LineKind.TEXT, LineKind.NUMBERED}
        and bool(re.match(r"(?:\*\*[^*]+\*\*:?|[A-Z][^.!?]{2,40}:)$", line.text))
    )


def states_result(rule: Rule, answer: Answer) -> bool | None:
    """Whether the answer ends with a result, and speaks of what the task speaks of."""
    words = [word for word in rule.words if not word.startswith("$")]
    if not uses_stems(words, answer.text, _MOST_OF) or not _has_formulas(rule, answer):
        return None
    # A program may be all that gives the result.
    if answer.code_blocks and not _boxes_result(answer):
        return None
    if ends_with_result(rule, answer):
        return True
    # A short answer need not say that it is the result: "Nico read 19 pages on Wednesday."
    sentence = fold(answer.last_sentence)[-_CLOSING_CHARS:]
    is_short = len(answer.shown) == 1 and bool(words) and not _is_afterword(answer)
    if not is_short or _NO_RESULT.search(sentence) or not uses_stems(words, sentence, _MOST_OF):
        return None
    is_stated = _STATED.search(sentence) or _HAS_VALUE.search(sentence)
    return True if is_stated else None


def _has_formulas(rule: Rule, answer: Answer) -> bool:
    """Whether the formulas of the task are worked with."""
    formulas = [word[1:] for word in rule.words if word.startswith("$")]
    if not formulas:
        return True
    # A formula that only the last line has may not be the one that was solved.
    worked = answer.text.rpartition("\n")[0] or answer.text
    squeezed = squeeze_formula(worked)
    return all(formula in squeezed for formula in formulas)


def _boxes_result(answer: Answer) -> bool:
    """Whether the last paragraph sets a value in a box, as answers with programs do."""
    return any("\\boxed{" in line.text for line in answer.last_paragraph)


def uses_stems(stems: Sequence[str], text: str, share: float) -> bool:
    """Whether a text has this share of stems of words."""
    small = text.lower()
    return sum(stem in small for stem in stems) >= share * len(stems)


TESTS: dict[RuleKind, Callable[[Rule, Answer], bool | None]] = {
    RuleKind.ENDS_WITH_SENTENCE: ends_with_sentence,
    RuleKind.ENDS_WITH_RESULT: ends_with_result,
    RuleKind.ENDS_WITH_RESULT_SENTENCE: ends_with_result_sentence,
    RuleKind.ENDS_WITH_SUMMARY: ends_with_summary,
    RuleKind.STATES_RESULT: states_result,
}
