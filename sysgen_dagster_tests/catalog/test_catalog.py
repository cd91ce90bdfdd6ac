"""The catalogue: the one that ships, and what is said of a wrong one."""

import traceback
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.catalog.load import (FULL_CATALOG, CatalogError)
from sysgen_dagster.lanes.sysgen.settings import (DropRule, UnreadableVerdict)
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.catalog.sources import Exchanges
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.simulated.profiles import PROFILES
from sysgen_dagster.sources.shapes import SHAPES

SMALL: dict[str, Any] = {
    "method": {"drop_rule": "no_phrase_left", "unreadable_verdict": "keep"},
    "sources": {
        "mine": {
            "title": "Mine",
            "license": "mit",
            "path": "mine.jsonl",
            "shards": 2,
            "columns": {"q": "string", "a": "string", "turns": ["role", "content"]},
            "shape": {"kind": "question_answer", "question": "q", "answer": "a"},
        }
    },
    "models": {
        "small": {
            "served_name": "org/small",
            "license": "mit",
            "engine": "vllm",
            "bounds": {"filtered": [0.5, 1.0], "aligned": [0.5, 1.0], "tag_share_within": 0.1},
        }
    },
}
HUB = {"repo": "org/set", "file": "rows.jsonl", "revision": "0" * 40}
PAPER = {"started": 10, "filtered": 9, "aligned": 8, "tags": dict.fromkeys(TAG_NAMES, 5)}

# A place in the catalogue, and what is written there; None takes it away.
Change = tuple[str, Any]


def changed(*changes: Change) -> dict[str, Any]:
    """The small catalogue with some fields changed."""
    catalog = deepcopy(SMALL)
    for place, value in changes:
        *parents, field = place.split(".")
        entry = catalog
        for parent in parents:
            entry = entry[parent]
        entry.pop(field, None)
        if value is not None:
            entry[field] = value
    return catalog


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my_catalog.yaml"


@pytest.fixture
def write(file: Path) -> Callable[..., Path]:
    """Writes the small catalogue with some fields changed."""

    def write(*changes: Change) -> Path:
        file.write_text(yaml.safe_dump(changed(*changes)), encoding="utf-8")
        return file

    return write


def fault_of(file: Path) -> list[str]:
    """The lines of the one error about this file; every one of them names the file."""
    with pytest.raises(CatalogError) as caught:
        load_catalog(file)
    message = str(caught.value)
    assert message.startswith(f"catalogue {file} ")
    return message.split("\n")


def test_the_catalogue_that_ships_holds_the_paper_s_five_sources_and_three_models() -> None:
    catalog = load_catalog(FULL_CATALOG)

    assert list(catalog.sources) == ["capybara", "airoboros", "orca_math", "magicoder", "metamath"]
    assert list(catalog.models) == ["llama-3.1-8b", "qwen2.5-14b", "phi-4"]
    assert catalog.method.drop_rule is DropRule.MALFORMED_BOUNDARY
    assert catalog.method.unreadable_verdict is UnreadableVerdict.REMOVE


def test_the_paper_s_counts_of_conversations_sum_to_806_796() -> None:
    sources = load_catalog(FULL_CATALOG).sources

    assert {name: source.conversations for name, source in sources.items()} == {
        "capybara": 41_301,
        "airoboros": 59_277,
        "orca_math": 200_035,
        "magicoder": 111_183,
        "metamath": 395_000,
    }
    assert sum(source.conversations or 0 for source in sources.values()) == 806_796


def test_there_are_about_a_hundred_shards_of_about_8_000_conversations() -> None:
    catalog = load_catalog(FULL_CATALOG)
    shards = [shard for name in catalog.sources for shard in catalog.shards(name)]

    assert len(shards) == len(set(shards)) == 103
    for source in catalog.sources.values():
        assert source.conversations is not None
        assert 6_500 < source.conversations / source.shards < 8_500


def test_capybara_gives_every_turn_and_the_other_sources_one_conversation_a_row() -> None:
    sources = load_catalog(FULL_CATALOG).sources

    assert sources["capybara"].exchanges is Exchanges.EACH
    assert {source.exchanges for name, source in sources.items() if name != "capybara"} == {
        Exchanges.LAST
    }
    assert [name for name, source in sources.items() if source.show_original_system_message] == []


def test_every_hub_file_is_pinned_except_the_one_that_is_not_known() -> None:
    hubs = {name: source.hub for name, source in load_catalog(FULL_CATALOG).sources.items()}

    assert all(hubs.values())
    assert [name for name, hub in hubs.items() if hub and not (hub.file and hub.revision)] == [
        "airoboros"
    ]


