"""What is evaluated, as the catalogue says it: subjects, and benchmarks by pin or by copy."""

from pathlib import Path
from textwrap import dedent

import pytest

from sysgen_dagster.catalog.evaluation import ASKED_TABLES, SystemIFEval
from sysgen_dagster.catalog.load import FULL_CATALOG, CatalogError
from sysgen_dagster.lanes.catalog import Catalog, load_catalog

BEFORE = """\
sources:
  chats:
    path: chats.jsonl
    shards: 1
    shape: {kind: question_answer, question: q, answer: a}
models:
  owl: {engine: simulated}
judges:
  hawk: {engine: simulated}
mixtures:
  sysgen: {}
students:
  small: {weights: org/small}
trainings:
  taught: {student: small, mixture: sysgen}
"""


def load(tmp_path: Path, sections: str) -> Catalog:
    file = tmp_path / "catalog.yaml"
    file.write_text(BEFORE + dedent(sections), encoding="utf-8")
    return load_catalog(file)


def fault(tmp_path: Path, sections: str) -> str:
    with pytest.raises(CatalogError) as caught:
        load(tmp_path, sections)
    return str(caught.value)


def test_a_catalogue_without_subjects_evaluates_nothing(tmp_path: Path) -> None:
    catalog = load(tmp_path, "")

    assert catalog.subjects == {}
    assert catalog.partition_values["subject"] == []


def test_what_grades_is_a_model_or_a_judge(tmp_path: Path) -> None:
    assert load(tmp_path, "evaluation: {judge: hawk}").evaluation.judge == "hawk"
    assert "crow" in fault(tmp_path, "evaluation: {judge: crow}")


def test_a_copy_takes_the_place_of_the_pin_and_begins_at_the_catalogue(tmp_path: Path) -> None:
    bench = load(tmp_path, "evaluation: {multifacet: {path: mine.jsonl}}").evaluation.multifacet

    assert bench.hub is None
    assert bench.path == tmp_path / "mine.jsonl"


def test_settings_of_a_bench_keep_its_pin(tmp_path: Path) -> None:
    bench = load(tmp_path, "evaluation: {multifacet: {items: 10}}").evaluation.multifacet

    assert bench.hub is not None
    assert (bench.name, bench.items, bench.license) == ("multifacet", 10, "cc-by-4.0")


def test_a_pin_and_a_copy_together_are_refused(tmp_path: Path) -> None:
    said = fault(tmp_path, "evaluation: {multifacet: {path: mine.jsonl, hub: {repo: org/other}}}")

    assert "one of `hub`, `github`, `path`" in said


def test_a_model_may_have_settings_for_answers_and_for_gradings(tmp_path: Path) -> None:
    assert {"multifacet_answers", "sysbench_gradings"} <= {*ASKED_TABLES}
    subjects = "{mine: {engine: simulated, request: {phases: {%s: {temperature: 0.5}}}}}"

    load(tmp_path, "subjects: " + subjects % "multifacet_answers")
    assert "no table" in fault(tmp_path, "subjects: " + subjects % "multifacet_answer")


def test_multifacet_is_read_by_pin_and_graded_in_both_ways_unless_said_otherwise(
    tmp_path: Path,
) -> None:
    bench = load(tmp_path, "").evaluation.multifacet

    assert (bench.hub and bench.hub.repo, bench.items) == ("kaist-ai/Multifaceted-Bench", "all")
    assert bench.judge_sees_message == (False, True)
    assert bench.calibration.hub
    assert bench.calibration.items == 300


def test_labels_of_a_judge_may_be_a_copy_beside_the_catalogue_or_left_out(tmp_path: Path) -> None:
    given = "evaluation: {multifacet: {calibration: {path: labels.parquet}}}"
    catalog = load(tmp_path, given)
    without = load(tmp_path, "evaluation: {multifacet: {calibration: {items: 0}}}")

    assert catalog.evaluation.multifacet.calibration.path == tmp_path / "labels.parquet"
    assert catalog.evaluation.multifacet.calibration.hub is None
    assert catalog.evaluation.multifacet.calibration in catalog.upstream_files
    assert without.evaluation.multifacet.calibration.items == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("source_columns: {oasst: Alpaca}", "AlpacaEval"),
        ("judge_sees_message: []", "judge_sees_message"),
        ("judge_sees_message: [true, true]", "at most once each"),
        ("rounds: 0", "rounds"),
    ],
)
def test_a_wrong_setting_of_multifacet_is_named(tmp_path: Path, settings: str, said: str) -> None:
    assert said in fault(tmp_path, f"evaluation: {{multifacet: {{{settings}}}}}")


