"""Phase 2: which phrases stay, and when a whole message is dropped."""

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sysgen_dagster.lanes.sysgen.filtering import count_kept_by_rule, count_mends, filter_messages
from sysgen_dagster.lanes.sysgen.settings import DropRule
from sysgen_dagster.lanes.sysgen.tables import FILTERED
from sysgen_dagster.lanes.sysgen.tags import (
    TAG_NAMES,
    WELL_FORMED,
    parse_tagged_message,
    render_tagged_message,
)
from sysgen_dagster_tests.lanes.sysgen.frames import annotated

CLEAN = "<<Task>>Solve it.<</Task>> <<Role>>You are a tutor.<</Role>>"
EXTRA = f"Sure! {CLEAN} <<Note>>mine<</Note>> <<Tool>><</Tool>>"
MALFORMED = f"{CLEAN} <<Style>>Be brief."
ONLY_MALFORMED = "<<Style>>Be brief.<</Role>>"
NO_TAG = "You are a tutor."
EVERYTHING = (CLEAN, EXTRA, MALFORMED, ONLY_MALFORMED, NO_TAG)

TAGGED = "<<Role>>You are a tutor.<</Role>>\n<<Task>>Solve it.<</Task>>"

MALFORMED_BOUNDARY, NO_PHRASE_LEFT = DropRule.MALFORMED_BOUNDARY, DropRule.NO_PHRASE_LEFT


def test_any_malformed_boundary_drops_a_message_under_the_first_rule() -> None:
    table = filter_messages(annotated(*EVERYTHING), MALFORMED_BOUNDARY)

    assert table.select("conversation_id", "drop_reason", "tagged_message").rows() == [
        ("c0", None, TAGGED),
        ("c1", None, TAGGED),
        ("c2", "malformed_boundary", None),
        ("c3", "malformed_boundary", None),
        ("c4", "no_phrase_left", None),
    ]


def test_only_a_message_without_any_phrase_is_dropped_under_the_second_rule() -> None:
    table = filter_messages(annotated(*EVERYTHING), NO_PHRASE_LEFT)

    assert table.select("conversation_id", "drop_reason", "tagged_message").rows() == [
        ("c0", None, TAGGED),
        ("c1", None, TAGGED),
        ("c2", None, TAGGED),
        ("c3", "no_phrase_left", None),
        ("c4", "no_phrase_left", None),
    ]


@pytest.mark.parametrize("rule", DropRule)
def test_both_rules_can_be_counted_from_the_table_of_either(rule: DropRule) -> None:
    table = filter_messages(annotated(*EVERYTHING), rule)

    assert count_kept_by_rule(table) == {
        "kept_under_malformed_boundary": 2,
        "kept_under_no_phrase_left": 3,
    }


@pytest.mark.parametrize("rule", DropRule)
def test_dropped_rows_keep_their_phrases_and_their_defects(rule: DropRule) -> None:
    table = filter_messages(annotated(MALFORMED, ONLY_MALFORMED), rule)

    assert table["phrases"].to_list() == [
        [
            {"tag": "Role", "text": "You are a tutor."},
            {"tag": "Task", "text": "Solve it."},
        ],
        [],
    ]
    assert table["defects"].to_list() == [
        [{"kind": "unclosed", "text": "<<Style>>Be brief."}],
        [{"kind": "mismatched", "text": "<<Style>>Be brief."}],
    ]
    assert table["has_malformed_boundary"].to_list() == [True, True]


def test_unknown_tags_text_under_no_tag_and_empty_phrases_go_and_leave_a_defect() -> None:
    table = filter_messages(annotated(EXTRA), MALFORMED_BOUNDARY)

    assert table["defects"].to_list() == [
        [
            {"kind": "unassigned_text", "text": "Sure!"},
            {"kind": "unknown_tag", "text": "<<Note>>mine"},
            {"kind": "empty_phrase", "text": "<<Tool>>"},
        ]
    ]
    assert table["has_malformed_boundary"].to_list() == [False]


def test_phrases_are_put_in_canonical_order_and_those_of_one_tag_keep_theirs() -> None:
    names = [
        "Format",
        "Content",
        "Role",
        "Tool",
        "Task",
        "Content",
        "Style",
        "Background",
        "Action",
    ]
    text = "".join(f"<<{name}>>{number}<</{name}>>" for number, name in enumerate(names))
    table = filter_messages(annotated(text), MALFORMED_BOUNDARY)

    assert [(each["tag"], each["text"]) for each in table["phrases"].item()] == [
        ("Role", "2"),
        ("Content", "1"),
        ("Content", "5"),
        ("Task", "4"),
        ("Action", "8"),
        ("Style", "6"),
        ("Background", "7"),
        ("Tool", "3"),
        ("Format", "0"),
    ]
    assert table["tagged_message"].item().split("\n")[0] == "<<Role>>2<</Role>>"


@given(
    st.lists(
        st.lists(st.sampled_from(["<<", ">>", "/", " ", "x", *TAG_NAMES, *EVERYTHING])).map(
            "".join
        ),
        max_size=5,
    ),
    st.sampled_from(DropRule),
)
def test_as_many_rows_come_out_as_went_in_and_each_has_a_message_or_a_reason(
    texts: list[str], rule: DropRule
) -> None:
    table = filter_messages(annotated(*texts), rule)

    assert table.schema == FILTERED.schema
    assert table["conversation_id"].to_list() == [f"c{number}" for number in range(len(texts))]
    assert (table["drop_reason"].is_null() != table["tagged_message"].is_null()).all()
    assert count_kept_by_rule(table)[f"kept_under_{rule}"] == table["drop_reason"].null_count()


