from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.students.program.endings import RefusedError
from sysgen_dagster_tests.students.program import chat_templates
from sysgen_dagster_tests.students.program.trainings import said

pytest.importorskip("transformers", reason="run by `make test-train`")
pytestmark = [pytest.mark.trl, pytest.mark.filterwarnings("ignore")]

DAY = "05 Mar 2026"
SYSTEM, ASKED, ANSWER = (
    said("system", "Be brief."),
    said("user", "What is 1 + 1?"),
    said("assistant", "Two."),
)


def template_of(tokenizer: Any, text: str, tmp_path: Path, day: str = DAY) -> Any:
    from sysgen_dagster.students.program.templates import Template

    file = tmp_path / "template.jinja"
    file.write_text(text)
    return Template(tokenizer, str(file), day)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("CHATML", "Two.<|im_end|>"),
        ("PERSONA", "Two.<|im_end|>"),
        ("DATED", "Two.<|eot|>"),
        ("DATED_TODAY", "Two.<|eot|>"),
        ("HEADINGS", "Two.<|im_end|>"),  # the tokenizer's own, where the template has none
        ("FOLDED", " Two.</s>"),
    ],
)
def test_what_is_learned_is_the_answer_and_the_mark_that_ends_it(
    tokenizer: Any, tmp_path: Path, name: str, written: str
) -> None:
    template = template_of(tokenizer, getattr(chat_templates, name), tmp_path)
    read, learned = template.split([SYSTEM, ASKED], ANSWER)
    assert learned == written
    assert "Be brief." in read
    assert read == template.render([SYSTEM, ASKED], asks=True)


def test_a_template_without_system_role_refuses_the_role_and_takes_the_rest(
    tokenizer: Any, tmp_path: Path
) -> None:
    template = template_of(tokenizer, chat_templates.NO_SYSTEM, tmp_path)
    with pytest.raises(RefusedError, match=r"no system role.*user_role"):
        template.split([SYSTEM, ASKED], ANSWER)
    assert template.split([ASKED], ANSWER)[1] == "Two.<end_of_turn>"


def test_a_mark_that_is_the_answer_s_own_text_does_not_end_it(
    tokenizer: Any, tmp_path: Path
) -> None:
    template = template_of(tokenizer, chat_templates.CHATML, tmp_path)
    answer = said("assistant", "Write <|im_end|>\n\nlike that.\n")
    assert template.split([ASKED], answer)[1] == "Write <|im_end|>\n\nlike that.\n<|im_end|>"


def test_a_template_that_changes_what_was_read_is_refused(tokenizer: Any, tmp_path: Path) -> None:
    template = template_of(tokenizer, chat_templates.CHANGES_THE_PAST, tmp_path)
    with pytest.raises(RefusedError, match="another way when an answer follows"):
        template.split([SYSTEM, ASKED], ANSWER)


@pytest.mark.parametrize(
    ("name", "persona"),
    [
        ("CHATML", ""),
        ("PERSONA", "You are Studium, made by Nobody."),
        ("DATED", ""),  # written before every chat, with a system message or without
        ("DATED_TODAY", ""),
        ("NO_SYSTEM", ""),
        ("HEADINGS", ""),
        ("FOLDED", ""),
    ],
)
def test_a_persona_is_what_stands_only_before_chats_without_system_message(
    tokenizer: Any, tmp_path: Path, name: str, persona: str
) -> None:
    found = template_of(tokenizer, getattr(chat_templates, name), tmp_path).find_persona()
    assert found.endswith(persona)
    assert bool(found) == bool(persona)


def test_a_template_without_system_role_may_have_a_persona(tokenizer: Any, tmp_path: Path) -> None:
    text = chat_templates.NO_SYSTEM.replace("<|endoftext|>", "<|endoftext|>I am Studium. ")
    assert template_of(tokenizer, text, tmp_path).find_persona() == "I am Studium."


def test_the_day_is_the_one_that_the_training_began_on(tokenizer: Any, tmp_path: Path) -> None:
    template = template_of(tokenizer, chat_templates.DATED_TODAY, tmp_path)
    assert f"Today: {DAY}" in template.render([ASKED])
    fixed = template_of(tokenizer, chat_templates.DATED, tmp_path)
    assert "Today: 26 Jul 2024" in fixed.render([ASKED])


def test_a_template_that_always_writes_today_is_refused(tokenizer: Any, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="could not be repeated"):
        template_of(tokenizer, chat_templates.DATED_ALWAYS, tmp_path)


def test_the_file_becomes_the_template_that_is_saved_for_serving(
    tokenizer: Any, tmp_path: Path
) -> None:
    first = template_of(tokenizer, chat_templates.CHATML, tmp_path)
    assert tokenizer.chat_template == chat_templates.CHATML
    assert first.sha256 != template_of(tokenizer, chat_templates.PERSONA, tmp_path).sha256


def test_a_model_without_template_is_refused(tokenizer: Any) -> None:
    from sysgen_dagster.students.program.templates import Template

    tokenizer.chat_template = None
    with pytest.raises(RefusedError, match="no chat template"):
        Template(tokenizer, None, DAY)
    with pytest.raises(RefusedError, match=r"nowhere\.jinja"):
        Template(tokenizer, "nowhere.jinja", DAY)
