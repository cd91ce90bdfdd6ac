"""What a reply of a chat server means: the text, the thoughts, why it ended, or that it failed.

A text ends because the model ended it, because it reached the token limit, or because a filter of
the server cut it; an engine that gave up is asked again. Reasons that are not known here count as
an end by the model, and are stored as the server wrote them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.chat.reasoning import Reply, join_reasoning, split_reasoning
from sysgen_dagster.inference.bodies import read_json
from sysgen_dagster.inference.chat_api import EngineError, TryAgainError
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.logprobs import read_choices
from sysgen_dagster.inference.quoting import quoted

_BUSY = frozenset({429, 503})  # the server works and has no room now
_RETRYABLE = frozenset({408, 409, 425})  # and every other 5xx
_NOT_SERVED = frozenset({401, 403, 404})  # every other request would get the same reply
# Words in the 400 replies of vLLM and llama.cpp to a prompt that is too long.
_TOO_LONG = (b"context length", b"max_model_len", b"maximum model length", b"context size")

# Reasons why a text ended, in lower case, as servers and gateways to other APIs name them. By line
# of `_FILTERED`: OpenAI; Anthropic; Gemini.
_CUT = frozenset(
    {CUT, "max_tokens", "max_output_tokens", "model_length", "max_length", "token_limit"}
)
_FILTERED = frozenset(
    {
        *("content_filter", "content_filtered"),
        *("refusal", "guardrail_intervened"),
        *("safety", "recitation", "blocklist", "prohibited_content", "spii", "language"),
    }
)
_ENGINE_GAVE_UP = frozenset(
    {"abort", "aborted", "cancelled", "canceled", "error", "timeout", "malformed_response"}
)
LONGEST_REASON = 100  # characters of a reason that are stored
# Types of content parts that hold thoughts, and the fields of a part that hold its text.
_THINKING_PARTS = frozenset(
    {"thinking", "reasoning", "reasoning_text", "thought", "redacted_thinking"}
)
_TEXT_FIELDS = ("text", "content", "thinking", "reasoning", "summary")
_DEEPEST = 4  # lists of parts within parts
# Fields of a message with the thoughts, by the servers that write them: vLLM since 0.13, Ollama and
# OpenRouter; DeepSeek, SGLang, llama.cpp and vLLM before; gateways to Anthropic and Gemini.
_REASONING_FIELDS = (
    *("reasoning", "reasoning_content", "thinking", "thinking_blocks"),
    *("reasoning_details", "thinking_content", "thought", "thoughts"),
)


def read_reply(
    status: int,
    headers: Mapping[str, str],
    raw: bytes,
    request: ChatRequest,
    attempt: int,
    thinks: bool = False,
) -> Outcome:
    """The outcome in a reply.

    Args:
        status: Of the response.
        headers: Of the response.
        raw: Its body.
        request: The request that it answers.
        attempt: How often it was sent.
        thinks: Whether the model is known to think: a text that reached the limit without the end
            of a thought is one whose beginning the chat template wrote.

    Raises:
        TryAgainError: Another attempt may succeed.
        EngineError: The server does not serve the model to us, whatever is asked.
    """
    if status == 200:
        outcome = _read_completion(raw, request, attempt)
        if not (thinks and outcome.text and outcome.finish_reason == CUT) or outcome.reasoning:
            return outcome
        thought, tokens = outcome.text, outcome.completion_tokens
        return replace(outcome, text="", choices=(), reasoning=thought, reasoning_tokens=tokens)
    failure = f"{status}: {quoted(raw)}"
    if status in _NOT_SERVED or 300 <= status < 400:
        raise EngineError(failure)
    if status in _BUSY | _RETRYABLE or status >= 500:
        wait = headers.get("Retry-After", "")
        wait_s = float(wait) if wait.isascii() and wait.isdigit() else 0.0
        raise TryAgainError(NoAnswer.SERVER_ERROR, failure, wait_s, is_busy=status in _BUSY)
    too_long = any(words in raw for words in _TOO_LONG)
    reason = NoAnswer.TOO_LONG if too_long else NoAnswer.REFUSED_BY_SERVER
    return Outcome(attempts=attempt, failed_because=reason, failure=failure)


def read_token_count(status: int, raw: bytes) -> int | None:
    """The count in a reply of ``/tokenize``; None when there is none."""
    try:
        reply = read_json(raw) if status == 200 else None
    except ValueError:
        return None
    return _read_count(reply, "count") or None


def read_message(message: Mapping[str, Any]) -> Reply:
    """The text and the thoughts of an assistant's message, in whatever fields it holds them.

    Raises:
        TypeError: The content is neither text nor parts of text.
    """
    content = message.get("content")
    if content is not None and not isinstance(content, str | list):
        raise TypeError("content is no text")
    text, thoughts = _read_parts(content or "")
    said = split_reasoning(text)
    apart = (_read_thoughts(message.get(name)) for name in _REASONING_FIELDS)
    # Gateways repeat the thoughts in a second field of another name.
    known = list(dict.fromkeys(each.strip() for each in [*apart, thoughts] if each))
    reasoning = join_reasoning([*known, said.reasoning])
    return Reply(_without_surrogates(said.text), reasoning and _without_surrogates(reasoning))


def _read_parts(content: str | Sequence[Any]) -> tuple[str, str]:
    """The text and the thoughts in a message's content, which is a text or a list of parts."""
    if isinstance(content, str):
        return content, ""
    texts: list[str] = []
    thoughts: list[str] = []
    for part in content:
        kind = part.get("type", "text") if isinstance(part, Mapping) else "text"
        into = thoughts if kind in _THINKING_PARTS or _is_thought(part) else texts
        into.append(_read_thoughts(part))
    return "".join(texts), "\n\n".join(filter(None, thoughts))


