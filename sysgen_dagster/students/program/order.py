"""In which order rows are trained, and how many tokens that makes.

The order is a function of the lengths, the seed and the epoch alone, so that a training that is
resumed, or repeated on other hardware, sees the same rows in the same order. Rows that a step takes
at once have about the same length: padding to the longest would cost half of the time or more.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch.utils.data import Sampler

# So many groups of rows are sorted by length together: more would order an epoch by length.
_GROUPS_SORTED = 50


@dataclass(frozen=True, slots=True)
class Batches:
    """How rows become steps.

    Attributes:
        rows: Of the training.
        at_once: Rows that all devices take at once.
        accumulation: How often they do for one step.
        processes: How many devices there are.
    """

    rows: int
    at_once: int
    accumulation: int
    processes: int

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of an epoch; the last may have fewer rows."""
        return math.ceil(math.ceil(self.rows / self.at_once) / self.accumulation)

    def count_steps(self, epochs: int, most: int | None) -> int:
        """Optimiser steps of a training."""
        steps = self.steps_per_epoch * epochs
        return steps if most is None else min(steps, most)


class LengthOrder(Sampler[int]):
    """The positions of the rows in the order of an epoch.

    Attributes:
        epoch: From 0; it is set before each epoch.
    """

    def __init__(self, lengths: Sequence[int], batches: Batches, seed: int) -> None:
        """Begin with epoch 0.

        Args:
            lengths: Tokens of each row.
            batches: How the rows become steps.
            seed: Of the training.
        """
        self._lengths = lengths
        self._batches = batches
        self._seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order is given next."""
        self.epoch = epoch

    def __len__(self) -> int:
        """The number of rows."""
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        """Each position once: groups of rows of about one length, the groups shuffled."""
        return iter(self.order_of(self.epoch))

    def order_of(self, epoch: int) -> list[int]:
        """The positions in the order of an epoch."""
        chance = random.Random(f"{self._seed}/{epoch}")  # noqa: S311 - no secret
        shuffled = list(range(len(self._lengths)))
        chance.shuffle(shuffled)
        size = self._batches.at_once
        groups = []
        for start in range(0, len(shuffled), size * _GROUPS_SORTED):
            near = shuffled[start : start + size * _GROUPS_SORTED]
            near.sort(key=lambda at: self._lengths[at])
            groups += [near[at : at + size] for at in range(0, len(near), size)]
        # An incomplete group stays the last, or those after it would be cut across.
        incomplete = groups.pop() if groups and len(groups[-1]) < size else []
        chance.shuffle(groups)
        return [at for group in groups for at in group] + incomplete

    def count(self, amounts: Sequence[int], steps: int) -> int:
        """The sum of an amount of each row, such as its tokens, over the first steps.

        Several devices take equally many rows: at the end of an epoch the first ones once more.
        """
        batches, total = self._batches, 0
        of_a_step = batches.at_once * batches.accumulation
        for epoch in range(math.ceil(steps / batches.steps_per_epoch)):
            order = self.order_of(epoch)
            if batches.processes > 1:
                order += order[: -len(order) % batches.at_once]
            left = steps - epoch * batches.steps_per_epoch
            total += sum(amounts[at] for at in order[: left * of_a_step])
        return total
