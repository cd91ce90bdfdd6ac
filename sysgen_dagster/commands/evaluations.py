"""`sysgen evaluate`: subjects on a benchmark, in this terminal; or all of them, as a list."""

import shlex
from collections.abc import Iterator, Sequence, Set

import dagster as dg
from rich.console import Console

from sysgen_dagster.catalog.evaluation import EVERY_ITEM
from sysgen_dagster.commands.backfill import run_partitions
from sysgen_dagster.commands.deployment import use_dagster_home, use_deployment
from sysgen_dagster.commands.evaluated_scores import print_scores
from sysgen_dagster.commands.printing import add_lines, new_table, say
from sysgen_dagster.commands.work import Work
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.evaluation.comparisons.subjects import UNTRAINED, list_pairs, list_subjects
from sysgen_dagster.evaluation.comparisons.tables import ABLATION, OF_SUITES, USER_ROLE
from sysgen_dagster.evaluation.stored_scores import is_evaluated
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.storage.store import Store
from sysgen_dagster.students.tables import TRAINED_STUDENTS
from sysgen_dagster.tables.table import WHOLE, By, Partition, Table

_EVALUATED, _TO_SCORE = "evaluated", "graded, to be scored"
_OUT_OF_DATE = "out of date"  # made of other rows, or with other settings
_NOT_KNOWN, _NONE = "?", "0"  # of requests
Stale = Set[tuple[str, str]]  # names of tables, and partitions of them


class NoSuchEvaluationError(SysgenError):
    """A suite or a subject is named that there is not, or there is no subject at all."""


def list_evaluations(console: Console, data: str) -> int:
    """0 when every suite and subject is printed: what is made, and what the rest asks for."""
    store = use_deployment(data)
    use_dagster_home(store)
    catalog, place = load_catalog(), shlex.quote(data)
    stale = _find_stale(store, SUITES)
    table = new_table(
        "Evaluations",
        words=("suite", "subject", "state"),
        numbers=("requests to the subject", "to the judge"),
    )
    for suite in SUITES:
        asked = count_requests(store, catalog, suite, stale)
        add_lines(
            table,
            [
                (suite.name, name, state, *((None, None) if state == _EVALUATED else asked))
                for name in catalog.subjects
                for state in [_state(store, suite, name, stale)]
            ],
        )
    console.print(table)
    if not catalog.subjects:
        say(console, "The catalogue names no `subjects`: docs/evaluation.md says how to.")
    else:
        say(console, f"{_NOT_KNOWN}: known once the items are read. What was asked is remembered.")
        say(console, f"Make one of them: sysgen evaluate SUITE --subject SUBJECT -o {place}")
    return 0


def _state(store: Store, suite: Suite, subject: str, stale: Stale = frozenset()) -> str:
    at = Partition(subject=subject)
    if any((table.name, subject) in stale and store.holds(table, at) for table in suite.tables):
        return _OUT_OF_DATE
    if is_evaluated(store, suite, subject):
        return _EVALUATED
    if store.holds(suite.scores, at) and store.holds(suite.gradings, at):
        return _TO_SCORE
    if suite.answers is not None and store.holds(suite.answers, at):
        return "answered, to be graded"
    return "to do"


def _find_stale(store: Store, suites: Sequence[Suite]) -> Stale:
    """The stored partitions of suites that would come out otherwise now, as `out_of_date` judges.

    What Dagster has no record of is not judged.
    """
    # Here, because partitions are read from the catalogue when these are imported.
    from sysgen_dagster.commands.run.up_to_date import UpToDate
    from sysgen_dagster.definitions import defs

    with dg.DagsterInstance.get() as instance:
        judged = UpToDate(instance, store, (defs.resources or {})["models"])
        tables = [table for suite in suites for table in suite.tables]
        return frozenset(
            (table.name, partition)
            for table in tables
            for partition in judged.out_of_date(_key(table))
        )


def count_requests(
    store: Store, catalog: Catalog, suite: Suite, stale: Stale = frozenset()
) -> tuple[str, str]:
    """How many requests a subject that was never asked gets, and the judge for it."""
    items = _count_items(store, catalog, suite, stale)
    gradings = suite.gradings_an_item(catalog.evaluation)
    if items is None:
        return _NOT_KNOWN, _NOT_KNOWN if gradings else _NONE
    return f"{items:,}", f"{items * gradings:,}"


def _count_items(store: Store, catalog: Catalog, suite: Suite, stale: Stale) -> int | None:
    if suite.items is not None and _has_items(store, suite, stale):
        can_be_left_out = "drop_reason" in suite.items.columns
        column = "drop_reason" if can_be_left_out else suite.identity[0]
        rows = store.read(suite.items, Partition(), column)[column]
        return rows.null_count() if can_be_left_out else rows.len()
    wanted = getattr(getattr(catalog.evaluation, suite.name), "items", EVERY_ITEM)
    return wanted * suite.rows_an_item if isinstance(wanted, int) else None


