"""Tokens are counted as the model's own server would count them, and no server is started."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.token_counting import (
    EndpointCounter,
    LocalCounter,
    SimulatedCounter,
    TokenCountError,
    token_counter,
)
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster_tests.sources.fake_hub import REPO, REVISION, FakeHub, reading_from

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<{{ message.role }}>\n{{ message.content }}<end>\n"
    "{% endfor %}{% if add_generation_prompt %}<assistant>\n{% endif %}"
)
REFUSES_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
)
SETTINGS = {"bos_token": {"content": "<s>"}, "eos_token": "<end>", "chat_template": TEMPLATE}


def system(text: str) -> ChatMessage:
    return {"role": Role.SYSTEM, "content": text}


def user(text: str) -> ChatMessage:
    return {"role": Role.USER, "content": text}


def by_letter() -> tokenizers.Tokenizer:
    """A token for each letter, and one for each special token."""
    vocabulary = {chr(code): code for code in range(128)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="?"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    tokenizer.add_special_tokens(["<s>", "<end>", "<system>", "<user>", "<assistant>"])
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 128)]
    )
    tokenizer.enable_truncation(8)
    return tokenizer


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    by_letter().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(SETTINGS))
    return folder


def entry(**changes: Any) -> Generator:
    named = {"name": "mine", **changes}
    return load_catalog(FULL_CATALOG).models["phi-4"].model_copy(update=named)


def counter_of(model: Generator, folder: Path) -> Any:
    return token_counter(Engines(folder / "engines"), model, print)


# With the files beside the weights


def test_a_prompt_is_rendered_by_the_chat_template_and_its_tokens_counted(weights: Path) -> None:
    counter = counter_of(entry(weights=str(weights)), weights)
    assert isinstance(counter, LocalCounter)
    # <s>, then <system> newline, 3 letters, <end> newline, the user's the same, <assistant> newline
    counts, _ = counter.prompts([[system("abc"), user("defgh")]])
    assert counts == [1 + (2 + 3 + 2) + (2 + 5 + 2) + 2]


def test_neither_the_tokenizer_s_own_marks_nor_its_limit_count(weights: Path) -> None:
    counter = counter_of(entry(weights=str(weights)), weights)
    assert counter.prompts([[user("x" * 50)]])[0] == [1 + 2 + 50 + 2 + 2]


def test_an_answer_has_the_token_that_ends_it(weights: Path) -> None:
    assert counter_of(entry(weights=str(weights)), weights).texts(["abcd"]) == [5]


def test_what_all_prompts_begin_with_is_found_by_its_tokens(weights: Path) -> None:
    counter = counter_of(entry(weights=str(weights)), weights)
    prompts = [[system("same"), user(text)] for text in ("one", "on the other hand", "onto")]
    assert counter.prompts(prompts)[1] == 1 + (2 + 4 + 2) + 2 + len("on")
    assert counter.prompts(prompts[:1])[1] == 0


def test_a_template_file_stands_above_the_settings_and_a_list_has_a_default(weights: Path) -> None:
    listed = [{"name": "tools", "template": "xx"}, {"name": "default", "template": "y"}]
    (weights / "tokenizer_config.json").write_text(json.dumps({"chat_template": listed}))
    model = entry(weights=str(weights), has_system_role=True)
    assert counter_of(model, weights).prompts([[user("a")]])[0] == [1]
    (weights / "chat_template.jinja").write_text("zzz")
    assert counter_of(model, weights).prompts([[user("a")]])[0] == [3]


def test_a_template_without_a_system_role_gets_it_at_the_start_of_the_user_turn(
    weights: Path,
) -> None:
    settings = {**SETTINGS, "chat_template": REFUSES_SYSTEM + TEMPLATE}
    (weights / "tokenizer_config.json").write_text(json.dumps(settings))
    counter = counter_of(entry(weights=str(weights)), weights)
    assert counter.prompts([[system("abc"), user("de")]])[0] == [1 + 2 + len("abc\n\nde") + 2 + 2]


def test_a_template_can_do_no_harm(weights: Path) -> None:
    evil = "{{ messages.__class__.__mro__[1].__subclasses__() }}"
    (weights / "tokenizer_config.json").write_text(json.dumps({"chat_template": evil}))
    counter = counter_of(entry(weights=str(weights), has_system_role=True), weights)
    with pytest.raises(TokenCountError, match="refuses a prompt"):
        counter.prompts([[user("a")]])


def test_the_context_is_what_vllm_is_told(weights: Path) -> None:
    told = {"max_model_len": 4096}
    assert counter_of(entry(weights=str(weights)), weights).context_tokens == 8192
    assert counter_of(entry(weights=str(weights), vllm=told), weights).context_tokens == 4096


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("tokenizer.json", "{}", "is no tokenizer"),
        ("tokenizer_config.json", "{}", "has no chat template"),
        ("tokenizer_config.json", "{", "is not JSON"),
        ("chat_template.jinja", "{% if %}", "chat template of .* is wrong"),
    ],
)
def test_files_that_cannot_be_used_are_named(
    weights: Path, file: str, content: str, said: str
) -> None:
    (weights / file).write_text(content)
    with pytest.raises(TokenCountError, match=said):
        counter_of(entry(weights=str(weights)), weights).prompts([[user("a")]])


def test_weights_without_a_tokenizer_are_named(tmp_path: Path) -> None:
    with pytest.raises(TokenCountError, match=r"mine: .* has no tokenizer.json"):
        counter_of(entry(weights=str(tmp_path)), tmp_path)


# From the Hub, at the catalogue's commit


@contextmanager
def hub_with(files: dict[str, bytes]) -> Iterator[FakeHub]:
    hub = FakeHub(files, kind="models")
    hub.start()
    yield hub
    hub.go_down()


def test_the_tokenizer_is_fetched_at_the_catalogue_s_commit(weights: Path, tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in weights.iterdir()}
    engines, model = Engines(tmp_path), entry(served_name=REPO, revision=REVISION)
    with hub_with(files) as hub, reading_from(hub, tmp_path / "home") as reader:
        counter = reader.process.submit(token_counter, engines, model, print).result()
    assert isinstance(counter, LocalCounter)
    assert counter.how == f"the tokenizer of {REPO} at {REVISION[:8]}"
    assert counter.prompts([[user("abc")]])[0] == [1 + 2 + 3 + 2 + 2]


@pytest.mark.parametrize("files", [{}, {"tokenizer_config.json": b"{}"}])
def test_a_repository_without_a_tokenizer_is_named(files: dict[str, bytes], tmp_path: Path) -> None:
    engines, model = Engines(tmp_path), entry(served_name=REPO, revision=REVISION)
    with (
        hub_with(files) as hub,
        reading_from(hub, tmp_path / "home") as reader,
        pytest.raises(TokenCountError, match=r"has no tokenizer"),
    ):
        reader.process.submit(token_counter, engines, model, print).result()


def test_a_commit_that_is_not_there_is_named_with_what_would_help(tmp_path: Path) -> None:
    engines, model = Engines(tmp_path), entry(served_name=REPO, revision="f" * 40)
    with (
        hub_with({}) as hub,
        reading_from(hub, tmp_path / "home") as reader,
        pytest.raises(TokenCountError, match=r"RevisionNotFound.*HF_TOKEN.*HF_ENDPOINT.*weights"),
    ):
        reader.process.submit(token_counter, engines, model, print).result()


# By a server that runs, and of the simulated models


def chats() -> Sequence[Sequence[ChatMessage]]:
    return [[system("Be brief and be kind."), user(text)] for text in ("Hello", "Good " * 30)]


def test_an_endpoint_that_counts_is_asked_and_says_the_same_as_its_replies(
    folder: Path, weights: Path
) -> None:
    simulated = entry(engine=Engine.SIMULATED)
    with Engines(folder).connection(simulated, print) as connection:
        [url] = connection.connect().base_urls
        counter = counter_of(entry(engine=Engine.ENDPOINT, base_urls=(url,)), folder)
        assert isinstance(counter, EndpointCounter)
        assert counter.context_tokens == 8192
        assert counter.prompts(chats())[0] == SimulatedCounter().prompts(chats())[0]
        assert counter.texts(["abcdefgh"]) == [2 + 1]


def test_an_endpoint_that_is_away_is_replaced_by_the_files_of_its_tokenizer(
    weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = entry(engine=Engine.ENDPOINT, base_urls=("http://127.0.0.1:9/v1",), weights=str(weights))
    assert isinstance(counter_of(away, weights), LocalCounter)
    assert "no OpenAI-compatible server answers" in capsys.readouterr().out


def test_the_beginning_that_simulated_prompts_share_is_their_system_message() -> None:
    counter = SimulatedCounter()
    assert counter.texts(["Be brief and be kind."]) == [counter.prompts(chats())[1]]
    assert counter.prompts([*chats(), [user("Hello")]])[1] == 0
