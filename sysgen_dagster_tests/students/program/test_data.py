from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="run by `make test-train`")
pytestmark = [pytest.mark.trl, pytest.mark.filterwarnings("ignore")]

from sysgen_dagster.students.program.arguments import Arguments, read_arguments  # noqa: E402
from sysgen_dagster.students.program.data import (  # noqa: E402
    load_prepared,
    prepare,
    remove_prepared,
    require_unchanged,
)
from sysgen_dagster.students.program.endings import RefusedError  # noqa: E402
from sysgen_dagster_tests.students.program import chat_templates  # noqa: E402
from sysgen_dagster_tests.students.program.test_templates import template_of  # noqa: E402
from sysgen_dagster_tests.students.program.trainings import (  # noqa: E402
    build,
    chat,
    write_chats,
    write_pairs,
)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chats = [chat(number, turns=1 + number % 3) for number in range(12)]
    return write_chats(tmp_path_factory.mktemp("data") / "export", chats, held_out=2)


def arguments(export: Path, output: Path, rows: int, **changes: Any) -> Arguments:
    build(export, output, output, rows, **changes)
    return read_arguments(output / "arguments.json")


def test_every_marked_message_of_a_split_is_a_row(
    export: Path, tokenizer: Any, tmp_path: Path
) -> None:
    of_ten = arguments(export, tmp_path, 10)
    rows, held_out, counts = prepare(
        of_ten, tokenizer, template_of(tokenizer, chat_templates.CHATML, tmp_path)
    )
    assert (counts.before, counts.after, len(rows), len(held_out)) == (10, 10, 10, 2)
    assert load_prepared(of_ten)[0]["input_ids"] == rows["input_ids"]
    remove_prepared(of_ten)
    assert not (tmp_path / "prepared").exists()


def test_an_export_without_validation_has_nothing_held_out(tokenizer: Any, tmp_path: Path) -> None:
    export = write_chats(tmp_path / "export", [chat(number) for number in range(3)])
    template = template_of(tokenizer, chat_templates.CHATML, tmp_path)
    assert prepare(arguments(export, tmp_path, 3), tokenizer, template).held_out is None


@pytest.mark.parametrize(
    ("rows", "changes", "said"),
    [
        (11, {}, "has 10 rows, and 11 were named"),
        (10, {"objective": "dpo"}, "no columns chosen, prompt, rejected"),
        (10, {"objective": "reward"}, "no columns chosen, rejected: .* of the layout `reward`"),
        (10, {"max_length": 4}, "10 of 10 rows have nothing to learn"),
    ],
)
def test_rows_that_are_not_those_asked_for_are_refused(
    export: Path, tokenizer: Any, tmp_path: Path, rows: int, changes: dict[str, Any], said: str
) -> None:
    template = template_of(tokenizer, chat_templates.CHATML, tmp_path)
    with pytest.raises(RefusedError, match=said):
        prepare(arguments(export, tmp_path, rows, **changes), tokenizer, template)


def test_pairs_of_turns_are_no_whole_chats(tokenizer: Any, tmp_path: Path) -> None:
    export = write_pairs(tmp_path / "pairs", 3)
    template = template_of(tokenizer, chat_templates.CHATML, tmp_path)
    with pytest.raises(RefusedError, match=r"has a column prompt: .* of the layout `reward`"):
        prepare(arguments(export, tmp_path, 3, objective="reward"), tokenizer, template)


def test_pairs_are_no_chats(tokenizer: Any, tmp_path: Path) -> None:
    export = write_pairs(tmp_path / "pairs", 3)
    template = template_of(tokenizer, chat_templates.CHATML, tmp_path)
    with pytest.raises(RefusedError, match=r"no columns messages.*learns from chats"):
        prepare(arguments(export, tmp_path, 3), tokenizer, template)


def test_an_export_that_was_made_again_is_refused(export: Path, tmp_path: Path) -> None:
    require_unchanged(arguments(export, tmp_path, 10))
    with pytest.raises(RefusedError, match="made again") as refused:
        require_unchanged(arguments(export, tmp_path, 10, data__checksum="0" * 64))
    assert refused.value.kind == "data_changed"
    with pytest.raises(RefusedError, match="make the export"):
        require_unchanged(arguments(export, tmp_path, 10, data__folder=str(tmp_path)))
