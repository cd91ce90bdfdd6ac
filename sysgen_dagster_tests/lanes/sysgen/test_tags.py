"""Tagged text to phrases and back."""

import re
import sys
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sysgen_dagster.lanes.sysgen.tags import (
    BLANKS,
    MALFORMED_BOUNDARIES,
    MENDS,
    TAG_MARK,
    TAG_NAMES,
    Defect,
    DefectKind,
    Phrase,
    Tag,
    parse_tagged_message,
    render_system_message,
    render_tagged_message,
)
from sysgen_dagster_tests.lanes.sysgen.real_completions import real_completions

MARK = re.compile(TAG_MARK)

# Pieces of random texts, chosen so that marks and broken marks come up often.
PIECES = (
    *("<", ">", "<<", ">>", "/", "//", " ", "\t", "\n", "\n\n", "\r\n", "-", "_", ":", "=", "5"),
    *TAG_NAMES,
    *("Tasks", "role", "ROLE", "Example", "System", "Conversational History", "Roles"),
    *("<<Role>>", "<</Role>>", "<<Task>>", "<</Task>>", "<<Example>>", "<</Example>>"),
    *(
        "<<//Role>>",
        "<<Role >>",
        "<<Role>",
        "<</ Role>>",
        "<< Role",
        "<<Role",
        "cout << x",
        "<<48/2=24>>",
    ),
    *("word", "é", "역할", "भूमिका", "🙂", "\u2028", "\x1c", "\x00", "{{", "\\"),
)
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=40).map("".join)
WORDS = st.lists(st.sampled_from(PIECES[:16]) | st.text(max_size=8), min_size=1, max_size=6)
# Any phrases: stripped, not empty and without a mark.
PHRASES = st.lists(
    st.builds(
        Phrase,
        st.sampled_from(Tag),
        WORDS.map("".join).map(str.strip).filter(lambda text: text and not MARK.search(text)),
    ),
    max_size=10,
)


def phrase(tag: str, text: str) -> Phrase:
    return Phrase(Tag(tag), text)


def defect(kind: str, text: str) -> Defect:
    return Defect(DefectKind(kind), text)


@given(TEXTS)
def test_any_text_is_read_and_nothing_is_invented(text: str) -> None:
    message = parse_tagged_message(text)

    assert all(found.text in text for found in message.phrases)


@given(TEXTS)
@example("<<Content>>a <<Role<</Content>>")  # a bare mark directly before another mark
@example("<<Role>>a<</Role<</Role>>")
def test_a_phrase_is_stripped_not_empty_and_holds_no_tag_mark(text: str) -> None:
    for found in parse_tagged_message(text).phrases:
        assert found.text
        assert found.text == found.text.strip()
        assert not MARK.search(found.text)


@given(TEXTS)
def test_phrases_come_in_the_order_of_the_text_and_do_not_overlap(text: str) -> None:
    position = 0
    for found in parse_tagged_message(text).phrases:
        position = text.index(found.text, position) + len(found.text)


@given(TEXTS)
def test_text_never_disappears_without_a_phrase_or_a_defect(text: str) -> None:
    message = parse_tagged_message(text)

    assert bool(message.phrases or message.defects) == bool(text.strip())


@given(PHRASES)
def test_reading_what_was_rendered_gives_the_same_phrases_and_no_defect(
    phrases: list[Phrase],
) -> None:
    message = parse_tagged_message(render_tagged_message(phrases))

    assert message.phrases == tuple(phrases)
    assert message.defects == ()


@given(TEXTS)
def test_reading_and_rendering_again_changes_nothing(text: str) -> None:
    phrases = parse_tagged_message(text).phrases

    assert parse_tagged_message(render_tagged_message(phrases)).phrases == phrases


@given(TEXTS)
@example("<<Content>>Explain cout <<<</Content>> <<Task>>Task one comes first.<</Task>>")
def test_the_natural_text_of_a_message_holds_no_tag_mark(text: str) -> None:
    phrases = sorted(parse_tagged_message(text).phrases, key=lambda each: TAG_NAMES.index(each.tag))

    assert not MARK.search(render_system_message(phrase.text for phrase in phrases))


