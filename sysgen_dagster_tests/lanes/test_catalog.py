"""The whole catalogue: the shipped one, and one written for version 0.1."""

import re
from pathlib import Path

import pytest
import yaml

from sysgen_dagster.catalog.load import FULL_CATALOG, CatalogError
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.catalog.sources import Exchanges
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.multifaceted.paper import INSTRUCTIONS as INSTRUCTIONS_OF_THE_PAPER
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.tables import INSTRUCTIONS, PREFERENCE_SETS, TABLES
from sysgen_dagster.lanes.sysgen.paper import SOURCES
from sysgen_dagster.lanes.sysgen.settings import DropRule, UnreadableVerdict
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.simulated.profiles import PROFILES
from sysgen_dagster_tests.catalog.small import SMALL, assert_wrong, fault_of, write


def test_the_catalogue_that_ships_holds_the_paper_s_five_sources_and_three_models() -> None:
    catalog = load_catalog(FULL_CATALOG)

    assert list(catalog.sources) == ["capybara", "airoboros", "orca_math", "magicoder", "metamath"]
    assert list(catalog.models) == ["llama-3.1-8b", "qwen2.5-14b", "phi-4"]
    assert catalog.method.drop_rule is DropRule.MALFORMED_BOUNDARY
    assert catalog.method.unreadable_verdict is UnreadableVerdict.REMOVE


def test_the_paper_s_counts_of_conversations_sum_to_806_796() -> None:
    sources = load_catalog(FULL_CATALOG).sources
    counted = {
        name: source.conversations or SOURCES[name].conversations
        for name, source in sources.items()
    }

    assert counted == {
        "capybara": 41_301,
        "airoboros": 59_277,
        "orca_math": 200_035,
        "magicoder": 111_183,
        "metamath": 395_000,
    }
    assert sum(counted.values()) == 806_796


def test_there_are_about_a_hundred_shards_of_about_8_000_conversations() -> None:
    catalog = load_catalog(FULL_CATALOG)
    shards = [shard for name in catalog.sources for shard in catalog.shards(name)]

    assert len(shards) == len(set(shards)) == 103
    for name, source in catalog.sources.items():
        assert 6_500 < SOURCES[name].conversations / source.shards < 8_500


def test_capybara_gives_every_turn_and_the_other_sources_one_conversation_a_row() -> None:
    sources = load_catalog(FULL_CATALOG).sources

    assert sources["capybara"].exchanges is Exchanges.EACH
    assert {source.exchanges for name, source in sources.items() if name != "capybara"} == {
        Exchanges.LAST
    }
    assert [name for name, source in sources.items() if source.show_original_system_message] == []


def test_every_hub_file_is_pinned_except_the_one_that_is_pinned_when_it_is_first_read() -> None:
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
    assert model.published
    published = model.published
    assert (published.started, published.filtered, published.aligned) == (806_796, *kept)
    assert model.filtered_bounds[0] < kept[0] / 806_796 < model.filtered_bounds[1]
    assert model.aligned_bounds[0] < kept[1] / 806_796 < model.aligned_bounds[1]
    assert list(published.tags) == list(TAG_NAMES)
    assert max(published.tags.values()) < published.aligned


def test_the_lane_s_faults_and_all_others_stand_in_one_list(tmp_path: Path) -> None:
    wrong = [
        ("sources.mine.shards", 0),
        ("models.small.bounds.tag_share_within", 2),
        ("method.drop_rule", "strict"),
        ("judging.seed", -1),
    ]
    head, *faults = fault_of(write(tmp_path, *wrong))

    assert head.endswith(" has 4 wrong entries; correct:")
    assert sorted(fault.split(" (line ")[0] for fault in faults) == [
        "  judging.seed",
        "  method.drop_rule",
        "  models.small.bounds.tag_share_within",
        "  sources.mine.shards",
    ]


