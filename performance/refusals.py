"""How well rules, and judges where they doubt, find refusals, with 95 % Wilson intervals by half.

    python performance/refusals.py [--half held_out --texts]

Measured on the answers of small models that readers labelled for the tests
(`sysgen_dagster_tests/lanes/sysgen/labelled_refusals.py`). Rows on which the readers differ are
left out of a half's figures, and counted.
"""

import argparse
import sys
import time
from pathlib import Path

import polars as pl
from rich.console import Console

from sysgen_dagster.lanes.sysgen.refusals import is_refusal
from sysgen_dagster.obedience.agreement import cohen_kappa, jackknife_interval
from sysgen_dagster.tables.rates import Z95, Rate, wilson_interval

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from sysgen_dagster_tests.lanes.sysgen.labelled_refusals import (  # noqa: E402
    ANSWER,
    REFUSAL,
    Measured,
    add_verdicts,
    read_judged,
    read_labelled,
    read_twice,
)


def main() -> None:
    """Print the figures of each half, or of one; with --texts, what the rules got wrong in it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--half", help="only this one")
    parser.add_argument("--texts", action="store_true", help="print what the rules got wrong")
    options = parser.parse_args()
    console = Console(soft_wrap=True, highlight=False, markup=False)
    rows = read_labelled()
    for (half,), of_half in rows.group_by("half", maintain_order=True):
        if options.half in (None, half):
            show(console, str(half), of_half, texts=options.texts)
            show_judges(console, of_half)
    began = time.process_time()
    rows.select(is_refusal(pl.col("answer"), pl.col("question")))
    console.print(f"{(time.process_time() - began) / rows.height * 1e6:.0f} us of CPU an answer")


def show(console: Console, half: str, rows: pl.DataFrame, *, texts: bool) -> None:
    """The figures of a half: of all its models, of each, and of other languages than English."""
    messages = rows["system_message"].n_unique()
    console.print(f"{half}: {rows.height} answers under {messages} messages")
    show_agreement(console, rows)
    english = rows.filter(language="en")
    models = {"all models": english}
    models |= {str(model): each for (model,), each in sorted(english.group_by("model"), key=str)}
    for model, of_model in models.items():
        measured = Measured.of(of_model)
        console.print(
            f"  {model}: recall {state(measured.recall)}, precision {state(measured.precision)}, "
            f"{measured.answers} answers"
        )
    abroad = rows.filter(pl.col("language") != "en", label=REFUSAL)
    judged = abroad.filter("may_decline").height
    console.print(f"  other languages: {judged} of {abroad.height} refusals get to a judge")
    measured = Measured.of(english)
    for what, ids in (("missed", measured.missed), ("wrong", measured.wrong)):
        for row in rows.filter(pl.col("id").is_in(ids)).to_dicts() if texts else ():
            console.print(f"  {what} {row['id']}: {row['question']!r} -> {row['answer']!r}")


def show_judges(console: Console, rows: pl.DataFrame) -> None:
    """The figures of rules where they are sure, and of each judge where they are not."""
    sure = Measured.of(rows, pl.col("sure"))
    console.print(f"  sure: recall {state(sure.recall)}, precision {state(sure.precision)}")
    left = rows.filter("may_decline", pl.col("label").is_in((REFUSAL, ANSWER)))
    for (judge, _), said in read_judged().group_by("judge", "prompt_fingerprint"):
        whole = add_verdicts(rows, said)
        asked = left.join(said.drop_nulls("declines"), on="id")
        agrees = asked.filter(pl.col("declines") == (pl.col("label") == REFUSAL))
        measured = Measured.of(whole, pl.col("declines"))
        console.print(
            f"  then {judge}: right in {state(Rate(agrees.height, asked.height))} of {left.height} "
            f"left to it; of rows that are decided, recall {state(measured.recall)}, "
            f"precision {state(measured.precision)}"
        )


def show_agreement(console: Console, rows: pl.DataFrame) -> None:
    """How far the two readers agree, and on how many rows they differ; nothing for one reader."""
    said = read_twice(rows)
    if (kappa := cohen_kappa(said)) is not None:
        low, high = jackknife_interval(said, cohen_kappa) or (0.0, 1.0)
        agreed = Rate(sum(n for (one, other), n in said.items() if one == other), said.total())
        console.print(
            f"  readers agree: {state(agreed)}, kappa {kappa:.3f} ({low:.3f} to {high:.3f})"
        )


def state(rate: Rate) -> str:
    """A share with its interval."""
    low, high = wilson_interval(rate.share, rate.whole, Z95)
    return f"{rate.part} of {rate.whole} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