# Table 2 of the paper: kept after Phase 2 and after Phase 4.
TABLE_2 = {
    "llama-3.1-8b": (602_750, 586_831),
    "qwen2.5-14b": (806_602, 775_830),
    "phi-4": (774_613, 773_878),
}


@pytest.mark.parametrize(("name", "kept"), TABLE_2.items(), ids=TABLE_2)
def test_every_model_is_pinned_and_has_the_paper_s_counts_within_its_bounds(
    name: str, kept: tuple[int, int]
) -> None:
    model = load_catalog(FULL_CATALOG).models[name]

    assert model.engine is Engine.VLLM
    assert model.revision
    assert model.simulated_profile in PROFILES
    assert model.paper
    assert (model.paper.started, model.paper.filtered, model.paper.aligned) == (806_796, *kept)
    assert model.bounds.filtered[0] < kept[0] / 806_796 < model.bounds.filtered[1]
    assert model.bounds.aligned[0] < kept[1] / 806_796 < model.bounds.aligned[1]
    assert list(model.paper.tags) == list(TAG_NAMES)
    assert max(model.paper.tags.values()) < model.paper.aligned


def test_every_shape_of_the_catalogue_can_be_read() -> None:
    kinds = {source.shape.kind for source in load_catalog(FULL_CATALOG).sources.values()}

    assert kinds | {"messages"} == set(SHAPES)


def test_a_small_catalogue_is_read_with_the_usual_settings(write: Callable[..., Path]) -> None:
    catalog = load_catalog(write())
    source, model = catalog.sources["mine"], catalog.models["small"]

    assert catalog.method.drop_rule is DropRule.NO_PHRASE_LEFT
    assert source.exchanges is Exchanges.LAST
    assert (source.rows, source.conversations, source.hub) == (None, None, None)
    assert model.base_urls == ()
    assert (model.api_key_env, model.paper, model.revision) == (None, None, None)
    assert (model.weights, model.vllm, model.gpus) == (None, {}, (0,))
    assert model.has_system_role is None
    assert model.attempt_s == 600


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([("sources.mine.path", None), ("sources.mine.hub", HUB)], id="hub"),
        pytest.param(
            [
                ("models.small.engine", "endpoint"),
                ("models.small.base_urls", ["http://127.0.0.1:8000/v1"]),
                ("models.small.api_key_env", "OPENAI_API_KEY"),
            ],
            id="endpoint",
        ),
        pytest.param([("models.small.engine", "simulated")], id="simulated"),
        pytest.param([("models.small.paper", PAPER)], id="paper"),
        pytest.param(
            [
                ("models.small.engine", "endpoint"),
                ("models.small.base_urls", ["http://10.0.0.1:8000/v1", "https://host/api/v1/"]),
            ],
            id="several-endpoints",
        ),
        pytest.param([("models.small.weights", "/models/small")], id="weights"),
        pytest.param([("models.small.gpus", [0, 1, 7])], id="gpus"),
        pytest.param([("models.small.has_system_role", False)], id="no-system-role"),
        pytest.param([("models.small.attempt_s", 1800)], id="slow-model"),
        pytest.param(
            [("sources.mine.shape", {"kind": "messages", "column": "turns"})], id="messages"
        ),
    ],
)
def test_a_right_change_is_accepted(write: Callable[..., Path], changes: list[Change]) -> None:
    assert load_catalog(write(*changes))


def test_flags_of_vllm_keep_the_kind_they_are_written_in(write: Callable[..., Path]) -> None:
    """A switch is no number, and text that looks like either stays text."""
    flags = {"a": True, "b": False, "c": 1, "d": 0.5, "e": "true", "f": '{"g": 1}', "h": 0}
    read = load_catalog(write(("models.small.vllm", flags))).models["small"].vllm

    assert read == flags
    assert [type(value) for value in read.values()] == [type(value) for value in flags.values()]


def test_the_shards_of_a_source_are_numbered_and_can_be_located(write: Callable[..., Path]) -> None:
    catalog = load_catalog(write(("sources.mine.shards", 1001)))
    shards = catalog.shards("mine")

    assert shards[:2] == ["mine-000", "mine-001"]
    assert len(set(shards)) == 1001
    assert [split_shard(shards[index]) for index in (0, 7, 1000)] == [
        ("mine", 0),
        ("mine", 7),
        ("mine", 1000),
    ]


