"""Fetches pinned files of a repository on GitHub, where a benchmark is published nowhere else."""

import hashlib
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError
from urllib.request import urlopen

from sysgen_dagster.catalog.evaluation import GitHubFiles
from sysgen_dagster.sources.folders import sha256_of
from sysgen_dagster.sources.recognition import SourceError, SourceUnavailableError
from sysgen_dagster.storage.files import locked, replacing

ADDRESS = "https://raw.githubusercontent.com"
_WITHIN_S = 60.0
_MOST_BYTES = 100_000_000  # of one file, far above those that are pinned


def fetch_files(name: str, github: GitHubFiles, cache: Path) -> list[Path]:
    """The files, in the order of the catalogue, from the cache or from GitHub.

    Args:
        name: That of the catalogue's entry, for messages.
        github: What is wanted.
        cache: Folder for downloads.

    Raises:
        SourceUnavailableError: GitHub did not answer and a file is not in the cache.
        SourceError: GitHub has no such file, or it is not the one that is pinned.
    """
    folder = cache / "github" / github.folder
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock"):
        return [
            _fetch_once(name, github, path, digest, folder) for path, digest in github.files.items()
        ]


def _fetch_once(name: str, github: GitHubFiles, path: str, sha256: str, folder: Path) -> Path:
    stored = folder / PurePosixPath(path).name
    if stored.is_file() and sha256_of(stored) == sha256:
        return stored
    address = f"{ADDRESS}/{github.repo}/{github.revision}/{path}"
    content = _download(name, address)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise SourceError(
            f"{name}: {address} has the sha256 {found}, the catalogue expects {sha256}: give a "
            "copy of the file that is meant as `path`, or correct `github`"
        )
    with replacing(stored) as temporary:
        temporary.write_bytes(content)
    return stored


def _download(name: str, address: str) -> bytes:
    instead = "or give a copy of it on this machine as `path`"
    try:
        with urlopen(address, timeout=_WITHIN_S) as reply:  # noqa: S310 - of `ADDRESS`
            content: bytes = reply.read(_MOST_BYTES)
    except HTTPError as error:
        error.close()
        is_missing = error.code in {404, 410}
        kind = SourceError if is_missing else SourceUnavailableError
        what = "correct `github`" if is_missing else "try again later"
        raise kind(f"{name}: {address} answered {error.code}: {what}, {instead}") from error
    except OSError as error:
        raise SourceUnavailableError(
            f"{name}: {address} cannot be reached ({error}): try again when it can, {instead}"
        ) from error
    return content
