"""Which models a server lists: the forms of servers and gateways, and what is none."""

import json
from typing import Any

import pytest

from sysgen_dagster.inference.chat_api import EngineError, ModelIdentity
from sysgen_dagster.inference.listings import Listing, read_listing
from sysgen_dagster.inference.probing import probe_server
from sysgen_dagster_tests.inference.odd_servers import replying


def read(value: Any) -> Listing | None:
    return read_listing(json.dumps(value).encode())


@pytest.mark.parametrize(
    "value",
    [
        {"data": [{"id": "phi"}]},
        {"object": "list", "data": [{"id": "phi", "object": "model"}], "has_more": False},
        [{"id": "phi"}],
        ["phi"],
        {"data": ["phi"]},
        {"models": ["phi"]},
        {"models": [{"name": "phi"}]},
        {"models": [{"model": "phi"}]},
        {"models": [{"name": "models/phi"}]},
        {"data": [{"id": "models/phi"}]},
        {"data": [], "models": [{"name": "phi"}]},
        {"data": [{"id": "phi"}], "models": []},
        {"models": [{"name": "other"}], "data": [{"id": "phi"}]},
        {"data": None, "models": [{"name": "phi"}]},
        {"data": {"phi": {"id": "phi"}}},
        {"data": [{"id": None, "name": "phi"}]},
        {"data": [{"id": "phi"}, {"id": "phi"}]},
        {"data": [None, 5, [], {}, {"id": 7}, {"id": "phi"}]},
    ],
    ids=json.dumps,
)
def test_a_model_is_found_in_the_form_of_any_server(value: Any) -> None:
    listing = read(value)
    assert listing is not None
    assert listing.has("phi")
    assert not listing.has("gpt")


@pytest.mark.parametrize("value", [{"data": []}, {"models": []}, [], {"data": {}}], ids=json.dumps)
def test_a_server_may_list_nothing(value: Any) -> None:
    listing = read(value)
    assert listing is not None
    assert str(listing) == "nothing"


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"<!doctype html>", b"null", b"5", b'"phi"', b"{}", b"[1]", b"[[]]", b"["),
        *(b'{"data": null}', b'{"data": "phi"}', b'{"data": [{}]}', b'{"error": "no"}'),
        b"[" * 100_000,
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_what_lists_no_models_is_no_listing(raw: bytes) -> None:
    assert read_listing(raw) is None


@pytest.mark.parametrize(
    ("entry", "context"),
    [
        ({"max_model_len": 8192}, 8192),
        ({"meta": {"n_ctx": 4096}}, 4096),
        ({"max_model_len": "8192"}, None),
        ({"max_model_len": -1}, None),
        ({"max_model_len": 10**40}, None),
        ({"max_model_len": [8192]}, None),
        ({"meta": [4096]}, None),
        ({}, None),
    ],
    ids=repr,
)
def test_the_context_is_read_where_it_can_be_right(entry: Any, context: int | None) -> None:
    listing = read({"data": [{"id": "phi"} | entry]})
    assert listing is not None
    assert listing.context_of("phi") == context


def test_of_very_many_names_a_message_shows_a_few_and_says_how_many_there_are() -> None:
    names = [{"id": f"model-{number}-{'x' * 500}\x1b[2J"} for number in range(10_000)]
    with replying(json.dumps({"data": names}).encode()) as url, pytest.raises(EngineError) as error:
        probe_server(ModelIdentity("phi-4", "phi", None, "endpoint"), url, None, None, 0)
    said = str(error.value)
    assert "serves model-0-xxx" in said
    assert "and 9,980 more, not phi" in said
    assert len(said) < 7_000
    assert "\x1b" not in said
