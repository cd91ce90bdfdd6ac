"""Which answers of Phase 4 are refusals.

A refusal says that it will not or cannot give what was asked for, and gives no part of it either.
It is recognised by how it opens: first what may stand before it (an apology, "As an AI ...,", a
sentence of sympathy), then a clause in which "I" decline. The same clause in the middle of a
letter, a scene or an explanation is no refusal, and neither is an opening that declines one thing
and then gives another ("I can't draw, but here is ..."). These rules read English; and of five
more languages one short sentence (`refusals_abroad`). `may_refuse` says which answers a judge
should look at.
"""

from collections.abc import Sequence

import polars as pl

from sysgen_dagster.lanes.sysgen import refusal_openings as openings
from sysgen_dagster.lanes.sysgen import refusal_questions as questions
from sysgen_dagster.lanes.sysgen import refusal_remainders as remainders
from sysgen_dagster.lanes.sysgen import refusal_wordings as wordings
from sysgen_dagster.lanes.sysgen import refusals_abroad as abroad

# Characters in which an answer has to decline, and in which it may still begin to give something.
_OPENING_CHARS = 700
# Characters after the clause from which on an answer is more than a refusal with its reasons.
_LONG = 450
# Characters after a clause that declines only in a text of its own ("The shop is closed.").
_ALONE = 90
# Characters of an answer in another language that is one sentence.
_WHOLE = 200
# Characters in which a word that declines has to stand.
_BEGINNING_CHARS = 400


def is_refusal(text: pl.Expr, asked: pl.Expr | None = None) -> pl.Expr:
    """Whether an answer declines what was asked and gives no part of it; null for a null text.

    Args:
        text: The answers.
        asked: What the user said. Where that is a refusal ("I won't help you.", to be translated
            or said in other words), a text that declines is its wording and gives what was asked.
    """
    if asked is None:
        return text.map_batches(_find_refusals, return_dtype=pl.Boolean, is_elementwise=True)
    return pl.map_batches(
        [text, asked], _find_refusals_of_requests, return_dtype=pl.Boolean, is_elementwise=True
    )


def is_surely_refusal(text: pl.Expr, asked: pl.Expr | None = None) -> pl.Expr:
    """Whether an answer is a refusal and no other part of it tells anything; null for null.

    What it tells may be what was asked ("I cannot compare them. Tea is made from leaves ..."), in
    the same sentence too ("I can't say it in one word: debt, hunger and bad harvests."), or the
    refusal itself ("Translate ...", "Do you offer refunds?").

    Args:
        text: The answers.
        asked: As in `is_refusal`.
    """
    opening = _spell_out_opening(text)
    sentences = opening.str.extract_all(remainders.SENTENCE)
    in_others = (sentences.list.len() > 1) & _any_tells(sentences)
    in_the_same = _any_tells(opening.str.extract_all(remainders.PART_OF_A_SENTENCE))
    sure = is_refusal(text, asked) & ~in_others & ~in_the_same
    if asked is None:
        return sure
    return pl.map_batches(
        [sure, text, asked], _leave_out_what_was_asked_for, pl.Boolean, is_elementwise=True
    )


def may_refuse(text: pl.Expr, asked: pl.Expr | None = None) -> pl.Expr:
    """Whether an answer may be a refusal of which rules are not sure: a judge should look.

    It declines and tells something beside or may be what was asked for, or its opening has a word
    of refusals or of another subject, or begins as refusals do in another language.

    Args:
        text: The answers.
        asked: As in `is_refusal`.
    """
    opening = _spell_out_opening(text).str.head(wordings.DOUBTFUL_CHARS)
    short = text.str.len_chars() <= wordings.DOUBTFUL_CHARS
    return ~is_surely_refusal(text, asked) & (
        is_refusal(text)
        | opening.str.contains(abroad.OPENINGS)
        | opening.str.contains(wordings.DOUBTFUL)
        | (short & opening.str.contains(wordings.DOUBTFUL_ALONE))
    )


def _any_tells(parts: pl.Expr) -> pl.Expr:
    part = pl.element()
    tells = ~part.str.contains(remainders.TELLS_NOTHING) | part.str.contains(remainders.TELLS_WHEN)
    return parts.list.eval(tells).list.any()


def _find_refusals(texts: pl.Series) -> pl.Series:
    text = pl.col("text")
    opening = texts.to_frame("text").select(_spell_out_opening(text)).with_row_index("row")
    begins = text.str.head(_BEGINNING_CHARS)
    declines = opening.filter(begins.str.contains_any(wordings.DECLINING))
    refusals = _cut_clauses(declines).filter(~_gives(pl.col("rest")))
    short = opening.filter(text.str.len_chars() <= _WHOLE)
    abroad_too = short.filter(text.str.contains(abroad.WHOLE))
    found = pl.col("row").is_in(pl.concat([refusals["row"], abroad_too["row"]]).implode())
    return opening.select(pl.when(text.is_not_null()).then(found)).to_series()