@given(PHRASES)
def test_the_natural_text_holds_every_phrase_and_else_only_space(phrases: list[Phrase]) -> None:
    rest = render_system_message(phrase.text for phrase in phrases)
    for found in phrases:
        before, _, rest = rest.partition(found.text)
        assert before.strip() == ""
    assert rest == ""


def test_the_canonical_order_is_that_of_figure_2() -> None:
    assert TAG_NAMES == (
        "Role",
        "Content",
        "Task",
        "Action",
        "Style",
        "Background",
        "Tool",
        "Format",
    )


CLOSING_FORMS = {
    "with-a-slash": "<<Role>>You are a chemist.<</Role>> <<Task>>Balance it.<</Task>>",
    "symmetric": "<<Role>>You are a chemist.<<Role>> <<Task>>Balance it.<<Task>>",
    "both-in-one-message": "<<Role>>You are a chemist.<<Role>> <<Task>>Balance it.<</Task>>",
    "nothing-between": "<<Role>>You are a chemist.<</Role>><<Task>>Balance it.<</Task>>",
    "space-inside": "<<Role>>\n  You are a chemist.\n<</Role>>\n\n<<Task>> Balance it. <<Task>>",
}


@pytest.mark.parametrize("text", CLOSING_FORMS.values(), ids=CLOSING_FORMS.keys())
def test_both_closing_forms_of_the_paper_are_read(text: str) -> None:
    message = parse_tagged_message(text)

    assert message.phrases == (
        phrase("Role", "You are a chemist."),
        phrase("Task", "Balance it."),
    )
    assert message.defects == ()


def test_all_eight_tags_are_read_in_any_order_and_may_repeat() -> None:
    names = [*reversed(TAG_NAMES), "Content"]
    text = " ".join(f"<<{name}>>{name} {number}<</{name}>>" for number, name in enumerate(names))

    found = parse_tagged_message(text).phrases

    assert found == (
        phrase("Format", "Format 0"),
        phrase("Tool", "Tool 1"),
        phrase("Background", "Background 2"),
        phrase("Style", "Style 3"),
        phrase("Action", "Action 4"),
        phrase("Task", "Task 5"),
        phrase("Content", "Content 6"),
        phrase("Role", "Role 7"),
        phrase("Content", "Content 8"),
    )


