"""What a server says of itself before a partition's requests are sent to it."""

from typing import Any

import openai

from sysgen_dagster.inference.chat_api import (
    EngineError,
    ModelIdentity,
    ServerCapabilities,
    UnreachableError,
    tokens_url,
)

_WITHIN_S, _RETRIES = 60.0, 4
# Their difference is seen in the count of the prompt's tokens, whatever a template adds by itself.
_SHORT = "Be brief."
_LONG = "Answer in plain words, keep to what was asked, and say so when you do not know. " * 4
_USER = "Hello"
_SEEN_TOKENS = 30
# A template that refuses ends in one of these: vLLM says 400, llama.cpp and SGLang 500.
_REFUSED = frozenset({400, 422, 500})


def look_at(
    model: ModelIdentity, base_url: str, api_key: str | None, has_system_role: bool | None
) -> ServerCapabilities:
    """The facts of the server at a URL; `has_system_role` is found out where it is None.

    Raises:
        UnreachableError: No OpenAI-compatible server answers there.
        EngineError: It answers and does not serve the model, or no chat at all.
    """
    client = openai.OpenAI(
        base_url=base_url,
        api_key=api_key or "none",
        max_retries=_RETRIES,
        timeout=_WITHIN_S,
        # As for the requests of the phases: no proxy stands between us and an engine.
        http_client=openai.DefaultHttpxClient(trust_env=False),
    )
    with client:
        try:
            served = {str(each.id): each for each in client.models.list()}
        except (openai.OpenAIError, AttributeError, TypeError, ValueError) as error:
            raise UnreachableError(
                f"{model.name}: no OpenAI-compatible server answers at {base_url} "
                f"({_said(error, api_key)}). Start it, or correct base_urls in the catalogue"
            ) from None
        if model.served_name not in served:
            raise EngineError(
                f"{model.name}: {base_url} serves {', '.join(served) or 'nothing'}, not "
                f"{model.served_name}; correct served_name in the catalogue, or start that model "
                "there"
            )
        context = getattr(served[model.served_name], "max_model_len", None)
        if has_system_role is None:
            has_system_role = _shows_system_message(client, model, base_url)
        return ServerCapabilities(
            context_tokens=context if isinstance(context, int) else None,
            has_tokenizer=_counts_tokens(client, model, base_url),
            has_system_role=has_system_role,
        )


def _shows_system_message(client: openai.OpenAI, model: ModelIdentity, base_url: str) -> bool:
    """Whether the chat template takes a system message and does not drop it silently."""
    user = {"role": "user", "content": _USER}
    long = _prompt_tokens(client, model, [{"role": "system", "content": _LONG}, user])
    if isinstance(long, openai.APIStatusError):
        alone = _prompt_tokens(client, model, [user])
        if isinstance(alone, openai.APIStatusError):
            said = f"does not answer a simple chat ({_said(alone, client.api_key)})"
            kind = UnreachableError if alone.status_code >= 500 else EngineError
            raise kind(f"{model.name}: {base_url} {said}")
        return False
    short = _prompt_tokens(client, model, [{"role": "system", "content": _SHORT}, user])
    # A server that counts nothing is taken at its word.
    return not (isinstance(long, int) and isinstance(short, int)) or long - short >= _SEEN_TOKENS


def _prompt_tokens(
    client: openai.OpenAI, model: ModelIdentity, messages: list[Any]
) -> int | openai.APIStatusError | None:
    """Tokens of the prompt as the server counts them, or what it says against the messages."""
    try:
        reply = client.chat.completions.create(
            model=model.served_name, messages=messages, extra_body={model.limit_field: 1}
        )
    except openai.APIStatusError as error:
        if error.status_code in _REFUSED:
            return error
        fault: Exception = error
    except (openai.OpenAIError, ValueError) as error:
        fault = error
    else:
        tokens = getattr(getattr(reply, "usage", None), "prompt_tokens", None)
        return tokens if isinstance(tokens, int) else None
    said = _said(fault, client.api_key)
    raise UnreachableError(f"{model.name}: {client.base_url} fails ({said})")


def _counts_tokens(client: openai.OpenAI, model: ModelIdentity, base_url: str) -> bool:
    body = {"model": model.served_name, "messages": [{"role": "user", "content": _USER}]}
    try:
        reply: Any = client.post(tokens_url(base_url), body=body, cast_to=object)
    except (openai.OpenAIError, ValueError):
        return False
    return isinstance(reply, dict) and isinstance(reply.get("count"), int)


def _said(error: Exception, api_key: str | None) -> str:
    """What a server said, without our key: some repeat the one that they refuse."""
    said = str(error)
    if isinstance(error, openai.APIStatusError):
        said = f"{error.status_code}: {error.response.text}"
    return said.replace(api_key or "\0", "***")[:300]
