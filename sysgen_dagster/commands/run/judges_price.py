"""What judges will take, beside the model that writes: open phrases, samples, labelled items.

Previewed rows are not judged, so that all is estimated by the characters of their texts.
"""

from collections.abc import Iterator, Sequence

import polars as pl

from sysgen_dagster.analysis.expected_judging import FIXED_TOKENS
from sysgen_dagster.analysis.expected_samples import expect_calibration, expect_samples
from sysgen_dagster.analysis.expected_work import VERDICTS, measure_texts
from sysgen_dagster.analysis.measured_work import FIGURES
from sysgen_dagster.catalog.models import Model
from sysgen_dagster.catalog.operations import EVERY_ROW, Judging, Rows
from sysgen_dagster.chat.tokens import CHARACTERS_PER_TOKEN
from sysgen_dagster.commands.run.preview import Previewed
from sysgen_dagster.commands.run.price import (
    Whole,
    charged_for,
    estimate,
    estimate_all,
    short,
    wanted_share,
)
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster.sources.tables import CONVERSATIONS

_TEXTS = {name: CONVERSATIONS.schema[name] for name in ("source", "history", "question", "answer")}


def describe_judges(
    shown: Sequence[Previewed],
    whole: Whole,
    catalog: Catalog,
    model: Generator,
    limit: int | None = None,
    *,
    is_calibrated: bool = False,
) -> Iterator[str]:
    """What asking the judges of a model takes, in lines: all that the catalogue has them judge.

    Args:
        shown: The previewed rows, at least one.
        whole: The rows that are wanted.
        catalog: Which models judge how many rows.
        model: The model whose answers are judged.
        limit: How many conversations are wanted; None: all.
        is_calibrated: Whether its judges were asked about labelled items already.
    """
    judging = catalog.judging
    if judging.obedience:
        judges = catalog.judges_of(model.name)
        yield from describe_judging(shown, whole, judges, judging.obedience, limit)
    # Samples are judged, and a judge is asked about labelled items, only where one is named.
    if judging.judge:
        judge = catalog.judge_of(model.name)
        yield from describe_samples(shown, whole, model, judge, judging, limit)
        if not is_calibrated:
            what = f"labelled items, which show its errors, judged by {judge.name}"
            yield from _describe(what, judge, expect_calibration(judging))


def describe_judging(
    shown: Sequence[Previewed],
    whole: Whole,
    judges: Sequence[Model],
    judged: Rows,
    limit: int | None = None,
) -> Iterator[str]:
    """What asking judges about the phrases takes that rules leave open: a line for each judge.

    Args:
        shown: The previewed rows, at least one.
        whole: The rows that are wanted.
        judges: The models that are asked, with `rates` and `price` where they are known.
        judged: Of how many rows they are asked.
        limit: How many conversations are wanted; None: all.
    """
    characters = [row.chosen.characters for row in shown]

    def over_all(values: Sequence[float]) -> float:
        of = [value * row.chosen.of for value, row in zip(values, shown, strict=True)]
        return estimate(of, characters, whole).figure

    asked = [float(_has_open_phrase(row)) for row in shown]
    share = wanted_share(over_all([1.0] * len(shown)), whole, limit) or 1.0
    requests = over_all(asked) * share
    if requests and judged != EVERY_ROW:
        share *= min(1.0, judged / requests)
        requests = min(requests, judged)
    prompt = over_all(
        [is_asked * _judged_tokens(row) for is_asked, row in zip(asked, shown, strict=True)]
    )
    for judge in judges if requests else ():
        yield _of_judge(
            f"judged by {judge.name}", judge, requests, prompt * share, requests * VERDICTS
        )


def describe_samples(
    shown: Sequence[Previewed],
    whole: Whole,
    model: Generator,
    judge: Model,
    judging: Judging,
    limit: int | None = None,
) -> Iterator[str]:
    """What a judge is asked about samples of the answers: a line, or none.

    Args:
        shown: The previewed rows, at least one.
        whole: The rows that are wanted.
        model: The model whose answers are judged.
        judge: The model that is asked, with `rates` and `price` where they are known.
        judging: How many rows are in a sample.
        limit: How many conversations are wanted; None: all.
    """
    count = estimate_all(shown, whole, lambda _: 1.0).figure
    count *= wanted_share(count, whole, limit) or 1.0
    rows = [
        {
            "source": "",
            "history": story["history"] or [],
            "question": story["question"],
            "answer": story["answer"],
        }
        for story in (row.story for row in shown)
    ]
    texts = measure_texts(pl.DataFrame(rows, _TEXTS)).select(
        "source",
        *(pl.col(name) * count / len(shown) for name in ("history", "question", "answer")),
        conversations=pl.lit(round(count)),
    )
    what = f"samples judged by {judge.name}"
    yield from _describe(what, judge, expect_samples(texts, model, judging))


def _describe(what: str, judge: Model, expected: pl.DataFrame) -> Iterator[str]:
    """A line of what `expected_work.EXPECTED` says; none where nothing is asked."""
    totals = expected.select(pl.col(FIGURES) * pl.col("conversations")).sum()
    if any(requests := totals["requests"].to_list()):
        [sent], [written] = totals["prompt_tokens"], totals["completion_tokens"]
        yield _of_judge(what, judge, requests[0], sent, written)


def _of_judge(what: str, judge: Model, requests: float, sent: float, written: float) -> str:
    charged = [
        f", {short(of(sent, written))}{unit or f' {name}'}" for name, of, unit in charged_for(judge)
    ]
    return (
        f"  {what}, as well and roughly: {short(requests)} requests, {short(sent)} tokens in, "
        f"{short(written)} out{''.join(charged)}"
    )


def _has_open_phrase(row: Previewed) -> bool:
    verdicts = row.story["obedience"] or []
    return row.is_kept and any(each["verdict"] == Verdict.UNKNOWN for each in verdicts)


def _judged_tokens(row: Previewed) -> float:
    """About how many tokens a judge is sent about a row."""
    story = row.story
    # The message stands there whole, and its phrases once more.
    texts = [story["system_message"], story["system_message"], story["question"]]
    texts += [story["new_answer"], *(turn["content"] for turn in story["history"] or [])]
    return FIXED_TOKENS + sum(len(text or "") for text in texts) / CHARACTERS_PER_TOKEN
