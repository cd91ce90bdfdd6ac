"""What a simulated system message says of itself: that it is simulated, and how long the answer is.

The model of Phase 4 does not see the original answer, and nothing in a question says how long that
is. A model that follows the system message answers as its writer had the answer in mind: by this
notice the simulated one does.
"""

import re
from collections.abc import Iterable

from sysgen_dagster.chat.messages import ChatMessage

# In words, as people write it: a number in digits could be taken for the result of a sum. Each is
# about a third more than the one before.
_WORDS = {
    "five": 5,
    "ten": 10,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "seventy": 70,
    "a hundred": 100,
    "a hundred and thirty": 130,
    "two hundred": 200,
    "two hundred and fifty": 250,
    "three hundred": 300,
    "four hundred": 400,
    "five hundred": 500,
    "seven hundred": 700,
    "a thousand": 1_000,
    "fifteen hundred": 1_500,
    "two thousand": 2_000,
    "three thousand": 3_000,
}
_CHARACTERS_A_WORD = 6  # with the space after it, about
_NOTICE = "(Simulated message: answer in about {words} words.)"
_TOLD = re.compile(re.escape(_NOTICE).replace(r"\{words\}", f"({'|'.join(_WORDS)})"))


def say_length(answer: str) -> str:
    """The notice of a message that is written for an answer."""
    wanted = max(1, len(answer)) / _CHARACTERS_A_WORD
    nearest = min(_WORDS, key=lambda words: max(_WORDS[words] / wanted, wanted / _WORDS[words]))
    return _NOTICE.format(words=nearest)


def read_length(messages: Iterable[ChatMessage]) -> int | None:
    """The characters that the first notice in a request stands for; None without a notice."""
    found = (_TOLD.search(message["content"]) for message in messages)
    told = next((each[1] for each in found if each), None)
    return _WORDS[told] * _CHARACTERS_A_WORD if told else None
