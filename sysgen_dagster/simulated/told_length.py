"""What a simulated system message says of itself: that it is simulated, and how long an answer was.

The model of Phase 4 does not see the original answer, and nothing in a question says how long that
is. A model that follows the system message answers as its writer had the answer in mind: by this
notice the simulated one does.
"""

import re
from collections.abc import Iterable

from sysgen_dagster.chat.messages import ChatMessage

_NOTICE = "(Simulated message; answer: {characters} characters.)"
_TOLD = re.compile(re.escape(_NOTICE).replace(r"\{characters\}", r"(\d{1,9})"), re.ASCII)


def say_length(answer: str) -> str:
    """The notice of a message that is written for an answer."""
    return _NOTICE.format(characters=len(answer))


def read_length(messages: Iterable[ChatMessage]) -> int | None:
    """The characters that the first notice in a request names; None where there is no notice."""
    found = (_TOLD.search(message["content"]) for message in messages)
    return next((int(told[1]) for told in found if told), None)
