"""What the lane asks a model for, each step declared once: what it reads, asks and depends on."""

from dataclasses import dataclass

from sysgen_dagster.chat.messages import Sampling
from sysgen_dagster.chat.prompts import Prompt
from sysgen_dagster.lanes.multifaceted import gold_answers, preference_messages, preference_sets
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    JUDGED_PAIRS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
)
from sysgen_dagster.tables.table import Table


@dataclass(frozen=True, slots=True)
class Step:
    """One table whose rows a model writes.

    Attributes:
        table: The table.
        reads: The tables that it is made from, the one whose kept rows it has first.
        sampling: How replies are decoded.
        prompt: What is asked; None where no prompt of ours is sent.
        settings: The fields of the lane's settings that the rows depend on.
    """

    table: Table
    reads: tuple[Table, ...]
    sampling: Sampling
    prompt: Prompt | None = None
    settings: tuple[str, ...] = ()

    def code_version(self, settings: Multifaceted) -> str:
        """What the rows depend on besides the input rows, for Dagster."""
        values = settings.model_dump(mode="json")
        return " ".join(
            [
                *([self.prompt.fingerprint] if self.prompt else []),
                *(f"{name}={values[name]}" for name in self.settings),
                f"temperature={self.sampling.temperature}",
                f"max_tokens={self.sampling.max_tokens}",
                f"top_p={self.sampling.top_p}",
            ]
        )


SETS = Step(
    PREFERENCE_SETS,
    reads=(INSTRUCTIONS,),
    sampling=preference_sets.SAMPLING,
    prompt=preference_sets.PROMPT,
    settings=("sets", "seed", "subdimensions", "constrained", "attempts", "most_alike"),
)
MESSAGES = Step(
    PREFERENCE_MESSAGES,
    reads=(PREFERENCE_SETS,),
    sampling=preference_messages.SAMPLING,
    prompt=preference_messages.PROMPT,
    settings=("attempts", "message_characters", "subdimensions"),
)
ANSWERS = Step(
    GOLD_ANSWERS, reads=(PREFERENCE_MESSAGES, INSTRUCTIONS), sampling=gold_answers.SAMPLING
)

STEPS = (SETS, MESSAGES, ANSWERS)
# The tables that requests stand behind, in the data's order: the model's, and its judge's.
ASKED = (*(step.table for step in STEPS), JUDGED_PAIRS)
