"""Object storage operations other than reading and writing tables. Needs the extra ``s3``.

Polars, which reads and writes the tables, and obstore, which is used here, are built on the same
Rust client. Both take keys and the server's address from the environment variables
``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION``, ``AWS_ENDPOINT_URL`` and
``AWS_ALLOW_HTTP``, or from the role of the machine or pod. A write of an object is atomic, so
nothing is renamed.
"""

import mimetypes
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import Literal

import fsspec  # type: ignore[import-untyped]
import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.fsspec import FsspecStore
from obstore.store import ObjectStore, from_url
from upath import UPath

from sysgen_dagster.storage.exclusions import ENCODING
from sysgen_dagster.storage.store import StoreError

# `update_text` tries again only if another process changed the text in between; this many processes
# do not write one list at the same time.
_ATTEMPTS = 50


class _Bucket(FsspecStore):
    """obstore's file system for fsspec, with an `_isfile` that raises the server's errors.

    fsspec's own `_isfile` returns False for every error, also where access is denied.
    """

    protocol = "s3"

    async def _isfile(self, path: str) -> bool:
        """Whether there is an object at `path`."""
        try:
            found = await self._info(path)
        except FileNotFoundError:
            return False
        return bool(found["type"] == "file")


def open_root(url: str) -> UPath:
    """A path for an ``s3://`` URL; no request is made."""
    fsspec.register_implementation("s3", _Bucket, clobber=True)
    return UPath(url)


def replace(path: UPath, content: bytes | Path) -> None:
    """Write an object, with the given bytes or the content of the given file.

    Raises:
        obstore.exceptions.BaseError, OSError: The object was not written.
    """
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    bucket, key = _locate(path)
    obstore.put(bucket, key, content, attributes={"Content-Type": content_type})


def update_text(path: UPath, change: Callable[[str], str]) -> str:
    """Replace the text of an object by `change` of it, and return the new text.

    `change` gets "" if there is no object. If another process writes the object in between, the
    text is read and changed again, so that neither change is lost. The server must support
    conditional writes, as Amazon S3, MinIO, Ceph and R2 do.

    Raises:
        OSError: Other processes changed the text 50 times in a row.
        obstore.exceptions.BaseError: A request failed.
    """
    bucket, key = _locate(path)
    for _ in range(_ATTEMPTS):
        try:
            stored = obstore.get(bucket, key)
            mode: obstore.UpdateVersion | Literal["create"] = {"e_tag": stored.meta["e_tag"]}
            before = bytes(stored.bytes()).decode(**ENCODING)
        except FileNotFoundError:
            before, mode = "", "create"
        after = change(before)
        try:
            obstore.put(bucket, key, after.encode(**ENCODING), mode=mode)
        except (AlreadyExistsError, PreconditionError):
            continue
        return after
    raise OSError(f"{path} was changed by other processes {_ATTEMPTS} times in a row")


def publish(folder: Path, target: UPath, last: str) -> None:
    """Upload the files of `folder` to `target`, then delete all other objects under `target`.

    The file named `last` is uploaded after all others.

    Raises:
        StoreError: There are objects under `target`, but not `last`: they are no export of ours.
        obstore.exceptions.BaseError, OSError: The upload is incomplete.
    """
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    stored = set(_names(target))
    if last not in stored and (foreign := sorted(stored.difference(files))):
        raise StoreError(
            f"{target} holds something that is no export (no {last}, but {foreign[0]}): empty it"
        )
    for name in sorted(files, key=lambda name: (name == last, name)):
        replace(target / name, folder / name)
    _delete(target, set(_names(target)).difference(files))


def fetch(source: UPath, folder: Path) -> None:
    """Download every object under `source` into `folder`.

    Raises:
        obstore.exceptions.BaseError, OSError: The download is incomplete.
    """
    for name in _names(source):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.writelines(obstore.get(*_locate(source / name)))


def remove(target: UPath) -> None:
    """Delete every object under `target`.

    Raises:
        obstore.exceptions.BaseError, OSError: Some objects were not deleted.
    """
    _delete(target, _names(target))


def _delete(target: UPath, names: Collection[str]) -> None:
    if names:
        bucket, prefix = _locate(target)
        obstore.delete(bucket, [f"{prefix}/{name}" for name in sorted(names)])


def _names(target: UPath) -> list[str]:
    """The keys of the objects under `target`, relative to it."""
    bucket, prefix = _locate(target)
    pages = obstore.list(bucket, f"{prefix}/")
    return [found["path"].removeprefix(f"{prefix}/") for page in pages for found in page]


def _locate(path: UPath) -> tuple[ObjectStore, str]:
    """The bucket of a path, and the key in it."""
    bucket, _, key = path.path.partition("/")
    return _open_bucket(bucket), key


@cache
def _open_bucket(name: str) -> ObjectStore:
    return from_url(f"s3://{name}")
