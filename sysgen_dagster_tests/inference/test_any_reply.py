"""Whatever a server replies, every request ends: with an outcome, or an error that says why."""

import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.inference import openai_client
from sysgen_dagster.inference.chat_api import EngineError, ModelIdentity
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.probing import probe_server
from sysgen_dagster.inference.quoting import MOST_QUOTED
from sysgen_dagster_tests.fuzzing import EXAMPLES
from sysgen_dagster_tests.inference.batches import ask, endpoint_at, question
from sysgen_dagster_tests.inference.scripted_servers import Player, Script, playing, scripts

TOGETHER = 20  # replies of one example, to requests that are in flight together
SOON_S = 30.0  # an example takes tenths of a second; a busy machine may take its time
_SEEDS = count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Player, str]]:
    with playing() as it:
        yield it


def any_replies(examples: int) -> settings:
    """So many examples, without the phases that look for causes of what does not fail."""
    return settings(
        max_examples=examples,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of its own, as a ledger looks at all that lie beside and below it."""
    return tmp_path_factory.mktemp("ledgers")


def play(server: tuple[Player, str], played: Sequence[Script], folder: Path) -> None:
    """Ask one question for each script, and require an end of each."""
    player, url = server
    seeds = [next(_SEEDS) for _ in played]
    player.scripts = dict(zip(seeds, played, strict=True))
    waits = {"attempt_s": 0.1, "patience_s": 0.2, "deadline_s": 2.0, "longest_retry_after_s": 0.05}
    endpoint = endpoint_at(url, **waits, first_delay_s=0.001, longest_delay_s=0.01)
    ledger = Ledger(folder / f"{seeds[0]}.jsonl")
    began = time.monotonic()
    said = []
    try:
        rows = ask(endpoint, [question(seed) for seed in seeds], ledger)
    except SysgenError as error:
        said.append(str(error))
    else:
        assert rows["seed"].to_list() == seeds
        for row in rows.iter_rows(named=True):
            assert (row["text"] is None) == (row["failed_because"] is not None)
            said += [row["failure"] or "", row["finish_reason"] or ""]
    finally:
        ledger.path.unlink(missing_ok=True)
    assert all(each.isprintable() and len(each) < 3 * MOST_QUOTED for each in said)
    assert time.monotonic() - began < SOON_S


HELD = Constraint({"regex": "yes"}, 'root ::= "yes"', {"enum": ["yes"]})
batches = st.lists(scripts, min_size=TOGETHER, max_size=TOGETHER)


@any_replies(400 // TOGETHER)
@given(played=batches)
def test_every_request_ends_whatever_the_server_replies(
    server: tuple[Player, str], folder: Path, played: list[Script]
) -> None:
    play(server, played, folder)


@pytest.mark.slow
@any_replies(EXAMPLES // TOGETHER)
@given(played=batches)
def test_every_one_of_many_requests_ends_whatever_the_server_replies(
    server: tuple[Player, str], folder: Path, played: list[Script]
) -> None:
    play(server, played, folder)


@any_replies(40)
@given(script=scripts)
def test_the_questions_to_a_server_end_whatever_it_replies(
    server: tuple[Player, str], script: Script
) -> None:
    player, url = server
    player.scripts = {None: script, 0: script}
    model = ModelIdentity("phi-4", "phi", None, "endpoint")
    began, said = time.monotonic(), ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openai_client, "QUESTION_S", 0.2)
        try:
            probe_server(model, url, None, None, 0, HELD)
        except EngineError as error:
            said = str(error)
    assert said.isprintable()
    assert time.monotonic() - began < SOON_S
