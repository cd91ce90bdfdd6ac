"""How one request gets its outcome: a poison that kills engines, and prompts that are too long."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import LEAST_LEFT, ChatMessage, ChatRequest, Role, Sampling
from sysgen_dagster.inference import asking, replicas
from sysgen_dagster.inference.asking import MOST_FAILURES
from sysgen_dagster.inference.chat_api import Endpoint, ModelIdentity, ServerCapabilities
from sysgen_dagster.inference.ledger import Ledger, request_key
from sysgen_dagster_tests.inference.odd_servers import completion, serving
from sysgen_dagster_tests.inference.test_replicas import (
    Ours,
    ask,
    endpoint_at,
    mortals,
    question,
    questions,
)
from sysgen_dagster_tests.simulated.running_server import running


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_FIRST_DELAY_S", 0.05)
    monkeypatch.setattr(asking, "_LONGEST_DELAY_S", 0.1)
    monkeypatch.setattr(replicas, "_FIRST_LOOK_S", 0.05)


@dataclass
class Theirs:
    """The connection to a server that is up all the time."""

    endpoint: Endpoint

    @property
    def model(self) -> ModelIdentity:
        return self.endpoint.model

    def connect(self) -> Endpoint:
        return self.endpoint

    def give_up(self) -> None:
        pass

    def revive(self, url: str) -> str:
        return url


def ask_one(endpoint: Endpoint, request: ChatRequest, folder: Path) -> dict[str, Any]:
    (row,) = ask(Theirs(endpoint), [request], folder).to_dicts()
    return row


# Poison: a request of which the engine dies whenever it works on it


def poisoned(*seeds: int) -> Callable[[dict[str, Any]], bool]:
    return lambda body: body["seed"] in seeds


def outcomes(rows: pl.DataFrame) -> dict[int, str]:
    """Why the rows without a text have none."""
    failed = rows.filter(pl.col("text").is_null())
    return dict(failed.select("seed", "failed_because").iter_rows())


@pytest.mark.parametrize("seed", [0, 60, 199], ids=["first", "in_the_middle", "last"])
def test_a_request_that_kills_the_engine_ends_after_three_deaths_and_costs_no_other_row(
    tmp_path: Path, seed: int
) -> None:
    with mortals(kills=poisoned(seed)) as servers:
        ours = Ours(servers)
        rows = ask(ours, questions(200), tmp_path)
    assert outcomes(rows) == {seed: NoAnswer.ENGINE_DIED}
    assert servers[0].deaths == servers[0].asked[seed] == 3
    assert ours.revived <= 5
    row = rows.row(seed, named=True)
    assert row["failure"] == "the engine died 3 times while it worked on this request"
    assert row["attempts"] == 3


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("seed", [60, 199], ids=["in_the_middle", "last"])
def test_a_poison_does_not_go_through_all_of_several_servers(
    tmp_path: Path, count: int, seed: int
) -> None:
    with mortals(count, kills=poisoned(seed)) as servers:
        ours = Ours(servers)
        rows = ask(ours, questions(200), tmp_path)
    assert outcomes(rows) == {seed: NoAnswer.ENGINE_DIED}
    assert sum(server.deaths for server in servers) == 3
    assert ours.revived <= 5


def test_a_poison_is_found_in_an_engine_that_answers_500_before_it_ends(tmp_path: Path) -> None:
    with mortals(kills=poisoned(60), ill_s=0.1) as servers:
        rows = ask(Ours(servers), questions(200), tmp_path)
    # Nobody who was sent to it while it was ill already is to blame.
    assert outcomes(rows) == {60: NoAnswer.ENGINE_DIED}
    assert servers[0].deaths == 3


def test_two_poisons_are_both_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "_MOST_REVIVALS", 6)  # three for each where they do not coincide
    with mortals(kills=poisoned(20, 21)) as servers:
        rows = ask(Ours(servers), questions(60), tmp_path)
    assert set(outcomes(rows).values()) == {NoAnswer.ENGINE_DIED}
    assert outcomes(rows).keys() >= {20, 21}
    # A suspect that is alone may be struck by the other poison while that is none yet.
    assert len(outcomes(rows)) <= 3


def test_whoever_may_have_killed_two_engines_goes_alone(tmp_path: Path) -> None:
    with mortals(kills=poisoned(5)) as servers:
        ask(Ours(servers), questions(32), tmp_path)
    first, second, third = servers[0].victims
    assert len(first) > 10
    assert 5 in first & second & third
    assert len(first & second & third) <= 2  # one may have been on its way when the other was sent


def test_a_poison_is_not_known_the_next_time(tmp_path: Path) -> None:
    with mortals(kills=poisoned(5)) as servers:
        ours = Ours(servers)
        ask(ours, questions(20), tmp_path)
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        known = [ledger.get(request_key(ours.model.answers_as, each)) for each in questions(20)]
    assert [number for number, outcome in enumerate(known) if outcome is None] == [5]


def test_what_failed_while_an_engine_was_dying_is_no_failure_of_the_row(tmp_path: Path) -> None:
    with mortals(ill_s=0.15) as servers:
        (server,) = servers
        server.kills = lambda _: server.deaths < 2
        row = ask(Ours(servers), [question(1)], tmp_path).row(0, named=True)
    assert (row["text"], server.deaths) == ("Because.", 2)
    assert row["attempts"] > MOST_FAILURES


def test_failures_of_a_row_that_are_not_deaths_still_end_it(tmp_path: Path) -> None:
    calls: Counter[int] = Counter()

    async def fail(request: web.Request) -> web.Response:
        seed = (await request.json())["seed"]
        calls[seed] += 1
        return web.Response(status=500) if seed == 3 else web.json_response(completion("Yes."))

    with serving(fail) as url, serving(fail) as other:
        rows = ask(Theirs(endpoint_at(url, other)), questions(20), tmp_path)
    assert outcomes(rows) == {3: NoAnswer.SERVER_ERROR}
    assert calls[3] == MOST_FAILURES


# Time


def failing(status: int, wait: str = "", times: int = 10**9) -> Any:
    """A handler that fails so many times, with this ``Retry-After``, and the times of all calls."""
    calls: list[float] = []

    async def handle(_: web.Request) -> web.Response:
        calls.append(time.monotonic())
        if len(calls) <= times:
            headers = {"Retry-After": wait} if wait else {}
            return web.Response(status=status, headers=headers)
        return web.json_response(completion("Because."))

    return handle, calls


@pytest.mark.parametrize("status", [429, 500])
@pytest.mark.parametrize(
    "wait", ["99999999", "9" * 400, "-7", "Wed, 21 Oct 2037 07:28:00 GMT", "soon", ""]
)
def test_nobody_waits_for_longer_than_a_bound_whatever_a_server_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, wait: str
) -> None:
    monkeypatch.setattr(asking, "_LONGEST_WAIT_S", 0.3)
    handle, calls = failing(status, wait, times=1)
    with serving(handle) as url:
        row = ask_one(endpoint_at(url), question(1), tmp_path)
    assert (row["text"], row["attempts"]) == ("Because.", 2)
    paused = calls[1] - calls[0]
    assert (0.3 <= paused < 1) if wait.isdigit() else paused < 0.3


@pytest.mark.parametrize("status", [429, 500])
def test_the_deadline_of_a_request_ends_its_attempts(tmp_path: Path, status: int) -> None:
    handle, calls = failing(status)
    with serving(handle) as url:
        endpoint = endpoint_at(url, deadline_s=0.12, patience_s=60)
        row = ask_one(endpoint, question(1), tmp_path)
    assert row["failed_because"] == NoAnswer.SERVER_ERROR
    assert row["failure"].startswith(str(status))
    assert 1 < row["attempts"] == len(calls) < MOST_FAILURES


def test_a_wait_that_would_go_beyond_the_deadline_is_not_begun(tmp_path: Path) -> None:
    handle, calls = failing(429, wait="30")
    with serving(handle) as url:
        began = time.monotonic()
        row = ask_one(endpoint_at(url, deadline_s=20), question(1), tmp_path)
    assert (row["failed_because"], len(calls)) == (NoAnswer.SERVER_ERROR, 1)
    assert time.monotonic() - began < 5


def test_waiting_for_a_place_is_no_part_of_the_time_of_a_request(tmp_path: Path) -> None:
    calls: Counter[int] = Counter()

    async def fail_once(request: web.Request) -> web.Response:
        seed = (await request.json())["seed"]
        calls[seed] += 1
        await asyncio.sleep(0.05)
        if calls[seed] == 1:
            return web.Response(status=500)
        return web.json_response(completion("Because."))

    with serving(fail_once) as url:
        endpoint = endpoint_at(url, starts_with=1, deadline_s=0.6)
        rows = ask(Theirs(endpoint), questions(25), tmp_path)
    assert outcomes(rows) == {}
    assert set(calls.values()) == {2}


FEW_FILES = """
import resource, sys
from pathlib import Path
import polars as pl
from sysgen_dagster.inference import asking
from sysgen_dagster_tests.inference.test_asking import Theirs
from sysgen_dagster_tests.inference.test_replicas import ask, endpoint_at, questions

