"""Where the API of a server begins of which a user wrote down a URL: there, or below it."""

from contextlib import suppress

from sysgen_dagster.inference.chat_api import EngineError, ModelIdentity
from sysgen_dagster.inference.listings import Listing, list_models
from sysgen_dagster.inference.openai_client import open_client
from sysgen_dagster.inference.probing import Probe

_PASTED = ("/chat/completions", "/completions")  # ends of URLs that documents show


def find_place(model: ModelIdentity, url: str, api_key: str | None, retries: int) -> str:
    """Where the API begins of a server that a user named: there, or at ``/v1`` below it.

    It begins where the model is listed, else where any list is, else where a chat is answered.

    Raises:
        UnreachableError: Nothing answers there.
    """
    tried = _places(url)
    if len(tried) == 1:
        return tried[0]
    lists, chats = [], []
    for place in tried:
        with open_client(place, api_key, retries) as client:
            listing, _ = list_models(client, model)
            if listing is not None and listing.has(model.served_name):
                return place
            if listing is not None:
                lists.append(place)
            elif not lists:
                with suppress(EngineError):
                    chats += [place] if Probe(client, model).begin() else []
    return next(iter([*lists, *chats, *tried]))


def list_served(url: str, api_key: str | None, retries: int) -> tuple[str, Listing]:
    """Where the API begins of a server that a user named, and the models that it lists there.

    Raises:
        EngineError: Nothing answers there, or no model is listed; the message quotes what was said.
    """
    said: list[str] = []
    for place in _places(url):
        with open_client(place, api_key, retries) as client:
            listing, instead = list_models(client, ModelIdentity(url, "", None, "endpoint"))
        if listing is not None and listing.entries:
            return place, listing
        said.append(f"{place}/models: {instead or 'an empty list'}")
    raise EngineError(f"no models are listed at {url} ({'; '.join(said)})")


def _places(url: str) -> list[str]:
    """Where the API may begin that a user wrote down, in the order in which they are tried."""
    given = url.rstrip("/")
    for end in _PASTED:
        given = given.removesuffix(end).rstrip("/")
    found = [given]
    if given.endswith("/models"):  # pasted, or the place of a server that has it there
        found.append(given.removesuffix("/models").rstrip("/"))
    return found + [f"{place}/v1" for place in found if not place.endswith("/v1")]
