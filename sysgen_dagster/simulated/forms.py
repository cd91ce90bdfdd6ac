"""Made-up texts of a wanted form, for a simulated model that does what somebody asks of the form.

Nothing in them is about the question: what is looked at is the form alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import cycle, islice

from sysgen_dagster.obedience.rules import Rule, RuleKind
from sysgen_dagster.simulated.material import load_material

# No list, no number, no capital but the first, and no word that somebody would forbid.
PLAIN = "(Simulated answer.) This text is made up and says nothing of what was asked."
_REST = "this text is made up and says nothing of what was asked. (Simulated answer.)"
_WORDS = ("this", "text", "is", "made", "up", "in", "a", "form", "that", "somebody", "wanted")


def write_in_form(rule: Rule) -> str:
    """A text that keeps to a rule; `PLAIN` where nothing is known of its kind."""
    write = _WRITERS.get(rule.kind)
    return write(rule) if write else PLAIN


def _number(rule: Rule) -> int:
    return rule.least if rule.least is not None else rule.most or 0


def _words(rule: Rule) -> str:
    return " ".join(islice(cycle(_WORDS), max(1, _number(rule)))).capitalize() + "."


def _characters(rule: Rule) -> str:
    text = " ".join(islice(cycle(_WORDS), _number(rule)))
    is_limit = rule.least is None
    return text[: _number(rule) - 1].rstrip() + "." if is_limit else text


def _repeated(piece: str, between: str) -> Callable[[Rule], str]:
    """Writes a piece as often as wanted; `PLAIN` where it must not be there."""

    def write(rule: Rule) -> str:
        pieces = [piece.replace("#", str(number)) for number in range(1, _number(rule) + 1)]
        return between.join(pieces) if pieces else PLAIN

    return write


def _a_list_of(rule: Rule) -> Rule:
    """The rule with two items where one would do: rules do not take a single one for a list."""
    return replace(rule, least=2) if rule.least == 1 and rule.most is None else rule


def _with_parts(piece: str) -> Callable[[Rule], str]:
    """Writes plain text, and after it a part as often as wanted."""

    def write(rule: Rule) -> str:
        return "\n".join([PLAIN, "", *[piece] * _number(rule)]).strip()

    return write


def _language(rule: Rule) -> str:
    texts = load_material("answers.yaml")
    code = next((word for word in rule.words if word in texts), "en")
    sentences = texts[code]["general"]["body"]
    plain = [sentence for sentence in sentences if "{" not in sentence]
    return " ".join(islice(cycle(plain), 4))


_WRITERS: Mapping[RuleKind, Callable[[Rule], str]] = {
    RuleKind.LANGUAGE: _language,
    RuleKind.WORDS: _words,
    RuleKind.CHARACTERS: _characters,
    RuleKind.SENTENCES: _repeated("This sentence is made up.", " "),
    RuleKind.PARAGRAPHS: _repeated("This paragraph is made up. It has two sentences.", "\n\n"),
    RuleKind.LINES: _repeated("This line is made up.", "\n"),
    RuleKind.BULLETS: lambda rule: _with_parts("- a made-up point")(_a_list_of(rule)),
    RuleKind.LIST_ITEMS: _with_parts("- a made-up point"),
    RuleKind.NUMBERED_ITEMS: lambda rule: _repeated("#. A made-up step.", "\n")(_a_list_of(rule)),
    RuleKind.HEADINGS: _with_parts("## A made-up heading\n\nIt has a text.\n"),
    RuleKind.TABLES: _with_parts("| made | up |\n|---|---|\n| a | b |\n"),
    RuleKind.CODE_BLOCKS: _with_parts('```python\nprint("made up")\n```\n'),
    RuleKind.EMOJI: _with_parts("\N{SLIGHTLY SMILING FACE}"),
    RuleKind.QUESTIONS: _with_parts("Is this made up?"),
    RuleKind.DIGITS: _with_parts("7"),
    RuleKind.JSON: lambda _: '{"simulated": true, "text": "made up"}',
    RuleKind.CASE: lambda rule: PLAIN.lower() if "lower" in rule.words else PLAIN.upper(),
    RuleKind.USES_WORDS: lambda rule: f"{PLAIN} {' '.join(rule.words)}.",
    RuleKind.BEGINS_WITH: lambda rule: " ".join([*rule.words[:1], _REST]),
    RuleKind.BEGINS_WITH_GREETING: lambda _: f"Hello! {_REST}",
    RuleKind.ENDS_WITH: lambda rule: " ".join([PLAIN, *rule.words[:1]]),
    RuleKind.ENDS_WITH_QUESTION: lambda _: f"{PLAIN} Is it made up?",
    RuleKind.ENDS_WITH_CODE: lambda _: f'{PLAIN}\n\n```python\nprint("made up")\n```',
    RuleKind.BOLD: _with_parts("**made up**"),
    RuleKind.CODE_COMMENTS: lambda rule: (
        f'{PLAIN}\n\n```python\n{"# made up" * _number(rule)}\nprint("made up")\n```'
    ),
    RuleKind.FIRST_PERSON: lambda rule: (
        "I made this up, and I like my words." * _number(rule) or PLAIN
    ),
    RuleKind.SIGNS: lambda rule: PLAIN + " made up".join(["", *rule.words * _number(rule)]),
}
