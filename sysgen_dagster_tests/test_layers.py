"""The house rules of the package: which room may import which, and how long a piece of code may be.

`LAYERS`, `BESIDE` and `LIBRARIES` are the rule, once. `docs/architecture.md` prints it as a table;
`UPDATE_GOLDEN=1` writes that table again.
"""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sysgen_dagster"
TESTS = ROOT / "sysgen_dagster_tests"
MODULES = sorted(PACKAGE.rglob("*.py"))

# A room may import those in the lines below its own, not those beside it in its line.
LAYERS = (
    ("cli",),
    ("commands",),
    ("definitions",),
    ("defs",),
    ("review",),
    ("students",),
    ("report",),
    ("evaluation", "training_sets"),
    ("analysis",),
    ("lanes",),
    ("obedience",),
    ("sources",),
    ("storage",),
    ("chat", "tables"),
    ("catalog",),
    ("errors",),
)
# Three rooms stand beside the layers: what each may import, and which rooms may import it.
BESIDE = {
    "inference": ({"chat", "tables", "catalog", "processes", "errors"}, {"defs", "commands"}),
    "processes": ({"errors"}, {"inference", "evaluation", "students", "defs", "commands"}),
    # A program: it is started, never imported.
    "simulated": ({"lanes", "obedience", "evaluation", "chat", "catalog"}, set[str]()),
}
# Inside the rooms that have rooms of their own: no arrow between these, in this direction.
NEVER = {
    "lanes/*": {"lanes/*"},
    "defs/plumbing": {"defs", "defs/operations", "defs/evaluation"},
    "defs/evaluation": {"defs/operations"},
    "defs": {"defs/operations"},
}
# Outside these rooms nobody imports the library; vLLM is a command that is found by its path.
LIBRARIES = {
    "dagster": {"defs", "definitions", "commands"},
    "aiohttp": {"inference", "simulated"},
    "httpx2": {"inference"},
    "openai": {"inference"},
    "torch": {"analysis", "students/program"},
    "transformers": {"analysis", "students/program"},
    "trl": {"students/program"},
    "vllm": set[str](),
}
# A program that runs where the package is not: it imports its siblings, by relative imports, and of
# the package nothing; nobody imports it.
STANDALONE = "students/program"
ROOMS = [room for layer in LAYERS for room in layer] + list(BESIDE)

LONGEST_MODULE, LONGEST_FUNCTION = 300, 40
# Each with the reason why it is longer.
LONG_MODULES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}
# Modules that import what their caller names, and only ever a library of an optional extra.
IMPORT_BY_NAME = {"analysis/pretrained.py", "report/drawing.py"}