GOOD = "<<Task>>Do it.<</Task>>"
DEFECTS = {
    "unclosed-at-the-end": (f"{GOOD} <<Role>>You are", [("unclosed", "<<Role>>You are")]),
    "unclosed-before-another": (f"<<Role>>You are {GOOD}", [("unclosed", "<<Role>>You are")]),
    "unclosed-around-an-unknown-tag": (
        f"{GOOD} <<Role>>a <<Note>>b<</Note>> c<</Role>>",
        [
            ("unclosed", "<<Role>>a"),
            ("unknown_tag", "<<Note>>b"),
            ("unassigned_text", "c"),
            ("orphan_close", "<</Role>>"),
        ],
    ),
    "mismatched": (f"{GOOD} <<Role>>You are<</Style>>", [("mismatched", "<<Role>>You are")]),
    "mismatched-by-an-unknown-end": (
        f"<<Role>>You are<</Note>> {GOOD}",
        [("mismatched", "<<Role>>You are")],
    ),
    "orphan-close": (f"{GOOD}<</Role>>", [("orphan_close", "<</Role>>")]),
    "orphan-close-alone": ("<</Role>>", [("orphan_close", "<</Role>>")]),
    "orphan-close-of-an-unknown-tag": (f"{GOOD}<</Note>>", [("unknown_tag", "<</Note>>")]),
    "orphan-close-inside-an-unknown-tag": (
        f"{GOOD}<<Note>>a<</Role>>",
        [("unknown_tag", "<<Note>>a"), ("orphan_close", "<</Role>>")],
    ),
    "double-slash": (f"<<Role>>You are<<//Role>> {GOOD}", [("broken_bracket", "<<Role>>You are")]),
    "one-closing-bracket": (
        f"{GOOD} <<Role>>You are<</Role>",
        [("broken_bracket", "<<Role>>You are")],
    ),
    "space-in-the-closing-mark": (
        f"<<Role>>You are<</Role >> {GOOD}",
        [("broken_bracket", "<<Role>>You are")],
    ),
    "space-in-the-opening-mark": (
        f"<<Role >>You are {GOOD}",
        [("broken_bracket", "<<Role >>"), ("unassigned_text", "You are")],
    ),
    "cut-at-the-token-limit": (f"{GOOD} <<Role", [("broken_bracket", "<<Role")]),
    "unknown-tag": (f"{GOOD} <<Note>>mine<</Note>>", [("unknown_tag", "<<Note>>mine")]),
    "unknown-tag-symmetric": (f"{GOOD} <<Note>>mine<<Note>>", [("unknown_tag", "<<Note>>mine")]),
    "unknown-tag-unclosed": (f"<<Note>>mine {GOOD}", [("unknown_tag", "<<Note>>mine")]),
    "plural-tag": (f"{GOOD} <<Tasks>>all<</Tasks>>", [("unknown_tag", "<<Tasks>>all")]),
    "lower-case-tag": (f"{GOOD} <<role>>all<</role>>", [("unknown_tag", "<<role>>all")]),
    "tag-in-another-script": (f"{GOOD} <<역할>>all<</역할>>", [("unknown_tag", "<<역할>>all")]),
    "text-before": (f"Sure! {GOOD}", [("unassigned_text", "Sure!")]),
    "text-between": (f"{GOOD}\n\nInstructions:\n{GOOD}", [("unassigned_text", "Instructions:")]),
    "text-after": (f"{GOOD} Hope this helps.", [("unassigned_text", "Hope this helps.")]),
    "empty-phrase": (f"{GOOD}<<Role>><</Role>>", [("empty_phrase", "<<Role>>")]),
    "blank-phrase": (f"{GOOD}<<Role>> \n <<Role>>", [("empty_phrase", "<<Role>>")]),
}


@pytest.mark.parametrize(("text", "expected"), DEFECTS.values(), ids=DEFECTS.keys())
def test_every_kind_of_defect_is_named_with_what_was_lost(
    text: str, expected: Sequence[tuple[str, str]]
) -> None:
    message = parse_tagged_message(text)

    assert message.defects == tuple(defect(kind, stretch) for kind, stretch in expected)
    assert set(message.phrases) <= {phrase("Task", "Do it.")}
    assert (phrase("Task", "Do it.") in message.phrases) == (GOOD in text)


def test_the_examples_hold_every_kind_of_defect() -> None:
    kinds = {kind for _, defects in DEFECTS.values() for kind, _ in defects}

    assert kinds == set(DefectKind) - MENDS


BOUNDARIES = {
    "unclosed": True,
    "mismatched": True,
    "orphan_close": True,
    "broken_bracket": True,
    "unknown_tag": False,
    "unassigned_text": False,
    "empty_phrase": False,
    "mended_close": False,
    "mended_last_close": False,
    "mended_decoration": False,
}


@pytest.mark.parametrize(("kind", "malformed"), BOUNDARIES.items(), ids=BOUNDARIES.keys())
def test_four_kinds_of_defect_are_malformed_boundaries(kind: str, malformed: bool) -> None:
    assert (DefectKind(kind) in MALFORMED_BOUNDARIES) is malformed


@pytest.mark.parametrize(
    ("text", "malformed"),
    [
        pytest.param(GOOD, False, id="no-defect"),
        pytest.param("", False, id="no-text"),
        pytest.param("Hello <<Note>>x<</Note>> <<Role>><</Role>>", False, id="harmless-defects"),
        pytest.param("<</Note>>", False, id="orphan-end-of-an-unknown-tag"),
        pytest.param(f"{GOOD}<</Role>>", True, id="orphan-end-of-one-of-the-eight"),
        pytest.param(f"{GOOD}<<Role>>You", True, id="unclosed"),
    ],
)
def test_a_message_knows_whether_one_of_the_eight_tags_went_wrong(
    text: str, malformed: bool
) -> None:
    assert parse_tagged_message(text).has_malformed_boundary is malformed


