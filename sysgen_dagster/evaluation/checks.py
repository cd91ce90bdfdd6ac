"""The checks of every suite: nothing is lost, drops have reasons, few are unknown, judges marked.

A suite adds its own. That a student has learned a benchmark's items is looked for in
`contamination`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

import polars as pl

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.evaluation.stored_scores import find_other_scores
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.unknown import MOST_UNKNOWN, find_unknown, say_reasons
from sysgen_dagster.obedience.calibration import CALIBRATED
from sysgen_dagster.tables.checks import (
    Check,
    Evidence,
    Finding,
    none_of,
    of_something,
    unless_made_up,
)
from sysgen_dagster.tables.table import Table

_ANSWER, _DROP, _ITSELF = "answer", "drop_reason", "judge_is_generator"
Names = Callable[[str], Collection[str]]


def only_name(model: str) -> Collection[str]:
    """The names of a model of which no catalogue says another."""
    return (model,)


def build_checks(suites: Iterable[Suite], names: Names = only_name) -> tuple[Check, ...]:
    """The checks of these suites: those of every suite, then those of their own.

    None of them passes where its table has no row, but for those of a suite's further tables, which
    need not be made: a translation is empty where nothing is translated.

    Args:
        suites: Whose checks they are.
        names: All names of the model of a name: the catalogue may have it twice.
    """
    return tuple(
        check if check.table in suite.others else _of_rows(check)
        for suite in suites
        for check in (*_of_suite(suite, names), *suite.checks)
    )


def _of_rows(check: Check) -> Check:
    """The check, which does not pass where its table has no row to look at."""

    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(check.table, check.table.names[0])
        return of_something(check.evaluate(evidence), rows.height)

    return replace(check, evaluate=evaluate)


def _of_suite(suite: Suite, names: Names) -> Iterator[Check]:
    if suite.items is not None and suite.answers is not None:
        yield Check(
            "every_item_is_answered_or_dropped",
            suite.answers,
            "Every item of the benchmark has one row, with an answer or a drop reason. If not, the "
            "items have changed since: materialize the answers again.",
            True,
            _nothing_lost(suite, suite.items, suite.answers),
        )
    if suite.answers is not None:
        yield Check(
            "every_answer_is_graded_or_dropped",
            suite.gradings,
            "What was asked is what is graded: no answer is lost, and no other one is there. If "
            "not, the answers have changed since: materialize the gradings again.",
            True,
            _nothing_lost(suite, suite.answers, suite.gradings, is_once=False),
        )
    yield from _of_gradings(suite)
    if suite.answers is not None and "model" in suite.answers.columns:
        yield Check(
            "nobody_grades_itself",
            suite.scores,
            "The model that grades is not the one that answered.",
            False,
            _grades_itself(suite, suite.answers, names),
        )


def _of_gradings(suite: Suite) -> Iterator[Check]:
    """The checks of what every suite has, also one whose items and answers are no tables."""
    yield Check(
        "every_drop_has_a_known_reason",
        suite.gradings,
        "What has no grading is dropped for a reason that the suite knows.",
        False,
        _known_reasons(suite),
    )
    yield Check(
        "scores_are_of_all_items",
        suite.scores,
        "Every score is of all of its items: those that it is the mean of and those dropped.",
        True,
        _all_items(suite),
    )
    yield _unless_made_up(suite, _few_unknown(suite))
    yield _unless_made_up(suite, _judge_is_calibrated(suite))


def _unless_made_up(suite: Suite, check: Check) -> Check:
    says_engine = suite.answers is not None and "engine" in suite.answers.columns
    return unless_made_up(check, suite.answers) if suite.answers and says_engine else check


def _nothing_lost(
    suite: Suite, before: Table, table: Table, *, is_once: bool = True
) -> Callable[[Evidence], Finding]:
    """That `table` has what `before` has, and nothing that is no item.

    Items that are left out before anything is asked have a drop reason among the items, and need no
    row. Of answers it is looked at, too, that each is there or has a reason why not.
    """
    identity = suite.identity

    def evaluate(evidence: Evidence) -> Finding:
        wanted = evidence.read(before, *identity).unique()
        among = evidence.read(suite.items or before, *identity)
        if suite.items is not None and _DROP in suite.items.columns:
            items = evidence.read(suite.items, *identity, _DROP)
            wanted = wanted.join(items.drop_nulls(_DROP), on=identity, how="anti")
        result = [name for name in (_ANSWER, _DROP) if table == suite.answers]
        stored = evidence.read(table, *identity, *result)
        faults = {
            "lost": wanted.join(stored, on=identity, how="anti"),
            "of no item": stored.join(among, on=identity, how="anti"),
        }
        if is_once:
            faults["twice"] = stored.filter(pl.struct(identity).is_duplicated())
        if result:
            is_neither = pl.all_horizontal(pl.col(result).is_null())
            faults["neither answer nor reason"] = stored.filter(is_neither)
        return none_of(
            pl.concat(
                [
                    each.select(identity).with_columns(what=pl.lit(what))
                    for what, each in faults.items()
                ]
            )
        )

    return evaluate


def _known_reasons(suite: Suite) -> Callable[[Evidence], Finding]:
    known = {*map(str, NoAnswer), *map(str, suite.drop_reasons)}

    def evaluate(evidence: Evidence) -> Finding:
        items = _items(suite, evidence)
        is_unknown = pl.col("value").is_null()
        unexplained = is_unknown & ~pl.col(_DROP).is_in(known)
        return none_of(items.filter(unexplained.fill_null(value=True) & is_unknown))

    return evaluate


def _all_items(suite: Suite) -> Callable[[Evidence], Finding]:
    def evaluate(evidence: Evidence) -> Finding:
        scores = evidence.read(suite.scores, "metric", "of", "score", "items", "dropped")
        found = none_of(find_other_scores(scores, _items(suite, evidence)))
        again = "The gradings were made again since: materialize the scores, too"
        return (
            found
            if found.passed
            else Finding(False, found.figure, found.wanted, found.rows, explanation=again)
        )

    return evaluate


def _items(suite: Suite, evidence: Evidence) -> pl.DataFrame:
    return suite.build_items(evidence.read(suite.gradings, *suite.gradings.names))


def _few_unknown(suite: Suite) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        scores = find_unknown(_items(suite, evidence))
        largest = scores["share"].max()
        many = scores.filter(pl.col("share") > MOST_UNKNOWN).sort("metric", "of")
        said = f"Not known: {say_reasons(evidence.read(suite.gradings, _DROP))}"
        finding = Finding(
            many.is_empty(),
            float(largest) if isinstance(largest, float) else 0.0,
            f"at most {MOST_UNKNOWN:.0%}",
            many,
            explanation="" if many.is_empty() else said,
        )
        return of_something(finding, scores.height)

    statement = f"At most {MOST_UNKNOWN:.0%} of the items of each score are unknown."
    return Check("few_items_are_unknown", suite.scores, statement, False, evaluate)


def _judge_is_calibrated(suite: Suite) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        judged = evidence.read(suite.scores, "judge", "worth").drop_nulls("judge").unique()
        doubtful = judged.filter(pl.col("worth").ne_missing(CALIBRATED)).sort("judge")
        said = [
            f"{judge} is {worth or 'not marked: whether labels bear it out is not said'}"
            for judge, worth in doubtful.select("judge", "worth").iter_rows()
        ]
        return Finding(
            not said,
            float(len(said)),
            "0 judges without labels that bear them out",
            doubtful,
            explanation="; ".join(said),
        )

    statement = "Labels bear out the judge, or rules grade."
    return Check("judge_is_calibrated", suite.scores, statement, False, evaluate)


def _grades_itself(suite: Suite, answers: Table, names: Names) -> Callable[[Evidence], Finding]:
    """That no judge wrote what it graded, as the gradings say, or the names of both."""

    def evaluate(evidence: Evidence) -> Finding:
        asked = evidence.read(answers, "model").drop_nulls().unique()
        if _ITSELF in suite.gradings.columns:
            is_own = evidence.read(suite.gradings, _ITSELF)[_ITSELF].any()
            own = asked if is_own else asked.clear()
        else:
            judges = set(evidence.read(suite.scores, "judge")["judge"]) - {None}
            same = [bool(judges & {*names(model)}) for model in asked["model"]]
            own = asked.filter(pl.Series(same, dtype=pl.Boolean))
        said = f"{', '.join(own['model'])} graded itself; models favour their own answers"
        return Finding(
            own.is_empty(),
            float(own.height),
            "0 models",
            own,
            explanation="" if own.is_empty() else said,
        )

    return evaluate
