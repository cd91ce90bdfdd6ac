"""What a reply of a chat server means: the text, the thoughts, why it ended, or that it failed.

What an engine gave up is asked again; a text that a filter cut is none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.chat.reasoning import Reply, join_reasoning, split_reasoning
from sysgen_dagster.inference.asked_waits import with_wait
from sysgen_dagster.inference.bodies import read_json
from sysgen_dagster.inference.chat_api import EngineError, TryAgainError
from sysgen_dagster.inference.endings import Ending, ending_of, read_finish
from sysgen_dagster.inference.error_words import find_error, read_words, words_in
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.logprobs import read_choices
from sysgen_dagster.inference.quoting import quoted
from sysgen_dagster.inference.refusals import About, Refusal, judge

# The status of an error in a reply with status 200 that names none: only its words can tell more.
_UNNAMED = 400
# Types of content parts that hold thoughts, and the fields of a part that hold its text.
_THINKING_PARTS = frozenset(
    {"thinking", "reasoning", "reasoning_text", "thought", "redacted_thinking"}
)
_TEXT_FIELDS = ("text", "content", "value", "thinking", "reasoning", "summary")
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
    asked = [message["content"] for message in request.messages]
    if not 200 <= status < 300:
        refusal = judge(status, headers, read_words(raw, asked))
        return _refused(refusal, f"{status}: {quoted(raw)}", attempt)
    reply = _read_json(raw)
    if (error := find_error(reply)) is not None:
        refusal = judge(error.status or _UNNAMED, headers, words_in(error.body, asked))
        if error.status or refusal.about is not About.UNKNOWN:
            return _refused(refusal, f"{error.status or status}: {quoted(raw)}", attempt)
    outcome = _read_completion(reply, raw, request, attempt)
    if not (thinks and outcome.text and outcome.finish_reason == CUT) or outcome.reasoning:
        return outcome
    thought, tokens = outcome.text, outcome.completion_tokens
    return replace(outcome, text="", choices=(), reasoning=thought, reasoning_tokens=tokens)


def _refused(refusal: Refusal, failure: str, attempt: int) -> Outcome:
    """The outcome of a row that was refused; raises what says that the row is not meant."""
    if refusal.about is About.MOMENT:
        failure = with_wait(failure, refusal.wait_s)
        raise TryAgainError(refusal.reason, failure, refusal.wait_s, refusal.is_busy)
    if refusal.about in (About.ACCOUNT, About.SERVER):
        raise EngineError(f"{failure}; {refusal.advice}")
    return Outcome(attempts=attempt, failed_because=refusal.reason, failure=failure)


def _read_json(raw: bytes) -> Any:
    """What a body holds; the body itself where it is no JSON."""
    try:
        return read_json(raw)
    except ValueError:
        return raw


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
    content = message.get("content") or message.get("refusal")  # OpenAI's place for a "no"
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
        kind = str(part.get("type", "text")).lower() if isinstance(part, Mapping) else "text"
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


def _read_completion(reply: Any, raw: bytes, request: ChatRequest, attempt: int) -> Outcome:
    try:
        choice = reply["choices"][0]
        finish = read_finish(choice.get("finish_reason"))
        ending = ending_of(finish)
        # Of a text that a filter cut, nothing may be left.
        is_filtered = ending is Ending.FILTER
        said = read_message(choice.get("message") or {} if is_filtered else choice["message"])
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        failure = f"not a chat completion: {quoted(raw)}"
        raise TryAgainError(NoAnswer.MALFORMED_REPLY, failure) from error
    if ending is Ending.ENGINE:
        raise TryAgainError(NoAnswer.SERVER_ERROR, f"the engine ended the text: {finish}")
    usage = reply.get("usage")
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    return Outcome(
        text=None if is_filtered else said.text,
        failed_because=NoAnswer.FILTERED_BY_SERVER if is_filtered else None,
        failure=f"{finish}, after: {quoted(said.text)}" if is_filtered else None,
        finish_reason=CUT if ending is Ending.LIMIT else finish,
        prompt_tokens=_read_count(usage, "prompt_tokens"),
        cached_tokens=_read_count(details, "cached_tokens"),
        completion_tokens=_read_count(usage, "completion_tokens"),
        attempts=attempt,
        choices=read_choices(choice, request.choices, said.text),
        reasoning=said.reasoning,
        reasoning_tokens=_count_reasoning(usage, said),
    )


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