KIND, DO_IT = "You are kind.", "Do it."
MENDED: dict[str, tuple[str, list[tuple[str, str]], list[tuple[str, str]]]] = {
    "no-close-before-the-next-line": (
        f"<<Role>>{KIND}\n<<Task>>{DO_IT}<</Task>>",
        [("Role", KIND), ("Task", DO_IT)],
        [("mended_close", KIND)],
    ),
    "no-close-before-a-blank-line-and-windows-line-ends": (
        f"<<Role>>\r\n{KIND} \r\n\r\n<<Task>>{DO_IT}<</Task>>",
        [("Role", KIND), ("Task", DO_IT)],
        [("mended_close", KIND)],
    ),
    "no-last-close": (
        f"<<Role>>{KIND}<</Role>>\n<<Task>>{DO_IT}\n",
        [("Role", KIND), ("Task", DO_IT)],
        [("mended_last_close", DO_IT)],
    ),
    "no-close-at-all": (
        f"<<Role>>{KIND}\n<<Task>>{DO_IT}",
        [("Role", KIND), ("Task", DO_IT)],
        [("mended_close", KIND), ("mended_last_close", DO_IT)],
    ),
    "bold-marks": (
        f"**<<Role>>** {KIND} **<</Role>>**",
        [("Role", KIND)],
        [("mended_decoration", "**<<Role>>**"), ("mended_decoration", "**<</Role>>**")],
    ),
    "marks-as-code": (
        f"`<<Role>>`{KIND}`<</Role>>`",
        [("Role", KIND)],
        [("mended_decoration", "`<<Role>>`"), ("mended_decoration", "`<</Role>>`")],
    ),
    "colon": (
        f"<<Role>>: {KIND}<</Role>>",
        [("Role", KIND)],
        [("mended_decoration", "<<Role>>:")],
    ),
    "full-width-colon": (
        f"<<Role>>\uff1a{KIND}<</Role>>",
        [("Role", KIND)],
        [("mended_decoration", "<<Role>>\uff1a")],
    ),
    "bold-with-the-colon-inside-and-no-close": (
        f"**<<Role>>:** {KIND}\n**<<Task>>:** {DO_IT}",
        [("Role", KIND), ("Task", DO_IT)],
        [
            ("mended_decoration", "**<<Role>>:**"),
            ("mended_decoration", "**<<Task>>:**"),
            ("mended_close", KIND),
            ("mended_last_close", DO_IT),
        ],
    ),
}


@pytest.mark.parametrize(("text", "phrases", "mends"), MENDED.values(), ids=MENDED.keys())
def test_a_slip_of_form_is_mended_and_each_mend_is_named(
    text: str, phrases: list[tuple[str, str]], mends: list[tuple[str, str]]
) -> None:
    message = parse_tagged_message(text, mend=True)

    assert message.phrases == tuple(phrase(*each) for each in phrases)
    assert message.defects == tuple(defect(*each) for each in mends)
    assert not message.has_malformed_boundary


NOT_MENDED = {
    "next-mark-on-the-same-line": f"<<Role>>{KIND} <<Task>>{DO_IT}<</Task>>",
    "phrase-of-two-lines": f"<<Role>>{KIND}\nHere is more.\n<<Task>>{DO_IT}<</Task>>",
    "last-phrase-of-two-lines": f"<<Task>>{DO_IT}<</Task>>\n<<Role>>{KIND}\nI hope this helps!",
    "closed-by-another-tag": f"<<Role>>{KIND}<</Task>>\n<<Task>>{DO_IT}<</Task>>",
    "closed-by-an-unknown-tag": f"<<Role>>{KIND}\n<<Note>>{DO_IT}<</Note>>",
    "closed-by-another-tag-without-a-slash": f"<<Role>>{KIND}\n<<Task>>",
    "nothing-to-close": f"<<Role>>\n<<Task>>{DO_IT}<</Task>>",
    "single-brackets-at-the-end": f"<<Role>>{KIND}</Role>",
    "brackets-without-a-name": f"<<Role>>{KIND}<>\n<<Task>>{DO_IT}<</Task>>",
    "a-bracket-at-the-end": f"<<Role>>{KIND}<\n<<Task>>{DO_IT}<</Task>>",
    "half-a-mark-at-the-end": f"<<Role>>{KIND}<</Ro",
    "broken-bracket": f"<<Role>>{KIND}<<//Role>>",
    "mark-in-the-phrase": f"<<Role>>{KIND} cout << x\n<<Task>>{DO_IT}<</Task>>",
}


