"""Made-up translations: they pass the back-check as often as the profile says."""

from pathlib import Path
from random import Random

import pytest

from sysgen_dagster.evaluation.sysbench.back_check import find_faults
from sysgen_dagster.evaluation.sysbench.benchmark import read_sessions
from sysgen_dagster.evaluation.sysbench.translation import Translating
from sysgen_dagster.simulated.profiles import PROFILES
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster.simulated.reading import Phase, recognise
from sysgen_dagster.simulated.translation import translate
from sysgen_dagster_tests.evaluation.sysbench.small_benchmark import session, write_benchmark


@pytest.fixture
def translating(tmp_path: Path) -> Translating:
    path = write_benchmark(tmp_path / "bench.json", *(session(at) for at in range(1, 9)))
    return Translating(read_sessions(path))


def test_a_translator_s_prompt_is_recognised(translating: Translating) -> None:
    request = next(translating.requests(translating.open))
    assert recognise([*request.messages])[0] is Phase.TRANSLATE


def test_nearly_all_keep_the_numbers_and_quoted_strings_and_all_say_what_they_are(
    translating: Translating,
) -> None:
    pieces = translating.open
    said = [
        translate(request.messages[-1]["content"], PROFILES["phi-4"], Random(at))
        for at, request in enumerate(translating.requests(pieces))
    ]
    faulty = [bool(find_faults(each.text, text)) for each, text in zip(pieces, said, strict=True)]
    assert all(text.startswith(NOTICE) for text in said)
    assert 0 < sum(faulty) < 0.1 * len(faulty)
