"""Parts of an answer's form: lists, headings, tables, code, bold text."""

from sysgen_dagster.obedience.recognizing.wording import (
    ANSWER,
    COUNT,
    HARMLESS,
    IN,
    LOOKS,
    NO,
    ON_LINES,
    TAIL,
    VAGUE,
    Form,
    count_rule,
    counted,
    form,
    has,
    has_no,
    rule,
    subject,
)
from sysgen_dagster.obedience.rules import Rule, RuleKind

# What a form is used for, where any answer has something of the kind. Comparisons, steps, code and
# data are not in every answer, so nothing is asked of one without them.
_OF_ANY_ANSWER = (
    r"(?:(?:the|your|all|each|every|different|of|key|main|important|most important|relevant|and|or"
    r"|critical|essential|major) ?)*"
    r"(?:points?|ideas?|information|answers?|responses?|content|text|topics?|sections?|parts?"
    r"|concepts?|facts?|details?|aspects?|takeaways?|terms?|words?|phrases?|thoughts?|paragraphs?"
    r"|structure|readability|clarity|emphasis|it|them|explanations?|arguments?|findings"
    r"|(?:easy|better|improved|more|greater|visual) [a-z]+)"
)
_PURPOSE = (
    r"(?:(?: to| for| in which to| that) ?(?:(?:list|listing|organi[sz]e|present|show|outline|make"
    r"|highlight|separate|break down|structure|summari[sz]e|presenting|organi[sz]ing|emphasi[sz]e"
    r"|enumerate|describe|explain|divide|improve|enhance)s? ?)?"
    rf"(?:{_OF_ANY_ANSWER}(?:(?:,? and|,) )?)+(?: (?:of|in|clearly|clear|easy to read)\b[a-z ]*)?)?"
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
    r"(?:(?:code |inline )?comments(?: (?:in|to|within) (?:the|your) code)?(?: to explain [a-z"
    r" ]+)?)"
    r"": RuleKind.CODE_COMMENTS,
    r"(?:bold(?:face)?(?: (?:text|type|font|formatting|letters|print))?|bolded text"
    r"|bold key (?:terms|words|points))": RuleKind.BOLD,
    r"(?:latex(?: (?:notation|format|formatting|formulas|syntax|math))?)": RuleKind.FORMULAS,
    r"(?:(?:an? )?(?:mathematical |math |algebraic )?equations?)": RuleKind.EQUATIONS,
    rf"(?:placeholders(?: (?:in|represented by) square brackets{LOOKS})?)": RuleKind.PLACEHOLDERS,
}


# A word that stands in every name of the part.
_NEEDED = {
    RuleKind.BULLETS: r"bullet|unordered|dash",
    RuleKind.NUMBERED_ITEMS: r"numbered|ordered|enumerated",
    RuleKind.LIST_ITEMS: r"\blists?\b",
    RuleKind.HEADINGS: r"head",
    RuleKind.TABLES: r"\btab(?:les?|ular)\b",
    RuleKind.CODE_COMMENTS: r"comment",
    RuleKind.BOLD: r"bold",
    RuleKind.FORMULAS: r"latex",
    RuleKind.EQUATIONS: r"equation",
    RuleKind.PLACEHOLDERS: r"placeholder",
    RuleKind.CODE_BLOCKS: r"\bcode\b",
}


def _of_part(part: str, kind: RuleKind) -> tuple[Form, ...]:
    some = rf"(?:(?:a|an|some|the|at least one|multiple|several) )?{HARMLESS}{VAGUE}"
    return (
        form(rf"(?:{IN} )?{some}{part}{_PURPOSE}{TAIL}", has(kind)),
        # Whether there is nothing beside it is not looked at.
        form(rf"(?:{IN} )?only {part}{TAIL}", has(kind), is_whole=False),
        form(rf"{NO} {part}{TAIL}", has_no(kind)),
    )


