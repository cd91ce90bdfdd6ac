"""Which answers of Phase 4 are refusals.

A refusal says that it will not or cannot give what was asked for, and gives no part of it either.
It is recognised by how it opens: first what may stand before it (an apology, "As an AI ...,", a
sentence of sympathy), then a clause in which "I" decline. The same clause in the middle of a
letter, a scene or an explanation is no refusal, and neither is an opening that declines one thing
and then gives another ("I can't draw, but here is ..."). These rules read English;
`may_refuse` says which answers a judge should look at.
"""

import polars as pl

from sysgen_dagster.lanes.sysgen import refusal_wordings as wordings

# Characters in which an answer has to decline, and in which it may still begin to give something.
_OPENING_CHARS = 700
# Characters after the clause from which on an answer is more than a refusal with its reasons.
_LONG = 450


def is_refusal(text: pl.Expr) -> pl.Expr:
    """Whether an answer declines what was asked and gives no part of it; null for a null text."""
    return text.map_batches(_find_refusals, return_dtype=pl.Boolean, is_elementwise=True)


def may_refuse(text: pl.Expr) -> pl.Expr:
    """Whether an answer that is none by the rules may be a refusal, so that a judge should look.

    Its opening has a word of refusals, or begins as they do in another language.
    """
    opening = _spell_out(text).str.slice(0, wordings.DOUBTFUL_CHARS)
    return ~is_refusal(text) & (
        opening.str.contains(wordings.ABROAD) | opening.str.contains(wordings.DOUBTFUL)
    )


def _find_refusals(texts: pl.Series) -> pl.Series:
    opening = texts.to_frame("text").select(text=_spell_out(pl.col("text")))
    declines = opening.with_row_index("row").filter(pl.col("text").str.contains(wordings.DECLINING))
    rest = declines.select("row", rest=_after_the_clause(declines["text"]))
    refusals = rest.filter(pl.col("rest").is_not_null(), ~_gives(pl.col("rest")))
    found = pl.int_range(pl.len()).is_in(refusals["row"].implode())
    return opening.select(pl.when(pl.col("text").is_not_null()).then(found)).to_series()


def _spell_out(text: pl.Expr) -> pl.Expr:
    opening = text.str.slice(0, _OPENING_CHARS).str.to_lowercase()
    for written, spelled in wordings.SPELLED_OUT.items():
        opening = opening.str.replace_all(written, spelled, literal=True)
    return opening.str.replace(wordings.QUOTED, "${1}").str.replace(wordings.MARKS, "")


def _after_the_clause(openings: pl.Series) -> pl.Series:
    """What follows the clause that declines; null where there is none."""
    rest = pl.Series([None] * len(openings), dtype=pl.String)
    said = openings.str.contains(wordings.SORRY)
    plain = openings.str.replace_all(wordings.ADVERBS, "")
    for _ in range(1 + wordings.SENTENCES_BEFORE):
        clause = plain.str.replace(wordings.WORDS_BEFORE, "")
        for pattern, holds in (
            (wordings.CLAUSE, True),
            (wordings.CLAUSE_AFTER_WORDS, said | (clause != plain)),
        ):
            found = clause.str.contains(pattern) & holds & rest.is_null()
            rest = clause.str.replace(pattern, "").zip_with(found.fill_null(False), rest)
        begins = clause.str.contains(wordings.SENTENCE_BEFORE)
        sentence = clause.zip_with(begins.fill_null(False), plain)
        said = sentence.str.contains(wordings.SENTENCE_BEFORE)
        without = sentence.str.replace(wordings.SENTENCE_BEFORE, "")
        plain = without.zip_with(said.fill_null(False), pl.Series([None], dtype=pl.String))
    return rest


def _gives(rest: pl.Expr) -> pl.Expr:
    """Whether what follows the clause that declines gives something all the same."""
    turned = pl.coalesce(
        rest.str.extract(wordings.IN_THE_SENTENCE), rest.str.extract(wordings.IN_THE_NEXT)
    )
    after = rest.str.extract(wordings.AFTER_THE_TURN)
    tells = (after.str.len_chars() > 25) & ~after.str.contains(wordings.OFFER)
    turns = (
        pl.when(turned.str.contains(wordings.PROMISE))
        .then(tells)
        .otherwise(~turned.str.contains(wordings.OFFER))
    )
    return (
        rest.str.contains(wordings.GIVEN) | turns.fill_null(False) | (rest.str.len_chars() > _LONG)
    )
