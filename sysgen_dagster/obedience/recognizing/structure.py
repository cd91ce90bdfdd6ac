"""The form of an answer: lists, headings, tables, code, JSON, bold text, sections."""

import re

from sysgen_dagster.obedience.recognizing.wording import (
    ANSWER,
    COUNT,
    DO,
    HARMLESS,
    NO,
    ON_LINES,
    QUOTE,
    TAIL,
    VAGUE,
    Clause,
    Form,
    Make,
    Subject,
    count_rule,
    counted,
    form,
    has,
    has_no,
    rule,
)
from sysgen_dagster.obedience.rules import Rule, RuleKind

_OBJECT = (
    rf"(?: (?:{ANSWER}|(?:the|your|all|any)(?: [a-z]+)? (?:data|information|results?|findings|steps"
    r"|points|comparison|content|items|options|instructions|ideas|details)))?"
)
_IN = rf"(?:{DO}{_OBJECT}(?: (?:in|as|with|using|into|of|by using))*|in|as|with)"
# What a form is used for: an answer that has the form uses it for something of the kind.
_PURPOSE = (
    r"(?: (?:to|for|when|in which to|that) ?(?:list|listing|organize|present|show|outline"
    r"|highlight|separate|break down|structure|summarize|presenting|organizing|emphasize|key"
    r"|enumerate|describe|the key|the main|main|important|each|each of|different|all|readability"
    r"|clarity|explain|your)\b[a-z ,'-]{0,80})?"
)
# The names of a part, and what is counted of it.
_PARTS = {
    r"(?:bullet(?:ed)?[ -](?:points?|lists?|items?)|bullets?|(?:bulleted|unordered) (?:lists?"
    r"|format)|bullet(?:ed)?[ -]point (?:lists?|format|form)|dash(?:ed)? lists?)": RuleKind.BULLETS,
    r"(?:(?:numbered|ordered|enumerated) (?:lists?|steps|items|points|format)|numbered step"
    r" format)": RuleKind.NUMBERED_ITEMS,
    r"(?:(?:a )?lists?|list (?:format|form)|itemized lists?)": RuleKind.LIST_ITEMS,
    r"(?:(?:section |markdown )?(?:sub)?headings?|(?:section )?headers?|subheadings?)"
    r"": RuleKind.HEADINGS,
    r"(?:(?:markdown )?tables?|table (?:format|form)|tabular (?:format|form))": RuleKind.TABLES,
    r"(?:(?:fenced )?code[ -](?:blocks?|snippets?|fences?|examples?|samples?)"
    r"|snippets? of code|examples? of code|(?:markdown )?code (?:block )?format(?:ting)?"
    r")": RuleKind.CODE_BLOCKS,
    r"(?:(?:python|javascript|java|c\+\+|sql|bash|shell|rust|go|ruby|c#|typescript|php) (?:code"
    r"|scripts?|functions?|code (?:blocks?|snippets?|examples?)))"
    r"": RuleKind.CODE_BLOCKS,
    r"(?:(?:code |inline )?comments(?: (?:in|to|within) (?:the|your) code)?(?: to explain [a-z"
    r" ]+)?)"
    r"": RuleKind.CODE_COMMENTS,
    r"(?:bold(?:face)?(?: (?:text|type|font|formatting|letters|print))?|bolded text"
    r"|bold key (?:terms|words|points))": RuleKind.BOLD,
    r"(?:latex(?: (?:notation|format|formatting|formulas|syntax|math))?)": RuleKind.FORMULAS,
    r"(?:(?:an? )?equations?)": RuleKind.EQUATIONS,
    r"(?:placeholders(?: (?:in|represented by) square brackets.*)?)": RuleKind.PLACEHOLDERS,
}