# "Three reasons" and "three steps" need not be items of a list.
_ITEMS = {
    r"bullet(?:ed)?[ -]?(?:points?|items?)|bullets": RuleKind.BULLETS,
    r"headings|headers": RuleKind.HEADINGS,
    r"tables?": RuleKind.TABLES,
    r"code blocks?|code snippets?": RuleKind.CODE_BLOCKS,
    rf"placeholders?(?: (?:in|represented by|with|using) square brackets{LOOKS})?"
    r"": RuleKind.PLACEHOLDERS,
    r"(?:highlighted (?:sections|parts|phrases|text sections)|(?:text )?sections highlighted"
    r"|sections in italics|italic(?:ized)? (?:phrases|sections))(?: (?:with|in|using)"
    rf" markdown{LOOKS})?"
    r"": RuleKind.HIGHLIGHTS,
}
_COUNTED = tuple(
    form(
        rf"(?:{IN} )?(?:a list of |a list with )?{COUNT} {HARMLESS}{VAGUE}(?:{items})"
        rf"(?: in (?:the )?markdown{LOOKS})?{_PURPOSE}{TAIL}",
        counted(kind),
    )
    for items, kind in _ITEMS.items()
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
        rf"(?:{IN} )?(?:a )?(?P<kind>bullet(?:ed)?|numbered|ordered)?[ -]?(?:points? )?list"
        rf" (?:of|with)"
        rf" {COUNT} {HARMLESS}{VAGUE}(?:[a-z]+ )?(?:items|points|steps|[a-z]+s){_PURPOSE}{TAIL}",
        lambda found, _clause: count_rule(found, _LISTS[found["kind"]]),
    ),
    form(
        rf"(?:{IN} )?{COUNT} {HARMLESS}{VAGUE}numbered (?:steps|items|points){_PURPOSE}{TAIL}",
        counted(RuleKind.NUMBERED_ITEMS),
    ),
)
# Verbs that name the form themselves: "bold the key terms", "number the steps".
_VERBS = (
    subject(
        r"comma",
        form(
            rf"(?:{IN} )?(?:a |the )?(?:list (?:of [a-z ]{{2,30}} )?separated by commas"
            r"|comma-separated list(?: of [a-z ]{2,30})?)",
            rule(RuleKind.COMMA_LIST),
        ),
    ),
    subject(
        r"comment|document",
        form(
            r"(?:(?:a|the|clean|complete|detailed) )*(?:code|code snippet|function|script)(?:"
            r" snippet)?"
            r" with (?:appropriate |clear |helpful |inline )*comments"
            r"(?: (?:that explain|explaining|describing) (?:the|its|your) [a-z ]+"
            r"|(?P<vague> [a-z ]+))?",
            lambda _found, _clause: (
                Rule(RuleKind.CODE_BLOCKS, least=1),
                Rule(RuleKind.CODE_COMMENTS, least=1),
            ),
        ),
        form(rf"(?:comment|document) (?:the|your) code{TAIL}", has(RuleKind.CODE_COMMENTS)),
    ),
    subject(
        r"calculation|computation|equation|working",
        form(
            r"(?:a )?(?:simple |clear |single |mathematical |arithmetic )*(?:calculation"
            r"|computation)"
            r"(?: with (?:a clear |the (?:final )?|a )(?:answer|result))?",
            lambda _found, _clause: (
                Rule(RuleKind.EQUATIONS, least=1),
                Rule(RuleKind.STATES_RESULT),
            ),
        ),
        form(
            r"(?:show|include) (?:the|your) (?:calculations?|equations?)", has(RuleKind.EQUATIONS)
        ),
        form(
            r"(?:show|include|write|display) (?:the |your |all |each |every |necessary |all the "
            r"|all of the )*"
            r"(?:calculations?|working|equations?|computations?)",
            has(RuleKind.EQUATIONS),
            is_whole=False,
        ),
    ),
    subject(
        r"json",
        form(
            rf"(?:{IN} )?(?:an? )?(?:valid )?json (?:array|list|object (?:with|of|containing))"
            r"(?: [a-z ,]+)?",
            rule(RuleKind.JSON),
            is_whole=False,
        ),
    ),
    subject(
        r"list",
        form(
            r"(?:a |the )?(?:numbered |ordered )?list of (?:the )?(?:steps"
            r"|instructions)(?P<vague>"
            r" .+)?",
            lambda _found, _clause: Rule(RuleKind.LIST_ITEMS, least=2, words=(ON_LINES,)),
        ),
        beside=r"steps|instructions",
    ),
    subject(
        r"^highlight",
        form(
            rf"highlight {COUNT} (?:text )?(?:sections|parts|phrases)(?: in {ANSWER})?"
            rf"(?: (?:with|in|using) (?:\"\d+\"|markdown{LOOKS}))?",
            counted(RuleKind.HIGHLIGHTS),
        ),
    ),
    subject(
        r"bold",
        form(
            r"(?:bold|put in bold|highlight in bold) (?:the |all |any |key |important )+[a-z"
            r" ]{3,30}",
            has(RuleKind.BOLD),
        ),
    ),
    subject(
        r"^number$",
        form(
            rf"number (?:the|your|all|each) (?:steps?|items?|points?){TAIL}",
            has(RuleKind.NUMBERED_ITEMS),
        ),
    ),
    subject(
        r"bullet",
        form(
            r"(?:list|present|give|state|put|write|show) (?:each|every|all|the|your)(?: (?:key"
            r"|main))?"
            r" (?:points?|items?|ideas?|steps?|answers?) (?:in|as|with|using) (?:a |an )?"
            r"(?:separate )?bullet(?:ed)?(?: points?| lists?)?",
            has(RuleKind.BULLETS),
        ),
    ),
    subject(
        r"box",
        form(
            r"(?:put|give|write|place|enclose|box) (?:the|your) (?:final )?(?:answer|result)"
            r" (?:in"
            r"|inside|within)"
            r" (?:a )?\\?box(?:ed)?(?:\{\})?",
            rule(RuleKind.USES_WORDS, "\\boxed", least=1),
        ),
    ),
)
SUBJECTS = (
    *(subject(_NEEDED[kind], *_of_part(part, kind)) for part, kind in _PARTS.items()),
    subject(r"list\b|numbered\b", *_NUMBER_OF_LIST_ITEMS),
    subject(
        r"bullet|heading|header|\btables?\b|\b(?:block|snippet)s?\b|placeholder|highlight|italic",
        *_COUNTED,
    ),
    *_VERBS,
)
