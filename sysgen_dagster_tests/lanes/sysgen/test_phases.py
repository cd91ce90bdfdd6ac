"""What each phase declares: the tables it reads and fills, its label, the version of its code."""

from dataclasses import replace
from typing import Any

import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.chat.messages import Sampling
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen import annotation, paper, verification
from sysgen_dagster.lanes.sysgen.phases import (
    ALIGNMENT,
    ANNOTATION,
    FILTERING,
    LABELS,
    PHASES,
    STEPS,
    VERIFICATION,
    Phase,
)
from sysgen_dagster.lanes.sysgen.settings import (
    Contradiction,
    Demonstrations,
    DropRule,
    Method,
    UnreadableVerdict,
)
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.sources.tables import CONVERSATIONS

PAPER = Method(drop_rule=DropRule.MALFORMED_BOUNDARY, unreadable_verdict=UnreadableVerdict.REMOVE)

every_phase = pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.label)
every_phase_that_asks = pytest.mark.parametrize(
    "phase", [phase for phase in PHASES if phase.asks], ids=lambda phase: phase.label
)


def test_the_phases_come_in_the_paper_s_order() -> None:
    assert [phase.number for phase in PHASES] == [1, 2, 3, 4]
    assert [phase.table for phase in PHASES] == [ANNOTATED, FILTERED, VERIFIED, ALIGNED]
    assert STEPS == (CONVERSATIONS, ANNOTATED, FILTERED, VERIFIED, ALIGNED)


def test_a_label_is_the_number_and_what_was_done() -> None:
    assert LABELS == {
        "conversations": "conversations",
        "annotated_system_messages": "1 annotated",
        "filtered_system_messages": "2 filtered",
        "verified_system_messages": "3 verified",
        "aligned_responses": "4 aligned",
    }
    assert [phase.label for phase in PHASES] == list(LABELS.values())[1:]


@pytest.mark.parametrize(
    ("phase", "reads"),
    [
        pytest.param(ANNOTATION, (CONVERSATIONS,), id="annotation"),
        pytest.param(FILTERING, (ANNOTATED,), id="filtering"),
        pytest.param(VERIFICATION, (FILTERED,), id="verification"),
        pytest.param(ALIGNMENT, (VERIFIED, CONVERSATIONS), id="alignment"),
    ],
)
def test_a_phase_reads_the_rows_of_the_one_before(phase: Phase, reads: tuple[Any, ...]) -> None:
    assert phase.reads == reads
    assert phase.before == STEPS[phase.number - 1] == reads[0]


def test_a_model_is_asked_in_all_phases_but_the_second() -> None:
    assert [phase for phase in PHASES if not phase.asks] == [FILTERING]
    assert [phase.prompt(PAPER) for phase in PHASES] == [
        annotation.PROMPT,
        None,
        verification.PROMPT,
        None,
    ]


@every_phase
def test_an_answer_is_decoded_as_in_the_paper(phase: Phase) -> None:
    assert phase.sampling == paper.SAMPLING.get(phase.number)


# As version 0.1 stored them: any other text would make every stored partition out of date.
AS_BEFORE = {
    ANNOTATION: f"{annotation.PROMPT.fingerprint} samples=1 repair=False",
    FILTERING: "drop_rule=malformed_boundary",
    VERIFICATION: (
        f"{verification.PROMPT.fingerprint} unreadable_verdict=remove constrain_verdicts=False "
        "verdict_confidence=False"
    ),
    ALIGNMENT: None,
}


@every_phase
def test_the_usual_settings_have_the_versions_of_the_version_before(phase: Phase) -> None:
    assert phase.code_version(PAPER) == AS_BEFORE[phase]
    assert phase.code_version(load_catalog(FULL_CATALOG).method) == AS_BEFORE[phase]


