"""Reading a catalogue: all its faults are in one message."""

import traceback
from pathlib import Path

import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG, CatalogError, catalog_file, use_catalog_of
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster_tests.catalog.small import BENCHMARK, fault_of, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my_catalog.yaml"


def test_two_wrong_entries_are_one_error_with_a_line_for_each(tmp_path: Path) -> None:
    lines = fault_of(write(tmp_path, ("sources.mine.shards", 0), ("models.small.engine", "tgi")))

    assert [line.split(" (line ")[0] for line in lines[1:]] == [
        "  sources.mine.shards",
        "  models.small.engine",
    ]


WITH_FAULTS = """\
# A comment is a line, too.

method:
  drop_rule: no_phrase_left
  unreadable_verdict: keep
models:
  small:
    served_name: org/small
    license: mit
    engine: vllm
    gpus:
      - 0
      - minus one
    bounds: {filtered: [0.5, 1.0], aligned: [0.5, 1.0],
             tag_share_within: 2}
  "big model": {
    served_name: org/big, license: mit, engine: vllm,
    revision: main,
    bounds: {filtered: [0.5, 1.0], aligned: [0.5, 1.0], tag_share_within: 0.1}
  }
sources:
  mine:
    title: Mine
    license: mit
    shards: 0
    path: mine.jsonl
    columns: {q: string, a: string}
    shape:
      kind: question_answer
      question: q
"""


def test_a_fault_names_the_line_of_its_field_or_of_the_entry_that_lacks_it(file: Path) -> None:
    file.write_text(WITH_FAULTS)
    head, *faults = fault_of(file)

    assert head == f"catalogue {file} has 6 wrong entries; correct:"
    assert [fault.split("): ")[0] for fault in faults] == [
        "  models.small.gpus.1 (line 13",
        "  models.small.bounds.tag_share_within (line 15",
        "  models.big model (line 16",
        "  models.big model.revision (line 18",
        "  sources.mine.shards (line 25",
        "  sources.mine.shape.answer (line 28",
    ]


def test_a_section_that_is_missing_has_no_line(file: Path) -> None:
    file.write_text("judges: {}\n")

    assert fault_of(file) == [
        f"catalogue {file} has 2 wrong entries; correct:",
        "  sources: is missing",
        "  models: is missing",
    ]


@pytest.mark.parametrize(
    ("field", "value", "place", "fault"),
    [
        pytest.param("api_key_env", "sk-4f1c", ".api_key_env", "the NAME of an", id="for-a-name"),
        pytest.param(
            "api_key", "sk-4f1c", ".api_key", "is no field here", id="in-a-field-of-its-own"
        ),
        pytest.param(
            *("base_urls", ["http://me:sk-4f1c@host/v1"], ".base_urls.0"),
            "must be a URL without user, password or query",
            id="as-a-password",
        ),
        pytest.param(
            *("base_urls", ["http://host/v1?api_key=sk-4f1c"], ".base_urls.0"),
            "must be a URL without user, password or query",
            id="in-a-query",
        ),
        pytest.param(
            *("base_urls", ["me:sk-4f1c@host/v1"], ".base_urls.0"),
            "must be a URL such as http://HOST:PORT/v1",
            id="in-what-is-no-url",
        ),
        pytest.param(
            *("base_urls", "http://me:sk-4f1c@host/v1", ".base_urls"),
            "must be a list, as [a, b]",
            id="in-a-url-that-is-not-in-a-list",
        ),
        pytest.param(
            *("vllm", {"api-key": "sk-4f1c"}, ".vllm"),
            "`vllm` must not hold ['api-key']: a command line is seen",
            id="as-a-flag",
        ),
        pytest.param(
            *("vllm", {"hf_token": "sk-4f1c"}, ".vllm"),
            "`vllm` must not hold ['hf_token']: a command line is seen",
            id="as-a-token-flag",
        ),
    ],
)
def test_a_secret_in_the_catalogue_is_refused_and_not_repeated(
    tmp_path: Path, field: str, value: object, place: str, fault: str
) -> None:
    """The message reaches logs and screens, and a traceback would show the error that caused it."""
    path = write(tmp_path, (f"models.small.{field}", value))
    with pytest.raises(CatalogError) as raised:
        load_catalog(path)

    assert f"  models.small{place} (line " in str(raised.value)
    assert fault in str(raised.value)
    assert "sk-4f1c" not in "".join(traceback.format_exception(raised.value))


