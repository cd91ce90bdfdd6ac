"""With what an answer is to begin and to end."""

import re

from sysgen_dagster.obedience.recognizing.wording import (
    HARMLESS,
    QUOTE,
    TAIL,
    VAGUE,
    WHOLE_ANSWER,
    Clause,
    form,
    read_ordinal,
    rule,
    subject,
)
from sysgen_dagster.obedience.rules import Rule, RuleKind

_END = (
    r"(?:(?:end|finish|conclude|close|wrap up|sign off|complete)(?: off)?"
    rf"(?: {WHOLE_ANSWER}| the (?:conversation|explanation|solution)| by giving| by"
    rf" stating)?(?: with| by| on| in| as)*"
    r"|the (?:very )?(?:last (?:sentence|line|words?|paragraph)|(?:very )?end) (?:of [a-z ]+"
    r" )?(?:be|read|say|should be|is))"
)
_BEGIN = (
    r"(?:(?:begin|start|open|lead)(?: off)?"
    rf"(?: {WHOLE_ANSWER})?(?: with| by)*"
    r"|the (?:very )?first (?:sentence|line|words?) (?:of [a-z ]+ )?(?:be|read|say))"
)
_CHOICE = rf"(?P<quotes>{QUOTE}(?:(?:, | or |, or ){QUOTE})*)"
_PHRASE = (
    r"(?:(?:the |this |following |exact |words? |word |phrase |sentence |question |line "
    r"|message |text |note ?)*:? ?)?"
)
_SOME = r"(?:(?:a|an|the|your|one|exactly one|some) )?"
_STATES = (
    r"(?:states?|gives?|shows?|contains?|clearly states?|clearly shows?|presents?|provides?"
    r"|restates?"
    r"|includes?|indicates?|indicating|stating|giving|with|answers?|reports?|announces?|expresses?"
    r"|clearly stating|containing)"
)
_RESULT = (
    r"(?:the |your |a )?(?:final |correct |simplified |numerical |numeric |exact |calculated "
    r"|total |main |expected |single )*"
    r"(?:answer or (?:conclusion|result|solution)|answer|result|solution|value|number|total|sum"
    r"|outcome|probability|cost|amount)"
    r"(?: of (?:the )?[a-z]+(?: [a-z]+){0,3})?"
)
_CODE = (
    r"(?:(?:complete|full|final|corrected|modified|updated|working|fixed|whole|improved|refactored"
    r"|python|finished|resulting|revised|optimized) )*(?:code(?: block| snippet| example)?"
    r"|script|function|program"
    r"|implementation|code blocks)(?: itself)?(?: in full)?"
)
_SUMMARIZES = r"(?:summari[sz]es?|sums? up|summari[sz]ing|recaps?|concludes?)"
_ABOUT = r"(?: (?:of|that|about|for|on)? ?[a-z' -]{2,60}(?:, [a-z' -]+){0,3})?"


def _ends_with(found: re.Match[str], clause: Clause) -> Rule:
    return Rule(RuleKind.ENDS_WITH, words=clause.unquote(found["quotes"]))


def _begins_with(found: re.Match[str], clause: Clause) -> Rule:
    return Rule(RuleKind.BEGINS_WITH, words=clause.unquote(found["quotes"]))


def _paragraph(found: re.Match[str], clause: Clause) -> Rule | None:
    words = clause.unquote(found["quotes"])
    number = read_ordinal(found["ordinal"])
    return Rule(RuleKind.PARAGRAPH_BEGINS_WITH, number, None, words) if number else None