@pytest.mark.parametrize(
    ("phase", "changes", "version"),
    [
        pytest.param(
            *(ANNOTATION, {"samples": 3}, "samples=3 repair=False drop_rule=malformed_boundary"),
            id="samples",
        ),
        pytest.param(
            ANNOTATION,
            {"repair": True, "drop_rule": DropRule.NO_PHRASE_LEFT},
            "samples=1 repair=True drop_rule=no_phrase_left",
            id="repair",
        ),
        pytest.param(
            *(ANNOTATION, {"drop_rule": DropRule.NO_PHRASE_LEFT}, "samples=1 repair=False"),
            id="one-attempt-needs-no-rule",
        ),
        pytest.param(
            *(FILTERING, {"drop_rule": DropRule.NO_PHRASE_LEFT}, "drop_rule=no_phrase_left"),
            id="drop-rule",
        ),
        pytest.param(
            *(FILTERING, {"mend": True}, "drop_rule=malformed_boundary mend=True"), id="mend"
        ),
        pytest.param(
            ANNOTATION,
            {"demonstrations": Demonstrations.AS_TURNS},
            "samples=1 repair=False",
            id="other-demonstrations-are-other-words",
        ),
        pytest.param(
            ANNOTATION,
            {"samples": 2, "mend": True},
            "samples=2 repair=False drop_rule=malformed_boundary mend=True",
            id="what-is-well-formed-decides-among-several",
        ),
        pytest.param(
            VERIFICATION,
            {
                "unreadable_verdict": UnreadableVerdict.KEEP,
                "constrain_verdicts": True,
                "verdict_confidence": True,
            },
            "unreadable_verdict=keep constrain_verdicts=True verdict_confidence=True",
            id="verdicts",
        ),
        pytest.param(*(ALIGNMENT, {"answers": 4}, "answers=4"), id="answers"),
        pytest.param(
            *(ALIGNMENT, {"contradiction": Contradiction.DROP}, "contradiction=drop"),
            id="contradiction",
        ),
    ],
)
def test_other_settings_are_other_versions_in_the_same_words(
    phase: Phase, changes: dict[str, Any], version: str
) -> None:
    method = PAPER.model_copy(update=changes)
    prompt = phase.prompt(method)
    words = [prompt.fingerprint] if prompt else []

    found = phase.code_version(method)
    assert found == " ".join([*words, version])


@every_phase
def test_a_setting_of_one_phase_is_no_change_of_another(phase: Phase) -> None:
    changes: dict[Phase, dict[str, Any]] = {
        ANNOTATION: {"samples": 2},
        FILTERING: {"drop_rule": DropRule.NO_PHRASE_LEFT},
        VERIFICATION: {"unreadable_verdict": UnreadableVerdict.KEEP},
    }
    changed = [
        changing
        for changing, settings in changes.items()
        if phase.code_version(PAPER.model_copy(update=settings)) != AS_BEFORE[phase]
    ]
    assert changed == ([phase] if phase in changes else [])


@every_phase_that_asks
def test_another_sampling_than_the_paper_s_is_another_version(phase: Phase) -> None:
    assert phase.sampling
    warmer = replace(phase, sampling=replace(phase.sampling, temperature=0.9))
    longer = replace(phase, sampling=replace(phase.sampling, max_tokens=2048))
    usual = f"{AS_BEFORE[phase]} " if AS_BEFORE[phase] else ""

    assert warmer.code_version(PAPER) == (
        f"{usual}temperature=0.9 max_tokens={phase.sampling.max_tokens}"
    )
    assert longer.code_version(PAPER) == f"{usual}temperature=0.7 max_tokens=2048"


def test_other_words_of_a_prompt_are_another_version() -> None:
    swapped = replace(ANNOTATION, prompt=lambda _: verification.PROMPT)

    assert (
        swapped.code_version(PAPER) == f"{verification.PROMPT.fingerprint} samples=1 repair=False"
    )


def test_a_phase_without_anything_of_its_own_has_no_version() -> None:
    plain = Phase(5, ALIGNED, reads=(VERIFIED,))

    assert (plain.asks, plain.code_version(PAPER)) == (False, None)
    assert replace(plain, sampling=Sampling(0.5, 10)).code_version(PAPER) == (
        "temperature=0.5 max_tokens=10"
    )