@pytest.mark.parametrize("text", NOT_MENDED.values(), ids=NOT_MENDED.keys())
def test_where_something_would_be_guessed_a_message_stays_malformed(text: str) -> None:
    assert parse_tagged_message(text, mend=True).has_malformed_boundary


def test_a_text_that_was_cut_keeps_its_last_phrase_open() -> None:
    text = f"<<Role>>{KIND}\n<<Task>>{DO_IT}"
    message = parse_tagged_message(text, mend=True, is_cut=True)

    assert message.phrases == (phrase("Role", KIND),)
    assert message.defects == (
        defect("mended_close", KIND),
        defect("unclosed", f"<<Task>>{DO_IT}"),
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a **word**", id="bold-at-the-end"),
        pytest.param("**word** a", id="bold-at-the-start"),
        pytest.param("Use `x`", id="code-at-the-end"),
        pytest.param("::: note", id="several-colons"),
    ],
)
def test_decoration_of_a_phrase_s_own_stays(text: str) -> None:
    message = parse_tagged_message(f"<<Format>>{text}<</Format>>", mend=True)

    assert message.phrases == (phrase("Format", text),)
    assert message.defects == ()


@given(TEXTS)
def test_without_mend_no_mend_is_ever_found(text: str) -> None:
    assert not MENDS & {found.kind for found in parse_tagged_message(text).defects}


@given(TEXTS, st.booleans())
@example("**<<Role>>:** a\n`<<Task>>`: b `<</Task>>`", False)
def test_with_mend_phrases_are_still_of_the_text_in_its_order_and_hold_no_mark(
    text: str, is_cut: bool
) -> None:
    position = 0
    for found in parse_tagged_message(text, mend=True, is_cut=is_cut).phrases:
        position = text.index(found.text, position) + len(found.text)
        assert found.text == found.text.strip()
        assert not MARK.search(found.text)


@given(PHRASES)
def test_with_mend_a_text_without_slips_is_read_as_before(phrases: list[Phrase]) -> None:
    text = render_tagged_message(phrases)
    message = parse_tagged_message(text, mend=True)

    assert message.defects or message == parse_tagged_message(text)


@given(TEXTS)
def test_mending_what_was_mended_changes_nothing(text: str) -> None:
    phrases = parse_tagged_message(text, mend=True).phrases
    again = parse_tagged_message(render_tagged_message(phrases), mend=True)

    assert again.phrases == phrases or MENDS & {found.kind for found in again.defects}


PAPER_INVALID = {
    "double-slash": (
        "<<Role>>You are a chemist.<<//Role>>",
        [("broken_bracket", "<<Role>>You are a chemist.")],
    ),
    "another-tag-at-the-end": (
        "<<Task>>Balance the equation.<<Format>>",
        [("unclosed", "<<Task>>Balance the equation."), ("unclosed", "<<Format>>")],
    ),
    "no-end": ("<<Format>>Use a table.", [("unclosed", "<<Format>>Use a table.")]),
    "no-end-and-a-space": (
        "<<Background >>The lab is closed.",
        [("broken_bracket", "<<Background >>"), ("unassigned_text", "The lab is closed.")],
    ),
    "example": ("<<Example>>H2O<</Example>>", [("unknown_tag", "<<Example>>H2O")]),
    "system": ("<<System>>Be good.<</System>>", [("unknown_tag", "<<System>>Be good.")]),
    "conversational-history": (
        "<<Conversational History>>Hi.<</Conversational History>>",
        [("unknown_tag", "<<Conversational History>>Hi.")],
    ),
}


