"""What a simulated system message says of itself and of the answer that it was written for.

It says that it is simulated, how long the answer is, and which number its result is. The model of
Phase 4 does not see the original answer, and a simulated one can neither guess how long that is nor
solve a problem: by this notice its answers are about as long, and right as often as a profile says.
"""

import re
from collections.abc import Iterable

import polars as pl

from sysgen_dagster.chat.messages import ChatMessage
from sysgen_dagster.obedience.final_answers import find_final_answers

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
# The signs of a number, as `find_final_answers` gives it, each as a word.
_SPELT = {
    **{"0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six"},
    **{"7": "seven", "8": "eight", "9": "nine", "-": "minus", "/": "over"},
}
_LONGEST_RESULT = 12  # signs
_NOTICE = "(Simulated message: answer in about {words} words{result}.)"
_TOLD = re.compile(
    rf"\(Simulated message: answer in about ({'|'.join(_WORDS)}) words"
    rf"(?: with the result ((?:(?:{'|'.join(_SPELT.values())}) ?)+))?\.\)"
)


def say_length(answer: str) -> str:
    """The notice of a message that is written for an answer, with its result if it is a number."""
    wanted = max(1, len(answer)) / _CHARACTERS_A_WORD
    nearest = min(_WORDS, key=lambda words: max(_WORDS[words] / wanted, wanted / _WORDS[words]))
    [result] = find_final_answers(pl.Series([answer]))
    is_told = result and len(result) <= _LONGEST_RESULT and set(result) <= _SPELT.keys()
    told = f" with the result {' '.join(map(_SPELT.__getitem__, result))}" if is_told else ""
    return _NOTICE.format(words=nearest, result=told)


def read_length(messages: Iterable[ChatMessage]) -> int | None:
    """The characters that the first notice in a request stands for; None without a notice."""
    told = _find_notice(messages)
    return _WORDS[told[1]] * _CHARACTERS_A_WORD if told else None


def read_result(messages: Iterable[ChatMessage]) -> str | None:
    """The result that the first notice in a request tells, "" if none; None without a notice."""
    told = _find_notice(messages)
    signs = {word: sign for sign, word in _SPELT.items()}
    return "".join(signs[word] for word in (told[2] or "").split()) if told else None


def _find_notice(messages: Iterable[ChatMessage]) -> re.Match[str] | None:
    found = (_TOLD.search(message["content"]) for message in messages)
    return next((each for each in found if each), None)
