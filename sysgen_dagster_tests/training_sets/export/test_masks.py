"""The trainers, set by an export's own snippets, learn the same tokens: those of marked messages.

Each makes its labels with its own code, from the files of an export, with one tokenizer and the
ChatML template. What is compared is the text before each stretch of learned tokens, and the stretch
itself. Some trainers learn the line break after the mark that ends a turn, too; that alone is left
out of the comparison. A trainer that is not installed is skipped, and says so.
"""

import json
import re
import runpy
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest
import yaml

from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.training_sets.export.folder import write_folder
from sysgen_dagster.training_sets.export.layout import Contents, Trained
from sysgen_dagster.training_sets.export.trainers import MAX_LENGTH
from sysgen_dagster_tests.training_sets.export.exports import FACTS, frame, row

pytestmark = [
    pytest.mark.trl,
    # Of other people's code, in the versions that are there.
    pytest.mark.filterwarnings("ignore"),
]
IGNORED = -100
Stretch = tuple[str, str]  # the text before learned tokens, and the text of these


def turns(*marks: bool, number: int, system: str | None = None) -> list[dict[str, Any]]:
    """A chat with an answer for each mark."""
    chat = [] if system is None else [{"role": "system", "content": system, "train": False}]
    for at, mark in enumerate(marks):
        asked = f"What is {number} times {at}? \u8a9e"
        chat.append({"role": "user", "content": asked, "train": False})
        chat.append({"role": "assistant", "content": f"It is {number * at}.", "train": mark})
    return chat


CHATS: dict[Trained, list[Sequence[bool]]] = {
    Trained.LAST: [(True,), (False, True), (False, False, True)],
    Trained.EVERY: [(True,), (True, True), (True, True, True)],
    Trained.SOME: [(True,), (False, True), (True, True), (True, False, True)],
}


def write(folder: Path, chats: Sequence[list[dict[str, Any]]], recipe: Recipe) -> Contents:
    """An export of these chats, each once in every split."""
    rows = [
        row("metamath", "phi-4", split, number, messages=chat)
        for split in ("train", "validation")
        for number, chat in enumerate(chats)
    ]
    return write_folder(folder, folder.name, [frame(rows)], FACTS)


@pytest.fixture(params=Trained)
def chats(request: pytest.FixtureRequest) -> list[list[dict[str, Any]]]:
    return [
        turns(*marks, number=number + 2, system=f"You are tutor {number}.")
        for number, marks in enumerate(CHATS[request.param])
    ]


