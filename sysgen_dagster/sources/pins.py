"""What an entry of the catalogue that leaves something open was resolved to, stored with the data.

A pin belongs to the entry as it is written: an edited entry has another one, and an entry that is
edited back has its old one again. A Hub that moves on changes none.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from sysgen_dagster.catalog.places import HubFile
from sysgen_dagster.sources.recognition import SourceError
from sysgen_dagster.storage.pins import keep_first, pin_path, read_pin
from sysgen_dagster.storage.store import Store


class Pin(BaseModel):
    """One file of a Hub data set at one commit, or one split as `datasets` reads it there.

    Attributes:
        asked: The entry of the catalogue.
        repo: The data set.
        revision: The commit.
        file: The file; None: a split was read.
        config: Of a split: the configuration.
        split: Of a split: its name.
        sha256: Of the file; of a split that of its rows as lines of JSON.
        pinned_at: When it was resolved.
    """

    model_config = ConfigDict(frozen=True)

    asked: dict[str, Any]
    repo: str
    revision: str
    file: str | None = None
    config: str | None = None
    split: str | None = None
    sha256: str
    pinned_at: AwareDatetime

    @property
    def said(self) -> str:
        """What it is, for people."""
        rows = self.file or f"configuration {self.config}, split {self.split}"
        return f"{self.repo} at {self.revision[:8]}: {rows}"


def resolved(store: Store, hub: HubFile) -> HubFile:
    """The entry with what it leaves open filled in from its pin, if it has one.

    Raises:
        StoreError: Storage did not answer.
        SourceError: The pin is damaged.
    """
    if (pin := find_pin(store, hub)) is None:
        return hub
    return hub.model_copy(
        update=pin.model_dump(include={"file", "config", "split", "revision", "sha256"})
    )


def find_pin(store: Store, hub: HubFile) -> Pin | None:
    """The pin of an entry; None if it leaves nothing open, or was never resolved.

    Raises:
        StoreError: Storage did not answer.
        SourceError: The pin is damaged.
    """
    is_open = hub.file is None or hub.revision is None
    text = read_pin(store, _name(hub)) if is_open else None
    return None if text is None else _parse(store, hub, text)


def keep_pin(store: Store, hub: HubFile, pin: Pin) -> Pin:
    """Store the pin of an entry, and return the one that is stored: another host may be first.

    Raises:
        StoreError: Storage did not answer, or does not allow it.
        SourceError: The pin that was there is damaged.
    """
    text = pin.model_dump_json(indent=2, exclude_none=True) + "\n"
    return _parse(store, hub, keep_first(store, _name(hub), text))


def new_pin(hub: HubFile, sha256: str, now: datetime, **found: str | None) -> Pin:
    """A pin of what was found: `revision` with `file`, or with `config` and `split`."""
    asked, repo = _asked(hub), hub.repo
    return Pin.model_validate(
        {"asked": asked, "repo": repo, "sha256": sha256, "pinned_at": now, **found}
    )


def _asked(hub: HubFile) -> dict[str, Any]:
    return hub.model_dump(exclude_none=True)


def _name(hub: HubFile) -> str:
    """The name of an entry's pin, by what the entry says."""
    digest = hashlib.sha256(json.dumps(_asked(hub), sort_keys=True).encode()).hexdigest()
    return f"{hub.repo.replace('/', '--')}-{digest[:8]}"


def _parse(store: Store, hub: HubFile, text: str) -> Pin:
    try:
        return Pin.model_validate_json(text)
    except ValidationError as error:
        path = pin_path(store, _name(hub))
        raise SourceError(
            f"{path}, which says what {hub.repo} was pinned to, is damaged. Bring it back from a "
            "copy, or delete it to resolve the data set again: if it has changed on the Hub since, "
            "materialize all shards of the source again"
        ) from error