# In version 0.1 the paper's figures were in the catalogue.
OF_THE_VERSION_BEFORE = """\
method:
  drop_rule: malformed_boundary
  unreadable_verdict: remove
sources:
  capybara:
    title: Capybara
    license: apache-2.0
    path: capybara.jsonl
    rows: 16006
    conversations: 41301
    shards: 6
    columns: {source: string, conversation: [input, output]}
    shape: {kind: input_output, column: conversation}
    exchanges: each
models:
  phi-4:
    served_name: microsoft/phi-4
    license: mit
    engine: vllm
    bounds: {filtered: [0.91, 1.0], aligned: [0.91, 1.0], tag_share_within: 0.10}
    paper:
      started: 806796
      filtered: 774613
      aligned: 773878
      tags: {Role: 745751, Content: 743311, Task: 735298, Action: 662589, Style: 603918,
             Background: 553791, Tool: 90989, Format: 538973}
  ours:
    served_name: us/ours
    license: mit
    engine: vllm
    bounds: {filtered: [0.5, 0.9], aligned: [0.4, 0.8], tag_share_within: 0.10}
    paper:
      started: 1000
      filtered: 800
      aligned: 500
      tags: {Role: 450, Content: 400, Task: 350, Action: 300, Style: 250, Background: 200,
             Tool: 5, Format: 100}
"""


def test_a_catalogue_of_the_version_before_is_read_and_its_figures_are_used(
    tmp_path: Path,
) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text(OF_THE_VERSION_BEFORE)
    catalog = load_catalog(file)
    phi, ours = catalog.models["phi-4"], catalog.models["ours"]

    assert catalog.sources["capybara"].conversations == 41_301
    assert phi.published == load_catalog(FULL_CATALOG).models["phi-4"].published
    assert (phi.filtered_bounds, phi.aligned_bounds) == ((0.91, 1.0), (0.91, 1.0))
    assert ours.published
    assert (ours.published.filtered_share, ours.published.aligned_share) == (0.8, 0.5)
    assert ours.published.tag_share("Tool") == 5 / 800
    assert (ours.filtered_bounds, ours.aligned_bounds) == ((0.5, 0.9), (0.4, 0.8))