@pytest.mark.parametrize(("text", "expected"), PAPER_INVALID.values(), ids=PAPER_INVALID.keys())
def test_the_paper_s_invalid_examples_give_no_phrase(
    text: str, expected: Sequence[tuple[str, str]]
) -> None:
    message = parse_tagged_message(text)

    assert message.phrases == ()
    assert message.defects == tuple(defect(kind, stretch) for kind, stretch in expected)


NOT_TAGS = {
    "calculator-mark": "Each has <<48/2=24>>24 eggs.",
    "stream": "std::cout << x << std::endl;",
    "stream-without-spaces": "cout<<x;",
    "here-document": "cat <<EOF > /tmp/x",
    "left-shift": "1 << 4 >> 2",
    "number-between-brackets": "<<1>> and << >> and <<>>",
    "single-brackets": "<Role>, </Task> and Vec<Vec<Format>>",
    "generic": "Map<String, List<Role>>",
    "guillemets": "«Role»",
    "braces-between-brackets": "<<{name}>> and <<$x>>",
    "line-break-in-the-name": "<<conversational\nhistory>>",
    "name-of-41-letters": "<<" + "a" * 41 + ">>",
    "arrow": "a <<< b >>> c",
}


@pytest.mark.parametrize("text", NOT_TAGS.values(), ids=NOT_TAGS.keys())
def test_text_that_only_looks_like_a_tag_stays_text(text: str) -> None:
    assert parse_tagged_message(f"<<Content>>{text}<</Content>>").phrases == (
        phrase("Content", text),
    )
    assert parse_tagged_message(text).defects == (defect("unassigned_text", text),)


def test_a_name_of_40_letters_is_an_unknown_tag() -> None:
    assert parse_tagged_message("<<" + "a" * 40 + ">>").defects == (
        defect("unknown_tag", "<<" + "a" * 40 + ">>"),
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<<Content>>a<< /Content>> <<Content>>b<< /Content>>", id="space-then-slash"),
        pytest.param("<<Content>>a<</ /Content>> <<Content>>b<</ /Content>>", id="slash-space"),
    ],
)
def test_a_closing_mark_with_a_space_in_it_is_not_part_of_the_phrase(text: str) -> None:
    """If it were, two such phrases would close each other, with a broken mark in their text."""
    assert not [found for found in parse_tagged_message(text).phrases if "Content>>" in found.text]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Example", id="latin"),
        pytest.param("역할", id="korean"),
        pytest.param("役割", id="japanese"),
        pytest.param("الدور", id="arabic"),
        pytest.param("भूमिका", id="hindi-with-vowel-signs"),
        pytest.param("บทบาท", id="thai"),
        pytest.param("หน้าที่", id="thai-with-vowel-signs"),
        pytest.param("Ro\u0302le", id="combining-accent"),
    ],
)
def test_an_unknown_tag_in_any_script_is_a_mark_for_the_parser_and_for_polars(name: str) -> None:
    """`checks` looks for the same pattern with Polars, whose regular expressions are Rust's."""
    text = f"<<Role>>You are <<{name}>> a chemist.<</Role>>"

    assert pl.Series([f"<<{name}>>"]).str.contains(TAG_MARK).item()
    assert parse_tagged_message(text).phrases == ()


REAL = real_completions(1)


@pytest.mark.parametrize("mend", [False, True], ids=["plain", "mended"])
@pytest.mark.parametrize("written", REAL, ids=lambda each: f"{each['prompt']}-{each['source']}")
def test_what_real_models_wrote_is_read_as_people_read_it(
    written: dict[str, Any], mend: bool
) -> None:
    message = parse_tagged_message(
        written["completion"], mend=mend, is_cut=written["finish"] != "stop"
    )

    assert {
        "tags": [each.tag for each in message.phrases],
        "defects": [each.kind for each in message.defects],
        "well_formed": bool(message.phrases) and not message.has_malformed_boundary,
    } == written["expected"]["mended" if mend else "plain"]