def evaluate(
    console: Console, data: str, name: str, subjects: Sequence[str] = (), *, again: bool = False
) -> int:
    """0 when subjects are evaluated and their scores are printed; 1 if something has failed.

    Args:
        console: Where it is shown how far it is.
        data: The place of the deployment.
        name: Of the suite.
        subjects: Which ones; none: all of the catalogue.
        again: Whether those that are evaluated are graded and scored anew; those that were made of
            other rows or settings always are.

    Raises:
        StoreError: There is no such deployment.
        NoSuchEvaluationError: There is no such suite or subject.
    """
    store = use_deployment(data)
    use_dagster_home(store)
    catalog = load_catalog()
    suite, wanted = _find_suite(name), _find_subjects(catalog, subjects)
    stale, errors = _find_stale(store, [suite]), list[str]()
    if again or stale or any(_state(store, suite, each) != _EVALUATED for each in wanted):
        errors += _make(console, _work_before(store, suite, stale))
        stale = _find_stale(store, [suite])  # items may be others now
    left = [each for each in wanted if again or _state(store, suite, each, stale) != _EVALUATED]
    if left and not _has_items(store, suite, stale):
        return 1
    if left:
        asked, graded = count_requests(store, catalog, suite)
        of_judge = "" if graded == _NONE else f" and {graded} to the judge"
        say(
            console,
            f"{suite.title}: {len(left)} of {len(wanted)} subjects to evaluate, each with {asked} "
            f"requests to it{of_judge}; what was asked before is not asked again",
        )
    errors += _make(console, [*_work_of_subjects(suite, left)])
    errors += _make(console, [*_work_after(store, catalog, suite)])
    print_scores(console, store, suite, wanted)
    return 1 if errors else 0


def _has_items(store: Store, suite: Suite, stale: Stale) -> bool:
    """Whether the items that are asked now are stored, or a program of its own reads them."""
    if suite.items is None:
        return True
    return store.holds(suite.items, Partition()) and (suite.items.name, WHOLE) not in stale


def _find_suite(name: str) -> Suite:
    suite = next((suite for suite in SUITES if suite.name == name), None)
    if suite is None:
        there = ", ".join(each.name for each in SUITES)
        raise NoSuchEvaluationError(f"{name} is no benchmark of this version, which has {there}")
    return suite


def _find_subjects(catalog: Catalog, named: Sequence[str]) -> list[str]:
    if unknown := [each for each in named if each not in catalog.subjects]:
        there = ", ".join(catalog.subjects) or "none"
        raise NoSuchEvaluationError(
            f"{', '.join(unknown)} is no subject of the catalogue, which has {there}"
        )
    if not catalog.subjects:
        raise NoSuchEvaluationError(
            "the catalogue names no subject: say what is evaluated, such as "
            "`subjects: {mine: {model: NAME}}`"
        )
    return [each for each in catalog.subjects if each in named or not named]


def _make(console: Console, work: Sequence[Work]) -> list[str]:
    """What has failed."""
    errors = run_partitions(console, work).errors if work else []
    for error in errors:
        say(console, error)
    return errors


def _key(table: Table) -> dg.AssetKey:
    return dg.AssetKey(table.name)


def _work_before(store: Store, suite: Suite, stale: Stale = frozenset()) -> list[Work]:
    """What all subjects need: the items, and what is made once beside them, as it is set now."""
    once = [table for table in suite.tables if table.by is By.NOTHING]
    names = {name for name, _ in stale}
    return [
        (table.name, [_key(table)], None)
        for table in once
        if table.name in names or not store.holds(table, Partition())
    ]


def _work_of_subjects(suite: Suite, subjects: Sequence[str]) -> Iterator[Work]:
    tables = [_key(table) for table in suite.tables if table.by is By.SUBJECT]
    yield from ((f"{suite.name} {subject}", tables, subject) for subject in subjects)


def _work_after(store: Store, catalog: Catalog, suite: Suite) -> Iterator[Work]:
    """The comparisons that there can be of what is evaluated."""
    there = {name for name in catalog.subjects if _state(store, suite, name) == _EVALUATED}
    if not there:
        return
    yield "comparison", [_key(OF_SUITES[suite.name])], None
    if any(each.arm != UNTRAINED for each in list_subjects(catalog)):
        yield "ablation", [_key(ABLATION)], None
    pairs = list_pairs(catalog)
    if any(there.issuperset({each.name, each.against}) for each in pairs):
        yield "user role", [_key(USER_ROLE)], None
    students = [each.training for each in list_subjects(catalog) if each.name in there]
    for training in dict.fromkeys(students):
        if training is not None and store.holds(TRAINED_STUDENTS, Partition(training=training)):
            yield f"card of {training}", [dg.AssetKey("student_cards")], training