WELL_FORMED_PARTS = [
    *(
        "<<Role>>",
        "<</Role>>",
        "<<Tool>>",
        "<</Tool>>",
        "<<Task>>x<</Task>>",
        "<<Role>>a b<<Role>>",
    ),
    *("x", ">>", "é", '"', "\\", "\n", "\x1c", "\xa0", "\u2003", "\u200b", "<", "", " "),
]


@given(
    st.lists(st.lists(st.sampled_from(WELL_FORMED_PARTS), max_size=8).map("".join), max_size=5),
    st.sampled_from(DropRule),
)
@example([CLEAN, MALFORMED, CLEAN, EXTRA], MALFORMED_BOUNDARY)
@example(["\x1c<<Role>>\x1fa\u3000<<Role>>\x85"], NO_PHRASE_LEFT)
def test_messages_without_defects_are_read_at_once_just_as_the_parser_reads_them(
    texts: list[str], rule: DropRule
) -> None:
    for row, text in zip(filter_messages(annotated(*texts), rule).to_dicts(), texts, strict=True):
        message = parse_tagged_message(text)
        phrases = sorted(message.phrases, key=lambda phrase: TAG_NAMES.index(phrase.tag))
        assert row["phrases"] == [{"tag": each.tag, "text": each.text} for each in phrases]
        assert row["defects"] == [{"kind": e.kind, "text": e.text} for e in message.defects]
        assert row["has_malformed_boundary"] == message.has_malformed_boundary
        assert row["tagged_message"] in {None, render_tagged_message(phrases)}


def test_most_messages_are_read_at_once_and_those_with_a_defect_are_not() -> None:
    texts = pl.Series([CLEAN, TAGGED, EXTRA, MALFORMED, ONLY_MALFORMED, NO_TAG, ""])
    assert texts.str.contains(WELL_FORMED).to_list() == [True, True, *[False] * 5]


SLIPS = [
    *WELL_FORMED_PARTS,
    "<<Task>>Solve it.\n",
    "<<Style>>Be brief.",
    "**<<Role>>** You cook. **<</Role>>**\n",
    "<<Role>>: You cook.<</Role>>\n",
    "<<Tool>>`ask`<</Tool>>\n",
    "Sure!\n",
]


@given(st.lists(st.lists(st.sampled_from(SLIPS), max_size=6).map("".join), max_size=5))
@example(["<<Role>>: You cook.<</Role>>", "<<Role>>** You cook. **<</Role>>"])
def test_with_mend_the_table_is_what_the_parser_reads(texts: list[str]) -> None:
    messages = annotated(*texts).with_columns(finish_reason=pl.lit("stop"))
    table = filter_messages(messages, MALFORMED_BOUNDARY, mend=True)

    for text, row in zip(texts, table.iter_rows(named=True), strict=True):
        message = parse_tagged_message(text, mend=True)
        phrases = sorted(message.phrases, key=lambda each: TAG_NAMES.index(each.tag))
        assert row["phrases"] == [{"tag": each.tag, "text": each.text} for each in phrases]
        assert row["defects"] == [
            {"kind": each.kind, "text": each.text} for each in message.defects
        ]


def test_a_message_that_was_mended_is_kept_and_counted() -> None:
    slip = "<<Role>>You are a tutor.\n<<Task>>: Solve it."
    messages = annotated(slip, CLEAN, MALFORMED).with_columns(
        finish_reason=pl.Series(["stop", "stop", "length"])
    )
    table = filter_messages(messages, MALFORMED_BOUNDARY, mend=True)

    assert table["tagged_message"].to_list() == [TAGGED, TAGGED, None]
    assert [each["kind"] for each in table["defects"][0]] == [
        "mended_decoration",
        "mended_close",
        "mended_last_close",
    ]
    assert count_mends(table) == {
        "mended_close": 1,
        "mended_decoration": 1,
        "mended_last_close": 1,
    }


def test_without_mend_nothing_is_mended() -> None:
    table = filter_messages(annotated(*EVERYTHING), MALFORMED_BOUNDARY)

    assert set(count_mends(table).values()) == {0}


def test_what_the_first_rule_keeps_the_second_keeps_as_well() -> None:
    counts = count_kept_by_rule(filter_messages(annotated(*EVERYTHING), NO_PHRASE_LEFT))

    assert counts["kept_under_malformed_boundary"] <= counts["kept_under_no_phrase_left"]


def test_no_messages_give_no_rows_and_counts_of_zero() -> None:
    table = filter_messages(annotated(), MALFORMED_BOUNDARY)

    assert table.schema == FILTERED.schema
    assert count_kept_by_rule(table) == {
        "kept_under_malformed_boundary": 0,
        "kept_under_no_phrase_left": 0,
    }


def test_the_reasons_are_stored_as_plain_text() -> None:
    table = filter_messages(annotated(NO_TAG), MALFORMED_BOUNDARY)

    assert table.filter(pl.col("drop_reason") == "no_phrase_left").height == 1
