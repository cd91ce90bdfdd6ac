"""What servers and gateways say when they do not answer, in their own forms and words."""

import json
from typing import Any

Reply = tuple[int, str]  # status and body


def openai(message: str, code: str | None = None, kind: str = "invalid_request_error") -> str:
    """The form of OpenAI, and of most others."""
    error = {"message": message, "type": kind, "param": None, "code": code}
    return json.dumps({"error": error})


def openrouter(code: int, message: str, **metadata: Any) -> str:
    return json.dumps({"error": {"code": code, "message": message, "metadata": metadata}})


def anthropic(kind: str, message: str) -> str:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}})


def gemini(code: int, message: str, status: str, *details: dict[str, Any]) -> str:
    error = {"code": code, "message": message, "status": status, "details": details}
    return json.dumps([{"error": error}])


def vllm(message: str, code: int = 400) -> str:
    """The form of vLLM before 0.10 and of SGLang."""
    return json.dumps(
        {"object": "error", "message": message, "type": "BadRequestError", "code": code}
    )


def tgi(message: str) -> str:
    return json.dumps({"error": f"Input validation error: {message}", "error_type": "validation"})


def plain(**fields: Any) -> str:
    return json.dumps(fields)


_GEMINI_QUOTA = (
    "You exceeded your current quota, please check your plan and billing details. For more "
    "information: https://ai.google.dev/gemini-api/docs/rate-limits."
)
_VLLM_TOKENS = (
    "'max_tokens' or 'max_completion_tokens' is too large: 9000. This model's maximum context "
    "length is 8192 tokens and your request has 1200 input tokens (9000 > 8192 - 1200)."
)
_GROQ_TPM = (
    "Request too large for model `llama-3.3-70b` in organization `org_01` service tier `on_demand` "
    "on tokens per minute (TPM): Limit 6000, Requested 9120, please reduce your message size and "
    "try again. Need more tokens? Upgrade at https://console.groq.com/settings/billing"
)
_OPENAI_RPM = (
    "Rate limit reached for gpt-4 in organization org-x on requests per min. Limit: 3 / min. "
    "Please try again in 20s. You can increase your rate limit by adding a payment method to your "
    "account at https://platform.openai.com/account/billing."
)