_ENDS = (
    form(rf"{_END} {_PHRASE}{_CHOICE}{TAIL}", _ends_with),
    form(
        rf"{_END} {_SOME}{HARMLESS}{VAGUE}(?:open |open-ended |follow-up |reflective "
        rf"|thought-provoking "
        rf"|rhetorical |closing |friendly )*question(?P<what> (?:for|to) (?:the )?(?:user"
        rf"|reader|student|audience|them|me))?{TAIL}",
        rule(RuleKind.ENDS_WITH_QUESTION),
    ),
    form(
        rf"{_END} {_SOME}(?:[a-z-]+ )?question (?:that|to|about|which|for|inviting|asking)"
        rf" [a-z' ,-]+",
        rule(RuleKind.ENDS_WITH_QUESTION),
        is_whole=False,
    ),
    form(
        rf"{_END} {_SOME}{_CODE}{TAIL}",
        rule(RuleKind.ENDS_WITH_CODE),
    ),
    form(
        rf"{_END} {_SOME}{HARMLESS}{VAGUE}(?:final |closing |complete |last )?(?:sentence"
        rf"|statement|line)"
        rf" (?:(?:that|which) )?(?:clearly )?{_STATES} {_RESULT}(?: to the (?:problem"
        rf"|question))?{TAIL}",
        rule(RuleKind.ENDS_WITH_RESULT_SENTENCE),
    ),
    form(
        rf"{_END} {VAGUE}{_RESULT}{TAIL}",
        rule(RuleKind.ENDS_WITH_RESULT),
    ),
    form(
        rf"{_END} {_SOME}{HARMLESS}{VAGUE}(?:final |closing |complete |last )?(?:sentence"
        rf"|statement)"
        rf" (?:that|which)? ?(?:clearly |briefly )?{_SUMMARIZES}(?:(?P<result> the (?:solution"
        rf"|result|answer|calculation)s?)|{_ABOUT})",
        lambda found, _clause: Rule(
            RuleKind.ENDS_WITH_SUMMARY,
            words=("sentence", "result") if found["result"] else ("sentence",),
        ),
    ),
    form(
        rf"{_END} {_SOME}{HARMLESS}{VAGUE}(?:final |closing |overall |one-sentence )?(?:summary"
        rf"|recap|conclusion|concluding (?:paragraph|statement|sentence|remark)"
        rf"|takeaways?){_ABOUT}",
        rule(RuleKind.ENDS_WITH_SUMMARY),
    ),
    form(
        rf"{_END} (?:a )?(?:complete |full |whole )?sentence{TAIL}",
        rule(RuleKind.ENDS_WITH_SENTENCE),
    ),
    form(
        rf"{_END} {_SOME}(?:(?!return|print|import|sql|select|case|if|code|assert)[a-z-]+"
        rf" )?(?:sentence|statement)(?: (?:that|which|about|of|on|explaining|describing) [a-z'"
        rf" ,-]+)?",
        rule(RuleKind.ENDS_WITH_SENTENCE),
        is_whole=False,
    ),
    form(
        rf"{_END} {_SOME}{HARMLESS}{VAGUE}(?P<part>table|list|bulleted list|numbered list)(?:"
        rf" of [a-z ]+)?{TAIL}",
        lambda found, _clause: Rule(
            RuleKind.ENDS_WITH_PART, words=("table" if found["part"] == "table" else "list",)
        ),
    ),
)
_BEGINS = (
    form(rf"{_BEGIN} {_PHRASE}{_CHOICE}{TAIL}", _begins_with),
    form(
        rf"(?:{_BEGIN} {_SOME}{HARMLESS}{VAGUE}(?:greeting|hello|salutation)"
        rf"|(?:greet|welcome|say hello to) (?:the )?(?:user|customer|reader|student|guest"
        rf"|client)s?(?: first)?){TAIL}",
        rule(RuleKind.BEGINS_WITH_GREETING),
    ),
    form(
        rf"{_BEGIN} {_SOME}{HARMLESS}{VAGUE}(?P<part>question|heading|title|headline|list|table"
        rf"|code block|quote)"
        rf"{TAIL}",
        lambda found, _clause: Rule(RuleKind.BEGINS_WITH_PART, words=(found["part"],)),
    ),
    form(
        r"(?:start |begin )?the (?P<ordinal>[a-z0-9]+) paragraph (?:with|start with|begin with"
        r"|starts with|begins with)"
        rf" (?:the word )?(?P<quotes>{QUOTE})",
        _paragraph,
    ),
)
_NOTHING_FOLLOWS = (
    form(
        r"(?:no|nothing|not)(?: other| additional| further)?(?: words?| text|thing)?(?: else)?"
        r" (?:should |must )?(?:follow|come after)s?"
        rf" (?:this phrase|this|it|that|{QUOTE})",
        lambda *_: (),
    ),
)
_POSTSCRIPTS = (
    form(
        r"(?:(?:at the end(?: of [a-z ]+)?,? )?(?:add|include|write|explicitly add|append|end"
        r" with|end [a-z ]+ with)) (?:a )?"
        rf"(?:post ?script|p\.s\.|note|p\.p\.s)(?: (?:that )?(?:starts?|starting|beginning) with"
        rf" (?P<sign>(?:p\.p\.s|p\.s)\.?|{QUOTE}))?(?: at the end(?: of [a-z ]+)?)?{TAIL}",
        lambda found, clause: (
            Rule(
                RuleKind.POSTSCRIPT,
                words=clause.unquote(found["sign"] or "")
                or ((found["sign"] or "p.s").rstrip("."),),
            )
            if "note" not in found[0] or found["sign"]
            else None
        ),
    ),
)
SUBJECTS = (
    subject(
        r"^(?:end|finish|conclu|clos|wrap|sign|complete|the$)",
        *_ENDS,
        beside=r"\b(?:end|finish|conclu|clos|wrap|sign|complete|last)",
    ),
    subject(r"^(?:no$|nothing|not$)", *_NOTHING_FOLLOWS, beside=r"follow|come"),
    subject(
        r"^(?:at$|add|include|write|append|explicitly|end)",
        *_POSTSCRIPTS,
        beside=r"script|p\.s|note",
    ),
    subject(
        r"^(?:begin|start|open|lead|the$|greet|welcome|say)",
        *_BEGINS,
        beside=r"\b(?:begin|start|open|lead|first|paragraph|greet|welcome|hello)",
    ),
)