def test_a_secret_in_what_is_no_yaml_is_not_repeated(file: Path) -> None:
    file.write_text('models:\n  small: {api_key_env: "sk-4f1c\n')
    with pytest.raises(CatalogError, match=r"is not YAML: .+, line 3, column 1") as raised:
        load_catalog(file)

    assert "sk-4f1c" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(b"sources: [", "is not YAML: expected the node content", id="not-yaml"),
        pytest.param(b"a: 1\n\tb: 2", "is not YAML: ", id="tab"),
        pytest.param(b"a: \x00", "is not YAML: ", id="null-byte"),
        pytest.param(b"title: caf\xe9", "is not ", id="not-utf-8"),
        pytest.param(b"", "sources: is missing", id="empty"),
        pytest.param(b"- a", "the file: must be fields with values", id="a-list"),
    ],
)
def test_a_file_that_is_no_catalogue_is_named(file: Path, content: bytes, fault: str) -> None:
    file.write_bytes(content)

    assert fault in "\n".join(fault_of(file))


def test_a_missing_file_is_named_with_the_variable_that_says_where_it_is(file: Path) -> None:
    assert fault_of(file) == [
        f"catalogue {file} cannot be read (No such file or directory): correct SYSGEN_CATALOG, or "
        "unset it for the full catalogue"
    ]


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_the_file_is_that_of_the_variable_else_the_one_that_ships(
    value: str | None, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSGEN_CATALOG", str(file))
    assert catalog_file() == file

    monkeypatch.delenv("SYSGEN_CATALOG")
    if value is not None:
        monkeypatch.setenv("SYSGEN_CATALOG", value)
    assert catalog_file() == FULL_CATALOG


def test_the_catalogue_among_the_data_is_used_where_the_variable_names_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSGEN_CATALOG", "")
    use_catalog_of(str(tmp_path))
    assert catalog_file() == FULL_CATALOG

    beside = tmp_path / "catalog.yaml"
    beside.write_text("")
    use_catalog_of(str(tmp_path))
    assert catalog_file() == beside

    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "catalog.yaml").write_text("")
    use_catalog_of(str(tmp_path / "other"))
    assert catalog_file() == beside


def test_an_alias_that_refers_to_itself_is_a_fault_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text("sources: &sources [*sources]\n")
    assert "  sources.0 (line 1): is an alias that refers to itself" in fault_of(file)


@pytest.mark.parametrize("path", ["rows.jsonl", "./rows.jsonl", "in/../rows.jsonl"])
def test_a_relative_path_begins_at_the_folder_of_the_catalogue(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = tmp_path / "beside"
    (beside / "in").mkdir(parents=True)
    (beside / "rows.jsonl").write_text("")
    file = write(beside, ("sources.mine.path", path), ("benchmarks.sums", BENCHMARK))
    monkeypatch.chdir(tmp_path)
    catalog = load_catalog(Path("beside") / file.name)

    read = catalog.sources["mine"].path
    assert read
    assert read.resolve() == (beside / "rows.jsonl").resolve()
    assert catalog.benchmarks["sums"].path == beside / "sums.jsonl"


def test_an_absolute_path_stays_as_it_is(tmp_path: Path) -> None:
    file = write(tmp_path, ("sources.mine.path", "/else/rows.jsonl"))

    assert load_catalog(file).sources["mine"].path == Path("/else/rows.jsonl")


@pytest.mark.parametrize(
    ("weights", "is_beside"),
    [("small.gguf", True), ("in", True), ("/models/small.gguf", False), ("org/small", False)],
)
def test_weights_that_lie_beside_the_catalogue_are_meant(
    tmp_path: Path, weights: str, is_beside: bool
) -> None:
    (tmp_path / "small.gguf").write_text("")
    (tmp_path / "in").mkdir()
    file = write(tmp_path, ("models.small.weights", weights), ("judges.big.weights", weights))
    catalog = load_catalog(file)

    read = str(tmp_path / weights) if is_beside else weights
    assert [each.weights for each in catalog.served.values()] == [read, read]
