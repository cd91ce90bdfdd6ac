"""What a subject is asked, sampled as the bench's authors do, and what is kept of its answers."""

from pathlib import Path

from sysgen_dagster.catalog.evaluation import Multifacet
from sysgen_dagster.chat.messages import Sampling
from sysgen_dagster.evaluation.multifacet.answers import build_answer_requests, build_answers
from sysgen_dagster.evaluation.multifacet.tables import MULTIFACET_ANSWERS
from sysgen_dagster_tests.evaluation.multifacet.frames import items_of
from sysgen_dagster_tests.lanes.sysgen.frames import completions, failed, replied


def test_each_item_is_its_message_and_its_instruction_with_janus_decoding(tmp_path: Path) -> None:
    items = items_of(tmp_path)
    requests = [*build_answer_requests(items, Multifacet())]

    assert [request.request_id for request in requests] == items["item"].to_list()
    for request, item in zip(requests, items.rows(named=True), strict=True):
        assert request.messages == [
            {"role": "system", "content": item["system_message"]},
            {"role": "user", "content": item["prompt"]},
        ]
        assert request.sampling == Sampling(1.0, 1024, 0.9, 1.03)
        assert request.shortened is None


def test_seeds_differ_by_item_and_by_the_seed_of_the_settings(tmp_path: Path) -> None:
    items = items_of(tmp_path)
    seeds = {
        request.seed
        for seed in (0, 1)
        for request in build_answer_requests(items, Multifacet(seed=seed))
    }
    assert len(seeds) == 2 * items.height


def test_every_item_has_its_answer_or_a_reason_in_the_order_of_the_bench(tmp_path: Path) -> None:
    items = items_of(tmp_path, number=5)
    one, two, three, four, _ = items["item"]
    answers = build_answers(
        items,
        completions(
            replied(three, " "),
            replied(one, "For cakes."),
            failed(four, "too_long"),
            replied(two, "For cakes and", "length"),
        ),
        lambda messages: messages[1:],
    )

    assert dict(answers.schema) == MULTIFACET_ANSWERS.schema
    assert answers["item"].to_list() == items["item"].to_list()
    assert answers["answer"].to_list() == ["For cakes.", "For cakes and", None, None, None]
    reasons = [None, None, "empty_completion", "too_long", "beyond_limit"]
    assert answers["drop_reason"].to_list() == reasons
    assert [len(each) for each in answers["messages"].to_list()] == [1] * 5
