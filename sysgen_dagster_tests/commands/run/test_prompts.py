"""The prompt of Phase 1 in an editor, and what the deployment asks with from then on."""

import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sysgen_dagster.chat.prompts import PROMPTS_DIR, PromptError, forget_prompts, own_folder
from sysgen_dagster.commands.run.prompts import Draft, draft_of
from sysgen_dagster.lanes.sysgen.annotation import PROMPTS
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.lanes.sysgen.settings import Demonstrations, Method, Preset
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, VERIFIED
from sysgen_dagster_tests.commands.run.small_deployments import (
    ASKED,
    KEY,
    LOOK,
    MAKE_ALL,
    SmallDeployment,
    turns_row,
)

METHODS = [Method(preset=preset) for preset in Preset]
WORDS = "Let it rhyme wherever it can."


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the deployment keeps prompts of its own."""
    monkeypatch.setenv("SYSGEN_CATALOG", str(tmp_path / "catalog.yaml"))
    forget_prompts()
    yield tmp_path / "prompts"
    forget_prompts()


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """An editor that does something with each file that it is given."""

    def use(body: str) -> None:
        program = tmp_path / "my editor.py"
        program.write_text(
            f"import pathlib, sys\nfor path in map(pathlib.Path, sys.argv[1:]):\n    {body}\n"
        )
        monkeypatch.setenv("VISUAL", shlex.join([sys.executable, str(program)]))

    return use


def add_words(to: str) -> str:
    return f"'{to}' in path.name and path.write_text(path.read_text() + {WORDS!r} + chr(10))"


@pytest.mark.parametrize("method", METHODS, ids=list(Preset))
def test_what_is_edited_is_asked_and_files_left_as_shipped_are_not_kept(
    method: Method, folder: Path, editor: Callable[[str], None]
) -> None:
    editor(add_words(".system."))
    draft, versions = draft_of(method), [phase.code_version(method) for phase in PHASES]
    draft.edit()

    assert draft.is_changed()
    assert WORDS in PROMPTS[method.demonstrations].instructions
    edited = [phase.code_version(method) for phase in PHASES]
    assert edited[0] != versions[0]
    assert edited[1:] == versions[1:]
    assert draft.keep() == [f"{draft.prompt.name}.system.md"]
    assert [path.name for path in folder.iterdir()] == [f"{draft.prompt.name}.system.md"]
    assert WORDS in PROMPTS[method.demonstrations].instructions


@pytest.mark.parametrize("method", METHODS, ids=list(Preset))
def test_the_editor_is_given_every_file_of_the_prompt_that_the_method_asks_with(
    method: Method, editor: Callable[[str], None]
) -> None:
    editor("path.write_text(path.read_text() + chr(10))")
    draft = draft_of(method)
    draft.edit()
    shipped = sorted(path.name for path in PROMPTS_DIR.glob(f"{draft.prompt.name}.*"))
    assert sorted(draft.keep()) == shipped


@pytest.mark.parametrize("was_edited_before", [False, True])
def test_a_draft_that_is_taken_back_leaves_everything_as_it_was(
    folder: Path, editor: Callable[[str], None], was_edited_before: bool
) -> None:
    name = f"{PROMPTS[Demonstrations.IN_ONE_TEXT].name}.system.md"
    if was_edited_before:
        folder.mkdir()
        (folder / name).write_text("---\ninputs: []\n---\nMine.\n")
    before = PROMPTS[Demonstrations.IN_ONE_TEXT].fingerprint
    editor(add_words(".system."))
    draft = draft_of(Method())
    draft.edit()
    draft.edit()
    assert draft.is_changed()

    draft.take_back()

    assert PROMPTS[Demonstrations.IN_ONE_TEXT].fingerprint == before
    assert [path.name for path in folder.iterdir()] == ([name] if was_edited_before else [])


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (add_words(".user.").replace(WORDS, "{{ nobody }}"), "declares"),
        (add_words(".user.").replace(WORDS, "{% if %}"), "line"),
        (add_words(".user.").replace(WORDS, "{{ messages[0].nothing }}"), "nothing"),
        ("path.write_bytes(bytes([200, 201]))", "cannot be read"),
        ("path.write_text('')", "front matter"),
    ],
    ids=["unknown-input", "no-template", "unknown-field", "no-text", "empty"],
)
def test_a_wrong_prompt_is_refused_before_anything_is_asked(
    editor: Callable[[str], None], body: str, fault: str
) -> None:
    editor(body)
    draft = draft_of(Method())
    draft.edit()
    with pytest.raises(PromptError, match=fault):
        draft.is_changed()
    draft.take_back()
    assert not draft.is_changed()


@pytest.mark.parametrize("named", ["/nowhere/editor", "a 'b"])
def test_an_editor_that_cannot_be_started_is_named(
    monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("VISUAL", named)
    with pytest.raises(PromptError, match="VISUAL"):
        draft_of(Method()).edit()


@pytest.mark.slow
def test_an_edited_prompt_makes_partitions_out_of_date_and_is_sent(
    tmp_path: Path, editor: Callable[[str], None]
) -> None:
    rows = [turns_row(f"How much is {n} plus {n}?", f"It is {2 * n}.") for n in range(5)]
    mine = SmallDeployment(tmp_path / "mine", rows)
    *_, before = mine.make(*MAKE_ALL, LOOK)
    asked = [mine.asked(table, KEY).keys() for table in ASKED]
    shipped = mine.read(ANNOTATED)["prompt_fingerprint"].unique().to_list()
    editor(add_words(".system."))
    with mine.entered() as catalog:
        draft: Draft = draft_of(catalog.method)
        draft.edit()
        edited = draft.prompt.fingerprint
        draft.keep()
        assert own_folder() == mine.folder / "prompts"

    after, *_ = mine.make(LOOK, (KEY, [ANNOTATED.name, "filtered_system_messages"]))

    assert ANNOTATED.name not in before
    assert f"{ANNOTATED.name}: 1" in after
    assert VERIFIED.name not in after
    assert ALIGNED.name not in after
    assert not asked[0] & mine.asked(ASKED[0], KEY).keys()
    table = mine.read(ANNOTATED)
    assert table["prompt_fingerprint"].unique().to_list() == [edited] != shipped
    # The simulated model knew it for a request of Phase 1.
    assert table["annotated_message"].str.contains("<<").all()
