"""Which instructions of the lane's sources are taken: each once, and of each source its part.

The paper names its five sources and how many instructions it has, not how they were chosen. Here a
text that stands in several places is of the first of them; every source has its part by its
``weight``, or all that it has; and which ones are taken follows from a seed and the texts alone.
Some may be held out before, for the lane's bench, by a draw of their own.
"""

import hashlib
from collections.abc import Collection, Mapping

import polars as pl

from sysgen_dagster.lanes.multifaceted.drop_reasons import NotTaken
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.tables import INSTRUCTIONS, LANE, SELECTION
from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.sources.exclusions import is_of_rows_of
from sysgen_dagster.sources.recognition import SourceError

# What is wrong with the answer of an upstream row is nothing against its instruction.
_OF_THE_ANSWER = [Unusable.NO_ANSWER.value, Unusable.EMPTY_ANSWER.value]


def build_candidates(conversations: pl.DataFrame) -> pl.DataFrame:
    """The instructions of some upstream rows of a source, with why one cannot be used.

    Args:
        conversations: `sources.tables.CONVERSATIONS` of these rows, of each row its first exchange.
    """
    reason = pl.col("drop_reason")
    is_usable = reason.is_null() | reason.is_in(_OF_THE_ANSWER)
    return conversations.select(
        *("conversation_id", "source", "source_row", "source_revision"),
        question=pl.when(is_usable).then("question"),
        drop_reason=pl.when(~is_usable).then(reason),
    )


def build_selection(candidates: pl.DataFrame, settings: Multifaceted) -> pl.DataFrame:
    """`tables.SELECTION`: one row per candidate, in their order.

    What the bench holds out is drawn first, and by another draw: however many are taken besides,
    the bench stays the same.

    Args:
        candidates: `build_candidates` of every source, in the order of the catalogue.
        settings: How many are taken and held out, of which source how many, and the seed.

    Raises:
        SourceError: No instruction is left to train on, though none was excluded.
    """
    if candidates.is_empty():
        raise _none_left(candidates, settings)
    # Sources have a million texts together: each is looked at once, and none is sorted or copied.
    rows = candidates.select(
        "source", "drop_reason", drawn=_draw_each(candidates, str(settings.seed))
    ).with_columns(is_first=pl.col("drawn").is_not_null() & pl.col("drawn").is_first_distinct())
    rows = rows.with_columns(is_held_out=pl.lit(value=False))
    if settings.bench:
        for_bench = rows.with_columns(drawn=_draw_each(candidates, f"bench/{settings.seed}"))
        held_out = _choose(for_bench, settings.bench.instructions, settings)
        rows = rows.with_columns(is_held_out=held_out.is_not_null())
    position = _choose(rows, settings.instructions, settings)
    chosen = rows.with_columns(position=position.cast(SELECTION.schema["position"])).select(
        "is_held_out",
        "position",
        drop_reason=pl.when(pl.col("drop_reason").is_not_null())
        .then("drop_reason")
        .when(~pl.col("is_first"))
        .then(pl.lit(NotTaken.DUPLICATE.value))
        .when("is_held_out")
        .then(pl.lit(NotTaken.HELD_OUT.value))
        .when(pl.col("position").is_null())
        .then(pl.lit(NotTaken.BEYOND_NUMBER.value)),
    )
    is_asked = pl.col("position").is_not_null() | pl.col("is_held_out")
    selection = (
        candidates.with_columns(chosen)
        .with_columns(question=pl.when(is_asked).then("question"))
        .select(SELECTION.names)
    )
    # A deletion request is met all the same: what is stored holds the text.
    is_deleted = Unusable.EXCLUDED.value in selection["drop_reason"]
    if not selection["position"].count() and not is_deleted:
        raise _none_left(selection, settings)
    return selection


