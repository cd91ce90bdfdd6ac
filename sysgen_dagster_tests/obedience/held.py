"""What a rule of a phrase says of an answer, short enough for a line of a table."""

from sysgen_dagster.obedience.by_rules import decide_phrase
from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster.obedience.verifying.answers import Answer

YES, NO, OPEN = Verdict.OBEYED, Verdict.NOT_OBEYED, Verdict.UNKNOWN


def verdict(phrase: str, *answers: str) -> Verdict:
    """The verdict of rules on a phrase and these answers."""
    return decide_phrase(phrase, [Answer(answer) for answer in answers])[0]