WRONG_ENTRIES: dict[str, tuple[list[Change], str, str]] = {
    # what is changed, the entry and field that the message must name, what it must say
    "unknown-field": (
        [("sources.mine.shard", 3)],
        "sources.mine.shard",
        "Extra inputs are not permitted (found: 3)",
    ),
    "unknown-field-of-a-model": (
        [("models.small.temperature", 0.7)],
        "models.small.temperature",
        "Extra inputs are not permitted",
    ),
    "unknown-section": ([("modles", {})], "modles", "Extra inputs are not permitted"),
    "missing-field": ([("sources.mine.license", None)], "sources.mine.license", "Field required"),
    "branch-as-revision-of-a-source": (
        [("sources.mine.path", None), ("sources.mine.hub", {**HUB, "revision": "main"})],
        "sources.mine.hub.revision",
        "must be a commit of 40 hex digits, not a branch, is 'main'",
    ),
    "branch-as-revision-of-a-model": (
        [("models.small.revision", "main")],
        "models.small.revision",
        "must be a commit of 40 hex digits, not a branch, is 'main'",
    ),
    "short-commit": (
        [("models.small.revision", "187ef03")],
        "models.small.revision",
        "must be a commit of 40 hex digits",
    ),
    "hub-and-path": ([("sources.mine.hub", HUB)], "sources.mine", "give either `hub` or `path`"),
    "neither-hub-nor-path": (
        [("sources.mine.path", None)],
        "sources.mine",
        "give either `hub` or `path`",
    ),
    "shape-names-a-missing-column": (
        [("sources.mine.shape.answer", "response")],
        "sources.mine",
        "`shape` uses ['response'], which `columns` does not list",
    ),
    "unknown-shape": (
        [("sources.mine.shape.kind", "alpaca")],
        "sources.mine.shape",
        "'input_output', 'sharegpt', 'messages', 'question_answer'",
    ),
    "unknown-exchanges": (
        [("sources.mine.exchanges", "all")],
        "sources.mine.exchanges",
        "'each', 'first' or 'last' (found: all)",
    ),
    "no-shards": ([("sources.mine.shards", 0)], "sources.mine.shards", "greater than 0 (found: 0)"),
    "no-sources": ([("sources", {})], "sources", "at least 1 item"),
    "no-models": ([("models", {})], "models", "at least 1 item"),
    "source-name-with-a-dash": (
        [("sources.my-set", SMALL["sources"]["mine"])],
        "sources.my-set",
        "must be lower-case letters, digits and _",
    ),
    "model-name-with-a-space": (
        [("models.big model", SMALL["models"]["small"])],
        "models.big model",
        "must be lower-case letters, digits and . _ -",
    ),
    "endpoint-without-base-urls": (
        [("models.small.engine", "endpoint")],
        "models.small",
        "engine `endpoint` needs `base_urls`",
    ),
    "unknown-engine": (
        [("models.small.engine", "tgi")],
        "models.small.engine",
        "'vllm', 'endpoint' or 'simulated' (found: tgi)",
    ),
    "url-without-a-scheme": (
        [("models.small.base_urls", ["127.0.0.1:8000/v1"])],
        "models.small.base_urls.0",
        "must be a URL such as http://HOST:PORT/v1",
    ),
    "url-without-a-host": (
        [("models.small.base_urls", ["http://a/v1", "http:///v1"])],
        "models.small.base_urls.1",
        "must be a URL such as http://HOST:PORT/v1",
    ),
    "url-with-a-space": (
        [("models.small.base_urls", ["http://a/v1 "])],
        "models.small.base_urls.0",
        "must be a URL such as http://HOST:PORT/v1",
    ),
    "no-gpus": ([("models.small.gpus", [])], "models.small.gpus", "at least 1 item"),
    "negative-gpu": (
        [("models.small.gpus", [0, -1])],
        "models.small.gpus.1",
        "greater than or equal to 0 (found: -1)",
    ),
    "gpu-by-name": ([("models.small.gpus", [0, "cuda:1"])], "models.small.gpus.1", "valid integer"),
    "no-time-for-an-attempt": (
        [("models.small.attempt_s", 0)],
        "models.small.attempt_s",
        "greater than 0 (found: 0)",
    ),
    "vllm-flags-as-one-line": (
        [("models.small.vllm", "--max-model-len 4096")],
        "models.small.vllm",
        "valid dictionary",
    ),
    "system-role-that-is-neither": (
        [("models.small.has_system_role", "sometimes")],
        "models.small.has_system_role",
        "valid boolean",
    ),
    "secret-instead-of-the-variable-s-name": (
        [("models.small.api_key_env", "sk-4f1c")],
        "models.small.api_key_env",
        "must be the NAME of a variable",
    ),
    "share-above-one": (
        [("models.small.bounds.filtered", [0.5, 85])],
        "models.small.bounds.filtered.1",
        "less than or equal to 1",
    ),
    "unknown-drop-rule": (
        [("method.drop_rule", "strict")],
        "method.drop_rule",
        "'malformed_boundary' or 'no_phrase_left'",
    ),
}