def test_figures_in_the_catalogue_go_before_the_paper_s_own(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text(OF_THE_VERSION_BEFORE.replace("filtered: 774613", "filtered: 800000"))
    published = load_catalog(file).models["phi-4"].published

    assert published
    assert published.filtered_share == 800_000 / 806_796


def test_the_variable_names_the_catalogue_unless_a_path_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSGEN_CATALOG", str(write(tmp_path)))

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


def test_request_settings_of_a_phase_that_does_not_exist_are_an_error(tmp_path: Path) -> None:
    place = "models.small.request.phases.anotated_system_messages"
    fault = "is no table that a model is asked for: give some of annotated_system_messages, "
    assert_wrong(tmp_path, ([(place, {"temperature": 0})], place, fault))


SHORT = """\
sources:
  support: {path: rows.jsonl}
models:
  qwen: {base_urls: [http://127.0.0.1:8000/v1], served_name: Qwen/Qwen3-8B}
"""
TURNS = '{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes."}'
CHAT = f'{{"messages": [{TURNS}]}}'


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """A catalogue of four lines, beside its rows."""
    (tmp_path / "rows.jsonl").write_text(f"{CHAT}\n")
    file = tmp_path / "catalog.yaml"
    file.write_text(SHORT)
    return file


def test_four_lines_are_a_whole_catalogue(short: Path) -> None:
    catalog = load_catalog(short)
    source, model = catalog.sources["support"], catalog.models["qwen"]

    assert (source.title, source.license, source.shards) == ("support", "unknown", 1)
    assert (source.path, source.shape.kind) == (short.with_name("rows.jsonl"), "messages")
    assert (model.engine, model.license) == (Engine.ENDPOINT, "unknown")
    assert catalog.method.label == "best"
    assert catalog.mixtures == {"sysgen": Recipe()}
    assert (catalog.judging.preference_rows, catalog.judging.alignment_rows) == (0, 0)


def test_nothing_is_expected_of_a_model_without_bounds(short: Path) -> None:
    model = load_catalog(short).models["qwen"]

    assert model.filtered_bounds == model.aligned_bounds == (0, 1)
    assert model.bounds.tag_share_within == 1


def test_what_is_made_of_four_lines_means_the_same_when_it_is_written_out(short: Path) -> None:
    catalog = load_catalog(short)
    elsewhere = short.parent / "elsewhere"
    elsewhere.mkdir()
    file = elsewhere / "catalog.yaml"
    file.write_text(yaml.safe_dump(catalog.model_dump(mode="json"), sort_keys=False))

    assert load_catalog(file) == catalog


ENGINES = {
    "a-server": ("base_urls: [http://127.0.0.1:8000/v1]", Engine.ENDPOINT),
    "a-server-of-a-file": (
        "base_urls: [http://127.0.0.1:8000/v1], weights: small.gguf",
        Engine.ENDPOINT,
    ),
    "a-file": ("weights: small.Q4_K_M.gguf", Engine.LLAMA_CPP),
    "a-file-in-capitals": ("weights: SMALL.GGUF", Engine.LLAMA_CPP),
    "a-folder": ("weights: /models/small", Engine.VLLM),
    "a-name": ("served_name: org/small", Engine.VLLM),
    "nothing": ("", Engine.VLLM),
    "said": ("base_urls: [http://127.0.0.1:8000/v1], engine: simulated", Engine.SIMULATED),
}


@pytest.mark.parametrize(("fields", "engine"), ENGINES.values(), ids=ENGINES)
def test_the_engine_is_that_of_what_an_entry_names(
    short: Path, fields: str, engine: Engine
) -> None:
    short.write_text(SHORT.replace(SHORT.splitlines()[-1], f"  qwen: {{{fields}}}"))
    model = load_catalog(short).models["qwen"]

    assert model.engine is engine
    assert model.served_name == ("org/small" if "served_name" in fields else "qwen")


@pytest.mark.parametrize("mixtures", ["", "mixtures: {}", "mixtures:", "mixtures: null"])
def test_without_mixtures_there_is_the_paper_s_set(short: Path, mixtures: str) -> None:
    short.write_text(f"{SHORT}{mixtures}\n")

    assert load_catalog(short).mixtures == {"sysgen": Recipe()}


NOTHING_SAID = [
    *("method:", "judging:", "judges:", "training:", "benchmarks:", "filling:"),
    "mixtures: {sysgen: }",
]


@pytest.mark.parametrize("section", NOTHING_SAID)
def test_a_section_or_an_entry_of_which_nothing_is_said_is_as_if_left_out(
    short: Path, section: str
) -> None:
    without = load_catalog(short)
    short.write_text(f"{SHORT}{section}\n")

    assert load_catalog(short) == without


def test_a_model_is_served_by_its_name_where_nothing_is_said_of_it(short: Path) -> None:
    short.write_text(SHORT.replace(SHORT.splitlines()[-1], "  phi-4:"))

    assert load_catalog(short).models["phi-4"].served_name == "phi-4"


def test_a_catalogue_with_mixtures_has_these_alone(short: Path) -> None:
    short.write_text(f"{SHORT}mixtures: {{ours: {{}}}}\n")

    assert list(load_catalog(short).mixtures) == ["ours"]


def _with_section(text: str, name: str, entries: str) -> str:
    """A catalogue with the entries of a section replaced, as one does it in an editor."""
    section = re.compile(rf"(?ms)^{name}:\n(?:[ #].*?\n|\n)*?(?=^\S|\Z)")
    changed, number = section.subn(lambda _: f"{name}:\n{entries}\n\n", text)
    assert number == 1
    return changed


def test_all_that_the_shipped_catalogue_says_of_its_models_is_named_when_they_are_replaced(
    short: Path,
) -> None:
    sources, models = SHORT.splitlines()[1::2]
    text = _with_section(FULL_CATALOG.read_text(), "sources", sources)
    short.write_text(_with_section(text, "models", models))
    head, *faults = fault_of(short)

    assert head.endswith("has 7 wrong entries; correct:")
    assert [fault.split(" (line ")[0].strip() for fault in faults] == [
        "judging.judge",
        "mixtures.distillation.models.0",
        "mixtures.distillation_user_role.models.0",
        *(f"mixtures.multifaceted_{of}.models.0" for of in ("third", "dpo", "orpo", "reward")),
    ]
    assert all("phi-4 is no entry of `models`" in fault for fault in faults)


def test_faults_of_every_kind_and_section_come_at_once_each_with_its_line(short: Path) -> None:
    short.write_text("""\
sources:
  support: {path: gone.jsonl, license: 010}
  faq: {path: rows.jsonl, shard: 3}
  hub: {hub: {repo: a/b, revision: main}}
models:
  qwen: {base_url: ["http://127.0.0.1:8000/v1"]}
  llama: {gpus: [-1], vllm: {api-key: x}, request: {phases: {phase_1: {}}}}
judges:
  qwen: {served_name: q}
judging: {judge: phi-4, seed: -1}
mixtures:
  half: {models: [phi-4], sources: [others], leave_out: [boring], weights: {faq: 1}}
method: {preset: good}
training: {validation: 0.5, test: 0.5}
""")
    _, *faults = fault_of(short)

    assert [fault.split(": ")[0].strip() for fault in faults] == [
        "sources.support.license (line 2)",
        "sources.support.path (line 2)",
        "sources.faq.shard (line 3)",
        "sources.hub.shape (line 4)",
        "sources.hub.hub.revision (line 4)",
        "models.qwen.base_url (line 6)",
        "models.llama.request.phases.phase_1 (line 7)",
        "models.llama.gpus.0 (line 7)",
        "models.llama.vllm (line 7)",
        "judges.qwen (line 9)",
        "judging.judge (line 10)",
        "judging.seed (line 10)",
        "mixtures.half.sources.0 (line 12)",
        "mixtures.half.models.0 (line 12)",
        "mixtures.half.leave_out.0 (line 12)",
        "mixtures.half.weights (line 12)",
        "method.preset (line 13)",
        "training.validation (line 14)",
    ]


MINE = {"sources": {"mine": {"path": "rows.jsonl", "instruction": "prompt"}}, "instructions": 5}


def test_without_the_second_lane_s_section_there_is_no_shard_of_it(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path))

    assert catalog.multifaceted is None
    assert catalog.lane_shards == {"multifaceted": []}
    assert catalog.shards_of == {"mine": 2}
    assert catalog.instruction_sources == []
    assert [list(table.partitions(catalog)) for table in TABLES if table.by.value] == [[]] * 5


