"""What all entries of the catalogue share: base classes, names, types of fields."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    Strict,
    model_validator,
)

from sysgen_dagster.catalog.rules import read_entry


class Entry(BaseModel):
    """A frozen entry that refuses fields which it does not declare."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="wrap")
    @classmethod
    def _find_all_faults(cls, given: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        return read_entry(cls, given, read)


class NamedEntry(Entry):
    """An entry with the name that is its key in the catalogue."""

    name: str = Field(default="", exclude=True)


def _matches(pattern: str, wanted: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {wanted}")  # without the value, which may be a secret
        return value

    return AfterValidator(check)


def _url_without_secrets(value: str) -> str:
    """A URL that may be shown. Its errors do not repeat it: a refused one may hold a key."""
    if not re.fullmatch(r"https?://[^\s/\\]+(/\S*)?", value) or not value.isprintable():
        raise ValueError("must be a URL such as http://HOST:PORT/v1")
    if re.search(r"[@?#]", value):
        raise ValueError(
            "must be a URL without user, password or query: URLs are shown and logged. Put the key "
            "into an environment variable and its name into `api_key_env`"
        )
    try:
        parts = urlsplit(value)
        is_place = parts.port != 0 and bool((parts.hostname or "").encode("idna"))
    except ValueError:  # of a port, an IPv6 address or a name
        is_place = False
    if not is_place:
        raise ValueError("must be a URL with the name of a host and a port from 1 to 65535")
    return value


def _with_names(entries: object) -> object:
    """The entries of a section, each with its key as its ``name``."""
    if not isinstance(entries, Mapping):
        return entries
    return {
        name: {**entry, "name": name} if isinstance(entry, Mapping) else entry
        for name, entry in entries.items()
    }


UNKNOWN = "unknown"  # a licence that nobody has said; nothing under it is pushed to the Hub

_LETTERS = "up to 100 lower-case letters, digits"
# A name becomes a part of partition keys, file names and asset keys.
Name = Annotated[
    str,
    _matches(
        r"[a-z0-9][a-z0-9._-]{0,99}", f"{_LETTERS} and . _ -, beginning with a letter or digit"
    ),
]
SourceName = Annotated[
    str, _matches(r"[a-z][a-z0-9_]{0,99}", f"{_LETTERS} and _, beginning with a letter")
]
# Polars takes `*` and `^...$` for patterns of names.
ColumnName = Annotated[
    str, _matches(r"(?s)(?!\*$|\^.*\$$).+", "the name of a column, and no pattern such as * or ^a$")
]
Repository = Annotated[
    str, _matches(r"[\w.-]+(/[\w.-]+)?", "OWNER/NAME as on the Hub, without its address")
]
Revision = Annotated[str, _matches(r"[0-9a-f]{40}", "a commit of 40 hex digits, not a branch")]
Sha256 = Annotated[str, _matches(r"[0-9a-f]{64}", "64 hex digits")]
# `git ls-tree COMMIT PATH` says the id of a file of which nobody has a sha256.
FileDigest = Annotated[
    str,
    _matches(
        r"[0-9a-f]{64}|[0-9a-f]{40}",
        "the sha256 of the file, 64 hex digits, or its blob id in git, 40 hex digits",
    ),
]
_PART = r"(?!\.{1,2}(/|$))[^/\\]+"
RepositoryPath = Annotated[
    str,
    _matches(rf"{_PART}(/{_PART})*", "the path of a file in the repository, such as data/a.json"),
]
EnvironmentName = Annotated[
    str, _matches(r"[A-Z][A-Z0-9_]*", "the NAME of an environment variable")
]
_OF_CRON = r"([*?Ll]|[0-9]{1,2}|[A-Za-z]{3})(-([0-9]{1,2}|[A-Za-z]{3}))?([/#][0-9]{1,2})?"
Cron = Annotated[
    str,
    _matches(
        rf"@[a-z]+|{_OF_CRON}(,{_OF_CRON})*( +{_OF_CRON}(,{_OF_CRON})*){{4}}",
        "five fields of cron, such as '*/30 * * * *': minute, hour, day, month, weekday",
    ),
]
BaseUrl = Annotated[str, AfterValidator(_url_without_secrets)]

# A number is written as a number: not as true, in quotes, or with a fraction that is left out.
Switch = Annotated[bool, Strict()]
Count = Annotated[int, Strict(), Field(ge=0)]
AtLeastOne = Annotated[int, Strict(), Field(gt=0)]
Amount = Annotated[float, Strict(), Field(ge=0)]
MoreThanZero = Annotated[float, Strict(), Field(gt=0)]
Share = Annotated[float, Strict(), Field(ge=0, le=1)]

_Named = TypeVar("_Named", bound=NamedEntry)
Models = Annotated[Mapping[Name, _Named], BeforeValidator(_with_names)]
Sources = Annotated[Mapping[SourceName, _Named], BeforeValidator(_with_names)]

# Names of fields that may hold a secret: an error there does not show the value.
SECRET = re.compile(r"api[_-]?key|token$|secret|passw|credential|base_?urls?", re.IGNORECASE)
