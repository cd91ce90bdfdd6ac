"""Exports on the Hub: what is pushed is what is loaded, what must not be pushed is refused."""

import shutil
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import datasets
import pytest

from sysgen_dagster.training_sets.export.folder import write_folder
from sysgen_dagster.training_sets.export.hub import (
    HubPushError,
    HubUnavailableError,
    push_folder,
    why_not_to_push,
)
from sysgen_dagster.training_sets.export.layout import ExportError
from sysgen_dagster_tests.training_sets.export.exports import FACTS, frame, row
from sysgen_dagster_tests.training_sets.export.fake_hub_uploads import (
    Client,
    FakeHub,
    Refusal,
    Repository,
    client_of,
)

TOKEN = "hf_PlantedTokenThatNobodyMaySee"
READER = "hf_PlantedTokenThatMayOnlyRead"
REPO = "somebody/chats"
SPLITS = {"train": 40, "validation": 3, "test": 2}


@pytest.fixture(scope="module")
def running_hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    with hub.listening():
        yield hub


@pytest.fixture
def hub(running_hub: FakeHub) -> FakeHub:
    """A hub with nothing on it, as after a start."""
    fresh = FakeHub({TOKEN}, {READER}, url=running_hub.url)
    vars(running_hub).update(vars(fresh))
    return running_hub


