"""Who is asked in an evaluation, and what comes of a server that fails."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import polars as pl
import pytest

import sysgen_dagster.defs.evaluation as evaluation
from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.defs.evaluation.asking import EvaluationSession

REPLIED = {"text": "yes", "engine": "endpoint"}
FAILED = {"failed_because": "server_error", "failure": "500: no credit"}
TOO_LONG = {"failed_because": "too_long", "failure": "400: 9,000 tokens"}


def session(*outcomes: list[dict[str, str]]) -> EvaluationSession:
    """A session with a model whose requests have these outcomes, a list for each time it asks."""
    tables = iter(
        pl.DataFrame(
            [
                {"request_id": str(at), "attempts": 1} | outcome
                for at, outcome in enumerate(outcome_list)
            ],
            schema=COMPLETIONS,
        )
        for outcome_list in outcomes
    )
    run: Any = SimpleNamespace(at=SimpleNamespace(key="plain"), notes={})
    run.note = run.notes.update
    model: Any = SimpleNamespace(
        model=SimpleNamespace(name="owl"), ask=lambda requests, total: next(tables)
    )
    return EvaluationSession(run, model)


def test_a_server_that_fails_at_every_request_makes_no_table() -> None:
    with pytest.raises(dg.Failure, match="500: no credit"):
        session([FAILED, FAILED]).ask([], 2)


@pytest.mark.parametrize(
    "outcomes",
    [[], [REPLIED, FAILED], [TOO_LONG, TOO_LONG]],
    ids=["nothing is asked", "one reply", "no failure of the server"],
)
def test_what_is_not_the_server_s_failure_alone_is_a_table(outcomes: list[dict[str, str]]) -> None:
    assert session(outcomes).ask([], len(outcomes)).height == len(outcomes)


def test_a_later_round_of_one_that_has_replied_may_fail_whole() -> None:
    """Such as the last turn of the one session of SysBench that has come so far."""
    asked = session([REPLIED], [FAILED])
    assert [asked.ask([], 1).height for _ in range(2)] == [1, 1]


def test_a_round_of_nothing_is_no_reply() -> None:
    asked = session([], [FAILED])
    asked.ask([], 0)
    with pytest.raises(dg.Failure):
        asked.ask([], 1)


def test_the_ui_is_told_that_no_model_wrote_what_was_answered() -> None:
    asked = session([REPLIED | {"engine": "simulated"}])
    asked.ask([], 1)
    notes: Any = asked.run
    assert "simulated" in notes.notes


def test_every_suite_asks_through_it() -> None:
    """So that no suite, also one that is yet to come, makes a table of failures."""
    folder = Path(str(evaluation.__file__)).parent
    opening = [file.name for file in folder.glob("*.py") if "open_session" in file.read_text()]
    assert opening == ["asking.py"]