def test_sysbench_is_asked_whole_in_chinese_with_the_subject_s_own_history(tmp_path: Path) -> None:
    bench = load(tmp_path, "").evaluation.sysbench

    assert (bench.history, bench.language, bench.sample) == ("own", "original", None)
    assert bench.hub is not None
    assert bench.hub.file == "system_benchmark_eval_datas.json"


def test_a_sample_of_sysbench_is_the_paper_s_where_it_says_nothing(tmp_path: Path) -> None:
    settings = "{language: english, translator: hawk, sample: {}}"
    bench = load(tmp_path, f"evaluation: {{sysbench: {settings}}}").evaluation.sysbench

    assert bench.sample is not None
    assert bench.sample.model_dump() == {"dependent": 80, "parallel": 20, "seed": 0}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("{language: english}", "needs a model that translates"),
        ("{language: english, translator: crow}", "crow"),
        ("{language: chinese}", "language"),
        ("{history: mine}", "history"),
        ("{items: 5, sample: {}}", "leave one out"),
        ("{sample: {dependent: -1}}", "dependent"),
    ],
)
def test_a_wrong_setting_of_sysbench_is_named(tmp_path: Path, settings: str, words: str) -> None:
    assert words in fault(tmp_path, f"evaluation: {{sysbench: {settings}}}")


def test_who_translates_sysbench_may_have_settings_for_it() -> None:
    assert "sysbench_translation" in ASKED_TABLES


def test_what_is_on_github_alone_is_pinned_there_with_the_checksum_of_each_file(
    tmp_path: Path,
) -> None:
    evaluation = load(tmp_path, "").evaluation
    for bench, files in ((evaluation.s_ifeval, 1), (evaluation.tensor_trust, 3)):
        assert bench.github is not None
        assert (bench.github.repo, len(bench.github.files)) == ("normster/RealGuardrails", files)
        assert bench.hub is None


def test_a_bench_is_dumped_as_by_releases_that_knew_github_of_two_alone(tmp_path: Path) -> None:
    """Else what is stored of it counts as made by other settings, and is made again."""
    evaluation = load(tmp_path, "").evaluation
    of_all = ["title", "license", "hub", "path", "items", "seed"]

    assert list(evaluation.s_ifeval.model_dump()) == [*of_all, "github"]
    assert list(SystemIFEval(path=tmp_path).model_dump()) == [*of_all, "github"]
    assert list(evaluation.ifeval.model_dump()) == of_all


def test_a_copy_takes_the_place_of_files_on_github(tmp_path: Path) -> None:
    bench = load(tmp_path, "evaluation: {s_ifeval: {path: mine.jsonl}}").evaluation.s_ifeval

    assert (bench.github, bench.path) == (None, tmp_path / "mine.jsonl")


def test_files_on_github_and_a_copy_together_are_refused(tmp_path: Path) -> None:
    commit, digest = "1a" * 20, "1a" * 32
    pin = f"github: {{repo: a/b, revision: {commit}, files: {{x.jsonl: {digest}}}}}"
    alone = load(tmp_path, f"evaluation: {{s_ifeval: {{{pin}}}}}").evaluation.s_ifeval

    assert alone.github is not None
    assert alone.github.repo == "a/b"
    said = fault(tmp_path, f"evaluation: {{s_ifeval: {{path: mine.jsonl, {pin}}}}}")
    assert "one of `hub`, `github`, `path`" in said


def test_the_pin_of_ifeval_is_that_of_the_benchmarks_that_training_data_should_not_hold() -> None:
    full = load_catalog(FULL_CATALOG)

    assert full.evaluation.ifeval.hub == full.benchmarks["ifeval"].hub
