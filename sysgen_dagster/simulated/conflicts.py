"""The simulated answer to a user who asks for a form under a system message, or against it.

What is asked for is read as rules read it. As often as the profile says the message holds; where it
gives in, or there is none, the user gets what he asks for.
"""

import re
from collections.abc import Sequence
from random import Random

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.obedience import requested
from sysgen_dagster.obedience.recognition import recognize
from sysgen_dagster.obedience.rules import Rule
from sysgen_dagster.simulated.forms import write_in_form
from sysgen_dagster.simulated.profiles import FailureProfile

_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")


def answer_conflict_turn(
    messages: Sequence[ChatMessage], profile: FailureProfile, rng: Random
) -> str | None:
    """The answer in the form that is decided for; None where no conflict turn is asked.

    A conflict turn ends with a paragraph in the words of `obedience.requested`.
    """
    users = [each["content"] for each in messages if each["role"] == Role.USER]
    request = users[-1].rpartition("\n\n")[2].strip() if users else ""
    wish = requested.read_request(request)
    if wish is None and request not in requested.UNRELATED:
        return None
    rules = _rules_of_message(messages)
    if wish is None:
        return write_in_form(rules[0]) if rules else None
    held = [rule for rule in rules if requested.opposite_of(rule) == wish]
    return write_in_form(held[0] if held and rng.random() < profile.holds else wish)


def _rules_of_message(messages: Sequence[ChatMessage]) -> list[Rule]:
    systems = [each["content"] for each in messages if each["role"] == Role.SYSTEM]
    sentences = _BETWEEN_SENTENCES.split(systems[0]) if systems else []
    return [rule for sentence in sentences for rule in recognize(sentence).rules]
