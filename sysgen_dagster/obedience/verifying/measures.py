"""What is counted in an answer, for the kinds of rules that state a number."""

import re
import sys
import unicodedata
from collections.abc import Callable
from itertools import pairwise

from sysgen_dagster.obedience.recognizing.wording import ABOUT, ON_LINES, fold
from sysgen_dagster.obedience.rules import Rule, RuleKind
from sysgen_dagster.obedience.verifying.answers import (
    FEW_SIGNS,
    Answer,
    Line,
    LineKind,
    Span,
    is_table_rule,
    times_said,
)

# "About 100 words": within a fifth for every reader, beyond a half for none.
# Pronouns are counted in English. Of a text that is too short to tell its language, those that are
# found count, but others may be there; in other languages any number may.
_MAYBE_ENGLISH = {"en", None}
_ANY_NUMBER: Span = (0, sys.maxsize)
_SURELY_ABOUT, _HARDLY_ABOUT = 0.2, 0.5

# After a digit or a letter, asterisks are powers, and what stands close to underlines is a name.
_BOLD = re.compile(
    r"(?<![\w*)])\*\*(?=[^\s*])[^*\n]*[^\s*]\*\*(?!\*)|(?<!\w)__[^_\n]{1,100}\s[^_\n]{0,100}__(?!\w)"
    r"|<(?:b|strong)>"
)
_MAYBE_BOLD = re.compile(
    r"\*\*[^*\n]{0,100}[^\d\W][^*\n]{0,100}\*\*|(?<!\w)__[^_\n]+__(?!\w)"
    r"|\*{3}[^*\n]+\*{3}|[\U0001d400-\U0001d7ff]|\\(?:textbf|mathbf)|<(?:b|strong) |font-weight"
)
_HIGHLIGHT = re.compile(r"(?<![\w*)])\*\*[^*\n]+\*\*|(?<![*\w])\*[^*\s](?:[^*\n]*[^*\s])?\*(?!\*)")
_MAYBE_HIGHLIGHT = re.compile(r"(?<!\w)_[^_\n]+_(?!\w)|==[^=\n]+==|<(?:em|i|b|strong|mark)>")
_BULLET_IN_LINE = re.compile(r"(?<=\S) [*\u2022] (?=\S)")
_BOLD_LINE = re.compile(
    r"^[ \t]*(?:\*\*[^*\n]+\*\*|__[^_\n]+__):?[ \t]*$|^[A-Z][^.!?\n]{0,60}:[ \t]*$", re.MULTILINE
)
# A line that begins with another sign than those of Markdown: an arrow, a check mark, an emoji.
_MAYBE_BULLET = re.compile(
    r"^[ \t]*(?:[^\w\s\"'(\[{<$\\|#>`*_~]{1,3}[ \t]+\S|[-*+](?=[^\W\d_])(?![^\n]*\*)"
    r"|(?:\\[-*+]|[>~o])[ \t]+\S"
    r"|[^\x00-\x7f\w\s\u00a1\u00ab\u00bf\u2018-\u201e\u2026\u3008-\u3011])",
    re.MULTILINE,
)
# Other ways to number a line: "(1)", "1:", "\u2460", "II.", "#1".
_MAYBE_NUMBERED = re.compile(
    r"\b(?:step|stage|point) ?#?\d|^[^\w\n]{0,20}(?:\d+[ \t\\\ufe0f\u20e3]*"
    r"[-:.)\u3001\uff0e\uff09\uff1a]|\d\ufe0f?\u20e3|#\d|[\u2460-\u24ff\u2776-\u2793]"
    r"|[ivx]{1,5}[.)][ \t]|(?:first|second|third|one|two|three)(?:ly)?[:.)]"
    r"|[\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341]{1,3}[\u3001\uff0e.])"
    r"|<li",
    re.IGNORECASE | re.MULTILINE,
)
_SENTENCE_ENDS = tuple(".!?,;\u2026\u3002\uff01\uff1f\u0964")
_LONGEST_HEADING = 80
# Within a line, "//", "%" and "--" are operators and options in some languages, and "#main" at its
# beginning a rule of CSS. Whether a docstring is a comment, readers see differently.
_COMMENT = re.compile(
    r"^\s*(?://|--\s|%\s|;;|#+ )|(?:^|\s)(?:#+ (?=\S)|/\*|<!--)|[;{}]\s*//|[;)]\s*--\s"
    r"|\)\s*//(?!\s*\w+\s*(?:$|[-+*/),\]]))"  # "(a + b) // 2" divides
)
# A comment that says what is printed, or that a use follows, explains nothing to some readers.
_COMMENT_ON_USE = re.compile(
    r"(?<!#)(?:#+|//)\s*(?:output|prints|returns|expected|results?|(?:test|example|sample)s?|usage"
    r"|call|run)\b",
    re.IGNORECASE,
)
# The last ones are those of Lisp, Visual Basic, Haskell, Fortran, Pascal, and of batch files.
_MAYBE_COMMENT = re.compile(
    r"//|%|--|#|;;|\"\"\"|'''|/\*|(?:^|[ \t]);|(?:^|[ \t])'[^'\n]*$|\{-|(?:^|[ \t])!|\(\*(?!\))"
    r"|<!--|^[ \t]*(?:@?rem\b|::|dnl\b|[c*\"][ \t]|=begin|\\ )",
    re.IGNORECASE | re.MULTILINE,
)
MAYBE_CODE = re.compile(
    r"^[ \t]*+(?:def |class |import |from \w+ import|for .*[:{]\s*$|if .*[:{]\s*$|return\b|print\("
    r"|#include|public |const |let |var"
    r" |function |SELECT |<\w+>|\w+ = .+[;)]\s*$|.*;\s*$"
    # Commands and lines of any language: no sentence, and signs that prose has not.
    r"|(?=[^\n]*(?:[<>{}|\"\[\]=]|\w\(|\s-{1,2}\w|\w\.\w|\w/\w))[^\n]*[^.!?:\s]\s*$"
    r"|(?-i:[$a-z][\w-]*)(?: [^\s,.!?]+){0,4}\s*$)|`[^`]+`",
    re.MULTILINE,
)
# A row of columns that other signs or wide gaps set apart.
_MAYBE_ROW = re.compile(r"^(?=[^\n]*(?:[|\u2500-\u257f]|\S {3,}\S))", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\[[^\[\]\n]{1,80}\](?![(\[])")
_MAYBE_PLACEHOLDER = re.compile(
    r"\[[^\[\]\n]{1,80}\]|[{<\uff3b\u3010][^{}<>\n]{1,80}[}>\uff3d\u3011]|_{3,}"
)
# As in Markdown, no blank stands at the inside of the signs and no digit after them: "$5 or $6".
_FORMULA = re.compile(
    r"(?<!\\)\$(?=\S)[^$\n]*[^\s$-]\$(?!\d)|\\\(.{1,400}?\\\)|\\\[|\\begin\{|\\frac|\\boxed|\\sqrt"
)
_EQUATION = re.compile(
    r"[\w)\]}%!\u00b2\u00b3]\s*(?:\\approx|\\equiv|[=\u2248\u2261])\s*[\w({\[\\$+-]"
)
_OPERATOR = re.compile(
    r"\d\s*(?:[-+*/\u00d7\u00f7^=]|\\times|\\cdot|\\div)\s*[\d(a-z\\$]|%|\bof\b.{0,80}\bis\b.{0,80}\d"
)
_CAPITAL_WORD = re.compile(r"(?<![\w'])[A-Z][A-Z'-]*[A-Z](?![\w'])")
_MAYBE_CAPITALS = re.compile(r"[^\W\d_]+")
# Signs that are shown as emoji unless a variation selector says otherwise, and others with one.
_EMOJI_SIGN = (
    "(?:[\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7eb\U0001f7f0"
    "\U0001f900-\U0001f9ff\U0001fa70-\U0001faff\U0001f004\U0001f0cf\U0001f18e\U0001f191-\U0001f19a"
    "\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1"
    "\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705"
    "\u270a\u270b\u2728\u274c\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50"
    "\u2b55](?!\ufe0e)|[\xa9\xae\u203c-\u3299](?=\ufe0f))"
)
# What is shown as one sign: flags, digits in a frame, shades of skin, people that are joined.
_ONE_EMOJI = (
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3"
    f"|{_EMOJI_SIGN}\ufe0f?[\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]*)"
)
_EMOJI = re.compile(f"{_ONE_EMOJI}(?:\u200d(?:{_ONE_EMOJI}|[\u2600-\u27bf]\ufe0f?))*")
_PARTS_OF_EMOJI = re.compile(f"{_ONE_EMOJI}|(?<=\u200d)[\u2600-\u27bf]")
_MAYBE_EMOJI = re.compile(
    "[\u203c\u2049\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d"
    "\u3297\u3299\U0001f000-\U0001faff]"
    "|(?<![\\w:;])[:;=]-?[)D(P3]|<3|:[a-z_]+:|[(][^\\w\\s()]{1,5}[)]|\\^_+\\^|(?<!\\w)x[dD]\\b"
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
# "?" and its like, ";" after Greek, and signs that stand beside them.
MAYBE_QUESTION = re.compile(
    r"[?\uff1f\u061f\u037e\u055e\u1367\u203d\u2047-\u2049\ufe56\xbf]"
    r"|(?<=[\u0370-\u03ff\u1f00-\u1fff]);"
)
_ASKED = re.compile(r"(?:^|(?<=[.!?\n]))([^.!?\n]*)\?")
_ADDRESSED = re.compile(r"\byou(?:r|rs)?\b", re.IGNORECASE)
_WORD = re.compile(r"\w")
_DIGIT = re.compile(r"\d(?!\ufe0f?\u20e3)")
_MAYBE_DIGIT = re.compile(
    r"[\xb2\xb3\xb9\xbc-\xbe\u2070-\u2089\u2150-\u218b\u2460-\u24ff\u2776-\u2793\u3007]|\d"
)
# Signs that some call by the same name, beside those that Unicode says are one of another shape.
_LIKE_SIGNS = {
    ",": "\u3001\u060c\u055d\u1363\u1802\u2e41",
    "!": "\xa1\u203d\u055c",
    "?": "\xbf\u061f\u203d\u055e\u1367\u037e",
    ";": "\u061b\u037e\u1364",
    ":": "\u2236\u02d0\u1365\u0589",
    "(": "\u3010\u3014\u2768",
    ")": "\u3011\u3015\u2769",
    "*": "\u2217\u204e\u2731\xd7",
    "\u2014": "\u2013\u2015\u2e3a\u2e3b\ufe58",
}
_LIKE_QUOTES = re.compile(
    r"[\u2018-\u201f\xab\xbb\u2039\u203a\u300c-\u300f\u301d-\u301f]|(?<!\w)'|'(?!\w)"
)
# Where a sign is none of the text: it groups digits, is an operator, or a face.
_NO_SIGN = {
    ",": re.compile(r"(?<=\d),(?=\d)"),
    ".": re.compile(r"(?<=\d)\.(?=\d)"),
    ":": re.compile(r"(?<=\d):(?=\d)|(?<!\w):(?=-?[)D(P3])"),
    ";": re.compile(r"(?<!\w);(?=-?[)D(P])|(?<=&)\w{2,8};"),
    "!": re.compile(r"(?<=[\d)])!|(?<![^\W_])(?<=[A-Za-z])!|!(?==)|(?<=\b[A-Za-z])!"),
    "(": re.compile(r"(?<=[:;=])\(|(?<=[:;]-)\("),
    ")": re.compile(r"(?<=[:;=])\)|(?<=[:;]-)\)"),
}
_STARS = re.compile(r"^[ \t]*(?:\*[ \t]?){3,}[ \t]*$", re.MULTILINE)
# "World War I was long", "where I is the current", and a mine do not speak of the writer.
_FIRST_PERSON = re.compile(
    r"\b(?:I['\u2019](?:m|ve|d|ll)|my|me|myself)\b"
    r"|(?:^|(?<=[.!?,;:\u2014] )|(?<=\b(?:as|so|if|or) )|(?<=\b(?:and|but) )"
    r"|(?<=\b(?:that|when|what|then|Then) ))I (?!is\b|=)[a-z]",
    re.MULTILINE,
)
_MAYBE_FIRST_PERSON = re.compile(
    r"\b(?:i|my|me|mine|myself|we|our|ours|us|ourselves|let['\u2019]?s)\b", re.IGNORECASE
)
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
    heads += answer.text.count("<li")
    heads += sum(
        line.kind in {LineKind.TEXT, LineKind.DIVIDER} and bool(_MAYBE_BULLET.match(line.text))
        for line in answer.lines
    )
    in_lines = len(_BULLET_IN_LINE.findall(answer.outside_code))  # * one * two
    return outer, every + answer.count(LineKind.NUMBERED)[1] + heads + in_lines


def _numbered(_rule: Rule, answer: Answer) -> Span:
    outer, every = answer.count(LineKind.NUMBERED)
    return outer, max(every, len(_MAYBE_NUMBERED.findall(answer.text)))


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
    maybe = sum(_may_head(line, after) for line, after in pairwise(answer.shown))
    # A last line heads nothing, unless it is set as a heading is.
    maybe += len(_BOLD_LINE.findall(answer.outside_code)) + answer.text.count("<h")
    return outer, every + maybe


def _may_head(line: Line, after: Line) -> bool:
    """Whether a short line that ends no sentence stands above another one."""
    is_short = len(line.text) <= _LONGEST_HEADING and not line.text.endswith(_SENTENCE_ENDS)
    if line.kind is LineKind.TEXT:
        return is_short
    is_numbered = line.kind in {LineKind.NUMBERED, LineKind.LETTERED}
    return is_numbered and is_short and after.kind is not line.kind


def _tables(_rule: Rule, answer: Answer) -> Span:
    kinds = [LineKind.BLANK, *(line.kind for line in answer.lines)]
    tables = sum(
        kind is LineKind.TABLE and last is not LineKind.TABLE for last, kind in pairwise(kinds)
    )
    has_rule = any(
        line.kind is LineKind.TABLE and is_table_rule(line.text) for line in answer.shown
    )
    maybe = answer.text.count("<table") + answer.text.count("+--") + ("\t" in answer.text)
    maybe += len(_MAYBE_ROW.findall(answer.outside_code)) > 1
    in_code = answer.code.count("|") > 2
    return tables if has_rule else 0, tables + maybe + in_code


def _code_blocks(_rule: Rule, answer: Answer) -> Span:
    blocks = answer.code_blocks
    maybe = len(MAYBE_CODE.findall(answer.text)) if not blocks else 0
    return blocks, blocks + maybe


def _comments(_rule: Rule, answer: Answer) -> Span:
    comments = sum(map(_has_comment, answer.code.split("\n")))
    comments -= len(_COMMENT_ON_USE.findall(answer.code))
    has_other_code = not answer.code_blocks
    maybe = len(_MAYBE_COMMENT.findall(answer.code))
    return max(comments, 0), max(comments, maybe) + has_other_code


def _has_comment(line: str) -> bool:
    """Whether a line has a comment that does not stand within a text between quotation marks."""
    found = _COMMENT.search(line)
    before = line[: found.start()] if found else ""
    return found is not None and not (before.count('"') % 2 or before.count("'") % 2)


def _placeholders(_rule: Rule, answer: Answer) -> Span:
    found = len(_PLACEHOLDER.findall(answer.outside_code))
    return found, found + len(_MAYBE_PLACEHOLDER.findall(answer.text))


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
    found = len(re.findall(rf"(?im)^{FEW_SIGNS}{name}\s+(?:\d+|[ivx]+)\b", answer.text))
    return found, max(found, len(re.findall(rf"(?i)\b{name}\s+\w+\b", answer.text)))


def _capital_words(_rule: Rule, answer: Answer) -> Span:
    found = len(_CAPITAL_WORD.findall(answer.text))
    every = sum(word.isupper() for word in _MAYBE_CAPITALS.findall(answer.text))
    return found, max(found, every)


def _signs(rule: Rule, answer: Answer) -> Span:
    """Those of prose, and all that look like them or are called so in other scripts."""
    if rule.words == ("#",):  # "C#" and "#1" are no hashtags, nor is the sign of a heading
        found = len(_HASHTAG.findall(answer.outside_code))
        every = len(_HASHTAG.findall(answer.text)) + answer.text.count("\uff03")
        return found, max(found, every)
    sure = sum(answer.prose.count(sign) - _count_no_sign(sign, answer.prose) for sign in rule.words)
    most = sum(map(answer.text.count, rule.words))
    if not answer.text.isascii():
        shapes = "".join(
            char for char in answer.text if not char.isascii() and char not in rule.words
        )
        like = "".join(_LIKE_SIGNS.get(sign, "") for sign in rule.words)
        most += sum(map(shapes.count, like))
        most += sum(map(unicodedata.normalize("NFKC", shapes).count, rule.words))
        # Of all punctuation, each sign of another script is one.
        if "." in rule.words:
            most += sum(unicodedata.category(char).startswith("P") for char in shapes)
    if '"' in rule.words:
        most += len(_LIKE_QUOTES.findall(answer.text))
    if "\u2014" in rule.words:
        most += answer.text.count("--")
    if "." in rule.words:
        most += len(re.findall(r"[^\w\s]", answer.text))
    if "?" in rule.words:
        most += len(MAYBE_QUESTION.findall(answer.text))
    return max(sure, 0), max(sure, most)


def _count_no_sign(sign: str, text: str) -> int:
    pattern = _NO_SIGN.get(sign)
    return len(pattern.findall(text)) if pattern else 0


def _letter(rule: Rule, answer: Answer) -> Span:
    found = answer.text.lower().count(rule.words[0])
    return found, found


def _uses_words(rule: Rule, answer: Answer) -> Span:
    """How often the rarest of the words is used: as a word of its own, and as a part of others."""
    words = [word.lower().rstrip(".,") for word in rule.words if word != ABOUT]
    text = " ".join(fold(answer.text).split()).lower()
    exact = [times_said(word, text) for word in words]
    letters = re.sub(r"[\W_]+", "", text)
    loose = [letters.count(re.sub(r"[\W_]+", "", word)) for word in words]
    return min(exact), max(min(exact), min(loose))


def _first_person(_rule: Rule, answer: Answer) -> Span:
    if answer.language not in _MAYBE_ENGLISH:
        return _ANY_NUMBER
    told = _SPOKEN.sub(" ", answer.prose)
    found = len(_FIRST_PERSON.findall(told))
    every = max(found, len(_MAYBE_FIRST_PERSON.findall(answer.text)))
    return found, every if answer.language else sys.maxsize


def _second_person(_rule: Rule, answer: Answer) -> Span:
    if answer.language not in _MAYBE_ENGLISH:
        return _ANY_NUMBER
    found = len(_SECOND_PERSON.findall(_SPOKEN.sub(" ", answer.prose)))
    every = len(_SECOND_PERSON.findall(answer.text))
    return found, every if answer.language else sys.maxsize


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
    last = max(map(told.rfind, "?\uff1f\u061f"))
    ends = last >= 0 and not _WORD.search(told, last)
    addressed = sum(bool(_ADDRESSED.search(asked)) for asked in _ASKED.findall(told))
    every = len(MAYBE_QUESTION.findall(_SPOKEN.sub(" ", answer.text)))
    return min(every, max(int(ends), addressed)), every


def _emoji(_rule: Rule, answer: Answer) -> Span:
    """As they are shown; joined ones may be shown apart, and others not as emoji."""
    others = len(_MAYBE_EMOJI.findall(_EMOJI.sub(" ", answer.outside_code)))
    most = len(_PARTS_OF_EMOJI.findall(answer.text))
    return len(_EMOJI.findall(answer.outside_code)), most + others


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
    RuleKind.HIGHLIGHTS: _of_pattern(_HIGHLIGHT, _MAYBE_HIGHLIGHT),
    RuleKind.DIVIDED_PARTS: _divided_parts,
    RuleKind.NAMED_SECTIONS: _named_sections,
    RuleKind.PLACEHOLDERS: _placeholders,
    RuleKind.FORMULAS: _formulas,
    RuleKind.EQUATIONS: _equations,
    RuleKind.CAPITAL_WORDS: _capital_words,
    RuleKind.SIGNS: _signs,
    RuleKind.DIGITS: _of_pattern(_DIGIT, _MAYBE_DIGIT),
    RuleKind.EMOJI: _emoji,
    RuleKind.QUESTIONS: _questions,
    RuleKind.CONTRACTIONS: _of_pattern(_CONTRACTION, _MAYBE_CONTRACTION),
    RuleKind.USES_WORDS: _uses_words,
    RuleKind.LETTER: _letter,
    RuleKind.FIRST_PERSON: _first_person,
    RuleKind.SECOND_PERSON: _second_person,
}
MEASURED = frozenset(_MEASURES)
