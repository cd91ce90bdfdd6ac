"""Pushing an export to the Hub: the reasons not to, and the one commit that does it.

The commit adds the files of the export and deletes those that an older push left in the repository,
so that nobody loads a mixture of two exports.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from sysgen_dagster.errors import SysgenError
from sysgen_dagster.training_sets.export.manifest import MANIFEST, read_checksums

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

_PACKAGE = "sysgen-dagster"
_MOST_NAMES = 5  # in one sentence
# The Hub writes this file when it creates a repository; it says which files are stored as large.
_HUB_FILES = {".gitattributes"}
_PUSH_AGAIN = "the repository was changed during the push; push again"
_FIXES = {
    401: "the Hub does not know the token; make a new one that may write, and set HF_TOKEN to it",
    403: "the token may not write there; give it write access to the repository's owner",
    404: "the Hub has no such repository for this token; correct the name, or the token's access",
    409: _PUSH_AGAIN,
    412: _PUSH_AGAIN,
    413: "a file is larger than the Hub takes; ask the Hub for more, or export fewer rows",
}
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500  # and above


class HubPushError(SysgenError):
    """Nothing was pushed, and trying again will not help; the message names cause and fix."""


class HubUnavailableError(HubPushError):
    """The Hub did not answer; trying again may help."""

    may_come_back = True


def why_not_to_push(
    *,
    rows: int,
    engines: Collection[str],
    licenses: Mapping[str, str | None],
    failed_checks: Collection[str],
    excluded: Collection[str] = (),
    newer_decisions: Collection[str] = (),
    declared: Mapping[str, str],
    actual: Mapping[str, str],
) -> list[str]:
    """The reasons why an export must not be pushed, a sentence with its fix each; empty: it may be.

    Args:
        rows: The number of rows of the export.
        engines: The engines that served the models which wrote its answers.
        licenses: Name of every source and model in it to its licence.
        failed_checks: Names of the blocking checks that did not pass.
        excluded: Ids of its conversations that must not be used any more.
        newer_decisions: What reviewers decided that it does not follow.
        declared: `manifest.read_checksums` of the folder.
        actual: `manifest.compute_checksums` of the folder.
    """
    unlicensed = [
        name for name, text in licenses.items() if (text or "").strip().lower() in {"", "unknown"}
    ]
    changed = [name for name in declared.keys() & actual.keys() if declared[name] != actual[name]]
    culprits: Mapping[str, Collection[str]] = {
        "it holds rows that no model wrote: make them with a real model": {"simulated"}
        & set(engines),
        "no licence is known of these: write it to the catalogue": unlicensed,
        "these checks failed: correct what they found, or leave those rows out": failed_checks,
        "it holds excluded conversations: materialize the mixture and its export again": excluded,
        "it does not follow what reviewers decided: materialize the mixture and its export again, "
        "after mending review/decisions.jsonl where it cannot be read": newer_decisions,
        f"these files are not as {MANIFEST} says: export again": changed,
        f"these files of {MANIFEST} are missing: export again": declared.keys() - actual.keys(),
        f"these files are not in {MANIFEST}: export again": actual.keys() - declared.keys(),
    }
    reasons = [f"{reason} ({_join_names(names)})" for reason, names in culprits.items() if names]
    empty = "it holds no rows: take more sources, or loosen what the mixture leaves out"
    return reasons if rows else [empty, *reasons]


def _join_names(names: Collection[str]) -> str:
    shown = sorted(names)[:_MOST_NAMES]
    more = len(names) - len(shown)
    return ", ".join([*shown, f"{more} more"] if more else shown)


def push_folder(
    folder: Path, repo: str, token: str, private: bool, report: Callable[[str], None]
) -> str:
    """Makes the data set `repo` equal to an export and returns the address of the commit.

    Where it was equal before, no commit is made and the address is that of its last one. The
    manifest and the files that it names are pushed; `why_not_to_push` says whether they may be.

    Args:
        folder: The export.
        repo: ``OWNER/NAME``; created if it does not exist.
        token: Allowed to write there. No message contains it.
        private: Whether only its owner may see the data set; a public repository is then refused.
        report: Called with a line for each thing that happens.

    Raises:
        ExportError: The folder has no manifest.
        HubUnavailableError: The Hub did not answer; trying again may help.
        HubPushError: The push cannot be made as it is.
    """
    paths = [*read_checksums(folder), MANIFEST]
    token = token.strip()
    if not token:
        raise HubPushError(f"there is no token for {repo}; set HF_TOKEN to one that may write")
    if repo.count("/") != 1:
        raise HubPushError(f"{repo!r} is not the name of a data set; give it as OWNER/NAME")
    import huggingface_hub  # here, because loading the definitions needs none of it

    api = huggingface_hub.HfApi(
        token=token, library_name=_PACKAGE, library_version=version(_PACKAGE)
    )
    try:
        # A ValueError where the folder lacks a file.
        files = [huggingface_hub.CommitOperationAdd(path, folder / path) for path in paths]
        return _commit(api, repo, files, private, report)
    # OSError: connections and answers of the Hub; RuntimeError: uploads of single files;
    # ValueError: what the client or the Hub object to in names or the card.
    except (OSError, huggingface_hub.errors.HTTPError, RuntimeError, ValueError) as error:  # type: ignore[attr-defined]
        # Not `from error`: the answer of the Hub or a proxy may contain the token.
        raise _explain(error, repo, token) from None


def _commit(
    api: "HfApi",
    repo: str,
    files: "list[CommitOperationAdd]",
    private: bool,
    report: Callable[[str], None],
) -> str:
    """One commit with every operation.

    `HfApi.upload_folder` would make several commits of a large folder, and who loads the data set
    between two of them would get a mixture of both exports.
    """
    from huggingface_hub import CommitOperationDelete

    api.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
    before = api.dataset_info(repo)
    if private and not before.private:
        raise HubPushError(
            f"{repo} can be seen by everybody and this push was to be private; make the "
            "repository private, or push to another"
        )
    stored = {sibling.rfilename for sibling in before.siblings or ()}
    old = sorted(stored - {file.path_in_repo for file in files} - _HUB_FILES)
    size = sum(file.upload_info.size for file in files)
    report(f"pushing {len(files)} files, {size / 1e6:,.1f} MB, to {repo}")
    commit = api.create_commit(
        repo,
        [*(CommitOperationDelete(path, is_folder=False) for path in old), *files],
        commit_message=f"Export by {_PACKAGE} {version(_PACKAGE)}",
        repo_type="dataset",
        parent_commit=before.sha,
    )
    if commit.oid == before.sha:
        report(f"{repo} holds this export already; no commit was made")
    else:
        report(f"{repo} is this export now; {len(old)} files of an older one were deleted")
    return commit.commit_url


def _explain(error: Exception, repo: str, token: str) -> HubPushError:
    """The error to raise instead: without the token, and with a fix."""
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        HfHubHTTPError,
        HTTPError,
        OfflineModeIsEnabled,
    )

    causes = list(_causes(error))
    answer = next((each for each in causes if isinstance(each, HfHubHTTPError)), None)
    status = answer.response.status_code if answer else 0
    words = " ".join(str(answer or error).split()).replace(token, "***") or type(error).__name__
    message = f"the export was not pushed to {repo}"
    if status in _FIXES:
        return HubPushError(f"{message}: {_FIXES[status]} ({words})")
    # HF_HUB_OFFLINE raises a connection error too, but trying again does not help.
    is_unanswered = not (answer or isinstance(error, OfflineModeIsEnabled)) and any(
        isinstance(each, (ConnectionError, HTTPError)) for each in causes
    )
    if is_unanswered or status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR:
        return HubUnavailableError(
            f"{message}: the Hub did not answer as it should. Try again later, or set HF_ENDPOINT "
            f"to another ({words})"
        )
    return HubPushError(f"{message}: {words}; correct what it names")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
