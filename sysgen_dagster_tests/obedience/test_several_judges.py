"""Several judges of the same phrases: most of them decide, and contradictions are seen."""

import polars as pl
import pytest

from sysgen_dagster.obedience.phrase_judgement import build_obedience
from sysgen_dagster.obedience.several_judges import combine_judges, contradict
from sysgen_dagster.obedience.tables import OBEDIENCE
from sysgen_dagster_tests.lanes.sysgen.frames import completions, failed, replied
from sysgen_dagster_tests.obedience.phrase_rows import phrase, rows

WORDS = {"k": "Phrase 1: Kept", "b": "Phrase 1: Broken", "u": "Phrase 1: Unclear", "-": "Well."}
OPEN, DECIDED = phrase("Be kind."), phrase("Be brief.", "obeyed")


def judge(name: str, text: str | None, frame: pl.DataFrame, writes: bool = False) -> pl.DataFrame:
    reply = failed("c0", "timeout", "too slow") if text is None else replied("c0", text)
    return build_obedience(frame, completions(reply), name, writes)


def combined(*texts: str | None, phrases: tuple[dict[str, object], ...] = (OPEN,)) -> pl.DataFrame:
    frame = rows([*phrases]).with_columns(may_decline=True)
    tables = {name: judge(name, text, frame) for name, text in zip("xyz", texts, strict=False)}
    return combine_judges(frame["phrases"], tables)


@pytest.mark.parametrize(
    ("said", "verdict", "by", "disagree"),
    [
        ("kkk", "obeyed", "x, y, z", False),
        ("kkb", "obeyed", "x, y", True),
        ("bkb", "not_obeyed", "x, z", True),
        ("kku", "obeyed", "x, y", False),
        ("kk-", "obeyed", "x, y", False),
        ("kbu", "unknown", None, True),
        ("kuu", "unknown", None, False),
        ("k--", "unknown", None, False),
        ("uuu", "unknown", None, False),
        ("kk", "obeyed", "x, y", False),
        ("kb", "unknown", None, True),
        ("b-", "unknown", None, False),
    ],
)
def test_a_verdict_is_what_more_than_half_of_the_judges_say(
    said: str, verdict: str, by: str | None, disagree: bool
) -> None:
    table = combined(*(WORDS[each] for each in said))
    [[found]] = table["phrases"].to_list()

    assert table.schema == OBEDIENCE.schema
    assert (found["verdict"], found["by"], found["rule"]) == (verdict, by, None)
    counts = table.select("obeyed", "not_obeyed", "unknown").row(0, named=True)
    assert {name for name, number in counts.items() if number} == {verdict}
    assert table.select(contradict(pl.col("judged").list.first())).item() is disagree


def test_what_rules_decided_stays_and_each_judge_is_quoted_for_the_rest() -> None:
    words = (WORDS["k"], None, "Phrase 1: Broken\nDeclines: No")
    table = combined(*words, phrases=(DECIDED, OPEN))

    assert table["phrases"].to_list()[0][0] == DECIDED
    assert table["judged"].to_list() == [[None, "x: obeyed; y: unread; z: not_obeyed"]]
    assert table.select("judge", "failure", "attempts").row(0)[:2] == ("x, y, z", "too slow")
    assert "z:\nPhrase 1: Broken" in table["verdict_text"].item()


def test_tokens_are_those_of_all_judges() -> None:
    frame = rows([OPEN])
    one = judge("x", WORDS["k"], frame)
    both = combine_judges(frame["phrases"], {"x": one, "y": judge("y", WORDS["k"], frame, True)})

    for name in ("attempts", "prompt_tokens", "completion_tokens"):
        assert both[name].item() == 2 * (one[name].item() or 0)
    assert both["judge_is_generator"].item()


@pytest.mark.parametrize(
    ("said", "declines"),
    [("YYN", True), ("YNN", False), ("YN-", None), ("Y-", None), ("NN", False)],
)
def test_most_judges_say_whether_an_answer_declines(said: str, declines: bool | None) -> None:
    words = {"Y": "Declines: Yes", "N": "Declines: No", "-": "Hm."}
    assert combined(*(words[each] for each in said))["declines"].item() is declines


@pytest.mark.parametrize("beyond", ["x", "y", "z"])
def test_a_judge_that_was_not_asked_throws_no_verdict_of_the_others_away(beyond: str) -> None:
    frame = rows([OPEN])
    tables = {
        name: build_obedience(frame, completions(), name, is_generator=False)
        if name == beyond
        else judge(name, WORDS["k"], frame)
        for name in "xyz"
    }
    table = combine_judges(frame["phrases"], tables)
    [[found]] = table["phrases"].to_list()
    asked = [name for name in "xyz" if name != beyond]

    assert (found["verdict"], found["by"]) == ("obeyed", ", ".join(asked))
    assert table["judge"].item() == ", ".join(asked)
    assert f"{beyond}: unread" in table["judged"].item()[0]
    assert table["attempts"].item() == 2
    assert table["prompt_fingerprint"].item() is not None
    assert table["verdict_text"].item() == "\n\n".join(f"{name}:\n{WORDS['k']}" for name in asked)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((None, WORDS["k"]), f"y:\n{WORDS['k']}"),
        ((None, None), None),
        (("None", None), "x:\nNone"),
    ],
)
def test_a_judge_without_a_text_is_not_quoted(words: tuple[str | None, ...], text: str) -> None:
    assert combined(*words)["verdict_text"].item() == text


def test_a_row_that_no_judge_was_asked_about_is_as_rules_leave_it() -> None:
    frame = rows([DECIDED], None, [])
    alone = build_obedience(frame)

    assert combine_judges(frame["phrases"], {"x": alone, "y": alone}).equals(alone)
