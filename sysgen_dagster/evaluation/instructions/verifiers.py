"""What each instruction of IFEval asks of an answer.

The definitions are those of IFEval (Google Research, Apache-2.0) as lm-evaluation-harness 0.4.13
runs them; the tests hold the verdicts equal to its own. Keywords, forbidden words and names of
sections are regular expressions, as there.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sysgen_dagster.evaluation.instructions.counting import (
    count_words,
    detect_language,
    split_sentences,
    split_tokens,
)

Arguments = Mapping[str, Any]

LESS_THAN, AT_LEAST = "less than", "at least"
RELATIONS = (LESS_THAN, AT_LEAST)
_CONSTRAINED = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_FIRST_WORD_ENDS = re.compile(r"[.,?!'\"]")
_FENCE_OPENINGS = ("```json", "```Json", "```JSON", "```")


@dataclass(frozen=True, slots=True)
class Verifier:
    """How one instruction is verified.

    Attributes:
        is_kept: Whether an answer keeps to the instruction with these arguments.
        arguments: The arguments it needs, with the type of each.
        patterns: Those of the arguments that are regular expressions.
        modules: The libraries it needs.
    """

    is_kept: Callable[[str, Arguments], bool]
    arguments: Mapping[str, type]
    patterns: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


def _stands_in_relation(count: int, bound: int, relation: str) -> bool:
    return count < bound if relation == LESS_THAN else count >= bound


def _is_at_least(count: int, bound: int) -> bool:
    return count >= bound


def _has_keywords(answer: str, arguments: Arguments) -> bool:
    return all(re.search(word, answer, re.IGNORECASE) for word in arguments["keywords"])


def _has_keyword_so_often(answer: str, arguments: Arguments) -> bool:
    found = re.findall(arguments["keyword"].strip(), answer, re.IGNORECASE)
    return _stands_in_relation(len(found), arguments["frequency"], arguments["relation"])


def _avoids_words(answer: str, arguments: Arguments) -> bool:
    return not any(
        re.search(rf"\b{word}\b", answer, re.IGNORECASE) for word in arguments["forbidden_words"]
    )


def _has_letter_so_often(answer: str, arguments: Arguments) -> bool:
    count = answer.lower().count(arguments["letter"].strip().lower())
    return _stands_in_relation(count, arguments["let_frequency"], arguments["let_relation"])


def _is_in_language(answer: str, arguments: Arguments) -> bool:
    return detect_language(answer) in (arguments["language"], None)


def _has_sentences(answer: str, arguments: Arguments) -> bool:
    count = len(split_sentences(answer))
    return _stands_in_relation(count, arguments["num_sentences"], arguments["relation"])


def _has_words(answer: str, arguments: Arguments) -> bool:
    return _stands_in_relation(count_words(answer), arguments["num_words"], arguments["relation"])


def _has_paragraphs(answer: str, arguments: Arguments) -> bool:
    """Parts between lines of three asterisks; none but the first and the last may be empty."""
    parts = [part.strip() for part in re.split(r"\s?\*\*\*\s?", answer)]
    return all(parts[1:-1]) and bool(sum(map(bool, parts)) == arguments["num_paragraphs"])


def _has_first_word(answer: str, arguments: Arguments) -> bool:
    """Paragraphs are counted without empty ones; the one of that number is found with them."""
    paragraphs = [paragraph.strip() for paragraph in answer.split("\n\n")]
    count, nth = sum(map(bool, paragraphs)), arguments["nth_paragraph"]
    if nth > count or not paragraphs[nth - 1]:
        return False
    word = paragraphs[nth - 1].split()[0].lstrip("'").lstrip('"')
    first_word = _FIRST_WORD_ENDS.split(word)[0].lower()
    asked = (arguments["num_paragraphs"], arguments["first_word"].lower())
    return (count, first_word) == asked


def _has_placeholders(answer: str, arguments: Arguments) -> bool:
    return _is_at_least(len(re.findall(r"\[.*?\]", answer)), arguments["num_placeholders"])


def _has_postscript(answer: str, arguments: Arguments) -> bool:
    marker = arguments["postscript_marker"].strip()
    known = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}
    return bool(re.search(known.get(marker, marker.lower()), answer.lower()))


def _has_bullets(answer: str, arguments: Arguments) -> bool:
    asterisks = re.findall(r"^\s*\*[^\*].*$", answer, re.MULTILINE)
    dashes = re.findall(r"^\s*-.*$", answer, re.MULTILINE)
    return bool(len(asterisks) + len(dashes) == arguments["num_bullets"])


def _is_constrained(answer: str, _arguments: Arguments) -> bool:
    return any(option in answer for option in _CONSTRAINED)


def _has_highlights(answer: str, arguments: Arguments) -> bool:
    """Bold parts count as such, and once more as the italic ones that are read inside them."""
    single = [text.strip("*") for text in re.findall(r"\*[^\n\*]*\*", answer)]
    double = [text[2:-2] for text in re.findall(r"\*\*[^\n\*]*\*\*", answer)]
    found = sum(bool(text.strip()) for text in (*single, *double))
    return _is_at_least(found, arguments["num_highlights"])


def _has_sections(answer: str, arguments: Arguments) -> bool:
    name = arguments["section_spliter"].strip()
    parts = re.split(rf"\s?{name}\s?\d+\s?", answer)
    return _is_at_least(len(parts) - 1, arguments["num_sections"])


def _is_json(answer: str, _arguments: Arguments) -> bool:
    text = answer.strip()
    for opening in _FENCE_OPENINGS:
        text = text.removeprefix(opening)
    try:
        json.loads(text.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def _has_title(answer: str, _arguments: Arguments) -> bool:
    titles = re.findall(r"<<[^\n]+>>", answer)
    return any(title.lstrip("<").rstrip(">").strip() for title in titles)


def _has_two_responses(answer: str, _arguments: Arguments) -> bool:
    """Two parts that differ, between lines of six asterisks."""
    parts = [part.strip() for part in answer.split("******")]
    responses = [part for part in parts if part]
    return all(parts[1:-1]) and len(responses) == 2 and responses[0] != responses[1]


def _repeats_prompt(answer: str, arguments: Arguments) -> bool:
    prompt = str(arguments["prompt_to_repeat"])
    return answer.strip().lower().startswith(prompt.strip().lower())


def _ends_with_phrase(answer: str, arguments: Arguments) -> bool:
    end = str(arguments["end_phrase"]).strip().lower()
    return answer.strip().strip('"').lower().endswith(end)


def _has_capital_words(answer: str, arguments: Arguments) -> bool:
    count = sum(token.isupper() for token in split_tokens(answer))
    return _stands_in_relation(count, arguments["capital_frequency"], arguments["capital_relation"])


def _is_capital(answer: str, _arguments: Arguments) -> bool:
    return answer.isupper() and detect_language(answer) in ("en", None)


def _is_lowercase(answer: str, _arguments: Arguments) -> bool:
    return answer.islower() and detect_language(answer) in ("en", None)


def _has_no_comma(answer: str, _arguments: Arguments) -> bool:
    return "," not in answer


def _is_quoted(answer: str, _arguments: Arguments) -> bool:
    text = answer.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'


VERIFIERS: Mapping[str, Verifier] = {
    "keywords:existence": Verifier(_has_keywords, {"keywords": list}, ("keywords",)),
    "keywords:frequency": Verifier(
        _has_keyword_so_often, {"keyword": str, "frequency": int, "relation": str}, ("keyword",)
    ),
    "keywords:forbidden_words": Verifier(
        _avoids_words, {"forbidden_words": list}, ("forbidden_words",)
    ),
    "keywords:letter_frequency": Verifier(
        _has_letter_so_often, {"letter": str, "let_frequency": int, "let_relation": str}
    ),
    "language:response_language": Verifier(
        _is_in_language, {"language": str}, modules=("langdetect",)
    ),
    "length_constraints:number_sentences": Verifier(
        _has_sentences, {"num_sentences": int, "relation": str}, modules=("punkt", "nltk")
    ),
    "length_constraints:number_paragraphs": Verifier(_has_paragraphs, {"num_paragraphs": int}),
    "length_constraints:number_words": Verifier(_has_words, {"num_words": int, "relation": str}),
    "length_constraints:nth_paragraph_first_word": Verifier(
        _has_first_word, {"num_paragraphs": int, "nth_paragraph": int, "first_word": str}
    ),
    "detectable_content:number_placeholders": Verifier(
        _has_placeholders, {"num_placeholders": int}
    ),
    "detectable_content:postscript": Verifier(
        _has_postscript, {"postscript_marker": str}, ("postscript_marker",)
    ),
    "detectable_format:number_bullet_lists": Verifier(_has_bullets, {"num_bullets": int}),
    "detectable_format:constrained_response": Verifier(_is_constrained, {}),
    "detectable_format:number_highlighted_sections": Verifier(
        _has_highlights, {"num_highlights": int}
    ),
    "detectable_format:multiple_sections": Verifier(
        _has_sections, {"section_spliter": str, "num_sections": int}, ("section_spliter",)
    ),
    "detectable_format:json_format": Verifier(_is_json, {}),
    "detectable_format:title": Verifier(_has_title, {}),
    "combination:two_responses": Verifier(_has_two_responses, {}),
    "combination:repeat_prompt": Verifier(_repeats_prompt, {"prompt_to_repeat": str}),
    "startend:end_checker": Verifier(_ends_with_phrase, {"end_phrase": str}),
    "startend:quotation": Verifier(_is_quoted, {}),
    "change_case:capital_word_frequency": Verifier(
        _has_capital_words,
        {"capital_frequency": int, "capital_relation": str},
        modules=("punkt", "nltk"),
    ),
    "change_case:english_capital": Verifier(_is_capital, {}, modules=("langdetect",)),
    "change_case:english_lowercase": Verifier(_is_lowercase, {}, modules=("langdetect",)),
    "punctuation:no_comma": Verifier(_has_no_comma, {}),
}
