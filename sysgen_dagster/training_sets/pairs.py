"""Preference pairs: the new answer is chosen, another answer to the same prompt is rejected.

The rejected answer is the original one, which was not written under the system message (S), another
one that the model gave under S and which breaks a rule of it, or what another model answered to the
same question under its own S. The Multifaceted Collection (arXiv 2405.17977) rejects answers to
other system messages too: such an answer may be good in itself, but it follows other instructions.
It is the other model's text, under that model's licence.

A pair says that the chosen answer obeys S better. It is not made where that is known to be untrue;
most pairs are of answers of which rules can tell little. A recipe with `rejected_breaks` takes only
those whose rejected answer is known to break a phrase.
"""

import polars as pl

from sysgen_dagster.catalog.recipes import Rejected
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.lanes.sysgen.drop_reasons import BREAKS_RULES
from sysgen_dagster.obedience.by_rules import decide_by_rules
from sysgen_dagster.obedience.phrase_judgement import list_answers
from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster.training_sets.draws import draw_numbers
from sysgen_dagster.training_sets.rows import UNDER_S, build_prompt, build_turn
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS

# Why two answers are no pair.
SAME_ANSWER = "same_answer"  # but for blanks around it
CHOSEN_BREAKS, REJECTED_OBEYS = "chosen_does_not_obey", "rejected_obeys_too"
REJECTED_OBEYS_MORE = "rejected_obeys_more"
_REJECTED = pl.concat_list("rejected_answer")


def build_preference_pairs(aligned: pl.DataFrame, foreign: pl.DataFrame) -> pl.DataFrame:
    """`tables.PREFERENCE_PAIRS` of one model: one row per conversation and kind of rejected answer.

    Args:
        aligned: One row per conversation that the model brought through all phases, with the
            columns that `build_training_rows` takes, ``phrases`` of the system message (a list of
            ``tag`` and ``text``) and ``rejected_answers`` (of ``answer`` and ``reason``).
        foreign: The same of the other models: ``conversation_id``, ``model``, ``system_message``,
            ``new_answer``. Where several models could give the rejected answer, one is drawn for
            each conversation, so that the models alternate.

    Returns:
        The pairs that reject original answers, then those that reject worse ones, then those that
        reject other models' answers, each in the order of `aligned`. The two answers of a pair
        differ in more than blanks around them. No phrase is known that the chosen answer does not
        obey; no rejected answer is known to obey them all, nor to obey more than the chosen one
        while it breaks none.
    """
    compared = compare_answers(aligned, foreign)
    return compared.filter(pl.col("left_out").is_null()).select(PREFERENCE_PAIRS.names)


def compare_answers(aligned: pl.DataFrame, foreign: pl.DataFrame) -> pl.DataFrame:
    """`tables.PREFERENCE_PAIRS` with those that are left out, and why in the column ``left_out``.

    Args:
        aligned: As `build_preference_pairs` takes it.
        foreign: The same.
    """
    original = aligned.with_columns(
        rejected_is=pl.lit(Rejected.ORIGINAL_ANSWER.value),
        rejected_model=pl.lit(None, dtype=pl.String),
        rejected_answer="answer",
    )
    of_original = count_verdicts(original)
    other = count_verdicts(
        aligned.join(
            _other_answers(aligned, foreign),
            on="conversation_id",
            maintain_order="left",
            validate="1:1",
        ).with_columns(rejected_is=pl.lit(Rejected.OTHER_SYSTEM_MESSAGE.value))
    )
    names = [name for name in of_original.columns if name != "rejected_answers"]
    every = (of_original, _worse_answers(aligned), other)
    candidates = pl.concat([each.select(names) for each in every])
    written = list_answers(candidates).alias("written")
    pairs = count_verdicts(candidates.with_columns(written), pl.col("written"), "chosen_")
    # A judge, too, has looked at the chosen answer, and rules alone at the rejected one. What is
    # stored was decided by the rules of that day, so that those of today may find more.
    chosen_obeyed = pl.max_horizontal("phrases_obeyed", "chosen_obeyed")
    obeys_more = (pl.col("rejected_not_obeyed") == 0) & (pl.col("rejected_obeyed") > chosen_obeyed)
    chosen_breaks = pl.max_horizontal("phrases_not_obeyed", "chosen_not_obeyed") > 0
    rejected_obeys = pl.col("rejected_obeyed") == pl.col("phrases").list.len()
    return pairs.with_columns(
        left_out=pl.when(~differ("new_answer", "rejected_answer"))
        .then(pl.lit(SAME_ANSWER))
        .when(chosen_breaks)
        .then(pl.lit(CHOSEN_BREAKS))
        .when(rejected_obeys & (pl.col("phrases").list.len() > 0))
        .then(pl.lit(REJECTED_OBEYS))
        .when(obeys_more)
        .then(pl.lit(REJECTED_OBEYS_MORE)),
        prompt=build_prompt(pl.col("system_message"), UNDER_S),
        chosen=pl.concat_list(build_turn(Role.ASSISTANT, pl.col("new_answer"))),
        rejected=pl.concat_list(build_turn(Role.ASSISTANT, pl.col("rejected_answer"))),
    )


