"""Prompts that may be too long: when their tokens are counted, and how much of them is left out."""

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import LEAST_LEFT, ChatMessage, ChatRequest, Role, Sampling
from sysgen_dagster.inference.chat_api import Endpoint, ServerCapabilities
from sysgen_dagster.inference.fitting import Fit, fit, surely_fits
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster_tests.inference.batches import ask_one, endpoint_at
from sysgen_dagster_tests.inference.odd_servers import completion, serving
from sysgen_dagster_tests.inference.said_by_servers import TOO_LONG, Reply
from sysgen_dagster_tests.simulated.running_server import running


@dataclass
class Reader:
    """A server with a context and a tokenizer, which keeps what it was asked.

    Attributes:
        count: The tokens of a text.
        tokenize: What `/tokenize` says instead, of the number of times it was called.
        refusal: What it replies to a prompt that is too long.
        cuts_answers: As vLLM does where the prompt leaves some room, but too little.
    """

    context: int = 2000
    count: Callable[[str], int] = lambda text: len(text) // 4
    tokenize: Callable[[int], web.Response | None] = lambda times: None
    cuts_answers: bool = False
    refusal: Reply = (400, "This model's maximum context length is {} tokens.")
    prompts: list[str] = field(default_factory=list)
    counted: list[int] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        prompt = "\n".join(message["content"] for message in body["messages"])
        tokens = self.count(prompt)
        if request.path == "/tokenize":
            assert body["model"] == "phi"
            self.counted.append(tokens)
            return self.tokenize(len(self.counted)) or web.json_response({"count": tokens})
        self.prompts.append(prompt)
        if self.cuts_answers and tokens < self.context:
            room = min(self.context - tokens, body["max_tokens"])
            return web.json_response(cut_after(room, "stop" if room == MAX_TOKENS else "length"))
        if tokens + body["max_tokens"] > self.context:
            status, body = self.refusal
            return web.Response(status=status, text=body.replace("{}", str(self.context)))
        return web.json_response(completion("Because."))


@contextmanager
def reading(reader: Reader, **capabilities: Any) -> Iterator[Endpoint]:
    """The endpoint of a reader, which knows what the reader is."""
    known = {"context_tokens": reader.context, "has_tokenizer": True} | capabilities
    with serving(reader.answer) as url:
        yield endpoint_at(url, capabilities=ServerCapabilities(**known))


QUESTION = "Why is the sea salty, and why are rivers not? "
MAX_TOKENS = 500


def prompt_of(answer: str, question: str = QUESTION, left: int | None = None) -> list[ChatMessage]:
    """The prompt with the middle of the answer left out, as Phase 1 does it."""
    if left is not None and left < len(answer):
        answer = answer[: (left + 1) // 2] + " [...] " + answer[len(answer) - left // 2 :]
    return [
        {"role": Role.SYSTEM, "content": "Write a system message."},
        {"role": Role.USER, "content": f"{question}\n{answer}"},
    ]


def over_long(answer: str, question: str = QUESTION) -> ChatRequest:
    """A request whose answer may be shortened."""
    return ChatRequest(
        "capybara-1",
        prompt_of(answer, question),
        Sampling(0.7, MAX_TOKENS),
        seed=1,
        shortened=lambda left: prompt_of(answer, question, left),
        shortenable=len(answer),
    )


ANSWER = "".join(f"{number} grains of salt. " for number in range(1000))  # about 5,700 tokens


def test_what_is_too_long_is_measured_and_its_middle_left_out_before_it_is_sent(
    ledger: Ledger,
) -> None:
    reader = Reader()
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long(ANSWER), ledger)
    assert (row["text"], row["attempts"], row["failed_because"]) == ("Because.", 1, None)
    (prompt,) = reader.prompts
    assert "\n0 grains" in prompt
    assert prompt.endswith("999 grains of salt. ")
    left = len(prompt_of(ANSWER, left=len(ANSWER) - row["characters_left_out"])[1]["content"])
    assert left == len(prompt.removeprefix("Write a system message.\n"))
    room = reader.context - MAX_TOKENS
    assert 0.7 * room <= reader.count(prompt) <= room
    assert len(reader.counted) <= 6