def test_real_texts_are_many_and_of_many_kinds() -> None:
    kinds = {kind for each in REAL for kind in each["expected"]["plain"]["defects"]}

    assert len(REAL) + len(real_completions(3)) >= 200
    assert len({each["model"] for each in REAL}) >= 3
    assert kinds == set(DefectKind) - MENDS - {DefectKind.EMPTY_PHRASE}


MILLION = 1_000_000
HOSTILE = {
    "open-brackets": "<" * (2 * MILLION),
    "close-brackets": "<<" + ">" * (2 * MILLION),
    "slashes": "<<" + "/" * (2 * MILLION),
    "bracket-slash": "<</" * (MILLION // 2),
    "one-endless-name": "<<" + "a" * (2 * MILLION),
    "endless-spaces-in-a-mark": "<<Role" + " " * (2 * MILLION),
    "names-almost-as-long-as-allowed": ("<<" + "a " * 20) * 45_000,
    "openings": "<<Role>>" * (MILLION // 4),
    "closings": "<</Role>>" * (MILLION // 4),
    "broken-marks": "<<Role " * (MILLION // 4),
    "tabs": "<<" + "\t" * (2 * MILLION),
    "white-space": "<<Role>>" + " \n" * MILLION + "<</Role>>",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_two_megabytes_of_hostile_text_are_read_to_the_end(text: str) -> None:
    """With a step of quadratic cost this would take hours."""
    assert parse_tagged_message(text).phrases == ()
    assert parse_tagged_message(text, mend=True).phrases == ()


def test_two_megabytes_of_phrases_are_read_to_the_end() -> None:
    text = "<<Role>>a <<48/2=24>> <</Role>>" * 70_000

    assert parse_tagged_message(text).phrases == (phrase("Role", "a <<48/2=24>>"),) * 70_000


def test_tagged_text_has_one_phrase_a_line() -> None:
    phrases = [phrase("Role", "You are a chemist."), phrase("Format", "A table:\n| a | b |")]

    assert render_tagged_message(phrases) == (
        "<<Role>>You are a chemist.<</Role>>\n<<Format>>A table:\n| a | b |<</Format>>"
    )


LIST = "Mention:\n- the price\n- the colour"
NATURAL_TEXTS = {
    "nothing": ([], ""),
    "one": (["Be brief."], "Be brief."),
    "joined-by-a-space": (["You cook.", "Be brief.", "Be kind."], "You cook. Be brief. Be kind."),
    "list-first": ([LIST, "Be brief.", "Be kind."], f"{LIST}\n\nBe brief. Be kind."),
    "list-between": (["You cook.", LIST, "Be brief."], f"You cook.\n\n{LIST}\n\nBe brief."),
    "list-last": (["You cook.", "Be kind.", LIST], f"You cook. Be kind.\n\n{LIST}"),
    "two-lists": ([LIST, LIST], f"{LIST}\n\n{LIST}"),
    "list-with-a-blank-line-inside": (
        ["You cook.", "- the price\n\n- the colour", "Be brief."],
        "You cook.\n\n- the price\n\n- the colour\n\nBe brief.",
    ),
}


@pytest.mark.parametrize(("texts", "expected"), NATURAL_TEXTS.values(), ids=NATURAL_TEXTS.keys())
def test_phrases_are_joined_by_a_space_and_those_of_several_lines_stand_alone(
    texts: list[str], expected: str
) -> None:
    assert render_system_message(texts) == expected


def test_blanks_are_what_python_strips() -> None:
    assert set(BLANKS) == {sign for sign in map(chr, range(sys.maxunicode + 1)) if sign.isspace()}


def test_the_sign_after_a_bare_name_is_not_part_of_what_went_wrong() -> None:
    message = parse_tagged_message("<<Role> a <</Task<<Tool>>b<</Tool>>")
    assert [defect.text for defect in message.defects] == ["<<Role>", "a", "<</Task"]
    assert [phrase.text for phrase in message.phrases] == ["b"]