@pytest.fixture(scope="module")
def client(running_hub: FakeHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with client_of(running_hub, tmp_path_factory.mktemp("home")) as client:
        yield client


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export of a file a split."""
    return make_export(tmp_path / "export", SPLITS)


def make_export(folder: Path, splits: Mapping[str, int], **sizes: int) -> Path:
    """The export of the first so many rows of each split."""
    rows = [frame([chat(split, number) for number in range(n)]) for split, n in splits.items()]
    write_folder(folder, "chats", rows, FACTS, **sizes)
    return folder


def chat(split: str, number: int) -> dict[str, Any]:
    return row("capybara", "phi-4", split, number)


def push(folder: Path, token: str, repo: str = REPO, private: bool = False) -> tuple[str, str]:
    """The address of the commit, and what was reported."""
    lines: list[str] = []
    address = push_folder(folder, repo, token, private, lines.append)
    return address, "\n".join(lines)


def load(repo: str, home: Path) -> dict[str, list[dict[str, Any]]]:
    """Every split as another user would load it, with an empty cache."""
    shutil.rmtree(home / "datasets", ignore_errors=True)
    return {str(name): rows.to_list() for name, rows in datasets.load_dataset(repo).items()}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_is_pushed_is_what_is_loaded(hub: FakeHub, client: Client, export: Path) -> None:
    address, reported = client(push, export, TOKEN)
    repository = hub.repositories[REPO]
    assert repository.files == contents(export)
    assert address == f"{hub.url}/datasets/{REPO}/commit/{repository.commits[-1].oid}"
    assert f"pushing {len(contents(export))} files" in reported
    loaded = client(load, REPO, client.home)
    assert loaded.keys() == SPLITS.keys()
    for split, number in SPLITS.items():
        assert loaded[split] == frame([chat(split, each) for each in range(number)]).to_dicts()


def test_a_push_is_one_commit_that_names_the_version(
    hub: FakeHub, client: Client, tmp_path: Path
) -> None:
    many = make_export(tmp_path / "many", {"train": 60}, file_bytes=1, group_rows=1)
    client(push, many, TOKEN)
    assert hub.asked("PUT /lfs/") == 60
    _, ours = hub.repositories[REPO].commits
    assert ours.message.startswith("Export by sysgen-dagster ")


def test_an_export_that_the_repository_holds_is_not_committed_again(
    hub: FakeHub, client: Client, export: Path
) -> None:
    first, _ = client(push, export, TOKEN)
    again, reported = client(push, export, TOKEN)
    assert again == first
    assert len(hub.repositories[REPO].commits) == 2
    assert "holds this export already" in reported


def test_a_smaller_export_leaves_nothing_of_the_larger_one(
    hub: FakeHub, client: Client, export: Path, tmp_path: Path
) -> None:
    client(push, export, TOKEN)
    smaller = make_export(tmp_path / "smaller", {"train": 5})
    _, reported = client(push, smaller, TOKEN)
    repository = hub.repositories[REPO]
    assert repository.files == contents(smaller)
    assert ".gitattributes" in repository.commits[-1].files
    assert len(repository.commits) == 3
    assert "2 files of an older one were deleted" in reported
    assert {split: len(rows) for split, rows in client(load, REPO, client.home).items()} == {
        "train": 5
    }


def test_what_the_manifest_does_not_name_stays_here(
    hub: FakeHub, client: Client, export: Path
) -> None:
    (export / "notes.txt").write_text("mine")
    client(push, export, TOKEN)
    assert "notes.txt" not in hub.repositories[REPO].files


@pytest.mark.parametrize("private", [True, False])
def test_a_new_repository_is_private_where_asked_for(
    hub: FakeHub, client: Client, export: Path, private: bool
) -> None:
    client(push, export, TOKEN, REPO, private)
    assert hub.repositories[REPO].private is private


def test_a_private_push_to_what_everybody_sees_is_refused(
    hub: FakeHub, client: Client, export: Path
) -> None:
    hub.repositories[REPO] = Repository(private=False)
    with pytest.raises(HubPushError, match="can be seen by everybody"):
        client(push, export, TOKEN, REPO, True)
    assert (hub.repositories[REPO].files, hub.uploads) == ({}, {})


@pytest.mark.parametrize("where", ["preupload", "lfs/objects/batch", "PUT /lfs/"])
def test_a_hub_that_is_busy_for_a_moment_is_asked_again(
    hub: FakeHub, client: Client, export: Path, where: str
) -> None:
    hub.refusals = [Refusal(where, 503, times=1)]
    client(push, export, TOKEN)
    assert hub.repositories[REPO].files == contents(export)


@pytest.mark.parametrize(
    ("where", "status", "error", "fix"),
    [
        ("repos/create", 401, HubPushError, "does not know the token"),
        ("preupload", 403, HubPushError, "give it write access"),
        ("PUT /lfs/", 403, HubPushError, "give it write access"),
        ("/commit/", 412, HubPushError, "push again"),
        ("/commit/", 413, HubPushError, "export fewer rows"),
        ("validate-yaml", 400, HubPushError, "correct what it names"),
        ("repos/create", 503, HubUnavailableError, "Try again later"),
        ("PUT /lfs/", 500, HubUnavailableError, "Try again later"),
        ("/commit/", 429, HubUnavailableError, "Try again later"),
    ],
)
def test_a_refusal_of_the_hub_is_an_error_with_its_fix(
    hub: FakeHub,
    client: Client,
    export: Path,
    where: str,
    status: int,
    error: type[HubPushError],
    fix: str,
) -> None:
    hub.refusals = [Refusal(where, status)]
    with pytest.raises(HubPushError, match=fix) as raised:
        client(push, export, TOKEN)
    assert raised.type is error
    repository = hub.repositories.get(REPO, Repository())
    assert repository.files == {}, "what was refused must not be there in part"


@pytest.mark.parametrize(
    ("token", "fix"),
    [
        ("", "there is no token"),
        (" \n", "there is no token"),
        ("hf_unknown", "does not know the token"),
        ("hf_\u00e9", "was not pushed"),
        (READER, "give it write access"),
    ],
)
def test_a_token_that_may_not_write_is_an_error(
    hub: FakeHub, client: Client, export: Path, token: str, fix: str
) -> None:
    hub.repositories[REPO] = Repository()
    with pytest.raises(HubPushError, match=fix):
        client(push, export, token)
    assert hub.repositories[REPO].files == {}


def test_a_token_with_a_line_end_is_the_token(hub: FakeHub, client: Client, export: Path) -> None:
    client(push, export, f"{TOKEN}\n")
    assert hub.repositories[REPO].files == contents(export)


@pytest.mark.parametrize("repo", ["", "chats", "somebody/chats/more", "some body/chats", "a/.."])
def test_what_cannot_be_a_repository_is_an_error(
    hub: FakeHub, client: Client, export: Path, repo: str
) -> None:
    with pytest.raises(HubPushError, match=r"OWNER/NAME|correct what it names"):
        client(push, export, TOKEN, repo)
    assert hub.repositories == {}


def test_a_hub_that_does_not_listen_is_unavailable(
    client: Client, export: Path, running_hub: FakeHub
) -> None:
    with pytest.raises(HubUnavailableError, match="did not answer") as raised:
        client(push_while_down, export, TOKEN)
    assert TOKEN not in str(raised.value)


def test_offline_mode_is_an_error_that_does_not_come_back(client: Client, export: Path) -> None:
    with pytest.raises(HubPushError, match="offline") as raised:
        client(push_offline, export, TOKEN)
    assert not raised.value.may_come_back


def push_offline(folder: Path, token: str) -> None:
    """A push where ``HF_HUB_OFFLINE`` is set."""
    from huggingface_hub import constants

    constants.HF_HUB_OFFLINE = True
    try:
        push(folder, token)
    finally:
        constants.HF_HUB_OFFLINE = False


def push_while_down(folder: Path, token: str) -> None:
    """A push to a port on which no server listens."""
    from huggingface_hub import constants

    hub, constants.ENDPOINT = constants.ENDPOINT, "http://127.0.0.1:9"
    try:
        push(folder, token)
    finally:
        constants.ENDPOINT = hub


def test_a_push_in_between_is_not_overwritten(hub: FakeHub, client: Client, export: Path) -> None:
    """The commit names its parent, so the Hub can refuse it."""
    with pytest.raises(HubPushError, match="push again"):
        client(push_overtaken, export, TOKEN)
    assert hub.repositories[REPO].files == contents(export.with_name("other"))


def push_overtaken(folder: Path, token: str) -> None:
    """A push that another one overtakes once it has looked at the repository."""
    other = make_export(folder.with_name("other"), {"train": 1})
    push_folder(folder, REPO, token, False, lambda _: print(push(other, token)))


@pytest.mark.parametrize("status", [None, 401, 403, 500])
def test_the_token_is_nowhere(
    hub: FakeHub, client: Client, export: Path, status: int | None
) -> None:
    hub.refusals = [Refusal("PUT /lfs/", status)] if status else []
    shown = client(shown_by, push, export, TOKEN)
    assert hub.credentials, "the token must have been sent"
    assert TOKEN not in shown
    assert TOKEN.encode() not in client.wrote()
    assert not any(TOKEN.encode() in content for content in contents(export).values())


@pytest.mark.parametrize(
    "where", ["repos/create", "api/datasets/[a-z/]*$", "preupload", "lfs/objects", "/commit/"]
)
@pytest.mark.parametrize("status", [400, 401, 403, 503])
def test_a_token_in_an_answer_of_the_hub_is_not_shown(
    hub: FakeHub, client: Client, export: Path, where: str, status: int
) -> None:
    hub.refusals = [Refusal(where, status, message="{authorization} is not welcome")]
    shown = client(shown_by, push, export, TOKEN)
    assert "is not welcome" in shown
    assert TOKEN not in shown


def shown_by(work: Callable[..., object], *arguments: object) -> str:
    """What is returned, or the whole traceback, as a log would show it."""
    try:
        return repr(work(*arguments))
    except HubPushError:
        return traceback.format_exc()


def test_the_token_goes_to_the_hub_alone(hub: FakeHub, client: Client, export: Path) -> None:
    """Large files go to other storage, whose address needs no token."""
    client(push, export, TOKEN)
    uploads = [line.partition(" ")[2] for line in hub.requests if line.startswith("PUT /lfs/")]
    assert len(uploads) == 3
    assert not set(uploads) & set(hub.credentials)


def test_a_folder_without_a_manifest_is_not_an_export(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="make the export first"):
        push_folder(tmp_path, REPO, TOKEN, False, print)


def test_a_file_that_the_manifest_names_must_be_there(export: Path) -> None:
    (export / "README.md").unlink()
    with pytest.raises(HubPushError, match=r"/README\.md' is not a file"):
        push_folder(export, REPO, TOKEN, False, print)


FINE: Mapping[str, Any] = {
    "rows": 3,
    "engines": {"vllm", "endpoint"},
    "licenses": {"capybara": "apache-2.0", "phi-4": "mit"},
    "failed_checks": [],
    "declared": {"data/train.parquet": "00", "README.md": "11"},
    "actual": {"data/train.parquet": "00", "README.md": "11"},
}


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        ({"rows": 0}, "it holds no rows"),
        ({"engines": {"vllm", "simulated"}}, "it holds rows that no model wrote"),
        ({"licenses": {"capybara": None}}, "no licence is known of these"),
        ({"licenses": {"capybara": "mit", "phi-4": " "}}, "no licence is known of these"),
        ({"licenses": {"phi-4": "Unknown"}}, "no licence is known of these"),
        ({"failed_checks": ["splits: groups_stay_whole"]}, "these checks failed"),
        ({"actual": {"data/train.parquet": "00", "README.md": "22"}}, "these files are not as"),
        ({"actual": {"data/train.parquet": "00"}}, "these files of manifest.json are missing"),
        ({"declared": {"README.md": "11"}}, "these files are not in manifest.json"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_reason_not_to_push_is_found(fact: Mapping[str, Any], reason: str) -> None:
    [sentence] = why_not_to_push(**{**FINE, **fact})
    assert sentence.startswith(reason)
    assert ": " in sentence, "a reason comes with its fix"


def test_there_is_no_reason_not_to_push_a_sound_export() -> None:
    assert why_not_to_push(**FINE) == []


def test_all_reasons_are_given_at_once_and_lists_are_cut() -> None:
    licenses = {f"source_{number}": None for number in range(9)}
    reasons = why_not_to_push(**{**FINE, "rows": 0, "licenses": licenses})
    assert len(reasons) == 2
    assert reasons[1].endswith("(source_0, source_1, source_2, source_3, source_4, 4 more)")
