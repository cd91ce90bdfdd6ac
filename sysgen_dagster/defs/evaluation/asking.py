"""Who is asked in an evaluation: the subject for answers, a judge for gradings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.catalog.subjects import MessageIn
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest
from sysgen_dagster.defs.plumbing.metadata import SIMULATED
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.resources import ModelSession
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.inference.chat_api import fold_system_message
from sysgen_dagster.tables.table import WHOLE


class NoJudgeError(SysgenError):
    """A judge has to grade, and the catalogue names none."""


@dataclass(frozen=True, slots=True)
class SubjectSession:
    """The subject of a partition, to be asked.

    Attributes:
        session: With the model that answers.
        message_in: Where it is shown the system message.
    """

    session: ModelSession
    message_in: MessageIn

    def ask(self, requests: Iterable[ChatRequest], total: int) -> pl.DataFrame:
        """As `ModelSession.ask`, with the system message where the subject has it."""
        requests = (replace(each, messages=self.shown(each.messages)) for each in requests)
        return self.session.ask(requests, total)

    def shown(self, messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
        """The messages as the subject is sent them."""
        return fold_system_message(messages) if self.message_in is MessageIn.USER else messages


def open_subject(run: AssetRun) -> SubjectSession:
    """A session with the subject of the partition.

    Raises:
        EngineError: Its model cannot be reached or started.
    """
    subject = run.subject
    model = CATALOG.model_of_subject(subject.name)
    run.note(answers=model.name, message_in=subject.message_in.value)
    return SubjectSession(run.open_session(model), subject.message_in)


def open_grader(run: AssetRun) -> ModelSession:
    """A session with the model that grades.

    Raises:
        NoJudgeError: The catalogue names none.
        EngineError: It cannot be reached or started.
    """
    name = CATALOG.evaluation.judge
    if name is None:
        raise NoJudgeError(
            f"{run.table.name} needs a model that grades: name an entry of `models` or `judges` as "
            "`judge` under `evaluation` in the catalogue"
        )
    if run.at.subject is not None:
        answers = CATALOG.model_of_subject(run.subject.name)
        run.note(judge_is_subject=name == answers.name)
    run.note(judge=name)
    return run.open_session(CATALOG.served[name], f"{name}/{run.at.key or WHOLE}")


def note_simulated(run: AssetRun, completions: pl.DataFrame) -> None:
    """Say in the UI that no model wrote what was answered, where that is so."""
    if "simulated" in completions["engine"]:
        run.note(simulated=SIMULATED)


def pool_of_subjects() -> str:
    """The Dagster pool of what asks subjects: `judge` where all are endpoints, else `gpu`."""
    engines = {CATALOG.model_of_subject(name).engine for name in CATALOG.subjects}
    return "judge" if engines == {Engine.ENDPOINT} else "gpu"


def pool_of_grader() -> str:
    """The Dagster pool of what asks the model that grades, likewise."""
    judge = CATALOG.evaluation.judge
    is_endpoint = judge is not None and CATALOG.served[judge].engine is Engine.ENDPOINT
    return "judge" if is_endpoint else "gpu"
