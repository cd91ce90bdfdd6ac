"""`make proof`: its stages one after the other, and what it goes on with after each end."""

import hashlib
import json
import subprocess
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.errors import SysgenError
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.training_sets.export.manifest import render_manifest
from sysgen_dagster_tests.small_proof import FOLDER, SUBJECTS, TRAININGS, SmallProof

ROWS = 34  # of the validation split
ALONE = 1  # of these, has no other row of its source there, whose message it could be put under
HELD_OUT = ROWS * 2 * 3 - ALONE * 2  # answers of each row, messages they are put under
MADE_BEFORE_IT_ENDS = 50
JUDGED_ROWS = 6


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> SmallProof:
    """A run whose program of likelihoods has failed in the middle of the first subject."""
    proof = SmallProof(tmp_path_factory.mktemp("proof"))
    _write_gguf(proof)
    done = proof.run(ENDS_AFTER=str(MADE_BEFORE_IT_ENDS))
    assert done.returncode == 1
    assert "program.likelihood" in done.stderr
    assert "run the same command, which goes on there" in done.stderr.replace("\n", " ")
    return proof


def _write_gguf(proof: SmallProof) -> None:
    """What llama.cpp's script would have made of the base."""
    from sysgen_dagster.inference.local.conversion import gguf_place

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        base = import_module("subjects").Base(proof.weights, proof.data)
    place = gguf_place(base.checkpoint)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"GGUF")


@pytest.fixture(scope="module")
def results(ended: SmallProof) -> dict[str, Any]:
    """Of the run after it, which a judge has a part in."""
    done = run_with_judge(ended)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "S-IFEval is left out" in done.stdout
    assert f"for up to {JUDGED_ROWS * len(SUBJECTS)} answers and their gradings" in done.stdout
    read: dict[str, Any] = json.loads((ended.data / "proof" / "results.json").read_text())
    return read


def run_with_judge(proof: SmallProof) -> "subprocess.CompletedProcess[str]":
    return proof.run("--judge", str(proof.judge), "--judged-rows", str(JUDGED_ROWS))


def test_the_chats_that_were_done_are_not_asked_again(
    ended: SmallProof, results: dict[str, Any]
) -> None:
    assert ended.asked == [
        ("base", HELD_OUT),
        ("base", HELD_OUT - MADE_BEFORE_IT_ENDS),
        *((name, HELD_OUT) for name in SUBJECTS[1:]),
    ]


def test_a_training_of_other_rows_is_not_taken_for_one_of_these(
    ended: SmallProof, results: dict[str, Any]
) -> None:
    manifest = ended.data / "students" / "sysgen" / "data" / "manifest.json"
    text = manifest.read_text()
    written = json.loads(text)
    rows = next(file for file in written["files"] if "rows" in file)
    rows["sha256"] = "0" * 64
    del written["sha256"]
    manifest.write_text(render_manifest(written))
    done = ended.run()
    manifest.write_text(text)
    assert done.returncode == 1
    assert "the training sysgen was made of other rows" in " ".join(done.stderr.split())


def test_every_subject_has_every_score_with_its_interval(results: dict[str, Any]) -> None:
    by_subject = {
        name: {(row["suite"], row["metric"], row["of"]) for row in results["scores"]}
        for name in {row["subject"] for row in results["scores"]}
    }
    assert set(by_subject) == {*SUBJECTS}
    assert len({frozenset(scores) for scores in by_subject.values()}) == 1
    # Few of so few rows have a phrase that rules decide.
    known = [row for row in results["scores"] if row["of"] != "rules"]
    assert all(row["low"] <= row["score"] <= row["high"] for row in known)
    assert {row["suite"] for row in results["scores"]} == {
        *("conflict_set", "message_likelihood"),
        "held_out_obedience",
    }


def test_differences_are_paired_with_each_other_subject(results: dict[str, Any]) -> None:
    pairs = {(row["of_subject"], row["from"]) for row in results["differences"]}
    assert pairs == {
        ("sysgen", first)
        for first in ("base_without_persona", "no_system_message", "original_answer")
    }
    of_likelihood = [row for row in results["differences"] if row["suite"] == "message_likelihood"]
    assert all(row["difference"] == 0 for row in of_likelihood)  # they say the same of each chat
    assert {row["items"] for row in of_likelihood} == {ROWS, ROWS - ALONE}


def test_the_results_say_what_they_are_of(results: dict[str, Any]) -> None:
    made = results["made"]
    assert made["seconds"].keys() == {
        *("trainings", "message_likelihood", "conflict_set"),
        "held_out_obedience",
    }
    assert made["seconds"]["trainings"] == 180
    assert made["versions"]["torch"] == "1.2.3"
    of_weights = {name: made["sha256"][f"weights of {name}"] for name in SUBJECTS}
    assert of_weights["base"] == of_weights["base_without_persona"]
    assert len(set(of_weights.values())) == 4
    assert "S-IFEval" not in made["sha256"]


