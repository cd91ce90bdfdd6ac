"""`logprobs`: an answer as tokens, each with the probabilities a model might have given.

The probabilities are made up. A token is nearly certain unless it is a verdict: there, each of the
three verdicts has a share, and the written one has the largest share in most cases.
"""

import math
import re
from random import Random
from typing import Any

from sysgen_dagster.lanes.sysgen.verification import CHOICES

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
    if word in CHOICES:
        space = token.removesuffix(word)
        shares = _draw_shares(word, rng)
        ranked = [_build_entry(space + verdict, math.log(share)) for verdict, share in shares]
    else:
        ranked = [_build_entry(token, _NEARLY_CERTAIN)]
    return {**ranked[0], "top_logprobs": ranked[:top]}


def _draw_shares(written: str, rng: Random) -> list[tuple[str, float]]:
    """The probability of each verdict, the written one first, then the likelier of the others."""
    others = [word for word in CHOICES if word != written]
    rng.shuffle(others)
    share = 0.02 + 0.95 * rng.betavariate(4, 1)  # below one half in 6 of 100 cases
    rest = 1 - _ALL_OTHER_WORDS - share
    likelier = rest * rng.uniform(0.5, 0.95)
    return [(written, share), (others[0], likelier), (others[1], rest - likelier)]


def _build_entry(token: str, logprob: float) -> dict[str, Any]:
    return {
        "token": token,
        "logprob": logprob,
        "bytes": list(token.encode(errors="replace")),
    }
