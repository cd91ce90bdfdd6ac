"""Programs to write: in which language, what kind of thing, and what for."""

import re

from sysgen_dagster.obedience.recognizing.wording import (
    NO,
    TAIL,
    Clause,
    form,
    subject,
)
from sysgen_dagster.obedience.rules import Recognized, Rule, RuleKind

# The names that a fence has for a language, by the names that messages use.
LANGUAGES = {
    **{"python": "python py python3", "javascript": "javascript js jsx node", "java": "java"},
    **{"c++": "c++ cpp cc", "c#": "c# csharp cs", "c": "c", "sql": "sql mysql postgresql sqlite"},
    **{"bash": "bash sh shell zsh", "shell": "bash sh shell zsh", "rust": "rust rs", "go": "go"},
    **{"ruby": "ruby rb", "typescript": "typescript ts tsx", "php": "php", "swift": "swift"},
    **{"kotlin": "kotlin kt", "html": "html", "css": "css", "r": "r", "matlab": "matlab"},
    **{"scala": "scala", "perl": "perl"},
}
_LONGEST_FIRST = sorted(map(re.escape, LANGUAGES), key=len, reverse=True)
_NAME = rf"(?P<language>{'|'.join(_LONGEST_FIRST)})"
_ANY_NAME = rf"(?<![\w])(?:{'|'.join(_LONGEST_FIRST)})(?![\w+#])"
# What is to be written, and the rules' word for it.
_THINGS = {
    "function": "function",
    "method": "method",
    "class": "class",
    "loop": "loop",
    "quer": "query",
}
_THING = (
    r"(?P<thing>functions?|scripts?|programs?(?= (?:that|which|to|in|using)\b)|loops?"
    r"|class(?:es)?"
    r"|quer(?:y|ies)|code(?: snippets?| blocks?| examples?)?|methods?|commands?)"
)
_A_THING = (
    r"(?:functions?|scripts?|programs?(?= (?:that|which|to|in|using)\b)|loops?|class(?:es)?"
    r"|quer(?:y|ies)|code|methods?|commands?)"
)
_FIRST_THING = re.compile(rf"\b(?P<thing>{_A_THING})\b(?: (?P<purpose>.*))?$")
# Languages whose names are words too: "a swift program to lose weight".
WORDS_TOO = frozenset({"swift", "go", "r", "c"})
# Without a language only these are surely code.
OF_CODE = frozenset({"function", "class", "query"})
_WRITING = r"(?:write|implement|code|reply with|respond with|return)"
_SHOWING = r"(?:use|include|show|present|output|answer with|answer in)"
_MAKING = r"(?:provide|give|create|develop|build|generate)"
_CHANGING = r"(?:refactor|modify|complete|rewrite|fix)"
_A = (
    r"(?:(?:a|an|the|given|new|working|complete|single|simple|following|full|small|short|valid"
    r"|custom) )*"
)
_PURPOSE = r"(?: (?P<purpose>(?:that|which|to|for|with|using|of|so|from)\b.*))?"
# The function is called by its name: "the `double` function".
_NAMED = r"(?:\"\d+\" )?"
_COMMENTED = (
    r"(?P<comments> with (?:an? |appropriate |clear |helpful |inline )*comments?(?: (?:that"
    r" explain"
    r"|explaining|describing) (?:the|its|your|each|every) [a-z ]+)?)?"
)


# Leads to what may be no program: the function of the heart, a query to the publisher.
_MAYBE_OTHER = re.compile(r"(?:of|for|on|with|to (?:the|an?|your|my|our|his|her|their|its))\b")
_MAYBE_OTHER_CLASS = re.compile(r"(?:of|for|on|with|to)\b")


def _is_of_code(thing: str, purpose: str) -> bool:
    """Whether a function, a query or a class is meant that could be nothing else than code."""
    maybe_other = _MAYBE_OTHER_CLASS if thing.startswith("class") else _MAYBE_OTHER
    is_known = thing.startswith(("function", "quer", "class"))
    return is_known and not maybe_other.match(purpose)


def _program(found: re.Match[str], clause: Clause) -> Recognized:
    """After "=" the language and the thing, after an apostrophe the names that it is to use.

    Whether it does what it is for would have to be tried, so a purpose leaves the phrase open.
    """
    groups = found.groupdict()
    thing = next((name for key, name in _THINGS.items() if found["thing"].startswith(key)), None)
    language = groups.get("language") or groups.get("written_in")
    if language is None and (named := re.search(rf"\bin {_NAME}(?!\w)", clause.text)):
        language = named["language"]
    if (
        not language
        and thing in OF_CODE
        and not _is_of_code(found["thing"], groups["purpose"] or "")
    ):
        thing = None
    marked = tuple(f"={each}" for each in (language, thing) if each)
    names = tuple(f"'{name}" for name in clause.unquote(clause.text))
    program = Rule(RuleKind.PROGRAM, words=(*marked, *names))
    if groups.get("comments"):
        return Recognized((program, Rule(RuleKind.CODE_COMMENTS, least=1)), is_whole=True)
    return Recognized((program,), is_whole=not groups.get("purpose"))


def _has_code(found: re.Match[str], _clause: Clause) -> Rule | None:
    """No rule where something else than a program could be meant, such as a script for a play."""
    thing = _FIRST_THING.search(found[0].partition(" ")[2])
    assert thing is not None
    is_of_code = _is_of_code(thing["thing"], thing["purpose"] or "")
    named = set(re.findall(_ANY_NAME, found[0])) - WORDS_TOO
    return Rule(RuleKind.HAS_CODE) if named or is_of_code else None


_FORMS = (
    form(
        rf"{NO} {_NAME} (?:code(?: blocks?| snippets?| examples?)?|scripts?|functions?){TAIL}",
        lambda found, _clause: Rule(
            RuleKind.PROGRAM, words=(f"={found['language']}",), is_forbidden=True
        ),
    ),
    form(
        rf"(?:(?:{_WRITING}|{_MAKING}|{_SHOWING}) )?{_A}{_NAME} {_THING}{_COMMENTED}",
        _program,
    ),
    form(
        rf"(?:{_WRITING} {_A}|{_MAKING} {_A}(?={_ANY_NAME} |(?:functions?|scripts?"
        rf"|quer(?:y|ies)|code(?: snippets?)?) (?:that|which|to)\b))(?:{_NAME} )?{_NAMED}{_THING}"
        rf"(?: in (?P<written_in>{_ANY_NAME}))?{_PURPOSE}",
        _program,
    ),
    # A phrase that only names what there is to be.
    form(
        rf"{_A}(?:{_NAME} ){_THING}(?: definition)?{_PURPOSE}",
        _program,
    ),
    form(
        rf"(?:{_WRITING} {_A}(?:{_ANY_NAME} )?{_A_THING}|(?:{_MAKING}|{_CHANGING})"
        rf" {_A}(?:{_ANY_NAME}"
        rf" {_A_THING}|script|code)|{_CHANGING} {_A}{_A_THING})"
        r"(?: (?:that|which|to|for|in|with|using|from|of|so|as|by)\b.*)?",
        _has_code,
        is_whole=False,
    ),
)
SUBJECT = subject(
    r"\b(?:functions?|scripts?|programs?|loops?|class(?:es)?|quer(?:y|ies)|code|methods?|commands?)\b",
    *_FORMS,
)
