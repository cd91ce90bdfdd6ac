"""Which rows make up a named mixture: filters first, then how many of each source.

Limits on the number of rows apply to the train split only. Validation and test are filtered too but
kept whole, so that mixtures of different sizes are measured on the same rows. One row of each
instruction is no such limit: it holds in every split.
"""

from collections.abc import Mapping
from fractions import Fraction

import polars as pl

from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.catalog.recipes import Obeyed, Recipe
from sysgen_dagster.lanes.multifaceted.tables import instruction_of
from sysgen_dagster.storage.cuts import materialize_again, summarize_shards
from sysgen_dagster.storage.store import OtherCutError
from sysgen_dagster.training_sets.draws import draw_numbers
from sysgen_dagster.training_sets.exported_rows import stored_variant
from sysgen_dagster.training_sets.splits import Split
from sysgen_dagster.training_sets.tables import MIXTURES

# Of which phrases a row has none: null, where nobody looked, is not none.
_NONE_OF: Mapping[Obeyed, tuple[str, ...]] = {
    Obeyed.ALL: ("phrases_not_obeyed", "phrases_unknown"),
    Obeyed.NONE_BROKEN: ("phrases_not_obeyed",),
}


def is_in_form_of(recipe: Recipe) -> pl.Expr:
    """Whether a row of `table_of(recipe)` has the recipe's variant or kind of rejected answer.

    Where only rejected answers that break a phrase are wanted, pairs of which nobody has looked are
    of the kind, too, so that whoever reads them can refuse them.
    """
    if recipe.rejected:
        is_kind = pl.col("rejected_is").is_in([kind.value for kind in recipe.rejected])
        breaks = (pl.col("rejected_not_obeyed") > 0).fill_null(value=True)
        return is_kind & breaks if recipe.rejected_breaks else is_kind
    return pl.col("variant") == stored_variant(recipe.variant).value