def test_what_fits_after_all_is_sent_as_it_is(ledger: Ledger) -> None:
    reader = Reader(count=lambda text: len(text) // 8)
    answer = ANSWER[:8000]
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long(answer), ledger)
    assert (len(reader.counted), row["characters_left_out"]) == (1, 0)
    assert reader.prompts[0].endswith(answer)


def test_what_surely_fits_is_not_measured(ledger: Ledger) -> None:
    reader = Reader()
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long(ANSWER[:2000]), ledger)
    assert (row["text"], row["characters_left_out"], reader.counted) == ("Because.", 0, [])


def test_nothing_is_measured_where_the_context_is_not_known(ledger: Ledger) -> None:
    reader = Reader(context=10**6)
    with reading(reader, context_tokens=None) as endpoint:
        ask_one(endpoint, over_long(ANSWER), ledger)
    assert reader.counted == []


def test_what_may_not_be_shortened_is_dropped_and_never_sent(ledger: Ledger) -> None:
    reader = Reader()
    fixed = replace(over_long(ANSWER), shortened=None, shortenable=0)
    with reading(reader) as endpoint:
        row = ask_one(endpoint, fixed, ledger)
    assert (row["failed_because"], row["attempts"], reader.prompts) == (
        NoAnswer.TOO_LONG,
        0,
        [],
    )
    tokens = reader.counted[0]
    assert row["failure"] == (
        f"{tokens:,} tokens and 500 to be written do not fit a context of 2,000"
    )


def test_a_field_keeps_at_least_so_many_characters_or_the_row_is_dropped(ledger: Ledger) -> None:
    reader = Reader()
    lengths: list[int] = []
    request = over_long(ANSWER[:3000], question=QUESTION * 200)

    def shortened(left: int) -> Sequence[ChatMessage]:
        lengths.append(left)
        return prompt_of(ANSWER[:3000], QUESTION * 200, left)

    with reading(reader) as endpoint:
        row = ask_one(endpoint, replace(request, shortened=shortened), ledger)
    assert (row["failed_because"], row["attempts"], reader.prompts) == (
        NoAnswer.TOO_LONG,
        0,
        [],
    )
    assert min(lengths) == LEAST_LEFT == 400
    assert row["failure"].endswith(
        "do not fit a context of 2,000, not even without 2,600 characters of the answer"
    )


def test_a_field_that_is_short_already_is_not_shortened(ledger: Ledger) -> None:
    reader = Reader()
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long("Salt. " * 60, question=QUESTION * 200), ledger)
    assert (row["failed_because"], row["characters_left_out"]) == (NoAnswer.TOO_LONG, 0)
    assert (reader.prompts, len(reader.counted)) == ([], 1)


def test_a_server_that_counts_no_tokens_has_the_last_word(ledger: Ledger) -> None:
    with running("--max-model-len", "2000", "--no-tokenizer") as server:
        capabilities = ServerCapabilities(context_tokens=2000, has_tokenizer=False)
        endpoint = endpoint_at(f"{server.url}/v1", capabilities=capabilities)
        row = ask_one(endpoint, over_long(ANSWER), ledger)
    assert (row["failed_because"], row["attempts"]) == (NoAnswer.TOO_LONG, 1)
    assert "maximum context length is 2000 tokens" in row["failure"]


def test_the_simulated_model_is_asked_with_what_fits(ledger: Ledger) -> None:
    with running("--max-model-len", "2000") as server:
        capabilities = ServerCapabilities(context_tokens=2000, has_tokenizer=True)
        endpoint = endpoint_at(f"{server.url}/v1", capabilities=capabilities)
        row = ask_one(endpoint, over_long(ANSWER), ledger)
        assert server.get("/stats")["requests"] == 1
    assert row["failed_because"] is None
    assert 1050 <= row["prompt_tokens"] <= 1500
    assert row["characters_left_out"] > 10_000


