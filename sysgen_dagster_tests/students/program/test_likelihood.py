import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster_tests.students.program import chat_templates
from sysgen_dagster_tests.students.program.trainings import PROGRAM

pytest.importorskip("transformers", reason="run by `make test-train`")
pytestmark = [pytest.mark.trl, pytest.mark.filterwarnings("ignore")]

MESSAGE = {"role": "system", "content": "Be brief."}
QUESTION = {"role": "user", "content": "What is 1 + 1?"}
ANSWER = {"role": "assistant", "content": "Two, as it was before."}


def write_chats(folder: Path, **chats: list[dict[str, str]]) -> Path:
    file = folder / "chats.jsonl"
    lines = [json.dumps({"id": name, "messages": chat}) for name, chat in chats.items()]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def write(weights: Path, chats: Path, template: Path | None = None) -> dict[str, dict[str, Any]]:
    from sysgen_dagster.students.program.likelihood import write_likelihoods

    written = chats.with_name("written.jsonl")
    write_likelihoods(weights, chats, written, template)
    lines = [json.loads(line) for line in written.read_text(encoding="utf-8").splitlines()]
    assert len({line["id"] for line in lines}) == len(lines)
    return {line["id"]: line for line in lines}


def by_hand(weights: Path, read: str, answer: str) -> tuple[int, float]:
    """One token after the other, each by a softmax of its own."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(weights)
    model = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32)
    ids, total = tokenizer(read, add_special_tokens=False)["input_ids"], 0.0
    learned = tokenizer(answer, add_special_tokens=False)["input_ids"]
    for token in learned:
        said = model(input_ids=torch.tensor([ids])).logits[0, -1].double().tolist()
        highest = max(said)
        among = math.log(sum(math.exp(each - highest) for each in said)) + highest
        total += said[token] - among
        ids = [*ids, token]
    return len(learned), total


@pytest.mark.parametrize("before", [[MESSAGE], []])
def test_the_likelihood_is_of_the_answer_and_its_end_mark_alone(
    tiny: Path, tmp_path: Path, before: list[dict[str, str]]
) -> None:
    line = write(tiny, write_chats(tmp_path, one=[*before, QUESTION, ANSWER]))["one"]
    turns = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in before)
    read = f"{turns}<|im_start|>user\nWhat is 1 + 1?<|im_end|>\n<|im_start|>assistant\n"
    tokens, value = by_hand(tiny, read, f"{ANSWER['content']}<|im_end|>")
    assert line["tokens"] == tokens
    assert line["log_likelihood"] == pytest.approx(value, abs=1e-3)


def test_the_template_that_is_given_is_the_one_that_counts(tiny: Path, tmp_path: Path) -> None:
    persona = tmp_path / "persona.jinja"
    persona.write_text(chat_templates.PERSONA, encoding="utf-8")
    chats = write_chats(
        tmp_path, without=[QUESTION, ANSWER], under_message=[MESSAGE, QUESTION, ANSWER]
    )
    own = write(tiny, chats)
    chats.with_name("written.jsonl").unlink()
    other = write(tiny, chats, persona)
    assert own["under_message"] == other["under_message"]
    assert own["without"] != other["without"]


def test_an_answer_that_does_not_fit_has_no_likelihood(tiny: Path, tmp_path: Path) -> None:
    long = [{**QUESTION, "content": "word " * 5000}, ANSWER]
    begins = [QUESTION, {**ANSWER, "content": "word " * 5000}]
    lines = write(tiny, write_chats(tmp_path, long=long, begins=begins, fits=[QUESTION, ANSWER]))
    assert (lines["long"]["tokens"], lines["long"]["log_likelihood"]) == (0, None)
    assert lines["begins"]["log_likelihood"] is None
    assert lines["fits"]["log_likelihood"] < 0


def test_a_run_after_a_kill_adds_what_is_left(tiny: Path, tmp_path: Path) -> None:
    names = ("one", "two", "three")
    chats = write_chats(tmp_path, **{name: [QUESTION, ANSWER] for name in names})
    written = chats.with_name("written.jsonl")
    kept = '{"id": "one", "tokens": 3, "log_likelihood": -1.5}\n'
    written.write_text(kept + '{"id": "two", "tok', encoding="utf-8")
    lines = write(tiny, chats)
    assert list(lines) == [*names]
    assert lines["one"] == json.loads(kept)
    assert lines["two"]["log_likelihood"] == lines["three"]["log_likelihood"]


def test_it_is_a_command(tiny: Path, tmp_path: Path) -> None:
    chats = write_chats(tmp_path, one=[QUESTION, ANSWER])
    done = subprocess.run(
        [sys.executable, "-m", "program.likelihood", str(tiny), str(chats), str(tmp_path / "w")],
        env=os.environ | {"PYTHONPATH": str(PROGRAM.parent), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads((tmp_path / "w").read_text())["id"] == "one"