@pytest.mark.parametrize(
    ("changes", "place", "fault"), WRONG_ENTRIES.values(), ids=WRONG_ENTRIES.keys()
)
def test_a_wrong_entry_is_one_error_that_names_the_file_the_entry_and_the_field(
    write: Callable[..., Path], changes: list[Change], place: str, fault: str
) -> None:
    head, *faults = fault_of(write(*changes))

    assert head.endswith(" has 1 wrong entries; correct:")
    assert len(faults) == 1
    assert faults[0].startswith((f"  {place}: ", f"  {place}.[key]: "))
    assert fault in faults[0]


def test_two_wrong_entries_are_one_error_with_a_line_for_each(write: Callable[..., Path]) -> None:
    lines = fault_of(write(("sources.mine.shards", 0), ("models.small.engine", "tgi")))

    assert [line.split(":")[0] for line in lines[1:]] == [
        "  sources.mine.shards",
        "  models.small.engine",
    ]


@pytest.mark.parametrize(
    ("field", "value", "place", "fault"),
    [
        pytest.param("api_key_env", "sk-4f1c", ".api_key_env", "the NAME of a", id="for-a-name"),
        pytest.param("api_key", "sk-4f1c", ".api_key", "Extra inputs", id="in-a-field-of-its-own"),
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
            "valid tuple",
            id="in-a-url-that-is-not-in-a-list",
        ),
        pytest.param(
            *("vllm", {"api-key": "sk-4f1c"}, ""),
            "`vllm` must not hold ['api-key']: a command line is seen",
            id="as-a-flag",
        ),
        pytest.param(
            *("vllm", {"hf_token": "sk-4f1c"}, ""),
            "`vllm` must not hold ['hf_token']: a command line is seen",
            id="as-a-token-flag",
        ),
    ],
)
def test_a_secret_in_the_catalogue_is_refused_and_not_repeated(
    write: Callable[..., Path], field: str, value: object, place: str, fault: str
) -> None:
    """The message reaches logs and screens, and in a traceback so does what caused it."""
    path = write((f"models.small.{field}", value))
    with pytest.raises(CatalogError) as raised:
        load_catalog(path)

    assert f"  models.small{place}: " in str(raised.value)
    assert fault in str(raised.value)
    assert "sk-4f1c" not in "".join(traceback.format_exception(raised.value))


def test_a_secret_in_what_is_no_yaml_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_text('models:\n  small: {api_key_env: "sk-4f1c\n')
    with pytest.raises(CatalogError, match=r"is not YAML: .+, line 3, column 1") as raised:
        load_catalog(path)

    assert "sk-4f1c" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        pytest.param(
            [("sources.mine.shape", {"kind": "messages", "column": "q"})],
            "sources.mine",
            id="shape-of-turns-over-a-text-column",
        ),
        pytest.param(
            [("sources.mine.shape", {"kind": "sharegpt", "column": "turns"})],
            "sources.mine",
            id="shape-over-records-without-its-fields",
        ),
        pytest.param(
            [("sources.mine.shape.answer", "turns")],
            "sources.mine",
            id="shape-of-text-over-a-column-of-records",
        ),
        pytest.param(
            [("models.small.paper", {**PAPER, "tags": {"Rolle": 5}})],
            "models.small.paper",
            id="paper-counts-of-a-misspelled-tag",
        ),
        pytest.param(
            [("models.small.bounds.filtered", [0.9, 0.1])],
            "models.small.bounds",
            id="bounds-the-wrong-way-round",
        ),
    ],
)
def test_a_wrong_entry_that_would_only_fail_in_a_run_is_found_here(
    write: Callable[..., Path], changes: list[Change], place: str
) -> None:
    assert fault_of(write(*changes))[1].startswith(f"  {place}")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(b"sources: [", "is not YAML: expected the node content", id="not-yaml"),
        pytest.param(b"a: 1\n\tb: 2", "is not YAML: ", id="tab"),
        pytest.param(b"a: \x00", "is not YAML: ", id="null-byte"),
        pytest.param(b"title: caf\xe9", "is not ", id="not-utf-8"),
        pytest.param(b"", "the file: Input should be a valid dictionary", id="empty"),
        pytest.param(b"- a", "the file: Input should be a valid dictionary", id="a-list"),
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


def test_the_variable_names_the_catalogue_unless_a_path_is_given(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSGEN_CATALOG", str(write()))

    assert list(load_catalog().sources) == ["mine"]
    assert len(load_catalog(FULL_CATALOG).sources) == 5


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_without_the_variable_the_full_catalogue_is_read(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SYSGEN_CATALOG", raising=False)
    if value is not None:
        monkeypatch.setenv("SYSGEN_CATALOG", value)

    assert len(load_catalog().sources) == 5
