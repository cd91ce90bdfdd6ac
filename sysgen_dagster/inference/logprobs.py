"""Reads the probabilities of wanted words out of a reply's logprobs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def read_choices(
    choice: Mapping[str, Any], words: Sequence[str], text: str
) -> tuple[tuple[int, str, float], ...]:
    """Position, word and probability, for each of the words at each token that begins one of them.

    Nothing where the server gives no logprobs, or other ones than the OpenAI API describes.

    Args:
        choice: The choice of the reply, whose tokens may include thoughts before the text.
        words: The wanted words.
        text: What the model said; the positions count its characters.
    """
    found: list[tuple[int, str, float]] = []
    try:
        tokens = choice["logprobs"]["content"] if words else ()
        written = [str(token["token"]) for token in tokens]
        # -1 where tokens hold halves of characters: then nothing stands before the text.
        before = max(0, "".join(written).rfind(text))
        end = -before
        for token, piece in zip(tokens, written, strict=True):
            start, end = end + len(piece) - len(piece.lstrip()), end + len(piece)
            if start >= 0 and _word_begun_by(piece, words):
                shares = _shares_of_words(token["top_logprobs"], words)
                found += [(start, word, share) for word, share in shares.items()]
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return ()
    return tuple(found)


def _shares_of_words(tokens: Iterable[Mapping[str, Any]], words: Sequence[str]) -> dict[str, float]:
    """The probability of each word among the words: that of the tokens which begin it.

    The shares sum to 1; there are none where the tokens begin no word.
    """
    shares = dict.fromkeys(words, 0.0)
    for token in tokens:
        if word := _word_begun_by(token["token"], words):
            shares[word] += math.exp(min(float(token["logprob"]), 0.0))
    total = sum(shares.values())
    return {word: share / total for word, share in shares.items()} if total > 0 else {}


def _word_begun_by(token: str, words: Sequence[str]) -> str | None:
    """The word that a token begins, or that begins the token; None for no word, or several."""
    bare = token.strip().lower()
    begun = [w for w in words if w.lower().startswith(bare) or bare.startswith(w.lower())]
    return begun[0] if bare and len(begun) == 1 else None
