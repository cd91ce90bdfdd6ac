"""Which model a word on the command line means: a server's, one that is started here, or none."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from sysgen_dagster.catalog.load import CatalogError
from sysgen_dagster.catalog.models import Engine, Price
from sysgen_dagster.commands.real_model import prepare_real_model
from sysgen_dagster.commands.trial_catalog import generator
from sysgen_dagster.inference.chat_api import EngineError, Retries
from sysgen_dagster.inference.listings import Listing
from sysgen_dagster.lanes.sysgen.settings import Generator

SIMULATED = "simulated"
_A_URL = re.compile(r"(https?://)?([\w.-]+:\d+(?:/.*)?|(?<=://).*)", re.IGNORECASE)
_NO_KEY = re.compile(r"/models: 40[13]: ")
_PROBES = 2  # retries of a question to a server that a user has just named
_PER_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class ModelWish:
    """What a user says about the model.

    Attributes:
        named: A URL, ``simulated``, a GGUF file, a folder, a name on the Hub or at `endpoint`.
        endpoint: The URL of a server of which `named` is one model.
        api_key_env: The variable that holds the server's key.
        price: What it charges; None: what the server says of it, if that is anything.
    """

    named: str
    endpoint: str | None = None
    api_key_env: str | None = None
    price: Price | None = None

    @property
    def url(self) -> str | None:
        """Of the server, if there is one to be asked; it may be named as people say it."""
        found = _A_URL.fullmatch((self.endpoint or self.named).strip())
        return f"{(found[1] or 'http://').lower()}{found[2]}" if found else self.endpoint


def read_price(written: str | None) -> Price | None:
    """The price that ``IN,OUT`` or ``IN,OUT,CURRENCY`` means, for a million tokens.

    Raises:
        CatalogError: It is not of that form.
    """
    if written is None:
        return None
    try:
        prompt, completion, *named = map(str.strip, written.split(","))
        [currency] = named or ["USD"]
        return _price(prompt, completion, currency, "given with --price")
    except (ValueError, ValidationError) as error:
        raise CatalogError(
            f"--price {written} cannot be used: give the money for a million prompt tokens and for "
            "a million completion tokens, such as 0.15,0.60 or 0.15,0.60,EUR"
        ) from error


def find_model(console: Console, wish: ModelWish) -> Generator:
    """The catalogue's entry for the model that a user named; what it takes is said first.

    Raises:
        CatalogError: There is no such model, or a server has several.
        EngineError: Nothing answers at the URL, or the server lists no model.
        GgufError: The file is no GGUF file.
    """
    if wish.url:
        return _at_server(wish, wish.url)
    if wish.api_key_env:
        raise CatalogError(
            f"--api-key-env {wish.api_key_env} is of a server, and --model {wish.named} is none: "
            "add --endpoint URL, or leave it out"
        )
    if wish.named == SIMULATED:
        return _entry(wish, SIMULATED, license="unknown", engine=Engine.SIMULATED)
    [entry] = prepare_real_model(console, wish.named).values()
    return entry.model_copy(update={"price": wish.price})


def _at_server(wish: ModelWish, url: str) -> Generator:
    # Here, because `openai` takes 0.6 s to import.
    from sysgen_dagster.inference.places import list_served

    _entry(wish, "model", license="unknown", engine=Engine.ENDPOINT, base_urls=[url])  # a good URL?
    try:
        place, listing = list_served(url, _key(wish), min(_PROBES, Retries().probes))
    except EngineError as error:
        raise _without_key(wish, url, error) or error from error
    name = _chosen(wish, url, listing)
    return _entry(
        wish,
        name,
        license="unknown",
        engine=Engine.ENDPOINT,
        base_urls=[place],
        api_key_env=wish.api_key_env,
        price=wish.price or _price_of(listing.entries.get(name, {}), place),
    )


def _key(wish: ModelWish) -> str | None:
    if wish.api_key_env is None:
        return None
    key = os.environ.get(wish.api_key_env, "").strip()
    if not key:
        raise CatalogError(
            f"--api-key-env {wish.api_key_env}: there is no such variable, or it is empty. Set it "
            "to the key itself"
        )
    return key


def _without_key(wish: ModelWish, url: str, error: EngineError) -> CatalogError | None:
    if not _NO_KEY.search(str(error)):
        return None
    if wish.api_key_env:
        return CatalogError(f"{url} does not take the key in {wish.api_key_env}: {error}")
    return CatalogError(
        f"{url} wants a key: put it into a variable and name that with --api-key-env VARIABLE "
        f"({error})"
    )


def _chosen(wish: ModelWish, url: str, listing: Listing) -> str:
    """The name of the model that is meant, as the server has it."""
    if wish.endpoint:
        if not listing.has(wish.named):
            raise CatalogError(f"{url} serves no {wish.named}: it lists {listing}")
        return wish.named
    if len(listing.entries) == 1:
        return next(iter(listing.entries))
    raise CatalogError(
        f"{url} serves {len(listing.entries):,} models: say which one with --model NAME "
        f"--endpoint {url}. It lists {listing}"
    )


def _entry(wish: ModelWish, served: str, **fields: object) -> Generator:
    fields = {"price": wish.price, **fields}
    [entry] = generator(served, wish.named, **fields).values()
    return entry


def _price_of(said: Mapping[str, Any], place: str) -> Price | None:
    """What a server's list says a token costs, in dollars, as OpenRouter does; None: nothing."""
    pricing = said.get("pricing")
    if not isinstance(pricing, Mapping):
        return None
    try:
        prompt, completion = (
            round(float(pricing[name]) * _PER_MILLION, 6) for name in ("prompt", "completion")
        )
        return _price(prompt, completion, "USD", f"as {place}/models says")
    except (KeyError, TypeError, ValueError):  # of a ValidationError too
        return None


def _price(prompt: str | float, completion: str | float, currency: str, source: str) -> Price:
    a, b = float(prompt), float(completion)
    return Price(currency=currency, per_million_prompt=a, per_million_completion=b, source=source)
