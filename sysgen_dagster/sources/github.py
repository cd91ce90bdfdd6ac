"""Fetches pinned files of a repository on GitHub, where they are published nowhere else."""

import hashlib
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

from sysgen_dagster.catalog.places import GitHubFiles
from sysgen_dagster.sources.recognition import SourceError, SourceUnavailableError
from sysgen_dagster.storage.files import locked, replacing

ADDRESS = "https://raw.githubusercontent.com"
_WITHIN_S = 60.0
_MOST_BYTES = 100 << 20  # GitHub takes no larger files
_OF_GIT = 40  # hex digits of a blob id


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


def _fetch_once(name: str, github: GitHubFiles, path: str, digest: str, folder: Path) -> Path:
    stored = folder / path
    if stored.is_file() and _digest_like(digest, stored.read_bytes()) == digest:
        return stored
    address = f"{ADDRESS}/{github.repo}/{github.revision}/{quote(path)}"
    content = _download(name, address)
    found = _digest_like(digest, content)
    if found != digest:
        kind = "blob id" if len(digest) == _OF_GIT else "sha256"
        raise SourceError(
            f"{name}: {address} has the {kind} {found}, the catalogue expects {digest}: give a "
            "copy of the file that is meant as `path`, or correct `github`"
        )
    stored.parent.mkdir(parents=True, exist_ok=True)
    with replacing(stored) as temporary:
        temporary.write_bytes(content)
    return stored


def _digest_like(digest: str, content: bytes) -> str:
    """The checksum of a file of the kind that another one is: its sha256, or its blob id in git."""
    if len(digest) != _OF_GIT:
        return hashlib.sha256(content).hexdigest()
    of_git = b"blob %d\0%b" % (len(content), content)
    return hashlib.sha1(of_git, usedforsecurity=False).hexdigest()


def _download(name: str, address: str) -> bytes:
    instead = "or give a copy of it on this machine as `path`"
    try:
        with urlopen(address, timeout=_WITHIN_S) as reply:  # noqa: S310 - of `ADDRESS`
            content: bytes = reply.read(_MOST_BYTES)
            if reply.length:  # bytes that were announced and did not come
                raise ConnectionResetError(f"{reply.length:,} bytes are missing")
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