def _find_refusals_of_requests(texts_and_messages: Sequence[pl.Series]) -> pl.Series:
    """Refusals, less those whose message is one sentence that declines somebody's request."""
    texts, messages = texts_and_messages
    addressed = messages.str.contains(wordings.DECLINES_SOMEBODY).fill_null(False)
    declining = messages.zip_with(addressed, pl.Series([None], dtype=pl.String))
    found = _find_refusals(pl.concat([texts.alias("text"), declining.alias("text")]))
    refuses, declines = found.head(len(texts)), found.tail(len(texts))
    return refuses & ~declines.fill_null(False)


def _leave_out_what_was_asked_for(series: Sequence[pl.Series]) -> pl.Series:
    """Of texts that surely decline, those that are no answer to what was asked."""
    sure, texts, messages = series
    if not sure.any():
        return sure
    declining = pl.DataFrame({"text": texts, "asked": messages}).filter(sure)
    text, asked = pl.col("text"), pl.col("asked")
    answers = questions.may_be_answered_by(text, _spell_out_opening(text), _spell_out(asked))
    refuses = declining.select(~answers.fill_null(False)).to_series()
    return sure.scatter(sure.arg_true(), refuses)


def _spell_out_opening(text: pl.Expr) -> pl.Expr:
    return _spell_out(text.str.head(_OPENING_CHARS))


def _spell_out(text: pl.Expr) -> pl.Expr:
    whole = text.str.to_lowercase()
    for spelled_out in (openings.APOSTROPHES, openings.SPELLED_OUT):
        whole = whole.str.replace_many(spelled_out, leftmost=True)
    return whole.str.replace(openings.QUOTED, "${1}").str.replace(openings.MARKS, "")


def _cut_clauses(declines: pl.DataFrame) -> pl.DataFrame:
    """The rows that have a clause that declines, and as `rest` what follows it."""
    text, plain, clause, rest = map(pl.col, ("text", "plain", "clause", "rest"))
    left = declines.select(
        "row",
        plain=text.str.replace_all(openings.ADVERBS, "").str.replace_all(openings.IDIOMS, "x"),
        said=text.str.contains(openings.SORRY),
    )
    found = [left.clear().select("row", rest="plain")]
    for _ in range(1 + openings.SENTENCES_BEFORE):
        if left.is_empty():  # to compile the patterns alone takes 70 ms
            break
        left = left.with_columns(clause=plain.str.replace(openings.WORDS_BEFORE, ""))
        left = left.with_columns(said=pl.col("said") | (clause != plain))
        reason = [
            pl.when(clause.str.contains(before)).then(clause.str.replace(before, after))
            for before, after in wordings.AFTER_REASONS
        ]
        for pattern, begun, holds in (
            (wordings.CLAUSE, clause, pl.lit(True)),
            (wordings.CLAUSE_AFTER_WORDS, clause, pl.col("said")),
            (wordings.CLAUSE, pl.coalesce(reason), pl.lit(True)),
            (wordings.CLAUSE_ALONE, clause, rest.str.len_chars() <= _ALONE),
        ):
            left = left.with_columns(begun=begun)
            left = left.with_columns(rest=pl.col("begun").str.replace(pattern, ""))
            declined = ((rest != pl.col("begun")) & holds).fill_null(False)
            found.append(left.filter(declined).select("row", "rest"))
            left = left.filter(~declined)
        cut = [
            pl.when(begun.str.contains(openings.SENTENCE_BEFORE)).then(
                begun.str.replace(openings.SENTENCE_BEFORE, "")
            )
            for begun in (clause, plain)
        ]
        left = left.select("row", plain=pl.coalesce(cut), said=pl.lit(True)).drop_nulls("plain")
    return pl.concat(found)


def _gives(rest: pl.Expr) -> pl.Expr:
    """Whether what follows the clause that declines gives something all the same."""
    turned = pl.coalesce(
        rest.str.extract(remainders.IN_THE_SENTENCE), rest.str.extract(remainders.IN_THE_NEXT)
    )
    after = rest.str.extract(remainders.AFTER_THE_TURN)
    told = (after.str.len_chars() > 25) | after.str.contains(r"^\n\s*\w")
    tells = told & ~after.str.contains(remainders.OFFER)
    turns = (
        pl.when(turned.str.contains(remainders.PROMISE))
        .then(tells)
        .otherwise(~turned.str.contains(remainders.OFFER))
    )
    return (
        rest.str.contains(remainders.GIVEN)
        | rest.str.contains(remainders.TOLD)
        | turns.fill_null(False)
        | (rest.str.len_chars() > _LONG)
    )
