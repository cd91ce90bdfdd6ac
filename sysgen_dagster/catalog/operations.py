"""Settings of what runs beside the lanes: samples, learned metrics, the schedule."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import model_validator

from sysgen_dagster.catalog.entries import AtLeastOne, Count, Cron, Entry, Name, Switch
from sysgen_dagster.catalog.rules import rule

EVERY_ROW: Literal["all"] = "all"
Rows = Literal["all"] | Count  # of each source


class Judging(Entry):
    """Which model judges rows, and how many of each source; 0: none.

    Where no judge is named, every model judges itself, and only what a number of rows is given for.
    """

    judge: Name | None = None  # a name in `judges` or `models`; null: every model judges itself
    # All of them are asked about phrases, and more than half have to say the same; empty: `judge`.
    # Samples are judged by `judge`, or by the first of these where it is not given.
    judges: tuple[Name, ...] = ()
    preference_rows: Count = 200  # the paper's 1,000, divided among five sources
    alignment_rows: Count = 20  # as in the paper
    # Of how many rows the phrases go to the judge that rules cannot decide. Rules look at all rows.
    obedience: Rows = EVERY_ROW
    seed: Count = 0  # of the samples

    @property
    def asks_anything(self) -> bool:
        """Whether any row is judged."""
        return bool(self.preference_rows or self.alignment_rows or self.obedience)

    @rule("judges")
    def _require_each_judge_once(self) -> str | None:
        is_once = len(set(self.judges)) == len(self.judges)
        return None if is_once else "a judge is named twice: name each once"

    @model_validator(mode="before")
    @classmethod
    def _judge_nothing_unasked(cls, given: Any) -> Any:
        asked = ("preference_rows", "alignment_rows", "obedience")
        if not isinstance(given, Mapping):
            return given
        if (judges := given.get("judges")) and isinstance(judges, list) and not given.get("judge"):
            return {**given, "judge": judges[0]}
        return given if given.get("judge") else {**dict.fromkeys(asked, 0), **given}


class Conflicts(Entry):
    """How many messages are put to the test by users who ask for the opposite; 0: none."""

    messages_a_shard: Count = 0  # each takes six requests
    seed: Count = 0  # chooses the messages


class Filling(Entry):
    """The schedule that fills the missing partitions of the phases."""

    cron: Cron = "*/30 * * * *"
    partitions_a_tick: AtLeastOne = 4  # how many partitions are in flight at most
    most_failures: AtLeastOne = 2  # of one partition; it is not tried again after that
    # Whether partitions are filled again when their conversations change; if not, the schedule
    # only names them.
    refill_changed: Switch = False


class LearnedSimilarity(Entry):
    """Similarity metrics that need a model of their own; each is computed where it has weights."""

    bertscore_weights: str | None = None  # name on the Hub or a folder
    bertscore_layer: AtLeastOne | None = None  # layer whose states are compared; null: the last
    bleurt_weights: str | None = None  # a folder of a BLEURT checkpoint for PyTorch
    rows: AtLeastOne = 2_000  # of each source
    seed: Count = 0  # of the sample