asking._FIRST_DELAY_S = 0.05
pl.DataFrame({"a": [1]}).with_columns(b=pl.lit(1))  # its threads need files too
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
endpoint = endpoint_at(sys.argv[3], starts_with=256, patience_s=20)
rows = ask(Theirs(endpoint), questions(600), Path(sys.argv[4]))
print("answered:", rows["text"].count(), "attempts:", rows["attempts"].sum())
"""


@pytest.mark.parametrize(
    ("soft", "hard", "needs_again"),
    [(64, 4096, False), (100, 100, True)],
    ids=["that_can_be_raised", "that_cannot"],
)
def test_a_low_limit_of_open_files_is_no_server_that_is_gone(
    tmp_path: Path, soft: int, hard: int, needs_again: bool
) -> None:
    with running("--latency-ms", "50") as server:
        arguments = [str(soft), str(hard), f"{server.url}/v1", str(tmp_path)]
        told = subprocess.run(
            [sys.executable, "-c", FEW_FILES, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
        )
    last = told.stdout.splitlines()[-1] if told.stdout else told.stderr
    assert last.startswith("answered: 600 attempts: "), told.stderr
    assert (int(last.split()[-1]) > 600) == needs_again
    assert "nothing answers" not in told.stdout


# Prompts that may be too long


@dataclass
class Reader:
    """A server with a context and a tokenizer, which keeps what it was asked.

    Attributes:
        count: The tokens of a text.
        tokenize: What `/tokenize` says instead, of the number of times it was called.
        cuts_answers: As vLLM does where the prompt leaves some room, but too little.
    """

    context: int = 2000
    count: Callable[[str], int] = lambda text: len(text) // 4
    tokenize: Callable[[int], web.Response | None] = lambda times: None
    cuts_answers: bool = False
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
            words = f"This model's maximum context length is {self.context} tokens."
            return web.json_response({"error": {"message": words}}, status=400)
        return web.json_response(completion("Because."))


@contextmanager
def reading(reader: Reader, **facts: Any) -> Iterator[Endpoint]:
    """The endpoint of a reader, which knows what the reader is."""
    known = {"context_tokens": reader.context, "has_tokenizer": True} | facts
    with serving(reader.answer) as url:
        yield endpoint_at(url, facts=ServerCapabilities(**known))


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
    tmp_path: Path,
) -> None:
    reader = Reader()
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long(ANSWER), tmp_path)
    assert (row["text"], row["attempts"], row["failed_because"]) == ("Because.", 1, None)
    (prompt,) = reader.prompts
    assert "\n0 grains" in prompt
    assert prompt.endswith("999 grains of salt. ")
    left = len(prompt_of(ANSWER, left=len(ANSWER) - row["characters_left_out"])[1]["content"])
    assert left == len(prompt.removeprefix("Write a system message.\n"))
    room = reader.context - MAX_TOKENS
    assert 0.7 * room <= reader.count(prompt) <= room
    assert len(reader.counted) <= 6


def test_what_fits_after_all_is_sent_as_it_is(tmp_path: Path) -> None:
    reader = Reader(count=lambda text: len(text) // 8)
    answer = ANSWER[:8000]
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long(answer), tmp_path)
    assert (len(reader.counted), row["characters_left_out"]) == (1, 0)
    assert reader.prompts[0].endswith(answer)


def test_what_surely_fits_is_not_measured(tmp_path: Path) -> None:
    reader = Reader()
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long(ANSWER[:2000]), tmp_path)
    assert (row["text"], row["characters_left_out"], reader.counted) == ("Because.", 0, [])


def test_nothing_is_measured_where_the_context_is_not_known(tmp_path: Path) -> None:
    reader = Reader(context=10**6)
    with reading(reader, context_tokens=None) as endpoint:
        ask_one(endpoint, over_long(ANSWER), tmp_path)
    assert reader.counted == []


def test_what_may_not_be_shortened_is_dropped_and_never_sent(tmp_path: Path) -> None:
    reader = Reader()
    fixed = replace(over_long(ANSWER), shortened=None, shortenable=0)
    with reading(reader) as endpoint:
        row = ask_one(endpoint, fixed, tmp_path)
    assert (row["failed_because"], row["attempts"], reader.prompts) == (
        NoAnswer.TOO_LONG,
        0,
        [],
    )
    tokens = reader.counted[0]
    assert row["failure"] == (
        f"{tokens:,} tokens and 500 to be written do not fit a context of 2,000"
    )


def test_a_field_keeps_at_least_so_many_characters_or_the_row_is_dropped(tmp_path: Path) -> None:
    reader = Reader()
    lengths: list[int] = []
    request = over_long(ANSWER[:3000], question=QUESTION * 200)

    def shortened(left: int) -> Sequence[ChatMessage]:
        lengths.append(left)
        return prompt_of(ANSWER[:3000], QUESTION * 200, left)

    with reading(reader) as endpoint:
        row = ask_one(endpoint, replace(request, shortened=shortened), tmp_path)
    assert (row["failed_because"], row["attempts"], reader.prompts) == (
        NoAnswer.TOO_LONG,
        0,
        [],
    )
    assert min(lengths) == LEAST_LEFT == 400
    assert row["failure"].endswith(
        "do not fit a context of 2,000, not even without 2,600 characters of the answer"
    )


def test_a_field_that_is_short_already_is_not_shortened(tmp_path: Path) -> None:
    reader = Reader()
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long("Salt. " * 60, question=QUESTION * 200), tmp_path)
    assert (row["failed_because"], row["characters_left_out"]) == (NoAnswer.TOO_LONG, 0)
    assert (reader.prompts, len(reader.counted)) == ([], 1)


def test_a_server_that_counts_no_tokens_has_the_last_word(tmp_path: Path) -> None:
    with running("--max-model-len", "2000", "--no-tokenizer") as server:
        facts = ServerCapabilities(context_tokens=2000, has_tokenizer=False)
        endpoint = endpoint_at(f"{server.url}/v1", facts=facts)
        row = ask_one(endpoint, over_long(ANSWER), tmp_path)
    assert (row["failed_because"], row["attempts"]) == (NoAnswer.TOO_LONG, 1)
    assert "maximum context length is 2000 tokens" in row["failure"]


def test_the_simulated_model_is_asked_with_what_fits(tmp_path: Path) -> None:
    with running("--max-model-len", "2000") as server:
        facts = ServerCapabilities(context_tokens=2000, has_tokenizer=True)
        endpoint = endpoint_at(f"{server.url}/v1", facts=facts)
        row = ask_one(endpoint, over_long(ANSWER), tmp_path)
        assert server.get("/stats")["requests"] == 1
    assert row["failed_because"] is None
    assert 1050 <= row["prompt_tokens"] <= 1500
    assert row["characters_left_out"] > 10_000


def dense(text: str) -> int:
    """Three tokens for a character of Chinese, a quarter for one of English."""
    chinese = sum(char > "\u2fff" for char in text)
    return 3 * chinese + (len(text) - chinese) // 4


def test_dense_text_that_seemed_to_fit_is_refused_then_measured_and_shortened(
    tmp_path: Path,
) -> None:
    reader = Reader(count=dense)
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long("海水为什么是咸的呢" * 100), tmp_path)
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
    tmp_path: Path, english: int, chinese: int, context: int
) -> None:
    reader = Reader(context=context, count=dense)
    request = over_long(("海水为什么是咸的呢" * 1000)[:chinese], question=QUESTION * english)
    with reading(reader) as endpoint:
        row = ask_one(endpoint, request, tmp_path)
    prompt, room = reader.prompts[-1], reader.context - MAX_TOKENS
    assert row["text"] == "Because."
    least = dense("\n".join(m["content"] for m in request.shortened(LEAST_LEFT)))  # type: ignore[misc]
    assert max(0.7 * room, least) <= dense(prompt) <= room or row["characters_left_out"] == 0


def test_a_middle_that_makes_fewer_tokens_than_what_stands_in_its_place_is_no_end_of_the_search(
    tmp_path: Path,
) -> None:
    def count(text: str) -> int:
        return 3 * text.count("x") + 20 * text.count("[...]")

    reader = Reader(context=2980 + MAX_TOKENS, count=count)
    answer = "x" * 500 + " " * 1000 + "x" * 500
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long(answer, question=""), tmp_path)
    assert row["text"] == "Because."
    assert row["characters_left_out"] > 1000
    assert count(reader.prompts[-1]) <= 2980


def cut_after(tokens: int, finish_reason: str) -> dict[str, Any]:
    body = completion("Because.", usage={"completion_tokens": tokens})
    body["choices"][0]["finish_reason"] = finish_reason
    return body


def test_an_answer_that_had_too_little_room_is_asked_for_again_with_a_shorter_prompt(
    tmp_path: Path,
) -> None:
    reader = Reader(count=dense, cuts_answers=True)
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long("海水为什么是咸的呢" * 66), tmp_path)
    assert (row["finish_reason"], row["attempts"]) == ("stop", 2)
    assert row["characters_left_out"] > 0


def test_an_answer_that_used_all_the_tokens_it_might_is_the_answer(tmp_path: Path) -> None:
    async def talk(_: web.Request) -> web.Response:
        return web.json_response({"count": 10, **cut_after(MAX_TOKENS, "length")})

    with serving(talk) as url:
        facts = ServerCapabilities(context_tokens=2000, has_tokenizer=True)
        row = ask_one(endpoint_at(url, facts=facts), over_long(ANSWER[:2000]), tmp_path)
    assert (row["finish_reason"], row["attempts"]) == ("length", 1)


def test_a_refusal_of_what_was_measured_is_final(tmp_path: Path) -> None:
    reader = Reader(tokenize=lambda _: web.json_response({"count": 10}))
    with reading(reader) as endpoint:
        row = ask_one(endpoint, over_long(ANSWER), tmp_path)
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
    tmp_path: Path, say: Callable[[int], web.Response], max_tokens: int
) -> None:
    reader = Reader(tokenize=say)
    request = replace(over_long(ANSWER), sampling=Sampling(0.7, max_tokens))
    with reading(reader) as endpoint:
        row = ask_one(endpoint, request, tmp_path)
    assert row["failed_because"] == NoAnswer.TOO_LONG
    assert len(reader.prompts) <= 2
    assert len(reader.counted) <= 12


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_tokenizer_that_fails_once_does_not_undo_what_was_left_out(
    tmp_path: Path, fails_at: int
) -> None:
    def say(times: int) -> web.Response | None:
        return web.Response(status=500) if times == fails_at else None

    reader = Reader(context=3000, count=dense, tokenize=say)
    # Less dense than its question, so that the first step is too short.
    request = over_long(ANSWER[:12_000], question="海水为什么是咸的呢" * 70)
    with reading(reader) as endpoint:
        row = ask_one(endpoint, request, tmp_path)
    assert row["text"] == "Because."
    assert 0.7 * 2500 <= dense(reader.prompts[-1]) <= 2500
    assert len(reader.prompts) <= 2
    assert max(reader.counted[fails_at:], default=0) <= reader.counted[fails_at - 1]


def test_tokens_are_counted_of_what_the_model_is_shown(tmp_path: Path) -> None:
    reader = Reader()
    with reading(reader, has_system_role=False) as endpoint:
        row = ask_one(endpoint, over_long(ANSWER), tmp_path)
    assert row["system_message_folded"]
    assert reader.prompts[0].startswith("Write a system message.\n\nWhy is the sea salty")
    assert reader.counted[-1] == reader.count(reader.prompts[0])


@given(
    answer=st.integers(0, 30_000),
    before=st.integers(0, 8_000),
    context=st.integers(600, 4000),
    per_token=st.sampled_from([1, 2, 4, 7]),
)
@settings(max_examples=25, deadline=None)
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
        row = ask_one(endpoint, request, tmp_path_factory.mktemp("ledger"))
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
