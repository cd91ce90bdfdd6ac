"""The page of the review, as HTML. Rows never stand in the page: its script asks for them."""

import json
from typing import Any

from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.report.contents import METHOD_STEPS
from sysgen_dagster.report.page import fill_template, words_of


def render(settings: dict[str, Any], report: str = "") -> str:
    """The page.

    Args:
        settings: What the script needs to know before it asks for rows; can be written as JSON.
        report: The path of the live report beside it; empty: there is none.
    """
    return fill_template(
        "review/page.html.j2",
        ("report/story.js", "review/page.js"),
        ("report/page.css", "review/page.css"),
        connect="'self'",
        settings=json.dumps(settings),
        report=report,
        words=words_of(TAG_NAMES, METHOD_STEPS),
    )