def dense(text: str) -> int:
    """Three tokens for a character of Chinese, a quarter for one of English."""
    chinese = sum(char > "\u2fff" for char in text)
    return 3 * chinese + (len(text) - chinese) // 4


@pytest.mark.parametrize(
    "refused", ["vllm", "tgi", "anthropic", "gemini", "bedrock", "llama-cpp-python", "nginx"]
)
def test_dense_text_that_seemed_to_fit_is_refused_then_measured_and_shortened(
    ledger: Ledger, refused: str
) -> None:
    reader = Reader(count=dense, refusal=TOO_LONG[refused])
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long("海水为什么是咸的呢" * 100), ledger)
    assert (row["text"], row["attempts"]) == ("Because.", 2)
    assert len(reader.prompts) == 2
    room = reader.context - MAX_TOKENS
    assert reader.count(reader.prompts[0]) > room
    assert 0.7 * room <= reader.count(reader.prompts[1]) <= room


@pytest.mark.parametrize(
    ("english", "chinese", "context"),
    [(0, 700, 2600), (60, 700, 2600), (0, 6000, 2600), (60, 6000, 2600), (180, 1500, 5500)],
)
def test_dense_text_in_a_prompt_that_is_not_keeps_most_of_what_fits(
    ledger: Ledger, english: int, chinese: int, context: int
) -> None:
    reader = Reader(context=context, count=dense)
    request = over_long(("海水为什么是咸的呢" * 1000)[:chinese], question=QUESTION * english)
    with reading(reader) as endpoint:
        row = ask_one(endpoint, request, ledger)
    prompt, room = reader.prompts[-1], reader.context - MAX_TOKENS
    assert row["text"] == "Because."
    least = dense("\n".join(m["content"] for m in request.shortened(LEAST_LEFT)))  # type: ignore[misc]
    assert max(0.7 * room, least) <= dense(prompt) <= room or row["characters_left_out"] == 0


def test_a_middle_that_makes_fewer_tokens_than_what_stands_in_its_place_is_no_end_of_the_search(
    ledger: Ledger,
) -> None:
    def count(text: str) -> int:
        return 3 * text.count("x") + 20 * text.count("[...]")

    reader = Reader(context=2980 + MAX_TOKENS, count=count)
    answer = "x" * 500 + " " * 1000 + "x" * 500
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long(answer, question=""), ledger)
    assert row["text"] == "Because."
    assert row["characters_left_out"] > 1000
    assert count(reader.prompts[-1]) <= 2980


def cut_after(tokens: int, finish_reason: str) -> dict[str, Any]:
    body = completion("Because.", usage={"completion_tokens": tokens})
    body["choices"][0]["finish_reason"] = finish_reason
    return body


def test_an_answer_that_had_too_little_room_is_asked_for_again_with_a_shorter_prompt(
    ledger: Ledger,
) -> None:
    reader = Reader(count=dense, cuts_answers=True)
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long("海水为什么是咸的呢" * 66), ledger)
    assert (row["finish_reason"], row["attempts"]) == ("stop", 2)
    assert row["characters_left_out"] > 0


def test_an_answer_that_used_all_the_tokens_it_might_is_the_answer(ledger: Ledger) -> None:
    async def talk(_: web.Request) -> web.Response:
        return web.json_response({"count": 10, **cut_after(MAX_TOKENS, "length")})

    with serving(talk) as url:
        capabilities = ServerCapabilities(context_tokens=2000, has_tokenizer=True)
        row = ask_one(endpoint_at(url, capabilities=capabilities), over_long(ANSWER[:2000]), ledger)
    assert (row["finish_reason"], row["attempts"]) == ("length", 1)


def test_a_refusal_of_what_was_measured_is_final(ledger: Ledger) -> None:
    reader = Reader(tokenize=lambda _: web.json_response({"count": 10}))
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long(ANSWER), ledger)
    assert (row["failed_because"], row["attempts"]) == (NoAnswer.TOO_LONG, 1)
    assert len(reader.prompts) == len(reader.counted) == 1


