"""What a judge's verdicts on labelled items are worth, by judges whose errors are known."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import polars as pl
import pytest

from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.obedience import calibration, labelled_items
from sysgen_dagster.obedience.calibration import Kind
from sysgen_dagster.obedience.preference_judgement import ORDERS
from sysgen_dagster.obedience.tables import JUDGE_CALIBRATION
from sysgen_dagster_tests.obedience.judged_rows import rows
from sysgen_dagster_tests.obedience.labelled import labelled_phrases
from sysgen_dagster_tests.tables.evidence import Rows

PAIRS = labelled_items.read_labelled_pairs()
ALL_PHRASES = labelled_items.read_labelled_phrases()
NO_PHRASES = labelled_items.read_labelled_phrases(Path("no such file"))
Say = Callable[[str, str], str]  # what a judge says, by the label and the answer shown first


def completions(replies: dict[str, str]) -> pl.DataFrame:
    """The replies of a judge by request."""
    every = [
        {"request_id": name, "text": text, "attempts": 1, "engine": "simulated"}
        for name, text in replies.items()
    ]
    return pl.DataFrame(every, schema=COMPLETIONS)


def right(label: str, shown_first: str) -> str:
    return f"Verdict: {'A' if label == shown_first else 'B'}"


def first(_label: str, _shown_first: str) -> str:
    return "Verdict: A"


def wrong_once_in_four() -> Say:
    rng = Random(0)
    errs: dict[int, bool] = {}

    def say(label: str, shown_first: str) -> str:
        at = len(errs)
        errs[at] = rng.random() < 0.25 if at % 2 == 0 else errs[at - 1]
        meant = {"new": "original", "original": "new"}[label] if errs[at] else label
        return right(meant, shown_first)

    return say


def judged(say: Say, pairs: pl.DataFrame = PAIRS) -> pl.DataFrame:
    replies = {
        f"{identity}#{order}": say(label, order)
        for identity, label in pairs.select("conversation_id", "label").iter_rows()
        for order in ORDERS
    }
    return calibration.build_judge_calibration(
        pairs,
        labelled_items.NO_REVIEWED,
        NO_PHRASES,
        completions(replies),
        "owl",
        is_generator=False,
    )


def reviewed_by(judge: Callable[[bool], str], yes: int, no: int) -> pl.DataFrame:
    labels = ["Aligned"] * yes + ["Not aligned"] * no
    reviewed = rows(*({} for _ in labels)).with_columns(label=pl.Series(labels))
    replies = {f"c{n}": f"Verdict: {judge(label == 'Aligned')}" for n, label in enumerate(labels)}
    return calibration.build_judge_calibration(
        PAIRS.clear(), reviewed, NO_PHRASES, completions(replies), "owl", is_generator=True
    )


def test_a_judge_that_is_always_right_is_calibrated() -> None:
    [found] = calibration.calibrate(judged(right)).to_dicts()

    assert (found["items"], found["not_judged"], found["kappa"]) == (419, 0, 1.0)
    assert (found["sensitivity"], found["specificity"], found["worth"]) == (1, 1, "calibrated")
    assert found["labelled_yes"] == pytest.approx(213 / 419)
    assert found["table"].startswith("of 213 labelled yes, 213 yes and 0 no")


def test_a_judge_that_always_takes_the_first_agrees_with_nobody() -> None:
    [found] = calibration.calibrate(judged(first)).to_dicts()

    assert (found["agreement"], found["kappa"]) == (0, 0)  # each pair is a tie, which no label is
    assert found["worth"] == "uncalibrated: kappa 0.00, 0.6 wanted"


def test_a_judge_that_errs_once_in_four_pairs_has_a_kappa_of_about_a_half() -> None:
    [found] = calibration.calibrate(judged(wrong_once_in_four())).to_dicts()

    assert found["agreement"] == pytest.approx(0.75, abs=0.06)
    assert found["kappa_low"] < 0.5 < found["kappa_high"]
    assert found["kappa_high"] - found["kappa_low"] < 0.2
    assert found["worth"].startswith("uncalibrated: kappa 0.")


def test_a_judge_that_was_asked_too_little_is_uncalibrated_though_it_is_right() -> None:
    few = judged(right, PAIRS.head(199))

    assert calibration.worth_of(few, "owl", Kind.PREFERENCE) == (
        "uncalibrated: 199 of 200 labelled items"
    )
    assert calibration.worth_of(judged(right), "owl", Kind.PREFERENCE) == "calibrated"


@pytest.mark.parametrize("stored", [None, judged(right), JUDGE_CALIBRATION.empty()])
def test_a_judge_that_nobody_held_against_labels_is_uncalibrated(
    stored: pl.DataFrame | None,
) -> None:
    assert calibration.worth_of(stored, "hawk", Kind.ALIGNMENT) == (
        "uncalibrated: 0 of 200 labelled items"
    )


def test_what_cannot_be_read_in_one_order_is_not_judged() -> None:
    [found] = calibration.calibrate(
        judged(lambda label, order: "It depends." if order == "new" else right(label, order))
    ).to_dicts()

    assert (found["items"], found["not_judged"], found["kappa"]) == (0, 419, None)


def test_reviewed_rows_say_how_often_a_judge_of_alignment_errs() -> None:
    said = {True: iter(["Aligned"] * 90 + ["Unknown"] * 10), False: iter(["Not aligned"] * 120)}
    stored = reviewed_by(lambda is_aligned: next(said[is_aligned]), 100, 120)
    [found] = calibration.calibrate(stored).to_dicts()

    assert (found["sensitivity"], found["specificity"]) == (0.9, 1.0)
    assert found["worth"] == "calibrated"
    corrected = calibration.correct_for_judge(450, 600, stored, "owl", Kind.ALIGNMENT)
    assert corrected is not None
    assert corrected.share == pytest.approx(0.75 / 0.9)
    assert corrected.low < corrected.share < corrected.high


def test_a_rate_is_not_corrected_by_a_judge_that_calls_everything_aligned() -> None:
    stored = reviewed_by(lambda _: "Aligned", 150, 100)

    assert calibration.correct_for_judge(450, 600, stored, "owl", Kind.ALIGNMENT) is None
    assert "kappa 0.00" in calibration.worth_of(stored, "owl", Kind.ALIGNMENT)


def test_a_check_warns_of_a_judge_that_labels_contradict_and_says_what_to_do() -> None:
    check = calibration.JUDGE_AGREES_WITH_LABELS
    stored = judged(first).with_columns(engine=pl.lit("vllm")).to_dicts()
    finding = check.evaluate(Rows({JUDGE_CALIBRATION.name: stored}))

    assert not check.blocking
    assert not finding.passed
    assert "owl on preference: uncalibrated: kappa 0.00" in finding.explanation
    assert "name another judge" in finding.explanation
    assert check.evaluate(Rows({JUDGE_CALIBRATION.name: judged(right).to_dicts()})).passed


def test_verdicts_on_labelled_phrases_say_how_often_the_judge_errs(tmp_path: Path) -> None:
    phrases = labelled_phrases(tmp_path)
    said = ("Phrase 1: Kept", "Phrase 1: Kept", "Who knows?", "Phrase 1: Broken")
    replies = completions(dict(zip(phrases["conversation_id"], said, strict=True)))
    rows = calibration.build_judge_calibration(
        PAIRS.clear(), labelled_items.NO_REVIEWED, phrases, replies, "owl", is_generator=False
    )

    assert rows["verdict"].to_list() == ["obeyed", "obeyed", "Unreadable", "not_obeyed"]
    found = calibration.calibrate(rows).select("kind", "labelled_set", "items", "not_judged").rows()
    assert found == [
        ("phrase", None, 3, 1),
        ("phrase", "phrases", 2, 1),
        ("phrase", "phrases_by_rules", 1, 0),
    ]
    [left_open] = calibration.calibrate(rows).filter(labelled_set="phrases").to_dicts()
    assert (left_open["sensitivity"], left_open["specificity"]) == (1, 0)
    assert calibration.worth_of(rows, "owl", Kind.PHRASE) == "uncalibrated: 3 of 200 labelled items"


def phrases_judged(say: Callable[[str, str], str]) -> pl.DataFrame:
    """What a judge says of the labelled phrases of the package, by label and labelled set."""
    phrases = ALL_PHRASES
    words = {"obeyed": "Kept", "not_obeyed": "Broken"}
    replies = {
        name: f"Phrase 1: {words[say(label, of)]}"
        for name, label, of in phrases.select("conversation_id", "label", "source").iter_rows()
    }
    return calibration.build_judge_calibration(
        PAIRS.clear(),
        labelled_items.NO_REVIEWED,
        phrases,
        completions(replies),
        "owl",
        is_generator=False,
    )


def test_a_judge_of_phrases_can_be_calibrated_by_the_labels_of_the_package() -> None:
    stored = phrases_judged(lambda label, _: label)

    assert calibration.worth_of(stored, "owl", Kind.PHRASE) == "calibrated"


def test_a_judge_that_is_right_only_where_rules_decide_is_worth_nothing() -> None:
    stored = phrases_judged(lambda label, of: "obeyed" if of == "phrases" else label)

    assert calibration.worth_of(stored, "owl", Kind.PHRASE) == (
        "uncalibrated: kappa 0.00 on phrases that rules leave open, 0.6 wanted"
    )
    assert calibration.correct_for_judge(90, 100, stored, "owl", Kind.PHRASE) is None


def without_a_verdict(stored: pl.DataFrame, *numbers: int) -> pl.DataFrame:
    """The same where of each labelled set so many items, the last ones, could not be read."""
    sets = [stored.filter(labelled_set=of) for of in ("phrases", "phrases_by_rules")]
    unread = pl.lit("Unreadable").alias("verdict")
    parts = [
        part
        for of, number in zip(sets, numbers, strict=True)
        for part in (of.head(of.height - number), of.tail(number).with_columns(unread))
    ]
    return pl.concat(parts)


OPEN = ALL_PHRASES.filter(source="phrases").height
BY_RULES = ALL_PHRASES.height - OPEN
TENTH = OPEN // 10
LESS = OPEN - TENTH - 1  # than nine in ten


@pytest.mark.parametrize(
    ("left_open", "by_rules", "worth"),
    [
        pytest.param(OPEN, BY_RULES, "calibrated", id="all"),
        pytest.param(2, BY_RULES, f"uncalibrated: 2 of {OPEN} labelled phrases that", id="two"),
        pytest.param(0, BY_RULES, f"uncalibrated: 0 of {OPEN} labelled phrases that", id="none"),
        pytest.param(OPEN - TENTH, BY_RULES, "calibrated", id="nine in ten"),
        pytest.param(LESS, BY_RULES, f"uncalibrated: {LESS} of {OPEN} labelled", id="less"),
        pytest.param(OPEN, 199 - OPEN, "uncalibrated: 199 of 200 labelled", id="few of all"),
    ],
)
def test_a_judge_of_phrases_must_have_judged_those_that_rules_leave_open(
    left_open: int, by_rules: int, worth: str
) -> None:
    stored = phrases_judged(lambda label, _: label)
    asked = pl.concat(
        stored.filter(labelled_set=of).head(number)
        for of, number in (("phrases", left_open), ("phrases_by_rules", by_rules))
    )

    assert calibration.worth_of(asked, "owl", Kind.PHRASE).startswith(worth)


@pytest.mark.parametrize(
    ("left_open", "by_rules", "worth"),
    [
        pytest.param(0, 74, "calibrated", id="a tenth at most"),
        pytest.param(0, 75, "uncalibrated: no verdict on 75 of 742 items, 10% at most", id="more"),
        pytest.param(TENTH, 0, "calibrated", id="a tenth of the open ones"),
        pytest.param(TENTH + 1, 0, f"uncalibrated: {LESS} of {OPEN} labelled", id="open ones"),
    ],
)
def test_what_a_judge_of_phrases_leaves_unread_counts(
    left_open: int, by_rules: int, worth: str
) -> None:
    stored = without_a_verdict(phrases_judged(lambda label, _: label), left_open, by_rules)

    assert calibration.worth_of(stored, "owl", Kind.PHRASE).startswith(worth)


@pytest.mark.parametrize(("unread", "is_worth"), [(41, True), (42, False)])
def test_a_judge_of_pairs_may_leave_a_tenth_unread(unread: int, *, is_worth: bool) -> None:
    stored = (
        judged(right)
        .with_row_index()
        .with_columns(verdict=pl.when(pl.col("index") >= 2 * unread).then("verdict"))
    )
    worth = calibration.worth_of(stored.drop("index"), "owl", Kind.PREFERENCE)

    assert worth == (
        "calibrated" if is_worth else "uncalibrated: no verdict on 42 of 419 items, 10% at most"
    )


def test_a_judge_whose_kappa_has_no_lower_bound_is_uncalibrated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = phrases_judged(lambda label, _: label)
    left_open = stored.filter(labelled_set="phrases").unique("label")
    monkeypatch.setattr(calibration, "read_labelled_phrases", lambda: ALL_PHRASES.head(0))
    few = pl.concat([stored.filter(labelled_set="phrases_by_rules"), left_open])

    assert calibration.worth_of(few, "owl", Kind.PHRASE) == (
        "uncalibrated: no lower bound of kappa on 2 phrases that rules leave open"
    )


def test_a_rate_of_phrases_is_corrected_by_those_that_rules_leave_open() -> None:
    stored = phrases_judged(lambda label, of: label if of == "phrases" else "obeyed")
    corrected = calibration.correct_for_judge(90, 100, stored, "owl", Kind.PHRASE)

    assert corrected is not None
    assert corrected.share == pytest.approx(0.9)
