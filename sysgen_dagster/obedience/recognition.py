"""Recognises in a phrase of a system message what rules can hold an answer to.

A phrase is taken apart into sentences and these into clauses, each of which asks one thing: "Use
bullet points and end with a question." A clause that is wholly of a known form stands for rules.
What depends on something ("if", "where needed"), or leaves a choice, asks nothing that holds for
every answer, so then nothing is recognised in the whole phrase.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from sysgen_dagster.obedience.recognizing import (
    derivations,
    edges,
    layouts,
    lengths,
    marks,
    programs,
    structure,
    tasks,
    words,
)
from sysgen_dagster.obedience.recognizing.beside import rules_of_whole
from sysgen_dagster.obedience.recognizing.listed import (
    FORBIDS,
    recognize_edge,
    recognize_objects,
)
from sysgen_dagster.obedience.recognizing.lookup import Lookup
from sysgen_dagster.obedience.recognizing.wording import WHOLE_ANSWER, Clause, fold, subject
from sysgen_dagster.obedience.rules import NOTHING, Recognized, Rule, RuleKind

# Words without which nothing depends on anything (`_DEPENDS`): most phrases have none of them.
_CONDITIONS = (
    subject(
        r"\b(?:if|when|whenever|unless|except|until|while|otherwise|whether|depending|instead|case"
        r"|should|where|may|might|can|could|optional(?:ly)?|ideally|preferably|prefer|usually"
        r"|generally|typically|mostly|mainly|try|often|sometimes|occasionally|rarely|sparingly|like"
        r"|such|either|feel|unlike|asks?|asked|before|after|once|first)\b"
    ),
    subject(
        r"\b(?:as|for)\b",
        beside=r"\b(?:needed|appropriate|necessary|required|requested|applicable|see|possible"
        r"|questions|requests|each|every|any|code|simple|complex|short|long)\b",
    ),
)
_LOOKUP = Lookup(
    lengths.SUBJECT,
    *marks.SUBJECTS,
    *words.SUBJECTS,
    *edges.SUBJECTS,
    *layouts.SUBJECTS,
    derivations.SUBJECT,
    *structure.SUBJECTS,
    *tasks.SUBJECTS,
    programs.SUBJECT,
    *_CONDITIONS,
)
_EVERY = -1
_CONDITIONAL = _LOOKUP.bits_of(_CONDITIONS)
_TASKS = _LOOKUP.bits_of(tasks.SUBJECTS)
# Verbs of tasks are not shared by the objects of a list.
_OF_OBJECTS = ~(_TASKS | _LOOKUP.bits_of((programs.SUBJECT,)))
# Characters. Longer phrases describe formats in detail, which no form here covers.
_LONGEST_PHRASE = 600
_PHRASES_REMEMBERED = 100_000

_QUOTED = re.compile(
    r'"([^"\n]{1,200})"|(?<!\w)\'([^\'\n]{1,200})\'(?!\w)|`([^`\n]{1,200})`'
    r"|(?<=[ :])((?:\*[ ]?){3,9})(?=[.,]?\s|[.,]?$)"
)
# An object of JSON: what its values are to be is not looked at, its keys are.
_TEMPLATE = re.compile(r'\{[^{}]*"\d+"\s*:[^{}]*\}')
_KEY = re.compile(r'"\d+"(?=\s*:)')
# Examples of how a mark looks.
_EXAMPLE = re.compile(r",? (?:such as|like|i\.e\.,?|e\.g\.,?) ?:?\s*(?=[\[*<(`-])[^.]*")
_DEPENDS = re.compile(
    r"\b(?:if|when|whenever|unless|except|until|while|otherwise|whether|depending|instead"
    r"|in case|should (?:the|a|they)|where (?:necessary|needed|appropriate|applicable|possible"
    r"|helpful|relevant|useful|required)|as (?:needed|appropriate|necessary|required|requested"
    r"|applicable|you see fit)|(?:if|when) (?:possible|needed)|may|might|can|could|optional(?:ly)?"
    r"|ideally|preferably|prefer|usually|generally|typically|mostly|mainly|try to|try|often"
    r"|sometimes|occasionally|rarely|sparingly|where you can|as much as possible|like|such as"
    r"|for (?:questions|requests|each|every|any|code|simple|complex|short|long)|either|feel free"
    r"|unlike|asks?|asked|before|after|once the|once they|once you|first ask|at first)\b",
)
_HARMLESS_DEPENDS = re.compile(
    r"\b(?:you can(?:not| ?not)|can'?t|cannot|may not|can not|after \"|may never|not ask|never ask"
    r"|(?:^|\. |and |then )ask (?:a|one|the user|at)|such as \S+(?:, \S+)*$|look like"
    r"|(?:question|call) (?:that|to) asks?|(?:that|which) can (?:easily )?be (?:easily )?(?:read"
    r"|spoken|understood|practi[cs]ed|used as))\b"
)
_OR = re.compile(r"\bor\b")
_HARMLESS_OR = re.compile(
    r"or (?:more|fewer|less|longer|shorter|any)\b|\"\d+\"(?:,? or \"\d+\")+|(?:no|not|without"
    r"|avoid|never|don't|free of)\b[^.;]*\bor\b|(?:one|two|three|four|five|\d+) or (?:two|three"
    r"|four|five|six|\d+)\b"
    r"|^an? (?:sentence|paragraph|line) or two\b"
    r"|(?:answer|result|solution|summary) or (?:conclusion|result|solution|answer|summary)\b"
)
# Without it a phrase is one sentence.
_MAY_END = re.compile(r"[.!?;\n].")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\s*\n+\s*|;\s*")
_STARTER = (
    r"(?:use|write|provide|give|include|contain|have|reply|respond|answer|return|output|present|add"
    r"|produce|create|format|end|begin|start|finish|conclude|close|avoid|keep|limit|do not|don't"
    r"|never|show|explain|state|make sure|ensure|be|list|organize|organise|summarize|summarise"
    r"|mention|highlight|separate|put|wrap|ask|refrain|then|always|address|greet|sign|bold|number"
    r"|describe|offer|follow|break|structure|divide|your|the (?:response|answer|word|letter|last|"
    r"first|second|third)|no other|nothing|stay|speak|without|stick|restrict|in (?:all|the form|"
    r"english|french|german|spanish)|with (?:no|exactly|at))"
)
_BETWEEN = re.compile(
    rf"(?: and(?: then| also)?|,(?: and(?: then| also)?| but| then)?| but| then|;"
    rf"|:(?= (?:use|end|begin|no)\b))\s+"
    rf"(?={_STARTER}\b)"
)
_MODAL = (
    r"(?:must|should|needs? to|has to|have to|is to|are to|shall|will|ought to|must always"
    r"|should always)"
)
_LEADS = re.compile(
    r"^(?:please|always|also|then|finally|additionally|furthermore|moreover|lastly|importantly"
    r"|and|but|in addition|note that|remember to|remember that|be sure to|make sure(?: to| that)?"
    r"|ensure(?: that)?|take care to|it is (?:important|essential) (?:to|that)|i want(?: you to)?"
    r"|i would like(?: you to)?|at the (?:very )?end,?|in your (?:response|answer|reply),?"
    rf"|you {_MODAL}|you(?: are(?: required| asked| expected)? to)|(?:the|your) (?:assistant"
    rf"|model|ai|chatbot|bot) {_MODAL}|there (?:must|should)(?= be)),? +"
)
_SUBJECT = re.compile(
    rf"^(?:{WHOLE_ANSWER}|it) {_MODAL}(?: also| always| only| be able to| just)* (?=\w)"
    # A message or a text that is something may be the user's.
    rf"|^(?!(?:\w+ )?(?:messages?|text)\b){WHOLE_ANSWER} (?:is|are) (?=in |at |no |within |under )"
)
# What the clauses after one may belong to: a part of the answer or of the talk ("In emergencies,
# ..."), what something else than the answer is to do, or a task ("a program to read and ...").
_SITUATION = re.compile(
    r"^(?!for (?:clarity|readability|example)\b)"
    r"(?:in|on|for|with|during|at|under|upon|given|within|about|from|through)\b[^,]+(?:, |$)"
    rf"|^(?:the|each|every|any|your|all|this|an?|one) .*?\b{_MODAL}\b"
)
_TASK = re.compile(
    r"\b(?:how|what|who|whom|whose|which|that|where|why|helps?)\b|\b(?<!related )(?<!according )"
    r"to (?!(?:the|an?|your|this|that|these|those|each|any|all|every|its|their|it)\b)[a-z]+"
)
_OF_ANSWER = re.compile(
    r"(?:end|finish|conclude|close|begin|start|reply|respond|answer|avoid|do not|don't|never|keep"
    r"|limit|always)\b"
)
# Items of a list that a sentence names as parts are names: "as follows:\n- Given\n- Calculation".
_NAMED_PARTS = re.compile(r"^.*:\s+(?:[-*\u2022]|\d+[.)])\s+(?:.*\n)+.*$")
_ITEMS_ASKED = re.compile(
    r".{0,40}\b(?:include|use|add|provide|have|contain|meet|follow|obey|observe)\b"
    r"[^:\"]{0,20}\bfollowing(?: (?:rules|guidelines|constraints|requirements|format))?:"
    r"|.{0,20}\b(?:rules|guidelines|constraints|requirements|format)\b.{0,20}:"
)
_ITEM = re.compile(r"(?:(?<=\n)|(?<=: ))\s*(?:[-*\u2022]|\d+[.)])\s+")
_LANGUAGE_NAME = re.compile(rf"\b(?:{'|'.join(marks.LANGUAGES)})\b")


@lru_cache(maxsize=_PHRASES_REMEMBERED)
def recognize(phrase: str) -> Recognized:
    """What rules can hold an answer to of what a phrase asks; empty if nothing is recognised."""
    if len(phrase) > _LONGEST_PHRASE:
        return NOTHING
    text, quotes = _mask(fold(phrase).strip())
    possible = _LOOKUP.find(text.split())
    if not possible & ~_CONDITIONAL:
        return NOTHING
    # What a task depends on is a part of the task: "how many are left if two leave".
    if possible & _TASKS:
        task = _LOOKUP.recognize(Clause(_strip(text.rstrip(" ?")), quotes), _TASKS)
        if task and task.is_whole:
            return task
    if (possible & _CONDITIONAL and _is_conditional(text)) or _leaves_choice(text):
        return NOTHING
    return _recognize_sentences(text, quotes)


def _recognize_sentences(text: str, quotes: Sequence[str]) -> Recognized:
    """What the sentences of a phrase ask of the answer."""
    rules: list[Rule] = []
    is_whole = True
    named = _NAMED_PARTS.sub(_name_parts, text) if "\n" in text else text
    for sentence in _SENTENCE_END.split(named) if _MAY_END.search(named) else (named,):
        found = _recognize_sentence(list(_split(sentence)), quotes)
        rules += found.rules
        is_whole &= found.is_whole
    if not rules:
        return NOTHING
    others = [rule for rule in rules if rule.kind is not RuleKind.LANGUAGE]
    if len(others) < len(rules) and len(set(_languages(text))) > 1:
        rules, is_whole = others, False  # each may be the language of a part
    return Recognized(tuple(dict.fromkeys(rules)), is_whole and bool(rules))


def _name_parts(found: re.Match[str]) -> str:
    """A sentence with its list; without the items that only name something."""
    if _ITEMS_ASKED.match(found[0]):
        return found[0]
    lead, *items = _ITEM.split(found[0])
    return "\n".join([lead, *(item for item in items if re.match(rf"{_STARTER}\b", item))])


def _recognize_sentence(clauses: Sequence[str], quotes: Sequence[str]) -> Recognized:
    """What the clauses ask of the answer; those that may belong to another one ask nothing."""
    rules: list[Rule] = []
    is_whole = True
    is_situation = is_task = False
    every = [_recognize_clause(Clause(clause, quotes)) for clause in clauses]
    if len(clauses) == 1:
        return every[0]
    # "Do not use lists, ask a question, or add a table" forbids each.
    if len(clauses) > 1 and FORBIDS.match(clauses[0]) and " or " in clauses[-1]:
        every[1:] = [NOTHING] * (len(clauses) - 1)
    for at, (clause, found) in enumerate(zip(clauses, every, strict=True)):
        is_sure = not is_situation and (not is_task or bool(_OF_ANSWER.match(clause)))
        kept = rules_of_whole(at, clauses, every)
        rules += kept if is_sure else []
        is_whole &= found.is_whole and is_sure and kept == found.rules
        is_open = not found.is_whole or any(rule.kind is RuleKind.PROGRAM for rule in found.rules)
        is_situation |= is_open and bool(_SITUATION.match(clause))
        is_task |= is_open and bool(_TASK.search(clause))
    return Recognized(tuple(rules), is_whole)


def _languages(text: str) -> Iterator[str]:
    return (marks.LANGUAGES[name] for name in _LANGUAGE_NAME.findall(text))


def _mask(text: str) -> tuple[str, list[str]]:
    """The text in small letters with a number for each quoted text, and the quoted texts."""
    quotes: list[str] = []

    def number(found: re.Match[str]) -> str:
        quoted = next(group for group in found.groups() if group)
        # The sign at the end of a sentence is often put inside the quotation marks.
        quotes.append(quoted.strip())
        return f'"{len(quotes) - 1}"' + ("." if found.end() == len(text) else "")

    # Few phrases have one of the signs that the patterns need.
    has_quotes = '"' in text or "'" in text or "`" in text or "*" in text
    masked = (_QUOTED.sub(number, text) if has_quotes else text).lower()
    if "{" in masked:
        masked = _TEMPLATE.sub(lambda found: f"{{{' '.join(_KEY.findall(found[0]))}}}", masked)
    if "\n" in masked:
        masked = re.sub(r":\s*\n\s*", ": ", masked)
    if " like" in masked or " such as" in masked or " i.e." in masked or " e.g." in masked:
        masked = _EXAMPLE.sub("", masked)
    return masked, quotes


def _is_conditional(text: str) -> bool:
    """Whether what is asked depends on something."""
    return bool(_DEPENDS.search(text) and _DEPENDS.search(_HARMLESS_DEPENDS.sub(" ", text)))


def _leaves_choice(text: str) -> bool:
    """Whether what is asked is one of several things."""
    return " or " in text and bool(_OR.search(_HARMLESS_OR.sub(" ", text)))


def _split(sentence: str) -> Iterator[str]:
    """The clauses of a sentence, without what changes nothing about them."""
    for clause in _BETWEEN.split(sentence.strip(" .!;,")):
        bare = _strip(clause)
        if bare:
            yield bare


def _strip(clause: str) -> str:
    clause = " ".join(clause.split()).strip(" .!;,:-*")
    while found := _LEADS.match(clause) or _SUBJECT.match(clause):
        clause = clause[found.end() :]
    return clause


def _recognize_clause(clause: Clause) -> Recognized:
    def look_up(text: str) -> Recognized | None:
        return _LOOKUP.recognize(Clause(text, clause.quotes), _OF_OBJECTS)

    return (
        recognize_edge(clause.text, look_up)
        or _LOOKUP.recognize(clause, _EVERY)
        or recognize_objects(clause.text, look_up)
    )
