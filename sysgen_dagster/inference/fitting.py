"""Makes the messages of a request fit the context of its model.

Messages that are surely short enough are sent as they are. For others the server counts the tokens,
with its own tokenizer and chat template; where they are too many, the middle of one field is left
out until the rest fits and uses most of the room. Sending requests does not belong here.
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sysgen_dagster.chat.messages import LEAST_LEFT, ChatMessage, ChatRequest

# Few tokenizers make more tokens of a message than these bounds say: a prompt that fits by them is
# sent without counting. If it is longer, the server refuses it, and its tokens are counted then.
_BYTES_PER_TOKEN, _TOKENS_PER_MESSAGE = 2, 8
_MOST_COUNTS = 6
# The search aims at the first share of the room, and ends when at least the second share is used.
_AIM, _WELL_USED = 0.97, 0.9
_LEAST_DENSITY = 0.01  # tokens a character, as a bound for what two counts may suggest


@dataclass(frozen=True, slots=True)
class Fit:
    """The messages of a request as they are to be sent.

    Attributes:
        messages: All of them; the middle of one field may be left out.
        characters_left_out: Of that field.
        tokens: Of the messages; None where they were not counted.
        fits: False where they are known not to fit.
    """

    messages: Sequence[ChatMessage]
    characters_left_out: int = 0
    tokens: int | None = None
    fits: bool = True


def surely_fits(messages: Sequence[ChatMessage], room: float) -> bool:
    """Whether messages are so short that no tokenizer makes more than `room` tokens of them."""
    size = sum(len(message["content"].encode(errors="replace")) for message in messages)
    return size // _BYTES_PER_TOKEN + _TOKENS_PER_MESSAGE * len(messages) <= room


async def fit(
    request: ChatRequest,
    before: Fit,
    room: float,
    shape: Callable[[Sequence[ChatMessage]], Sequence[ChatMessage]],
    count: Callable[[Sequence[ChatMessage]], Awaitable[int | None]],
) -> Fit:
    """The messages of a request that fit into the room, whole or shortened.

    The tokens grow about evenly with the characters that are left of the field. So the next length
    to try is where the line through the last two counts meets the room (the secant method), between
    the longest that is known to fit and the shortest that is known not to fit.

    Args:
        request: Its field keeps at least `LEAST_LEFT` characters.
        before: The messages as they were sent last, or would be sent.
        room: Tokens of the context that are left for the messages.
        shape: Turns messages into those that the model takes.
        count: The tokens of shaped messages; None where the server does not count them.
    """
    tokens = await count(before.messages)
    if tokens is None or tokens <= room:
        return Fit(before.messages, before.characters_left_out, tokens)
    best = Fit(before.messages, before.characters_left_out, tokens, fits=False)
    left = request.shortenable - before.characters_left_out
    # Until a second length is counted, every character of the prompt makes equally many tokens: an
    # empty prompt, with the other characters left out too, has none.
    other_characters = sum(len(message["content"]) for message in before.messages) - left
    last = -other_characters, 0
    fitting, too_long = LEAST_LEFT - 1, left
    for _ in range(_MOST_COUNTS - 1):
        if request.shortened is None or too_long - fitting <= 1:
            break
        density = max((tokens - last[1]) / (left - last[0]), _LEAST_DENSITY)
        last, aim = (left, tokens), left + (_AIM * room - tokens) / density
        left = max(fitting + 1, min(math.floor(aim), too_long - 1))
        messages = shape(request.shortened(left))
        tokens = await count(messages)
        tried = Fit(messages, request.shortenable - left, tokens, tokens is None or tokens <= room)
        if tokens is None:
            return tried
        if not tried.fits:
            too_long, best = left, best if best.fits else tried
            continue
        fitting, best = left, tried
        if tokens >= _WELL_USED * room:
            break
    return best
