"""Which model `--model` means, and what is said where it cannot be told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.catalog.load import CatalogError
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.commands import real_model
from sysgen_dagster.commands.run.model import ModelWish, find_model, read_price
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster_tests.commands.run.small_deployments import plain_console
from sysgen_dagster_tests.inference.local.gguf_files import write_gguf


@contextmanager
def listing(answer: Any, at: str = "/v1/models", key: str | None = None) -> Iterator[str]:
    """The address of a server that lists what `answer` says, where `at` says."""

    class Lists(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_let_in = key is None or self.headers["Authorization"] == f"Bearer {key}"
            is_there = self.path == at and is_let_in
            body = json.dumps(answer if is_there else {"error": "no"}).encode()
            self.send_response(200 if is_there else 404 if is_let_in else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Lists)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def models(*names: str, **fields: Any) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": name, **fields} for name in names]}


def test_simulated_is_the_model_that_needs_no_server() -> None:
    model = find_model(plain_console(), ModelWish("simulated"))
    assert (model.name, model.engine, model.license) == ("simulated", Engine.SIMULATED, "unknown")


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/", "/v1/models", "/v1/chat/completions"])
def test_the_one_model_of_a_server_is_taken_wherever_the_url_points(end: str) -> None:
    with listing(models("Qwen/Qwen2.5-7B-Instruct")) as url:
        model = find_model(plain_console(), ModelWish(f"{url}{end}"))
    assert (model.engine, model.served_name) == (Engine.ENDPOINT, "Qwen/Qwen2.5-7B-Instruct")
    assert model.name == "qwen2.5-7b-instruct"
    assert model.base_urls == (f"{url}/v1",)
    assert model.price is None


@pytest.mark.parametrize("say", ["{}", "HTTP://{}", " http://{}/v1 ", "{}/v1", "{}/"])
def test_a_url_may_be_named_as_people_say_it(say: str) -> None:
    with listing(models("m")) as url:
        host = url.removeprefix("http://")
        for wish in (ModelWish(say.format(host)), ModelWish("m", endpoint=say.format(host))):
            assert find_model(plain_console(), wish).base_urls == (f"{url}/v1",)


@pytest.mark.parametrize("named", ["Org/Name", "org/name-GGUF:Q4_K_M", "./a:1.gguf", "simulated"])
def test_a_name_or_a_file_is_no_url(named: str) -> None:
    assert ModelWish(named).url is None


@pytest.mark.parametrize(
    "answer",
    [
        models("m"),
        {"models": [{"name": "m", "model": "m"}]},
        ["m"],
        {"data": {"m": {}}},
    ],
    ids=["as-openai", "as-ollama", "names", "by-name"],
)
def test_every_form_of_a_list_is_read(answer: Any) -> None:
    with listing(answer) as url:
        assert find_model(plain_console(), ModelWish(url)).served_name == "m"


def test_of_several_models_one_has_to_be_named_and_the_error_says_how() -> None:
    with listing(models("big", "small")) as url:
        with pytest.raises(CatalogError) as refused:
            find_model(plain_console(), ModelWish(url))
        assert f"--model NAME --endpoint {url}" in str(refused.value)
        assert "It lists big, small" in str(refused.value)
        model = find_model(plain_console(), ModelWish("small", endpoint=url))
    assert (model.served_name, model.base_urls) == ("small", (f"{url}/v1",))


def test_a_model_that_the_server_does_not_list_is_refused_with_what_it_lists() -> None:
    with listing(models("big")) as url, pytest.raises(CatalogError, match="it lists big"):
        find_model(plain_console(), ModelWish("small", endpoint=url))


def test_nothing_at_the_url_is_said_with_the_url() -> None:
    with pytest.raises(EngineError, match=r"no OpenAI-compatible server answers at http://127"):
        find_model(plain_console(), ModelWish("http://127.0.0.1:9/v1"))


def test_a_server_that_lists_nothing_is_quoted() -> None:
    with listing({"data": []}) as url, pytest.raises(EngineError, match="no models are listed at"):
        find_model(plain_console(), ModelWish(url))


@pytest.mark.parametrize(
    "url", ["http://", "http://user:word@host/v1", "http://host/v1?key=1", "http://host:0/v1"]
)
def test_a_url_that_cannot_stand_in_a_catalogue_is_refused_before_it_is_asked(url: str) -> None:
    with pytest.raises(CatalogError, match="cannot be used"):
        find_model(plain_console(), ModelWish(url))


def test_a_key_is_sent_and_only_its_name_goes_into_the_catalogue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret")
    with listing(models("m"), key="sk-secret") as url:
        model = find_model(plain_console(), ModelWish(url, api_key_env="MY_KEY"))
    assert model.api_key_env == "MY_KEY"
    assert "sk-secret" not in model.model_dump_json()


@pytest.mark.parametrize(
    ("variable", "said"),
    [(None, "wants a key: .* --api-key-env VARIABLE"), ("MY_KEY", "not take the key in MY_KEY")],
)
def test_a_server_that_refuses_for_want_of_a_key_is_said_to_want_one(
    variable: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-wrong")
    with listing(models("m"), key="sk-secret") as url, pytest.raises(CatalogError, match=said):
        find_model(plain_console(), ModelWish(url, api_key_env=variable))


def test_a_variable_without_a_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(CatalogError, match="--api-key-env MY_KEY: there is no such variable"):
        find_model(plain_console(), ModelWish("http://127.0.0.1:9", api_key_env="MY_KEY"))


def test_a_key_without_a_server_is_refused() -> None:
    with pytest.raises(CatalogError, match="add --endpoint URL"):
        find_model(plain_console(), ModelWish("simulated", api_key_env="MY_KEY"))


def test_what_a_server_says_that_tokens_cost_is_the_price() -> None:
    said = models("m", pricing={"prompt": "0.00000015", "completion": "0.0000006"})
    with listing(said) as url:
        price = find_model(plain_console(), ModelWish(url)).price
    assert price is not None
    assert (price.per_million_prompt, price.per_million_completion) == (0.15, 0.6)
    assert (price.currency, price.source) == ("USD", f"as {url}/v1/models says")


@pytest.mark.parametrize(
    "pricing", [{}, "free", {"prompt": "x", "completion": "1"}, {"prompt": "-1", "completion": "1"}]
)
def test_a_price_that_cannot_be_read_is_none(pricing: Any) -> None:
    with listing(models("m", pricing=pricing)) as url:
        assert find_model(plain_console(), ModelWish(url)).price is None


def test_a_price_that_was_given_stands_before_that_of_the_server() -> None:
    wish = read_price("1,2")
    with listing(models("m", pricing={"prompt": "1", "completion": "1"})) as url:
        assert find_model(plain_console(), ModelWish(url, price=wish)).price == wish


@pytest.mark.parametrize(
    ("written", "figures"),
    [
        ("0.15,0.60", (0.15, 0.6, "USD")),
        ("1, 2, EUR", (1.0, 2.0, "EUR")),
        ("0,0", (0.0, 0.0, "USD")),
    ],
)
def test_a_price_is_read(written: str, figures: tuple[float, float, str]) -> None:
    price = read_price(written)
    assert price is not None
    assert figures == (price.per_million_prompt, price.per_million_completion, price.currency)


@pytest.mark.parametrize("written", ["", "1", "1,2,EUR,x", "a,b", "-1,2", "nan,1", "1,2,"])
def test_a_price_of_another_form_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(CatalogError, match=r"such as 0\.15,0\.60"):
        read_price(written)


def test_a_gguf_file_is_served_here_and_it_is_said_what_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real_model, "has_gpu", lambda: False)
    monkeypatch.setattr(real_model.Engines, "require", lambda *_: None)
    file, console = write_gguf(tmp_path / "tiny.Q4_K_M.gguf", size=20_000_000), plain_console()
    model = find_model(console, ModelWish(str(file), price=read_price("0,0")))
    assert (model.engine, model.weights, model.license) == (
        Engine.LLAMA_CPP,
        str(file),
        "apache-2.0",
    )
    assert model.price is not None
    said = console.export_text()
    assert "Licence: apache-2.0" in said
    assert "Download: nothing, 0.02 GB" in said


def test_a_word_that_is_no_model_says_what_there_could_be() -> None:
    with pytest.raises(CatalogError, match="Name a GGUF file, a folder of weights, or a model on"):
        find_model(plain_console(), ModelWish("no-such-thing"))
