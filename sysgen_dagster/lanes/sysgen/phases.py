"""The four phases of SysGen, each declared once: what it reads, what it asks, what it fills.

A phase's label, the table before it and the version of its code follow from the declaration. The
work of each phase is in the module of its name: `annotation`, `filtering`, `verification`,
`alignment`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sysgen_dagster.chat.messages import Sampling
from sysgen_dagster.chat.prompts import Prompt
from sysgen_dagster.lanes.sysgen import alignment, annotation, paper, verification
from sysgen_dagster.lanes.sysgen.settings import Contradiction, Method
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import Table


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase.

    Attributes:
        number: The paper's number of the phase.
        table: The table that the phase fills.
        reads: The tables that it reads; it has one row per kept row of the first.
        prompt: Given the method, the prompt that the model is asked with; None where no prompt of
            ours is sent.
        sampling: How the model's answer is decoded; None where no model is asked.
        settings: Given the method, the names of its fields that the phase's rows depend on.
    """

    number: int
    table: Table
    reads: tuple[Table, ...]
    prompt: Callable[[Method], Prompt | None] = lambda _: None
    sampling: Sampling | None = None
    settings: Callable[[Method], tuple[str, ...]] = lambda _: ()

    @property
    def asks(self) -> bool:
        """Whether a model is asked."""
        return self.sampling is not None

    @property
    def before(self) -> Table:
        """The table whose kept rows are the rows of this phase."""
        return self.reads[0]

    @property
    def label(self) -> str:
        """Number and short name, for tables that people read, such as ``1 annotated``."""
        return f"{self.number} {self.table.name.partition('_')[0]}"

    @property
    def title(self) -> str:
        """Number and short name as a report has them, such as ``Phase 1, annotated``."""
        return f"Phase {self.number}, {self.table.name.partition('_')[0]}"

    def code_version(self, method: Method) -> str | None:
        """What the rows depend on besides the input rows; None where that is nothing.

        Dagster stores it with a partition and shows the partition as out of date when it changes.
        Sampling is part of it only where it differs from the paper's: partitions of version 0.1,
        whose code versions do not name the sampling, must stay up to date.
        """
        values = method.model_dump(mode="json")
        parts = [f"{name}={values[name]}" for name in self.settings(method)]
        if (prompt := self.prompt(method)) is not None:
            parts.insert(0, prompt.fingerprint)
        if self.sampling is not None and self.sampling != paper.SAMPLING.get(self.number):
            parts.append(f"temperature={self.sampling.temperature}")
            parts.append(f"max_tokens={self.sampling.max_tokens}")
        return " ".join(parts) or None


def _annotation_settings(method: Method) -> tuple[str, ...]:
    # Phase 1 applies the drop rule only to choose among several attempts at a conversation.
    has_several = method.samples > 1 or method.repair
    return ("samples", "repair", *(_filtering_settings(method) if has_several else ()))


def _filtering_settings(method: Method) -> tuple[str, ...]:
    # Named only where it is on: code versions of stored partitions do not know of it.
    return ("drop_rule", *(("mend",) if method.mend else ()))


def _alignment_settings(method: Method) -> tuple[str, ...]:
    # Named only where they are on: code versions of stored partitions do not know of them.
    has_several, allows = method.answers > 1, method.contradiction is Contradiction.ALLOW
    return (*(("answers",) if has_several else ()), *(() if allows else ("contradiction",)))


ANNOTATION = Phase(
    1,
    ANNOTATED,
    reads=(CONVERSATIONS,),
    prompt=lambda method: annotation.PROMPTS[method.demonstrations],
    sampling=annotation.SAMPLING,
    settings=_annotation_settings,
)
FILTERING = Phase(2, FILTERED, reads=(ANNOTATED,), settings=_filtering_settings)
VERIFICATION = Phase(
    3,
    VERIFIED,
    reads=(FILTERED,),
    prompt=lambda _: verification.PROMPT,
    sampling=verification.SAMPLING,
    settings=lambda _: ("unreadable_verdict", "constrain_verdicts", "verdict_confidence"),
)
ALIGNMENT = Phase(
    4,
    ALIGNED,
    reads=(VERIFIED, CONVERSATIONS),
    sampling=alignment.SAMPLING,
    settings=_alignment_settings,
)

PHASES = (ANNOTATION, FILTERING, VERIFICATION, ALIGNMENT)
# The tables that a conversation passes through, in order.
STEPS = (CONVERSATIONS, *(phase.table for phase in PHASES))
LABELS = {CONVERSATIONS.name: CONVERSATIONS.name} | {p.table.name: p.label for p in PHASES}
TITLES = {phase.table.name: phase.title for phase in PHASES}
