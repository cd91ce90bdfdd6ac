"""Whole trainings of the tiny model, in this process: to their end, stopped, killed, refused."""

import importlib.util
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="run by `make test-train`")
pytestmark = [pytest.mark.trl, pytest.mark.filterwarnings("ignore")]

from sysgen_dagster.catalog.load import FULL_CATALOG  # noqa: E402
from sysgen_dagster.catalog.recipes import Layout  # noqa: E402
from sysgen_dagster.catalog.students import Objective  # noqa: E402
from sysgen_dagster.lanes.catalog import load_catalog  # noqa: E402
from sysgen_dagster.students.arguments import (  # noqa: E402
    Devices,
    build_arguments,
    find_rows,
)
from sysgen_dagster.students.program import following, training  # noqa: E402
from sysgen_dagster.students.program.answer import answer  # noqa: E402
from sysgen_dagster.students.program.arguments import read_arguments  # noqa: E402
from sysgen_dagster.students.program.endings import (  # noqa: E402
    FailedError,
    RefusedError,
    Stopped,
    Stopping,
)
from sysgen_dagster.students.program.following import Follower  # noqa: E402
from sysgen_dagster.students.program.records import Status  # noqa: E402
from sysgen_dagster_tests.students.program import chat_templates  # noqa: E402
from sysgen_dagster_tests.students.program.trainings import (  # noqa: E402
    build,
    chat,
    losses,
    read_metrics,
    read_status,
    write_chats,
    write_pairs,
)
from sysgen_dagster_tests.training_sets.export.exports import row  # noqa: E402

ROWS = 20
SHIPPED = load_catalog(FULL_CATALOG)


class Killed(BaseException):
    """As SIGKILL: nothing is done any more."""


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Chats with and without history; four are held out."""
    chats = [chat(number, turns=1 + number % 3) for number in range(ROWS + 4)]
    return write_chats(tmp_path_factory.mktemp("sft") / "export", chats, held_out=4)


@pytest.fixture(autouse=True)
def _own_signal() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def train(output: Path) -> None:
    """What the program does between its arguments and its exit status."""
    stopping = Stopping()
    stopping.listen()
    arguments = read_arguments(output / "arguments.json")
    training.train(arguments, Status(output, writes=True), stopping)


@pytest.fixture(scope="module")
def whole(export: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of ten steps that nobody disturbed: two epochs of five."""
    output = tmp_path_factory.mktemp("whole") / "out"
    build(export, tiny, output, ROWS, save_every_steps=2)
    train(output)
    return output


def weights(output: Path, epoch: int) -> dict[str, Any]:
    return _weights_of(output / f"checkpoints/epoch-{epoch}")