def test_what_a_judge_said_is_marked_with_who_judged_and_what_that_is_worth(
    ended: SmallProof, results: dict[str, Any]
) -> None:
    judge = results["made"]["judge"]
    assert (judge["file"], judge["quantisation"], judge["rows"]) == ("qwen.gguf", "Q4_K_M", 6)
    assert judge["sha256"] == hashlib.sha256(ended.judge.read_bytes()).hexdigest()
    assert judge["answers_cut"].keys() == {*SUBJECTS}
    scores = [row for row in results["scores"] if row["suite"] == "held_out_obedience"]
    assert {(row["of"], row["judge"]) for row in scores} == {
        *(("total", "judge"), ("judge", "judge")),
        ("rules", None),
    }
    assert all(row["worth"].startswith("uncalibrated") for row in scores if row["judge"])
    page = (ended.data / "proof" / "README.md").read_text()
    assert page.index("**Uncalibrated**") < page.index("mean over rows (uncalibrated)")


def test_verdicts_are_stored_with_who_gave_each(ended: SmallProof, results: dict[str, Any]) -> None:
    folder = ended.data / "held_out_obedience"
    rows = [
        json.loads(line)
        for name in SUBJECTS
        for line in (folder / f"{name}.jsonl").read_text().splitlines()
    ]
    assert len(rows) == len(SUBJECTS) * JUDGED_ROWS
    assert len({row["conversation_id"] for row in rows}) == JUDGED_ROWS
    phrases = [phrase for row in rows for phrase in row["phrases"]]
    assert {phrase["by"] for phrase in phrases if phrase["verdict"] != "unknown"} <= {
        *("rules", "judge")
    }
    counted = Counter(phrase["by"] or "nobody" for phrase in phrases)
    assert results["made"]["judge"]["phrases_by"] == counted
    assert counted["judge"] > counted["rules"] > 0


def test_a_judge_is_a_model_of_the_catalogue_and_its_file_is_read_first(
    ended: SmallProof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    with_judge, catalog = import_module("judged").with_judge, load_catalog(FOLDER / "catalog.yaml")
    judge = with_judge(catalog, ended.judge).served["judge"]
    assert (judge.weights, judge.engine, judge.license) == (
        *(str(ended.judge), "llama_cpp"),
        "apache-2.0",
    )
    with pytest.raises(SysgenError, match="cannot be read"):
        with_judge(catalog, ended.judge.with_name("absent.gguf"))


def test_the_page_names_what_was_not_measured(ended: SmallProof, results: dict[str, Any]) -> None:
    page = (ended.data / "proof" / "README.md").read_text()
    assert "**S-IFEval** was not measured: its items were not at hand." in page
    assert (ended.data / "proof" / "proof.svg").read_text().startswith("<svg")


def test_a_student_is_compared_with_those_of_its_own_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    compared, subjects = import_module("compared"), import_module("subjects")
    catalog = subjects.with_seeds(load_catalog(FOLDER / "catalog.yaml"), 2)
    assert {name: each.seed for name, each in catalog.trainings.items()} == {
        **dict.fromkeys(TRAININGS, 0),
        **dict.fromkeys([f"{name}_seed_1" for name in TRAININGS], 1),
    }
    taught = {name: each.training for name, each in catalog.subjects.items() if each.training}
    assert taught == {name: name for name in catalog.trainings}
    assert sorted(compared.find_pairs(catalog.subjects)) == sorted(
        (first, f"sysgen{end}")
        for end in ("", "_seed_1")
        for first in ("base_without_persona", f"no_system_message{end}", f"original_answer{end}")
    )


@pytest.mark.slow
def test_a_third_run_asks_nothing_and_finds_the_same(
    ended: SmallProof, results: dict[str, Any]
) -> None:
    before = len(ended.asked)
    done = run_with_judge(ended)
    assert done.returncode == 0, done.stderr[-3000:]
    assert ended.asked[before:] == [(name, 0) for name in SUBJECTS]
    # As many lines of the judge's as of the subjects' answers are known from before.
    graded = [line for line in done.stdout.splitlines() if "(6 known from before" in line]
    assert len(graded) == 2 * len(SUBJECTS), done.stdout
    again = json.loads((ended.data / "proof" / "results.json").read_text())
    assert again["scores"] == results["scores"]
    assert again["differences"] == results["differences"]


@pytest.mark.slow
def test_after_a_kill_only_what_was_in_flight_is_asked_again(tmp_path: Path) -> None:
    proof = SmallProof(tmp_path)
    _write_gguf(proof)
    with subprocess.Popen(
        proof.command(), env=proof.environment(), stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if "conflict_set no_system_message" in line:  # the third subject is through
                running.kill()
                break
    done = proof.run()
    assert done.returncode == 0, done.stderr[-3000:]
    ledgers = sorted((proof.data / "ledger" / "conflict_set_answers").glob("*.parquet"))
    answers = pl.concat(
        pl.read_parquet(file) for file in (proof.data / "conflict_set_answers").glob("*.parquet")
    )
    assert len(ledgers) == len(SUBJECTS)
    assert answers.height == len(SUBJECTS) * 24 * 6
    assert answers["attempts"].max() == 1
    lines = [line for line in done.stdout.splitlines() if "known from before" in line]
    for name in SUBJECTS[:3]:
        known = [line for line in lines if line.startswith(f"{name}:")]
        assert known, lines
        assert all("(144 known from before" in line for line in known), known
