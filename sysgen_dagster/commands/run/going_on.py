"""All rows of one source by one model: the assets that the UI makes too, one run for a partition.

What is stored and up to date is not made again. A phase that a server failed ends it all, since the
next shard would meet the same server; a broken contract ends the shard.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dagster as dg
from rich.console import Console
from rich.text import Text

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.chat.quoting import made_visible
from sysgen_dagster.commands.backfill import Execute, Runs, executing, show_engine_log
from sysgen_dagster.commands.run.progress import RowsProgress, showing
from sysgen_dagster.commands.run.rows_target import RowsTarget, count_asked
from sysgen_dagster.commands.work import Work, after_conversations, work_at_the_end
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, kept

if TYPE_CHECKING:
    from sysgen_dagster.commands.run.up_to_date import UpToDate


@dataclass(slots=True)
class Going:
    """One source and one model of a deployment on their way to a training set.

    Attributes:
        rows: How many conversations are taken in all; None: all of them.
        runs: What became of the partitions.
        progress: What became of the rows.
        said: Lines about the model's servers that the user knows.
        skipped: Partitions that were up to date.
        target: How many rows are wanted; None: all.
    """

    console: Console
    catalog: Catalog
    store: Store
    source: str
    model: str
    rows: int | None
    progress: RowsProgress
    said: Collection[str] = ()
    runs: Runs = field(default_factory=Runs)
    skipped: int = 0
    target: RowsTarget | None = None
    _usable: dict[str, int] = field(default_factory=dict)
    _limits: dict[str, int] = field(default_factory=dict)
    _outcomes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def go(self) -> bool:
        """Make everything; whether nothing has failed.

        Raises:
            StoppedError: The user has ended the command.
        """
        # Here, because partitions are read from the catalogue when these are imported.
        from sysgen_dagster.commands.run.up_to_date import UpToDate
        from sysgen_dagster.definitions import defs
        from sysgen_dagster.defs.plumbing.resources import ASKING

        if self.catalog.models[self.model].engine is not Engine.SIMULATED:
            show_engine_log(self.console, said=self.said)
        ASKING.append(self.progress.take)
        try:
            with (
                executing(self.console) as (instance, execute),
                showing(self.console, self.progress),
            ):
                fresh = UpToDate(instance, self.store, (defs.resources or {})["models"])
                for work in self._work():
                    if not self._make(work, fresh, execute):
                        break
        finally:
            ASKING.remove(self.progress.take)
        return not self.runs.errors

    def _work(self) -> Iterator[Work]:
        """What is to be made, each piece once those before it are made."""
        from sysgen_dagster.defs.plumbing.partitions import SOURCE_TABLES, asset_key
        from sysgen_dagster.defs.training_sets import preference_pairs

        of_shards, of_models, of_sources = map(self._without_asking_more, after_conversations())
        for shard in self.catalog.shards(self.source):
            yield f"reading {shard}", [asset_key(SOURCE_TABLES[self.source])], shard
            yield f"conversations {shard}", [asset_key(CONVERSATIONS)], shard
            if not self._take(shard):
                break
        yield "comparing questions", of_sources, None
        has_pairs = any(recipe.rejected for recipe in self.catalog.mixtures.values())
        while more := self._take_more():
            for shard in more:
                yield from self._work_on(shard, of_shards)
            yield "statistics", of_models, self.model
            for shard in self._limits if has_pairs else ():
                yield f"pairs {shard}", [preference_pairs.key], f"{self.model}|{shard}"
        yield from work_at_the_end(self.catalog)

    def _work_on(self, shard: str, of_shards: list[dg.AssetKey]) -> Iterator[Work]:
        conversations = self._limits[shard]
        kept_before, dropped_before = self._outcomes.get(shard, (0, 0))
        self.progress.end_shard(-kept_before, -dropped_before)  # those are made anew
        self.progress.begin_shard(shard, conversations)
        yield shard, of_shards, f"{self.model}|{shard}"
        self._outcomes[shard] = self._count(shard, conversations)
        self.progress.end_shard(*self._outcomes[shard])

    def _take_more(self) -> list[str]:
        """The shards of which more conversations are taken now; none: there are enough, or no more.

        The first ones of the source are taken first, whatever they are in.
        """
        most, taken = sum(self._usable.values()), sum(self._limits.values())
        asked = count_asked(self.store, self.model, self.source)
        wanted = self.target.next_limit(taken, most, asked) if self.target else most
        before, self._limits = self._limits, {}
        for shard, usable in self._usable.items():
            limit = min(usable, wanted - sum(self._limits.values()))
            if limit > 0 or wanted == most:
                self._limits[shard] = limit
        self.progress.conversations = wanted
        return [shard for shard, limit in self._limits.items() if before.get(shard) != limit]

    def _without_asking_more(self, assets: list[dg.AssetKey]) -> list[dg.AssetKey]:
        """Those that send no requests beyond the phases; judges are asked where one is named."""
        from sysgen_dagster.defs.conflicts import CONFLICTS
        from sysgen_dagster.defs.judgements import JUDGEMENTS
        from sysgen_dagster.defs.operations.forecast import forecast
        from sysgen_dagster.defs.planted_faults import planted_faults

        others = [planted_faults, forecast]
        others += [] if self.catalog.judging.judge else JUDGEMENTS
        others += [] if self.catalog.conflicts.messages_a_shard else CONFLICTS
        return [key for key in assets if key not in {asset.key for asset in others}]

    def _take(self, shard: str) -> bool:
        """Note how many conversations of a shard are taken; whether more shards are needed."""
        at = Partition(shard=shard)
        if self.store.holds(CONVERSATIONS, at):
            usable = kept(self.store.read(CONVERSATIONS, at, "drop_reason")).height
            left = usable if self.rows is None else self.rows - self.progress.conversations
            self._usable[shard] = min(usable, left)
            self.progress.conversations += self._usable[shard]
        return self.rows is None or self.progress.conversations < self.rows

    def _count(self, shard: str, conversations: int) -> tuple[int, int]:
        """Of the conversations that were taken of a shard, those kept and those dropped."""
        at = Partition(self.model, shard)
        if not self.store.holds(ALIGNED, at):
            return 0, 0
        going_on = kept(self.store.read(ALIGNED, at, "drop_reason")).height
        return going_on, max(0, conversations - going_on)

    def _make(self, work: Work, fresh: "UpToDate", execute: Execute) -> bool:
        """Make what is not up to date of a piece of work; whether the next one can be made."""
        from sysgen_dagster.defs.plumbing.failures import is_broken_contract

        name, assets, partition = work
        shard = str(partition).rpartition("|")[-1]
        is_limited = self.rows is not None or (self.target and self.target.wanted)
        limit = self._limits.get(shard) if is_limited else None
        wanted = fresh.stale(assets, partition, limit)
        self.progress.stage = name
        if not wanted:
            self.skipped += 1
            return True
        result = execute((name, wanted, partition), limit)
        fresh.note(wanted, partition)
        self.runs.take(name, result)
        if result.success:
            return True
        for line in self.runs.errors[-1].splitlines():
            self.console.print(Text(made_visible(line), style="red"), soft_wrap=True)
        return all(is_broken_contract(event) for event in result.get_step_failure_events())
