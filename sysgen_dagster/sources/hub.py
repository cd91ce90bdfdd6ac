"""Finds and fetches the files of Hub data sets; the Hub's client retries if the Hub is busy.

An entry that leaves its file, its split or its commit open is resolved once, and the pin is stored
with the data: see `pins`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sysgen_dagster.catalog.places import HubFile
from sysgen_dagster.sources.folders import is_data, sha256_of
from sysgen_dagster.sources.pins import Pin, find_pin, keep_pin, new_pin
from sysgen_dagster.sources.recognition import SourceError, SourceUnavailableError
from sysgen_dagster.storage.files import locked
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.digests import is_whole


class OnHub(NamedTuple):
    """A data set of the Hub at one commit.

    Attributes:
        revision: The commit.
        license: As its card says; None if it says none.
        files: The paths of those that hold rows in a format that is read.
    """

    revision: str
    license: str | None
    files: tuple[str, ...]


class Fetched(NamedTuple):
    """The rows of an entry on this machine, and the checksum where it is known."""

    path: Path
    revision: str
    sha256: str | None


def fetch(name: str, hub: HubFile, cache: Path, store: Store) -> Fetched:
    """The file of an entry, from the cache or the Hub, or its split as a Parquet file.

    Args:
        name: That of the entry, for messages.
        hub: What is wanted.
        cache: Folder for downloads.
        store: Where the pin of an entry is kept that leaves something open.

    Raises:
        SourceUnavailableError: The Hub did not answer and the file is not in the cache.
        SourceError: The Hub has no such file or split, or it is not the one that was pinned.
    """
    if hub.file is not None and hub.revision is not None:
        path = _file(name, hub, hub.file, hub.revision, cache)
        return Fetched(path, hub.revision, hub.sha256)
    pin = find_pin(store, hub) or _resolve_once(name, hub, cache, store)
    if pin.file is not None:
        path = _file(name, pin, pin.file, pin.revision, cache)
    else:
        path = _split_file(name, pin, cache)
    return Fetched(path, pin.revision, pin.sha256)


def look_up(name: str, repo: str, revision: str | None) -> OnHub:
    """A data set of the Hub, at a commit, branch or tag, or as it is now.

    Raises:
        SourceUnavailableError: The Hub did not answer.
        SourceError: The Hub has no such data set for this account.
    """
    import huggingface_hub  # here, because it is slow and loading the definitions needs none of it

    with asking(name, f"{repo} at {revision}" if revision else repo):
        info = huggingface_hub.HfApi().dataset_info(repo, revision=revision)
    files = sorted(each.rfilename for each in info.siblings or [] if is_data(each.rfilename))
    return OnHub(str(info.sha), _license_of(info.card_data), tuple(files))


def _license_of(card: object) -> str | None:
    """The licence that a card names; several are joined."""
    license_ = getattr(card, "license", None)
    if license_ == "other":
        license_ = getattr(card, "license_name", None) or license_
    named = license_ if isinstance(license_, list) else [license_]
    return " and ".join(each for each in named if isinstance(each, str) and each.strip()) or None


def _resolve_once(name: str, hub: HubFile, cache: Path, store: Store) -> Pin:
    """The pin of an entry that has none yet; of two processes of this machine one resolves it."""
    folder = cache / "hub"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / f".{hub.repo.replace('/', '--')}.lock"):
        return find_pin(store, hub) or keep_pin(store, hub, _resolve(name, hub, cache))


def _resolve(name: str, hub: HubFile, cache: Path) -> Pin:
    found = look_up(name, hub.repo, hub.revision)
    file = hub.file
    if not (file or hub.config or hub.split) and len(found.files) == 1:
        [file] = found.files
    if file is not None:
        sha256 = sha256_of(_file(name, hub, file, found.revision, cache))
        return new_pin(hub, sha256, datetime.now(UTC), revision=found.revision, file=file)
    from sysgen_dagster.sources import hub_splits

    with asking(name, f"{hub.repo} at {found.revision}"):
        config, split = hub_splits.choose(name, hub, found.revision, cache)
    sha256 = _convert(name, hub.repo, found.revision, config, split, cache)
    now = datetime.now(UTC)
    return new_pin(hub, sha256, now, revision=found.revision, config=config, split=split)


def _split_file(name: str, pin: Pin, cache: Path) -> Path:
    """The Parquet file of a pinned split, made if it is not in the cache."""
    from sysgen_dagster.sources import hub_splits

    assert pin.config is not None, "a pin without a file has a configuration"
    assert pin.split is not None, "... and a split"
    path = hub_splits.path_of(pin.sha256, cache)
    if not is_whole(path):
        found = _convert(name, pin.repo, pin.revision, pin.config, pin.split, cache)
        if found != pin.sha256:
            raise SourceError(
                f"{name}: {pin.said} has rows with the sha256 {found}, it was pinned with "
                f"{pin.sha256}. Use the release of `datasets` and `polars` that it was pinned "
                "with, or pin it anew: write `revision` into the catalogue and materialize all "
                "shards again"
            )
    return path


def _convert(name: str, repo: str, revision: str, config: str, split: str, cache: Path) -> str:
    from sysgen_dagster.sources import hub_splits

    def fetch(file: str) -> Path:
        return _download(name, repo, file, revision, cache)

    with asking(name, f"{repo} at {revision}"):
        return hub_splits.convert(name, repo, revision, config, split, cache, fetch)


def _download(name: str, repo: str, file: str, revision: str, cache: Path) -> Path:
    import huggingface_hub

    with asking(name, f"{repo}/{file} at {revision}"):
        return Path(
            huggingface_hub.hf_hub_download(
                repo, file, repo_type="dataset", revision=revision, cache_dir=cache / "hub"
            )
        )


@contextmanager
def asking(name: str, where: str) -> Iterator[None]:
    """Raise what the Hub refuses as an error that says what to do; `where` is what is asked for."""
    # Imported here, because it is slow and loading the definitions does not need it.
    from huggingface_hub import errors

    missing = (
        errors.RepositoryNotFoundError,
        errors.RevisionNotFoundError,
        errors.RemoteEntryNotFoundError,
    )
    try:
        yield
    except missing as error:
        raise SourceError(
            f"{name}: the Hub has no {where} for this account ({type(error).__name__}); correct "
            "`hub` in the catalogue, or set HF_TOKEN for a gated data set"
        ) from error
    except ValueError as error:  # the name of the data set or of the file is none
        raise SourceError(
            f"{name}: {where} is nothing on the Hub ({error}); correct `hub`"
        ) from error
    except (OSError, errors.HTTPError) as error:  # type: ignore[attr-defined]
        raise SourceUnavailableError(
            f"{name}: the Hub did not give {where} ({error}). Try again later, set HF_ENDPOINT to "
            "a mirror, or fetch the file by hand and give it as `path` in the catalogue"
        ) from error


def _file(name: str, wanted: HubFile | Pin, file: str, revision: str, cache: Path) -> Path:
    """A file of the Hub that has the checksum of the entry or of its pin, where there is one."""
    path = _download(name, wanted.repo, file, revision, cache)
    if wanted.sha256 is not None and (actual := sha256_of(path)) != wanted.sha256:
        expects = "it was pinned with" if isinstance(wanted, Pin) else "the catalogue expects"
        raise SourceError(
            f"{name}: {path} has sha256 {actual}, {expects} {wanted.sha256}. Delete "
            f"{cache / 'hub'} to fetch it again; if that does not help, `sha256` is wrong"
        )
    return path