def room_of(path: Path) -> str:
    """The room of a module: its first folder, or its own name where it lies at the top."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def place_of(path: Path) -> str:
    """The room with the room inside it, such as ``defs/plumbing``."""
    folders = path.relative_to(PACKAGE).parts[:-1] or (room_of(path),)
    return "/".join(folders[:2])


def allowed(room: str) -> set[str]:
    """The rooms that a room may import."""
    if room in BESIDE:
        return BESIDE[room][0]
    at = next(number for number, layer in enumerate(LAYERS) if room in layer)
    below = {other for layer in LAYERS[at + 1 :] for other in layer}
    return below | {other for other, (_, importers) in BESIDE.items() if room in importers}


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that a module imports, wherever it does, also by `importlib`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "." * node.level + (node.module or "")
                continue
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                yield inside if module_file(inside) else str(node.module)
        elif isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__"}:
            name = node.args[0]
            yield name.value if isinstance(name, ast.Constant) else "a name that is computed"


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def module_file(name: str) -> Path | None:
    """The file of a module of the package; None where the name is none of a module."""
    if name.split(".")[0] != PACKAGE.name:
        return None
    path = ROOT.joinpath(*name.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def broken_rules(path: Path, source: str) -> list[str]:
    """What a module at this path imports and may not."""
    return [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for name in imports(ast.parse(source))
        if not _may_import(path, name)
    ]


def _may_import(path: Path, name: str) -> bool:
    if name == "a name that is computed":
        return str(path.relative_to(PACKAGE)) in IMPORT_BY_NAME
    is_standalone = place_of(path) == STANDALONE
    if name.startswith("."):
        return is_standalone and not name.startswith("..")
    file, room = module_file(name), room_of(path)
    if file is None:
        library = name.split(".")[0]
        return library not in LIBRARIES or bool({room, place_of(path)} & LIBRARIES[library])
    if is_standalone or place_of(file) == STANDALONE:
        return False
    other = room_of(file)
    if other == "__init__" or room == "__init__":
        return True
    if other != room:
        return other in allowed(room)
    here, there = place_of(path), place_of(file)
    is_lane = here.startswith("lanes/") and there.startswith("lanes/")
    return here == there or not (is_lane or there in NEVER.get(here, ()))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_keeps_to_the_arrows(path: Path) -> None:
    assert broken_rules(path, path.read_text()) == []


@pytest.mark.parametrize(
    ("at", "source"),
    [
        ("tables/table.py", "import dagster as dg"),
        ("storage/store.py", "from sysgen_dagster.inference.client import complete"),
        ("storage/store.py", "from sysgen_dagster import inference"),
        ("storage/store.py", "import importlib\nimportlib.import_module('sysgen_dagster.defs')"),
        ("storage/store.py", "name = 'x'\nimport importlib\nimportlib.import_module(name)"),
        ("inference/client.py", "def ask():\n    import vllm"),
        ("processes/state.py", "from sysgen_dagster.inference.client import complete"),
        ("training_sets/rows.py", "from sysgen_dagster.processes.state import running"),
        ("inference/client.py", "def ask():\n    import torch"),
        ("inference/client.py", "from sysgen_dagster.lanes.sysgen.phases import PHASES"),
        (
            "evaluation/scores.py",
            "from sysgen_dagster.training_sets.rows import build_training_rows",
        ),
        ("training_sets/rows.py", "from sysgen_dagster.report import page"),
        ("report/page.py", "from sysgen_dagster import inference"),
        ("defs/plumbing/metadata.py", "from sysgen_dagster.defs import exports"),
        ("defs/plumbing/metadata.py", "from sysgen_dagster.defs.operations.alerts import ALERTS"),
        ("defs/exports.py", "from sysgen_dagster.defs.operations import automation"),
        ("lanes/multifaceted/a.py", "from sysgen_dagster.lanes.sysgen import phases"),
        ("commands/demo.py", "from sysgen_dagster.simulated import server"),
        ("chat/prompts.py", "from sysgen_dagster.tables.table import Table"),
        ("chat/prompts.py", "from . import messages"),
        ("students/launching.py", "import torch"),
        ("students/launching.py", "from sysgen_dagster.students.program import arguments"),
        ("students/program/rows.py", "from sysgen_dagster.errors import SysgenError"),
        ("students/program/rows.py", "from ..launching import start_or_attach"),
        ("students/program/rows.py", "import dagster"),
    ],
)
def test_an_import_against_the_arrows_is_found(at: str, source: str) -> None:
    assert len(broken_rules(PACKAGE / at, source)) == 1


@pytest.mark.parametrize(
    ("at", "source"),
    [
        ("report/page.py", "from sysgen_dagster.errors import SysgenError"),
        ("defs/operations/alerts.py", "from sysgen_dagster.defs import exports"),
        ("defs/exports.py", "import dagster\nfrom sysgen_dagster.defs.plumbing import checks"),
        ("lanes/catalog.py", "from sysgen_dagster.lanes.sysgen.settings import Method"),
        ("commands/demo.py", "def f():\n    from sysgen_dagster import inference"),
        ("students/program/rows.py", "import torch\nfrom .templates import Template"),
        ("analysis/pretrained.py", "import importlib\nimportlib.import_module(name)"),
    ],
)
def test_an_import_along_the_arrows_is_left_alone(at: str, source: str) -> None:
    assert broken_rules(PACKAGE / at, source) == []


def test_every_folder_is_a_room_of_the_rule() -> None:
    found = {room_of(path) for path in MODULES} - {"__init__"}
    assert found == set(ROOMS)


def test_the_documents_print_the_rule() -> None:
    page = ROOT / "docs" / "architecture.md"
    text = page.read_text()
    with_rule = re.sub(
        r"(<!-- the rule: begin -->\n).*?(<!-- the rule: end -->)",
        lambda found: found[1] + rule_as_markdown() + found[2],
        text,
        flags=re.DOTALL,
    )
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(with_rule)
    assert rule_as_markdown() in text or os.environ.get("UPDATE_GOLDEN")


def rule_as_markdown() -> str:
    """The rule as a table: one line a room, and a mark under each room that it may import."""
    heads = "".join(f" {room} |" for room in ROOMS)
    lines = [f"| imports |{heads}", "|---|" + ":-:|" * len(ROOMS)]
    for room in ROOMS:
        marks = ("•" if other in allowed(room) else "" for other in ROOMS)
        lines.append(f"| **{room}** |" + "".join(f" {mark} |" for mark in marks))
    return "\n".join(lines) + "\n"


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lines = {str(p.relative_to(PACKAGE)): len(p.read_text().splitlines()) for p in MODULES}
    long = {name for name, count in lines.items() if count > LONGEST_MODULE}
    assert long == set(LONG_MODULES)


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{path.relative_to(PACKAGE)}: {function.name}"
        for path in MODULES
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and _lines_of(function) > LONGEST_FUNCTION
    }
    assert long == set(LONG_FUNCTIONS)


def _lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without those of the docstring."""
    described = function.body[0] if ast.get_docstring(function) else None
    docstring = (described.end_lineno or 0) - described.lineno + 1 if described else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def test_a_long_function_is_found() -> None:
    [function] = ast.parse('def f() -> int:\n    """Says.\n\n    More.\n    """\n    return 1').body
    assert isinstance(function, ast.FunctionDef)
    assert _lines_of(function) == 2


def test_every_module_below_the_assets_has_its_test_file() -> None:
    above = {"cli", "definitions", "commands", "defs", "errors", "__init__"}
    # These declare and compute nothing; `defs/plumbing/test_tables.py` holds all tables at once.
    declarations = {"__init__.py", "tables.py", "columns.py"}
    modules = [p for p in MODULES if room_of(p) not in above and p.name not in declarations]
    missing = [
        str(path.relative_to(PACKAGE))
        for path in modules
        if not (TESTS / path.relative_to(PACKAGE).parent / f"test_{path.name}").is_file()
    ]
    assert missing == []
