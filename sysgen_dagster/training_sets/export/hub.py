"""An export on the Hub: why it must not be pushed, and one commit that makes a data set it.

The commit adds what the export holds and deletes what an older push left behind, so that nobody
loads half of one and half of the other.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from sysgen_dagster.errors import SysgenError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

MANIFEST = "manifest.json"
_PACKAGE = "sysgen-dagster"
_SHOWN = 5  # names in a sentence
# Written by the Hub when it makes a repository; it says which files are stored as large ones.
_OF_THE_HUB = {".gitattributes"}
_FIXES = {
    401: "the Hub does not know the token; make a new one that may write, and set HF_TOKEN to it",
    403: "the token may not write there; give it write access to the repository's owner",
    404: "the Hub has no such repository for this token; correct the name, or the token's access",
    409: "somebody else changed the repository meanwhile; push again",
    412: "somebody else changed the repository meanwhile; push again",
    413: "a file is larger than the Hub takes; ask it for more, or export fewer rows",
}
_BUSY = 429
_SERVER_FAULT = 500


class HubPushError(SysgenError):
    """Nothing was pushed, and asking again will not help; the message names cause and fix."""


class HubUnavailableError(HubPushError):
    """The Hub did not answer; asking again may help."""

    may_come_back = True


def why_not_to_push(
    *,
    rows: int,
    engines: Collection[str],
    licenses: Mapping[str, str | None],
    failed_checks: Collection[str],
    declared: Mapping[str, str],
    found: Mapping[str, str],
) -> list[str]:
    """One sentence a reason why an export must not be pushed, with its fix; none: it may be.

    Args:
        rows: How many the export holds.
        engines: The values of its ``engine`` column.
        licenses: Of every source and model in it, by name.
        failed_checks: Blocking checks that did not pass, by name.
        declared: `declared_files` of the folder.
        found: `found_files` of the folder.
    """
    unlicensed = [name for name, text in licenses.items() if _is_unknown(text)]
    changed = [name for name in declared.keys() & found.keys() if declared[name] != found[name]]
    culprits: Mapping[str, Collection[str]] = {
        "it holds rows that no model wrote: make them with a real model": {"simulated"}
        & set(engines),
        "no licence is known of these: write it to the catalogue": unlicensed,
        "these checks failed: correct what they found, or leave those rows out": failed_checks,
        f"these files are not as {MANIFEST} says: export again": changed,
        f"these files of {MANIFEST} are missing: export again": declared.keys() - found.keys(),
        f"these files are not in {MANIFEST}: export again": found.keys() - declared.keys(),
    }
    named = [f"{reason} ({_named(names)})" for reason, names in culprits.items() if names]
    empty = "it holds no rows: take more sources, or loosen what the mixture leaves out"
    return named if rows else [empty, *named]


def _is_unknown(license_text: str | None) -> bool:
    return (license_text or "").strip().lower() in {"", "unknown"}


def _named(names: Collection[str]) -> str:
    shown = sorted(names)[:_SHOWN]
    more = len(names) - len(shown)
    return ", ".join([*shown, f"{more} more"] if more else shown)


def declared_files(folder: Path) -> dict[str, str]:
    """Path in the export to sha256, as its manifest says.

    Raises:
        HubPushError: There is no manifest, or it is not one.
    """
    manifest = folder / MANIFEST
    try:
        files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        return {each["path"]: each["sha256"] for each in files}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HubPushError(
            f"{manifest} is not the manifest of an export ({error!r}); make the export first"
        ) from error


def found_files(folder: Path) -> dict[str, str]:
    """Path in the export to sha256, of every file that is there but the manifest."""
    return {
        name: _sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (name := path.relative_to(folder).as_posix()) != MANIFEST
    }


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def push_folder(
    folder: Path, repo: str, token: str, private: bool, report: Callable[[str], None]
) -> str:
    """The address of the commit after which the data set `repo` holds this export and no more.

    Where it held exactly this before, no commit is made and the address is that of its last one.
    The files of the manifest are pushed, and the manifest; whether they should be is for
    `why_not_to_push` to say.

    Args:
        folder: The export.
        repo: ``OWNER/NAME``; made if it is not there.
        token: Allowed to write there. It is in no message.
        private: Whether others may not see it; a repository that they see already is refused.
        report: Called with a line for each thing that happens.

    Raises:
        HubUnavailableError: The Hub did not answer; asking again may help.
        HubPushError: The push cannot be made as it is.
    """
    paths = [*declared_files(folder), MANIFEST]
    token = token.strip()
    if not token:
        raise HubPushError(f"there is no token for {repo}; set HF_TOKEN to one that may write")
    if repo.count("/") != 1:
        raise HubPushError(f"{repo!r} is not the name of a data set; give it as OWNER/NAME")
    if missing := [path for path in paths if not (folder / path).is_file()]:
        raise HubPushError(f"{folder} lacks {_named(missing)}; make the export again")
    import huggingface_hub  # here, because loading the definitions needs none of it

    api = huggingface_hub.HfApi(
        token=token, library_name=_PACKAGE, library_version=version(_PACKAGE)
    )
    # OSError: connections and answers of the Hub; RuntimeError: uploads of single files;
    # ValueError: what the client or the Hub find wrong with names or the card.
    known = (OSError, huggingface_hub.errors.HTTPError, RuntimeError, ValueError)  # type: ignore[attr-defined]
    try:
        return _commit(api, folder, repo, paths, private, report)
    except HubPushError:
        raise
    except known as error:
        # Not `from error`: what the Hub or a proxy answered may hold the token.
        raise _explained(error, repo, token) from None


def _commit(
    api: "HfApi",
    folder: Path,
    repo: str,
    paths: Collection[str],
    private: bool,
    report: Callable[[str], None],
) -> str:
    """One commit with every operation.

    `HfApi.upload_folder` would make several of a large folder, and who loads it between two of
    them gets a mixture of both exports.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    api.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
    before = api.dataset_info(repo)
    if private and not before.private:
        raise HubPushError(
            f"{repo} can be seen by everybody and this push was to be private; make the "
            "repository private, or push to another"
        )
    there = {sibling.rfilename for sibling in before.siblings or ()}
    left_behind = sorted(there - set(paths) - _OF_THE_HUB)
    size = sum((folder / path).stat().st_size for path in paths)
    report(f"pushing {len(paths)} files, {size / 1e6:,.1f} MB, to {repo}")
    commit = api.create_commit(
        repo,
        [
            *(CommitOperationDelete(path, is_folder=False) for path in left_behind),
            *(CommitOperationAdd(path, folder / path) for path in paths),
        ],
        commit_message=f"Export by {_PACKAGE} {version(_PACKAGE)}",
        repo_type="dataset",
        parent_commit=before.sha,
    )
    if commit.oid == before.sha:
        report(f"{repo} holds this export already; no commit was made")
    else:
        report(f"{repo} is this export now, {len(left_behind)} older files are gone")
    return commit.commit_url


def _explained(error: Exception, repo: str, token: str) -> HubPushError:
    """What to raise instead, without the token and with a fix."""
    from huggingface_hub.errors import HfHubHTTPError

    answers = [each for each in _causes(error) if isinstance(each, HfHubHTTPError)]
    status = answers[0].response.status_code if answers else None
    said = " ".join(str(answers[0] if answers else error).split()).replace(token, "***")
    where = f"the export was not pushed to {repo}"
    if status in _FIXES:
        return HubPushError(f"{where}: {_FIXES[status]} ({said})")
    if status == _BUSY or (status or 0) >= _SERVER_FAULT or _is_of_the_network(error, status):
        return HubUnavailableError(
            f"{where}: the Hub did not answer as it should. Try again later, or set HF_ENDPOINT "
            f"to another ({said})"
        )
    return HubPushError(f"{where}: {said or type(error).__name__}; correct what it names")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _is_of_the_network(error: Exception, status: int | None) -> bool:
    from huggingface_hub.errors import HTTPError, OfflineModeIsEnabled  # type: ignore[attr-defined]

    if status is not None or isinstance(error, OfflineModeIsEnabled):
        return False
    return any(isinstance(each, (ConnectionError, HTTPError)) for each in _causes(error))
