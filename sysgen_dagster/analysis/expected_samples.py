"""A rough estimate of what judges will be asked about samples of the answers and labelled items.

As rough as `expected_work`, whose assumptions hold here, too. Rows that reviewers decided, which a
judge of alignment is asked about as well, are not in it.
"""

from collections.abc import Mapping

import polars as pl

from sysgen_dagster.analysis.expected_judging import FIXED_TOKENS
from sysgen_dagster.analysis.expected_work import (
    EXPECTED,
    REASONED_VERDICT,
    SYSTEM_MESSAGE,
    VERDICTS,
    length_ratio,
    tokens_of,
)
from sysgen_dagster.analysis.measured_work import FIGURES, WORK
from sysgen_dagster.catalog.operations import Judging
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES
from sysgen_dagster.chat.tokens import CHARACTERS_PER_TOKEN
from sysgen_dagster.lanes.sysgen import alignment
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.obedience import (
    alignment_judgement,
    labelled_items,
    preference_judgement,
)
from sysgen_dagster.obedience.tables import JUDGE_CALIBRATION, JUDGED_ALIGNMENT, JUDGED_PREFERENCES

# In the column ``source``: what is asked of a judge to find whether it may be believed.
LABELLED = "labelled items"
_ORDERS = len(preference_judgement.ORDERS)
_NOTHING = dict.fromkeys(("mark", "question"), "")
_PREFERENCE_TOKENS = tokens_of(
    preference_judgement.PROMPT.render(**_NOTHING, history=[], answer_a="", answer_b="")
)
_ALIGNMENT_TOKENS = tokens_of(
    alignment_judgement.PROMPT.render(**_NOTHING, history=[], system_message="", answer="")
)
# What `measure_samples` and `measure_calibration` need of the tables.
_ASKED = ("attempts", "prompt_tokens", "completion_tokens", "drop_reason")
COLUMNS = ("conversation_id", "source", *_ASKED)
CALIBRATION_COLUMNS = ("kind", "item", "judge", *_ASKED)


def expect_samples(texts: pl.DataFrame, model: Generator, judging: Judging) -> pl.DataFrame:
    """What the samples of a model's answers need of its judge: one row per source and sample.

    Args:
        texts: `expected_work.measure_texts` of all conversations, in any number of parts.
        model: The model whose answers are judged.
        judging: How many rows of each source are in a sample.

    Returns:
        `expected_work.EXPECTED`: ``conversations`` is how many a sample has at most, and the
        figures are those of one of them.
    """
    sources = texts.group_by("source", maintain_order=True).sum()
    names = ("history", "question", "answer")
    of_one = (pl.col(name) / pl.col("conversations") / CHARACTERS_PER_TOKEN for name in names)
    history, question, answer = of_one
    written = pl.min_horizontal(
        answer * length_ratio(model.name), pl.lit(alignment.SAMPLING.max_tokens)
    )
    dialogue = history + question + written
    # By sample: rows of a source, requests a row, tokens that a request has in.
    samples: dict[str, tuple[int, int, pl.Expr]] = {
        JUDGED_PREFERENCES.name: (
            judging.preference_rows,
            _ORDERS,
            _PREFERENCE_TOKENS + dialogue + answer,
        ),
        JUDGED_ALIGNMENT.name: (
            judging.alignment_rows,
            1,
            _ALIGNMENT_TOKENS + SYSTEM_MESSAGE + dialogue,
        ),
    }
    parts = [pl.DataFrame(schema=EXPECTED)]
    for phase, (rows, requests, sent) in samples.items():
        # Of a small source fewer rows than asked for may be left to choose from.
        chosen = pl.min_horizontal(pl.lit(rows), pl.col("conversations"))
        of_kept = pl.col("conversations") * (
            model.published.filtered_share if model.published else 1
        )
        times = requests * pl.min_horizontal(pl.lit(1.0), of_kept / chosen)
        expected = sources.select(
            "source",
            conversations=chosen,
            phase=pl.lit(phase),
            requests=times,
            prompt_tokens=times * sent,
            completion_tokens=times * REASONED_VERDICT,
        )
        parts.append(expected.filter(pl.lit(rows > 0)).cast(pl.Schema(EXPECTED)))
    return pl.concat(parts)


