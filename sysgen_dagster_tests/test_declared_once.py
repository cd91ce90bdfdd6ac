"""Facts that have one home: tables, phases, tags, the paper's figures, errors."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sysgen_dagster import errors
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.lanes.sysgen import paper
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES

PACKAGE = Path(errors.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
OTHER_FILES = [
    path for suffix in ("yaml", "js", "css", "j2") for path in sorted(PACKAGE.rglob(f"*.{suffix}"))
]
# The page's script asks its stories for what each phase made, by the name of the phase's table.
NAMES_A_TABLE = {"story.js"}


def literals(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Each text in the code of a module, but for docstrings, and the node around it."""
    tree = ast.parse(path.read_text())
    for parent in ast.walk(tree):
        for node in ast.iter_child_nodes(parent):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and not isinstance(parent, ast.Expr):
                yield parent, node.value


def test_a_phase_s_table_is_named_where_it_is_declared_and_nowhere_else() -> None:
    tables = {phase.table.name for phase in PHASES}
    named = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for _, text in literals(path)
        if text in tables
    }
    named |= {
        path.name for path in OTHER_FILES if any(table in path.read_text() for table in tables)
    }
    assert named == {"lanes/sysgen/tables.py", *NAMES_A_TABLE}


def test_no_table_is_told_from_others_by_its_name() -> None:
    tables = {phase.table.name for phase in PHASES} | {"conversations"}
    compared = [
        f"{path.relative_to(PACKAGE)}: {text}"
        for path in MODULES
        for parent, text in literals(path)
        if isinstance(parent, ast.Compare) and text in tables
    ]
    assert compared == []


def test_there_is_no_second_list_of_the_tags() -> None:
    several = [
        path.name
        for path in [*MODULES, *OTHER_FILES]
        if sum(f'"{tag}"' in path.read_text() for tag in TAG_NAMES) > 2
    ]
    assert several == ["tags.py"]


def test_the_paper_s_counts_are_in_one_file() -> None:
    counts = {
        figure
        for of_model in paper.COUNTS.values()
        for figure in (of_model.started, of_model.filtered, of_model.aligned)
    }
    written = {
        re.sub(r"(?<=\d)(?=(\d{3})+$)", separator, str(count))
        for count in counts
        for separator in ("", "_", ",")
    }
    holders = {
        path.name
        for path in [*MODULES, *OTHER_FILES]
        if written & set(re.findall(r"\d[\d_,]*\d", path.read_text()))
    }
    assert holders == {"paper.py"}


def test_no_function_gets_another_name_where_it_is_imported() -> None:
    renamed = [
        f"{path.relative_to(PACKAGE)}: {alias.name} as {alias.asname}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sysgen_dagster.")
        for alias in node.names
        if alias.name.islower() and alias.asname and not is_module(node, alias)
    ]
    assert renamed == []


def is_module(node: ast.ImportFrom, alias: ast.alias) -> bool:
    place = PACKAGE.parent.joinpath(*f"{node.module}.{alias.name}".split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


@pytest.fixture(scope="module")
def classes() -> dict[str, type[SysgenError]]:
    """Each error that a user can act on, by its name."""
    for path in MODULES:
        # What trains runs where the package is not, and has no error of its tree.
        is_program = path.is_relative_to(PACKAGE / "students" / "program")
        if path.name != "__init__.py" and "objects" not in path.name and not is_program:
            relative = path.relative_to(PACKAGE.parent).with_suffix("")
            importlib.import_module(".".join(relative.parts))

    def below(kind: type[SysgenError]) -> Iterator[tuple[str, type[SysgenError]]]:
        for sub in kind.__subclasses__():
            if sub.__module__.startswith("sysgen_dagster."):
                yield sub.__name__, sub
                yield from below(sub)

    return dict(below(SysgenError))


def test_the_tree_of_errors_is_drawn_as_it_is(classes: dict[str, type[SysgenError]]) -> None:
    drawn: dict[str, str] = {}
    above: list[str] = ["SysgenError"]
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"    ([│ ]*)[├└]── (\w+)", line):
            depth = len(found[1]) // 4 + 1
            above = [*above[:depth], found[2]]
            drawn[found[2]] = above[depth - 1]
    assert drawn == {name: kind.__bases__[0].__name__ for name, kind in classes.items()}


def test_an_error_that_may_come_back_says_so_in_the_tree(
    classes: dict[str, type[SysgenError]],
) -> None:
    lines = re.findall(r"[├└]── (\w+)(.*)", errors.__doc__ or "")
    marked = {name for name, text in lines if "(again)" in text}
    assert marked == {name for name, kind in classes.items() if kind.may_come_back}