@pytest.mark.parametrize(
    "say",
    [
        pytest.param(lambda _: web.json_response({"count": 10**6}), id="always_too_many"),
        pytest.param(lambda _: web.json_response({"count": 1510}), id="always_a_few_too_many"),
        pytest.param(lambda n: web.json_response({"count": 10**6 * n}), id="more_and_more"),
        pytest.param(lambda _: web.json_response({"count": 0}), id="none"),
        pytest.param(lambda _: web.json_response({"count": -3}), id="negative"),
        pytest.param(lambda _: web.json_response({"count": 10**400}), id="endless"),
        pytest.param(lambda _: web.json_response([]), id="other_json"),
        pytest.param(lambda _: web.Response(status=500), id="500"),
        pytest.param(lambda _: web.Response(status=404), id="404"),
        pytest.param(lambda _: web.Response(body=b"\xff"), id="no_json"),
    ],
)
@pytest.mark.parametrize("max_tokens", [MAX_TOKENS, 9000], ids=["some_room", "no_room"])
def test_whatever_a_tokenizer_says_the_row_has_an_end(
    ledger: Ledger, say: Callable[[int], web.Response], max_tokens: int
) -> None:
    reader = Reader(tokenize=say)
    request = replace(over_long(ANSWER), sampling=Sampling(0.7, max_tokens))
    with reading(reader) as endpoint:
        row = ask_one(endpoint, request, ledger)
    assert row["failed_because"] == NoAnswer.TOO_LONG
    assert len(reader.prompts) <= 2
    assert len(reader.counted) <= 12


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_tokenizer_that_fails_once_does_not_undo_what_was_left_out(
    ledger: Ledger, fails_at: int
) -> None:
    def say(times: int) -> web.Response | None:
        return web.Response(status=500) if times == fails_at else None

    reader = Reader(context=3000, count=dense, tokenize=say)
    # Less dense than its question, so that the first step is too short.
    request = over_long(ANSWER[:12_000], question="海水为什么是咸的呢" * 70)
    with reading(reader) as endpoint:
        row = ask_one(endpoint, request, ledger)
    assert row["text"] == "Because."
    assert 0.7 * 2500 <= dense(reader.prompts[-1]) <= 2500
    assert len(reader.prompts) <= 2
    assert max(reader.counted[fails_at:], default=0) <= reader.counted[fails_at - 1]


def test_tokens_are_counted_of_what_the_model_is_shown(ledger: Ledger) -> None:
    reader = Reader()
    with reading(reader, has_system_role=False) as endpoint:
        row = ask_one(endpoint, over_long(ANSWER), ledger)
    assert row["system_message_folded"]
    assert reader.prompts[0].startswith("Write a system message.\n\nWhy is the sea salty")
    assert reader.counted[-1] == reader.count(reader.prompts[0])