ACCOUNT: dict[str, Reply] = {
    "openai-quota": (
        429,
        openai(
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            "insufficient_quota",
        ),
    ),
    "openai-billing": (
        400,
        openai("Billing hard limit has been reached", "billing_hard_limit_reached"),
    ),
    "openai-not-active": (
        429,
        openai("Your account is not active, please check your billing", "billing_not_active"),
    ),
    "openai-key": (401, openai("Incorrect API key provided: ***.", "invalid_api_key")),
    "openai-country": (
        403,
        openai(
            "Country, region, or territory not supported", "unsupported_country_region_territory"
        ),
    ),
    "openai-project": (
        403,
        openai("Project `proj_x` does not have access to model `gpt-5`", "model_not_found"),
    ),
    "openrouter-credits": (
        402,
        openrouter(
            402,
            "This request requires more credits, or fewer max_tokens. You requested up "
            "to 65536 tokens, but can only afford 1234. To increase, visit the settings.",
        ),
    ),
    "openrouter-prompt": (402, openrouter(402, "Prompt tokens limit exceeded: 6345 > 1234.")),
    "openrouter-key-limit": (403, openrouter(403, "Key limit exceeded (total limit).")),
    "anthropic-credit": (
        400,
        anthropic("invalid_request_error", "Your credit balance is too low to access the API."),
    ),
    "anthropic-key": (401, anthropic("authentication_error", "invalid x-api-key")),
    "anthropic-permission": (
        403,
        anthropic("permission_error", "Your API key does not have permission to use this."),
    ),
    "gemini-key": (
        400,
        gemini(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT"),
    ),
    "gemini-permission": (403, gemini(403, "Caller lacks the role.", "PERMISSION_DENIED")),
    "deepseek-balance": (402, openai("Insufficient Balance")),
    "xai-credits": (
        403,
        plain(code="some", error="Your team x has used all available credits or reached its limit"),
    ),
    "fireworks-suspended": (
        412,
        openai("Account fireworks/x is suspended, possibly due to reaching the spending limit"),
    ),
    "moonshot-quota": (
        429,
        openai("Your account is suspended", None, "exceeded_current_quota_error"),
    ),
    "zhipu-balance": (429, plain(error={"code": "1113", "message": "Insufficient balance"})),
    "dashscope-overdue": (
        400,
        plain(code="Arrearage", message="Please make sure your account is in good standing."),
    ),
    "huggingface-credits": (
        402,
        plain(error="You have exceeded your monthly included credits for Inference Providers."),
    ),
    "litellm-budget": (
        400,
        openai("Budget has been exceeded! Current cost: 10.2, Max budget: 10.0", "400"),
    ),
    "bedrock-access": (403, plain(__type="x", message="AccessDeniedException: not allowed")),
    "bedrock-not-authorized": (
        403,
        plain(message="User: arn:x is not authorized to perform: bedrock:InvokeModel"),
    ),
    "openai-deactivated": (400, openai("Your account was deactivated", "account_deactivated")),
    "account-flagged": (403, openai("Your account has been flagged for violating our policies.")),
    "a-proxy": (407, "Proxy Authentication Required"),
    "words-alone": (402, ""),
}

SERVER: dict[str, Reply] = {
    "vllm-model": (404, vllm("The model `gpt` does not exist.", 404)),
    "openai-model": (
        404,
        openai(
            "The model `gpt-4.9` does not exist or you do not have access to it.", "model_not_found"
        ),
    ),
    "ollama-model": (404, openai('model "phi9" not found, try pulling it first')),
    "openrouter-model": (400, openrouter(400, "phi/phi-9 is not a valid model ID")),
    "gemini-model": (404, gemini(404, "models/gemini-9 is not found for API version", "NOT_FOUND")),
    "groq-model": (404, openai("The model `x` does not exist", "model_not_found")),
    "redirect": (301, ""),
    "redirect-to-login": (302, "<html>sign in</html>"),
    "method": (405, plain(detail="Method Not Allowed")),
    "not-implemented": (501, ""),
}

BUSY: dict[str, Reply] = {
    "openai-rpm": (429, openai(_OPENAI_RPM, "rate_limit_exceeded", "requests")),
    "openai-tpm": (
        429,
        openai("Request too large for gpt-4 on tokens per min (TPM): Limit 10000, Requested 12000"),
    ),
    "groq-413": (413, openai(_GROQ_TPM, "rate_limit_exceeded", "tokens")),
    "gemini-minute": (
        429,
        gemini(
            429,
            _GEMINI_QUOTA,
            "RESOURCE_EXHAUSTED",
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "20s"},
        ),
    ),
    "gemini-minute-in-words": (429, gemini(429, f"{_GEMINI_QUOTA}\nPlease retry in 20.5s.", "X")),
    "vertex": (
        429,
        gemini(429, "Quota exceeded for online_prediction_requests_per_base_model.", "X"),
    ),
    "openrouter-day": (
        429,
        openrouter(429, "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000"),
    ),
    "github-403": (403, plain(message="You have exceeded a secondary rate limit.")),
    "anthropic-529": (529, anthropic("overloaded_error", "Overloaded")),
    "anthropic-overload-as-400": (400, anthropic("overloaded_error", "Overloaded")),
    "bedrock-400": (400, plain(message="ThrottlingException: Too many tokens, please wait.")),
    "llama-cpp-loads": (503, openai("Loading model", None, "unavailable_error")),
    "tgi-overload": (429, plain(error="Model is overloaded", error_type="overloaded")),
    "cohere": (429, plain(message="You are using a Trial key, which is limited to 20 calls")),
    "together-503": (503, openai("The server is overloaded or not ready yet.")),
    "ollama-queue": (503, plain(error="server busy, please try again. maximum pending requests")),
    "zhipu": (400, plain(error={"code": "1302", "message": "too many requests, concurrency"})),
    "empty-429": (429, ""),
}

