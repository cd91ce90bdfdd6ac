"""What is counted in an answer, for the kinds of rules that state a number."""

import re
from collections import Counter
from itertools import pairwise

from sysgen_dagster.obedience.recognizing.wording import ABOUT, ON_LINES
from sysgen_dagster.obedience.rules import Rule, RuleKind
from sysgen_dagster.obedience.verifying import signs
from sysgen_dagster.obedience.verifying.answers import FEW_SIGNS, Answer, Span
from sysgen_dagster.obedience.verifying.lines import LEAST_INDENT, Line, LineKind, is_table_rule
from sysgen_dagster.obedience.verifying.signs import Measure, of_pattern

# "About 100 words": within a fifth for every reader, beyond a half for none.
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
_ITEMS = {LineKind.BULLET, LineKind.NUMBERED}
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
# Numbers, several things, a year, a box to tick and a note on the text stand for nothing else.
_PLACEHOLDER = re.compile(
    r"\[(?=[^\]\n]*[^\W\d_])(?![^\]\n]*(?:,|\d{4}|=))(?!(?:[a-zA-Z]|sic|\W*\d*\W*)\])"
    r"[^\[\]\n]{1,80}\](?![(\[:])"
)
_MAYBE_PLACEHOLDER = re.compile(
    r"\[[^\[\]\n]{1,80}\]|[{<\uff3b\u3010][^{}<>\n]{1,80}[}>\uff3d\u3011]|_{3,}"
)
# As in Markdown, no blank stands at the inside of the signs and no digit after them: "$5 or $6".
_FORMULA = re.compile(
    r"(?<!\\)\$(?=\S)(?!\d[\d.,]*(?:[,;/]|\s+[a-zA-Z]{2}))[^$\n]*[^\s$-]\$(?!\d)|\\\(.{1,400}?\\\)|\\\[|\\begin\{|\\frac|\\boxed|\\sqrt"
)
_EQUATION = re.compile(
    r"[\w)\]}%!\u00b2\u00b3]\s*(?:\\approx|\\equiv|[=\u2248\u2261])\s*[\w({\[\\$+-]"
)
_OPERATOR = re.compile(
    r"\d\s*(?:[-+*/\u00d7\u00f7^=]|\\times|\\cdot|\\div)\s*[\d(a-z\\$]|%|\bof\b.{0,80}\bis\b.{0,80}\d"
)
_STARS = re.compile(r"^[ \t]*(?:\*[ \t]?){3,}[ \t]*$", re.MULTILINE)


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
    apart = {LineKind.DIVIDER, LineKind.HEADING}
    fewest = sum(line.kind not in apart and not is_table_rule(line.text) for line in answer.shown)
    # Lines may be meant as sentences where these are not set apart, and a page breaks them.
    return fewest, max(shown, answer.sentences[1]) if shown == 1 else shown


def _bullets(_rule: Rule, answer: Answer) -> Span:
    _, every = answer.count(LineKind.BULLET)
    # Without bullets, lines that head something could be meant as points.
    heads = 0 if every else len(_BOLD_LINE.findall(answer.outside_code))
    heads += answer.text.count("<li")
    heads += sum(
        line.kind in {LineKind.TEXT, LineKind.DIVIDER} and bool(_MAYBE_BULLET.match(line.text))
        for line in answer.lines
    )
    in_lines = len(_BULLET_IN_LINE.findall(answer.outside_code))  # * one * two
    fewest = min(_of_marks(answer, LineKind.BULLET))
    return fewest, every + answer.count(LineKind.NUMBERED)[1] + heads + in_lines


def _numbered(_rule: Rule, answer: Answer) -> Span:
    outer, every = answer.count(LineKind.NUMBERED)
    return outer, max(every, len(_MAYBE_NUMBERED.findall(answer.text)))


def _list_items(rule: Rule, answer: Answer) -> Span:
    of_marks = _of_marks(answer, *_ITEMS)
    outer = min(of_marks)
    # With text between them, each list may be of one item.
    if of_marks[0] and (lists := _lists(answer)) > 1:
        outer = min(outer, lists)
    both = answer.count(LineKind.BULLET, LineKind.NUMBERED)
    # Without a list, items may stand on lines of their own, or in one line.
    loose = len(answer.shown)
    if ON_LINES not in rule.words:
        loose += answer.text.count(",") + answer.text.count(";")
    return (outer, max(both[1], outer)) if both[1] else (0, loose)


def _of_marks(answer: Answer, *kinds: LineKind) -> list[int]:
    """How many items have each mark: those of one may belong to those of another."""
    marks = Counter(
        line.mark if line.kind is LineKind.BULLET else "1."
        for line in answer.sure
        if line.kind in kinds
    )
    return list(marks.values()) or [0]


def _lists(answer: Answer) -> int:
    """Items that stand below one another, as one; indented lines belong to the item above."""
    outer = [line.kind in _ITEMS for line in answer.shown if line.indent < LEAST_INDENT]
    return sum(is_item and not last for last, is_item in pairwise([False, *outer]))


def _headings(_rule: Rule, answer: Answer) -> Span:
    outer, every = answer.count(LineKind.HEADING)
    marks = [line.mark for line in answer.sure if line.kind is LineKind.HEADING]
    # A title above the others need not count as one of them.
    outer -= outer > 1 and min(marks) == marks[0] and marks.count(marks[0]) == 1
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


_MEASURES: dict[RuleKind, Measure] = {
    **signs.MEASURES,
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
    RuleKind.BOLD: of_pattern(_BOLD, _MAYBE_BOLD),
    RuleKind.HIGHLIGHTS: of_pattern(_HIGHLIGHT, _MAYBE_HIGHLIGHT),
    RuleKind.DIVIDED_PARTS: _divided_parts,
    RuleKind.NAMED_SECTIONS: _named_sections,
    RuleKind.PLACEHOLDERS: _placeholders,
    RuleKind.FORMULAS: _formulas,
    RuleKind.EQUATIONS: _equations,
}
MEASURED = frozenset(_MEASURES)
