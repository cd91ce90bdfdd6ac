"""Which models a server lists, in whatever form it does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import httpx2
import openai

from sysgen_dagster.inference.bodies import read_json
from sysgen_dagster.inference.chat_api import ModelIdentity, UnreachableError
from sysgen_dagster.inference.openai_client import describe_error
from sysgen_dagster.inference.quoting import quoted

_LISTS = ("data", "models")
_NAMES = ("id", "name", "model")
_GROUPED = "models/"  # how Gemini's list begins each name
MOST_NAMES = 20  # of a list of names, in a message
_LONGEST_CONTEXT = 2**32


@dataclass(frozen=True, slots=True)
class Listing:
    """The models that a server lists.

    Attributes:
        entries: What it says of each, by name.
    """

    entries: Mapping[str, Mapping[str, Any]]

    def has(self, served_name: str) -> bool:
        """Whether the server lists a model."""
        return self._entry(served_name) is not None

    def context_of(self, served_name: str) -> int | None:
        """The context of a model, as vLLM and llama.cpp say it; None where it is not said."""
        entry = self._entry(served_name) or {}
        meta = entry.get("meta")
        context = entry.get("max_model_len") or (
            meta.get("n_ctx") if isinstance(meta, Mapping) else None
        )
        is_known = isinstance(context, int) and 0 < context < _LONGEST_CONTEXT
        return context if is_known else None

    def __str__(self) -> str:
        """The first names, for people."""
        names = [quoted(name) for name in list(self.entries)[:MOST_NAMES]]
        more = len(self.entries) - len(names)
        return ", ".join(names or ["nothing"]) + (f" and {more:,} more" if more else "")

    def _entry(self, served_name: str) -> Mapping[str, Any] | None:
        return self.entries.get(served_name, self.entries.get(f"{_GROUPED}{served_name}"))


def read_listing(raw: bytes) -> Listing | None:
    """The listing in a body; None where it is none.

    A list of objects or of names, bare or under ``data`` or ``models``, or objects by name.
    """
    try:
        value = read_json(raw)
    except ValueError:
        return None
    lists = [value.get(name) for name in _LISTS] if isinstance(value, Mapping) else [value]
    found = [
        entries
        for each in lists
        if isinstance(each, list | dict) and ((entries := dict(_named(each))) or not each)
    ]
    # An empty list may stand beside one in another form.
    return Listing(max(found, key=bool)) if found else None


def _named(models: Sequence[Any] | Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each model with its name; what has none is no model."""
    if isinstance(models, Mapping):
        yield from ((name, each) for name, each in models.items() if isinstance(each, Mapping))
        return
    for each in models:
        if isinstance(each, str):
            yield each, {}
        elif isinstance(each, Mapping):
            names = (each[name] for name in _NAMES if isinstance(each.get(name), str))
            yield from ((name, each) for name in islice(names, 1))


def list_models(client: openai.OpenAI, model: ModelIdentity) -> tuple[Listing | None, str]:
    """What a server lists; where that is nothing readable, None and what it said instead.

    Raises:
        UnreachableError: It said nothing.
    """
    try:
        sent = client.get("/models", cast_to=httpx2.Response)
    except openai.APIStatusError as error:
        return None, describe_error(error, client.api_key)
    except openai.APIConnectionError as error:
        if isinstance(error.__cause__, httpx2.DecodingError):
            return None, describe_error(error, client.api_key)
        raise no_server(client, model, describe_error(error, client.api_key)) from None
    listing = read_listing(sent.content)
    return listing, "" if listing else f"no list of models: {quoted(sent.content)}"


def no_server(client: openai.OpenAI, model: ModelIdentity, fault: str) -> UnreachableError:
    """The error that nothing which answers chats is where a server should be."""
    return UnreachableError(
        f"{model.name}: no OpenAI-compatible server answers at {str(client.base_url).rstrip('/')} "
        f"({fault}). Start it, or correct the URL (`base_urls` of a catalogue)"
    )
