"""What is recognised in a phrase, short enough for a line of a table."""

from sysgen_dagster.obedience.recognition import recognize


def asked(phrase: str) -> list[tuple[str, int | None, int | None, tuple[str, ...]]]:
    """The kind, bounds and words of each rule of a phrase."""
    return [
        (rule.kind.value, rule.least, rule.most, rule.words) for rule in recognize(phrase).rules
    ]


def kinds(phrase: str) -> list[str]:
    """The kinds of the rules of a phrase."""
    return [rule.kind.value for rule in recognize(phrase).rules]


def is_whole(phrase: str) -> bool:
    """Whether the rules say all that the phrase asks."""
    return recognize(phrase).is_whole
