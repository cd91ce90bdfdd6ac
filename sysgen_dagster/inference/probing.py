"""Finds out what a server can do before the requests of a partition are sent to it."""

from typing import Any

import openai

from sysgen_dagster.inference.chat_api import (
    EngineError,
    ModelIdentity,
    ServerCapabilities,
    UnreachableError,
    tokens_url,
)

_WITHIN_S = 60.0
# A system message that the model is shown makes the count of the prompt's tokens differ between
# these two, whatever the template adds by itself.
_SHORT = "Be brief."
_LONG = "Answer in plain words, keep to what was asked, and say so when you do not know. " * 4
_LEAST_DIFFERENCE = 30
_USER = {"role": "user", "content": "Hello"}
# A template that refuses a message makes vLLM reply with 400, llama.cpp and SGLang with 500.
_REFUSED = frozenset({400, 422, 500})


def probe_server(
    model: ModelIdentity,
    base_url: str,
    api_key: str | None,
    has_system_role: bool | None,
    retries: int,
) -> ServerCapabilities:
    """What the server at a URL can do.

    Args:
        model: The model that it should serve.
        base_url: Ends in ``/v1``.
        api_key: Sent to it.
        has_system_role: Where it is known; None: found out by three short requests.
        retries: Of each question that fails.

    Raises:
        UnreachableError: No OpenAI-compatible server answers there.
        EngineError: It answers and does not serve the model, or no chat at all.
    """
    client = openai.OpenAI(
        base_url=base_url,
        api_key=api_key or "none",
        max_retries=retries,
        timeout=_WITHIN_S,
        # The requests of the phases use no proxy either.
        http_client=openai.DefaultHttpxClient(trust_env=False),
    )
    with client:
        try:
            served = {str(each.id): each for each in client.models.list()}
        except (openai.OpenAIError, AttributeError, TypeError, ValueError) as error:
            raise UnreachableError(
                f"{model.name}: no OpenAI-compatible server answers at {base_url} "
                f"({_describe(error, api_key)}). Start it, or correct base_urls in the catalogue"
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
    """Whether the chat template neither refuses a system message nor leaves it out.

    True where the server counts no tokens, since nothing shows that it leaves the message out.
    """
    try:
        long, short = (
            _prompt_tokens(client, model, {"role": "system", "content": text}, _USER)
            for text in (_LONG, _SHORT)
        )
    except openai.APIStatusError:
        try:
            _prompt_tokens(client, model, _USER)
        except openai.APIStatusError as error:
            fault = f"does not answer a simple chat ({_describe(error, client.api_key)})"
            kind = UnreachableError if error.status_code >= 500 else EngineError
            raise kind(f"{model.name}: {base_url} {fault}") from None
        return False
    return long is None or short is None or long - short >= _LEAST_DIFFERENCE


def _prompt_tokens(client: openai.OpenAI, model: ModelIdentity, *messages: Any) -> int | None:
    """Tokens of the prompt as the server counts them; None where it does not.

    Raises:
        openai.APIStatusError: The server may have refused the messages.
        UnreachableError: It fails in another way.
    """
    try:
        reply = client.chat.completions.create(
            model=model.served_name, messages=messages, extra_body={model.limit_field: 1}
        )
    except (openai.OpenAIError, ValueError) as error:
        if isinstance(error, openai.APIStatusError) and error.status_code in _REFUSED:
            raise
        fault = _describe(error, client.api_key)
        raise UnreachableError(f"{model.name}: {client.base_url} fails ({fault})") from None
    tokens = getattr(getattr(reply, "usage", None), "prompt_tokens", None)
    return tokens if isinstance(tokens, int) else None


def _counts_tokens(client: openai.OpenAI, model: ModelIdentity, base_url: str) -> bool:
    body = {"model": model.served_name, "messages": [_USER]}
    try:
        reply: Any = client.post(tokens_url(base_url), body=body, cast_to=object)
    except (openai.OpenAIError, ValueError):
        return False
    return isinstance(reply, dict) and isinstance(reply.get("count"), int)


def _describe(error: Exception, api_key: str | None) -> str:
    """The text of an error or of the reply behind it, without our key, which servers may repeat."""
    text = str(error)
    if isinstance(error, openai.APIStatusError):
        text = f"{error.status_code}: {error.response.text}"
    return text.replace(api_key or "\0", "***")[:300]
