"""Where the files of a source or a benchmark are: on this machine, on the Hub or on GitHub."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from sysgen_dagster.catalog.sources import UpstreamFile
from sysgen_dagster.sources.folders import Files, files_of, listed_files, sha256_of
from sysgen_dagster.storage.store import Store


class Located(NamedTuple):
    """The files of an entry on this machine.

    Attributes:
        files: They are read one after the other.
        revision: The commit on the Hub or GitHub, or ``local:<sha256>``.
        place: What messages call it.
        known_checksum: The sha256 of the files, where it is known without reading them.
    """

    files: Files
    revision: str
    place: Path
    known_checksum: str | None

    @property
    def checksum(self) -> str:
        """The sha256 of the file, or of the names and checksums of the files of a folder."""
        return self.known_checksum or _checksum_of(self.files, self.place)


def locate(entry: UpstreamFile, cache: Path, store: Store | None = None) -> Located:
    """The files of an entry on this machine, fetched if they are not in the cache.

    Args:
        entry: That of a source or a benchmark.
        cache: Folder for downloads.
        store: Where it is kept what an entry was resolved to that leaves something open; None: in
            the cache.

    Raises:
        SourceUnavailableError: The Hub or GitHub did not answer and the file is not in the cache.
        SourceError: The file does not exist, or it is not the one the catalogue describes.
    """
    if entry.hub is not None:
        from sysgen_dagster.sources.hub import fetch

        path, revision, sha256 = fetch(entry.name, entry.hub, cache, store or Store(cache))
        return Located(files_of(entry.name, path), revision, path, sha256)
    if entry.github is not None:
        from sysgen_dagster.sources.github import fetch_files

        paths = fetch_files(entry.name, entry.github, cache)
        place = paths[0] if len(paths) == 1 else cache / "github" / entry.github.folder
        files = listed_files(entry.name, paths)
        return Located(files, entry.github.revision, place, entry.github.checksum)
    path = entry.path or Path()
    files = files_of(entry.name, path)
    checksum = _checksum_of(files, path)
    return Located(files, f"local:{checksum}", path, checksum)


def _checksum_of(files: Files, place: Path) -> str:
    """The sha256 of one file, or of the names and checksums of those of the folder `place`."""
    if not place.is_dir():
        return sha256_of(place)
    names = (f"{sha256_of(path)}  {path.relative_to(place).as_posix()}\n" for path in files.paths)
    return hashlib.sha256("".join(names).encode()).hexdigest()