def _of_part(part: str, kind: RuleKind) -> tuple[Form, ...]:
    some = rf"(?:(?:a|an|some|the|at least one|multiple|several) )?{HARMLESS}{VAGUE}"
    return (
        form(rf"(?:{_IN} )?{some}{part}{_PURPOSE}{TAIL}", has(kind)),
        form(rf"{NO} {part}{TAIL}", has_no(kind)),
    )


_ITEMS = {
    r"bullet(?:ed)?[ -]?(?:points?|items?)|bullets": RuleKind.BULLETS,
    r"numbered (?:steps|items|points)|steps": RuleKind.NUMBERED_ITEMS,
    r"list items|items|points|(?:tips|reasons|ideas|suggestions|examples|options)": (
        RuleKind.LIST_ITEMS
    ),
    r"headings|headers": RuleKind.HEADINGS,
    r"tables?": RuleKind.TABLES,
    r"code blocks?|code snippets?": RuleKind.CODE_BLOCKS,
    r"placeholders?(?: (?:in|represented by|with|using) square brackets.*)?"
    r"": RuleKind.PLACEHOLDERS,
    r"(?:highlighted (?:sections|parts|phrases|text sections)|(?:text )?sections highlighted"
    r"|sections in italics|italic(?:ized)? (?:phrases|sections))(?: (?:with|in|using) markdown.*)?"
    r"": RuleKind.HIGHLIGHTS,
}
_COUNTED = tuple(
    form(
        rf"(?:{_IN} )?(?:a list of |a list with )?{COUNT} {HARMLESS}{VAGUE}(?:{items})"
        rf"(?: in (?:the )?markdown.*)?{_PURPOSE}{TAIL}",
        counted(kind),
        # "Three reasons" need not be items of a list.
        is_whole=kind not in {RuleKind.LIST_ITEMS, RuleKind.NUMBERED_ITEMS},
    )
    for items, kind in _ITEMS.items()
    if not items.startswith(("list items", "numbered steps"))
)
_LISTS = {
    None: RuleKind.LIST_ITEMS,
    "bullet": RuleKind.BULLETS,
    "bulleted": RuleKind.BULLETS,
    "numbered": RuleKind.NUMBERED_ITEMS,
    "ordered": RuleKind.NUMBERED_ITEMS,
}
_NUMBER_OF_LIST_ITEMS = (
    form(
        rf"(?:{_IN} )?(?:a )?(?P<kind>bullet(?:ed)?|numbered|ordered)? ?(?:point )?list (?:of|with)"
        rf" {COUNT} {HARMLESS}{VAGUE}(?:[a-z]+ )?(?:items|points|steps|[a-z]+s){_PURPOSE}{TAIL}",
        lambda found, _clause: count_rule(found, _LISTS[found["kind"]]),
    ),
    form(
        rf"(?:{_IN} )?{COUNT} {HARMLESS}{VAGUE}numbered (?:steps|items|points){_PURPOSE}{TAIL}",
        counted(RuleKind.NUMBERED_ITEMS),
    ),
)
_FIELD = r"[a-z_][a-z0-9_ ]{0,30}"
_FIELDS = rf"(?P<fields>{QUOTE}|{_FIELD})(?:(?:, and |, | and )(?:{QUOTE}|{_FIELD}))*"


def _json(found: re.Match[str], clause: Clause) -> Rule:
    if found["template"]:
        return Rule(RuleKind.JSON, words=clause.unquote(found["template"]))
    listed = re.search(
        r"(?:fields|keys|properties|attributes)(?: named| called|:)? (.+)$", found[0]
    )
    if not listed:
        return Rule(RuleKind.JSON)
    quoted = clause.unquote(listed[1])
    named = re.split(r", and |, | and ", listed[1])
    return Rule(RuleKind.JSON, words=quoted or tuple(name.strip() for name in named))


