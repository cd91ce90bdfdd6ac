"""Who is asked in an evaluation: the subject for answers, a judge for gradings.

Suites open their sessions here, so that none makes a table of nothing but a server's failures.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.catalog.subjects import MessageIn
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest
from sysgen_dagster.defs.judgements import require_replies
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.resources import ModelSession
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.inference.chat_api import fold_system_message
from sysgen_dagster.tables.table import WHOLE


class NoJudgeError(SysgenError):
    """A judge has to grade, and the catalogue names none."""


@dataclass(slots=True)
class EvaluationSession:
    """A model that is asked in an evaluation: a subject, a judge or a translator.

    Attributes:
        run: The making of the partition for which it is asked.
        session: With the model.
        message_in: Where it is shown the system message.
        has_replied: Whether it has replied to any request so far.
    """

    run: AssetRun
    session: ModelSession
    message_in: MessageIn = MessageIn.SYSTEM
    has_replied: bool = False

    @property
    def model(self) -> Model:
        """Who is asked."""
        return self.session.model

    def ask(self, requests: Iterable[ChatRequest], total: int) -> pl.DataFrame:
        """As `ModelSession.ask`, with the system message where the subject has it.

        Raises:
            dg.Failure: Its server has failed at every request so far, so that there is nothing to
                put in the place of the table that is stored.
        """
        requests = (replace(each, messages=self.shown(each.messages)) for each in requests)
        completions = self.session.ask(requests, total)
        if not self.has_replied:
            require_replies(self.run, completions, self.model.name)
            self.has_replied = not completions.is_empty()
        return completions

    def shown(self, messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
        """The messages as the subject is sent them."""
        return fold_system_message(messages) if self.message_in is MessageIn.USER else messages


def open_subject(run: AssetRun) -> EvaluationSession:
    """A session with the subject of the partition.

    Raises:
        EngineError: Its model cannot be reached or started.
    """
    subject = run.subject
    model = CATALOG.model_of_subject(subject.name)
    run.note(answers=model.name, message_in=subject.message_in.value)
    return EvaluationSession(run, run.open_session(model), subject.message_in)


def open_grader(run: AssetRun) -> EvaluationSession:
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
        run.note(judge_is_subject=CATALOG.served[name].is_same_as(answers))
    run.note(judge=name)
    ledger = f"{name}/{run.at.key or WHOLE}"
    return EvaluationSession(run, run.open_session(CATALOG.served[name], ledger))


def open_translator(run: AssetRun, name: str) -> EvaluationSession:
    """A session with a model of this name that translates a benchmark.

    Raises:
        EngineError: It cannot be reached or started.
    """
    return EvaluationSession(run, run.open_session(CATALOG.served[name], name))


def pool_of_subjects() -> str:
    """The Dagster pool of what asks subjects: `judge` where all are endpoints, else `gpu`."""
    engines = {CATALOG.model_of_subject(name).engine for name in CATALOG.subjects}
    return "judge" if engines == {Engine.ENDPOINT} else "gpu"


def pool_of_grader() -> str:
    """The Dagster pool of what asks the model that grades, likewise."""
    judge = CATALOG.evaluation.judge
    is_endpoint = judge is not None and CATALOG.served[judge].engine is Engine.ENDPOINT
    return "judge" if is_endpoint else "gpu"
