"""Finds what a user calls a source: a file, a folder of files, or a data set on the Hub."""

import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

from sysgen_dagster.catalog.entries import UNKNOWN
from sysgen_dagster.catalog.places import HubFile
from sysgen_dagster.sources.folders import ENDINGS, FORMATS, files_of
from sysgen_dagster.sources.recognition import SourceError
from sysgen_dagster.sources.text_files import PACKED
from sysgen_dagster.storage.store import Store

_ON_HUB = re.compile(
    r"hf://(?:datasets/)?(?P<place>.+)"
    r"|(?:https?://)?(?:huggingface\.co|hf\.co)/datasets/(?P<page>[^?#]+).*"
)
_PLACE = re.compile(
    r"(?P<repo>[\w.-]+/[\w.-]+?)(?:@(?P<revision>refs/\w+/\w+|[^/]+))?(?:/(?P<file>[^/].*))?/?"
)
# Between the data set and the file in addresses of the Hub's pages.
_PAGE = re.compile(r"(?P<repo>[^/@]+/[^/@]+)/(?:tree|blob|resolve)/(?P<revision>[^/]+)")
_VIEWER = re.compile(r"(?P<repo>[^/]+/[^/]+)/viewer(?:/(?P<config>[^/]+)(?:/(?P<split>[^/]+))?)?/?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LONGEST_NAME = 100


class FoundSource(NamedTuple):
    """What a user named as a source, in the terms of the catalogue.

    Attributes:
        name: For the catalogue, made from that of the file, folder or data set.
        title: The name as it is.
        license: As the card on the Hub says; `UNKNOWN` where nothing says it.
        path: The file or folder on this machine.
        hub: The data set on the Hub; what it leaves open is pinned when the rows are first read.
        said: What was found, as a line for people.
    """

    name: str
    title: str
    license: str
    path: Path | None
    hub: HubFile | None
    said: str

    def fetch(self, cache: Path, store: Store) -> Path:
        """The file or folder with its rows, fetched from the Hub unless it is in the cache.

        Args:
            cache: Folder for downloads: ``downloads`` in the working folder of a deployment.
            store: Where the pin is kept; the assets of the deployment then keep to it.

        Raises:
            SourceUnavailableError: The Hub did not answer.
            SourceError: There is no such file, or the Hub does not give it.
        """
        if self.hub is None:
            return self.path or Path()
        from sysgen_dagster.sources.hub import fetch

        return fetch(self.name, self.hub, cache, store).path


def find_source(
    text: str, folder: Path, config: str | None = None, split: str | None = None
) -> FoundSource:
    """The source that a user calls `text`; the rows are not read yet.

    Args:
        text: A path, or ``hf://OWNER/NAME``, with ``@REVISION`` and ``/FILE`` if they matter.
        folder: The one that a relative path begins in.
        config: Of a data set on the Hub: its configuration.
        split: Which split is taken; None: the rows to train on.

    Raises:
        SourceUnavailableError: The Hub did not answer.
        SourceError: There is nothing of that name, or it is not clear which rows are meant.
    """
    if found := _ON_HUB.fullmatch(text.strip()):
        place = found["place"] or found["page"]
        if viewed := _VIEWER.fullmatch(place):
            place = viewed["repo"]
            config, split = config or viewed["config"], split or viewed["split"]
        return _find_on_hub(text, place, config, split)
    if "://" in text:
        raise SourceError(
            f"{text} is no data set on the Hub, which is written hf://OWNER/NAME; download the "
            "file and give its path"
        )
    path = (folder / Path(text).expanduser()).absolute()
    if not path.exists():
        is_repo = re.fullmatch(r"[\w.-]+/[\w.-]+", text) is not None
        on_hub = f", or hf://{text} for the data set on the Hub" if is_repo else ""
        raise SourceError(
            f"there is no file or folder {path}; give one{on_hub or ', or hf://OWNER/NAME'}"
        )
    if config is not None:
        raise SourceError(
            f"{path} has no configurations, which only data sets on the Hub have; leave out "
            f"{config!r}, or give the folder with its files"
        )
    return _find_here(path, split)


def _find_here(path: Path, split: str | None) -> FoundSource:
    name = source_name(path.name)
    if split is not None and path.is_dir():
        path = _only_place(name, path, split)
    elif split is not None:
        raise SourceError(f"{path} is one file and has no split {split!r}; leave it out")
    files = files_of(name, path)
    return FoundSource(name, path.name, UNKNOWN, path, None, files.said)


def _only_place(name: str, folder: Path, split: str) -> Path:
    """The file or the folder inside `folder` that holds a split and nothing else."""
    paths = files_of(name, folder, split).paths
    if len(paths) == 1:
        return paths[0]
    parents = {path.parent for path in paths}
    if len(parents) == 1 and files_of(name, parent := parents.pop()).paths == paths:
        return parent
    raise SourceError(
        f"the files of the split {split} in {folder} lie among others; give a folder that holds "
        "only these"
    )


def _find_on_hub(text: str, place: str, config: str | None, split: str | None) -> FoundSource:
    place = _PAGE.sub(r"\g<repo>@\g<revision>", place)
    found = _PLACE.fullmatch(place)
    if found is None:
        raise SourceError(
            f"{text} is no data set on the Hub; write hf://OWNER/NAME, hf://OWNER/NAME@REVISION or "
            "hf://OWNER/NAME/FILE"
        )
    repo, revision, file = found["repo"], found["revision"], found["file"]
    if file is not None and (config or split):
        raise SourceError(f"{text} names a file, which has no configuration or split; leave it out")
    from sysgen_dagster.sources.hub import look_up

    name = source_name(repo.rpartition("/")[2])
    seen = look_up(name, repo, revision)
    if file is not None and file not in seen.files:
        raise SourceError(
            f"{text}: {repo} has no such file that is one of {ENDINGS}, only "
            f"{', '.join(seen.files[:10]) or 'others'}"
        )
    if revision is not None and not _COMMIT.fullmatch(revision):
        revision = seen.revision  # a branch moves on, its commit stays
    hub = HubFile(repo=repo, file=file, config=config, split=split, revision=revision)
    license_ = seen.license or UNKNOWN
    when = f"at {seen.revision[:8]}" + ("" if revision else ", the newest commit")
    said = f"data set {repo} on the Hub {when}, licence {license_}"
    return FoundSource(name, repo, license_, None, hub, said)


def source_name(text: str) -> str:
    """A name for the catalogue from that of a file, a folder or a data set."""
    stem = text.lower().removesuffix(PACKED)
    for ending in FORMATS:
        stem = stem.removesuffix(ending)
    letters = unicodedata.normalize("NFKD", stem.casefold())
    plain = "".join(each for each in letters if not unicodedata.combining(each))
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return (words if words[:1].isalpha() else f"source_{words}".rstrip("_"))[:_LONGEST_NAME]
