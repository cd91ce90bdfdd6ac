"""`/v1/completions`: how likely a text is, token by token, and toy text that goes on after it.

Nothing here knows language. What a token's probability is depends on the model's name, on the token
before it and on the token, so that the same request gets the same reply in any process and another
model gets other ones.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, StrictInt, StrictStr, ValidationError

from sysgen_dagster.simulated.request_error import RequestError

Token = int | str
Prompt = Sequence[Token]

_WORDS = re.compile(r"\s?\w+|\s?[^\w\s]|\s")
_WRITTEN = " yes"  # the token that follows every text
_LEAST, _MOST = -8.0, -0.01  # log-probabilities of tokens
_LIKELIEST = "<likeliest>"  # stands for the token that would have been sampled


class _SentCompletion(BaseModel):
    model: str
    prompt: StrictStr | list[StrictInt] | list[StrictStr] | list[list[StrictInt]] = Field(
        min_length=1
    )
    max_tokens: int = Field(16, ge=0)  # OpenAI's default
    echo: bool = False
    logprobs: int | None = Field(None, ge=0)
    stop: str | list[str] | None = None


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """The part of a request that matters here.

    Attributes:
        model: The served name.
        prompts: The tokens of each prompt: ids as they were sent, or pieces of the text.
        max_tokens: How many tokens are written after each; 0 with `echo`: none.
        echo: Whether the prompt comes back before what is written.
        logprobs: Whether tokens come with their log-probabilities.
        stop: Where the text ends, without these strings.
    """

    model: str
    prompts: tuple[Prompt, ...]
    max_tokens: int
    echo: bool
    logprobs: bool
    stop: tuple[str, ...]


def parse_completion(fields: Mapping[str, Any], max_model_len: int) -> CompletionRequest:
    """The request in the fields of a body; raises `RequestError` where vLLM answers 400."""
    try:
        sent = _SentCompletion.model_validate(fields)
    except ValidationError as error:
        fault = error.errors()[0]
        place = str(fault["loc"][0])
        raise RequestError(f"{fault['msg']}: {place}", param=place) from error
    if not (sent.max_tokens or sent.echo):
        raise RequestError("max_tokens must be at least 1, got 0.", param="max_tokens")
    prompts = _read_prompts(sent.prompt)
    longest = max(map(len, prompts))
    if longest + sent.max_tokens > max_model_len:
        raise RequestError(
            f"This model's maximum context length is {max_model_len} tokens. However, you "
            f"requested {sent.max_tokens} output tokens and your prompt contains {longest} input "
            "tokens. Please reduce the length of the input prompt.",
            param="input_tokens",
        )
    stop = (sent.stop,) if isinstance(sent.stop, str) else tuple(sent.stop or ())
    wants = sent.logprobs is not None
    return CompletionRequest(sent.model, prompts, sent.max_tokens, sent.echo, wants, stop)


def _read_prompts(sent: str | list[int] | list[str] | list[list[int]]) -> tuple[Prompt, ...]:
    if isinstance(sent, str):
        return (_WORDS.findall(sent),)
    ids = [each for each in sent if isinstance(each, int)]
    many = [each for each in sent if not isinstance(each, int)]
    if ids:
        return (ids,)
    return tuple(_WORDS.findall(each) if isinstance(each, str) else each for each in many)


def build_completions(
    request: CompletionRequest, *, has_prompt_logprobs: bool = True
) -> dict[str, Any]:
    """The reply, a choice for each prompt.

    Args:
        request: What was asked.
        has_prompt_logprobs: Whether a prompt that comes back has log-probabilities; llama.cpp's
            server gives them for what it writes alone.
    """
    choices = [
        _build_choice(request, index, prompt, has_prompt_logprobs)
        for index, prompt in enumerate(request.prompts)
    ]
    prompt_tokens = sum(map(len, request.prompts))
    completion_tokens = request.max_tokens * len(request.prompts)
    return {
        "id": "cmpl-simulated",
        "object": "text_completion",
        "created": 0,  # no clock: the same request gets the same answer
        "model": request.model,
        "system_fingerprint": "simulated",
        "choices": choices,
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def _build_choice(
    request: CompletionRequest, index: int, prompt: Prompt, has_prompt_logprobs: bool
) -> dict[str, Any]:
    written = _WRITTEN * request.max_tokens
    ends = [written.find(each) for each in request.stop if each and each in written]
    written = written[: min(ends)] if ends else written
    shown = [*prompt, *([_WRITTEN] * request.max_tokens)]
    given = shown if request.echo and has_prompt_logprobs else shown[len(prompt) :]
    before = "".join(map(_text_of, prompt)) if request.echo else ""
    return {
        "index": index,
        "text": before + written,
        "logprobs": _build_logprobs(request.model, shown, given) if request.logprobs else None,
        "finish_reason": "stop" if ends else "length",
    }


def _build_logprobs(model: str, shown: Prompt, given: Prompt) -> dict[str, list[Any]]:
    """The lists of OpenAI's older API, of the last tokens; the first of all has no probability."""
    first = len(shown) - len(given)
    values = [
        find_logprob(model, shown[place - 1], shown[place]) if place else None
        for place in range(first, len(shown))
    ]
    return {
        "tokens": [_text_of(token) for token in given],
        "token_logprobs": values,
        "top_logprobs": [
            None if value is None else {_text_of(token): value, _LIKELIEST: max(value, -1.0)}
            for token, value in zip(given, values, strict=True)
        ],
    }


def find_logprob(model: str, before: Token, token: Token) -> float:
    """The log-probability of a token after another one, made up."""
    seen = f"{model}\0{before}\0{token}".encode("utf-8", "surrogatepass")
    share = int.from_bytes(hashlib.blake2b(seen, digest_size=6).digest()) / 2**48
    return _LEAST + (_MOST - _LEAST) * share


def _text_of(token: Token) -> str:
    return f"<{token}>" if isinstance(token, int) else token
