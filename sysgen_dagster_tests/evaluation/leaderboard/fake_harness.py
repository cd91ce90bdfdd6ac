"""A program that is called as lm-evaluation-harness is, reads task files, and asks nobody.

Each item that is not in its cache counts as asked, and is a line of ``asked.txt``.
"""

import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

VERSIONS = {"lm_eval": "0.4.13", "datasets": "5.2.0", "transformers": "5.24.0", "nltk": "3.10.4"}
ORIGINALS = {
    "arc/arc_challenge.yaml": "include: arc_easy.yaml\ntask: arc_challenge\n"
    "dataset_name: ARC-Challenge\n",
    "arc/arc_easy.yaml": "task: arc_easy\ndataset_path: allenai/ai2_arc\ntest_split: test\n"
    "training_split: train\nvalidation_split: validation\n",
    "hellaswag/hellaswag.yaml": "task: hellaswag\ndataset_path: Rowan/hellaswag\n"
    "process_docs: !function utils.process_docs\nvalidation_split: validation\ntest_split: null\n",
    "mathqa/mathqa.yaml": "task: mathqa\ndataset_path: regisss/math_qa\ntest_split: test\n",
    "mmlu/default/_mmlu.yaml": "group: mmlu\ntask: [mmlu_anatomy, mmlu_virology]\n",
    "mmlu/default/_template": "dataset_path: cais/mmlu\ntest_split: test\nfewshot_split: dev\n",
    "mmlu/default/mmlu_anatomy.yaml": '"dataset_name": "anatomy"\n"include": "_template"\n'
    '"task": "mmlu_anatomy"\n',
    "mmlu/default/mmlu_virology.yaml": '"dataset_name": "virology"\n"include": "_template"\n'
    '"task": "mmlu_virology"\n',
}


def write_harness(folder: Path, **behaviour: Any) -> Path:
    """A program in a folder, with task files; `behaviour` says what goes wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in ORIGINALS.items():
        file = folder / "tasks" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "behaviour.json").write_text(json.dumps(behaviour))
    program = folder / "python"
    start = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import fake_harness; "
    start += f"fake_harness.main({str(folder)!r})"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{start}" "$@"\n')
    program.chmod(0o755)
    return program


def asked(folder: Path) -> list[str]:
    """The items that were asked, in that order."""
    file = folder / "asked.txt"
    return file.read_text().splitlines() if file.is_file() else []


def main(home: str) -> None:
    """What the program does."""
    folder, words = Path(home), sys.argv[1:]
    behaviour = json.loads((folder / "behaviour.json").read_text())
    if words[0] == "-c":
        if text := behaviour.get("broken"):
            sys.exit(text)
        said = {"tasks": str(folder / "tasks"), "faults": behaviour.get("faults", {})}
        print("a line of a library")
        print(json.dumps(said | {"versions": behaviour.get("versions", VERSIONS)}))
        return
    assert words[:3] == ["-m", "lm_eval", "run"]
    pairs = pairwise(words[3:])
    options = {name: value for name, value in pairs if name.startswith("--")}
    limit = int(options.get("--limit", 10**6))
    _run(folder, behaviour, options, limit)


def _run(folder: Path, behaviour: dict[str, Any], options: dict[str, str], limit: int) -> None:
    cache = Path(options["--use_cache"])
    known = set(cache.read_text().splitlines()) if cache.is_file() else set()
    names, samples = options["--tasks"].split(","), dict[str, list[dict[str, Any]]]()
    counts = {}
    for name in names:
        rows = _rows(Path(options["--include_path"]) / f"{name}.yaml")
        counts[name] = {"original": len(rows), "effective": min(limit, len(rows))}
        samples[name] = []
        for number in range(min(limit, len(rows))):
            if f"{name}/{number}" not in known:
                _ask(folder, behaviour, f"{name}/{number}")
                with cache.open("a") as kept:
                    kept.write(f"{name}/{number}\n")
            samples[name].append(_sample(behaviour, number))
    out = Path(options["--output_path"]) / "pupil"
    out.mkdir(parents=True)
    said = {
        "n-samples": counts,
        "n-shot": dict.fromkeys(names, 0),
        "versions": dict.fromkeys(names, 1.0),
        "task_hashes": {name: f"hash of {name}" for name in names},
        "chat_template_sha": "sha" if "--apply_chat_template" in options else None,
    }
    (out / "results_2026.json").write_text(json.dumps(said))
    for name, of_name in samples.items():
        lines = "".join(f"{json.dumps(sample)}\n" for sample in of_name)
        (out / f"samples_{name}_2026.jsonl").write_text(lines)


def _rows(file: Path) -> list[Any]:
    said = yaml.safe_load(file.read_text())
    if "data_files" not in said["dataset_kwargs"]:
        return list(range(3))
    [files] = said["dataset_kwargs"]["data_files"].values()
    return [json.loads(line) for file in files for line in Path(file).read_text().splitlines()]


def _ask(folder: Path, behaviour: dict[str, Any], item: str) -> None:
    if len(asked(folder)) == behaviour.get("dies_after"):
        sys.exit("the server went away")
    if len(asked(folder)) == behaviour.get("hangs_after"):
        time.sleep(600)
    with (folder / "asked.txt").open("a") as file:
        file.write(f"{item}\n")


def _sample(behaviour: dict[str, Any], number: int) -> dict[str, Any]:
    said = "SYSGEN_NO_ANSWER" if number in behaviour.get("no_answer", []) else "words"
    metrics = {"acc": number % 2, "acc_norm": 1.0, "prompt_level_strict_acc": False}
    metrics |= {"inst_level_strict_acc": [True, False], "prompt_level_loose_acc": True}
    metrics |= {"inst_level_loose_acc": [True, True]}
    hashes = {"doc_hash": f"{number:064x}", "prompt_hash": "p"}
    return {"doc_id": number, **hashes, "filtered_resps": [said], **metrics}