_A_JSON = (
    r"(?:a |an |the )?(?:valid |single |well-formed |raw |pure |plain |strict )*json"
    r"(?: (?:object|format|document|array|structure|block|string|code block|only))?"
)
_JSON = (
    form(
        rf"(?:(?:{DO}|wrap)(?: {ANSWER})?(?: (?:in|as|with|using|just|only|be|a))* )?(?:in |as )?"
        rf"{_A_JSON}(?: format)?(?:,? (?:with|containing|that has|that contains|having) (?:the )?"
        rf"(?:following )?(?:fields|keys|properties|attributes)(?: named| called|:)? {_FIELDS})?"
        rf"(?:,? (?:and )?nothing else)?{TAIL}(?:(?: like this| of (?:the|this) form| in (?:the"
        rf"|this)"
        r" (?:form|format))?:? (?P<template>\{[^{}]*\}))?",
        _json,
    ),
)


def _divided(found: re.Match[str], clause: Clause) -> Rule | None:
    return count_rule(found, RuleKind.DIVIDED_PARTS, *clause.unquote(found["mark"] or ""))


def _named_sections(found: re.Match[str], _clause: Clause) -> Rule | None:
    return count_rule(found, RuleKind.NAMED_SECTIONS, found["name"])


_SECTIONS = (
    form(
        rf"(?:{_IN} |divide {ANSWER} into |there be )?{COUNT} (?:sections|parts"
        rf"|paragraphs),?(?: and)?"
        r" (?:mark(?:ed)? the beginning of|with|marked with|mark) each (?:section|part)(?: with"
        r"| by)?"
        r" (?P<name>section|part|paragraph) x.*",
        _named_sections,
    ),
    form(
        rf"(?:{_IN} |there be )?{COUNT} (?:sections|parts|paragraphs),? (?:separated|divided)"
        rf" (?:by|with|using) (?:the )?(?:markdown )?(?:divider|separator)s?:? ?(?P<mark>{QUOTE})",
        _divided,
    ),
)


def _title(brackets: str) -> Make:
    return rule(RuleKind.TITLE, *filter(None, [brackets]))


