"""How the comparisons of students are shown: scores and differences, by suite and across suites."""

from collections.abc import Iterator
from functools import partial

from sysgen_dagster.evaluation.comparisons.published import PROTOCOLS
from sysgen_dagster.evaluation.comparisons.tables import ABLATION, OF_SUITES, USER_ROLE
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.report.score_charts import draw_differences, draw_rounds, draw_scores
from sysgen_dagster.report.score_summaries import OF_OURS, PLOTTED, summarize_comparison
from sysgen_dagster.report.view import Part, View
from sysgen_dagster.tables.table import Table

_PUBLISHED_IN = {
    "multifacet": "Tables 3 and 4",
    "leaderboard": "Table 5",
    "sysbench": "Figure 4 (v2)",
}
_INTERVALS = (
    "Intervals are of 95 %, by drawing whole items, or sessions where items belong together. A "
    "difference is over the items that are known of both; moved is the share of these whose values "
    "differ by 0.5 or more; of shares 1 % is one percentage point. "
    "Dropped items are those of which nobody knows what they are worth."
)
_ON_PAPER = (
    "These figures are context, and no bound that ours should keep. protocol_paper says what is "
    "odd about single ones. Of all of them: {}."
)
SHARE, GRADE, MIXED = ".1%", ".2f", ".3f"  # formats of scores


def _view(
    table: Table, title: str, lead: str, form: str, published_in: str = "", known: str = ""
) -> View:
    is_of_rounds = table == OF_SUITES.get("sysbench")
    return View(
        table,
        title,
        Part.STUDENTS,
        f"{lead} {_INTERVALS}",
        lambda stored, _: summarize_comparison(stored),
        [
            partial(draw_scores, form=form),
            *([draw_rounds] if is_of_rounds else []),
            partial(draw_differences, form=form),
        ],
        form,
        published_in,
        on_paper=_ON_PAPER.format(known),
        of_ours=OF_OURS,
        plotted=PLOTTED,
    )


def _of_suite(suite: Suite) -> View:
    return _view(
        OF_SUITES[suite.name],
        suite.title,
        "Every subject that is evaluated, against the one that it is compared with: a student "
        "against what it was before its training.",
        SHARE if suite.is_share else GRADE,
        _PUBLISHED_IN.get(suite.name, ""),
        PROTOCOLS.get(suite.name, ""),
    )


def _views() -> Iterator[View]:
    yield from map(_of_suite, SUITES)
    yield _view(
        ABLATION,
        "What each part of the training rows is worth",
        "Each student by what its training rows consist of, against the student before any "
        "training, over all items of each benchmark.",
        MIXED,
        "Table 6",
        "; ".join(PROTOCOLS[name] for name in ("multifacet", "leaderboard")),
    )
    yield _view(
        USER_ROLE,
        "What it costs to say the message in the user turn",
        "The same model, or the same training and epoch, with the message at the start of the user "
        "turn, against the message in the system role.",
        MIXED,
        "Table 7",
        PROTOCOLS["multifacet"],
    )


SCORE_VIEWS: tuple[View, ...] = tuple(_views())
