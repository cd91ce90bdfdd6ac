"""What a server says of itself before a partition's requests are sent to it."""

from typing import Any

import openai

from sysgen_dagster.inference.chat_api import (
    EngineError,
    Facts,
    ServedModel,
    UnreachableError,
    tokens_url,
)

_WITHIN_S, _RETRIES = 60.0, 4
# Long enough to be seen in the count of the prompt's tokens, whatever a template adds by itself.
_SYSTEM = "Answer in plain words, keep to what was asked, and say so when you do not know. " * 4
_USER = "Hello"
_SEEN_TOKENS = 30


def look_at(
    model: ServedModel, base_url: str, api_key: str | None, has_system_role: bool | None
) -> Facts:
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
            served = {each.id: each for each in client.models.list()}
        except (openai.OpenAIError, AttributeError, ValueError) as error:
            raise UnreachableError(
                f"{model.name}: no OpenAI-compatible server answers at {base_url} ({error}). Start "
                "it, or correct base_urls in the catalogue"
            ) from error
        if model.served_name not in served:
            raise EngineError(
                f"{model.name}: {base_url} serves {', '.join(served) or 'nothing'}, not "
                f"{model.served_name}; correct served_name in the catalogue, or start that model "
                "there"
            )
        context = getattr(served[model.served_name], "max_model_len", None)
        if has_system_role is None:
            has_system_role = _shows_system_message(client, model, base_url)
        return Facts(
            context_tokens=context if isinstance(context, int) else None,
            has_tokenizer=_counts_tokens(client, model, base_url),
            has_system_role=has_system_role,
        )


def _shows_system_message(client: openai.OpenAI, model: ServedModel, base_url: str) -> bool:
    """Whether the chat template takes a system message and does not drop it silently."""
    user = {"role": "user", "content": _USER}
    alone = _prompt_tokens(client, model, [user])
    if isinstance(alone, str):
        raise EngineError(f"{model.name}: {base_url} does not answer a simple chat ({alone})")
    both = _prompt_tokens(client, model, [{"role": "system", "content": _SYSTEM}, user])
    if isinstance(both, str):
        return False
    # A server that counts nothing is taken at its word.
    return not (alone and both) or both - alone >= _SEEN_TOKENS


def _prompt_tokens(
    client: openai.OpenAI, model: ServedModel, messages: list[Any]
) -> int | str | None:
    """Tokens of the prompt as the server counts them, or what it says against the messages."""
    try:
        reply = client.chat.completions.create(
            model=model.served_name, messages=messages, max_tokens=1, temperature=0.0
        )
    except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
        return str(error)
    except (openai.OpenAIError, ValueError) as error:
        raise UnreachableError(f"{model.name}: {client.base_url} fails ({error})") from error
    usage = getattr(reply, "usage", None)  # whatever else stands in the reply
    return usage.prompt_tokens if usage else None


def _counts_tokens(client: openai.OpenAI, model: ServedModel, base_url: str) -> bool:
    body = {"model": model.served_name, "messages": [{"role": "user", "content": _USER}]}
    try:
        reply: Any = client.post(tokens_url(base_url), body=body, cast_to=object)
    except openai.OpenAIError:
        return False
    return isinstance(reply, dict) and isinstance(reply.get("count"), int)
