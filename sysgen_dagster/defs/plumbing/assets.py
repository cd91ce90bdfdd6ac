"""The one way to declare an asset that makes a table: a function of an `AssetRun` that gives rows.

Partitions, dependencies, columns, group and key follow from the table and from those that it reads.
"""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from typing import Any

import dagster as dg
from pydantic import ValidationError

from sysgen_dagster.defs.plumbing.failures import errors_as_failures
from sysgen_dagster.defs.plumbing.metadata import column_metadata, progress_metadata
from sysgen_dagster.defs.plumbing.partitions import (
    asset_key,
    dependency,
    partitions_of,
    read_through,
)
from sysgen_dagster.defs.plumbing.table_io import AssetRun, store_result
from sysgen_dagster.defs.plumbing.versions import read_tags
from sysgen_dagster.tables.table import Frame, Table

# The function of an asset; one that takes settings of a run has them as its second argument.
Make = Callable[..., Frame]
# Metadata of an asset: the names of those that it reads and that are no dependency of it.
_ALSO_READS = "also_reads"


def also_read(metadata: Mapping[str, Any]) -> list[dg.AssetKey]:
    """The keys of what an asset reads that is no dependency of it, by the asset's metadata."""
    return [dg.AssetKey(name) for name in metadata.get(_ALSO_READS, ())]


def _also_reads(through: Sequence[Table]) -> dict[str, Any]:
    return {_ALSO_READS: [each.name for each in through]} if through else {}


def _begin(
    context: dg.AssetExecutionContext, table: Table, through: Sequence[Table], **given: Any
) -> AssetRun:
    """The run, with the data versions noted that it is going to read beside its dependencies."""
    key = context.partition_key if context.has_partition_key else None
    run = AssetRun(table, table.partition_of(key), context, **given)
    for each in through:
        run.tags |= read_tags(context.instance, asset_key(each), str(run.at.shard))
    return run


def _read_config(config: type[dg.Config], context: dg.AssetExecutionContext) -> dg.Config:
    """The settings of a run.

    Raises:
        dg.Failure: A value makes no sense; Dagster itself looks at the types alone.
    """
    try:
        return config(**context.op_execution_context.op_config)
    except ValidationError as error:
        faults = [
            f"`{'.'.join(map(str, fault['loc']))}` is {fault['input']!r}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        ]
        described = f"the run's config cannot be used, {'; '.join(faults)}. Correct it"
        raise dg.Failure(described, allow_retries=False) from None


def table_asset(
    table: Table,
    *,
    reads: Collection[Table],
    kinds: Set[str],
    pool: str | None = None,
    code_version: str | None = None,
    config: type[dg.Config] | None = None,
    description: str | None = None,
    asks: bool = False,
) -> Callable[[Make[Any]], dg.AssetsDefinition]:
    """A decorator: it makes an asset of a function from an `AssetRun` to the rows of `table`.

    Args:
        table: The table that is made; its name is the asset's key.
        reads: The tables that are read.
        kinds: The asset's tags for technology in the UI.
        pool: The concurrency pool of its steps.
        code_version: The version of all that the rows depend on besides the rows that are read.
        config: The settings of a run; the function then takes them as its second argument.
        description: Shown in the UI; the function's docstring when left out.
        asks: Whether it sends requests to a model.
    """
    resources = {"tables", "models"} if asks else {"tables"}
    through = read_through(table, reads)

    def declare(make: Make[Any]) -> dg.AssetsDefinition:
        def run(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
            given = {name: getattr(context.resources, name) for name in resources}
            settings = [_read_config(config, context)] if config else []
            making = _begin(context, table, through, **given)
            frame = make(making, *settings)
            if making.sessions:
                making.note(**progress_metadata(making.sessions[-1].progress))
            return store_result(making, frame)

        run.__name__, run.__doc__ = make.__name__, make.__doc__
        return dg.asset(
            key=asset_key(table),
            deps=[dependency(table, each) for each in reads if each not in through],
            partitions_def=partitions_of(table),
            group_name=table.group.value,
            kinds=set(kinds),
            metadata=column_metadata(table.columns) | _also_reads(through),
            description=description,
            pool=pool,
            code_version=code_version,
            required_resource_keys=resources,
            config_schema=config.to_config_schema().as_field() if config else None,
        )(errors_as_failures(run))

    return declare
