from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.students.program.endings import RefusedError
from sysgen_dagster_tests.students.program import chat_templates
from sysgen_dagster_tests.students.program.test_templates import template_of
from sysgen_dagster_tests.students.program.trainings import said

pytest.importorskip("transformers", reason="run by `make test-train`")
pytestmark = [pytest.mark.trl, pytest.mark.filterwarnings("ignore")]

ENDS = {
    "CHATML": "<|im_end|>",
    "PERSONA": "<|im_end|>",
    "DATED": "<|eot|>",
    "NO_SYSTEM": "<end_of_turn>",
    "HEADINGS": "<|im_end|>",
    "FOLDED": "</s>",
}
ANSWERS = ["One.", "Zw\u00f6lf \u8a9e \U0001f600", "\n\nThree:\n- a\n- b", "4"]


def encoder(tokenizer: Any, template: Any, max_length: int = 4096, persona: bool = True) -> Any:
    from sysgen_dagster.students.program.rows import Encoder

    return Encoder(tokenizer, template, max_length=max_length, persona=persona)


def chat(*marks: bool, system: bool = True) -> list[dict[str, Any]]:
    """A chat with an answer for each mark."""
    messages = [said("system", "Be brief.")] if system else []
    for turn, mark in enumerate(marks):
        messages += [
            said("user", f"Question {turn}?"),
            said("assistant", ANSWERS[turn], train=mark),
        ]
    return messages


def columns(chats: Sequence[list[dict[str, Any]]]) -> dict[str, list[Any]]:
    names = [f"c{number}" for number, _ in enumerate(chats)]
    return {"conversation_id": names, "model": ["m"] * len(chats), "messages": list(chats)}


def learned(tokenizer: Any, made: dict[str, list[Any]]) -> Iterator[str]:
    """The text of the labels of each row."""
    for labels in made["labels"]:
        yield tokenizer.decode([label for label in labels if label != -100])


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize(
    "marks", [(True,), (False, True), (True, False), (True, True, True), (True, False, True, True)]
)
def test_the_labels_are_the_marked_messages_and_their_end_marks(
    tokenizer: Any, tmp_path: Path, name: str, marks: tuple[bool, ...]
) -> None:
    template = template_of(tokenizer, getattr(chat_templates, name), tmp_path)
    messages = chat(*marks, system=name != "NO_SYSTEM")
    made = encoder(tokenizer, template).encode_chats(columns([messages]))
    expected = [
        (answer.strip() if "trim" in tokenizer.chat_template else answer) + ENDS[name]
        for answer, mark in zip(ANSWERS, marks, strict=False)
        if mark
    ]
    assert [text.removeprefix(" ") for text in learned(tokenizer, made)] == expected


@pytest.mark.parametrize("name", ENDS)
def test_what_is_read_before_an_answer_is_what_a_server_reads(
    tokenizer: Any, tmp_path: Path, name: str
) -> None:
    template = template_of(tokenizer, getattr(chat_templates, name), tmp_path)
    messages = chat(False, True, system=name != "NO_SYSTEM")
    made = encoder(tokenizer, template).encode_chats(columns([messages]))
    served = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True)["input_ids"]
    (ids,), (labels,) = made["input_ids"], made["labels"]
    assert ids[: len(served)] == served
    assert labels[: len(served)] == [-100] * len(served)
    assert labels[len(served) :] == ids[len(served) :]


def test_each_row_says_how_many_tokens_it_has(tokenizer: Any, tmp_path: Path) -> None:
    template = template_of(tokenizer, chat_templates.CHATML, tmp_path)
    made = encoder(tokenizer, template).encode_chats(columns([chat(True, True), chat(False, True)]))
    assert made["tokens"] == [len(ids) for ids in made["input_ids"]]
    counted = [sum(label != -100 for label in labels) for labels in made["labels"]]
    assert made["learned_tokens"] == counted


def test_a_long_row_is_cut_at_its_end_and_counted(tokenizer: Any, tmp_path: Path) -> None:
    template = template_of(tokenizer, chat_templates.CHATML, tmp_path)
    whole = encoder(tokenizer, template).encode_chats(columns([chat(True)]))["input_ids"][0]
    cut = encoder(tokenizer, template, len(whole) - 2)
    made = cut.encode_chats(columns([chat(True)]))
    assert made["input_ids"] == [whole[:-2]]
    assert (cut.counts.before, cut.counts.after, cut.counts.cut) == (1, 1, 1)


@pytest.mark.parametrize(
    ("chats", "length", "lost"),
    [
        ([chat(True)] * 2, 8, ["c0/m", "c1/m"]),  # the question alone is too long
        ([chat(True), chat(False)], 4096, ["c1/m"]),  # nothing is marked
        ([], 4096, []),
    ],
)
def test_rows_with_nothing_to_learn_are_lost_and_named(
    tokenizer: Any, tmp_path: Path, chats: Any, length: int, lost: list[str]
) -> None:
    short = encoder(tokenizer, template_of(tokenizer, chat_templates.CHATML, tmp_path), length)
    short.encode_chats(columns(chats))
    assert short.counts.lost == lost
    with pytest.raises(RefusedError, match=lost[0] if lost else "there are no rows") as refused:
        short.counts.require_rows(length)
    assert refused.value.kind == "rows_lost"


