"""Which subjects are compared with which, and which rows of the paper they stand beside."""

from pathlib import Path

import pytest
import yaml

from sysgen_dagster.catalog.load import FULL_CATALOG, CatalogError
from sysgen_dagster.evaluation.comparisons.subjects import (
    UNTRAINED,
    Compared,
    list_pairs,
    list_subjects,
)
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.sysgen.paper import DAGGER, SCORED
from sysgen_dagster.lanes.sysgen.paper import UNTRAINED as MODELS


def load(tmp_path: Path, **subjects: dict[str, object]) -> Catalog:
    full = yaml.safe_load(FULL_CATALOG.read_text())
    file = tmp_path / "catalog.yaml"
    file.write_text(yaml.safe_dump({**full, "subjects": subjects}))
    return load_catalog(file)


def listed(tmp_path: Path, **subjects: dict[str, object]) -> dict[str, Compared]:
    return {each.name: each for each in list_subjects(load(tmp_path, **subjects))}


BASE = {"model": "phi-4"}
TAUGHT = {"training": "phi-4-sysgen"}
IN_USER_TURN = {"message_in": "user"}


def test_a_trained_student_is_compared_with_what_it_was_and_stands_beside_its_training(
    tmp_path: Path,
) -> None:
    found = listed(tmp_path, other={"model": "llama-3.1-8b"}, base=BASE, taught=TAUGHT)

    taught = found["taught"]
    assert (taught.against, taught.published_as) == ("base", "phi-4-sysgen")
    assert (taught.student, taught.arm, taught.training) == ("phi-4", "sysgen", "phi-4-sysgen")
    base = found["base"]
    assert (base.against, base.published_as, base.arm) == (None, "phi-4", UNTRAINED)


def test_every_row_of_the_paper_is_one_of_the_shipped_catalogue(tmp_path: Path) -> None:
    catalog = load(tmp_path)

    assert set(SCORED) - set(DAGGER) - set(MODELS) <= set(catalog.trainings)
    assert set(MODELS) <= set(catalog.students)


def test_what_it_was_is_known_by_its_weights_too(tmp_path: Path) -> None:
    served = {"served_name": "microsoft/phi-4", "base_urls": ["http://127.0.0.1:1/v1"]}
    found = listed(tmp_path, mine=served, taught=TAUGHT)

    assert found["taught"].against == "mine"
    assert found["mine"].published_as is None


def test_what_it_was_is_shown_the_message_in_the_same_place(tmp_path: Path) -> None:
    found = listed(
        tmp_path, base=BASE, base_user=BASE | IN_USER_TURN, taught_user=TAUGHT | IN_USER_TURN
    )

    assert found["taught_user"].against == "base_user"


def test_without_what_it_was_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    assert listed(tmp_path, taught=TAUGHT, base=BASE | IN_USER_TURN)["taught"].against is None


def test_another_epoch_than_the_used_one_has_no_row_of_the_paper(tmp_path: Path) -> None:
    found = listed(tmp_path, third=TAUGHT | {"epoch": 3}, fifth=TAUGHT | {"epoch": 5})

    assert (found["third"].published_as, found["fifth"].published_as) == ("phi-4-sysgen", None)


def test_what_a_subject_says_goes_before_what_follows(tmp_path: Path) -> None:
    mine = TAUGHT | {"against": "other", "published": "janus-7b"}
    found = listed(tmp_path, base=BASE, other={"model": "llama-3.1-8b"}, taught=mine)

    assert (found["taught"].against, found["taught"].published_as) == ("other", "janus-7b")


@pytest.mark.parametrize(
    ("field", "name"), [("against", "nobody"), ("published", "gpt-5"), ("against", "taught")]
)
def test_a_name_of_nothing_and_itself_are_refused(tmp_path: Path, field: str, name: str) -> None:
    with pytest.raises(CatalogError, match=name):
        load(tmp_path, taught=TAUGHT | {field: name})


def test_pairs_share_a_model_or_a_training_with_its_epoch(tmp_path: Path) -> None:
    catalog = load(
        tmp_path,
        base=BASE,
        base_user=BASE | IN_USER_TURN,
        taught=TAUGHT,
        taught_user=TAUGHT | IN_USER_TURN | {"epoch": 3},
        early=TAUGHT | IN_USER_TURN | {"epoch": 1},
        alone={"model": "llama-3.1-8b"} | IN_USER_TURN,
    )

    pairs = {(each.name, each.against) for each in list_pairs(catalog)}
    assert pairs == {("base_user", "base"), ("taught_user", "taught")}


def test_a_model_that_is_in_the_catalogue_twice_has_both_names(tmp_path: Path) -> None:
    """So that a judge that is the model that answered is known under either."""
    at = {"served_name": "owl", "base_urls": ["http://127.0.0.1:1/v1"]}
    found = listed(tmp_path, mine=at, twin={**at, "base_urls": ["http://127.0.0.1:2/v1"]})
    newer = listed(tmp_path, mine=at, twin={**at, "revision": "a" * 40})

    assert found["mine"].also_called == found["twin"].also_called == {"mine", "twin"}
    assert newer["mine"].also_called == {"mine"}
