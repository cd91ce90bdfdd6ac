"""The documents: their links lead somewhere, the files they name are there, and they stay short."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += [ROOT / "prompts" / "README.md", ROOT / "real_rows" / "README.md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(r"`((?:\w+/)+\w+\.(?:py|md|js|html\.j2))`")
# Where a file that is named without a folder of its own may lie.
FOLDERS = (ROOT, ROOT / "sysgen_dagster", ROOT / "sysgen_dagster_tests", ROOT / "docs")
# Decisions are of their day: they may name a file that has gone since.
OF_TODAY = [page for page in PAGES if "decisions" not in page.parts]


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", head.lower()) for head in heads)
    return {head.replace(" ", "-") for head in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_page_and_a_heading_that_are_there(page: Path) -> None:
    dead = []
    for link in LINK.findall(page.read_text()):
        place, _, fragment = link.partition("#")
        if "://" in place:
            continue
        target = page.parent / place if place else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", OF_TODAY, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = FILE.findall(page.read_text())
    gone = [name for name in named if not any((folder / name).exists() for folder in FOLDERS)]
    assert gone == []


def test_the_readme_is_for_a_stranger_and_the_runbook_for_an_evening() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 1_200
    assert len((ROOT / "docs" / "operating.md").read_text().splitlines()) <= 250


def test_every_decision_has_its_number_and_the_three_parts() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    for number, record in enumerate(records, 1):
        text = record.read_text()
        assert record.name.startswith(f"{number:04d}-")
        assert text.startswith(f"# {number}. ")
        assert all(part in text for part in ("**Context.**", "**Decision.**", "**Consequences.**"))
