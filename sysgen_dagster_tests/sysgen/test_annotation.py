"""Phase 1: what is asked, and the table it gives."""

from sysgen_dagster.sysgen.annotation import annotated_messages, annotation_requests
from sysgen_dagster.sysgen.chat import Sampling, derive_seed
from sysgen_dagster.sysgen.prompts import load_prompt
from sysgen_dagster.sysgen.tables import ANNOTATED, polars_schema
from sysgen_dagster_tests.sysgen.frames import completions, conversations, failed, replied

HISTORY = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def test_the_model_is_shown_the_history_the_question_and_the_original_answer() -> None:
    (request,) = annotation_requests(conversations({"history": HISTORY}))

    assert [message["role"] for message in request.messages] == ["system", "user"]
    assert request.messages[1]["content"].partition("# The conversation\n")[2] == (
        "[user]\nHi\n\n[assistant]\nHello\n\n[user]\nWhy?\n\n[assistant]\nBecause.\n\n"
        "# The tagged system message for this conversation"
    )


def test_the_upstream_system_message_is_not_shown_unless_it_stands_in_the_history() -> None:
    hidden, shown = annotation_requests(
        conversations(
            {"original_system_message": "Be a pirate."},
            {"history": [{"role": "system", "content": "Be a pirate."}]},
        )
    )

    assert "pirate" not in hidden.messages[1]["content"]
    assert "[system]\nBe a pirate.\n" in shown.messages[1]["content"]


def test_a_request_is_sent_as_the_paper_samples_with_a_seed_of_its_own() -> None:
    first, second = annotation_requests(conversations({}, {}))

    assert first.sampling == Sampling(temperature=0.7, max_tokens=512)
    assert (first.conversation_id, second.conversation_id) == ("c0", "c1")
    assert first.seed == derive_seed("c0", "annotated_system_messages")
    assert first.seed != second.seed


def test_requests_come_one_a_conversation_in_order() -> None:
    requests = annotation_requests(conversations(*[{}] * 5))

    assert [request.conversation_id for request in requests] == ["c0", "c1", "c2", "c3", "c4"]


def test_the_table_has_a_row_a_conversation_and_the_message_as_the_model_wrote_it() -> None:
    table = annotated_messages(
        conversations({}, {}, {}, {}),
        completions(
            replied("c0", " <<Role>>You cook.<</Role>>\n"),
            replied("c1", "<<Role>>You co", "length"),
            failed("c2", "server_error", "500"),
        ),
    )

    assert table.schema == polars_schema(ANNOTATED)
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


def test_no_conversations_give_no_requests_and_no_rows() -> None:
    table = annotated_messages(conversations(), completions())

    assert list(annotation_requests(conversations())) == []
    assert table.schema == polars_schema(ANNOTATED)
    assert table.is_empty()
