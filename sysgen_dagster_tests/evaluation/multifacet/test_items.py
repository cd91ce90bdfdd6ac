"""The bench as it is read: its items with their rubrics, and what is wrong with another file."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.catalog.evaluation import Multifacet, MultifacetedBench
from sysgen_dagster.evaluation.multifacet.columns import keep_sources
from sysgen_dagster.evaluation.multifacet.items import list_items, read_items
from sysgen_dagster.evaluation.multifacet.tables import MULTIFACET_ITEMS
from sysgen_dagster.sources.files import SourceError
from sysgen_dagster_tests.evaluation.multifacet.benches import (
    COLUMNS,
    DIMENSIONS,
    bench_row,
    rubric,
    write_bench,
)
from sysgen_dagster_tests.evaluation.multifacet.frames import rows_of_lane
from sysgen_dagster_tests.sources.fake_hub import FakeHub, Reader, reading_from

ROWS = [bench_row(number) for number in range(9)]


def read(tmp_path: Path, rows: list[Any], name: str = "bench.jsonl") -> Any:
    return read_items(Multifacet(path=write_bench(tmp_path / name, rows)), tmp_path / "cache")


@pytest.mark.parametrize("name", ["bench.jsonl", "bench.parquet"])
def test_every_row_is_an_item_with_its_four_rubrics_and_its_column(
    tmp_path: Path, name: str
) -> None:
    items = read(tmp_path, ROWS, name)

    assert dict(items.schema) == MULTIFACET_ITEMS.schema
    assert items["column"].to_list() == [*COLUMNS]
    for row, item in zip(ROWS, items.rows(named=True), strict=True):
        assert item["system_message"] == row["system"]
        assert (item["prompt"], item["source"]) == (row["prompt"], row["source"])
        assert item["reference_answer"] == row["reference_answer"]
        assert [each["dimension"] for each in item["rubrics"]] == [*DIMENSIONS]
        assert [each["subdimension"] for each in item["rubrics"]] == [f"kind {n}" for n in range(4)]
        for had, rubric_ in zip(row["rubrics"], item["rubrics"], strict=True):
            assert rubric_["criterion"] == had["criteria"]
            assert rubric_["levels"] == [had["score_descriptions"][level] for level in "12345"]


def test_the_lane_s_bench_has_the_items_that_its_file_would_have(tmp_path: Path) -> None:
    bench = MultifacetedBench(source_columns={"koala": "animals"})
    placed = bench.model_copy(update={"path": write_bench(tmp_path / "bench.jsonl", ROWS)})
    of_file = read_items(placed, tmp_path / "cache", assign=keep_sources)
    of_table = list_items(rows_of_lane(9, dropped=2), bench, keep_sources)

    assert of_table.equals(of_file)
    assert of_table.height == 9
    assert of_table["column"][2] == "animals"
    assert of_table["column"][3] == "Koala"


def test_ids_come_from_the_content_and_tell_equal_rows_apart(tmp_path: Path) -> None:
    ids = read(tmp_path, ROWS)["item"]
    turned = read(tmp_path, [*reversed(ROWS), ROWS[0]])["item"]

    assert ids.n_unique() == len(ROWS)
    assert turned[: len(ROWS)].to_list() == ids.reverse().to_list()
    assert turned[-1] == f"{ids[0]}-2"


def test_another_wording_is_another_item(tmp_path: Path) -> None:
    for changed in ("source", "system", "prompt", "reference_answer"):
        other = bench_row(0, **{changed: "Another one."})
        assert read(tmp_path, [ROWS[0]])["item"][0] != read(tmp_path, [other])["item"][0]
    other = bench_row(0, rubrics=[rubric("Is it short?")] * 4)
    assert read(tmp_path, [ROWS[0]])["item"][0] != read(tmp_path, [other])["item"][0]


def without(*names: str) -> Callable[[dict[str, Any]], Any]:
    return lambda row: {name: value for name, value in row.items() if name not in names}


def with_(**changed: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda row: row | changed


FAULTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no system message": (without("system"), "nothing in system"),
    "the key of the readme": (without("rubrics"), "nothing in rubrics"),
    "several missing": (without("prompt", "preference_set"), "nothing in prompt, preference_set"),
    "null": (with_(reference_answer=None), "nothing in reference_answer"),
    "blank": (with_(prompt="  "), "no text in `prompt`"),
    "a number for a text": (with_(source=[1]), "no text in `source`"),
    "three rubrics": (with_(rubrics=ROWS[0]["rubrics"][:3]), "3 rubrics where 4 are wanted"),
    "five rubrics": (with_(rubrics=[rubric("Is it?")] * 5), "5 rubrics where 4 are wanted"),
    "one preference": (with_(preference_set=ROWS[0]["preference_set"][:1]), "1 preferences"),
    "rubrics as text": (with_(rubrics="Is it good?"), "no list of rubrics"),
    "rubrics as one record": (with_(rubrics=rubric("Is it?")), "no list of rubrics"),
    "four levels": (
        with_(
            rubrics=[{"criteria": "Is it?", "score_descriptions": dict.fromkeys("1234", "So.")}] * 4
        ),
        "not those of 1 to 5",
    ),
    "an empty level": (
        with_(
            rubrics=[
                {
                    "criteria": "Is it?",
                    "score_descriptions": {**dict.fromkeys("1235", "So."), "4": ""},
                }
            ]
            * 4
        ),
        "no text in level 4",
    ),
    "no criterion": (
        with_(rubrics=[{"score_descriptions": dict.fromkeys("12345", "So.")}] * 4),
        "no text in `criteria`",
    ),
    "rubrics of texts": (with_(rubrics=["a", "b", "c", "d"]), "no record"),
    "a preference without dimension": (
        with_(preference_set=[{"subdimension": "tone"}] * 4),
        "no text in `dimension`",
    ),
    "a row that is no record": (lambda _: ["a"], "is no record with columns"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_of_another_form_is_one_error_with_the_row_the_fault_and_the_place(
    tmp_path: Path, name: str
) -> None:
    change, said = FAULTS[name]

    with pytest.raises(SourceError) as caught:
        read(tmp_path, [ROWS[0], change(ROWS[1])])

    message = str(caught.value)
    assert "row 2" in message
    assert said in message
    assert "bench.jsonl" in message
    assert "evaluation.multifacet" in message


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="bench"):
        read(tmp_path, [])


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.parquet"):
        read_items(Multifacet(path=tmp_path / "gone.parquet"), tmp_path)


# On the Hub


@pytest.fixture(scope="module")
def bench_on_hub(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[FakeHub, Reader, dict[str, bytes]]]:
    folder = tmp_path_factory.mktemp("hub")
    content = write_bench(folder / "bench.parquet", ROWS).read_bytes()
    files = {"data/train-00000-of-00001.parquet": content, "README.md": b"# A bench"}
    hub = FakeHub(files=files, repo="kaist-ai/Multifaceted-Bench")
    hub.start()
    with reading_from(hub, folder / "home") as reader:
        yield hub, reader, files
    hub.go_down()


def test_the_bench_is_fetched_once_and_stays_as_it_was_pinned(
    bench_on_hub: tuple[FakeHub, Reader, dict[str, bytes]], tmp_path: Path
) -> None:
    hub, reader, files = bench_on_hub
    first = reader.call(read_items, Multifacet(), tmp_path / "cache")
    hub.move_on({**files, "data/train-00000-of-00001.parquet": b"no rows"})
    again = reader.call(read_items, Multifacet(), tmp_path / "cache")

    assert first.height == len(ROWS)
    assert again.equals(first)
    assert reader.turned_away() == []


def test_a_gated_bench_without_a_token_is_one_error_that_says_what_to_set(
    bench_on_hub: tuple[FakeHub, Reader, dict[str, bytes]], tmp_path: Path
) -> None:
    hub, reader, files = bench_on_hub
    hub.files, hub.is_gated = files, True

    with pytest.raises(SourceError, match=r"Multifaceted-Bench.*set HF_TOKEN"):
        reader.call(read_items, Multifacet(), tmp_path / "cache")
