"""Every reason for which a row is dropped or an answer not chosen is said in words."""

import pytest

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.sysgen.drop_reasons import BREAKS_RULES, Dropped
from sysgen_dagster.lanes.sysgen.reasons import explain_defect, explain_reason
from sysgen_dagster.lanes.sysgen.tags import DefectKind
from sysgen_dagster.sources.drop_reasons import Unusable


@pytest.mark.parametrize("reason", [*Unusable, *NoAnswer, *Dropped, BREAKS_RULES])
def test_every_reason_has_words(reason: str) -> None:
    said = explain_reason(reason)
    assert said != reason
    assert " " in said
    assert not said.endswith(".")


@pytest.mark.parametrize("kind", DefectKind)
def test_every_defect_has_words(kind: str) -> None:
    assert " " in explain_defect(kind)


def test_the_words_tell_the_reasons_apart() -> None:
    reasons = [*Unusable, *NoAnswer, *Dropped, BREAKS_RULES]
    assert len(set(map(explain_reason, reasons))) == len(reasons)


def test_a_reason_of_another_version_is_shown_as_it_is() -> None:
    assert explain_reason("out_of_fashion") == "out_of_fashion"
