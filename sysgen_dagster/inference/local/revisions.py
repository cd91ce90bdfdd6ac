"""Which commit of a model on the Hub a deployment uses, where the catalogue names none.

It is looked up once, at the first use, and kept: a publisher who changes the weights does not
change what the rest of the rows are made with.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

from sysgen_dagster.catalog.models import Model

_FILE = "revisions.txt"  # of JSON; what ends in .json here is the state of a server
_ANSWER_WITHIN_S = 10.0


def with_revision(model: Model, folder: Path, report: Callable[[str], None]) -> Model:
    """The model at a commit; as it is where it is no model on the Hub, or the Hub does not answer.

    Args:
        model: An entry of the catalogue.
        folder: Of the deployment's servers, where commits are kept.
        report: Takes a line when a commit is looked up.
    """
    repo = model.weights or model.served_name
    if model.revision or repo.count("/") != 1 or Path(repo).exists():
        return model
    kept = _read(folder)
    if repo not in kept:
        commit = look_up(repo)
        if commit is None:
            report(
                f"the Hub did not say at which commit {repo} is: it is used as the engine has it"
            )
            return model
        kept[repo] = commit
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{_FILE}.{os.getpid()}"
        temporary.write_text(json.dumps(kept, indent=1))
        temporary.replace(folder / _FILE)
        report(f"{repo} is used at commit {commit} from now on ({folder / _FILE})")
    return model.model_copy(update={"revision": kept[repo]})


def look_up(repo: str) -> str | None:
    """The newest commit of a model on the Hub; None where the Hub does not say."""
    # Imported here, because it is slow and few connections need it.
    from huggingface_hub import HfApi, errors

    try:
        return HfApi().model_info(repo, timeout=_ANSWER_WITHIN_S).sha
    except (OSError, ValueError, errors.HTTPError):  # type: ignore[attr-defined]
        return None


def _read(folder: Path) -> dict[str, str]:
    file = folder / _FILE
    if not file.is_file():
        return {}
    commits: dict[str, str] = json.loads(file.read_text())
    return commits