@pytest.mark.parametrize(("before", "lost", "refused"), [(1000, 1, False), (1000, 2, True)])
def test_one_row_of_a_thousand_may_be_lost(before: int, lost: int, refused: bool) -> None:
    from sysgen_dagster.students.program.rows import Counts

    counts = Counts(before, before - lost, 0, [f"c{number}" for number in range(lost)])
    if refused:
        with pytest.raises(RefusedError, match=f"{lost} of {before}"):
            counts.require_rows(512)
    else:
        counts.require_rows(512)


def test_a_persona_is_refused_where_a_chat_would_be_trained_under_it(
    tokenizer: Any, tmp_path: Path
) -> None:
    template = template_of(tokenizer, chat_templates.PERSONA, tmp_path)
    unsaid = encoder(tokenizer, template, persona=False)
    unsaid.encode_chats(columns([chat(True)]))
    with pytest.raises(RefusedError, match=r"Nobody.*c1/m.*persona: true"):
        unsaid.encode_chats(columns([chat(True), chat(True, system=False)]))
    made = encoder(tokenizer, template).encode_chats(columns([chat(True, system=False)]))
    assert "made by Nobody" in tokenizer.decode(made["input_ids"][0])


@pytest.mark.parametrize("name", ENDS)
def test_pairs_are_a_prompt_and_two_answers_with_their_end_marks(
    tokenizer: Any, tmp_path: Path, name: str
) -> None:
    template = template_of(tokenizer, getattr(chat_templates, name), tmp_path)
    prompt = chat(False, False, system=name != "NO_SYSTEM")[:-1]
    rows = {
        "conversation_id": ["c0"],
        "prompt": [prompt],
        "chosen": [[said("assistant", "Yes.")]],
        "rejected": [[said("assistant", "No, never.")]],
    }
    made = encoder(tokenizer, template).encode_pairs(rows)
    assert made["prompt_ids"] == [
        tokenizer.apply_chat_template(prompt, add_generation_prompt=True)["input_ids"]
    ]
    texts = [tokenizer.decode(made[f"{kind}_ids"][0]).strip() for kind in ("chosen", "rejected")]
    assert texts == [f"Yes.{ENDS[name]}", f"No, never.{ENDS[name]}"]


@pytest.mark.parametrize("name", ENDS)
def test_a_reward_model_reads_whole_chats_as_the_template_writes_them(
    tokenizer: Any, tmp_path: Path, name: str
) -> None:
    template = template_of(tokenizer, getattr(chat_templates, name), tmp_path)
    prompt = chat(False, False, system=name != "NO_SYSTEM")[:-1]
    chats = [[*prompt, said("assistant", answer)] for answer in ("Yes.", "No, never.")]
    rows = {"conversation_id": ["c0"], "chosen": chats[:1], "rejected": chats[1:]}
    made = encoder(tokenizer, template).encode_chosen_and_rejected(rows)
    whole = [tokenizer.apply_chat_template(each)["input_ids"] for each in chats]
    assert [made["chosen_ids"][0], made["rejected_ids"][0]] == whole
    assert (made["tokens"], made["learned_tokens"]) == ([sum(map(len, whole))], [0])


@pytest.mark.parametrize(
    ("rejected", "max_length", "after", "cut"),
    [("No.", 4096, 1, 0), ("No. " * 40, 40, 1, 1), ("No.", 5, 0, 0), ("Yes.", 4096, 0, 0)],
)
def test_pairs_that_do_not_differ_within_the_length_are_lost(
    tokenizer: Any, tmp_path: Path, rejected: str, max_length: int, after: int, cut: int
) -> None:
    template = template_of(tokenizer, chat_templates.CHATML, tmp_path)
    chats = [[said("user", "So?"), said("assistant", each)] for each in ("Yes.", rejected)]
    writer = encoder(tokenizer, template, max_length)
    rows = {"conversation_id": ["c0"], "chosen": chats[:1], "rejected": chats[1:]}
    made = writer.encode_chosen_and_rejected(rows)
    counts = writer.counts
    assert (counts.before, counts.after, counts.cut, len(counts.lost)) == (1, after, cut, 1 - after)
    assert all(len(each) <= max_length for each in made["rejected_ids"])


def test_the_row_whose_template_fails_is_named(tokenizer: Any, tmp_path: Path) -> None:
    template = template_of(tokenizer, chat_templates.NO_SYSTEM, tmp_path)
    with pytest.raises(RefusedError, match=r"row c1/m: .*system"):
        encoder(tokenizer, template).encode_chats(columns([chat(True, system=False), chat(True)]))
