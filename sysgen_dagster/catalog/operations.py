"""What runs beside the lanes: judges' samples, learned metrics, the schedule."""

from pydantic import NonNegativeInt, PositiveInt

from sysgen_dagster.catalog.entries import Entry, Name


class Judging(Entry):
    """How a judge looks at samples of what was made, the same number of rows of each source."""

    judge: Name | None = None  # of `judges` or `models`; null: every model judges itself
    # Of each source; 0: nothing is judged.
    preference_rows: NonNegativeInt = 200  # the paper's 1,000 over five
    alignment_rows: NonNegativeInt = 20  # as in the paper
    seed: NonNegativeInt = 0  # of the samples


class Filling(Entry):
    """How the schedule fills the gaps of the phases."""

    cron: str = "*/30 * * * *"
    partitions_a_tick: PositiveInt = 4  # at most in flight
    most_failures: PositiveInt = 2  # of a partition, then it is left alone
    # Whether what was made from conversations that have changed since is made again; else it is
    # named.
    refill_changed: bool = False


class LearnedSimilarity(Entry):
    """The metrics that need a model of their own; without weights they are not computed."""

    bertscore_weights: str | None = None  # name on the Hub or a folder
    bertscore_layer: PositiveInt | None = None  # whose states are compared; null: the last
    bleurt_weights: str | None = None  # a folder of a BLEURT checkpoint for PyTorch
    rows: PositiveInt = 2_000  # a source
    seed: NonNegativeInt = 0  # of the sample
