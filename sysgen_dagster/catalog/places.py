"""Where files are published: a data set on the Hub, or a repository on GitHub."""

import hashlib
from collections.abc import Mapping

from pydantic import Field

from sysgen_dagster.catalog.entries import (
    Entry,
    FileDigest,
    Repository,
    RepositoryPath,
    Revision,
    Sha256,
)
from sysgen_dagster.catalog.rules import rule


class HubFile(Entry):
    """The rows of a Hub data set: one file of it, or a split as the library `datasets` reads it.

    What is left out is found when the first shard is read, once, and stored with the data: the
    newest commit; the only file with rows, or else the only configuration and its rows to train on.
    """

    repo: Repository
    file: str | None = None
    config: str | None = None
    split: str | None = None
    revision: Revision | None = None
    sha256: Sha256 | None = None  # of the file

    @rule("file", "config", "split")
    def _require_file_or_split(self) -> str | None:
        if self.file is not None and (self.config or self.split):
            return "give either `file`, or `config` and `split`"
        return None

    @rule("sha256", "config", "split")
    def _require_file_of_sha256(self) -> str | None:
        if self.sha256 is not None and (self.config or self.split):
            return "`sha256` is that of a file; a `config` or `split` has none"
        return None


class GitHubFiles(Entry):
    """Files of a repository on GitHub, at one commit, each with its checksum; read as one file."""

    repo: Repository
    revision: Revision
    files: Mapping[RepositoryPath, FileDigest] = Field(min_length=1)  # by their path there

    @property
    def folder(self) -> str:
        """Where they lie in the folder of downloads from GitHub."""
        return f"{self.repo.replace('/', '--')}/{self.revision}"

    @property
    def checksum(self) -> str:
        """The sha256 of the list of their checksums and paths: it needs none of the files."""
        listed = (f"{digest}  {path}\n" for path, digest in self.files.items())
        return hashlib.sha256("".join(listed).encode()).hexdigest()
