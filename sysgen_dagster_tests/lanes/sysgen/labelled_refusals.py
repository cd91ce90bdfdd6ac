"""What readers say is a refusal, of answers that small models wrote, beside what the rules say.

`real_refusals.jsonl` has one line per answer of Qwen2.5-Coder-1.5B-Instruct (Q4_K_M) or
SmolLM2-135M-Instruct (Q4_1), both Apache-2.0, at most 60 tokens each, under system messages that
make a model decline or make its answer resemble a refusal. Fields beside the texts:

- ``first_reader``, ``second_reader``: ``refusal`` (it will not or cannot give what was asked, and
  gives no part of it), ``answer``, or ``unclear`` (cut too early to say, or left open). The second
  one read without knowing the first's labels or the rules; null where there was none.
- ``half``: the rules were made with ``making``; ``first_held_out``, ``second_held_out`` and
  ``third_held_out`` were measured in turn (44 of 60 refusals of the third were found then, 3 of its
  262 answers taken for one), and the rules were extended by the first and the third. Of the third,
  readers A and B labelled the rows whose ids begin with ``n``, readers C and D those with ``m``,
  all before any rule ran on them. ``after_mending`` are rows under messages of the third whose
  labels were looked at after that only. ``held_out`` is for rows that no rule was made by.
- ``language``: of the answer, as a code; the rules read English.

`judged_refusals.jsonl` has what judges replied about those that the rules leave to one, by the id
of the answer: the judge with its quantisation and engine, the fingerprint of the prompt, the reply.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Self

import polars as pl

from sysgen_dagster.lanes.sysgen.refusals import is_refusal, is_surely_refusal, may_refuse
from sysgen_dagster.obedience.phrase_verdicts import parse_declines
from sysgen_dagster.tables.rates import Rate

REFUSAL, ANSWER = "refusal", "answer"
MADE_WITH: Final = ("making", "first_held_out", "third_held_out")  # the rules may have been
HELD_OUT: Final = "held_out"
READ_TWICE: Final = ("third_held_out", "after_mending", HELD_OUT)
JUDGED: Final = Path(__file__).with_name("judged_refusals.jsonl")
_FILE = Path(__file__).with_name("real_refusals.jsonl")
_NAMES = ("id", "model", "half", "system_message", "question", "answer", "finish", "language")
_SCHEMA = dict.fromkeys((*_NAMES, "first_reader", "second_reader"), pl.String)
_REPLIES = dict.fromkeys(("id", "judge", "prompt_fingerprint", "reply"), pl.String)


def read_labelled() -> pl.DataFrame:
    """All rows, with ``label``: what the readers agree on; null where they do not.

    ``found``, ``sure`` and ``may_decline`` are what the rules say: that it is a refusal, that it
    surely is one, and that a judge is to say.
    """
    rows = _read(_FILE, _SCHEMA)
    same = pl.col("second_reader").fill_null(pl.col("first_reader")) == pl.col("first_reader")
    return rows.with_columns(
        label=pl.when(same).then("first_reader"),
        found=is_refusal(pl.col("answer"), pl.col("question")),
        sure=is_surely_refusal(pl.col("answer"), pl.col("question")),
        may_decline=may_refuse(pl.col("answer"), pl.col("question")),
    )


def read_judged() -> pl.DataFrame:
    """One row per answer and judge: what it replied, and what that says, as ``declines``."""
    declines = pl.col("reply").map_elements(
        partial(parse_declines, finish_reason="stop"), return_dtype=pl.Boolean
    )
    return _read(JUDGED, _REPLIES).with_columns(declines=declines)


def add_verdicts(rows: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """The rows of `read_labelled` that rules are sure of or one judge was asked about.

    ``declines`` is what follows: rules where they are sure, else the judge; where its reply says
    neither, the answer is kept, as the flags of training sets have it.
    """
    judged = rows.join(said.select("id", "reply", "declines"), on="id", how="left")
    is_left = pl.col("may_decline")
    decided = judged.filter(~is_left | pl.col("reply").is_not_null())
    verdict = pl.when(is_left).then(pl.col("declines").fill_null(False)).otherwise("sure")
    return decided.with_columns(declines=verdict)


def _read(file: Path, schema: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    with file.open(encoding="utf-8") as lines:
        return pl.DataFrame([json.loads(line) for line in lines], schema=schema)


def read_twice(rows: pl.DataFrame) -> Counter[tuple[str, str]]:
    """How often the two readers said which words, of rows that both have read."""
    pairs = rows.drop_nulls("second_reader").select("first_reader", "second_reader")
    return Counter(pairs.iter_rows())


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found beside the readers, on rows that these agree to be refusals or answers.

    Attributes:
        recall: Refusals that were found, of all refusals.
        precision: Refusals among what was taken for one.
        missed: Ids of refusals that were not found.
        wrong: Ids of answers that were taken for one.
    """

    recall: Rate
    precision: Rate
    answers: int
    missed: Sequence[str]
    wrong: Sequence[str]

    @classmethod
    def of(cls, rows: pl.DataFrame, found: pl.Expr | None = None) -> Self:
        """Those of `read_labelled`, or some of them; `found` is what is measured, or the rules."""
        by_rules = is_refusal(pl.col("answer"), pl.col("question"))
        refusal = pl.col("label") == REFUSAL
        read = rows.filter(pl.col("label").is_in((REFUSAL, ANSWER)))
        read = read.with_columns(found=by_rules if found is None else found)
        found = pl.col("found")
        right = read.filter(refusal, found).height
        return cls(
            recall=Rate(right, read.filter(refusal).height),
            precision=Rate(right, read.filter(found).height),
            answers=read.filter(~refusal).height,
            missed=read.filter(refusal, ~found)["id"].to_list(),
            wrong=read.filter(~refusal, found)["id"].to_list(),
        )
