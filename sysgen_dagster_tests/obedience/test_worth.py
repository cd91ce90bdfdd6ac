"""What stands beside a judge's name: what its verdicts are worth."""

from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.analysis.checks import CHECKS as CHECKS_OF_MEASURES
from sysgen_dagster.obedience.calibration import Kind
from sysgen_dagster.obedience.checks import CHECKS
from sysgen_dagster.obedience.phrase_judgement import build_obedience
from sysgen_dagster.obedience.tables import JUDGE_CALIBRATION, JUDGED_ALIGNMENT
from sysgen_dagster.obedience.worth import mark_judges, mark_uncalibrated, name_judges
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.storage.store import Store, StoreUnavailableError
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster_tests.obedience.judged_rows import labelled
from sysgen_dagster_tests.obedience.phrase_rows import phrase, rows
from sysgen_dagster_tests.tables.evidence import Rows
from sysgen_dagster_tests.training_sets.frames import of

NO_LABELS = "uncalibrated: 0 of 200 labelled items"
HERE = Partition("phi-4")


def test_each_judge_is_named_once_with_what_its_verdicts_are_worth() -> None:
    said = name_judges(
        ["owl", "rules", None, "hawk", "owl"], Kind.PHRASE, labelled("phrase", "owl")
    )
    assert said == f"hawk ({NO_LABELS}), owl (calibrated)"


@pytest.mark.parametrize("judges", [[], [None], ["rules", None]])
def test_where_rules_alone_decided_there_is_no_judge(judges: list[str | None]) -> None:
    assert name_judges(judges, Kind.PHRASE, None) is None


@pytest.mark.parametrize("kind", Kind)
def test_labels_of_one_kind_say_nothing_of_another(kind: Kind) -> None:
    known = {other: name_judges(["owl"], other, labelled(kind.value, "owl")) for other in Kind}
    assert known == {
        other: "owl (calibrated)" if other is kind else f"owl ({NO_LABELS})" for other in Kind
    }


def test_rules_are_never_marked_and_a_judge_only_while_it_is_uncalibrated() -> None:
    by_owl = {**phrase("Be kind.", "obeyed"), "by": "owl"}
    table = build_obedience(rows([phrase("In a list.", "obeyed"), by_owl, phrase("Be old.")], None))

    def by(calibration: pl.DataFrame | None) -> list[str | None]:
        marked = mark_uncalibrated(table, Kind.PHRASE, calibration)
        assert marked.drop("phrases").equals(table.drop("phrases"))
        return [each["by"] for each in marked["phrases"][0]]

    assert by(None) == ["rules", "owl (uncalibrated)", None]
    assert by(labelled("phrase", "owl")) == ["rules", "owl", None]


def test_of_judges_that_decided_together_each_is_marked_on_its_own() -> None:
    together, known = ["hawk, owl", "owl"], labelled("phrase", "owl")
    assert name_judges(together, Kind.PHRASE, known) == f"hawk ({NO_LABELS}), owl (calibrated)"
    marks = mark_judges(together, Kind.PHRASE, known)
    assert marks == {"hawk, owl": "hawk (uncalibrated), owl", "owl": "owl"}


def _stored(folder: Path) -> Store:
    store = Store(folder)
    judged = {"source": "mine", "verdict": "Not aligned", "judge": "owl"}
    store.write(JUDGED_ALIGNMENT, HERE, of(JUDGED_ALIGNMENT, *[judged] * 100))
    return store


def _said(evidence: StoredEvidence) -> str:
    [check] = (each for each in CHECKS if each.name == "most_are_aligned")
    return check.evaluate(evidence).explanation


def test_a_check_of_a_judge_s_figures_says_what_they_are_worth(tmp_path: Path) -> None:
    store = _stored(tmp_path)
    evidence = StoredEvidence(store, (), HERE.model)
    assert _said(evidence) == f"Judged by owl ({NO_LABELS})"
    store.write(JUDGE_CALIBRATION, HERE, labelled("alignment", "owl"))
    assert _said(evidence) == "Judged by owl (calibrated)"


def test_a_check_of_phrases_names_the_judge_and_not_the_rules() -> None:
    [check] = (each for each in CHECKS_OF_MEASURES if each.name == "most_are_obeyed")
    counted = {"source": "mine", "tag": "Role", "verdict": "obeyed", "phrases": 9}
    by = [{**counted, "by": name} for name in ("owl", "rules")]
    found = check.evaluate(Rows({"obedience_counts": by}))
    assert found.explanation == f"Judged by owl ({NO_LABELS})"
    assert check.evaluate(Rows({"obedience_counts": by[1:]})).explanation == ""


def test_storage_that_does_not_answer_is_no_missing_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, read = _stored(tmp_path), Store.read

    def fail(self: Store, table: Table, at: Partition, *columns: str) -> pl.DataFrame:
        if table == JUDGE_CALIBRATION:
            raise StoreUnavailableError("no answer")
        return read(self, table, at, *columns)

    monkeypatch.setattr(Store, "read", fail)
    with pytest.raises(StoreUnavailableError):
        _said(StoredEvidence(store, (), HERE.model))
