"""What is new in a deployment while a run goes on."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.lanes.multifaceted.tables import PREFERENCE_SETS
from sysgen_dagster.lanes.sysgen.stories import Story
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.report.live import Live, shorten
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster_tests.lanes.multifaceted.stored import store_lane
from sysgen_dagster_tests.lanes.sysgen.shards import Row, dropped, kept
from sysgen_dagster_tests.report.stored_shards import MODEL, SHARD, catalog, store_rows

PLACE = Partition(MODEL, SHARD)


def following(store: Store, **parts: Any) -> Live:
    return Live(store, catalog(), look_every_s=0, **parts)


def ids(news: dict[str, Any]) -> list[str]:
    return [story["id"] for story in news["rows"]]


def phase(news: dict[str, Any], table: Table) -> dict[str, Any]:
    titles = {ANNOTATED: "Phase 1, annotated", FILTERED: "Phase 2, filtered"}
    titles |= {VERIFIED: "Phase 3, verified", ALIGNED: "Phase 4, aligned"}
    return next(each for each in news["phases"] if each["phase"] == titles[table])


def test_of_an_empty_store_nothing_is_told(tmp_path: Path) -> None:
    assert following(Store(tmp_path)).news() == {
        **{"last": 0, "phases": [], "rows": [], "problems": []}
    }


def test_a_row_is_told_when_its_shard_is_stored_and_then_no_more(tmp_path: Path) -> None:
    live = following(Store(tmp_path))
    live.news()
    store_rows(tmp_path, [Row("one", columns={"new_answer": "Here."})])
    news = live.news()
    assert news["rows"][0]["new_answer"] == "Here."
    assert live.news(news["last"])["rows"] == []


@pytest.mark.parametrize("table", [ANNOTATED, FILTERED, VERIFIED, ALIGNED], ids=lambda it: it.name)
def test_rows_are_told_after_every_phase_before_the_next_has_begun(
    tmp_path: Path, table: Table
) -> None:
    rows = [Row("gone", table.name, "refused"), Row("kept", columns={"annotated_message": "A"})]
    live = following(store_rows(tmp_path, rows, upto=table))
    gone = next(story for story in live.news()["rows"] if story["id"] == "gone")
    assert (gone["drop_reason"], gone["stopped_at"]) == ("refused", table.name)
    assert "kept" in ids(live.news())


def test_how_far_a_phase_is_is_counted_over_its_shards(tmp_path: Path) -> None:
    rows = [*kept(3), *dropped(2, "malformed_boundary"), *dropped(1, "no_phrase_left")]
    store_rows(tmp_path, rows)
    store = store_rows(tmp_path, kept(4), "capybara-001")
    counted = phase(following(store).news(), FILTERED)
    assert (counted["rows"], counted["kept"], counted["shards"]) == (10, 7, 2)
    assert counted["dropped"] == [("malformed_boundary", 2), ("no_phrase_left", 1)]
    assert counted["of_shards"] == len(catalog().partition_values["shard"])


def test_tokens_are_added_up(tmp_path: Path) -> None:
    rows = kept(3, columns={"prompt_tokens": 100, "completion_tokens": 7})
    counted = phase(following(store_rows(tmp_path, rows)).news(), ALIGNED)
    assert (counted["prompt_tokens"], counted["completion_tokens"]) == (300, 21)


def test_what_a_pilot_left_out_is_neither_counted_nor_told(tmp_path: Path) -> None:
    rows = [*kept(1), *dropped(5, "beyond_limit", ANNOTATED.name)]
    news = following(store_rows(tmp_path, rows)).news()
    assert phase(news, ANNOTATED)["rows"] == 1
    assert set(ids(news)) == {"kept-0"}


def test_the_newest_row_is_first_and_rows_since_a_number_are_told_alone(tmp_path: Path) -> None:
    live = following(store_rows(tmp_path, [Row("first")]))
    before = live.news()["last"]
    store_rows(tmp_path, [Row("second")], "capybara-001", upto=ANNOTATED)
    assert ids(live.news(before)) == ["second"]
    assert ids(live.news())[0] == "second"


def test_a_browser_that_knows_the_news_of_an_ended_server_is_told_everything(
    tmp_path: Path,
) -> None:
    live = following(store_rows(tmp_path, [Row("one")]))
    assert "one" in ids(live.news(after=1_000_000))


def test_an_excluded_row_is_not_told(tmp_path: Path) -> None:
    store = store_rows(tmp_path, [Row("stays"), Row("goes")])
    store.exclude({"goes"})
    assert set(ids(following(store).news())) == {"stays"}


def test_a_shard_that_is_taken_away_is_counted_no_more(tmp_path: Path) -> None:
    store = store_rows(tmp_path, kept(3))
    live = following(store)
    live.news()
    Path(store.path(ALIGNED, PLACE)).unlink()
    assert [each["phase"] for each in live.news()["phases"]][-1] == "Phase 3, verified"


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_told(tmp_path: Path) -> None:
    store = store_rows(tmp_path, [Row("one")])
    store_rows(tmp_path, [Row("two")], "capybara-001")
    Path(store.path(ALIGNED, PLACE)).write_bytes(b"no Parquet")
    news = following(store).news()
    assert "is damaged" in news["problems"][0]
    assert "two" in ids(news)


def test_whatever_rows_hold_an_answer_stays_small(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "x" * 5_000}] * 60
    texts = ("question", "answer", "annotated_message", "tagged_message", "new_answer")
    columns = {**dict.fromkeys(texts, "y" * 10_000), "history": turns}
    store = store_rows(tmp_path, kept(200, columns=columns))
    for number in range(1, 6):
        store_rows(tmp_path, kept(20, columns=columns), f"capybara-{number:03d}", upto=ANNOTATED)
    live = following(store)
    news = live.news()
    assert len(news["rows"]) <= 20
    assert len(json.dumps(news)) < 600_000
    assert "more characters" in news["rows"][0]["question"]
    assert phase(news, ANNOTATED)["rows"] == 200 + 5 * 20


def test_of_the_second_lane_instructions_are_told_with_their_sets_as_far_as_they_are(
    tmp_path: Path,
) -> None:
    live = following(store_lane(tmp_path, upto=PREFERENCE_SETS))
    told = live.news()["rows"][-1]
    assert (told["id"], told["question"]) == ("chats-a-0", "Why a?")
    assert [(len(each["preferences"]), each["answer"]) for each in told["sets"]] == [(4, None)] * 2
    store_lane(tmp_path)
    answered = {story["id"]: story["sets"] for story in live.news()["rows"][::-1]}
    assert [each["answer"] for each in answered["chats-a-0"]] == ["So.", "Thus."]
    assert answered["coding-b-0"][1]["drop_reason"] == "names_taxonomy"


def test_how_far_a_step_of_the_second_lane_is_is_counted_up_to_its_pairs(tmp_path: Path) -> None:
    steps = {each["phase"]: each for each in following(store_lane(tmp_path)).news()["phases"]}
    assert {title: (step["kept"], step["rows"]) for title, step in steps.items()} == {
        "Second lane, preference sets": (4, 4),
        "Second lane, preference messages": (3, 4),
        "Second lane, gold answers": (3, 3),
        "Second lane, preference pairs": (1, 3),
    }
    shards = len(catalog().lane_shards["multifaceted"])
    assert {(step["shards"], step["of_shards"]) for step in steps.values()} == {(1, shards)}


def test_where_the_catalogue_has_no_second_lane_nothing_of_it_is_told(tmp_path: Path) -> None:
    alone = catalog().model_copy(update={"multifaceted": None})
    news = Live(store_lane(tmp_path), alone, look_every_s=0).news()
    assert (news["phases"], news["rows"]) == ([], [])


def test_an_excluded_instruction_is_not_told(tmp_path: Path) -> None:
    store = store_lane(tmp_path)
    store.exclude({"coding-b-0"})
    assert set(ids(following(store).news())) == {"chats-a-0"}


def test_texts_of_sets_are_cut() -> None:
    preference = {"dimension": "style", "description": "d" * 9_000}
    told = {"answer": "a" * 9_000, "preferences": [preference] * 99, "drop_reason": None}
    short = shorten({"question": "q" * 9_000, "sets": [told] * 99})
    assert len(json.dumps(short)) < 80_000
    assert short["sets"][0]["answer"].endswith("[7,500 more characters]")


@dataclass
class Known:
    """Answers as a caller would tell them."""

    stories: list[Story] = field(default_factory=list)

    def look(self) -> list[Story]:
        told, self.stories = self.stories, []
        return told

    def count(self, table: Table, model: str) -> int:
        return 5 if (table, model) == (ANNOTATED, MODEL) else 0


def test_answers_that_are_not_stored_are_told_and_counted(tmp_path: Path) -> None:
    live = following(Store(tmp_path), answers=Known([{"id": "answered", "question": "Q"}]))
    news = live.news()
    assert ids(news) == ["answered"]
    [begun] = news["phases"]
    assert (begun["answered"], begun["shards"]) == (5, 0)


def test_between_two_looks_the_same_is_told(tmp_path: Path) -> None:
    live = Live(Store(tmp_path), catalog(), look_every_s=60)
    live.news()
    store_rows(tmp_path, kept(1))
    assert live.news()["rows"] == []


def test_what_could_not_be_read_once_is_read_again_and_spoken_of_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = following(store_rows(tmp_path, [Row("one")]))
    with monkeypatch.context() as failing:
        failing.setattr(Store, "read", _fails)
        assert live.news()["problems"] == ["no connection"] * 3
    news = live.news()
    assert (news["problems"], ids(news)) == ([], ["one"] * 4)
    with monkeypatch.context() as failing:
        failing.setattr(Store, "shards", _fails)
        assert live.news()["problems"] == ["no connection"]
    assert live.news()["problems"] == []


def _fails(*_: object) -> None:
    raise StoreError("no connection")
