"""Phase 1: what is asked, and the table it gives."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.chat.messages import LEAST_LEFT, Sampling, derive_seed
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.lanes.sysgen.annotation import (
    LONGEST_PHRASE,
    MOST_SECTIONS,
    REPAIR_GRAMMAR,
    SAMPLING,
    build_annotated_messages,
    build_annotation_requests,
)
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES, parse_tagged_message
from sysgen_dagster_tests.lanes.sysgen.frames import completions, conversations, failed, replied

TOKENIZERS = Path(__file__).parents[4] / "shared" / "tokenizers"
HISTORY = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def test_the_model_is_shown_the_history_the_question_and_the_original_answer() -> None:
    (request,) = build_annotation_requests(conversations({"history": HISTORY}))

    assert [message["role"] for message in request.messages] == ["system", "user"]
    said = [("user", "Hi"), ("assistant", "Hello"), ("user", "Why?"), ("assistant", "Because.")]
    mark = separating_mark(text for _, text in said)
    assert request.messages[1]["content"].partition("# The conversation\n")[2] == (
        "".join(f"[{who}, {mark}]\n{text}\n[end of {who}, {mark}]\n\n" for who, text in said)
        + "# The tagged system message for this conversation"
    )


def test_the_upstream_system_message_is_not_shown_unless_it_stands_in_the_history() -> None:
    hidden, shown = build_annotation_requests(
        conversations(
            {"original_system_message": "Be a pirate."},
            {"history": [{"role": "system", "content": "Be a pirate."}]},
        )
    )

    assert "pirate" not in hidden.messages[1]["content"]
    assert re.search(r"\[system, \w{8}\]\nBe a pirate\.\n", shown.messages[1]["content"])


def test_a_request_is_sent_as_the_paper_samples_with_a_seed_of_its_own() -> None:
    first, second = build_annotation_requests(conversations({}, {}))

    assert first.sampling == Sampling(temperature=0.7, max_tokens=512)
    assert (first.request_id, second.request_id) == ("c0", "c1")
    assert first.seed == derive_seed("c0", "annotated_system_messages")
    assert first.seed != second.seed


def test_requests_come_one_a_conversation_in_order() -> None:
    requests = build_annotation_requests(conversations(*[{}] * 5))

    assert [request.request_id for request in requests] == ["c0", "c1", "c2", "c3", "c4"]


def test_a_request_is_free_text_unless_more_is_said() -> None:
    (request,) = build_annotation_requests(conversations({}))

    assert (request.constraint, request.choices) == (None, ())


def test_another_attempt_asks_the_same_with_another_seed() -> None:
    (first,), (second,) = (
        build_annotation_requests(conversations({}), attempt) for attempt in (0, 1)
    )

    assert second.messages == first.messages
    assert second.sampling == first.sampling
    assert second.seed == derive_seed("c0", "annotated_system_messages", 1) != first.seed


def test_a_repair_asks_the_same_under_a_grammar() -> None:
    (plain,) = build_annotation_requests(conversations({}))
    (repair,) = build_annotation_requests(conversations({}), 1, repair=True)

    assert repair.messages == plain.messages
    assert repair.constraint == Constraint({"grammar": REPAIR_GRAMMAR}, REPAIR_GRAMMAR)


def as_regex(grammar: str) -> str:
    """A regular expression for the same language: names replaced by rules, quoted text escaped."""
    rules = dict(line.split(" ::= ") for line in grammar.strip().split("\n"))

    def expand(token: re.Match[str]) -> str:
        text = token[0]
        if text.startswith('"'):
            return re.escape(text[1:-1].replace(r"\n", "\n"))
        return f"(?:{body(text)})" if text in rules else text

    def body(name: str) -> str:
        return re.sub(r'"[^"]*"|\[[^\]]*\]|[a-z]+', expand, rules[name]).replace(" ", "")

    # The spaces between the words of a rule are removed, but not the one in a character set.
    return body("root").replace(r"\t]", r"\t\x20]")


@given(st.from_regex(as_regex(REPAIR_GRAMMAR), fullmatch=True))
def test_whatever_the_grammar_accepts_is_well_formed(text: str) -> None:
    message = parse_tagged_message(text)

    assert not message.has_malformed_boundary
    assert 1 <= len(message.phrases) + len(message.defects) <= 6
    assert {defect.kind for defect in message.defects} <= {"empty_phrase"}  # of exotic spaces


@pytest.mark.parametrize("tag", TAG_NAMES)
def test_the_grammar_accepts_every_tag_and_only_its_own_end(tag: str) -> None:
    accepts = re.compile(as_regex(REPAIR_GRAMMAR)).fullmatch
    other = "Role" if tag != "Role" else "Task"

    assert accepts(f"<<{tag}>>Be kind, r\u00e9ally.<</{tag}>>")
    assert accepts("\n".join([f"<<{tag}>>Be kind.<</{tag}>>"] * 6))
    assert not accepts(f"<<{tag}>>Be kind.<</{other}>>")
    assert not accepts(f"<<{tag}>>Be kind.")
    assert not accepts(f"<<{tag}>>   <</{tag}>>")
    assert not accepts(f"<<{tag}>>{'x' * 141}<</{tag}>>")
    assert not accepts("\n".join([f"<<{tag}>>Be kind.<</{tag}>>"] * 7))


@pytest.mark.parametrize("tag", TAG_NAMES)
def test_the_longest_repair_fits_the_token_limit_at_two_characters_a_token(tag: str) -> None:
    sections = [f"<<{tag}>>{'x' * LONGEST_PHRASE}<</{tag}>>"] * MOST_SECTIONS
    longest = "\n".join(sections)
    assert re.compile(as_regex(REPAIR_GRAMMAR)).fullmatch(longest)
    assert len(longest) / 2 < SAMPLING.max_tokens


@pytest.mark.skipif(not TOKENIZERS.is_dir(), reason="no folder of tokenizers beside the checkout")
@pytest.mark.parametrize("model", ["qwen2.5-0.5b-instruct", "smollm2"])
@pytest.mark.parametrize(
    "text",
    [
        "Ask for the number on the frame before you look anything up. ",
        "Nenne die Ausnahmen, die ein Aufruf ausl\u00f6sen kann, und wie man sie abf\u00e4ngt. ",
        "print({a: [1, 2] for a in b}) # x += y ",
    ],
)
def test_a_repair_fits_the_tokens_of_real_tokenizers(model: str, text: str) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer.from_file(str(TOKENIZERS / model / "tokenizer.json"))
    phrase = (text * LONGEST_PHRASE)[:LONGEST_PHRASE]
    longest = "\n".join([f"<<Background>>{phrase}<</Background>>"] * MOST_SECTIONS)
    assert len(tokenizer.encode(longest).ids) < SAMPLING.max_tokens


@pytest.mark.parametrize("sign", ["<", ">", "\n", "\r"], ids=repr)
@pytest.mark.parametrize("phrase", ["{}Be kind.", "Be {} kind.", "Be kind.{}"])
def test_the_grammar_lets_no_bracket_and_no_second_line_into_a_phrase(
    sign: str, phrase: str
) -> None:
    accepts = re.compile(as_regex(REPAIR_GRAMMAR)).fullmatch

    assert not accepts(f"<<Role>>{phrase.format(sign)}<</Role>>")


def shown_answer(content: str) -> str:
    *_, last = re.findall(
        r"^\[assistant, (\w{8})\]\n(.*?)\n\[end of assistant, \1\]$", content, re.M | re.S
    )
    return str(last[1])


@given(
    st.integers(LEAST_LEFT + 1, 3 * LEAST_LEFT).flatmap(
        lambda length: st.tuples(st.just(length), st.integers(LEAST_LEFT, length - 1))
    )
)
def test_of_an_answer_that_is_cut_the_beginning_and_the_end_stay(lengths: tuple[int, int]) -> None:
    length, left = lengths
    answer = "".join(chr(0x4E00 + position) for position in range(length))
    (request,) = build_annotation_requests(conversations({"answer": answer}))
    assert request.shortened is not None
    head, line, tail = shown_answer(request.shortened(left)[1]["content"]).split("\n")

    assert request.shortenable == length
    assert (len(head), len(tail)) == (left - left // 2, left // 2)
    assert answer.startswith(head)
    assert answer.endswith(tail)
    assert line == f"[... {length - left:,} characters left out ...]"


def test_the_characters_left_out_are_written_with_thousands() -> None:
    (request,) = build_annotation_requests(conversations({"answer": "a" * 2034}))
    assert request.shortened is not None

    assert "[... 1,234 characters left out ...]" in request.shortened(800)[1]["content"]


def test_only_the_answer_is_cut() -> None:
    row = {"history": HISTORY, "question": "Why? " * 300, "answer": "a" * 1000}
    (request,) = build_annotation_requests(conversations(row))
    assert request.shortened is not None
    system, user = request.shortened(LEAST_LEFT)
    cut = shown_answer(user["content"])

    assert system == request.messages[0]
    assert user["content"].replace(cut, "a" * 1000) == request.messages[1]["content"]


def test_with_nothing_to_leave_out_the_request_is_the_usual_one() -> None:
    (request,) = build_annotation_requests(conversations({"answer": "a" * 1000}))
    assert request.shortened is not None

    assert request.shortened(1000) == request.messages


def test_an_answer_is_cut_to_four_hundred_characters_at_the_least() -> None:
    rows = conversations({"answer": "a" * 400}, {"answer": "a" * 401})
    short, long = build_annotation_requests(rows)

    assert (short.shortened, short.shortenable) == (None, 0)
    assert long.shortened is not None
    assert long.shortenable == 401


def test_each_request_cuts_the_answer_of_its_own_conversation() -> None:
    rows = conversations({"answer": "a" * 500}, {"question": "Who?", "answer": "b" * 500})
    requests = list(build_annotation_requests(rows))
    prompts = [request.shortened(400)[1]["content"] for request in requests if request.shortened]

    assert [shown_answer(prompt)[0] for prompt in prompts] == ["a", "b"]
    assert ["Who?" in prompt for prompt in prompts] == [False, True]


def test_the_table_has_a_row_a_conversation_and_the_message_as_the_model_wrote_it() -> None:
    table = build_annotated_messages(
        conversations({}, {}, {}, {}),
        completions(
            replied("c0", " <<Role>>You cook.<</Role>>\n"),
            replied("c1", "<<Role>>You co", "length"),
            failed("c2", "server_error", "500"),
        ),
    )

    assert table.schema == ANNOTATED.schema
    assert table.select("conversation_id", "annotated_message", "drop_reason").rows() == [
        ("c0", " <<Role>>You cook.<</Role>>\n", None),
        ("c1", "<<Role>>You co", None),
        ("c2", None, "server_error"),
        ("c3", None, "beyond_limit"),
    ]
    assert table["finish_reason"].to_list() == ["stop", "length", None, None]
    assert set(table["prompt_fingerprint"]) == {
        load_prompt("phase1_annotate_system_message").fingerprint
    }


def test_the_table_says_which_attempt_it_is_where_one_was_made() -> None:
    rows, answered = conversations({}, {}), completions(replied("c0", "Hm."))
    columns = ("sample", "repaired", "rejected")

    assert build_annotated_messages(rows, answered).select(columns).rows() == [
        (0, False, []),
        (None, None, []),
    ]
    assert build_annotated_messages(rows, answered, 2, repair=True).select(columns).row(0) == (
        2,
        True,
        [],
    )


def test_no_conversations_give_no_requests_and_no_rows() -> None:
    table = build_annotated_messages(conversations(), completions())

    assert list(build_annotation_requests(conversations())) == []
    assert table.schema == ANNOTATED.schema
    assert table.is_empty()
