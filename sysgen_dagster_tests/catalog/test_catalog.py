"""The catalogue as a whole: its shards and partitions, who judges, what recipes may name."""

from pathlib import Path

import pytest

from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster_tests.catalog.small import (
    SMALL,
    Wrong,
    assert_wrong,
    write,
)

JUDGE = {"served_name": "org/big", "license": "mit", "engine": "vllm"}

WRONG_ENTRIES: dict[str, Wrong] = {
    "no-sources": ([("sources", {})], "sources", "needs at least 1"),
    "no-models": ([("models", {})], "models", "needs at least 1"),
    "judge-that-is-a-model-too": (
        [("judges.small", JUDGE)],
        "judges.small",
        "small is an entry of `models`, too: give it another name",
    ),
    "judge-that-is-not-there": (
        [("judging.judge", "gpt"), ("judges.big", JUDGE)],
        "judging.judge",
        "gpt is no entry of `models` or `judges`: there are small, big. Correct it or leave it out",
    ),
    "one-of-several-judges-that-is-not-there": (
        [("judging.judges", ["small", "gpt"])],
        "judging.judges.1",
        "gpt is no entry of `models` or `judges`: there are small. Correct it or leave it out",
    ),
    "mixture-of-a-source-that-is-not-there": (
        [("mixtures.half", {"sources": ["mine", "yours"]})],
        "mixtures.half.sources.1",
        "yours is no entry of `sources`: there are mine.",
    ),
    "mixture-of-rows-of-a-source-that-is-not-there": (
        [("mixtures.half", {"rows_of": {"yours": 1}})],
        "mixtures.half.rows_of.yours",
        "yours is no entry of `sources`",
    ),
    "pairs-of-conflict-turns-where-no-message-is-put-to-the-test": (
        [("mixtures.pairs", {"rejected": ["followed_user"]})],
        "mixtures",
        "`rejected` of pairs names followed_user, and no message is put to the test: say in "
        "`conflicts` how many are, such as {messages_a_shard: 20}",
    ),
    "flag-of-a-judge-where-nothing-is-judged": (
        [("mixtures.good", {"leave_out": ["repetitive", "not_aligned"]})],
        "mixtures",
        "`leave_out` of good names not_aligned, and nothing is judged: name a judge",
    ),
    "mixture-of-a-model-that-is-not-there": (
        [("mixtures.half", {"models": ["large"]})],
        "mixtures.half.models.0",
        "large is no entry of `models`: there are small.",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_ENTRIES.values(), ids=WRONG_ENTRIES.keys())
def test_a_wrong_entry_is_one_error_that_names_the_file_the_entry_and_the_field(
    tmp_path: Path, wrong: Wrong
) -> None:
    assert_wrong(tmp_path, wrong)


def test_the_shards_of_a_source_are_numbered_and_can_be_located(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path, ("sources.mine.shards", 1001)))
    shards = catalog.shards("mine")

    assert shards[:2] == ["mine-000", "mine-001"]
    assert len(set(shards)) == 1001
    assert [split_shard(shards[index]) for index in (0, 7, 1000)] == [
        ("mine", 0),
        ("mine", 7),
        ("mine", 1000),
    ]
    assert catalog.source_of(shards[1000]) is catalog.sources["mine"]


def test_a_model_judges_itself_unless_somebody_else_does(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path, ("judges.big", JUDGE)))
    assert catalog.judge_of("small") is catalog.models["small"]
    assert list(catalog.served) == ["small", "big"]

    catalog = load_catalog(write(tmp_path, ("judges.big", JUDGE), ("judging.judge", "big")))
    assert catalog.judge_of("small") is catalog.judges["big"]


def test_several_judges_are_asked_about_phrases_and_the_first_about_samples(tmp_path: Path) -> None:
    named = ("judges.big", JUDGE), ("judging.judges", ["big", "small"])
    catalog = load_catalog(write(tmp_path, *named))
    big, small = catalog.judges["big"], catalog.models["small"]

    assert catalog.judges_of("small") == [big, small]
    assert catalog.judge_of("small") is big
    assert (catalog.judging.preference_rows, catalog.judging.obedience) == (200, "all")
    other = load_catalog(write(tmp_path, *named, ("judging.judge", "small")))
    assert other.judge_of("small") is other.models["small"]
    assert [judge.name for judge in other.every_judge_of("small")] == ["small", "big"]
    alone = load_catalog(write(tmp_path))
    assert alone.judges_of("small") == alone.every_judge_of("small") == [alone.models["small"]]


def test_a_partition_can_be_of_any_shard_model_and_recipe_in_the_order_of_the_catalogue(
    tmp_path: Path,
) -> None:
    more = SMALL["sources"]["mine"] | {"shards": 1}
    file = write(tmp_path, ("sources.another", more), ("mixtures", {"b": {}, "a": {}}))

    assert load_catalog(file).partition_values == {
        "model": ["small"],
        "recipe": ["b", "a"],
        "shard": ["mine-000", "mine-001", "another-000"],
        "subject": [],
        "training": [],
    }
