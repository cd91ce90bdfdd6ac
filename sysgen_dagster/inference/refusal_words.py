"""How servers and gateways word what they refuse. What follows from each kind is in `refusals`."""

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


NO_CREDIT = _any(
    r"insufficient[_ ](?:quota|credits?|balance|funds)",
    r"billing[_ ](?:hard[_ ]limit|not[_ ]active|limit)|payment[_ ]required|arrearage",
    r"(?:credit|account) balance is too low|not enough (?:credits?|balance|funds)",
    r"(?:out of|no|used all|used up|exhausted)(?: \w+){0,2} credits",
    r"(?:exceeded|reached)(?: \w+){0,3} (?:credits|budget|(?:spend(?:ing)?|billing) limit)",
    r"(?:budget|spend(?:ing)?[_ ]limit|key limit)(?: has been| is)? (?:exceeded|reached)",
    r"BudgetExceeded|exceeded_current_quota|past invoices|unpaid|good standing",
    r"(?:account|organization|team)(?: \S+){0,3} (?:suspended|deactivated|disabled|restricted)",
    r"(?:account|organization)(?: \S+){0,3} (?:flagged|banned|terminated|blocked)",
    r"(?:account|organization)_(?:suspended|deactivated|disabled|restricted)",
    r"credits? (?:\w+ ){0,2}(?:exhausted|depleted|used up)|have any credits",
    r"balance is (?:depleted|empty|insufficient|negative)|no payment method",
    r"(?:invoice|balance|payment|bill) (?:\w+ ){0,2}overdue|overdue (?:balance|payment|invoice)",
    r"free tier (?:\w+ ){0,6}exhausted|FreeTierOnly",
    r"(?:subscription|trial|plan) (?:\w+ ){0,2}(?:expired|ended|inactive|cancell?ed)",
    r"monthly (?:\w+ ){0,2}(?:limit|quota|cap)\b|billing (?:period|cycle)",
    r"(?:calls|requests|tokens)(?:[_ -]per[_ -]| ?/ ?)month|余额不足|欠费|充值",
)
# Rate limits are worded as quotas too: this decides only where no time to wait is named.
NO_QUOTA = _any(
    r"exceeded your (?:current )?quota|allocated quota exceeded|out of call volume quota",
    r"(?:exceeded|reached)(?: \w+){0,3} usage limit",
)
NO_KEY = _any(
    r"(?:invalid|incorrect|expired|missing|revoked|unknown)[_ ]api[_ ]?key|api_key_invalid",
    r"api[_ ]key (?:\w+ ){0,3}(?:not valid|invalid|expired|disabled|revoked|inactive|not allowed)",
    r"permission[_ ]?(?:denied|error)|AccessDeniedException|unsupported_country",
    r"not have (?:permission|access) to|not authorized to (?:use|access|perform|invoke)",
)
FILTERED = _any(
    r"moderat(?:ion|ed)\b|\bflagged|content[_ ]?filter",
    r"content[_ ](?:policy|management|violat|exist)|ContentPolicy|Responsible ?AI",
    r"violat\w+ .{0,60}(?:polic|guideline|terms|practices)|usage polic|policy[_ ]violation",
    r"\bSAFETY\b(?! ?_?settings)|block_?reason|prohibited[_ ]content",
    r"(?:prompt|content|input|output) (?:was |is )?blocked",
    r"data[_ ]?inspection|inappropriate|sensitive (?:content|words?|information|data)",
    r"new_sensitive|disallowed content|content (?:is )?not allowed|llama[ _-]?guard",
    r"\b(?:hate(?:ful)?|violen(?:ce|t)|self[- _]harm|sexual|toxic(?:ity)?)\b",
    r"high[_ ]risk|\bharm(?:ful)?\b|unsafe content|guardrail|jailbreak|invalid_prompt",
    r"敏感|违规|不安全",
)
NO_MODEL = _any(
    r"model[_ ]not[_ ](?:found|exist|available|supported)|no such model|not a valid model",
    r"(?:unknown|invalid)[_ ]model\b(?! (?:input|output|param))|model_decommissioned",
    r"(?:models?|deployment)\b.{0,100}(?:not found|not exist|is not (?:available|served)"
    r"|been (?:deprecated|decommissioned|retired))",
    r"DeploymentNotFound|no endpoints found",
)
BUSY = _any(
    r"rate[_ ]?limit|too many requests|throttl|overloaded|\b(?:TPM|QPS)\b|at capacity|concurren",
    r"(?:requests?|tokens?)(?:[_ -]per[_ -]| ?/ ?)(?:min|day|hour|sec)|capacity exceeded",
    r"(?:too|is|currently|server) busy|queue is full",
)
AGAIN = _any(r"try(?:ing)? again|\bretry|temporar(?:y|ily) \w|timed out|not ready|crashed|unloaded")
# What is to be tried again is another request then.
CHANGED = _any(
    r"(?:reduc|short|check|fix|correct|chang|modif|rephras|remov|different|valid)"
    r"[^.]{0,80}\b(?:re)?try"
)
_LENGTH = (
    r"(?:(?:context|prompt|input|sequence) (?:window|length|size|limit)|model token limit"
    r"|max(?:imum)? (?:message|input|prompt) tokens|max seq len|context\b)"
)
_OF_PROMPT = (
    r"(?:(?:prompt|input|message|request|sequence)s? (?:tokens?|length)"
    r"|tokens in (?:the|your) (?:prompt|input|messages?|request)|n_ctx)"
)
TOO_LONG = _any(
    r"context[_ ]?(?:length|window)[_ ]?exceeded|exceed_context|string_above_max_length",
    r"maximum (?:context|model|prompt|input|sequence) length|max_model_len|maximum context",
    rf"(?:exceed\w*|longer than|greater than|larger than|beyond) [^.]{{0,60}}{_LENGTH}",
    rf"{_OF_PROMPT}[^.]{{0,60}}(?:exceed|longer than|greater than|larger than|too long|too large)",
    r"context (?:(?:window|length|limit) )?(?:exceed|overflow|is only|of only|is full|full)",
    r"context (?:window|length|size) (?:is|of) \d+ tokens, (?:but|while)",
    r"(?:prompt|inputs?|request|conversation|messages?|string)(?: is| are| was|:)? too long",
    r"(?:prompt|input) (?:is )?too large for|prompt exceeds max|expected maxlength",
    r"input token (?:count|length)[^.]{0,60}(?:exceed|too long|only supports)",
    r"tokens?`? \+ `?max_new_tokens`? must be|inputs`? must have less than",
    r"too many (?:input )?tokens|reduce the length of|tokens_limit_reached|request_too_large",
    r"range of input length|context the overflows|max input characters|超长",
    # What the prompt leaves of the context.
    r"max_\w*tokens must be at least 1, got -",
)
# Our limit of the answer is more than the whole context, whatever the row.
LIMIT = _any(
    r"(?<!\+ `)(?<!\+ )(?<!and `)(?<!and )\bmax_\w*tokens\S* "
    r"(?:cannot be greater|must be(?! at least)|exceeds?\b)"
)
# Of a small question with a small answer: the server reads chats. That a field has another name is
# said in other words.
SIZE = _any(
    r"(?s:(?=.*(max\w*tokens|\btokens\b|context (length|window|size))).*"
    r"(at least|minimum|greater|larger|small|short|below|less than|exceed|too (long|large|many)))"
)
NO_FIELD = _any(r"unsupported|not supported|unknown|unrecogni|unexpected|extra")
