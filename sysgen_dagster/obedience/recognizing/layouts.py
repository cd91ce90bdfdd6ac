"""How a whole answer is laid out: JSON, parts between dividers, a title, only code or prose."""

import re

from sysgen_dagster.obedience.recognizing.wording import (
    ANSWER,
    COUNT,
    DO,
    HARMLESS,
    IN,
    LOOKS,
    OBJECT,
    QUOTE,
    TAIL,
    VAGUE,
    Clause,
    Make,
    count_rule,
    form,
    rule,
    subject,
)
from sysgen_dagster.obedience.rules import Rule, RuleKind

_FIELD = r"[a-z_][a-z0-9_ ]{0,30}"
_FIELDS = rf"(?P<fields>{QUOTE}|{_FIELD})(?:(?:, and |, | and )(?:{QUOTE}|{_FIELD}))*"


def _json(found: re.Match[str], clause: Clause) -> Rule:
    if found["template"]:
        return Rule(RuleKind.JSON, words=clause.unquote(found["template"]))
    listed = re.search(
        r"(?:fields|keys|properties|attributes)(?: named| called|:)? (.+)$", found[0]
    )
    if not listed:
        return Rule(RuleKind.JSON, words=(OBJECT,) if "json object" in found[0] else ())
    quoted = clause.unquote(listed[1])
    named = re.split(r", and |, | and ", listed[1])
    return Rule(RuleKind.JSON, words=quoted or tuple(name.strip() for name in named))


_A_JSON = (
    r"(?:a |an |the )?(?:valid |single |well-formed |raw |pure |plain |strict )*json"
    r"(?: (?:object|format|document|structure|block|string|code block|only))?"
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
        rf"(?:{IN} |divide {ANSWER} into |there be )?{COUNT} (?:sections|parts"
        rf"|paragraphs),?(?: and)?"
        r" (?:mark(?:ed)? the beginning of|with|marked with|mark) each (?:section|part)(?: with"
        r"| by)?"
        r" (?P<name>section|part|paragraph) x.*",
        _named_sections,
    ),
    form(
        rf"(?:{IN} |there be )?{COUNT} (?:sections|parts|paragraphs),? (?:separated|divided)"
        rf" (?:by|with|using) (?:the )?(?:markdown )?(?:divider|separator)s?:? ?(?P<mark>{QUOTE})",
        _divided,
    ),
)


def _code_only(found: re.Match[str], _clause: Clause) -> tuple[Rule, ...]:
    only = (Rule(RuleKind.CODE_ONLY),)
    return (*only, Rule(RuleKind.PROGRAM, words=("=python",))) if "python" in found[0] else only


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
        rf"|enclosed)? ?(?:in|with) double angular brackets{LOOKS}",
        _title("<<"),
    ),
    form(
        rf"(?:{DO}|reply|respond)(?: with| in)? (?:only|just|nothing but) (?:the |python )?code"
        rf"(?:,? (?:and )?nothing else)?(?: and no explanation)?{TAIL}"
        rf"|{DO} (?:the |python )?code only",
        _code_only,
    ),
    form(
        rf"(?:{IN} )?(?:plain |continuous |flowing |running )+(?:prose|paragraphs)"
        rf"(?: only)?{TAIL}|(?:{IN} )?prose(?: only)?",
        rule(RuleKind.PROSE),
    ),
    form(
        rf"(?:wrap|put|enclose|surround) {ANSWER}(?: \(.*\))? (?:in|with|inside|within|by)"
        rf" (?:double )?(?:quotes|quotation marks){TAIL}",
        rule(RuleKind.QUOTED),
    ),
)

SUBJECTS = (
    subject(r"title|headline|only|just|prose|paragraphs|quot", *_WHOLE),
    subject(r"json", *_JSON),
    subject(r"(?:section|part|paragraph)s?\b", *_SECTIONS),
)