def expect_calibration(judging: Judging) -> pl.DataFrame:
    """The same of the labelled items that the judges of a model are asked about: at most one row.

    Nothing where the catalogue names no judge: a model that judges itself is not calibrated.

    Args:
        judging: Who judges what.
    """
    judges = len(judging.judges) or (1 if judging.judge else 0)
    parts = []
    if judges and judging.preference_rows:
        pairs = labelled_items.read_labelled_pairs()
        sent = pairs.height * _PREFERENCE_TOKENS
        sent += _tokens(pairs, "question", "answer", "new_answer")
        requests = _ORDERS * pairs.height
        parts.append((pairs.height, requests, _ORDERS * sent, requests * REASONED_VERDICT))
    if judges and judging.obedience:
        phrases = labelled_items.read_labelled_phrases()
        # The message stands there whole, and its phrase once more.
        sent = phrases.height * FIXED_TOKENS
        sent += _tokens(phrases, "system_message", "system_message", "question", "new_answer")
        requests = judges * phrases.height
        parts.append((requests, requests, judges * sent, requests * VERDICTS))
    items = pl.col("conversations")
    return (
        pl.DataFrame(parts, ("conversations", *FIGURES), orient="row")
        .sum()
        .filter(items > 0)
        .select(
            pl.col(FIGURES) / items,
            items,
            source=pl.lit(LABELLED),
            phase=pl.lit(JUDGE_CALIBRATION.name),
        )
        .select(EXPECTED.keys())
        .cast(pl.Schema(EXPECTED))
    )


def _tokens(rows: pl.DataFrame, *names: str) -> int:
    """About how many tokens these texts of all rows have."""
    lengths = (int(rows[name].str.len_chars().sum()) for name in names)
    return round(sum(lengths) / CHARACTERS_PER_TOKEN)


def measure_samples(
    phase: str, rows: int, judged: pl.DataFrame, begun: pl.DataFrame
) -> pl.DataFrame:
    """The work done for a stored sample of a model's answers, as `measured_work.WORK`.

    Where a source has no other row to choose from, conversations that were dropped before count
    with no requests, as they do in the phases.

    Args:
        phase: The name of the sample's table.
        rows: Of each source, as the catalogue says.
        judged: The table, with `COLUMNS`.
        begun: By ``source``, the ``conversations`` that Phase 1 has asked about, and those that
            were ``kept`` by all phases, of which a sample is drawn.
    """
    asked = (
        _answered(judged)
        .group_by("source")
        .agg(**_SUMS, judged=pl.col("conversation_id").n_unique())
    )
    is_all = pl.col("judged") >= pl.min_horizontal("kept", pl.lit(rows))
    most = pl.min_horizontal("conversations", pl.lit(rows))
    return (
        begun.join(asked, on="source")
        .with_columns(
            phase=pl.lit(phase), conversations=pl.when(is_all).then(most).otherwise("judged")
        )
        .select(WORK.keys())
        .cast(pl.Schema(WORK))
    )


def measure_calibration(asked: pl.DataFrame) -> pl.DataFrame:
    """The same of a stored table of labelled items, with `CALIBRATION_COLUMNS`."""
    return (
        _answered(asked)
        .select(
            **_SUMS,
            conversations=pl.struct("item", "kind", "judge").n_unique(),
            source=pl.lit(LABELLED),
            phase=pl.lit(JUDGE_CALIBRATION.name),
        )
        .select(WORK.keys())
        .cast(pl.Schema(WORK))
    )


_SUMS: Mapping[str, pl.Expr] = {
    "requests": pl.len(),
    **{name: pl.col(name).sum() for name in ("prompt_tokens", "completion_tokens")},
}


def _answered(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that a judge was asked about, without those that failed in the engine."""
    failures = [each.value for each in ENGINE_FAILURES]
    failed = pl.col("drop_reason").is_in(failures).fill_null(value=False)
    return rows.filter(pl.col("attempts") > 0, ~failed)
