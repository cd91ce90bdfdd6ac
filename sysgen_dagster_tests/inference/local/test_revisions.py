"""The commit of a model on the Hub that a deployment keeps to."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.inference.local import revisions
from sysgen_dagster.inference.local.revisions import look_up, with_revision

FIRST, LATER = "a" * 40, "b" * 40


def model(**fields: Any) -> Model:
    required = {"name": "phi", "served_name": "org/phi", "license": "mit", "engine": Engine.VLLM}
    return Model.model_validate(required | fields)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models that the Hub is asked for; each time it has a newer commit."""
    repos: list[str] = []

    def answer(repo: str) -> str:
        repos.append(repo)
        return FIRST if len(repos) == 1 else LATER

    monkeypatch.setattr(revisions, "look_up", answer)
    return repos


def test_a_commit_is_looked_up_once_and_kept(tmp_path: Path, asked: list[str]) -> None:
    said: list[str] = []
    for _ in range(3):
        assert with_revision(model(), tmp_path / "engines", said.append).revision == FIRST
    assert asked == ["org/phi"]
    [line] = said
    assert line.startswith(f"org/phi is used at commit {FIRST} from now on")


def test_each_model_has_a_commit_of_its_own(tmp_path: Path, asked: list[str]) -> None:
    assert with_revision(model(), tmp_path, print).revision == FIRST
    assert with_revision(model(weights="org/phi-fp8"), tmp_path, print).revision == LATER
    assert with_revision(model(), tmp_path, print).revision == FIRST


def test_a_commit_of_the_catalogue_is_used(tmp_path: Path, asked: list[str]) -> None:
    assert with_revision(model(revision=LATER), tmp_path, print).revision == LATER
    assert asked == []


def test_weights_on_this_machine_have_none(tmp_path: Path, asked: list[str]) -> None:
    for weights in (str(tmp_path), "a-word"):
        assert with_revision(model(weights=weights), tmp_path, print).revision is None
    assert asked == []


def test_a_hub_that_does_not_say_is_reported_and_asked_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    said: list[str] = []
    with monkeypatch.context() as without_hub:
        without_hub.setattr(revisions, "look_up", lambda repo: None)
        assert with_revision(model(), tmp_path, said.append).revision is None
    assert said == [
        "the Hub did not say at which commit org/phi is: it is used as the engine has it"
    ]
    assert with_revision(model(), tmp_path, said.append).revision == FIRST


@pytest.mark.parametrize("is_there", [True, False])
def test_the_newest_commit_is_what_the_hub_says(
    monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    class Api:
        def model_info(self, repo: str, timeout: float) -> SimpleNamespace:
            if not is_there:
                raise OSError("Connection refused")
            return SimpleNamespace(sha=FIRST)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    assert look_up("org/phi") == (FIRST if is_there else None)
