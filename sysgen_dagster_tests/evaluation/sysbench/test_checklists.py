"""What the cells of a turn say: constraints, and verdicts on them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.evaluation.sysbench.checklists import SheetError, Verdict, read_turn
from sysgen_dagster.evaluation.sysbench.tables import TYPES, NoVerdict
from sysgen_dagster_tests.evaluation.sysbench.small_sheets import ACTION, CONTENT, STYLE, cells

ONE = f"1. 须合理 | {CONTENT}"


def verdict_on_one(verdicts: str) -> Verdict:
    [verdict] = read_turn(ONE, verdicts)
    return verdict


def test_yes_and_no_are_read_in_the_order_of_the_checklist() -> None:
    checklist, _ = cells([ACTION, CONTENT, STYLE], "是是是")
    verdicts = f"3. {STYLE} | 否\n1. {ACTION} | 是\n2. {CONTENT} | 是"
    assert [*read_turn(checklist, verdicts)] == [
        Verdict(1, "action", "是", True, None),
        Verdict(2, "content", "是", True, None),
        Verdict(3, "style", "否", False, None),
    ]


# All that 21 published sheets have beside yes and no.
THIRD_VERDICTS = ["不适用", "无法判断", "无法评判", "忽略", "部分", "部分是"]
# What a judge may put around a word, all of which leaves it what it is.
AROUND = [
    *("%s。", "%s.", "**%s**", "`%s`", "_%s_", "“%s”", "「%s」", "【%s】", "[%s]", '"%s",'),
    *("（%s）", "：%s", "%s！", "%s |"),  # noqa: RUF001 - Chinese punctuation
]


@pytest.mark.parametrize("word", THIRD_VERDICTS)
def test_a_third_verdict_is_dropped_and_kept_for_the_count(word: str) -> None:
    assert verdict_on_one(f"1. {CONTENT} | {word}") == Verdict(
        1, "content", word, None, NoVerdict.THIRD_VERDICT
    )


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("word", ["是", "否", *THIRD_VERDICTS])
def test_signs_and_markup_around_a_word_are_no_part_of_it(around: str, word: str) -> None:
    plain = verdict_on_one(f"1. {CONTENT} | {word}")
    assert verdict_on_one(f"1. {CONTENT} | {around % word}") == plain


@pytest.mark.parametrize(
    "word",
    [
        *("否，没有遵守", "是？", "是（部分）"),  # noqa: RUF001 - Chinese punctuation
        *(
            "不是",
            "No",
            "no",
            "yes",
            "是的",
            "否定",
            "是否",
            "是/否",
            "是 | 否",
            "不适用/否",
            "是?",
        ),
        *("~~是~~", "!是", "否 是", "1", "?", "True", "x", "❌", "未遵守", "违反", "适用", "**"),
    ],
)
def test_any_other_word_may_mean_no_and_is_no_verdict(word: str) -> None:
    """It is kept, so that who scores the sheet sees what the judge said."""
    assert verdict_on_one(f"1. {CONTENT} | {word}") == Verdict(
        1, "content", word, None, NoVerdict.MISSING
    )


@pytest.mark.parametrize("space", [" ", "", "  ", "\t", "\u3000"])
def test_space_around_a_word_is_no_part_of_it(space: str) -> None:
    assert verdict_on_one(f"{space}1.{space}{CONTENT}{space}|{space}是{space}").satisfied is True


@pytest.mark.parametrize(
    "verdicts",
    ["", "\n", "是", "1", "1. 是", f"1. {CONTENT}", f"1. {CONTENT} |", f"1. {CONTENT} | ",
     f"2. {CONTENT} | 是", f"{CONTENT} | 是", "1. 其他约束 | 是", "{'1': '是'}"],
)  # fmt: skip
def test_a_constraint_on_which_nothing_is_said_has_no_verdict(verdicts: str) -> None:
    assert verdict_on_one(verdicts) == Verdict(1, "content", None, None, NoVerdict.MISSING)


@pytest.mark.parametrize("words", ["是是", "是否", "否否"])
def test_two_verdicts_on_a_constraint_are_none(words: str) -> None:
    lines = "\n".join(f"1. {CONTENT} | {word}" for word in words)
    assert verdict_on_one(lines).drop_reason is NoVerdict.SEVERAL


def test_a_verdict_on_another_type_is_none_of_this_constraint() -> None:
    assert verdict_on_one(f"1. {STYLE} | 是").drop_reason is NoVerdict.OTHER_TYPE


def test_a_constraint_may_have_lines_bars_and_numbers_in_it() -> None:
    checklist = f"1. 列出\n2) 甲 | 乙\n三个 | {CONTENT}\n2. 3. 句 | {STYLE} \n"
    verdicts = f"1. {CONTENT} | 是\n2. {STYLE} | 否"
    assert [each.satisfied for each in read_turn(checklist, verdicts)] == [True, False]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_may_end_as_windows_ends_them(end: str) -> None:
    checklist, verdicts = (cell.replace("\n", end) for cell in cells([ACTION, STYLE], "是否"))
    assert [each.satisfied for each in read_turn(checklist, verdicts)] == [True, False]


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_has_its_name(kind: str) -> None:
    [verdict] = read_turn(*cells([kind], "是"))
    assert verdict.type == TYPES[kind]


@pytest.mark.parametrize(
    ("checklist", "fault"),
    [
        ("", "numbered from 1 on, and are: none"),
        ("须合理", "'须合理' is no constraint"),
        ("1. 须合理", "'1. 须合理' is no constraint"),
        ("1. 须合理 | 其他约束", "is no constraint"),
        (f"{ONE}\n再来", "'再来' is no constraint"),
        (f"2. 须合理 | {CONTENT}", "and are: 2"),
        (f"{ONE}\n{ONE}", "and are: 1, 1"),
        (f"{ONE}\n3. 须合理 | {CONTENT}", "and are: 1, 3"),
    ],
)
def test_a_checklist_that_is_not_whole_is_refused(checklist: str, fault: str) -> None:
    with pytest.raises(SheetError) as caught:
        [*read_turn(checklist, "")]
    assert fault in str(caught.value)


@given(
    st.text() | st.lists(st.sampled_from(["1.", "2.", CONTENT, "|", "是", "否", "\n"])).map("".join)
)
def test_no_text_of_a_judge_is_taken_for_a_verdict_that_it_does_not_hold(verdicts: str) -> None:
    verdict = verdict_on_one(verdicts)
    assert (verdict.satisfied is None) is (verdict.drop_reason is not None)
    if verdict.satisfied is not None:
        assert verdict.said == ("是" if verdict.satisfied else "否")
        assert verdict.said in verdicts