def _is_thought(part: Any) -> bool:
    """Whether a part says so itself, as Gemini's do."""
    return isinstance(part, Mapping) and part.get("thought") is True


def _read_thoughts(value: Any, depth: int = 0) -> str:
    """The text in a text, in a part, or in a list of them; empty for anything else."""
    if isinstance(value, str):
        return value
    if depth > _DEEPEST:
        return ""
    if isinstance(value, Mapping):
        found = (_read_thoughts(value.get(name), depth + 1) for name in _TEXT_FIELDS)
        return next(filter(None, found), "")
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return "".join(_read_thoughts(part, depth + 1) for part in value)
    return ""


def _read_completion(raw: bytes, request: ChatRequest, attempt: int) -> Outcome:
    try:
        reply = read_json(raw)
        choice = reply["choices"][0]
        said = read_message(choice["message"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        failure = f"not a chat completion: {quoted(raw)}"
        raise TryAgainError(NoAnswer.MALFORMED_REPLY, failure) from error
    finish = _read_finish(choice.get("finish_reason"))
    if finish.lower() in _ENGINE_GAVE_UP:
        raise TryAgainError(NoAnswer.SERVER_ERROR, f"the engine ended the text: {finish}")
    is_filtered = finish.lower() in _FILTERED
    usage = reply.get("usage")
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    return Outcome(
        text=None if is_filtered else said.text,
        failed_because=NoAnswer.FILTERED_BY_SERVER if is_filtered else None,
        failure=f"{finish}, after: {quoted(said.text)}" if is_filtered else None,
        finish_reason=CUT if finish.lower() in _CUT else finish,
        prompt_tokens=_read_count(usage, "prompt_tokens"),
        cached_tokens=_read_count(details, "cached_tokens"),
        completion_tokens=_read_count(usage, "completion_tokens"),
        attempts=attempt,
        choices=read_choices(choice, request.choices, said.text),
        reasoning=said.reasoning,
        reasoning_tokens=_count_reasoning(usage, said),
    )


def _read_finish(reason: object) -> str:
    """Why a text ended; it is shown to people, so nothing in it may act on a terminal."""
    said = quoted(str(reason), LONGEST_REASON) if isinstance(reason, str | int) else ""
    return said or "unknown"


def _count_reasoning(usage: object, said: Reply) -> int | None:
    """Tokens that were thought: as counted, else the thoughts' share of all by characters."""
    if said.reasoning is None:
        return None
    details = usage.get("completion_tokens_details") if isinstance(usage, dict) else None
    counted = _read_count(details, "reasoning_tokens") or _read_count(usage, "reasoning_tokens")
    total = _read_count(usage, "completion_tokens")
    if counted or total is None:
        return counted
    return round(total * len(said.reasoning) / (len(said.reasoning) + len(said.text)))


def _without_surrogates(text: str) -> str:
    """The text with ``?`` for lone surrogates, which JSON can spell and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _read_count(counts: object, name: str) -> int | None:
    """A token count of a reply; None where it is missing or cannot be right."""
    count = counts.get(name) if isinstance(counts, dict) else None
    return count if isinstance(count, int) and 0 <= count < 2**32 else None