AGAIN: dict[str, Reply] = {
    "timeout": (408, ""),
    "conflict": (409, ""),
    "too-early": (425, ""),
    "error": (500, "Internal Server Error"),
    "gateway": (502, "<html>Bad gateway</html>"),
    "cloudflare": (524, "<html>A timeout occurred</html>"),
    "try-again": (400, openai("An error occurred, please try again later.")),
    "temporary": (400, openai("The model is temporarily unavailable.")),
    "upstream": (424, openai("Upstream request timed out")),
    # Of all requests together; alone each of them may fit.
    "llama-cpp-cache": (500, openai("Context size has been exceeded.", None, "server_error")),
    "openrouter-502": (502, openrouter(502, "Provider returned error")),
}

TOO_LONG: dict[str, Reply] = {
    "openai": (
        400,
        openai(
            "This model's maximum context length is 8192 tokens. However, your messages resulted "
            "in 9000 tokens. Please reduce the length of the messages.",
            "context_length_exceeded",
        ),
    ),
    "openai-responses": (
        400,
        openai(
            "Your input exceeds the context window of this model. Please adjust your input and "
            "try again.",
            "context_length_exceeded",
        ),
    ),
    "openai-code-alone": (400, openai("Bad request", "context_length_exceeded")),
    "openai-characters": (
        400,
        openai(
            "Invalid 'messages[1].content': string too long. Expected a string with maximum "
            "length 1048576, but got one with length 2000000.",
            "string_above_max_length",
        ),
    ),
    "groq": (
        400,
        openai(
            "Please reduce the length of the messages or completion.", "context_length_exceeded"
        ),
    ),
    "cerebras": (
        400,
        openai(
            "Please reduce the length of the messages or completion. Current length is 9000 "
            "while limit is 8192"
        ),
    ),
    "vllm": (
        400,
        vllm("This model's maximum context length is 8192 tokens. However, you requested"),
    ),
    "vllm-limit": (400, vllm(_VLLM_TOKENS)),
    "vllm-decoder": (
        400,
        openai("The decoder prompt (length 9000) is longer than the maximum model length of 8192."),
    ),
    "vllm-newer": (
        400,
        openai(
            "You passed 8193 input tokens and requested 0 output tokens. However, the model's "
            "context length is only 8192 tokens, resulting in a maximum input length of 8192."
        ),
    ),
    "vllm-model-len": (400, openai("'max_tokens' is too large: 9000. max_model_len is 8192")),
    "sglang": (
        400,
        vllm("The input (9000 tokens) is longer than the model's context length (8192 tokens)."),
    ),
    "sglang-total": (
        400,
        vllm("Requested token count exceeds the model's maximum context length of 8192 tokens."),
    ),
    "tgi": (
        422,
        tgi(
            "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and "
            "512 `max_new_tokens`"
        ),
    ),
    "tgi-inputs": (422, tgi("`inputs` must have less than 4095 tokens. Given: 9000")),
    "together": (
        422,
        openai("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097."),
    ),
    "llama-cpp": (
        400,
        openai(
            "the request exceeds the available context size. try increasing the context size",
            None,
            "exceed_context_size_error",
        ),
    ),
    "llama-cpp-newer": (
        400,
        openai(
            "request (9000 tokens) exceeds the available context size (8192 tokens), try "
            "increasing it"
        ),
    ),
    "llama-cpp-python": (500, openai("Requested tokens (5000) exceed context window of 4096")),
    "lm-studio": (
        400,
        plain(
            error="Trying to keep the first 9000 tokens when context the overflows. However, the "
            "model is loaded with context length of only 4096 tokens"
        ),
    ),
    "lm-studio-keeps": (
        400,
        plain(
            error="The number of tokens to keep from the initial prompt is greater than the "
            "context length."
        ),
    ),
    "ollama": (400, plain(error="input length exceeds maximum context length")),
    "ollama-cloud": (
        400,
        plain(error="prompt too long; exceeded max context length by 812 tokens"),
    ),
    "anthropic": (
        400,
        anthropic("invalid_request_error", "prompt is too long: 200001 tokens > 200000 maximum"),
    ),
    "anthropic-limit": (
        400,
        anthropic(
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: "
            "190000 + 21333 > 200000, decrease input length or `max_tokens` and try again",
        ),
    ),
    "anthropic-413": (413, anthropic("request_too_large", "Request exceeds the maximum size")),
    "bedrock": (400, plain(message="Input is too long for requested model.")),
    "bedrock-tokens": (
        400,
        plain(message="Too many input tokens. Max input tokens: 8192, request input tokens: 9000"),
    ),
    "bedrock-characters": (
        400,
        plain(message="expected maxLength: 100000, actual: 120000, please reformat your input"),
    ),
    "gemini": (
        400,
        gemini(
            400,
            "The input token count (1100000) exceeds the maximum number of tokens allowed "
            "(1048576).",
            "INVALID_ARGUMENT",
        ),
    ),
    "vertex": (
        400,
        gemini(
            400,
            "Unable to submit request because the input token count is 40000 but model only "
            "supports up to 32768.",
            "INVALID_ARGUMENT",
        ),
    ),
    "mistral": (
        400,
        plain(
            object="error",
            message="Prompt contains 40000 tokens and 0 draft tokens, too large "
            "for model with 32768 maximum context length",
            type="invalid_request_prompt",
            code="3051",
        ),
    ),
    "deepseek": (400, openai("This model's maximum context length is 65536 tokens. However,")),
    "fireworks": (
        400,
        openai("The prompt is too long: 40000, model maximum context length: 32767"),
    ),
    "xai": (
        400,
        plain(
            code="400",
            error="This model's maximum prompt length is 131072 but the request "
            "contains 140000 tokens.",
        ),
    ),
    "cohere": (
        400,
        plain(message="too many tokens: total number of tokens in the request cannot exceed 4081"),
    ),
    "dashscope": (
        400,
        plain(code="InvalidParameter", message="Range of input length should be [1, 30720]"),
    ),
    "zhipu": (400, plain(error={"code": "1261", "message": "Prompt exceeds max length"})),
    "moonshot": (400, openai("Invalid request: Your request exceeded model token limit: 8192")),
    "minimax": (400, plain(error={"message": "context window exceeds limit (2013)"})),
    "doubao": (400, openai("Total tokens of image and text exceed max message tokens.")),
    "openrouter": (
        400,
        openrouter(400, "This endpoint's maximum context length is 8192 tokens. However, you"),
    ),
    "openrouter-of-a-provider": (
        400,
        openrouter(
            400,
            "Provider returned error",
            raw=anthropic("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
        ),
    ),
    "litellm": (
        400,
        openai("litellm.ContextWindowExceededError: litellm.BadRequestError: some", "400"),
    ),
    "github-models": (
        413,
        openai(
            "Request body too large for gpt-4o model. Max size: 8000 tokens.",
            "tokens_limit_reached",
        ),
    ),
    "nginx": (413, "<html><h1>413 Request Entity Too Large</h1></html>"),
    "fastapi": (422, plain(detail=[{"type": "x", "msg": "prompt is too long", "input": "a"}])),
    "as-text": (400, "maximum context length is 8192 tokens"),
}

FILTERED: dict[str, Reply] = {
    "openrouter": (
        403,
        openrouter(403, "Your input was flagged", reasons=["violence"], flagged_input="How do..."),
    ),
    "openrouter-by-its-fields": (
        403,
        openrouter(403, "Input refused", reasons=["violence"], flagged_input="How do..."),
    ),
    "in-plain-words": (403, "flagged by moderation"),
    "azure": (
        400,
        plain(
            error={
                "code": "content_filter",
                "message": "The response was filtered due to the prompt triggering Azure OpenAI's "
                "content management policy. Please modify your prompt and retry.",
                "innererror": {
                    "code": "ResponsibleAIPolicyViolation",
                    "content_filter_result": {"violence": {"filtered": True}},
                },
            }
        ),
    ),
    "azure-inner-code-alone": (
        400,
        plain(error={"message": "Bad", "innererror": {"code": "ResponsibleAIPolicyViolation"}}),
    ),
    "openai-prompt": (
        400,
        openai(
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy. "
            "Please try again with a different prompt.",
            "invalid_prompt",
        ),
    ),
    "openai-safety": (
        400,
        openai("Your request was rejected as a result of our safety system.", "moderation_blocked"),
    ),
    "openai-policy": (
        400,
        openai("Your request was rejected", "content_policy_violation"),
    ),
    "anthropic": (
        400,
        anthropic("invalid_request_error", "Output blocked by content filtering policy"),
    ),
    "gemini": (400, gemini(400, "The prompt is blocked", "INVALID_ARGUMENT", {"reason": "SAFETY"})),
    "vertex": (
        400,
        gemini(
            400,
            "The prompt contains sensitive words that violate Google's Responsible AI practices",
            "INVALID_ARGUMENT",
        ),
    ),
    "groq": (403, openai("Input was blocked by moderation", "moderation_error")),
    "together": (422, openai("Prompt rejected: harmful content", "content_policy")),
    "xai": (
        403,
        plain(
            code="The caller does not have permission to execute the specified operation",
            error="Content violates usage guidelines. Team: x, API key ID: y, Failed check: "
            "SAFETY_CHECK_TYPE_BIO",
        ),
    ),
    "deepseek": (400, openai("Content Exists Risk")),
    "dashscope": (
        400,
        plain(code="DataInspectionFailed", message="Input data may contain inappropriate content."),
    ),
    "zhipu": (
        400,
        plain(error={"code": "1301", "message": "系统检测到输入内容可能包含不安全或敏感内容"}),
    ),
    "moonshot": (
        400,
        openai(
            "The request was rejected because it was considered high risk", None, "content_filter"
        ),
    ),
    "minimax": (422, plain(error={"message": "input new_sensitive (1026)"})),
    "bedrock": (400, plain(message="The guardrail intervened in the request")),
    "litellm": (400, openai("litellm.ContentPolicyViolationError: OpenAIException", "400")),
    "law": (451, openai("Refused: this prompt violates the policy on content")),
    "upstream": (500, openai("upstream: content_filter", "content_filter")),
}

# Nothing in these says whether one row is meant or all.
UNKNOWN: dict[str, Reply] = {
    "forbidden": (403, "Forbidden"),
    "empty-403": (403, ""),
    "empty-404": (404, ""),
    "empty-451": (451, ""),
    "firewall": (403, "<html><h1>Sorry, you have been blocked</h1> Access denied</html>"),
    "field": (400, openai("Unsupported parameter: 'logit_bias' is not supported with this model.")),
    "value": (400, openai("temperature must be positive")),
    "role": (400, openai("System role not supported")),
    "validation": (422, plain(detail=[{"type": "missing", "msg": "Field required", "input": {}}])),
    "gone": (410, ""),
    "teapot": (418, ""),
    # The limit of the answer is refused, not the prompt.
    "max-tokens-openai": (
        400,
        openai(
            "max_tokens is too large: 9000. This model supports at most 4096 completion tokens, "
            "whereas you provided 9000."
        ),
    ),
    "max-tokens-anthropic": (
        400,
        anthropic(
            "invalid_request_error",
            "max_tokens: 100000 > 64000, which is the maximum allowed "
            "number of output tokens for this model",
        ),
    ),
    "max-tokens-deepseek": (
        400,
        openai("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"),
    ),
    "max-tokens-vllm": (
        400,
        vllm("max_tokens=9000 cannot be greater than max_model_len=max_total_tokens=8192."),
    ),
    "safety-settings": (400, openai("Unknown field: safety_settings")),
    "another-value": (400, openai("Invalid value for `n`. Please correct it and try again.")),
}


# The same kinds in words of no server in particular, all in the form of OpenAI.
OTHER_WORDS: dict[str, tuple[Reply, ...]] = {
    "FILTERED": (
        (403, "content moderation: rejected"),
        (400, "The prompt contains harmful content."),
        (400, "Request blocked by safety filter"),
        (422, "Input rejected: hate speech detected"),
        (403, "Your prompt may contain text that is not allowed by our safety system"),
        (400, "The input triggered the content safety filter"),
        (400, "Input text contains sensitive data"),
        (403, "Content not allowed: violence"),
        (400, "Disallowed content"),
        (400, "Prompt was rejected due to self-harm"),
        (403, "Blocked by Llama Guard: S1"),
        (400, "sexual content"),
        (400, "toxic input"),
    ),
    "ACCOUNT": (
        (403, "Your subscription has expired"),
        (400, "You have run out of credits. Please top up your account"),
        (403, "Your trial has ended. Please upgrade your plan"),
        (429, "You have exhausted your monthly quota. Please upgrade your plan"),
        (400, "This API key has been disabled"),
        (403, "The API Key is not allowed to access model x"),
        (429, "Monthly usage limit exceeded"),
        (429, "insufficient credit"),
        (403, "Payment required: your invoice is overdue"),
        (400, "No payment method on file"),
        (429, "quota exceeded for this billing period"),
        (403, "credits exhausted"),
        (429, "Your prepaid balance is depleted"),
        (403, "Sorry, your account balance is insufficient"),
        (403, "The request failed because your account has an overdue balance."),
        (400, "You have reached your specified API usage limits. You will regain access on 1 Jan"),
        (403, "Out of call volume quota. Quota will be replenished in 12.03:44:01."),
        (403, "Your team doesn't have any credits or licenses yet."),
        (403, "The free tier of the model has been exhausted."),
        (429, "You are using a Trial key, which is limited to 1000 API calls / month."),
        (429, "余额不足或无可用资源包,请充值。"),
    ),
    "MOMENT": (
        (400, "The engine is currently overloaded, please try again later"),
        (400, "Too busy"),
        (400, "Service unavailable, please retry"),
        (413, "tokens per minute limit exceeded"),
        (413, "Rate limit reached for model x on TPM: Limit 6000"),
        (413, "Request too large: limit 6000 tokens/min"),
        (413, "Request too large for your tier (TPM limit 6000)"),
        (413, "on tokens per day (TPD): Limit 100000"),
        (500, "CUDA out of memory"),
        (498, "capacity exceeded"),
        (424, "Request failed during generation: Server error"),
        (400, "The model has crashed without additional information. (Exit code: 6)"),
        (400, "Model unloaded."),
        (400, "Open api qps request limit reached"),
        (429, "您当前使用该API的并发数过高,请降低并发"),
    ),
    "TOO_LONG": (
        (400, "Input too long"),
        (400, "max_tokens must be at least 1, got -12."),
        (400, "the max input characters is 20000"),
        (400, "Prompt 超长"),
        (400, "the request is too long for this model"),
        (400, "Prompt tokens (9000) exceed the limit of 8192"),
        (
            400,
            "input tokens exceed the configured limit of 272000 tokens. Your "
            "messages resulted in 300000 tokens",
        ),
        (400, "Number of tokens in the prompt exceeds the model's limit"),
        (400, "The context window is 4096 tokens, but the prompt has 5000"),
        (400, "total tokens exceed context window"),
        (400, "context overflow"),
        (400, "Context length exceeded"),
        (400, "sequence length 9000 exceeds max seq len 8192"),
        (400, "Token indices sequence length is longer than the specified maximum sequence length"),
        (400, "The message is too long for the model's context"),
        (400, "This request would exceed the model's context"),
        (400, "n_ctx exceeded: prompt has 9000 tokens"),
        (422, "Input length 9000 exceeds maximum length of 8192"),
        (
            400,
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= "
            "8192. Given: 8000",
        ),
        (500, "ValueError: Requested tokens (3010) exceed context window of 2048"),
        (400, "input is too large for the model"),
        (400, "Message exceeds context limit"),
        (400, "The number of input tokens (9000) is greater than the maximum (8192)"),
    ),
    "UNKNOWN": (
        (400, "max_tokens must be at most 4096"),
        (
            400,
            "max_completion_tokens is too large: 100000. This model supports at "
            "most 16384 completion tokens",
        ),
        (
            400,
            "'max_tokens' must be less than or equal to `8192`, the maximum value "
            "for `max_tokens` is less than the `context_window` for this model",
        ),
        (400, "max_tokens (9000) exceeds the maximum output limit"),
        (400, "Invalid 'seed'"),
        (400, "Unrecognized request argument supplied: top_k"),
        (400, "content must be a string"),
        (400, "`temperature` is deprecated for this model"),
    ),
    "SERVER": (
        (404, "Not Found: no such model: x"),
        (404, "Model x is not served"),
        (400, "Model Not Exist"),
        (404, "The requested model 'x' does not exist."),
        (400, "The model `mixtral` has been decommissioned and is no longer supported."),
        (410, "The model claude-1 has been retired."),
        (404, "The API deployment for this resource does not exist. Wait a moment and try again."),
        (404, "No endpoints found for foo/bar."),
        (404, "No endpoints found matching your data policy"),
        (400, "Invalid model: mistral-x"),
    ),
}
