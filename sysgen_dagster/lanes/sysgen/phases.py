"""The four phases, each declared once: what it reads, asks and makes.

What must agree with a phase follows from here: its label, the table before it, and the version of
its code, by which Dagster knows that a stored partition would come out otherwise now.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sysgen_dagster.chat.messages import Sampling
from sysgen_dagster.chat.prompts import Prompt
from sysgen_dagster.lanes.sysgen import alignment, annotation, paper, verification
from sysgen_dagster.lanes.sysgen.settings import Method
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import Table


def _no_settings(_: Method) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase.

    Attributes:
        number: As in the paper.
        table: What it makes.
        reads: Of which tables; the rows that go on of the first are its rows.
        prompt: What the model is asked with; None: no prompt of ours.
        sampling: How the model's answer is decoded; None: no model is asked.
        published: The paper's sampling, where the phase asks a model.
        settings: Names of the method's settings that its rows depend on, given the method.
    """

    number: int
    table: Table
    reads: tuple[Table, ...]
    prompt: Prompt | None = None
    sampling: Sampling | None = None
    published: Sampling | None = None
    settings: Callable[[Method], tuple[str, ...]] = _no_settings

    @property
    def asks(self) -> bool:
        """Whether a model is asked."""
        return self.sampling is not None

    @property
    def before(self) -> Table:
        """Whose rows come in."""
        return self.reads[0]

    @property
    def label(self) -> str:
        """In a table for people, such as ``1 annotated``."""
        return f"{self.number} {self.table.name.partition('_')[0]}"

    def code_version(self, method: Method) -> str | None:
        """What the rows depend on besides the input rows; None where that is nothing.

        The paper's sampling is left out, so that what was made before the sampling was part of the
        version is not taken for outdated.
        """
        values = method.model_dump(mode="json")
        parts = [f"{name}={values[name]}" for name in self.settings(method)]
        if self.prompt is not None:
            parts.insert(0, self.prompt.fingerprint)
        if self.sampling is not None and self.sampling != self.published:
            parts.append(f"temperature={self.sampling.temperature}")
            parts.append(f"max_tokens={self.sampling.max_tokens}")
        return " ".join(parts) or None


def _annotation_settings(method: Method) -> tuple[str, ...]:
    # What is well-formed matters to Phase 1 only where there is more than one attempt.
    more = ("drop_rule",) if method.samples > 1 or method.repair else ()
    return ("samples", "repair", *more)


ANNOTATION = Phase(
    1,
    ANNOTATED,
    reads=(CONVERSATIONS,),
    prompt=annotation.PROMPT,
    sampling=annotation.SAMPLING,
    published=paper.ANNOTATION_SAMPLING,
    settings=_annotation_settings,
)
FILTERING = Phase(2, FILTERED, reads=(ANNOTATED,), settings=lambda _: ("drop_rule",))
VERIFICATION = Phase(
    3,
    VERIFIED,
    reads=(FILTERED,),
    prompt=verification.PROMPT,
    sampling=verification.SAMPLING,
    published=paper.VERIFICATION_SAMPLING,
    settings=lambda _: ("unreadable_verdict", "constrain_verdicts", "verdict_confidence"),
)
ALIGNMENT = Phase(
    4,
    ALIGNED,
    reads=(VERIFIED, CONVERSATIONS),
    sampling=alignment.SAMPLING,
    published=paper.ALIGNMENT_SAMPLING,
)

PHASES = (ANNOTATION, FILTERING, VERIFICATION, ALIGNMENT)
# The steps of a row's way, the conversations first.
STEPS = (CONVERSATIONS, *(phase.table for phase in PHASES))
LABELS = {CONVERSATIONS.name: CONVERSATIONS.name} | {p.table.name: p.label for p in PHASES}
