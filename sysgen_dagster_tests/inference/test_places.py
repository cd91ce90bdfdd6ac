"""Where the API of a server begins: as a user wrote it, or below."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from sysgen_dagster.commands.trial_catalog import real_model
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster_tests.inference.batches import QUICK, ask, questions
from sysgen_dagster_tests.inference.connections import connection_to
from sysgen_dagster_tests.inference.odd_servers import completion, listing, serving


@contextmanager
def beginning_at(
    base: str, models: bytes | None = listing("phi"), elsewhere: str = "no such page"
) -> Iterator[str]:
    """The root of a server whose API begins at a path."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == f"{base}/models" and models is not None:
            return web.Response(body=models, content_type="application/json")
        if request.path == f"{base}/chat/completions" and request.method == "POST":
            return web.json_response(completion("Because."))
        status = 404 if elsewhere == "no such page" or request.method == "POST" else 200
        return web.Response(text=elsewhere, status=status, content_type="text/html")

    with serving(answer) as url:
        yield url.removesuffix("/v1")


BASES = ["", "/v1", "/v1beta/openai", "/api/v1", "/openai/v1", "/inference/v1", "/api", "/models"]


@pytest.mark.parametrize("elsewhere", ["no such page", "<!doctype html> one page for all"])
@pytest.mark.parametrize("models", [listing("phi"), None], ids=["lists", "lists_nothing"])
@pytest.mark.parametrize("end", ["", "/", "//", "/chat/completions", "/chat/completions/"])
@pytest.mark.parametrize("base", BASES)
def test_a_url_is_taken_as_given_where_it_answers(
    base: str, end: str, models: bytes | None, elsewhere: str
) -> None:
    with beginning_at(base, models, elsewhere) as root:
        connected = connection_to(f"{root}{base}{end}").connect()
    assert connected.base_urls == (f"{root}{base}",)


@pytest.mark.parametrize("models", [listing("phi"), None], ids=["lists", "lists_nothing"])
@pytest.mark.parametrize("given", ["", "/", "/proxy", "/proxy/"])
def test_v1_is_added_only_where_the_given_url_does_not_answer(
    given: str, models: bytes | None
) -> None:
    place = f"{given.rstrip('/')}/v1"
    with beginning_at(place, models, "<!doctype html>") as root:
        connected = connection_to(f"{root}{given}").connect()
    assert connected.base_urls == (f"{root}{place}",)


def test_a_pasted_url_of_the_list_leads_to_its_place() -> None:
    with beginning_at("/v1") as root:
        assert connection_to(f"{root}/v1/models").connect().base_urls == (f"{root}/v1",)


def test_a_list_of_other_things_at_the_root_is_not_the_one_that_has_the_model() -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/models":
            return web.json_response({"models": ["weights.bin"]})
        if request.path == "/v1/models":
            return web.Response(body=listing("phi"))
        return web.json_response(completion("Because."))

    with serving(answer) as url:
        assert connection_to(url.removesuffix("/v1")).connect().base_urls == (url,)


def test_of_several_urls_each_is_taken_to_its_own_place(ledger: Ledger) -> None:
    with beginning_at("/v1") as one, beginning_at("/openai") as other:
        connection = connection_to(one, f"{other}/openai/")
        assert connection.connect().base_urls == (f"{one}/v1", f"{other}/openai")
        rows = ask(connection, questions(6), ledger)
    assert rows["text"].to_list() == ["Because."] * 6


def test_a_server_that_was_away_is_found_at_its_place_when_it_is_back() -> None:
    with beginning_at("/v1") as root:
        assert connection_to(root).reconnect(root) == f"{root}/v1"


@pytest.mark.parametrize("base", ["/v1beta/openai", "/v1"])
def test_the_endpoint_of_a_command_line_is_the_user_s(base: str, tmp_path: Path) -> None:
    with beginning_at(base) as root:
        [model] = real_model("phi", f"{root}{base}", None).values()
        with Engines(tmp_path, retries=QUICK).connection(model, print) as connection:
            assert connection.connect().base_urls == (f"{root}{base}",)
