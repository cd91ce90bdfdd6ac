"""What is counted in an answer, for the kinds of rules that state a number."""

import re
from collections.abc import Callable
from itertools import pairwise

from sysgen_dagster.obedience.recognizing.wording import ABOUT, ON_LINES
from sysgen_dagster.obedience.rules import Rule, RuleKind
from sysgen_dagster.obedience.verifying.answers import Answer, LineKind, Span

# "About 100 words": within a fifth for every reader, beyond a half for none.
_SURELY_ABOUT, _HARDLY_ABOUT = 0.2, 0.5

# After a digit or a letter, asterisks are powers, and what stands close to underlines is a name.
_BOLD = re.compile(
    r"(?<![\w*)])\*\*(?=[^\s*])[^*\n]*[^\s*]\*\*(?!\*)|(?<!\w)__[^_\n]{1,100}\s[^_\n]{0,100}__(?!\w)"
    r"|<(?:b|strong)>"
)
_MAYBE_BOLD = re.compile(r"\*\*[^*\n]{0,100}[^\d\W][^*\n]{0,100}\*\*|(?<!\w)__[^_\n]+__(?!\w)")
_HIGHLIGHT = re.compile(r"(?<![\w*)])\*\*[^*\n]+\*\*|(?<![*\w])\*[^*\s](?:[^*\n]*[^*\s])?\*(?!\*)")
_BULLET_IN_LINE = re.compile(r"(?<=\S) [*\u2022] (?=\S)")
_BOLD_LINE = re.compile(
    r"^\s*(?:\*\*[^*\n]+\*\*|__[^_\n]+__):?\s*$|^[A-Z][^.!?\n]{0,60}:\s*$", re.MULTILINE
)
# Within a line, "//", "%" and "--" are operators and options in some languages, and "#main" at its
# beginning a rule of CSS. Whether a docstring is a comment, readers see differently.
_COMMENT = re.compile(
    r"^\s*(?://|--\s|%\s|;;|#+ )|(?:^|\s)(?:#+ (?=\S)|/\*|<!--)|[;{}]\s*//|[;)]\s*--\s"
    r"|\)\s*//(?!\s*\w+\s*(?:$|[-+*/),\]]))",  # "(a + b) // 2" divides
    re.MULTILINE,
)
# A comment that says what is printed, or that a use follows, explains nothing to some readers.
_COMMENT_ON_USE = re.compile(
    r"(?:#+|//)\s*(?:output|prints|returns|expected|results?|(?:test|example|sample)s?|usage"
    r"|call|run)\b",
    re.IGNORECASE,
)
_MAYBE_COMMENT = re.compile(r"//|%|--|#|;;|\"\"\"|'''|/\*")
MAYBE_CODE = re.compile(
    r"^\s*(?:def |class |import |from \w+ import|for .*[:{]\s*$|if .*[:{]\s*$|return\b|print\("
    r"|#include|public |const |let |var"
    r" |function |SELECT |<\w+>|\w+ = .+[;)]\s*$|.*;\s*$"
    # Commands and lines of any language: no sentence, and signs that prose has not.
    r"|(?=[^\n]*(?:[<>{}|\"\[\]=]|\w\(|\s-{1,2}\w|\w\.\w|\w/\w))[^\n]*[^.!?:\s]\s*$"
    r"|(?-i:[$a-z][\w-]*)(?: [^\s,.!?]+){0,4}\s*$)|`[^`]+`",
    re.MULTILINE,
)
_PLACEHOLDER = re.compile(r"\[[^\[\]\n]{1,80}\](?![(\[])")
# As in Markdown, no blank stands at the inside of the signs and no digit after them: "$5 or $6".
_FORMULA = re.compile(
    r"(?<!\\)\$(?=\S)[^$\n]*[^\s$-]\$(?!\d)|\\\(.+?\\\)|\\\[|\\begin\{|\\frac|\\boxed|\\sqrt"
)
_EQUATION = re.compile(
    r"[\w)\]}%!\u00b2\u00b3]\s*(?:\\approx|\\equiv|[=\u2248\u2261])\s*[\w({\[\\$+-]"
)
_OPERATOR = re.compile(
    r"\d\s*(?:[-+*/\u00d7\u00f7^=]|\\times|\\cdot|\\div)\s*[\d(a-z\\$]|%|\bof\b.*\bis\b.*\d"
)
_CAPITAL_WORD = re.compile(r"(?<![\w'])[A-Z][A-Z'-]*[A-Z](?![\w'])")
_ONE_CAPITAL = re.compile(r"\b[A-Z]\b")
_EMOJI = re.compile(
    "[\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001f9ff\U0001fa70-\U0001faff"
    "\U0001f1e6-\U0001f1ff\u2600-\u26ff\u2728\u2705\u274c\u2753\u2757\u2764\u2b50\u2714\u2716]"
)
_MAYBE_EMOJI = re.compile(
    "[\u2190-\u21ff\u2300-\u23ff\u2700-\u27bf\u2b00-\u2bff]|(?<!\\w)[:;]-?[)D(P]"
)
_CONTRACTION = re.compile(
    r"\b\w+n['\u2019]t\b|\b\w{1,12}['\u2019](?:re|ll|ve|m|d)\b"
    r"|\b(?:it|that|he|she|what|there|here|let|who|how|where)['\u2019]s\b",
    re.IGNORECASE,
)
# "John's going" is one, "John's dog" is none.
_MAYBE_CONTRACTION = re.compile(
    r"\b\w+['\u2019]s (?:an?|the|not|been|so|too|very|just|always|never|\w+(?:ing|ed))\b"
    r"|\w['\u2019]\w(?<!['\u2019][sS])|\b(?:gonna|wanna|gotta)\b",
    re.IGNORECASE,
)
_HASHTAG = re.compile(r"(?<![\w#&])#[^\W\d_]\w*")
_QUESTION = re.compile(r"[?\uff1f\u061f]")
_ADDRESSED = re.compile(r"\byou(?:r|rs)?\b[^.!?\n]*\?", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_STARS = re.compile(r"^[ \t]*(?:\*[ \t]?){3,}[ \t]*$", re.MULTILINE)
_FIRST_PERSON = re.compile(r"\b(?:I(?:['\u2019](?:m|ve|d|ll))?|my|me|mine|myself)\b(?![.)])")
_MAYBE_FIRST_PERSON = re.compile(r"\b(?:we|our|us|ours|my|i)\b", re.IGNORECASE)
_SECOND_PERSON = re.compile(r"\b(?:you|your|yours|yourself)\b", re.IGNORECASE)
_SPOKEN = re.compile('"[^"\n]{1,300}"|\u201c[^\u201d\n]{1,300}\u201d')


def measure(rule: Rule, answer: Answer) -> bool | None:
    """Whether what is counted is within the bounds; None if readers could count differently."""
    fewest, most = _MEASURES[rule.kind](rule, answer)
    if ABOUT in rule.words:
        assert rule.least is not None
        return _is_about(rule.least, fewest, most)
    least = 0 if rule.least is None else rule.least
    limit = most if rule.most is None else rule.most
    if most < least or fewest > limit:
        return False
    return True if fewest >= least and most <= limit else None


def _is_about(number: int, fewest: int, most: int) -> bool | None:
    if most < (1 - _HARDLY_ABOUT) * number or fewest > (1 + _HARDLY_ABOUT) * number:
        return False
    is_near = fewest >= (1 - _SURELY_ABOUT) * number and most <= (1 + _SURELY_ABOUT) * number
    return True if is_near else None


def _characters(_rule: Rule, answer: Answer) -> Span:
    return len("".join(answer.text.split())), len(answer.text)


def _lines(_rule: Rule, answer: Answer) -> Span:
    shown = len(answer.shown)
    # Lines may be meant as sentences where these are not set apart, and a page breaks them.
    return shown, max(shown, answer.sentences[1]) if shown == 1 else shown


def _bullets(_rule: Rule, answer: Answer) -> Span:
    outer, every = answer.count(LineKind.BULLET)
    # Without bullets, lines that head something could be meant as points.
    heads = 0 if every else len(_BOLD_LINE.findall(answer.outside_code))
    in_lines = len(_BULLET_IN_LINE.findall(answer.outside_code))  # * one * two
    return outer, every + answer.count(LineKind.NUMBERED)[1] + heads + in_lines


def _numbered(_rule: Rule, answer: Answer) -> Span:
    outer, every = answer.count(LineKind.NUMBERED)
    if every == 1:  # "J. Smith wrote it."
        outer = 0
    steps = len(
        re.findall(r"(?i)\b(?:step|stage|point) ?#?\d+|^\W*\d+\s*[-:.)]", answer.text, re.M)
    )
    return outer, max(every, steps)


def _list_items(rule: Rule, answer: Answer) -> Span:
    outer = max(answer.count(LineKind.BULLET)[0], answer.count(LineKind.NUMBERED)[0])
    both = answer.count(LineKind.BULLET, LineKind.NUMBERED)
    # Without a list, items may stand on lines of their own, or in one line.
    loose = len(answer.shown)
    if ON_LINES not in rule.words:
        loose += answer.text.count(",") + answer.text.count(";")
    return (outer, max(both[1], outer)) if both[1] else (0, loose)


def _headings(_rule: Rule, answer: Answer) -> Span:
    outer, every = answer.count(LineKind.HEADING)
    return outer, every + len(_BOLD_LINE.findall(answer.outside_code)) + answer.text.count("<h")


def _tables(_rule: Rule, answer: Answer) -> Span:
    kinds = [LineKind.BLANK, *(line.kind for line in answer.lines)]
    tables = sum(
        kind is LineKind.TABLE and last is not LineKind.TABLE for last, kind in pairwise(kinds)
    )
    has_rule = any(re.match(r"\|?[\s:|-]*-{2,}[\s:|-]*\|?$", line.text) for line in answer.shown)
    maybe = answer.text.count("<table") + answer.text.count("+--") + ("\t" in answer.text)
    in_code = answer.code.count("|") > 2
    return tables if has_rule else 0, tables + maybe + in_code


def _code_blocks(_rule: Rule, answer: Answer) -> Span:
    blocks = answer.code_blocks
    maybe = len(MAYBE_CODE.findall(answer.text)) if not blocks else 0
    return blocks, blocks + maybe


def _comments(_rule: Rule, answer: Answer) -> Span:
    comments = len(_COMMENT.findall(answer.code)) - len(_COMMENT_ON_USE.findall(answer.code))
    has_other_code = not answer.code_blocks
    maybe = len(_MAYBE_COMMENT.findall(answer.code))
    return max(comments, 0), max(comments, maybe) + has_other_code


def _placeholders(_rule: Rule, answer: Answer) -> Span:
    found = len(_PLACEHOLDER.findall(answer.outside_code))
    return found, found + len(_PLACEHOLDER.findall(answer.code))


def _formulas(_rule: Rule, answer: Answer) -> Span:
    found = len(_FORMULA.findall(answer.outside_code))
    return found, found or (0 if _EQUATION.search(answer.outside_code) else 1)


def _equations(_rule: Rule, answer: Answer) -> Span:
    found = len(_EQUATION.findall(answer.outside_code))
    return found, found + len(_OPERATOR.findall(answer.text)) + answer.code_blocks


def _divided_parts(rule: Rule, answer: Answer) -> Span:
    lines = _STARS.findall(answer.text)
    if rule.words and (mark := rule.words[0].replace(" ", "")):
        lines = [line for line in lines if line.replace(" ", "").strip() == mark]
    return len(lines) + 1, len(lines) + 1


def _named_sections(rule: Rule, answer: Answer) -> Span:
    name = re.escape(rule.words[0])
    found = len(re.findall(rf"(?im)^\W*{name}\s+(?:\d+|[ivx]+)\b", answer.text))
    return found, max(found, len(re.findall(rf"(?i)\b{name}\s+\w+\b", answer.text)))


def _capital_words(_rule: Rule, answer: Answer) -> Span:
    found = len(_CAPITAL_WORD.findall(answer.text))
    return found, found + len(_ONE_CAPITAL.findall(answer.text))


def _signs(rule: Rule, answer: Answer) -> Span:
    counts = [sum(map(text.count, rule.words)) for text in (answer.prose, answer.text)]
    if rule.words == ("#",):  # "C#" and "#1" are no hashtags, nor is the sign of a heading
        found = len(_HASHTAG.findall(answer.outside_code))
        return found, max(found, len(_HASHTAG.findall(answer.text)))
    if rule.words == (",",):  # not the sign that groups the digits of a number
        counts[0] -= len(re.findall(r"\d,\d", answer.prose))
    return counts[0], counts[1]


def _letter(rule: Rule, answer: Answer) -> Span:
    found = answer.text.lower().count(rule.words[0])
    return found, found


def _uses_words(rule: Rule, answer: Answer) -> Span:
    """How often the rarest of the words is used: as a word of its own, and as a part of others."""
    words = [word.rstrip(".,") for word in rule.words if word != ABOUT]
    text = " ".join(answer.text.split())
    exact = [len(re.findall(rf"(?i)(?<!\w){re.escape(word)}(?!\w)", text)) for word in words]
    letters = re.sub(r"[\W_]+", "", text).lower()
    loose = [letters.count(re.sub(r"[\W_]+", "", word).lower()) for word in words]
    return min(exact), max(min(exact), min(loose))


def _first_person(_rule: Rule, answer: Answer) -> Span:
    told = _SPOKEN.sub(" ", answer.prose)
    found = len(_FIRST_PERSON.findall(told))
    return found, found + len(_MAYBE_FIRST_PERSON.findall(answer.text))


def _second_person(_rule: Rule, answer: Answer) -> Span:
    found = len(_SECOND_PERSON.findall(_SPOKEN.sub(" ", answer.prose)))
    return found, len(_SECOND_PERSON.findall(answer.text))


def _of_pattern(sure: re.Pattern[str], maybe: re.Pattern[str] | None = None) -> "Measure":
    """Counts a pattern outside code; in code, or where only another matches, it is not sure."""

    def count(_rule: Rule, answer: Answer) -> Span:
        found = len(sure.findall(answer.outside_code))
        others = len(maybe.findall(answer.outside_code)) if maybe else 0
        return found, max(found, len(sure.findall(answer.text))) + others

    return count


def _questions(_rule: Rule, answer: Answer) -> Span:
    """Those that are put to the reader; of others, such as in headings, it is not sure."""
    told = _SPOKEN.sub(" ", answer.prose)
    ends = bool(re.search(r"[?\uff1f\u061f]\W*$", told))
    every = len(_QUESTION.findall(answer.text))
    quoted = every - len(_QUESTION.findall(_SPOKEN.sub(" ", answer.text)))
    return min(every, max(int(ends), len(_ADDRESSED.findall(told)))), every - quoted


Measure = Callable[[Rule, Answer], Span]
_MEASURES: dict[RuleKind, Measure] = {
    RuleKind.WORDS: lambda _rule, answer: answer.words,
    RuleKind.SENTENCES: lambda _rule, answer: answer.sentences,
    RuleKind.PARAGRAPHS: lambda _rule, answer: answer.paragraphs,
    RuleKind.LINES: _lines,
    RuleKind.CHARACTERS: _characters,
    RuleKind.BULLETS: _bullets,
    RuleKind.NUMBERED_ITEMS: _numbered,
    RuleKind.LIST_ITEMS: _list_items,
    RuleKind.HEADINGS: _headings,
    RuleKind.TABLES: _tables,
    RuleKind.CODE_BLOCKS: _code_blocks,
    RuleKind.CODE_COMMENTS: _comments,
    RuleKind.BOLD: _of_pattern(_BOLD, _MAYBE_BOLD),
    RuleKind.HIGHLIGHTS: _of_pattern(_HIGHLIGHT),
    RuleKind.DIVIDED_PARTS: _divided_parts,
    RuleKind.NAMED_SECTIONS: _named_sections,
    RuleKind.PLACEHOLDERS: _placeholders,
    RuleKind.FORMULAS: _formulas,
    RuleKind.EQUATIONS: _equations,
    RuleKind.CAPITAL_WORDS: _capital_words,
    RuleKind.SIGNS: _signs,
    RuleKind.DIGITS: _of_pattern(_DIGIT),
    RuleKind.EMOJI: _of_pattern(_EMOJI, _MAYBE_EMOJI),
    RuleKind.QUESTIONS: _questions,
    RuleKind.CONTRACTIONS: _of_pattern(_CONTRACTION, _MAYBE_CONTRACTION),
    RuleKind.USES_WORDS: _uses_words,
    RuleKind.LETTER: _letter,
    RuleKind.FIRST_PERSON: _first_person,
    RuleKind.SECOND_PERSON: _second_person,
}
MEASURED = frozenset(_MEASURES)