def only_obeying(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Those with `tables.PHRASE_COUNTS` as the recipe asks for; all where it does not."""
    if recipe.obeyed is None:
        return rows
    return rows.filter(pl.col(name) == 0 for name in _NONE_OF[recipe.obeyed])


def only_matching(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Those of the recipe's sources and models, with tags and flags as it asks for."""
    return rows.filter(_filters(recipe))


def only_taken(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Those that a mixture may hold: each pair by itself, whatever others its conversation has.

    Args:
        rows: Of `table_of(recipe)`, whole or the columns that `select_candidates` takes.
        recipe: The mixture's entry in the catalogue.
    """
    in_form = rows.filter(is_in_form_of(recipe))
    return only_obeying(only_matching(in_form, recipe), recipe)


def select_candidates(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """`tables.MIXTURES` of the rows that pass the recipe's filters, before its limits.

    Args:
        rows: Some of the stored rows, such as those of one shard: ``conversation_id``, ``source``,
            ``model``, ``shard``, ``split``, ``tags``, ``flags``, `tables.PHRASE_COUNTS`, and
            ``variant`` or, of pairs, ``rejected_is`` and ``rejected_not_obeyed``.
            Several pairs of a conversation and model become one row of the mixture.
        recipe: The mixture's entry in the catalogue.
    """
    candidates = only_taken(rows, recipe).select(MIXTURES.names)
    return candidates.unique(["conversation_id", "model"]) if recipe.rejected else candidates


def require_one_shard_each(candidates: pl.DataFrame) -> None:
    """Do nothing where each conversation is in one shard.

    Raises:
        OtherCutError: One is in two.
    """
    places = candidates.group_by("conversation_id").agg(pl.col("shard").unique())
    doubled = places.filter(pl.col("shard").list.len() > 1).sort("conversation_id")
    if doubled.height:
        shards = doubled["shard"].explode().unique()
        raise OtherCutError(
            f"{summarize_shards(shards)} are of different cuts: {doubled.height} conversations are "
            f"in two of them, {doubled['conversation_id'][0]} is the first. "
            f"{materialize_again(split_shard(shards[0])[0])}"
        )


def build_mixture(candidates: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """`tables.MIXTURES`: the rows of one mixture, sorted by where they are stored.

    A source with more rows than its limit gives those of the conversations that are drawn first.
    The draw depends on the conversation alone, not on the model or the order of the candidates: as
    far as the models have the same conversations, the same ones are taken of each.

    Args:
        candidates: `select_candidates` of all rows of all models.
        recipe: Its ``rows`` are divided among the sources by their weights; where a source has too
            few rows, the other sources give the rest. With ``one_an_instruction`` these are the
            rows that are left when of each instruction one is drawn.
    """
    if recipe.one_an_instruction:
        candidates = _one_an_instruction(candidates, recipe.seed)
    in_train = pl.col("split") == Split.TRAIN.value
    train = candidates.filter(in_train)
    available = dict(train.group_by("source").len().iter_rows())
    limits = _limits(available, recipe)
    taken = train if limits == available else _first_drawn(train, limits, recipe.seed)
    return pl.concat([taken, candidates.filter(~in_train)]).sort(
        "source", "shard", "conversation_id", "model"
    )


def _filters(recipe: Recipe) -> list[pl.Expr]:
    rules = [pl.col("tags").list.n_unique().fill_null(0) >= recipe.least_tags]
    if recipe.sources:
        rules.append(pl.col("source").is_in(recipe.sources))
    if recipe.models:
        rules.append(pl.col("model").is_in(recipe.models))
    if recipe.leave_out:
        flagged = [pl.col("flags").list.contains(flag) for flag in recipe.leave_out]
        rules.append(~pl.any_horizontal(flagged).fill_null(False))
    return rules


def _limits(available: Mapping[str, int], recipe: Recipe) -> dict[str, int]:
    """How many of its available rows each source gives."""
    most = {source: min(n, recipe.rows_of.get(source, n)) for source, n in available.items()}
    if recipe.rows is None:
        return most
    return _divide(min(recipe.rows, sum(most.values())), most, recipe.weights)


def _divide(rows: int, most: Mapping[str, int], weights: Mapping[str, float]) -> dict[str, int]:
    """`rows`, at most the sum of `most`, by weights (else 1) and largest remainders."""
    given: dict[str, int] = {}
    while True:
        weight = {source: Fraction(weights.get(source, 1)) for source in most.keys() - given.keys()}
        left = rows - sum(given.values())
        shares = {source: left * each / sum(weight.values()) for source, each in weight.items()}
        full = {source: most[source] for source, share in shares.items() if share >= most[source]}
        if not full:
            return given | _round(shares)
        given |= full


def _round(shares: Mapping[str, Fraction]) -> dict[str, int]:
    """The shares as whole numbers of the same sum, by largest remainders."""
    numbers = {source: int(share) for source, share in shares.items()}
    left = int(sum(shares.values())) - sum(numbers.values())
    by_remainder = sorted(shares, key=lambda source: (numbers[source] - shares[source], source))
    return numbers | {source: numbers[source] + 1 for source in by_remainder[:left]}


def _one_an_instruction(candidates: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Of each instruction the row that is drawn first."""
    rows = candidates.select(name=pl.format("{}/{}", "conversation_id", "model"))["name"]
    drawn = candidates.with_columns(
        draw_numbers(rows, f"instruction/{seed}"), instruction=instruction_of("conversation_id")
    )
    first = drawn.sort("draw", "conversation_id", "model").unique(
        "instruction", keep="first", maintain_order=True
    )
    return first.select(MIXTURES.names)


def _first_drawn(train: pl.DataFrame, limits: Mapping[str, int], seed: int) -> pl.DataFrame:
    conversations = train.select(pl.col("conversation_id").unique())
    drawn = conversations.with_columns(
        draw_numbers(conversations["conversation_id"], f"mixture/{seed}")
    )
    limit = pl.col("source").replace_strict(limits, return_dtype=pl.UInt32)
    return (
        train.join(drawn, on="conversation_id", how="left")
        .sort("source", "draw", "conversation_id", "model")
        .filter(pl.int_range(pl.len()).over("source") < limit)
        .select(MIXTURES.names)
    )


def count_missing(mixture: pl.DataFrame, recipe: Recipe) -> int:
    """How many rows of the train split the recipe asks for that the mixture does not have."""
    taken = mixture.filter(split=Split.TRAIN.value).height
    return max((recipe.rows or 0) - taken, 0)


def summarize_mixture(mixture: pl.DataFrame) -> pl.DataFrame:
    """One row per source, model and split of a mixture: ``source``, ``model``, ``split``, ``rows``.

    Splits are in the order train, validation, test.
    """
    counts = mixture.group_by("source", "model", "split").agg(rows=pl.len().cast(pl.UInt32))
    return counts.sort("source", "model", pl.col("split").cast(pl.Enum(Split)))