@pytest.fixture
def home(
    chats: list[list[dict[str, Any]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder that holds the export ``small``, in which snippets are to be run."""
    write(tmp_path / "small", chats, Recipe())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A byte-level tokenizer with the ChatML template, and a random Llama."""
    from sysgen_dagster_tests.vllm.tiny_model import write_model, write_tokenizer

    folder = tmp_path_factory.mktemp("tiny")
    size = write_tokenizer(folder, system_role=True, max_positions=MAX_LENGTH)
    write_model(folder, vocabulary=size, max_positions=MAX_LENGTH)
    return folder


def tokenizer_of(tiny: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny)


def rendered(chat: Sequence[dict[str, Any]]) -> str:
    return "".join(f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n" for turn in chat)


def expected(chats: Sequence[list[dict[str, Any]]]) -> list[Stretch]:
    """What the marks say, for each marked message."""
    return sorted(
        (rendered(chat[:at]) + "<|im_start|>assistant\n", f"{turn['content']}<|im_end|>")
        for chat in chats
        for at, turn in enumerate(chat)
        if turn["train"]
    )


def stretches(
    decode: Callable[[list[int]], str], tokens: Sequence[int], labels: Sequence[int]
) -> Iterator[Stretch]:
    """The stretches of labels that count, in one row."""
    tokens, learned = list(tokens), [label != IGNORED for label in labels]
    assert len(tokens) == len(learned)
    starts = [at for at, is_ in enumerate(learned) if is_ and not (at and learned[at - 1])]
    for start in starts:
        end = start + [*learned[start:], False].index(False)
        yield decode(tokens[:start]), decode(tokens[start:end]).removesuffix("\n")


def run(script: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    monkeypatch.setattr(sys, "argv", [str(script), *arguments])
    return runpy.run_path(str(script))


def by_trl(home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stretch]:
    script = home / "small/trainers/trl_sft.py"
    prepared, _, _ = script.read_text().partition("trainer.train()")
    script.write_text(prepared.replace("SFTConfig(\n", "SFTConfig(use_cpu=True,\n"))
    made = run(script, monkeypatch, str(tiny))
    decode = made["trainer"].processing_class.decode
    for each in made["trainer"].train_dataset:
        yield from stretches(decode, each["input_ids"], each["labels"])


def by_axolotl(home: Path, tiny: Path, _: pytest.MonkeyPatch) -> Iterator[Stretch]:
    from axolotl.prompt_strategies.chat_template import load
    from axolotl.utils.dict import DictDefault

    config = yaml.safe_load((home / "small/trainers/axolotl.yaml").read_text())
    where, tokenizer = config["datasets"][0], tokenizer_of(tiny)
    strategy = load(tokenizer, DictDefault(config), DictDefault(where))
    for each in datasets.load_dataset(where["path"], where["name"], split=where["split"]):
        made = strategy.tokenize_prompt(each)
        yield from stretches(tokenizer.decode, made["input_ids"], made["labels"])


def by_llama_factory(home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stretch]:
    from llamafactory.data.converter import SharegptDatasetConverter
    from llamafactory.data.parser import get_dataset_list
    from llamafactory.data.processor.supervised import SupervisedDatasetProcessor
    from llamafactory.data.template import get_template_and_fix_tokenizer
    from llamafactory.hparams.data_args import DataArguments

    trainers, tokenizer = home / "small/trainers", tokenizer_of(tiny)
    config = yaml.safe_load((trainers / "llamafactory.yaml").read_text()) | {"template": "qwen"}
    if (trainers / "prefix_rows.py").exists():
        run(trainers / "prefix_rows.py", monkeypatch)
    known = DataArguments.__dataclass_fields__.keys()
    arguments = DataArguments(**{name: config[name] for name in config.keys() & known})
    entries = json.loads((trainers / "llamafactory_dataset_info.json").read_text())
    (attributes,) = get_dataset_list([config["dataset"]], entries)
    rows = datasets.load_dataset(attributes.dataset_name, attributes.subset, split=attributes.split)
    converted = [SharegptDatasetConverter(attributes, arguments)(each) for each in rows]
    template = get_template_and_fix_tokenizer(tokenizer, arguments)
    processor = SupervisedDatasetProcessor(template, tokenizer, None, arguments)
    made = processor.preprocess_dataset(
        {name: [each[name] for each in converted] for name in converted[0]}
    )
    for tokens, labels in zip(made["input_ids"], made["labels"], strict=True):
        yield from stretches(tokenizer.decode, tokens, labels)


def by_torchtune(home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stretch]:
    from omegaconf import OmegaConf
    from torchtune.config import instantiate
    from torchtune.models.qwen2 import Qwen2Tokenizer

    model = json.loads((tiny / "tokenizer.json").read_text())["model"]
    (home / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = [each if isinstance(each, str) else " ".join(each) for each in model["merges"]]
    (home / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    special = {mark: model["vocab"][mark] for mark in model["vocab"] if mark.startswith("<|")}
    config = OmegaConf.load(home / "small/trainers/torchtune.yaml")
    tokenizer = Qwen2Tokenizer(
        str(home / "vocab.json"),
        str(home / "merges.txt"),
        special_tokens=special,
        max_seq_len=config.tokenizer.max_seq_len,
    )
    monkeypatch.syspath_prepend(str(home / "small/trainers"))
    monkeypatch.delitem(sys.modules, "torchtune_chats", raising=False)
    decode = tokenizer_of(tiny).decode
    dataset = instantiate(config.dataset, tokenizer)
    for at in range(len(dataset)):
        yield from stretches(decode, dataset[at]["tokens"], dataset[at]["labels"])


def by_open_instruct(home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stretch]:
    from open_instruct import dataset_transformation

    trainers, tokenizer = home / "small/trainers", tokenizer_of(tiny)
    if (trainers / "prefix_rows.py").exists():
        run(trainers / "prefix_rows.py", monkeypatch)
    script = (trainers / "open_instruct.sh").read_text()
    files = [
        str(home / f"small{path}") for path in re.findall(r'^    "\$EXPORT(.*)" 1\.0', script, re.M)
    ]
    (names,) = re.findall(r"--dataset_transform_fn (\w+) (\w+)", script)
    make, keep = (getattr(dataset_transformation, name) for name in names)
    for each in datasets.load_dataset("parquet", data_files=files, split="train"):
        made = make(each, tokenizer, MAX_LENGTH)
        assert keep(made, tokenizer)
        yield from stretches(tokenizer.decode, made["input_ids"].tolist(), made["labels"].tolist())


TRAINERS = {
    "trl": by_trl,
    "axolotl": by_axolotl,
    "llamafactory": by_llama_factory,
    "torchtune": by_torchtune,
    "open_instruct": by_open_instruct,
}


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_trainer_learns_what_the_rows_mark_and_nothing_else(
    home: Path,
    tiny: Path,
    monkeypatch: pytest.MonkeyPatch,
    chats: list[list[dict[str, Any]]],
    trainer: str,
) -> None:
    pytest.importorskip(trainer, reason=f"{trainer} is not installed")
    assert sorted(TRAINERS[trainer](home, tiny, monkeypatch)) == expected(chats)
