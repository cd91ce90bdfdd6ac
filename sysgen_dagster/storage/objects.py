"""Object storage: what a bucket does in another way than a folder. Needs the extra ``s3``.

Polars and obstore are the same Rust client, so tables and everything else take their keys and the
address of the server from the same environment variables: ``AWS_ACCESS_KEY_ID``,
``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION``, ``AWS_ENDPOINT_URL``, ``AWS_ALLOW_HTTP``; or from the
role of the machine or pod. An object appears whole or not at all, so nothing is renamed here.
"""

import mimetypes
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Literal

import fsspec  # type: ignore[import-untyped]
import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.fsspec import FsspecStore
from obstore.store import ObjectStore, from_url
from upath import UPath

# A write fails only where somebody else's was stored: more than write a list at the same time.
_ATTEMPTS = 50


class ForeignObjectsError(Exception):
    """What is there was not put there by us; the message names some of it and what to do."""


class _Bucket(FsspecStore):
    """As obstore has it, which keeps no listings in memory, but for one method."""

    protocol = "s3"

    async def _isfile(self, path: str) -> bool:
        """Whether there is such an object; fsspec says no where the server refuses to say."""
        try:
            found = await self._info(path)
        except FileNotFoundError:
            return False
        return bool(found["type"] == "file")


def open_root(url: str) -> UPath:
    """The path of a URL; no request is made."""
    fsspec.register_implementation("s3", _Bucket, clobber=True)
    return UPath(url)


def replace(path: UPath, content: bytes | Path) -> None:
    """Make the object at `path` these bytes, or those of a file; the one before stays until then.

    Raises:
        obstore.exceptions.BaseError, OSError: It is not stored.
    """
    kind, _ = mimetypes.guess_type(path.name)
    attributes = {"Content-Type": kind or "application/octet-stream"}
    obstore.put(_bucket(path), _key(path), content, attributes=attributes)


def update_text(path: UPath, change: Callable[[str], str]) -> str:
    """What `change` makes of the text at `path`, stored; "" stands for a text that is not there.

    Nobody's change is lost: what another one stored in between is read and changed in turn. The
    server must know conditional writes, as Amazon S3, MinIO, Ceph and R2 do.

    Raises:
        OSError: The text is changed by others all the time, or the server refuses every write.
        obstore.exceptions.BaseError: It did not answer.
    """
    bucket, key = _bucket(path), _key(path)
    for _ in range(_ATTEMPTS):
        try:
            stored = obstore.get(bucket, key)
            mode: obstore.UpdateVersion | Literal["create"] = {"e_tag": stored.meta["e_tag"]}
            before = bytes(stored.bytes()).decode()
        except FileNotFoundError:
            before, mode = "", "create"
        after = change(before)
        try:
            obstore.put(bucket, key, after.encode(), mode=mode)
        except (AlreadyExistsError, PreconditionError):
            continue
        return after
    raise OSError(f"{path} was changed by others {_ATTEMPTS} times in a row")


def publish(folder: Path, target: UPath, last: str) -> None:
    """Make the objects under `target` those of `folder`, the file `last` after all others.

    What was there before and is not any more goes when the rest is there.

    Raises:
        ForeignObjectsError: What is there is no export of ours.
        obstore.exceptions.BaseError, OSError: It is published in part. Until `last` is there it is
            that of the folder before, whose checksums the other objects do not have.
    """
    files = sorted(path.relative_to(folder).as_posix() for path in _files(folder))
    there = set(_names(target))
    if last not in there and (strange := sorted(there.difference(files))):
        raise ForeignObjectsError(
            f"{target} holds something that is no export (no {last}, but {strange[0]}): empty it"
        )
    for name in sorted(files, key=lambda name: name == last):
        replace(target / name, folder / name)
    _delete(target, set(_names(target)).difference(files))


def fetch(source: UPath, folder: Path) -> None:
    """Copy every object under `source` into `folder`.

    Raises:
        obstore.exceptions.BaseError, OSError: It is fetched in part.
    """
    for name in _names(source):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for piece in obstore.get(_bucket(source), _key(source / name)):
                file.write(piece)


def remove(target: UPath) -> None:
    """Delete every object under `target`.

    Raises:
        obstore.exceptions.BaseError, OSError: Some are still there.
    """
    _delete(target, _names(target))


def _delete(target: UPath, names: Collection[str]) -> None:
    if names:
        obstore.delete(_bucket(target), [_key(target / name) for name in sorted(names)])


def _names(target: UPath) -> list[str]:
    """Keys of the objects under `target`, without what they have in common."""
    prefix = f"{_key(target)}/"
    pages = obstore.list(_bucket(target), prefix)
    return [each["path"].removeprefix(prefix) for page in pages for each in page]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _bucket(path: UPath) -> ObjectStore:
    return _client(path.path.partition("/")[0])


@cache
def _client(bucket: str) -> ObjectStore:
    return from_url(f"s3://{bucket}")


def _key(path: UPath) -> str:
    return path.path.partition("/")[2]
