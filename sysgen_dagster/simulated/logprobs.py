"""`logprobs`: an answer as tokens, each with the probabilities a model might have given.

The probabilities are made up. A token is nearly certain unless it is a verdict or a score: there,
each of the three verdicts, or of the scores from 1 to 5, has a share, and the written one has the
largest share in most cases.
"""

import math
import re
from collections.abc import Sequence
from random import Random
from typing import Any

from sysgen_dagster.lanes.sysgen.verification import CHOICES
from sysgen_dagster.obedience.rubric_grading import DIGITS

_TOKEN = re.compile(r"\s?\w+|\s?[^\w\s]|\s")
_NEARLY_CERTAIN = -0.1
_ALL_OTHER_WORDS = 0.01


def build_logprobs(text: str, top: int, digest: int) -> dict[str, Any]:
    """The `logprobs` of a choice, the same for the same request; the tokens make up the text."""
    rng = Random(f"logprobs/{digest}")  # noqa: S311 - repeatable on purpose, no secret
    return {"content": [_build_position(token, top, rng) for token in _TOKEN.findall(text)]}


def _build_position(token: str, top: int, rng: Random) -> dict[str, Any]:
    """A token with its alternatives, the written token first, as vLLM orders them."""
    word = token.strip()
    words = next((words for words in (CHOICES, DIGITS) if word in words), ())
    if words:
        space, shares = token.removesuffix(word), _draw_shares(word, words, rng)
        ranked = [_build_entry(space + other, math.log(share)) for other, share in shares]
    else:
        ranked = [_build_entry(token, _NEARLY_CERTAIN)]
    return {**ranked[0], "top_logprobs": ranked[:top]}


def _draw_shares(written: str, words: Sequence[str], rng: Random) -> list[tuple[str, float]]:
    """The probability of each word, the written one first, then the likelier of the others."""
    others = [word for word in words if word != written]
    rng.shuffle(others)
    share = 0.02 + 0.95 * rng.betavariate(4, 1)  # below one half in 6 of 100 cases
    left = 1 - _ALL_OTHER_WORDS - share
    shares = [(written, share)]
    for other in others[:-1]:
        shares.append((other, left * rng.uniform(0.5, 0.95)))
        left -= shares[-1][1]
    return [*shares, (others[-1], left)]


def _build_entry(token: str, logprob: float) -> dict[str, Any]:
    return {
        "token": token,
        "logprob": logprob,
        "bytes": list(token.encode(errors="replace")),
    }