@given(
    answer=st.integers(0, 30_000),
    before=st.integers(0, 8_000),
    context=st.integers(600, 4000),
    per_token=st.sampled_from([1, 2, 4, 7]),
)
@settings(max_examples=25)
def test_what_is_sent_fits_whenever_it_can(
    tmp_path_factory: pytest.TempPathFactory,
    answer: int,
    before: int,
    context: int,
    per_token: int,
) -> None:
    reader = Reader(context, count=lambda text: 1 + len(text) // per_token)
    request = over_long("s" * answer, question="q" * before)
    with reading(reader) as endpoint:
        row = ask_one(endpoint, request, Ledger(tmp_path_factory.mktemp("ledger") / "lines"))
    room = context - MAX_TOKENS
    assert request.shortened is not None
    least, most = (
        reader.count("\n".join(message["content"] for message in request.shortened(left)))
        for left in (min(LEAST_LEFT, answer), answer)
    )
    assert (row["failed_because"] is None) == (least <= room)
    sent = [reader.count(prompt) for prompt in reader.prompts]
    if most <= room:
        assert (sent, row["characters_left_out"]) == ([most], 0)
    elif least <= room:
        assert max(0.7 * room, least) <= sent[-1] <= room
    assert len(sent) <= 2


# Without a server


def fitted(
    request: ChatRequest, room: float, *counts: int | None, before: Fit | None = None
) -> tuple[Fit, list[int]]:
    """What is to be sent where the server counts so many tokens, and the lengths it was shown.

    The last count is given again and again.
    """
    counted, lengths = iter(counts), []
    last = counts[-1]

    async def count(messages: Sequence[ChatMessage]) -> int | None:
        lengths.append(len(messages[-1]["content"]))
        return next(counted, last)

    before = before or Fit(request.messages)
    return asyncio.run(fit(request, before, room, lambda messages: messages, count)), lengths


@pytest.mark.parametrize(
    ("content", "room", "fits"),
    [
        ("", 8, True),
        ("", 7, False),
        ("a" * 20, 18, True),
        ("a" * 22, 18, False),
        ("\u6d77" * 6, 17, True),  # three bytes each
        ("\u6d77" * 7, 17, False),
        ("\ud800" * 20, 18, True),  # no text at all, but the length of one
        ("a" * 10**6, math.inf, True),
    ],
)
def test_a_message_surely_fits_where_every_two_bytes_and_eight_more_tokens_do(
    content: str, room: float, fits: bool
) -> None:
    assert surely_fits([{"role": Role.USER, "content": content}], room) is fits


def test_no_message_needs_no_room() -> None:
    assert surely_fits([], 0)


@pytest.mark.parametrize("tokens", [None, 100])
def test_messages_that_fit_or_are_not_counted_stay_as_they_were_before(
    tokens: int | None,
) -> None:
    shorter = Fit(prompt_of(ANSWER, left=600), 19_289)
    found, lengths = fitted(over_long(ANSWER), 100, tokens, before=shorter)
    assert found == replace(shorter, tokens=tokens)
    assert len(lengths) == 1


def test_a_request_that_cannot_be_shortened_is_counted_once_and_does_not_fit() -> None:
    fixed = replace(over_long(ANSWER), shortened=None, shortenable=0)
    found, lengths = fitted(fixed, 100, 101)
    assert found == Fit(fixed.messages, 0, 101, fits=False)
    assert len(lengths) == 1


def test_the_search_goes_on_from_what_was_left_out_before() -> None:
    before = Fit(prompt_of(ANSWER, left=900), len(ANSWER) - 900)
    found, lengths = fitted(over_long(ANSWER), 200, 300, 190, before=before)
    assert len(ANSWER) - 900 < found.characters_left_out < len(ANSWER) - LEAST_LEFT
    assert (found.tokens, found.fits) == (190, True)
    assert lengths[1] < lengths[0]


def test_the_search_ends_where_nine_tenths_of_the_room_are_used() -> None:
    for tokens, counts in ((900, 2), (899, 6)):
        found, lengths = fitted(over_long(ANSWER), 1000, 5000, tokens)
        assert (found.tokens, found.fits, len(lengths)) == (tokens, True, counts)


def test_the_search_ends_after_six_counts_whatever_they_are() -> None:
    found, lengths = fitted(over_long(ANSWER), 1000, 5000, 4000, 800, 4000, 800)
    assert (found.tokens, found.fits, len(lengths)) == (800, True, 6)


def test_the_last_length_that_fitted_is_taken_where_later_ones_do_not() -> None:
    found, lengths = fitted(over_long(ANSWER), 1000, 5000, 500, 1001)
    assert (found.tokens, found.fits) == (500, True)
    assert len(found.messages[-1]["content"]) == lengths[1] < min(lengths[2:])


def test_a_server_that_stops_counting_is_sent_the_length_that_was_tried_last() -> None:
    found, lengths = fitted(over_long(ANSWER), 1000, 5000, 1001, None)
    assert (found.tokens, found.fits) == (None, True)
    assert len(found.messages[-1]["content"]) == lengths[2] < lengths[1]
