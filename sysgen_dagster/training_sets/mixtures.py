"""Which rows make up a named mixture: filters first, then how many of each source.

Numbers of rows cut the train split only. Validation and test are filtered alike and kept whole, so
that mixtures of different sizes are measured on the same rows.
"""

from collections.abc import Mapping
from fractions import Fraction

import polars as pl

from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.training_sets.draws import draw_numbers
from sysgen_dagster.training_sets.flags import require_known
from sysgen_dagster.training_sets.splits import Split
from sysgen_dagster.training_sets.tables import MIXTURES


def select_candidates(candidates: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """`tables.MIXTURES` of some candidates, such as those of one shard: what the recipe may take.

    Args:
        candidates: One row per row of `tables.TRAINING_ROWS` of the recipe's variant:
            ``conversation_id``, ``source``, ``model``, ``shard``, ``split``, ``tags``, ``flags``.
            Of a recipe with ``rejected`` instead those of `tables.PREFERENCE_PAIRS`, with
            ``rejected_is``; the pairs of a conversation and model are one row of the mixture.
        recipe: Whose filters; how many rows it takes is not looked at.

    Raises:
        FlagError: The recipe leaves out by a flag that there is not.
    """
    require_known(recipe.leave_out)
    wanted = candidates.lazy().filter(_wanted(recipe)).select(MIXTURES.names).collect()
    return wanted.unique(["conversation_id", "model"]) if recipe.rejected else wanted


def build_mixture(wanted: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """`tables.MIXTURES`: the rows of one mixture, sorted by where they are stored.

    A source that has more rows than it may give gives those of the conversations that are drawn
    first. The draw does not know the model: as far as the models have the same conversations, the
    same ones are taken of each. It does not know the order of the candidates either.

    Args:
        wanted: `takeable` of all candidates of all models.
        recipe: What to take. ``rows`` are divided among the sources by their weights, and what a
            source cannot fill goes to the others.
    """
    in_train = pl.col("split") == Split.TRAIN.value
    train = wanted.filter(in_train)
    numbers = dict(train.group_by("source").len().iter_rows())
    rows_of = _rows_of(numbers, recipe)
    taken = train if rows_of == numbers else _first_drawn(train, rows_of, recipe.seed)
    return pl.concat([taken, wanted.filter(~in_train)]).sort(
        "source", "shard", "conversation_id", "model"
    )


def _wanted(recipe: Recipe) -> list[pl.Expr]:
    rules = [pl.col("tags").list.n_unique().fill_null(0) >= recipe.least_tags]
    if recipe.sources:
        rules.append(pl.col("source").is_in(recipe.sources))
    if recipe.models:
        rules.append(pl.col("model").is_in(recipe.models))
    if recipe.rejected:
        rules.append(pl.col("rejected_is").is_in([each.value for each in recipe.rejected]))
    if recipe.leave_out:
        flagged = [pl.col("flags").list.contains(flag) for flag in recipe.leave_out]
        rules.append(~pl.any_horizontal(flagged).fill_null(False))
    return rules


def _rows_of(numbers: Mapping[str, int], recipe: Recipe) -> dict[str, int]:
    """How many rows each source gives, of so many that it has."""
    most = {source: min(rows, recipe.rows_of.get(source, rows)) for source, rows in numbers.items()}
    if recipe.rows is None:
        return most
    return _divided(min(recipe.rows, sum(most.values())), most, recipe.weights)


def _divided(rows: int, most: Mapping[str, int], weights: Mapping[str, float]) -> dict[str, int]:
    """`rows`, at most the sum of `most`, by weights (else 1) and largest remainders."""
    given: dict[str, int] = {}
    while True:
        shares = _shares(rows - sum(given.values()), most.keys() - given.keys(), weights)
        full = {source: most[source] for source, share in shares.items() if share >= most[source]}
        if not full:
            return given | _whole(shares)
        given |= full


def _shares(rows: int, sources: set[str], weights: Mapping[str, float]) -> dict[str, Fraction]:
    weight = {source: Fraction(weights.get(source, 1)) for source in sources}
    return {source: rows * weight[source] / sum(weight.values()) for source in sources}


def _whole(shares: Mapping[str, Fraction]) -> dict[str, int]:
    """The shares as whole numbers of the same sum."""
    numbers = {source: int(share) for source, share in shares.items()}
    left = int(sum(shares.values())) - sum(numbers.values())
    by_remainder = sorted(shares, key=lambda source: (numbers[source] - shares[source], source))
    return numbers | {source: numbers[source] + 1 for source in by_remainder[:left]}


def _first_drawn(train: pl.DataFrame, rows_of: Mapping[str, int], seed: int) -> pl.DataFrame:
    conversations = train.select(pl.col("conversation_id").unique())
    drawn = conversations.with_columns(
        draw_numbers(conversations["conversation_id"], f"mixture/{seed}")
    )
    allowed = pl.col("source").replace_strict(rows_of, return_dtype=pl.UInt32)
    return (
        train.join(drawn, on="conversation_id", how="left")
        .sort("source", "draw", "conversation_id", "model")
        .filter(pl.int_range(pl.len()).over("source") < allowed)
        .select(MIXTURES.names)
    )


def summarize_mixture(build_mixture: pl.DataFrame) -> pl.DataFrame:
    """Returns ``source``, ``model``, ``split`` and ``rows``: one row for each that there is."""
    counts = build_mixture.group_by("source", "model", "split").agg(rows=pl.len().cast(pl.UInt32))
    order = pl.col("split").replace_strict(
        {split.value: place for place, split in enumerate(Split)}, return_dtype=pl.UInt8
    )
    return counts.sort("source", "model", order)
