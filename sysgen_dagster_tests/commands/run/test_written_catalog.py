"""The catalogue that `sysgen run` writes: what stands in it, and that a person's edits stay."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG, CatalogError
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.commands.run.model import read_price
from sysgen_dagster.commands.run.written_catalog import build_catalog, keep_or_write, render
from sysgen_dagster.commands.trial_catalog import generator
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.sysgen.settings import Generator

URL = "http://127.0.0.1:8000/v1"


def source(folder: Path, **fields: Any) -> Source:
    file = folder / "tickets.jsonl"
    file.write_text('{"q": "Why?", "a": "So."}\n')
    usual = {
        "name": "tickets",
        "title": "tickets.jsonl",
        "path": file,
        "shape": {"kind": "question_answer", "question": "q", "answer": "a"},
        "exchanges": "each",
        "shards": 1,
    }
    return Source.model_validate(usual | fields)


def model(served: str = "org/small", **fields: Any) -> Generator:
    usual = {"license": "unknown", "engine": Engine.ENDPOINT, "base_urls": [URL]}
    [entry] = generator(served, served, **(usual | fields)).values()
    return entry


def wanted(folder: Path, *method: str, **fields: Any) -> Catalog:
    return build_catalog(source(folder, **fields), model(), method)


def kept(file: Path, catalog: Catalog, *given: str) -> tuple[Catalog, str]:
    return keep_or_write(file, catalog, given)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "catalog.yaml"


def test_it_is_written_short_and_read_as_the_same(tmp_path: Path, file: Path) -> None:
    catalog = wanted(tmp_path)
    assert kept(file, catalog) == (catalog, f"written to {file}")
    assert load_catalog(file) == catalog
    assert file.read_text().split("\n", 2)[2] == (
        "sources:\n"
        "  tickets:\n"
        "    title: tickets.jsonl\n"
        "    license: unknown"
        "  # what may be done with it, as it stands on the card of every export\n"
        f"    path: {tmp_path}/tickets.jsonl\n"
        "    shards: 1  # parts that are made one after the other\n"
        "    shape: {kind: question_answer, question: q, answer: a}"
        "  # how a row of the file is read\n"
        "    exchanges: each  # each answered turn is a row; or first, last, whole\n"
        "models:\n"
        "  small:\n"
        "    served_name: org/small\n"
        f'    base_urls: ["{URL}"]\n'
        "    engine: endpoint\n"
    )


@pytest.mark.parametrize(
    "title",
    [
        *("yes", "No", "on", "null", "~", "010", "0x1F", "1_000", "1:30", "2020-01-01", ".inf"),
        *("=", "<<", "- a", "a: b", "a #b", "'a", '"a', "{a", "[a", "*a", "&a", "!a", "%a", "@a"),
        *("a\nb", "a\tb", " a", "a ", "", "\\", "é", "日本", "\x1b[31m", "?", "|", ">", "a'b"),
    ],
)
def test_any_text_is_read_as_it_was(tmp_path: Path, file: Path, title: str) -> None:
    catalog = wanted(tmp_path, title=title, license=title)
    kept(file, catalog)
    assert load_catalog(file) == catalog


def test_every_kind_of_setting_is_read_as_it_was(tmp_path: Path, file: Path) -> None:
    price = read_price("0.15,0.6,EUR")
    catalog = build_catalog(
        source(tmp_path, license="mit", shards=7, exchanges="last"),
        model(price=price, api_key_env="MY_KEY"),
        ("repair=true", "samples=2"),
    )
    kept(file, catalog)
    assert load_catalog(file) == catalog
    assert "method: {preset: best, samples: 2, repair: true}" in file.read_text()


def test_a_setting_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="--method sample=2 cannot be used"):
        wanted(tmp_path, "sample=2")


def test_repeated_it_stays_as_it_is(tmp_path: Path, file: Path) -> None:
    kept(file, wanted(tmp_path))
    before = file.stat()
    catalog, whose = kept(file, wanted(tmp_path))
    assert whose == f"{file}, as it stands"
    assert catalog == wanted(tmp_path)
    assert file.stat().st_mtime_ns == before.st_mtime_ns


EDITS = {
    "a-comment": ("models:", "# my own words\nmodels:"),
    "a-value": ("shards: 1", "shards: 2"),
    "an-order": ("exchanges: each", "exchanges: last"),
    "a-section": ("models:", "training: {validation: 0.1}\nmodels:"),
    "a-model": (
        "models:",
        "models:\n  mine: {served_name: mine, license: mit, engine: simulated}",
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_what_a_person_has_edited_is_used_and_not_written_over(
    tmp_path: Path, file: Path, edit: tuple[str, str]
) -> None:
    kept(file, wanted(tmp_path))
    edited = file.read_text().replace(*edit)
    file.write_text(edited)
    catalog, whose = kept(file, wanted(tmp_path))
    assert whose == f"{file}, as it stands"
    assert catalog == load_catalog(file)
    assert file.read_text() == edited


@pytest.mark.parametrize(
    ("given", "changes"),
    [
        (["license"], {"license": "mit"}),
        (
            ["columns"],
            {"shape": {"kind": "question_answer", "question": "a", "answer": "q"}},
        ),
    ],
    ids=["licence", "columns"],
)
def test_an_option_changes_a_catalogue_that_nobody_has_edited(
    tmp_path: Path, file: Path, given: Collection[str], changes: dict[str, Any]
) -> None:
    kept(file, wanted(tmp_path))
    catalog, whose = kept(file, wanted(tmp_path, **changes), *given)
    assert whose == f"changed in {file}"
    assert catalog == load_catalog(file) == wanted(tmp_path, **changes)


def test_an_option_against_what_a_person_has_edited_is_refused_and_named(
    tmp_path: Path, file: Path
) -> None:
    kept(file, wanted(tmp_path))
    edited = file.read_text() + "# my own words\n"
    file.write_text(edited)
    with pytest.raises(CatalogError, match=r"was edited and says otherwise.*`license`") as refused:
        kept(file, wanted(tmp_path, license="mit"), "license")
    assert "leave the option out" in str(refused.value)
    assert file.read_text() == edited


def test_a_setting_of_the_method_changes_it_alone(tmp_path: Path, file: Path) -> None:
    kept(file, wanted(tmp_path, "samples=2"))
    catalog, _ = kept(file, wanted(tmp_path, "repair=true"), "repair")
    assert catalog.method.label == "best, samples=2, repair=true"


def test_what_was_not_given_again_stays(tmp_path: Path, file: Path) -> None:
    kept(file, wanted(tmp_path, "samples=2", license="mit"))
    catalog, _ = kept(file, wanted(tmp_path))
    assert (catalog.sources["tickets"].license, catalog.method.samples) == ("mit", 2)


def test_a_server_that_has_moved_is_found_where_it_is(tmp_path: Path, file: Path) -> None:
    kept(file, wanted(tmp_path))
    moved = build_catalog(source(tmp_path), model(base_urls=["http://127.0.0.1:9000/v1"]))
    catalog, whose = kept(file, moved)
    assert whose == f"changed in {file}"
    assert catalog.models["small"].base_urls == ("http://127.0.0.1:9000/v1",)


def test_another_source_or_model_is_refused_with_what_to_do(tmp_path: Path, file: Path) -> None:
    kept(file, wanted(tmp_path))
    other = source(tmp_path, name="others", title="others.jsonl")
    with pytest.raises(CatalogError, match=r"of another source than others\.jsonl: tickets\.jsonl"):
        kept(file, build_catalog(other, model()))
    elsewhere = source(tmp_path, path=tmp_path / "elsewhere" / "tickets.jsonl")
    with pytest.raises(CatalogError, match="of another source"):
        kept(file, build_catalog(elsewhere, model()))
    with pytest.raises(CatalogError, match="of another model than org/large: small"):
        kept(file, build_catalog(source(tmp_path), model("org/large")))
    assert load_catalog(file) == wanted(tmp_path)


@pytest.mark.parametrize("shipped", [FULL_CATALOG, FULL_CATALOG.with_name("models-2026.yaml")])
def test_any_catalogue_is_written_without_loss(file: Path, shipped: Path) -> None:
    catalog = load_catalog(shipped)
    file.parent.mkdir()
    file.write_text(render(catalog))
    assert load_catalog(file) == catalog
