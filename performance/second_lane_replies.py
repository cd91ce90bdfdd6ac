"""What a model might reply in the second lane, each reply of words of its own.

Nothing is understood: the last lines of a prompt say which step asks, and the bytes of the request
draw the words, by Zipf's law. So no two sets, messages or answers are the same, and a request that
is sent again gets the same reply. One set in thirty lacks a line. A message begins with what it is
made of. An answer bears a number, and the judge prefers the higher one: of one pair in sixteen it
finds both as good, and of another one it prefers what stands first.
"""

import json
import re
import zlib
from random import Random

from sysgen_dagster.lanes.multifaceted import pair_judgement, preference_messages, preference_sets
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS, label_of

VOCABULARY = 50_000
# Words, as `corpus_cost.WORD_CHARACTERS` counts them, of the lengths in the card of Janus' data
# set: message, instruction and answer together have 4,150 bytes a row.
PREFERENCE_WORDS, DESCRIPTION_WORDS, MESSAGE_WORDS = 4, 25, 155
ANSWER_WORDS = (300, 600)
WISH_CHARACTERS = 100  # of each description that a message takes up
LACKING_EVERY, UNCLEAR_EVERY = 30, 16
_ZIPF = [f"wo{int(VOCABULARY ** (place / VOCABULARY))}" for place in range(VOCABULARY)]
_SETS, _MESSAGES, _PAIRS = (
    json.dumps(each.PROMPT.fixed_text.splitlines()[-1]).strip('"').encode()
    for each in (preference_sets, preference_messages, pair_judgement)
)
_WISH = re.compile(rb"\[wish \d, \w+\]\\n(.+?)\\n\[end")
_NUMBER = re.compile(rb"answer number (\d+) ")


def reply_to(body: bytes) -> str:
    """The reply to the body of a chat request."""
    number = zlib.crc32(body)
    if _PAIRS in body:
        return _prefer(*map(int, _NUMBER.findall(body)))
    rng = Random(number)  # noqa: S311 - repeatable, no secret
    if _SETS in body:
        return _write_set(rng)
    if _MESSAGES in body:
        wishes = " ".join(each.decode()[:WISH_CHARACTERS] for each in _WISH.findall(body))
        return f"You help one person. {wishes} {_words(rng, MESSAGE_WORDS - len(wishes.split()))}."
    return f"This is answer number {number} of many. {_words(rng, rng.randint(*ANSWER_WORDS))}."


def _words(rng: Random, number: int) -> str:
    return " ".join(rng.choices(_ZIPF, k=number))


def _write_set(rng: Random) -> str:
    lines = []
    for each in DIMENSIONS:
        lines += [
            f"{label_of(each)} preference: {_words(rng, PREFERENCE_WORDS)}",
            f"{label_of(each)} description: {_words(rng, DESCRIPTION_WORDS)}.",
        ]
    if not rng.randrange(LACKING_EVERY):
        del lines[rng.randrange(len(lines))]
    return "\n".join(lines)


def _prefer(first: int, second: int) -> str:
    same_in_both_orders = (first ^ second) % UNCLEAR_EVERY
    if same_in_both_orders == 0:
        return "Both do as much of it.\nVerdict: tie"
    is_first = first > second or same_in_both_orders == 1
    return f"It does more of what is asked for.\nVerdict: {'A' if is_first else 'B'}"
