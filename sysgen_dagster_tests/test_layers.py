"""The layer rule: imports follow the arrows of `MAY_IMPORT`, all of them downwards."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sysgen_dagster"
TOP = {"forecast", "definitions", "backfill", "demo", "drill", "console", "defs"}
MAY_IMPORT = {
    "catalog": set[str](),
    "sysgen": {"catalog"},
    "analysis": {"catalog", "sysgen"},
    "report": {"catalog", "sysgen", "analysis"},
    "training": {"catalog", "sysgen", "analysis"},
    "export": {"catalog", "sysgen", "training"},
    "inference": {"catalog", "sysgen"},
    "storage": {"catalog", "sysgen"},
    "defs": {
        *{"catalog", "sysgen", "analysis", "report", "training", "export", "inference", "storage"}
    },
    "console": {"catalog", "sysgen", "storage"},
    "definitions": {"defs"},
    "trial": {"catalog"},
    "exclude": {"sysgen", "storage"},
    "upkeep": {
        "catalog",
        "sysgen",
        "inference",
        "storage",
        "console",
        "instance",
        "defs",
        "definitions",
    },
    "forecast": {"catalog", "sysgen", "analysis", "inference", "storage", "defs"},
    "instance": set[str](),
    "backfill": {"catalog", "instance", "defs", "definitions"},
    "demo": {"catalog", "inference", "storage", "console", "trial", "instance", "backfill"},
    "drill": {"catalog", "sysgen", "inference", "storage", "console", "trial", "backfill"},
    "__init__": set[str](),
}
KNOW_DAGSTER = {"instance", "defs", "definitions", "backfill", "upkeep"}
KNOWS_TORCH = PACKAGE / "inference" / "learned_similarity.py"
MODULES = sorted(PACKAGE.rglob("*.py"))


def _layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _broken_rules(layer: str, source: str, knows_torch: bool = False) -> list[str]:
    broken = []
    for name in _imports(source):
        head, _, rest = name.partition(".")
        if head == "sysgen_dagster" and rest:
            other = rest.split(".")[0]
            if other != layer and other not in MAY_IMPORT[layer]:
                broken.append(f"{layer} imports {other}")
        if head == "dagster" and layer not in KNOW_DAGSTER:
            broken.append(f"{layer} imports dagster")
        if head == "vllm" or (head in {"torch", "transformers"} and not knows_torch):
            broken.append(f"{layer} imports {head}")
    return broken


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_keeps_to_its_layer(path: Path) -> None:
    assert _broken_rules(_layer(path), path.read_text(), path == KNOWS_TORCH) == []


@pytest.mark.parametrize(
    ("layer", "source", "broken"),
    [
        ("sysgen", "import dagster as dg", "sysgen imports dagster"),
        ("sysgen", "from sysgen_dagster.inference.client import x", "sysgen imports inference"),
        ("storage", "from sysgen_dagster.inference import x", "storage imports inference"),
        ("inference", "def f():\n    import vllm", "inference imports vllm"),
        ("inference", "def f():\n    import torch", "inference imports torch"),
    ],
)
def test_an_import_against_the_arrows_is_found(layer: str, source: str, broken: str) -> None:
    assert _broken_rules(layer, source) == [broken]


def test_every_module_of_a_lower_layer_has_its_test_file() -> None:
    tests = PACKAGE.parent / "sysgen_dagster_tests"
    modules = [
        path.relative_to(PACKAGE)
        for layer in ("sysgen", "analysis", "report", "training", "export", "inference", "storage")
        for path in (PACKAGE / layer).glob("*.py")
        if path.name not in {"__init__.py", "supervisor.py"}  # supervisor: test_server_process
    ]
    missing = [m for m in modules if not (tests / m.parent / f"test_{m.name}").is_file()]
    assert missing == []
