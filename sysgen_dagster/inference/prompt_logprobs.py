"""Finds out whether a server says how likely the tokens of a prompt are.

llama.cpp's server takes such a request and answers for what it writes alone: whoever scores prompts
with that gets the scores of guessing, and no error (ggml-org/llama.cpp #27174).
"""

from typing import Any

import httpx2
import openai

from sysgen_dagster.inference.bodies import read_json
from sysgen_dagster.inference.chat_api import Endpoint, EngineError, UnreachableError
from sysgen_dagster.inference.openai_client import describe_error, open_client

_BUSY, _BROKEN, _NOT_THERE = 429, 500, 501
_PROMPT = [11, 12, 13, 14, 15]  # ids that every vocabulary has


def require_prompt_logprobs(endpoint: Endpoint) -> None:
    """Send one short prompt to each server of a model.

    Raises:
        EngineError: A server gives no probability for each token of it; it is named.
        UnreachableError: It cannot be asked.
    """
    for url in endpoint.base_urls:
        body = {
            "model": endpoint.model.served_name,
            "prompt": [_PROMPT],
            "max_tokens": 1,
            "temperature": 0,
            "echo": True,
            "logprobs": 1,
        }
        with open_client(url, endpoint.api_key, endpoint.retries.probes) as client:
            try:
                reply = client.post("/completions", body=body, cast_to=httpx2.Response)
                fault = _fault_of(read_json(reply.content))
            except (openai.OpenAIError, ValueError) as error:
                said = describe_error(error, endpoint.api_key)
                if not _is_refusal(error):
                    raise UnreachableError(f"{endpoint.model.name}: {url} fails ({said})") from None
                fault = f"it answers {said}"
        if fault:
            raise EngineError(
                f"{endpoint.model.name}: {url} does not say how likely the tokens of a prompt are "
                f"({fault}), so tasks that compare likelihoods would score as guessing does. "
                "Serve the model with vLLM, started with --no-enable-prefix-caching (engine `vllm` "
                "does that by itself), or name only tasks that ask for text"
            )


def _is_refusal(error: Exception) -> bool:
    """Whether the server would refuse the same request again, and is not just busy or broken."""
    status = error.status_code if isinstance(error, openai.APIStatusError) else None
    return status is not None and status != _BUSY and (status < _BROKEN or status == _NOT_THERE)


def _fault_of(reply: Any) -> str:
    """What is wrong with a reply; empty where each token but the first has a probability."""
    try:
        first, *others = reply["choices"][0]["logprobs"]["token_logprobs"]
    except (LookupError, TypeError, ValueError):
        return "it gives no log-probabilities"
    wanted = len(_PROMPT) + 1  # and one that is written
    if len(others) + 1 != wanted or first is not None:
        return f"it gives log-probabilities of {len(others) + 1} tokens of {wanted}"
    are_numbers = all(isinstance(each, float | int) and each <= 0 for each in others)
    return "" if are_numbers else "some of them are no log-probabilities"
