"""The command `sysgen`: its subcommands, their options, and how each refuses what it cannot do."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.cli import sysgen
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.lanes.catalog import load_catalog

ROOT = Path(__file__).parents[2]
WRITTEN_FOR = ("README.md", "CONTRIBUTING.md", "docs/*.md", "Makefile")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands point their process at a deployment; the tests' own stays as it is."""
    for name in ("SYSGEN_DATA", "SYSGEN_WORK", "SYSGEN_CATALOG", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(sysgen, arguments)


def test_it_says_its_version() -> None:
    assert run("--version").output == f"sysgen, version {version('sysgen-dagster')}\n"


def commands_of(group: click.Group, *before: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by the words that it is called with."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands_of(command, *before, name)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield " ".join((*before, name)), command


COMMANDS = dict(commands_of(sysgen))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_subcommand_explains_itself_and_its_options(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert len(command.get_short_help_str(limit=60)) < 60
    for option in command.params:
        assert isinstance(option, click.Argument) or getattr(option, "help", None)
    shown = run(*name.split(), "--help")
    assert shown.exit_code == 0
    assert "-o, --data DIR" in shown.output


def test_an_option_is_spelled_the_same_in_every_subcommand() -> None:
    names: dict[str, set[tuple[str, ...]]] = {}
    for command in COMMANDS.values():
        for option in command.params:
            names.setdefault(str(option.metavar or option.name), set()).add(tuple(option.opts))
    assert names["DIR"] == {("-o", "--data"), ("--sources",)}
    assert names["NAME"] == {("--model",)}


def test_help_begins_with_what_makes_rows_and_keeps_its_lines_apart() -> None:
    shown = run("--help").output
    assert shown.index("Make rows:") < shown.index("  demo ") < shown.index("Keep order:")
    assert "\n    sysgen demo     runs everything" in shown


def test_help_loads_neither_dagster_nor_polars() -> None:
    program = (
        "import sys\nfrom sysgen_dagster.cli import sysgen\n"
        "sysgen(['demo', '--help'], standalone_mode=False)\n"
        "print(sorted({'dagster', 'polars', 'openai'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--endpoint", "http://127.0.0.1:9"], "--endpoint needs --model"),
        (["demo", "--real", "m", "--model", "m"], "--real starts its own server"),
        (["demo", "--real", "no-such.gguf"], "there is no such file or folder"),
        (["demo", "--method", "repair"], "repair: must be true or false"),
        (["demo", "--method", "luck=1"], "luck: is no field here"),
        (["demo", "--endpoint", "nowhere", "--model", "m"], "must be a URL such as http://HOST"),
        (["demo", "--endpoint", "http://127.0.0.1:9", "--model", "m"], "no OpenAI-compatible"),
        (["demo", "--sources", "."], "has no capybara.parquet, .jsonl, .ndjson, .json, .csv, .tsv"),
        (["demo", "--limit", "0"], "0 is not in the range 1<=x<=1000000000"),
        (["demo", "--data", "s3://bucket/data"], "SYSGEN_WORK to a folder, and start `sysgen ui`"),
        (["demo", "--data", "full"], "full is not empty and holds no trial"),
        (["inventory", "--data", "typo"], "there is no folder"),
        (["report", "--data", "typo"], "there is no folder"),
        (["engines", "--data", "typo"], "there is no folder"),
        (["prune", "--data", "typo"], "there is no folder"),
        (["exclude", "--data", "typo", "ids.txt"], "there is no folder"),
        (["exclude", "--data", "full"], "Missing argument 'IDS_FILE'"),
        (["exclude", "--data", "full", "ids.txt"], "ids.txt cannot be read"),
        (["ui", "--data", "s3://bucket/data"], "set SYSGEN_WORK to a folder"),
        (["evaluate"], "give the name of a benchmark, or --list"),
        (["evaluate", "sysbench", "--data", "typo"], "there is no folder"),
        (["evaluate", "multifacet", "--sheet", "a.xlsx"], "of `sysgen evaluate sysbench`, alone"),
        (["evaluate", "sysbench", "--sheet", "no.xlsx"], "there is no file no.xlsx"),
        (["evaluate", "sysbench", "--sheet", "full"], "there is no file full"),
        (["review", "bench"], "give filled sheets, or --write FILE"),
        (["review", "bench", "a.csv", "--write", "b.csv"], "give filled sheets, or --write FILE"),
        (["review", "--data", "typo", "bench", "a.csv"], "options stand behind `bench`"),
        (["review", "bench", "--data", "typo", "a.csv"], "there is no folder"),
        (["drill", "--share", "0.5"], "0.5 is not in the range 0<x<=0.12"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_one_message_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code in {1, 2}
    assert message in " ".join(result.output.split())
    assert isinstance(result.exception, SystemExit)
    assert not list(tmp_path.rglob("*.parquet"))
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_another_deployment_s_settings_are_not_taken_for_this_one_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSGEN_DATA", str(tmp_path / "other"))
    monkeypatch.setenv("SYSGEN_WORK", str(tmp_path / "other"))
    result = run("prune", "--data", str(tmp_path), "--apply")
    assert result.exit_code == 1
    assert "may belong to that" in result.output


def test_the_settings_for_one_s_own_dagster_processes_are_a_line_for_a_shell(
    tmp_path: Path,
) -> None:
    data = tmp_path / "our data"
    result = run("ui", "--data", str(data), "--print-settings")
    assert result.exit_code == 0, result.output
    [exported] = result.output.splitlines()
    settings, _, workspace = exported.rpartition(" SYSGEN_WORKSPACE=")
    assert settings == f"export DAGSTER_HOME='{data}/dagster_home' SYSGEN_DATA='{data}'"
    assert Path(workspace).is_file()
    assert (data / "dagster_home" / "dagster.yaml").is_file()


def test_a_demo_does_not_take_over_a_deployment_with_a_catalogue_of_its_own(
    tmp_path: Path,
) -> None:
    own = FULL_CATALOG.read_text()
    (tmp_path / "catalog.yaml").write_text(own)
    result = run("demo", "--data", str(tmp_path))
    assert result.exit_code == 1
    assert "holds no trial of these sources" in " ".join(result.output.split())
    assert (tmp_path / "catalog.yaml").read_text() == own


def test_a_trial_is_begun_again_in_its_own_folder(tmp_path: Path) -> None:
    trial = local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS)
    begin_deployment(trial, tmp_path)
    begun = (tmp_path / "catalog.yaml").stat().st_mtime_ns
    begin_deployment(trial, tmp_path)
    assert load_catalog(tmp_path / "catalog.yaml").sources.keys() == trial.sources.keys()
    # What is older than the catalogue would be made again.
    assert (tmp_path / "catalog.yaml").stat().st_mtime_ns == begun


def test_the_servers_of_a_deployment_are_listed_and_ended(tmp_path: Path) -> None:
    assert run("engines", "--data", str(tmp_path)).output.endswith("no server runs.\n")


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("demo", "sysgen demo"),
        ("test", "-m pytest"),
        ("dev", "sysgen ui"),
        ("check", "ruff check ."),
        ("engines-down", "sysgen engines"),
        ("drill", "sysgen drill"),
        ("forecast", "sysgen forecast"),
    ],
)
def test_the_makefile_has_the_commands_of_the_documents(target: str, command: str) -> None:
    planned = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    pages = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    assert command in planned
    assert f"make {target}" in pages


def test_the_documents_name_no_module_to_be_run() -> None:
    pages = [page for pattern in WRITTEN_FOR for page in ROOT.glob(pattern)]
    assert [page.name for page in pages if "python -m sysgen_dagster" in page.read_text()] == []
