"""Dimensions, subdimensions, and what the sets of an instruction are about."""

from collections import Counter

import pytest

from sysgen_dagster.lanes.multifaceted.taxonomy import (
    DIMENSIONS,
    draw_aspects,
    load_taxonomy,
    with_more,
)

PUBLISHED = {
    "style": "clarity conciseness format tone vividness",
    "background_knowledge": "basic novice intermediate advanced expert",
    "informativeness": "creativity depth efficiency practicality relevance",
    "harmlessness": "accuracy morality safety sensitivity trustworthiness",
}


@pytest.mark.parametrize("dimension", PUBLISHED)
def test_the_published_subdimensions_are_there_each_with_a_meaning(dimension: str) -> None:
    meanings = load_taxonomy()[dimension]

    assert {*PUBLISHED[dimension].split()} <= meanings.keys()
    assert all(len(meaning.split()) > 4 for meaning in meanings.values())


def test_a_set_has_one_aspect_of_each_dimension_in_their_order() -> None:
    for aspects in draw_aspects("chats-1-0", 3, load_taxonomy(), seed=0):
        assert tuple(each.dimension for each in aspects) == DIMENSIONS


@pytest.mark.parametrize("sets", [1, 2, 3, 5])
def test_the_sets_of_an_instruction_share_no_subdimension(sets: int) -> None:
    drawn = draw_aspects("chats-1-0", sets, load_taxonomy(), seed=0)

    for aspects in zip(*drawn, strict=True):
        assert len({each.subdimension for each in aspects}) == sets


def test_draws_are_the_same_again_and_others_for_another_instruction_or_seed() -> None:
    taxonomy = load_taxonomy()
    first = draw_aspects("chats-1-0", 3, taxonomy, seed=0)

    assert first == draw_aspects("chats-1-0", 3, taxonomy, seed=0)
    assert first != draw_aspects("chats-2-0", 3, taxonomy, seed=0)
    assert first != draw_aspects("chats-1-0", 3, taxonomy, seed=1)


def test_every_subdimension_is_drawn_about_as_often() -> None:
    taxonomy = load_taxonomy()
    drawn = Counter(
        aspect.subdimension
        for number in range(1000)
        for aspects in draw_aspects(f"chats-{number}-0", 3, taxonomy, seed=0)
        for aspect in aspects
    )

    assert all(520 < times < 680 for times in drawn.values())


def test_a_catalogue_adds_subdimensions_and_changes_meanings() -> None:
    more = {"style": {"humour": "the answer makes one smile", "tone": "as at sea"}}
    taxonomy = with_more(load_taxonomy(), more)

    assert list(taxonomy["style"])[-1] == "humour"
    assert taxonomy["style"]["tone"] == "as at sea"
    assert taxonomy["harmlessness"] == load_taxonomy()["harmlessness"]
    assert "humour" not in load_taxonomy()["style"]