def _weights_of(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    loaded: dict[str, Any] = load_file(folder / "model.safetensors")
    return loaded


def test_a_training_ends_with_a_checkpoint_of_each_epoch(whole: Path) -> None:
    status = read_status(whole)
    assert (status["state"], status["step"], status["steps"]) == ("done", 10, 10)
    assert (status["rows_before"], status["rows_after"]) == (ROWS, ROWS)
    assert status["changed_weights"] > 0.9
    for epoch in (1, 2):
        names = {path.name for path in (whole / f"checkpoints/epoch-{epoch}").iterdir()}
        assert names >= {"config.json", "model.safetensors", "tokenizer.json"}
        assert names >= {"chat_template.jinja"}
        assert "training_args.bin" not in names
    assert weights(whole, 1).keys() == weights(whole, 2).keys()


def test_each_step_has_its_line_and_each_epoch_its_evaluation(whole: Path) -> None:
    lines = read_metrics(whole)
    steps = [line for line in lines if "loss" in line]
    assert [line["step"] for line in steps] == list(range(1, 11))
    assert all(line["tokens_per_s"] > 0 and line["memory_mib"] > 0 for line in steps)
    assert [line["step"] for line in lines if "eval_loss" in line] == [5, 10]
    assert losses(whole)[10] < losses(whole)[1]


def test_the_tokens_that_were_seen_are_those_of_the_rows(whole: Path) -> None:
    status = read_status(whole)
    assert status["tokens_seen"] == status["trained_tokens_expected"]
    assert status["learned_tokens_seen"] == status["learned_tokens_expected"]
    assert read_metrics(whole)[-2]["tokens"] == status["tokens_seen"]


def test_each_epoch_has_an_order_of_its_own(export: Path, tiny: Path, tmp_path: Path) -> None:
    """Of the second one two steps are taken: their rows have the tokens of that order."""
    build(export, tiny, tmp_path, ROWS, most_steps=7)
    train(tmp_path)
    status = read_status(tmp_path)
    assert (status["step"], status["epoch"]) == (7, 1.4)
    assert status["tokens_seen"] == status["trained_tokens_expected"]
    assert status["learned_tokens_seen"] == status["learned_tokens_expected"]


def test_a_training_that_is_through_is_left_as_it_is(whole: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*.safetensors")}
    status = read_status(whole)
    train(whole)
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*.safetensors")} == before
    assert read_status(whole) == status


def test_a_refusal_leaves_a_training_that_is_through(whole: Path, tmp_path: Path) -> None:
    output = shutil.copytree(whole, tmp_path / "out")
    path = output / "arguments.json"
    written = path.read_text()
    path.write_text(json.dumps(json.loads(written) | {"seed": 9, "output": str(output)}))
    with pytest.raises(RefusedError, match="`seed` was 1 and is 9"):
        train(output)
    path.write_text(json.dumps(json.loads(written) | {"output": str(output)}))
    train(output)
    assert read_status(output)["resumed_from"] is None


def at_step(number: int, act: Callable[[], None], method: str) -> Callable[..., None]:
    """A method of the follower that does something at a step, before its own work."""
    own = getattr(Follower, method)

    def acting(self: Follower, args: Any, state: Any, *rest: Any, **named: Any) -> None:
        if state.global_step == number:
            act()
        own(self, args, state, *rest, **named)

    return acting


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def kill() -> None:
    raise Killed


MOMENTS = [
    # SIGTERM: in a step, in the last step of an epoch, while a state or an epoch is written
    (terminate, "on_step_begin", 2, 3),
    (terminate, "on_step_end", 5, 5),
    (terminate, "on_save", 4, 5),
    (terminate, "on_save", 5, 6),
    # SIGKILL: between steps, when a state is written and not yet called whole, at an epoch's end
    (kill, "on_step_begin", 3, 2),
    (kill, "on_save", 4, 2),
    (kill, "on_save", 5, 4),
    (kill, "on_log", 7, 6),
    (kill, "on_step_begin", 1, None),
]


@pytest.mark.parametrize(("act", "method", "step", "saved"), MOMENTS)
def test_a_training_that_was_ended_goes_on_to_the_same_last_digit(
    export: Path,
    tiny: Path,
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[], None],
    method: str,
    step: int,
    saved: int | None,
) -> None:
    output = tmp_path / "out"
    build(export, tiny, output, ROWS, save_every_steps=2)
    with monkeypatch.context() as patch:
        patch.setattr(Follower, method, at_step(step, act, method))
        with pytest.raises((Stopped, Killed)):
            train(output)
    train(output)
    status = read_status(output)
    assert (status["state"], status["resumed_from"]) == ("done", saved)
    assert losses(output) == losses(whole)
    assert _comparable(output) == _comparable(whole)
    for epoch in (1, 2):
        trained, expected = weights(output, epoch), weights(whole, epoch)
        assert all(bool(trained[name].equal(expected[name])) for name in expected)


def _comparable(output: Path) -> list[dict[str, Any]]:
    """The lines without what a clock or the machine says."""
    measured = {"seconds", "tokens_per_s", "memory_mib"}
    return [{n: v for n, v in line.items() if n not in measured} for line in read_metrics(output)]


def test_a_kill_while_an_epoch_is_written_leaves_no_half_checkpoint(
    export: Path, tiny: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    build(export, tiny, output, ROWS, most_steps=5)

    def half(trainer: Any, folder: Path, epoch: int, *, writes: bool) -> None:
        beside = folder / "checkpoints" / f".epoch-{epoch}.part"
        beside.mkdir(parents=True)
        (beside / "model.safetensors").write_text("half")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(following, "write_checkpoint", half)
        with pytest.raises(Killed):
            train(output)
    assert not (output / "checkpoints/epoch-1").exists()
    train(output)
    assert [path.name for path in (output / "checkpoints").iterdir()] == ["epoch-1"]


def test_a_stop_while_data_are_prepared_leaves_nothing_behind_that_matters(
    export: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    build(export, tiny, output, ROWS, most_steps=1, warmup_steps=0)
    with monkeypatch.context() as patch:
        patch.setattr(training, "make_trainer", lambda *_: terminate())
        with pytest.raises(Stopped):
            train(output)
    train(output)
    assert read_status(output)["resumed_from"] is None
    assert read_status(output)["state"] == "done"


def test_other_rows_are_not_gone_on_with(
    export: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    build(export, tiny, output, ROWS, save_every_steps=1)
    with monkeypatch.context() as patch:
        patch.setattr(Follower, "on_step_begin", at_step(1, terminate, "on_step_begin"))
        with pytest.raises(Stopped):
            train(output)
    other = write_chats(tmp_path / "export", [chat(number) for number in range(ROWS)])
    build(other, tiny, output, ROWS, save_every_steps=1)
    with pytest.raises(RefusedError, match=r"`data\.checksum` was"):
        train(output)


def test_weights_in_bfloat16_at_the_paper_s_rate_fail_and_say_why(
    export: Path, tiny: Path, tmp_path: Path
) -> None:
    slow = {"learning_rate": 1e-6, "warmup_steps": 0}
    build(export, tiny, tmp_path / "16", ROWS, model__dtype="bfloat16", **slow)
    with pytest.raises(FailedError, match=r"bfloat16 round the steps away\. Train .*float32"):
        train(tmp_path / "16")
    assert 0 < read_status(tmp_path / "16")["changed_weights"] < 0.5
    build(export, tiny, tmp_path / "32", ROWS, **slow)
    train(tmp_path / "32")
    assert read_status(tmp_path / "32")["changed_weights"] > 0.5


def test_a_loss_that_is_no_number_ends_the_training(
    export: Path, tiny: Path, tmp_path: Path
) -> None:
    build(export, tiny, tmp_path, ROWS, learning_rate=1e30, warmup_steps=0)
    with pytest.raises(FailedError, match="lower `learning_rate`") as failed:
        train(tmp_path)
    assert failed.value.kind == "loss_not_finite"


@pytest.mark.parametrize("objective", ["dpo", "orpo", "reward"])
def test_pairs_are_learned_and_gone_on_with(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objective: str
) -> None:
    layout = Layout.REWARD if objective == "reward" else Layout.CHATS
    export = write_pairs(tmp_path / "export", 12, layout)
    for name in ("whole", "stopped"):
        build(export, tiny, tmp_path / name, 12, objective=objective, save_every_steps=1)
    train(tmp_path / "whole")
    status = read_status(tmp_path / "whole")
    assert (status["state"], status["steps"], status["rows_after"]) == ("done", 6, 12)
    assert status["tokens_seen"] == status["trained_tokens_expected"]
    assert status["learned_tokens_seen"] == status["learned_tokens_expected"]
    assert losses(tmp_path / "whole")[6] < losses(tmp_path / "whole")[1]
    with monkeypatch.context() as patch:
        patch.setattr(Follower, "on_step_begin", at_step(3, terminate, "on_step_begin"))
        with pytest.raises(Stopped):
            train(tmp_path / "stopped")
    train(tmp_path / "stopped")
    assert losses(tmp_path / "stopped") == losses(tmp_path / "whole")


def test_orpo_learns_the_chosen_answer_and_not_its_prompt(tiny: Path, tmp_path: Path) -> None:
    """With next to no weight on the preference the loss is that of the chosen answer alone."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    export = write_pairs(tmp_path / "export", 1)
    one = {"batch_per_device": 1, "accumulation": 1, "most_steps": 1, "warmup_steps": 0}
    build(export, tiny, tmp_path / "out", 1, objective="orpo", beta=1e-9, **one)
    train(tmp_path / "out")
    pair = row("metamath", "phi-4", "train", 0)
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    read = tokenizer.apply_chat_template(pair["prompt"], add_generation_prompt=True)["input_ids"]
    learned = tokenizer(pair["chosen"][0]["content"] + "<|im_end|>")["input_ids"]
    labels = torch.tensor([[-100] * len(read) + learned])
    model = AutoModelForCausalLM.from_pretrained(tiny)
    with torch.no_grad():
        expected = model(torch.tensor([read + learned]), labels=labels).loss.item()
    assert losses(tmp_path / "out")[1] == pytest.approx(expected, rel=1e-4)


def test_a_reward_model_scores_the_chosen_answers_of_held_out_pairs_higher(
    tiny: Path, tmp_path: Path
) -> None:
    """Its checkpoint gives the scores that the evaluation of its last epoch compared."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    export, output = write_pairs(tmp_path / "export", 12, Layout.REWARD, held_out=3), tmp_path / "o"
    build(export, tiny, output, 12, objective="reward")
    train(output)

    [*_, last] = [line for line in read_metrics(output) if "eval_loss" in line]
    checkpoint = output / "checkpoints/epoch-2"
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint).eval()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    higher, distances = 0, []
    for number in range(12, 15):
        pair = row("metamath", "phi-4", "validation", number)
        chats = [pair["prompt"] + pair[name] for name in ("chosen", "rejected")]
        read = [tokenizer.apply_chat_template(each, return_dict=False) for each in chats]
        with torch.no_grad():
            chosen, rejected = (model(torch.tensor([each])).logits.item() for each in read)
        higher += chosen > rejected
        distances.append(chosen - rejected)
    expected = -torch.nn.functional.logsigmoid(torch.tensor(distances)).mean().item()
    assert (last["eval_pairs"], last["eval_chosen_higher"]) == (3, higher) == (3, 3)
    assert last["eval_loss"] == pytest.approx(expected, rel=1e-2)
    asked = tokenizer.apply_chat_template([{"role": "user", "content": "Why?"}], return_dict=False)
    with torch.no_grad():
        given = model(torch.tensor([asked])).logits.item()
    assert float(answer(checkpoint, "Why?", 8)) == pytest.approx(given, abs=1e-4)


JANUS = [name for name in SHIPPED.trainings if name.startswith("janus-")]


@pytest.mark.parametrize("name", JANUS)
def test_a_tiny_model_takes_the_steps_of_each_of_janus_trainings(
    tiny: Path, tmp_path: Path, name: str
) -> None:
    """Under Janus' template, with the objective, the rows and the settings of the entry."""
    entry, output = SHIPPED.trainings[name], tmp_path / "out"
    count, folder = entry.batch + 1, tmp_path / "export"  # one row more than a step takes
    if entry.objective is Objective.SFT:
        export = write_chats(folder, [chat(number) for number in range(count)])
    else:
        export = write_pairs(folder, count, SHIPPED.mixtures[entry.mixture].layout)
    pupil = SHIPPED.students[entry.student].model_copy(update={"weights": str(tiny)})
    arguments = build_arguments(
        entry,
        pupil,
        find_rows(export, entry),
        output,
        devices=Devices.CPU,
        start=tiny if entry.starts_from else None,
        most_steps=2,
    )
    output.mkdir()
    (output / "arguments.json").write_text(json.dumps(arguments))
    train(output)

    status = read_status(output)
    assert (status["state"], status["step"], status["rows_after"]) == ("done", 2, count)
    first, second = (line["learning_rate"] for line in read_metrics(output))
    assert (first, second) == (0.0, pytest.approx(entry.learning_rate / entry.warmup_steps))
    saved = output / "checkpoints/epoch-1/chat_template.jinja"
    assert saved.read_text() == Path(str(pupil.chat_template)).read_text()


def test_a_reward_model_goes_on_from_a_student_and_from_a_reward_model(
    export: Path, tiny: Path, tmp_path: Path
) -> None:
    """The head of the first begins with random weights, that of the second as it was left."""
    pairs = write_pairs(tmp_path / "export", 12, Layout.REWARD)
    short = {"most_steps": 1, "warmup_steps": 0}
    build(export, tiny, tmp_path / "chats", ROWS, **short)
    train(tmp_path / "chats")
    start = tmp_path / "chats"
    for name in ("first", "second"):
        weights_before = start / "checkpoints/epoch-1"
        build(pairs, weights_before, tmp_path / name, 12, objective="reward", **short)
        train(tmp_path / name)
        start = tmp_path / name
    heads = [weights(tmp_path / name, 1)["score.weight"] for name in ("first", "second")]
    assert "lm_head.weight" not in weights(tmp_path / "second", 1)
    assert (heads[0] - heads[1]).abs().max() < 2 * 1e-3  # one step of the rate


def test_the_template_that_is_trained_is_the_one_that_is_saved(
    export: Path, tiny: Path, tmp_path: Path
) -> None:
    template = tmp_path / "template.jinja"
    template.write_text(chat_templates.CHATML.replace("<|im_end|>\n", "<|im_end|>"))
    build(export, tiny, tmp_path, ROWS, model__chat_template=str(template), most_steps=2)
    train(tmp_path)
    saved = tmp_path / "checkpoints/epoch-1/chat_template.jinja"
    assert saved.read_text() == template.read_text()


def test_adapters_are_merged_into_the_weights_for_serving(
    export: Path, tiny: Path, tmp_path: Path
) -> None:
    pytest.importorskip("peft", reason="the lock does not have it")
    lora = {"rank": 4, "alpha": 8, "dropout": 0.0}
    build(export, tiny, tmp_path / "out", ROWS, lora=lora, learning_rate=1e-2)
    train(tmp_path / "out")
    assert weights(tmp_path / "out", 2).keys() == _weights_of(tiny).keys()
    first, second = weights(tmp_path / "out", 1), weights(tmp_path / "out", 2)
    name = next(name for name in first if "q_proj" in name)
    assert not first[name].equal(_weights_of(tiny)[name])
    assert not first[name].equal(second[name])


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"devices": "cuda"}, "devices", "finds no GPU"),
        ({"processes": 2, "devices": "cpu"}, "devices", "accelerate launch"),
        ({"model__weights": "/nowhere"}, "model", "/nowhere"),
        ({"data__checksum": "0" * 64}, "data_changed", "made again"),
        ({"lora": {"rank": 4, "alpha": 8, "dropout": 0.0}}, "lora", "pip install peft"),
    ],
)
def test_what_is_not_there_is_refused_by_name(
    export: Path, tiny: Path, tmp_path: Path, changes: dict[str, Any], kind: str, said: str
) -> None:
    import torch

    if kind == "devices" and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    if kind == "lora" and importlib.util.find_spec("peft"):
        pytest.skip("peft is installed")
    build(export, tiny, tmp_path, ROWS, **changes)
    with pytest.raises(RefusedError, match=said) as refused:
        train(tmp_path)
    assert refused.value.kind == kind
