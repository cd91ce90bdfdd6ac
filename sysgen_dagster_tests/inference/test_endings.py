"""Why a text ended, in the words of any server."""

import pytest

from sysgen_dagster.inference.endings import Ending, ending_of, read_finish


@pytest.mark.parametrize(
    "reason",
    [
        *("stop", "STOP", "eos", "EOS_TOKEN", "end_turn", "stop_sequence", "COMPLETE", "complete"),
        *("FinishReason.STOP", "finish_reason_stop", "tool_calls", "function_call", "unknown"),
        *("null", "1", "OTHER", "FINISH_REASON_UNSPECIFIED", "done", "natural_end", "endoftext"),
    ],
)
def test_a_reason_that_names_nothing_else_is_an_end_by_the_model(reason: str) -> None:
    assert ending_of(reason) is Ending.MODEL


@pytest.mark.parametrize(
    "reason",
    [
        *("length", "LENGTH", "Length", "max_tokens", "MAX_TOKENS", "MaxTokens", "maxOutputTokens"),
        *("max-tokens", "max tokens", "max_completion_tokens", "max_len", "maxlen", "overlength"),
        *("FinishReason.MAX_TOKENS", "FINISH_REASON_MAX_TOKENS", "finishReasonMaxTokens"),
        *("model_length", "ERROR_LIMIT", "token_limit_reached", "stop_length", "limit"),
        *("maximum_length", "context_window_exceeded", "model_context_window_exceeded"),
        *("incomplete", "unfinished", "truncated", "repetition_truncation", "time_limit"),
        *("budget_exceeded", "kv_cache_full"),
    ],
)
def test_a_limit_cuts_a_text(reason: str) -> None:
    assert ending_of(reason) is Ending.LIMIT


@pytest.mark.parametrize(
    "reason",
    [
        *("content_filter", "content-filter", "Content Filter", "CONTENT_FILTER", "contentFilter"),
        *("ContentFiltered", "SAFETY", "FinishReason.SAFETY", "IMAGE_SAFETY", "sensitive"),
        *("PROHIBITED_CONTENT", "BLOCKLIST", "RECITATION", "SPII", "LANGUAGE", "blocked"),
        *("refusal", "guardrail_intervened", "ERROR_TOXIC", "content_policy_violation"),
        *("moderation", "unsafe"),
    ],
)
def test_a_filter_cuts_a_text(reason: str) -> None:
    assert ending_of(reason) is Ending.FILTER


@pytest.mark.parametrize(
    "reason",
    [
        *("abort", "aborted", "ABORT", "ERROR", "error", "engine_error", "server_error", "failed"),
        *("internal_error", "cancelled", "canceled", "user_cancel", "timeout", "timed_out"),
        *("network_error", "insufficient_system_resource", "interrupted", "rate_limit"),
        *("overloaded", "preempted", "out_of_memory", "malformed_response"),
        "MALFORMED_FUNCTION_CALL",
    ],
)
def test_an_engine_gives_a_text_up(reason: str) -> None:
    assert ending_of(reason) is Ending.ENGINE


@pytest.mark.parametrize(
    ("reason", "stored"),
    [
        ("stop", "stop"),
        ("FinishReason.STOP", "FinishReason.STOP"),
        ({"type": "abort", "message": "x"}, "abort"),
        ({"type": "length", "length": 5}, "length"),
        ({}, "unknown"),
        (None, "unknown"),
        ("", "unknown"),
        ("a\ud800", "a\\ud800"),
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ([[["stop"]]], "unknown"),
        (7, "7"),
        ("x" * 5_000_000, "x" * 100),
    ],
)
def test_a_reason_is_stored_inert_and_cut(reason: object, stored: str) -> None:
    assert read_finish(reason) == stored
