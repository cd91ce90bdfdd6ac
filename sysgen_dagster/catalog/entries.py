"""What all entries of a catalogue share: their base, their names, what a field may hold."""

import re
from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Entry(BaseModel):
    """An entry: it holds its declared fields and no others, and is never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NamedEntry(Entry):
    """An entry that stands under a name in the catalogue and knows it."""

    name: str = Field(default="", exclude=True)


def _matches(pattern: str, wanted: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"must be {wanted}, is {value!r}")
        return value

    return AfterValidator(check)


def _url_without_secrets(value: str) -> str:
    """A URL that may be shown: its faults do not repeat it, since it may hold a key."""
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        raise ValueError("must be a URL such as http://HOST:PORT/v1")
    if re.search(r"[@?#]", value):
        raise ValueError(
            "must be a URL without user, password or query: URLs are shown and logged. Put the key "
            "into an environment variable and its name into `api_key_env`"
        )
    return value


def _with_names(entries: object) -> object:
    """The entries of a section, each knowing the name under which it stands."""
    if not isinstance(entries, Mapping):
        return entries
    if named := [
        name for name, entry in entries.items() if isinstance(entry, Mapping) and "name" in entry
    ]:
        raise ValueError(f"{named[0]} has a field `name`: leave it out, its name is {named[0]}")
    return {
        name: {**entry, "name": name} if isinstance(entry, Mapping) else entry
        for name, entry in entries.items()
    }


# Names become partition keys, file names and asset keys.
Name = Annotated[str, _matches(r"[a-z0-9][a-z0-9._-]*", "lower-case letters, digits and . _ -")]
SourceName = Annotated[str, _matches(r"[a-z][a-z0-9_]*", "lower-case letters, digits and _")]
Revision = Annotated[str, _matches(r"[0-9a-f]{40}", "a commit of 40 hex digits, not a branch")]
Sha256 = Annotated[str, _matches(r"[0-9a-f]{64}", "64 hex digits")]
EnvironmentName = Annotated[str, _matches(r"[A-Z][A-Z0-9_]*", "the NAME of a variable")]
BaseUrl = Annotated[str, AfterValidator(_url_without_secrets)]
Share = Annotated[float, Field(ge=0, le=1)]

_Named = TypeVar("_Named", bound=NamedEntry)
Models = Annotated[Mapping[Name, _Named], BeforeValidator(_with_names)]
Sources = Annotated[Mapping[SourceName, _Named], BeforeValidator(_with_names)]

# Fields that may hold a secret: a fault there does not repeat what it found.
SECRET = re.compile(r"api[_-]?key|token$|secret|passw|credential|base_urls", re.IGNORECASE)