def count_verdicts(
    pairs: pl.DataFrame, answers: pl.Expr = _REJECTED, prefix: str = "rejected_"
) -> pl.DataFrame:
    """The pairs with how many phrases rules say that answers obey, do not, or may obey.

    Args:
        pairs: With ``phrases`` of the system message.
        answers: The answers of each pair that are held to it: a list.
        prefix: How the columns of the counts begin; the verdicts follow.
    """
    held_to = pairs.select(answers).to_series()
    decided = decide_by_rules(pairs["phrases"], held_to).alias("decided")
    verdicts = pl.col("decided").list.eval(pl.element().struct.field("verdict"))
    counts = {
        f"{prefix}{verdict.value}": verdicts.list.count_matches(verdict.value).cast(pl.UInt32)
        for verdict in Verdict
    }
    return pairs.with_columns(decided).with_columns(**counts).drop("decided")


def _worse_answers(aligned: pl.DataFrame) -> pl.DataFrame:
    """The pairs that reject another answer under the same message: of several the worst, first."""
    tried = pl.col("rejected_answers").struct
    answers = (
        aligned.with_row_index("row")
        .explode("rejected_answers")
        .filter(tried.field("reason") == BREAKS_RULES)
        .with_columns(
            rejected_is=pl.lit(Rejected.WORSE_ANSWER.value),
            rejected_model="model",
            rejected_answer=tried.field("answer"),
        )
        .filter(differ("new_answer", "rejected_answer"))
    )
    # Rules that changed since may find nothing in it.
    broken = count_verdicts(answers).filter(pl.col("rejected_not_obeyed") > 0)
    return broken.sort(
        "row", "rejected_not_obeyed", descending=[False, True], maintain_order=True
    ).unique("row", keep="first", maintain_order=True)


def _other_answers(aligned: pl.DataFrame, foreign: pl.DataFrame) -> pl.DataFrame:
    """``conversation_id``, ``rejected_model`` and ``rejected_answer``; at most one each."""
    theirs = foreign.select(
        "conversation_id",
        rejected_model="model",
        rejected_answer="new_answer",
        rejected_message="system_message",
    )
    own = aligned.select("conversation_id", "model", "system_message", "new_answer")
    possible = theirs.join(own, on="conversation_id").filter(
        pl.col("rejected_model") != pl.col("model"),
        differ("system_message", "rejected_message"),
        differ("new_answer", "rejected_answer"),
    )
    # Adding a model changes only the pairs for which that model is drawn.
    drawn = draw_numbers(possible["rejected_model"] + "/" + possible["conversation_id"], "rejected")
    return (
        possible.with_columns(drawn)
        .sort("draw", "rejected_model")
        .unique("conversation_id", keep="first", maintain_order=True)
        .select("conversation_id", "rejected_model", "rejected_answer")
    )


def differ(one: str, other: str) -> pl.Expr:
    """Whether two columns of texts differ in more than blanks around them."""
    return pl.col(one).str.strip_chars() != pl.col(other).str.strip_chars()