_WHOLE = (
    form(
        rf"(?:{DO}|begin with|start with)(?: {ANSWER})? (?:with )?(?:a |the )?{HARMLESS}{VAGUE}"
        rf"(?:title|headline)(?: at the (?:top|start|beginning)| line)?{TAIL}",
        _title(""),
    ),
    form(
        rf"(?:{DO}|put|wrap)(?: {ANSWER})? (?:with )?(?:a |the )?title,?(?: be)? (?:wrapped"
        rf"|contained"
        r"|enclosed)? ?(?:in|with) double angular brackets.*",
        _title("<<"),
    ),
    form(
        rf"(?:{DO}|reply|respond)(?: with| in)? (?:only|just|nothing but) (?:the |python )?code"
        rf"(?:,? (?:and )?nothing else)?(?: and no explanation)?{TAIL}"
        rf"|{DO} (?:the |python )?code only",
        rule(RuleKind.CODE_ONLY),
    ),
    form(
        rf"(?:{_IN} )?(?:plain |continuous |flowing |running )+(?:prose|paragraphs)"
        rf"(?: only)?{TAIL}|(?:{_IN} )?prose(?: only)?",
        rule(RuleKind.PROSE),
    ),
    form(
        rf"(?:wrap|put|enclose|surround) {ANSWER}(?: \(.*\))? (?:in|with|inside|within|by)"
        rf" (?:double )?(?:quotes|quotation marks){TAIL}",
        rule(RuleKind.QUOTED),
    ),
)
# Verbs that name the form themselves: "bold the key terms", "number the steps".
_VERBS = (
    form(
        rf"(?:{_IN} )?(?:a |the )?(?:list (?:of [a-z ]{{2,30}} )?separated by commas"
        r"|comma-separated list(?: of [a-z ]{2,30})?)",
        lambda _found, _clause: (
            Rule(RuleKind.BULLETS, most=0),
            Rule(RuleKind.NUMBERED_ITEMS, most=0),
            Rule(RuleKind.SIGNS, least=1, words=(",",)),
        ),
    ),
    form(
        r"(?:(?:a|the|clean|complete|detailed) )*(?:code|code snippet|function|script)(?: snippet)?"
        r" with (?:appropriate |clear |helpful |inline )*comments"
        r"(?: (?:that explain|explaining|describing) (?:the|its|your) [a-z ]+"
        r"|(?P<vague> [a-z ]+))?",
        lambda _found, _clause: (
            Rule(RuleKind.CODE_BLOCKS, least=1),
            Rule(RuleKind.CODE_COMMENTS, least=1),
        ),
    ),
    form(
        r"(?:a )?(?:simple |clear |single |mathematical |arithmetic )*(?:calculation|computation)"
        r"(?: with (?:a clear |the (?:final )?|a )(?:answer|result))?",
        lambda _found, _clause: (
            Rule(RuleKind.EQUATIONS, least=1),
            Rule(RuleKind.STATES_RESULT),
        ),
    ),
    form(
        r"(?:a )?json (?:object|array) (?:with|of|containing) [a-z ,]+",
        rule(RuleKind.JSON),
        is_whole=False,
    ),
    form(
        r"(?:a |the )?(?:numbered |ordered )?list of (?:the )?(?:steps|instructions)(?P<vague>"
        r" .+)?",
        lambda _found, _clause: Rule(RuleKind.LIST_ITEMS, least=2, words=(ON_LINES,)),
    ),
    form(r"(?:show|include) (?:the|your) (?:calculations?|equations?)", has(RuleKind.EQUATIONS)),
    form(
        rf"highlight {COUNT} (?:text )?(?:sections|parts|phrases)(?: in {ANSWER})?"
        r"(?: (?:with|in|using) (?:\"\d+\"|markdown.*))?",
        counted(RuleKind.HIGHLIGHTS),
    ),
    form(
        r"(?:bold|put in bold|highlight in bold) (?:the |all |any |key |important )+[a-z ]{3,30}",
        has(RuleKind.BOLD),
    ),
    form(
        rf"number (?:the|your|all|each) (?:steps?|items?|points?){TAIL}",
        has(RuleKind.NUMBERED_ITEMS),
    ),
    form(
        r"(?:list|present|give|state|put|write|show) (?:each|every|all|the|your)(?: (?:key|main))?"
        r" (?:points?|items?|ideas?|steps?|answers?) (?:in|as|with|using) (?:a |an )?"
        r"(?:separate )?bullet(?:ed)?(?: points?| lists?)?",
        has(RuleKind.BULLETS),
    ),
    form(rf"(?:comment|document) (?:the|your) code{TAIL}", has(RuleKind.CODE_COMMENTS)),
    form(
        r"(?:show|include|write|display) (?:the |your |all |each |every |necessary |all the "
        r"|all of the )*"
        r"(?:calculations?|working|equations?|computations?)",
        has(RuleKind.EQUATIONS),
        is_whole=False,
    ),
    form(
        r"(?:put|give|write|place|enclose|box) (?:the|your) (?:final )?(?:answer|result) (?:in"
        r"|inside|within)"
        r" (?:a )?\\?box(?:ed)?(?:\{\})?",
        rule(RuleKind.USES_WORDS, "\\boxed", least=1),
    ),
)
_FORMS = (
    *_WHOLE,
    *(made for part, kind in _PARTS.items() for made in _of_part(part, kind)),
    *_NUMBER_OF_LIST_ITEMS,
    *_COUNTED,
    *_JSON,
    *_SECTIONS,
    *_VERBS,
)
SUBJECT = Subject(
    re.compile(
        r"bullet|list|number|head|table|tabular|code|snippet|comment|bold"
        r"|latex|equation|calculation|working|computation|placeholder|json|section|part|paragraph"
        r"|title|prose|text|quot|highlight|italic|tip|reason|idea|suggestion|example|option|item"
        r"|point|step|box|script|function|divi"
    ),
    _FORMS,
)
