"""Answers under their own message, under another one and under none, as a model finds them."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.evaluation.message_likelihood import (
    OWN,
    OWN_MINUS_NONE,
    OWN_MINUS_OTHER,
    build_chats,
    build_items,
)
from sysgen_dagster.tables.columns import MESSAGES

KINDS = ("new_answer", "original_answer")


def rows(**of_sources: int) -> pl.DataFrame:
    """So many conversations of each source, with two answers each."""
    made: list[dict[str, Any]] = []
    for source, number in of_sources.items():
        for n in range(number):
            for kind in KINDS:
                texts = (f"Be {source} {n}.", f"Question {n}?", f"The {kind} {n}.")
                turns = zip(("system", "user", "assistant"), texts, strict=True)
                made.append(
                    {
                        "conversation_id": f"{source}-{n}",
                        "source": source,
                        "answer": kind,
                        "messages": [{"role": role, "content": text} for role, text in turns],
                    }
                )
    names = dict.fromkeys(("conversation_id", "source", "answer"), pl.String())
    return pl.DataFrame(made, schema={**names, "messages": MESSAGES})


def likelihoods(chats: pl.DataFrame, **sums: float | None) -> pl.DataFrame:
    """The sum of ten tokens, by which message is shown."""
    said = [sums[shown] for shown in chats["shown"]]
    return chats.select(
        "id", tokens=pl.lit(10), log_likelihood=pl.Series(said, dtype=pl.Float64, strict=False)
    )


def test_each_answer_is_put_under_its_message_another_and_none() -> None:
    chats = build_chats(rows(maths=3))
    assert chats.height == 3 * len(KINDS) * 3
    assert chats["id"].is_unique().all()
    for row in chats.iter_rows(named=True):
        roles = [message["role"] for message in row["messages"]]
        assert roles == [*(["system"] if row["shown"] != "none" else []), "user", "assistant"]
        assert (row["message_of"] == row["conversation_id"]) == (row["shown"] == "own")
    answers = chats.group_by("conversation_id", "answer").agg(
        pl.col("messages").list.last().n_unique()
    )
    assert answers["messages"].unique().to_list() == [1]


@pytest.mark.parametrize("number", [2, 3, 9])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_message_is_shown_as_another_one_of_its_source_once(number: int, seed: int) -> None:
    chats = build_chats(rows(maths=number, code=2), seed).filter(shown="other")
    assert sorted(chats.filter(answer=KINDS[0])["message_of"]) == sorted(
        [f"maths-{n}" for n in range(number)] + ["code-0", "code-1"]
    )
    same = chats.filter(
        pl.col("message_of").str.split("-").list[0]
        == pl.col("conversation_id").str.split("-").list[0]
    )
    assert same.height == chats.height
    # Both answers of a row are put under the same other message.
    assert chats.group_by("conversation_id").agg(pl.col("message_of").n_unique())[
        "message_of"
    ].unique().to_list() == [1]


def test_another_seed_shows_other_messages() -> None:
    first, second = (build_chats(rows(maths=30), seed)["message_of"] for seed in (0, 1))
    assert not first.equals(second)


def test_the_differences_are_of_means_over_tokens() -> None:
    chats = build_chats(rows(maths=2))
    items = build_items(chats, likelihoods(chats, own=-10.0, other=-12.0, none=-9.0))
    assert items["drop_reason"].null_count() == items.height == 3 * 2 * len(KINDS)
    values = {
        metric: part["value"].unique().to_list() for (metric,), part in items.group_by("metric")
    }
    assert values[OWN_MINUS_OTHER] == [pytest.approx(0.2)]
    assert values[OWN_MINUS_NONE] == [pytest.approx(-0.1)]
    assert values[OWN] == [-1.0]


def test_an_answer_that_cannot_be_compared_is_dropped_with_its_reason() -> None:
    chats = build_chats(rows(maths=2, lonely=1))
    items = build_items(chats, likelihoods(chats, own=-10.0, other=-12.0, none=None))
    reasons = dict(
        items.group_by("metric").agg(pl.col("drop_reason").drop_nulls().unique().sort()).iter_rows()
    )
    assert reasons == {
        OWN_MINUS_OTHER: ["no_other_message"],
        OWN_MINUS_NONE: ["does_not_fit"],
        OWN: [],
    }
    assert items.filter(pl.col("value").is_null() != pl.col("drop_reason").is_not_null()).is_empty()


def test_nothing_is_computed_of_a_part_of_the_chats() -> None:
    chats = build_chats(rows(maths=2))
    said = likelihoods(chats, own=-1.0, other=-1.0, none=-1.0)
    with pytest.raises(ValueError, match=r"1 of 12 chats .* maths-0/new_answer/own: run"):
        build_items(chats, said.tail(-1))