def _none_left(rows: pl.DataFrame, settings: Multifaceted) -> SourceError:
    """What became of the rows of each source, and what to do, where none is trained on."""
    counts = rows.group_by("source", "drop_reason").len("rows").sort("rows", descending=True)
    said = dict.fromkeys(settings.sources, "no rows")
    for (name,), of_source in counts.group_by("source", maintain_order=True):
        reasons = of_source.select("drop_reason", "rows").iter_rows()
        said[str(name)] = ", ".join(f"{number:,} {reason}" for reason, number in reasons)
    became = "; ".join(f"{name}: {reasons}" for name, reasons in said.items())
    fix = "correct its `instruction` or `shape`, or give sources that have instructions"
    if settings.bench and NotTaken.HELD_OUT.value in counts["drop_reason"]:
        fix = (
            f"`bench` holds {settings.bench.instructions:,} out before others are taken, so give "
            "it fewer `instructions`, or give sources that have more"
        )
    return SourceError(f"{LANE}: no instruction is left to train on ({became}); {fix}")


def _draw_each(candidates: pl.DataFrame, seed: str) -> pl.Series:
    """For each candidate that can be used a number of 64 bits, the same for the same words.

    That two texts have the same one is as good as impossible.
    """
    words = pl.when(pl.col("drop_reason").is_null()).then(_words())
    return pl.concat(
        part.select(words)
        .to_series()
        .map_elements(lambda each: _hash(each, seed), pl.UInt64, skip_nulls=True)
        for part in candidates.iter_slices()
    )


def _choose(rows: pl.DataFrame, number: int, settings: Multifaceted) -> pl.Series:
    """So many of the instructions that are not held out, of each source its part.

    Returns:
        For each row its place among the chosen, from 0, in a random order that mixes the sources;
        null: it is not chosen.
    """
    is_free = pl.col("is_first") & ~pl.col("is_held_out")
    free = rows.select("source", drawn=pl.when(is_free).then("drawn"))
    there_are = dict(free.drop_nulls("drawn").group_by("source").len().iter_rows())
    parts = share_out(
        number,
        {name: there_are.get(name, 0) for name in settings.sources},
        {name: source.weight for name, source in settings.sources.items()},
    )
    quota = pl.col("source").replace_strict(parts, default=0, return_dtype=pl.Int64)
    is_within = (pl.col("drawn").rank("ordinal").over("source") <= quota).fill_null(value=False)
    return free.select(pl.when(is_within).then("drawn").rank("ordinal") - 1).to_series()


def _words() -> pl.Expr:
    """By what two instructions are the same: their words and signs, whatever case and blanks."""
    text = pl.col("question").str.normalize("NFKC").str.to_lowercase()
    return text.str.replace_all(r"\s+", " ").str.strip_chars()


def _hash(words: str, seed: str) -> int:
    digest = hashlib.blake2b(f"{seed}/{words}".encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")


def share_out(
    number: int, there_are: Mapping[str, int], weights: Mapping[str, float]
) -> dict[str, int]:
    """How many instructions each source gives; together `number`, or all that there are.

    A source that has fewer than its part gives all, and the others share what is missing.
    """
    parts: dict[str, int] = {}
    while open_sources := [name for name in there_are if name not in parts]:
        left = number - sum(parts.values())
        of_one = left / sum(weights[name] for name in open_sources)
        short = [name for name in open_sources if there_are[name] <= of_one * weights[name]]
        if short:
            parts |= {name: there_are[name] for name in short}
            continue
        exact = {name: of_one * weights[name] for name in open_sources}
        whole = {name: int(part) for name, part in exact.items()}
        by_rest = sorted(exact, key=lambda name: whole[name] - exact[name])
        for name in by_rest[: left - sum(whole.values())]:
            whole[name] += 1
        parts |= whole
    return {name: parts[name] for name in there_are}


def build_instructions(
    selection: pl.DataFrame, index: int, shards: int, excluded: Collection[str] = ()
) -> pl.DataFrame:
    """`tables.INSTRUCTIONS` of one shard: the taken instructions in the order of their positions.

    Args:
        selection: `tables.SELECTION`.
        index: Which shard, from 0.
        shards: Into how many the instructions are cut.
        excluded: Ids of conversations that must not be used; the rows stay, without their texts.
    """
    taken = selection.drop_nulls("position").sort("position")
    start, stop = (taken.height * edge // shards for edge in (index, index + 1))
    is_gone = is_of_rows_of(excluded)
    return (
        taken.slice(start, stop - start)
        .with_columns(
            question=pl.when(~is_gone).then("question"),
            drop_reason=pl.when(is_gone).then(pl.lit(Unusable.EXCLUDED.value)),
        )
        .select(INSTRUCTIONS.names)
    )