def test_the_second_lane_s_shards_are_beside_those_of_the_sources(tmp_path: Path) -> None:
    section = MINE | {"shards": 2}
    catalog = load_catalog(write(tmp_path, ("multifaceted", section)))

    assert catalog.lane_shards["multifaceted"] == ["multifaceted-000", "multifaceted-001"]
    assert catalog.partition_values["shard"] == ["mine-000", "mine-001"]
    assert catalog.shards_of == {"mine": 2, "multifaceted": 2}
    assert [at.key for at in INSTRUCTIONS.partitions(catalog)] == [
        "multifaceted-000",
        "multifaceted-001",
    ]
    assert [at.key for at in PREFERENCE_SETS.partitions(catalog)] == [
        "small|multifaceted-000",
        "small|multifaceted-001",
    ]
    assert catalog.instruction_sources[0].path == tmp_path / "rows.jsonl"
    assert catalog.upstream_files[-1] == catalog.instruction_sources[0]


def test_the_bench_is_written_by_a_model_of_the_catalogue(tmp_path: Path) -> None:
    first = load_catalog(write(tmp_path, ("multifaceted", MINE | {"bench": {"instructions": 2}})))
    assert first.bench_writer == next(iter(first.models.values()))
    assert load_catalog(write(tmp_path, ("multifaceted", MINE))).bench_writer is None

    unknown = MINE | {"bench": {"writer": "nobody"}}
    with pytest.raises(CatalogError, match="is no entry of `models`"):
        load_catalog(write(tmp_path, ("multifaceted", unknown)))


def test_twenty_instructions_of_one_s_own_are_one_shard(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"prompt": "Why?"}\n' * 20)
    section = {"sources": MINE["sources"]}
    catalog = load_catalog(write(tmp_path, ("multifaceted", section)))

    assert catalog.lane_shards["multifaceted"] == ["multifaceted-000"]


def test_a_source_may_have_the_lane_s_name_only_without_it(tmp_path: Path) -> None:
    same = ("sources.multifaceted", SMALL["sources"]["mine"])
    assert "multifaceted" in load_catalog(write(tmp_path, same)).sources

    with pytest.raises(CatalogError, match="shards of the lane `multifaceted`"):
        load_catalog(write(tmp_path, same, ("multifaceted", MINE)))


def test_the_catalogue_that_ships_names_the_sources_of_the_second_paper_and_its_size() -> None:
    section = load_catalog(FULL_CATALOG).multifaceted

    assert section is not None
    assert section.instructions == INSTRUCTIONS_OF_THE_PAPER
    assert [source.repository for source in section.sources.values()] == [
        "berkeley-nest/Nectar",
        "argilla/OpenHermesPreferences",
        "allenai/ultrafeedback_binarized_cleaned",
        "lmsys/chatbot_arena_conversations",
        "github.com/Linear95/DSP",
    ]
    assert all(source.license != "unknown" for source in section.sources.values())
    defaults = section.model_copy(update={"sources": {}}).model_dump()
    assert defaults == Multifaceted(sources=section.sources).model_dump() | {"sources": {}}
